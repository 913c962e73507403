//! The providers: one file each. This module lists them and reads their parameters in one way.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use firstlight_domain::{facts::Facts, kind::WithError, state::Failure};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::provider::{Provider, Rendered};

// One line a provider, in alphabetical order; the same in `all`.

/// Every provider, in alphabetical order of their kinds.
pub fn all() -> Vec<Arc<dyn Provider>> {
    vec![]
}

/// Reads `with`: the provider's `Kind::accepts`.
pub(crate) fn accepts<T: DeserializeOwned>(with: &Value) -> Result<(), WithError> {
    read::<T>(with).map(drop)
}

/// Reads a step's resolved parameters, for `Provider::prepare`.
pub(crate) fn parameters<T: DeserializeOwned>(step: &Rendered<'_>) -> Result<T, Failure> {
    read(&step.with).map_err(|error| {
        let place = if error.path.is_empty() { "with".to_owned() } else { format!("with.{}", error.path) };
        failure(format!("`{place}` of step `{}`: {}", step.step.id, error.message))
    })
}

fn read<T: DeserializeOwned>(with: &Value) -> Result<T, WithError> {
    // A step without `with` has no parameters, which is not the same as a null one.
    let empty = Value::Object(serde_json::Map::new());
    let with = if with.is_null() { &empty } else { with };
    serde_path_to_error::deserialize(with).map_err(|error| {
        let path = error.path().to_string();
        WithError {
            path: if path == "." { String::new() } else { path },
            message: error.into_inner().to_string(),
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
