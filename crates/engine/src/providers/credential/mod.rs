//! `credential`: a secret the person has, or that is made for them, in the system's keychain.
//!
#![doc = include_str!("../docs/credential.md")]

mod attempt;
mod value;
mod with;

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    span,
    state::{Failure, WaitsOn},
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

pub use self::with::{Generate, Test, With};
use self::{attempt::attempt, value::look_at};
use super::{failure, failure_with, person, schema, with as parameter};
use crate::{
    host::AcceptedSecret,
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// The kind `credential`.
pub struct Credential;

impl Provider for Credential {
    fn kind(&self) -> Kind {
        Kind {
            name: "credential",
            class: Class::Credential,
            summary: "A secret in the system's keychain, tried before it is stored.",
            docs: include_str!("../docs/credential.md"),
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
            accepts: parameter::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = parameter::parameters(step)?;
        Ok(Box::new(Stored { with, facts: step.facts.clone() }))
    }
}

fn host(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Reads the parameters of a `credential` step, for whoever asks the person.
pub fn parameters(resolved: &Value) -> Result<With, WithError> {
    parameter::read(resolved)
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

fn expiry(now: Timestamp, span: &str) -> Result<Timestamp, Failure> {
    let span = span::parse(span).map_err(|error| failure(error.to_string()))?;
    now.checked_add(span).map_err(|error| failure(format!("the expiry cannot be computed: {error}")))
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
