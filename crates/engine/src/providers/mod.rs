//! The providers: one file each. This module lists them and reads their parameters in one way.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use firstlight_domain::{facts::Facts, kind::WithError, state::Failure};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::provider::Provider;

pub mod command;
pub mod confirm;
pub mod container;
pub mod container_engine;
pub mod credential;
pub mod devcontainer;
mod diff;
mod empty_folder;
pub mod env;
pub mod external;
pub mod file;
mod git;
pub mod git_clone;
pub mod git_config;
mod git_url;
mod json_schema;
pub mod link;
mod managed_block;
mod naming;
pub mod network;
mod note;
pub mod package;
mod paths;
mod person;
pub mod posture;
pub mod read;
pub mod ready;
pub mod request;
pub mod scaffold;
pub mod scan;
pub mod service;
pub mod ssh_key;
pub mod tools;
mod user_environment;
mod whole_file;
mod with;

/// Every provider, in alphabetical order of their kinds.
pub fn all() -> Vec<Arc<dyn Provider>> {
    vec![
        Arc::new(command::Command),
        Arc::new(confirm::Confirm),
        Arc::new(container::Container),
        Arc::new(credential::Credential),
        Arc::new(devcontainer::Devcontainer),
        Arc::new(env::Env),
        Arc::new(external::External::default()),
        Arc::new(file::File),
        Arc::new(git_clone::GitClone),
        Arc::new(git_config::GitConfig),
        Arc::new(link::Link),
        Arc::new(network::Network),
        Arc::new(package::Package),
        Arc::new(posture::Posture),
        Arc::new(read::Read),
        Arc::new(request::Request),
        Arc::new(scaffold::Scaffold),
        Arc::new(scan::Scan),
        Arc::new(service::Service),
        Arc::new(ssh_key::SshKey),
        Arc::new(tools::Tools),
    ]
}

/// Reads parameters by their shape; what a shape cannot say, see [`with::Parameters`].
fn read<T: DeserializeOwned>(with: &Value) -> Result<T, WithError> {
    // A step without `with` has no parameters, which is not the same as a null one.
    let empty = Value::Object(serde_json::Map::new());
    let with = if with.is_null() { &empty } else { with };
    serde_path_to_error::deserialize(with).map_err(|error| {
        let path = error.path().to_string();
        WithError {
            path: if path == "." { String::new() } else { path },
            message: with::friendly(&error.into_inner().to_string()),
        }
    })
}

/// The JSON Schema of `with`: the provider's `Kind::schema`.
pub(crate) fn schema<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// A failure of these words.
pub(crate) fn failure(cause: impl Into<String>) -> Failure {
    Failure { cause: cause.into(), last_lines: Vec::new(), hint: None }
}

/// A failure of these words, and what to do about it.
pub(crate) fn failure_with(cause: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure { hint: Some(hint.into()), ..failure(cause) }
}

/// A path as a pack writes it: `~` at its start is the home folder, anything relative lies below it too.
pub(crate) fn path(text: &str, facts: &Facts) -> PathBuf {
    let home = Path::new(&facts.home);
    match text.strip_prefix('~') {
        Some("") => home.to_path_buf(),
        Some(rest) if rest.starts_with(['/', '\\']) => home.join(rest.trim_start_matches(['/', '\\'])),
        _ => home.join(text),
    }
}
