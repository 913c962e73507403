//! Content that is said whole: word for word, as a copy, or by a template.

use std::path::PathBuf;

use firstlight_domain::state::Failure;
use serde_json::{Map, Value};

use super::template;
use crate::providers::{failure, failure_with, paths, whole_file::digest};

/// What the file shall hold.
pub(super) enum Whole {
    /// This.
    Text(String),
    /// What a file of the pack holds.
    Copy { root: PathBuf, file: String },
    /// What a template of the pack gives for these values.
    Template { root: PathBuf, file: String, values: Map<String, Value> },
}

impl Whole {
    /// The content. Error: the pack is wrong.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Failure> {
        let read = |root, file: &str| {
            std::fs::read(paths::file_in_pack(root, file)?)
                .map_err(|error| failure(format!("`{file}` in the pack cannot be read: {error}")))
        };
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Copy { root, file } => read(root, file),
            Self::Template { root, file, values } => {
                let text = read(root, file)?;
                let rendered = template::render(&text, values).map_err(|what| {
                    failure_with(
                        format!("the template `{file}` cannot be rendered: {what}"),
                        "change the template or `values` in the pack",
                    )
                })?;
                Ok(rendered.into_bytes())
            }
        }
    }

    /// What tells it from any other, without reading it: the pack's digest covers the files of the pack.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Text(text) => digest(text.as_bytes()),
            Self::Copy { file, .. } => format!("pack:{file}"),
            Self::Template { file, values, .. } => {
                let values = Value::Object(values.clone()).to_string();
                format!("pack:{file}:{}", digest(values.as_bytes()))
            }
        }
    }
}
