//! `network`: proxy and certificates for git, npm, pip and cargo, as this machine needs them.
//!
#![doc = include_str!("../docs/network.md")]

mod cargo;
mod git;
mod insert;
mod npm;
mod pip;
mod proxy;
mod survey;
mod tool;
mod trust;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    kind::{Capabilities, Class, Kind, PackFiles, WithError},
    plan::Resolved,
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use self::{
    insert::Added,
    survey::{Change, changes},
};
pub use self::{
    proxy::Proxy,
    survey::{Need, Standing, Survey, Uses},
    tool::{TOOLS, Tool},
    trust::{Certificate, Store},
};
use super::{
    failure, paths, schema, whole_file,
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered, read_receipt};

/// The kind `network`.
pub struct Network;

/// Parameters of `network`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Network")]
pub struct With {
    /// The tools that are set; all of them if not said.
    #[serde(default = "all")]
    pub tools: Vec<Tool>,
    /// The proxy: `http://proxy.example.com:8080`. This machine's own setting if not said.
    #[serde(default)]
    pub proxy: Option<String>,
    /// A file of the pack with your company's certificates (PEM). Those this machine was given if not said.
    #[serde(default)]
    pub ca: Option<String>,
}

fn all() -> Vec<Tool> {
    TOOLS.to_vec()
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if self.tools.is_empty() {
            return Err(wrong("tools", "is empty"));
        }
        if let Some(ca) = &self.ca {
            paths::check_in_pack("ca", ca)?;
        }
        self.address().map(drop)
    }
}

impl With {
    fn address(&self) -> Result<Option<Url>, WithError> {
        let Some(text) = self.proxy.as_deref().filter(|text| !is_unresolved(text)) else { return Ok(None) };
        let like = "a proxy looks like `http://proxy.example.com:8080`";
        let address = Url::parse(text).map_err(|error| wrong("proxy", format!("{error}; {like}")))?;
        if !address.username().is_empty() || address.password().is_some() {
            return Err(wrong(
                "proxy",
                "holds a name or a password; those belong into the environment of each person",
            ));
        }
        let plain = matches!(address.scheme(), "http" | "https")
            && address.host().is_some()
            && address.path() == "/"
            && address.query().is_none()
            && address.fragment().is_none();
        if plain { Ok(Some(address)) } else { Err(wrong("proxy", like)) }
    }
}

impl Provider for Network {
    fn kind(&self) -> Kind {
        Kind {
            name: "network",
            class: Class::Task,
            summary: "Proxy and certificates for git, npm, pip and cargo.",
            docs: include_str!("../docs/network.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs,
            accepts: with::accepts::<With>,
            inspect,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        Ok(Box::new(Wanted::of(with::parameters(step)?, step.pack_root, step.facts)?))
    }
}

/// Which files may be written. Variables that move them are the person's own.
fn needs(with: &Value) -> Capabilities {
    let tools = with::read::<With>(with).map_or_else(|_| all(), |with| with.tools);
    let file = |tool: &Tool| match tool {
        Tool::Git => "~/.gitconfig",
        Tool::Npm => "~/.npmrc",
        Tool::Pip => "~/.config/pip",
        Tool::Cargo => "~/.cargo",
    };
    let files = tools.iter().map(file).chain(["~/.config/firstlight"]);
    Capabilities { paths: files.map(str::to_owned).collect(), ..Capabilities::default() }
}

fn inspect(with: &Value, files: &dyn PackFiles) -> Result<(), WithError> {
    let Some(ca) = with.get("ca").and_then(Value::as_str).filter(|path| !is_unresolved(path)) else {
        return Ok(());
    };
    match files.read(ca) {
        None => Err(wrong("ca", format!("the pack has no file `{ca}`"))),
        Some(content) if trust::parse(&content).is_empty() => {
            Err(wrong("ca", format!("`{ca}` holds no certificate in PEM form")))
        }
        Some(_) => Ok(()),
    }
}

/// A step, read.
pub(crate) struct Wanted {
    tools: Vec<Tool>,
    proxy: Option<Url>,
    /// The pack's folder, and the file in it.
    ca: Option<(PathBuf, String)>,
    facts: Facts,
}

impl Wanted {
    pub(crate) fn read(with: &Value, pack_root: &Path, facts: &Facts) -> Result<Self, Failure> {
        let with: With = with::read(with).map_err(|error| failure(error.message))?;
        Self::of(with, pack_root, facts)
    }

    fn of(with: With, pack_root: &Path, facts: &Facts) -> Result<Self, Failure> {
        Ok(Self {
            proxy: with.address().map_err(|error| failure(error.message))?,
            ca: with.ca.map(|ca| (pack_root.to_owned(), ca)),
            tools: with.tools,
            facts: facts.clone(),
        })
    }

    /// Looks at the machine and the tools.
    pub(crate) async fn survey(&self, cx: &Context) -> Result<Survey, Failure> {
        let ca = match &self.ca {
            Some((root, file)) => Some(trust::certificates_in(&paths::file_in_pack(root, file)?)?),
            None => None,
        };
        Ok(survey::survey(cx, &self.tools, self.proxy.as_ref(), ca).await)
    }
}

#[async_trait]
impl Operation for Wanted {
    fn resolved(&self) -> Resolved {
        let tools: Vec<&str> = self.tools.iter().map(|tool| tool.name()).collect();
        let proxy = self.proxy.as_ref().map_or_else(|| "this machine's proxy".to_owned(), proxy::shown);
        let ca =
            self.ca.as_ref().map_or("the certificates this machine was given", |(_, file)| file.as_str());
        Resolved {
            text: Some(format!("{} go by {proxy}, and trust {ca}.", tools.join(", "))),
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let survey = self.survey(cx).await?;
        if let Some((why, hint)) = survey.in_the_way() {
            return Ok(Check::Blocked { why, hint: Some(hint) });
        }
        let changes = match changes(&survey, &self.facts) {
            Ok(changes) => changes,
            Err(failure) => return Ok(Check::Blocked { why: failure.cause, hint: failure.hint }),
        };
        if changes.is_empty() {
            return Ok(Check::Satisfied { outputs: BTreeMap::new() });
        }
        Ok(Check::Needed { what: survey.what(), files: changes.iter().map(Change::shown).collect() })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let survey = self.survey(cx).await?;
        if let Some((why, hint)) = survey.in_the_way() {
            return Err(Failure { hint: Some(hint), ..failure(why) });
        }
        for change in changes(&survey, &self.facts)? {
            match change {
                Change::Bundle { path, content, .. } => {
                    let found = whole_file::find(&path, Path::new(&self.facts.home))?;
                    whole_file::replace(cx, &path, found.as_ref(), content.as_bytes(), None, None::<NoPart>)?;
                    cx.output.say(&format!("Wrote {}.", path.display()));
                }
                Change::Lines { path, wanted, .. } => {
                    insert::add(cx, &path, &wanted)?;
                    cx.output.say(&format!("Added to {}.", path.display()));
                }
            }
        }
        Ok(())
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        if receipt.get("made").is_none() {
            return whole_file::give_back(cx, receipt, |part: &NoPart, _, _, _| match *part {});
        }
        insert::take_away(&read_receipt::<Added>(receipt)?, Path::new(&cx.facts.home))
    }

    /// Two steps may add to the same file.
    fn exclusive(&self) -> Option<Cow<'static, str>> {
        Some("network settings".into())
    }
}

/// The bundle is ours as a whole: no part of it is taken out.
#[derive(Serialize, Deserialize)]
enum NoPart {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_proxy_is_an_address_and_never_a_password() {
        let accepts = |proxy: &str| with::accepts::<With>(&json!({ "proxy": proxy }));
        for good in ["http://proxy.acme.test:8080", "https://proxy.acme.test", "${{ inputs.proxy }}"] {
            assert_eq!(accepts(good), Ok(()), "{good}");
        }
        for bad in [
            "proxy.acme.test:8080",
            "http://ada:s3cret@proxy:1",
            "http://proxy:1/x",
            "socks5://proxy:1",
            "-x",
            "",
        ] {
            let error = accepts(bad).unwrap_err();
            assert_eq!(error.path, "proxy", "{bad}");
            assert!(!error.message.contains("s3cret"));
        }
        assert_eq!(with::accepts::<With>(&json!({ "tools": [] })).unwrap_err().path, "tools");
        assert_eq!(with::accepts::<With>(&json!({ "tools": ["curl"] })).unwrap_err().path, "tools[0]");
        assert_eq!(with::accepts::<With>(&json!({ "ca": "../x.pem" })).unwrap_err().path, "ca");
        assert_eq!(with::accepts::<With>(&Value::Null), Ok(()));
    }

    #[test]
    fn the_policy_sees_every_file_that_may_be_written() {
        assert_eq!(needs(&json!({ "tools": ["npm"] })).paths, ["~/.npmrc", "~/.config/firstlight"]);
    }
}
