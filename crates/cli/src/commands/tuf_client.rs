//! `firstlight tuf-client`: hidden, for the conformance suite of The Update Framework (`cargo xtask conformance`).

use std::process::ExitCode;

use firstlight_app::{AppError, TufClient};
use firstlight_contract::error::Code;
use jiff::Timestamp;

use crate::args;

pub(super) async fn run(asked: args::TufClient) -> anyhow::Result<ExitCode> {
    let client = TufClient::at(asked.metadata_dir);
    let needed = |option: &str| {
        AppError::new(Code::Usage, format!("`{option}` is needed for this."))
            .hint("See the protocol of tuf-conformance, CLIENT-CLI.md.")
    };
    let metadata = asked.metadata_url.ok_or_else(|| needed("--metadata-url"));
    match asked.command {
        args::TufCommand::Init { root } => client.init(&root)?,
        args::TufCommand::Refresh => client.refresh(&metadata?, Timestamp::now()).await?,
        args::TufCommand::Download => {
            let targets = asked.target_base_url.ok_or_else(|| needed("--target-base-url"))?;
            let into = asked.target_dir.ok_or_else(|| needed("--target-dir"))?;
            client.download(&metadata?, &targets, &asked.target_name, &into, Timestamp::now()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
