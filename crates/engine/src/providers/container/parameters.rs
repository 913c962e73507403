//! Parameters of `container`.

use std::collections::BTreeMap;

use firstlight_domain::{kind::WithError, span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::providers::{
    container_engine::Engine,
    paths,
    ready::Ready,
    with::{Parameters, is_unresolved, one_line, plain_word, variable, wrong},
};

/// Parameters of `container`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Container")]
pub struct With {
    /// The compose file: `~/…` or a whole path on this machine, or else a file of the pack.
    pub compose: String,
    /// The project's name; the name of the file's folder if not said, for a file of the pack the step's id.
    #[serde(default)]
    pub project: Option<String>,
    /// The services to run; all of them if not said. Name those that keep running.
    #[serde(default)]
    pub services: Vec<String>,
    /// What tells that it is ready; that its services run if not said.
    #[serde(default)]
    pub ready: Option<Ready>,
    /// How long that may take once images are there: `2m`.
    #[serde(default)]
    pub ready_timeout: Option<String>,
    /// The engine; whichever is there if not said, docker first.
    #[serde(default)]
    pub engine: Option<Engine>,
    /// Environment variables for the compose file. Never secrets: those go into the step's `secrets`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What undo does with volumes that this step made; `keep` if not said.
    #[serde(default)]
    pub volumes: Volumes,
}

/// What becomes of volumes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Volumes {
    /// They stay.
    #[default]
    Keep,
    /// They go, and what is in them.
    Remove,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if is_on_machine(&self.compose) {
            paths::check_machine("compose", &self.compose)?;
        } else {
            paths::check_in_pack("compose", &self.compose)?;
        }
        if let Some(project) = &self.project
            && !is_unresolved(project)
            && project_of(project) != *project
        {
            let message = format!(
                "`{project}` should be lower-case letters, digits, `-` and `_`, a letter or digit first"
            );
            return Err(wrong("project", message));
        }
        for service in &self.services {
            plain_word("services", service)?;
        }
        for (name, value) in &self.env {
            variable("env", name)?;
            one_line(&format!("env.{name}"), value)?;
        }
        if let Some(ready) = &self.ready {
            ready.consistent()?;
        }
        if let Some(patience) = self.ready_timeout.as_ref().filter(|text| !is_unresolved(text)) {
            span::parse(patience).map_err(|error| wrong("ready-timeout", error.to_string()))?;
        }
        Ok(())
    }
}

/// A name as compose makes it: nothing but lower-case letters, digits, `-` and `_`.
pub(super) fn project_of(name: &str) -> String {
    let fine = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = name.to_lowercase().chars().filter(fine).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

pub(super) fn is_on_machine(compose: &str) -> bool {
    // An expression at its start may be either: it is looked at again once it is resolved.
    compose.starts_with(['~', '/', '\\']) || compose.as_bytes().get(1) == Some(&b':')
}
