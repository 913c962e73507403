//! What a provider says of itself, so that a pack can be checked without running anything.

use serde_json::Value;

/// Who does a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The machine.
    Task,
    /// A person.
    Action,
    /// The person, with a secret.
    Credential,
}

/// A kind of step (`uses:`), as its provider describes it.
#[derive(Clone)]
pub struct Kind {
    /// The name in `uses:`, for example `git/clone`.
    pub name: &'static str,
    /// Who does it.
    pub class: Class,
    /// One sentence for the provider reference.
    pub summary: &'static str,
    /// What it checks, changes, takes back and leaves alone, in Markdown, for the provider reference.
    pub docs: &'static str,
    /// The JSON Schema of `with`.
    pub schema: Value,
    /// The outputs every step of this kind has.
    pub outputs: &'static [&'static str],
    /// What a step with this `with` may touch, for the policy's check. Expressions are still unresolved.
    pub needs: fn(&Value) -> Capabilities,
    /// Whether `with` can be read by the provider: `Err` names the field (dotted path) and what is wrong with it.
    pub accepts: fn(&Value) -> Result<(), WithError>,
    /// Whether the files of the pack that `with` names are what the provider can use; asked when a pack is linted.
    /// Expressions are still unresolved.
    pub inspect: fn(&Value, &dyn PackFiles) -> Result<(), WithError>,
}

/// The files of a pack, for kinds that read some of them.
pub trait PackFiles {
    /// The content of a file, by its path in the pack with `/` between names. None if there is no such file, or none
    /// that a pack may hold.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// Whether there is such a folder, with a file somewhere in it.
    fn has_folder(&self, path: &str) -> bool;
}

/// For kinds that read no file of a pack.
pub fn inspects_nothing(_with: &Value, _files: &dyn PackFiles) -> Result<(), WithError> {
    Ok(())
}

/// Something wrong in `with`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WithError {
    /// The dotted path below `with`; empty for `with` itself.
    pub path: String,
    /// What is wrong, for people.
    pub message: String,
}

/// What a step asks to be allowed. Compared with the pack's `policy.capabilities` when linted and when run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Hosts it contacts by its own declaration (not what a command does on its own).
    pub hosts: Vec<String>,
    /// Paths it writes by its own declaration.
    pub paths: Vec<String>,
    /// Paths it reads by its own declaration, beside the system's own and the pack's.
    pub reads: Vec<String>,
    /// Whether it needs administrator rights.
    pub elevation: bool,
    /// Credentials it uses.
    pub secrets: Vec<String>,
}
