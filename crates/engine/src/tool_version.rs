//! Which version of a program is on this machine, in its own words.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use firstlight_domain::{facts::Facts, id::StepId};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::Engine,
    host::Host,
    process::{self, Output, Process},
    provider::Context,
};

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// Programs that do not say it when they are asked `--version`.
const ASKED_OTHERWISE: &[(&str, &[&str])] = &[
    ("go", &["version"]),
    ("helm", &["version", "--short"]),
    ("kubectl", &["version", "--client"]),
    ("openssl", &["version"]),
];

/// What a program says of its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolVersion {
    /// There is no such program.
    Absent,
    /// This one.
    Found(String),
    /// It is there, and does not say, with why.
    Unknown(String),
}

impl Engine {
    /// Asks programs for their versions: starts each that is on `PATH`, with one or two fixed arguments, no shell, no
    /// administrator rights. Needs a tokio runtime.
    pub async fn tool_versions<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        facts: &Facts,
        host: Arc<dyn Host>,
    ) -> BTreeMap<String, ToolVersion> {
        let cancel = CancellationToken::new();
        let around = Self::around(host, false, None, &cancel);
        let mut found = BTreeMap::new();
        for name in names {
            let Ok(step) = StepId::new(&name.replace('+', "-")) else { continue };
            let cx = Context {
                step,
                host: Arc::clone(&around.host),
                facts: Arc::new(facts.clone()),
                cancel: cancel.clone(),
                timeout: PATIENCE,
                output: Output::discard(),
                secret_env: Vec::new(),
                secret_stdin: None,
                plan: None,
                interactive: false,
                prompts: Arc::clone(&around.prompts),
                listed_hosts: Arc::from([]),
                run: None,
            };
            found.insert(name.to_owned(), ask(&cx, name).await);
        }
        found
    }
}

async fn ask(cx: &Context, name: &str) -> ToolVersion {
    let arguments = ASKED_OTHERWISE.iter().find(|(known, _)| *known == name);
    let arguments = arguments.map_or(&["--version"][..], |(_, arguments)| *arguments);
    let asked = Process::new(name).args(arguments.iter().copied());
    if !asked.is_there() {
        return ToolVersion::Absent;
    }
    let line = format!("`{name} {}`", arguments.join(" "));
    match process::quick(cx, asked).await {
        Ok(exit) if exit.ok() => match version_in(&exit.text()) {
            Some(version) => ToolVersion::Found(version),
            None => ToolVersion::Unknown(format!("{line} prints no version")),
        },
        Ok(exit) => ToolVersion::Unknown(format!("{line} ended with code {}", exit.code)),
        Err(failure) => ToolVersion::Unknown(failure.cause),
    }
}

/// The first version in what a program prints: numbers with a dot between, or else a number by itself.
fn version_in(printed: &str) -> Option<String> {
    let separates =
        |sign: char| sign.is_whitespace() || matches!(sign, '(' | ')' | ',' | ';' | '"' | '\'' | '/' | ':');
    let words = || printed.split(separates).filter(|word| !word.is_empty());
    let dotted = words().find_map(|word| {
        let starts = word.char_indices().filter(|(at, sign)| {
            sign.is_ascii_digit()
                && !word[..*at].ends_with(|before: char| before.is_ascii_digit() || before == '.')
        });
        starts.map(|(at, _)| version_at(&word[at..])).find(|version| {
            version
                .split_once('.')
                .is_some_and(|(_, rest)| rest.starts_with(|sign: char| sign.is_ascii_digit()))
        })
    });
    let alone = || words().find(|word| word.chars().all(|sign| sign.is_ascii_digit()));
    dotted.or_else(alone).map(str::to_owned)
}

/// A version from the start of a word, as long as it goes.
fn version_at(word: &str) -> &str {
    let part = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_' | '+' | '~');
    let end = word.find(|sign| !part(sign)).unwrap_or(word.len());
    word[..end].trim_end_matches(['.', '-', '_', '+', '~'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_print() {
        for (printed, version) in [
            ("git version 2.39.2", Some("2.39.2")),
            ("git version 2.39.3 (Apple Git-145)", Some("2.39.3")),
            ("v20.11.1", Some("20.11.1")),
            ("Python 3.11.2", Some("3.11.2")),
            ("go version go1.22.1 linux/amd64", Some("1.22.1")),
            ("cargo 1.90.0 (840b83a10 2025-07-30)", Some("1.90.0")),
            ("Docker version 24.0.7, build afdd53b", Some("24.0.7")),
            ("jq-1.6", Some("1.6")),
            ("OpenSSL 1.1.1w  11 Sep 2023 (Library: OpenSSL 1.1.1w  11 Sep 2023)", Some("1.1.1w")),
            ("openjdk 17.0.9 2023-10-17", Some("17.0.9")),
            ("less 590 (GNU regular expressions)", Some("590")),
            ("Copyright by nobody", None),
            ("", None),
        ] {
            assert_eq!(version_in(printed).as_deref(), version, "{printed}");
        }
    }
}
