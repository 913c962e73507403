//! `firstlight enroll`

use std::{path::PathBuf, process::ExitCode};

use firstlight_app::{Access, AppError, TrustedRoot};
use firstlight_contract::error::Code;

use super::{open, update};
use crate::output::Output;

pub(super) async fn run(
    url: &str,
    pack: &str,
    root: Option<PathBuf>,
    root_sha256: Option<String>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let trusted = root.map(TrustedRoot::File).or(root_sha256.map(TrustedRoot::Sha256)).ok_or_else(|| {
        AppError::new(Code::Usage, "A repository cannot vouch for itself.")
            .hint("Name the root to trust: `--root FILE`, or `--root-sha256 HEX`.")
    })?;
    let app = open(Access::Change, output)?;
    let progress = update::Progress::new(output);
    let update = app.enroll(url, pack, &trusted, &|done, all| progress.show(done, all)).await;
    progress.end();
    let update = update?;
    if output.is_json() {
        output.value(&update)?;
    } else {
        output.line(format!("This machine receives `{pack}` from {url} from now on."))?;
        update::show(&update, output)?;
        if update.current.is_some() {
            output.line("Next: firstlight plan")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
