//! `request`: something another person grants or does (access, a device, a seat).
//!
#![doc = include_str!("docs/request.md")]

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    pack::Probe,
    plan::{Purpose, Resolved},
    state::{Failure, WaitsOn},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    person, schema,
    with::{self, Parameters, wrong},
};
use crate::{
    probe::{self, Reach},
    process::Process,
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// The kind `request`.
pub struct Request;

/// Parameters of `request`. Who is asked, how fast they answer and what tells that they did are fields of the step:
/// `owner`, `sla`, `probe`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Request")]
pub struct With {
    /// What is asked of them; the step's title if not said.
    #[serde(default)]
    pub text: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        match &self.text {
            Some(text) if text.trim().is_empty() => Err(wrong("text", "is empty")),
            Some(_) | None => Ok(()),
        }
    }
}

impl Provider for Request {
    fn kind(&self) -> Kind {
        Kind {
            name: "request",
            class: Class::Action,
            summary: "Something another person grants or does; a probe can notice that they did.",
            docs: include_str!("docs/request.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        Ok(Box::new(Requested {
            text: with.text.unwrap_or_else(|| step.step.title.clone()),
            owner: step.step.owner.clone(),
            probe: step.step.probe.clone(),
        }))
    }
}

/// Reads the parameters of a `request` step, for whoever shows it.
pub fn parameters(resolved: &Value) -> Result<With, WithError> {
    with::read(resolved)
}

struct Requested {
    text: String,
    owner: Option<String>,
    probe: Option<Probe>,
}

#[async_trait]
impl Operation for Requested {
    fn resolved(&self) -> Resolved {
        let probe = self.probe.as_ref();
        Resolved {
            text: Some(self.text.clone()),
            hosts: probe.and_then(asked_host).into_iter().collect(),
            commands: probe
                .and_then(|probe| probe.command.as_deref())
                .map(|argv| Process::of(argv).line(Purpose::Check))
                .into_iter()
                .collect(),
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let owner = self.owner.clone().unwrap_or_else(|| "somebody else".to_owned());
        let what = format!("would wait for {owner}: {}", self.text);
        let on = WaitsOn::Owner(owner);
        let found = match &self.probe {
            Some(probe) if probe::ask(cx, probe, Reach::Public).await? => {
                Check::Satisfied { outputs: BTreeMap::new() }
            }
            Some(_) => Check::Person { on, what },
            None => person::turn(cx, on, what),
        };
        match found {
            // Nobody is asked again by itself what they said no to.
            Check::Person { .. } => cx.host.refused(&cx.step).map_or(Ok(found), Err),
            found => Ok(found),
        }
    }

    async fn apply(&self, _cx: &Context) -> Result<(), Failure> {
        Err(person::not_the_machine())
    }
}

/// The host a probe asks.
fn asked_host(probe: &Probe) -> Option<String> {
    if let Some(address) = &probe.http {
        return Url::parse(address).ok()?.host_str().map(str::to_owned);
    }
    let (host, _port) = probe.tcp.as_ref()?.rsplit_once(':')?;
    Some(host.trim_matches(['[', ']']).to_owned())
}
