//! What tells that something which keeps running is ready: an address that answers, a port that accepts, a command that
//! succeeds.

use std::path::Path;

use firstlight_domain::{
    kind::WithError,
    pack::Probe,
    plan::{CommandLine, Purpose},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::with::{is_unresolved, wrong};
use crate::{
    probe::{self, Reach},
    process::{self, Process},
    provider::Context,
};

/// What tells that a service is ready: one of these.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ready {
    /// An address that answers with `status`.
    #[serde(default)]
    pub http: Option<String>,
    /// The status expected; any 2xx if not said.
    #[serde(default)]
    pub status: Option<u16>,
    /// A `host:port` that accepts a connection.
    #[serde(default)]
    pub tcp: Option<String>,
    /// A command that exits 0.
    #[serde(default)]
    pub command: Option<Vec<String>>,
}

impl Ready {
    /// Whether it asks exactly one thing, of something that can be asked.
    pub(super) fn consistent(&self) -> Result<(), WithError> {
        let asked = [self.http.is_some(), self.tcp.is_some(), self.command.is_some()]
            .iter()
            .filter(|one| **one)
            .count();
        if asked != 1 {
            return Err(wrong("ready", "needs one of `http`, `tcp` and `command`"));
        }
        if let Some(http) = self.http.as_ref().filter(|http| !is_unresolved(http)) {
            let scheme = url::Url::parse(http).map(|url| url.scheme().to_owned());
            if !matches!(scheme.as_deref(), Ok("http" | "https")) {
                return Err(wrong("ready.http", format!("`{http}` is not an http address")));
            }
        }
        Ok(())
    }

    /// Where it answers, for people and as the output `url`; empty where a command tells.
    pub(super) fn place(&self) -> String {
        if let Some(address) = &self.http {
            return url::Url::parse(address)
                .map_or_else(|_| address.clone(), |url| url.origin().ascii_serialization());
        }
        self.tcp.as_ref().map(|address| format!("tcp://{address}")).unwrap_or_default()
    }

    /// The command that asks, if it is one, run in this folder.
    pub(super) fn line(&self, folder: &Path) -> Option<CommandLine> {
        self.command.as_ref().map(|argv| Process::of(argv).cwd(folder).line(Purpose::Ready))
    }

    /// Asks once; a command runs in this folder.
    pub(super) async fn holds(&self, cx: &Context, folder: &Path) -> Result<bool, Failure> {
        if let Some(argv) = &self.command {
            let process = Process::of(argv).cwd(folder).timeout(probe::PATIENCE);
            return Ok(process.is_there() && process::quick(cx, process).await?.ok());
        }
        let Self { http, status, tcp, command } = self.clone();
        probe::ask(cx, &Probe { http, status, tcp, command }, Reach::Own).await
    }
}
