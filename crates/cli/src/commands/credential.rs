//! `firstlight credential`

use std::{
    io::{self, IsTerminal, Read},
    process::ExitCode,
};

use firstlight_app::Access;
use firstlight_contract::credential::CredentialView;
use secrecy::SecretString;

use super::{open, read, read_secret, use_pack};
use crate::{args::Credential, output::Output, words};

/// No credential is longer; a pipe that never ends must not fill the memory.
const LONGEST: u64 = 64 * 1024;

pub(super) async fn run(command: Credential, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Credential::Set(named) => {
            let app = open(Access::Change, output)?;
            use_pack(&app, named.pack.as_deref(), output)?;
            let value = value("Value (not shown): ", output).await?;
            let stored = app.store_credential(&named.name, value).await?;
            tell(&stored, "is in the keychain", output)?;
        }
        Credential::Test(named) => {
            let app = open(Access::Change, output)?;
            use_pack(&app, named.pack.as_deref(), output)?;
            let tested = app.test_credential(&named.name).await?;
            if output.is_json() {
                output.value(&tested)?;
            } else {
                let reason =
                    tested.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
                output.line(format!(
                    "{} {}{reason}",
                    named.name,
                    if tested.ok { "works" } else { "was refused" }
                ))?;
                output.quote(&tested.last_lines)?;
            }
            return Ok(if tested.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Credential::List { pack, .. } => {
            let app = open(Access::Read, output)?;
            use_pack(&app, pack.as_deref(), output)?;
            let all = app.credentials()?;
            if output.is_json() {
                output.value(&all)?;
            } else if all.is_empty() {
                output.line("No credentials are asked for, and none are known.")?;
            }
            for one in all.iter().filter(|_| !output.is_json()) {
                let expires = one
                    .expires_at
                    .as_deref()
                    .map_or_else(String::new, |at| format!(", expires {}", words::moment(at)));
                let present = if one.present { "in the keychain" } else { "not stored" };
                output.line(format!("{}: {}, {present}{expires}", one.name, one.title))?;
            }
        }
        Credential::Remove(named) => {
            let app = open(Access::Change, output)?;
            use_pack(&app, named.pack.as_deref(), output)?;
            let removed = app.remove_credential(&named.name).await?;
            tell(&removed, "is no longer in the keychain", output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(credential: &CredentialView, what: &str, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.value(credential)
    } else {
        output.line(format!("{} {what}.", credential.name))
    }
}

/// The value, from a prompt that shows nothing or from standard input; the line break at its end is not part of it.
pub(super) async fn value(prompt: &str, output: Output) -> anyhow::Result<SecretString> {
    if io::stdin().is_terminal() {
        return read_secret(prompt, output).await;
    }
    let mut text = read(|| {
        let mut text = String::new();
        io::stdin().take(LONGEST).read_to_string(&mut text).map(|_| text)
    })
    .await?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(SecretString::from(text))
}
