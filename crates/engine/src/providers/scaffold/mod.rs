//! `scaffold`: a folder made from a template of the pack, in the format of Backstage
//! (`scaffolder.backstage.io/v1beta3`), run on this machine and without a server.
//!
#![doc = include_str!("../docs/scaffold.md")]

mod actions;
mod build;
mod dialect;
pub mod drift;
mod fetch;
mod filters;
mod glob;
mod inspect;
mod language;
mod methods;
mod operation;
mod parameters;
mod publish;
mod record;
mod sources;
mod template;
mod tree;
mod trouble;
mod write;

use std::collections::BTreeMap;

use firstlight_domain::{
    kind::{Capabilities, Class, Kind, PackFiles, WithError},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::{inspect::Said, operation::Scaffolding, publish::Address, template::Template};
use super::{
    json_schema::When,
    path, paths, schema,
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::provider::{Operation, Provider, Rendered};

/// The kind `scaffold`.
pub struct Scaffold;

/// Parameters of `scaffold`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Scaffold")]
pub struct With {
    /// The template in the pack: its folder (`templates/service`), or its file.
    pub template: String,
    /// The folder to make; `~` at its start is the home folder.
    pub into: String,
    /// What the template asks for, by parameter. What is the person's choice comes from an input of the pack.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// Where the template's `publish:…` steps push to with git, by the step's id: `https://…`, `ssh://…`,
    /// `git@host:path`, or a path on this machine, where a repository is made if there is none.
    #[serde(default)]
    pub publish: BTreeMap<String, String>,
    /// Steps of the template to leave out, by their ids; each is said in the plan and among the follow-ups.
    #[serde(default)]
    pub skip: Vec<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if self.template.contains("://") {
            return Err(wrong(
                "template",
                format!(
                    "`{}` is elsewhere; a pack's templates are local: put it into the pack",
                    self.template
                ),
            ));
        }
        paths::check_in_pack("template", &self.template)?;
        paths::check_machine("into", &self.into)?;
        for (step, address) in &self.publish {
            Address::parse(&format!("publish.{step}"), address)?;
            if self.skip.contains(step) {
                return Err(wrong("skip", format!("`{step}` cannot be left out and published")));
            }
        }
        Ok(())
    }
}

impl With {
    fn said(&self) -> Said<'_> {
        Said { publish: &self.publish, skip: &self.skip }
    }
}

impl Provider for Scaffold {
    fn kind(&self) -> Kind {
        Kind {
            name: "scaffold",
            class: Class::Task,
            summary: "A folder made from a Backstage template of the pack, on this machine.",
            docs: include_str!("../docs/scaffold.md"),
            schema: schema::<With>(),
            outputs: record::OUTPUTS,
            needs,
            accepts: with::accepts::<With>,
            inspect: inspect_pack,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        Ok(Box::new(Scaffolding {
            into: path(&with.into, step.facts),
            with,
            pack_root: step.pack_root.to_owned(),
            facts: step.facts.clone(),
        }))
    }
}

fn needs(with: &Value) -> Capabilities {
    let mut wants = Capabilities::default();
    wants.paths.extend(with.get("into").and_then(Value::as_str).map(str::to_owned));
    let addresses = with.get("publish").and_then(Value::as_object).into_iter().flatten();
    for address in addresses.filter_map(|(_, address)| address.as_str()) {
        match Address::parse("publish", address) {
            Ok(Address::Remote { host, .. }) => wants.hosts.push(host),
            Ok(Address::Local(folder)) => wants.paths.push(folder),
            Ok(Address::Unresolved(_)) | Err(_) => {}
        }
    }
    wants
}

/// The template is there, can be read, uses what is known here, and gets what it asks for.
fn inspect_pack(with: &Value, files: &dyn PackFiles) -> Result<(), WithError> {
    let with: With = with::read(with)?;
    if is_unresolved(&with.template) {
        return Ok(());
    }
    let template = Template::load(files, &with.template)?;
    inspect::inspect(&template, &with.said(), files)?;
    parameters::settle(&template.pages, &with.values, When::Written)?;
    Ok(())
}
