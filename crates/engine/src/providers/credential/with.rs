//! What a pack says of a credential, and what can be told of it without looking at anything.

use std::{net::IpAddr, path::PathBuf};

use firstlight_domain::{facts::Facts, id::CredentialName, kind::WithError, span};
use reqwest::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use super::value::{MAX_UTF16_UNITS, MIN_BYTES, whole_match};
use crate::{
    process::Process,
    providers::{
        path, paths,
        with::{Parameters, is_unresolved, one_line, variable, wrong},
    },
};

/// Parameters of `credential`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Credential")]
pub struct With {
    /// Its name in the keychain, and in `secrets` of the steps that use it. No expressions.
    #[schemars(with = "String")]
    pub name: CredentialName,
    /// What to call it; its name if not said.
    #[serde(default)]
    pub title: Option<String>,
    /// Who issues it.
    #[serde(default)]
    pub issuer: Option<String>,
    /// How long it is good after it was stored: `90d`.
    #[serde(default)]
    pub expires_in: Option<String>,
    /// Make a random value where there is none.
    #[serde(default)]
    pub generate: Option<Generate>,
    /// A regular expression that the whole value must match.
    #[serde(default)]
    pub pattern: Option<String>,
    /// How to find out whether a value is good, before it is stored.
    #[serde(default)]
    pub test: Option<Test>,
}

/// How to make a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "CredentialGenerate")]
pub struct Generate {
    /// How many letters and digits, 8 to 1280.
    pub length: usize,
}

/// How to try a value: a `command` that exits 0, or an address (`http`) that answers with success.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "CredentialTest")]
pub struct Test {
    /// Program and arguments. The value is never among them.
    pub command: Option<Vec<String>>,
    /// The folder `command` runs in; the home folder if not said.
    pub cwd: Option<String>,
    /// The environment variable that `command` finds the value in.
    pub env: Option<String>,
    /// Whether `command` reads the value from standard input.
    pub stdin: bool,
    /// An address that is asked with the value in a header: `https://`, or `http://` on this machine.
    pub http: Option<String>,
    /// The header; `Authorization` if not said.
    pub header: Option<String>,
    /// What stands before the value in the header; `"Bearer "` for `Authorization`, nothing for others.
    pub prefix: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if let Some(span) = self.expires_in.as_deref().filter(|span| !is_unresolved(span)) {
            span::parse(span).map_err(|error| wrong("expires-in", error.to_string()))?;
        }
        if let Some(Generate { length }) = self.generate
            && !(MIN_BYTES..=MAX_UTF16_UNITS).contains(&length)
        {
            return Err(wrong("generate.length", format!("should be {MIN_BYTES} to {MAX_UTF16_UNITS}")));
        }
        if let Some(pattern) = self.pattern.as_deref().filter(|pattern| !is_unresolved(pattern)) {
            whole_match(pattern).map_err(|error| wrong("pattern", error.to_string()))?;
        }
        self.test.as_ref().map_or(Ok(()), Test::consistent)
    }
}

impl With {
    /// What to call it.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(self.name.as_str())
    }
}

impl Test {
    fn consistent(&self) -> Result<(), WithError> {
        match (&self.command, &self.http) {
            (Some(argv), None) => self.command_consistent(argv),
            (None, Some(address)) => self.http_consistent(address),
            (Some(_), Some(_)) => Err(wrong("test", "has both `command` and `http`; one is enough")),
            (None, None) => Err(wrong("test", "should have `command` or `http`")),
        }
    }

    fn command_consistent(&self, argv: &[String]) -> Result<(), WithError> {
        if argv.first().is_none_or(String::is_empty) {
            return Err(wrong("test.command", "names no program"));
        }
        if self.header.is_some() || self.prefix.is_some() {
            return Err(wrong("test", "`header` and `prefix` go with `http`"));
        }
        if let Some(cwd) = &self.cwd {
            paths::check_machine("test.cwd", cwd)?;
        }
        match (&self.env, self.stdin) {
            (Some(name), false) => variable("test.env", name),
            (None, true) => Ok(()),
            (Some(_), true) => Err(wrong("test", "has both `env` and `stdin`; one is enough")),
            (None, false) => {
                Err(wrong("test", "should say how the command gets the value: `env: NAME` or `stdin: true`"))
            }
        }
    }

    fn http_consistent(&self, address: &str) -> Result<(), WithError> {
        if self.cwd.is_some() || self.env.is_some() || self.stdin {
            return Err(wrong("test", "`cwd`, `env` and `stdin` go with `command`"));
        }
        if let Some(header) = self.header.as_deref().filter(|header| !is_unresolved(header))
            && HeaderName::from_bytes(header.as_bytes()).is_err()
        {
            return Err(wrong("test.header", format!("`{header}` is not the name of a header")));
        }
        if let Some(prefix) = &self.prefix {
            one_line("test.prefix", prefix)?;
        }
        if is_unresolved(address) {
            return Ok(());
        }
        let url = Url::parse(address).map_err(|error| wrong("test.http", format!("`{address}`: {error}")))?;
        let fine = match url.scheme() {
            "https" => true,
            "http" => is_this_machine(&url),
            _ => false,
        };
        if fine {
            Ok(())
        } else {
            Err(wrong("test.http", format!("`{address}` should start with https://: a secret is sent there")))
        }
    }

    pub(super) fn header_name(&self) -> &str {
        self.header.as_deref().unwrap_or("Authorization")
    }

    pub(super) fn header_prefix(&self) -> &str {
        match &self.prefix {
            Some(prefix) => prefix,
            None if self.header_name().eq_ignore_ascii_case("Authorization") => "Bearer ",
            None => "",
        }
    }

    /// The command, without the value.
    pub(super) fn process(&self, argv: &[String], facts: &Facts) -> Process {
        let cwd = self.cwd.as_ref().map_or_else(|| PathBuf::from(&facts.home), |cwd| path(cwd, facts));
        Process::of(argv).cwd(cwd)
    }

    pub(super) fn is_unresolved(&self) -> bool {
        let texts = self.command.iter().flatten().chain(&self.cwd).chain(&self.env).chain(&self.http);
        texts.chain(&self.header).chain(&self.prefix).any(|text| is_unresolved(text))
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::with;

    fn wrong_at(with: &Value) -> String {
        with::accepts::<With>(with).unwrap_err().path
    }

    #[test]
    fn what_is_asked_holds_together() {
        let good = [
            json!({ "name": "a" }),
            json!({ "name": "a", "generate": { "length": 24 }, "expires-in": "90d", "issuer": "IT", "title": "Token" }),
            json!({ "name": "a", "pattern": "ghp_[A-Za-z0-9]{36}", "test": { "http": "https://api.acme.test/user" } }),
            json!({ "name": "a", "test": { "http": "http://127.0.0.1:8080/", "header": "X-Token", "prefix": "" } }),
            json!({ "name": "a", "test": { "command": ["true"], "stdin": true, "cwd": "~/x" } }),
            json!({ "name": "a", "test": { "command": ["true"], "env": "TOKEN" } }),
        ];
        for with in good {
            assert_eq!(with::accepts::<With>(&with), Ok(()), "{with}");
        }
        let test = |test: Value| wrong_at(&json!({ "name": "a", "test": test }));
        assert_eq!(wrong_at(&json!({ "name": "a b" })), "name");
        assert_eq!(wrong_at(&json!({ "name": "a", "generate": { "length": 4 } })), "generate.length");
        assert_eq!(wrong_at(&json!({ "name": "a", "expires-in": "soon" })), "expires-in");
        assert_eq!(wrong_at(&json!({ "name": "a", "pattern": "(" })), "pattern");
        assert_eq!(wrong_at(&json!({ "name": "a", "pattern": "a)(b" })), "pattern");
        assert_eq!(wrong_at(&json!({ "name": "a", "value": "hunter2hunter2" })), "value");
        assert_eq!(test(json!({})), "test");
        assert_eq!(test(json!({ "command": ["true"] })), "test");
        assert_eq!(test(json!({ "command": [], "stdin": true })), "test.command");
        assert_eq!(test(json!({ "command": ["true"], "stdin": true, "env": "A" })), "test");
        assert_eq!(test(json!({ "command": ["true"], "env": "A B" })), "test.env");
        assert_eq!(test(json!({ "command": ["true"], "http": "https://a.test" })), "test");
        assert_eq!(test(json!({ "http": "https://a.test", "header": "a b" })), "test.header");
    }

    #[test]
    fn a_secret_is_not_sent_in_the_clear() {
        for address in [
            "http://a.test/",
            "http://127.0.0.1.a.test/",
            "ftp://a.test/",
            "a.test",
            "http://localhost.a.test/",
        ] {
            assert_eq!(
                wrong_at(&json!({ "name": "a", "test": { "http": address } })),
                "test.http",
                "{address}"
            );
        }
        for address in ["http://localhost:1/", "http://[::1]:1/", "http://127.9.9.9/"] {
            assert_eq!(
                with::accepts::<With>(&json!({ "name": "a", "test": { "http": address } })),
                Ok(()),
                "{address}"
            );
        }
    }
}
