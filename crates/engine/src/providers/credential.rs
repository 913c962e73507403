//! `credential`: a secret the person has, or that is made for them, in the system's keychain.
//!
//! - Checks whether the keychain has one of this name.
//! - Changes: a value is looked at (length, `pattern`), tried (`test`), and only then stored. With `generate`, a random
//!   one is made and goes the same way; without, it is the person's turn, and what they type comes to [`accept`].
//! - Cannot be undone: the person may need the secret elsewhere by now. They can remove it themselves.
//!
//! A value reaches its test by environment, standard input or an HTTP header, never by argument; what the test prints is
//! masked. No value is in a receipt, an event or a message.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    id::CredentialName,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    span,
    state::{Failure, WaitsOn},
};
use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use reqwest::header::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::{
    failure, failure_with, path, paths, person, schema,
    with::{self, Parameters, is_unresolved, one_line, variable, wrong},
};
use crate::{
    host::AcceptedSecret,
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered},
    retry,
};

/// The fewest bytes of a value: a shorter one could not be masked in what its test prints.
const MIN_BYTES: usize = 8;
/// The most UTF-16 units of a value: the least that a keychain of the three systems takes.
const MAX_UTF16_UNITS: usize = 1_280;
/// How long a server may take to say whether it knows a value.
const HTTP_PATIENCE: Duration = Duration::from_secs(20);

/// The kind `credential`.
pub struct Credential;

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

    fn header_name(&self) -> &str {
        self.header.as_deref().unwrap_or("Authorization")
    }

    fn header_prefix(&self) -> &str {
        match &self.prefix {
            Some(prefix) => prefix,
            None if self.header_name().eq_ignore_ascii_case("Authorization") => "Bearer ",
            None => "",
        }
    }

    /// The command, without the value.
    fn process(&self, argv: &[String], facts: &Facts) -> Process {
        let cwd = self.cwd.as_ref().map_or_else(|| PathBuf::from(&facts.home), |cwd| path(cwd, facts));
        Process::of(argv).cwd(cwd)
    }

    fn is_unresolved(&self) -> bool {
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

fn whole_match(pattern: &str) -> Result<Regex, regex::Error> {
    // First alone: `a)(b` is not a pattern, though `^(?:a)(b)$` would be one.
    RegexBuilder::new(pattern).size_limit(1 << 20).build()?;
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}

impl Provider for Credential {
    fn kind(&self) -> Kind {
        Kind {
            name: "credential",
            class: Class::Credential,
            summary: "A secret in the system's keychain, tried before it is stored.",
            schema: schema::<With>(),
            outputs: &[],
            needs: |with| {
                let text = |at: &str| with.pointer(at).and_then(Value::as_str);
                Capabilities {
                    hosts: text("/test/http").and_then(host).into_iter().collect(),
                    secrets: text("/name").map(str::to_owned).into_iter().collect(),
                    ..Capabilities::default()
                }
            },
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        Ok(Box::new(Stored { with, facts: step.facts.clone() }))
    }
}

fn host(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Reads the parameters of a `credential` step, for whoever asks the person.
pub fn parameters(resolved: &Value) -> Result<With, WithError> {
    with::read(resolved)
}

/// Looks at a value, tries it and, if it is good, puts it into the keychain. Errors say why it is not, never what it is.
pub async fn accept(with: &With, value: SecretString, cx: &Context) -> Result<(), Failure> {
    look_at(with, &value)?;
    let now = cx.host.now();
    let expires_at = with.expires_in.as_deref().map(|span| expiry(now, span)).transpose()?;
    attempt(with, &value, cx).await?;
    let name = with.name.clone();
    cx.host.keep_secret(AcceptedSecret { name, value, issuer: with.issuer.clone(), expires_at }).await
}

/// Tries the value the keychain has. Errors: there is none, or it is not good any more.
pub async fn try_stored(with: &With, cx: &Context) -> Result<(), Failure> {
    let Some(value) = cx.host.secret(&with.name).await? else {
        return Err(failure_with(
            format!("the keychain has no {}", with.title()),
            format!("store it with `firstlight credential set {}`", with.name),
        ));
    };
    attempt(with, &value, cx).await
}

/// What can be said without asking anybody.
fn look_at(with: &With, value: &SecretString) -> Result<(), Failure> {
    let text = value.expose_secret();
    let title = with.title();
    if text.trim().is_empty() {
        return Err(failure(format!("{title}: nothing was given")));
    }
    if text.trim().len() < MIN_BYTES {
        return Err(failure_with(
            format!("{title}: shorter than {MIN_BYTES} characters"),
            "a secret this short cannot be kept out of logs; use a longer one",
        ));
    }
    if text.encode_utf16().count() > MAX_UTF16_UNITS {
        return Err(failure(format!(
            "{title}: longer than {MAX_UTF16_UNITS} characters, the most a keychain takes"
        )));
    }
    if text.contains('\0') {
        return Err(failure(format!("{title}: holds a zero byte, which is not text")));
    }
    if let Some(pattern) = &with.pattern {
        let pattern = whole_match(pattern).map_err(|error| failure(format!("{title}: {error}")))?;
        if !pattern.is_match(text) {
            let mut failure = failure(format!("{title}: this does not look like one"));
            failure.hint = Some(match &with.issuer {
                Some(issuer) => {
                    format!("copy the whole of it, as {issuer} shows it, without spaces around it")
                }
                None => "copy the whole of it, without spaces around it".to_owned(),
            });
            return Err(failure);
        }
    }
    Ok(())
}

fn expiry(now: Timestamp, span: &str) -> Result<Timestamp, Failure> {
    let span = span::parse(span).map_err(|error| failure(error.to_string()))?;
    now.checked_add(span).map_err(|error| failure(format!("the expiry cannot be computed: {error}")))
}

async fn attempt(with: &With, value: &SecretString, cx: &Context) -> Result<(), Failure> {
    let Some(test) = &with.test else {
        return Ok(());
    };
    if test.is_unresolved() {
        return Err(failure_with(
            format!("{} cannot be tried yet: its test uses what an earlier step has to give", with.title()),
            "do the steps before this one first",
        ));
    }
    match (&test.command, &test.http) {
        (Some(argv), _) => by_command(with, test, argv, value, cx).await,
        (None, Some(address)) => by_http(with, test, address, value, cx).await,
        (None, None) => Ok(()),
    }
}

async fn by_command(
    with: &With,
    test: &Test,
    argv: &[String],
    value: &SecretString,
    cx: &Context,
) -> Result<(), Failure> {
    let mut process = test.process(argv, &cx.facts);
    process = match &test.env {
        Some(name) => process.secret_env(name, value.clone()),
        None => process.secret_stdin(value.clone()),
    };
    let exit = process::run(cx, process).await?;
    if exit.ok() {
        return Ok(());
    }
    Err(Failure {
        cause: format!("“{}” was not accepted: its test ended with code {}", with.title(), exit.code),
        last_lines: exit.tail,
        hint: Some("see that it is the right one, whole and not expired".to_owned()),
    })
}

async fn by_http(
    with: &With,
    test: &Test,
    address: &str,
    value: &SecretString,
    cx: &Context,
) -> Result<(), Failure> {
    let title = with.title();
    let cannot =
        |cause: String| failure_with(format!("{title} could not be tried: {cause}"), "try again later");
    let mut header = HeaderValue::from_str(&format!("{}{}", test.header_prefix(), value.expose_secret()))
        .map_err(|_| failure(format!("{title}: holds characters that cannot be sent in a header")))?;
    header.set_sensitive(true);
    // A redirect would carry the value to wherever it leads.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| cannot(error.to_string()))?;
    let asking = client.get(address).header(test.header_name(), header);
    let asking = retry::send(asking, HTTP_PATIENCE.min(cx.timeout), cx.host.now(), |_| false);
    let answer = tokio::select! {
        () = cx.cancel.cancelled() => return Err(failure("stopped")),
        answer = asking => answer.map_err(|error| cannot(in_full(&error)))?,
    };
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else if matches!(status.as_u16(), 401 | 403) {
        Err(failure_with(
            format!("“{title}” was not accepted: the server answered {status}"),
            "see that it is the right one, whole, not expired, and allowed to do what it is for",
        ))
    } else {
        Err(cannot(format!("the server answered {status}")))
    }
}

/// An error with its causes: reqwest's own words leave out why.
fn in_full(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

struct Stored {
    with: With,
    facts: Facts,
}

#[async_trait]
impl Operation for Stored {
    fn resolved(&self) -> Resolved {
        let test = self.with.test.as_ref();
        Resolved {
            commands: test
                .and_then(|test| test.command.as_deref().map(|argv| test.process(argv, &self.facts)))
                .map(|process| process.line(Purpose::Test))
                .into_iter()
                .collect(),
            hosts: test.and_then(|test| test.http.as_deref()).and_then(host).into_iter().collect(),
            secrets: vec![self.with.name.to_string()],
            text: Some(self.with.title().to_owned()),
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if cx.host.secret(&self.with.name).await?.is_some() {
            return Ok(Check::Satisfied { outputs: BTreeMap::new() });
        }
        let title = self.with.title();
        Ok(if self.with.generate.is_some() {
            Check::Needed {
                what: format!("would generate “{title}” and keep it in the keychain"),
                files: Vec::new(),
            }
        } else {
            Check::Person { on: WaitsOn::You, what: format!("would ask you for “{title}”") }
        })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        if cx.host.secret(&self.with.name).await?.is_some() {
            return Ok(());
        }
        let Some(Generate { length }) = self.with.generate else {
            return Err(person::not_the_machine());
        };
        let value = cx.host.generate_secret(length)?;
        accept(&self.with, value, cx).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    #[test]
    fn a_value_is_looked_at_before_it_is_tried() {
        let with = parameters(&json!({ "name": "a", "pattern": "tok_[0-9]+", "issuer": "IT" })).unwrap();
        let look = |value: &str| look_at(&with, &value.into());
        assert_eq!(look("tok_12345"), Ok(()));
        for bad in
            ["", "        ", "tok_1", "tok_12345 ", " tok_12345", "tok_12345\nx", "xtok_12345", "tok_1234\0"]
        {
            let failure = look(bad).unwrap_err();
            assert!(
                bad.trim().is_empty() || !format!("{failure:?}").contains(bad.trim()),
                "{failure:?} tells the value"
            );
        }
        let any = parameters(&json!({ "name": "a" })).unwrap();
        assert!(look_at(&any, &"x".repeat(1_281).into()).is_err());
        assert_eq!(look_at(&any, &"x".repeat(1_280).into()), Ok(()));
    }
}
