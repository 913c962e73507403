//! `read`: something to read before going on.
//!
#![doc = include_str!("docs/read.md")]

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::Resolved,
    state::{Failure, WaitsOn},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    failure, paths, person, schema,
    with::{self, Parameters, wrong},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered};

/// The longest document shown, in bytes.
const MOST: u64 = 1024 * 1024;

/// The kind `read`.
pub struct Read;

/// Parameters of `read`: either `doc` or `text`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Read")]
pub struct With {
    /// A Markdown file of the pack, by its path inside the pack.
    #[serde(default)]
    pub doc: Option<String>,
    /// The text itself, Markdown.
    #[serde(default)]
    pub text: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        match (&self.doc, &self.text) {
            (Some(doc), None) => paths::check_in_pack("doc", doc),
            (None, Some(text)) if text.trim().is_empty() => Err(wrong("text", "is empty")),
            (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => Err(wrong("", "has both `doc` and `text`; one is enough")),
            (None, None) => Err(wrong("", "should have `doc` or `text`")),
        }
    }
}

impl With {
    /// The Markdown to show. Errors: the document is missing, leads out of the pack, is larger than 1 MB or no text.
    pub fn markdown(&self, pack_root: &Path) -> Result<String, Failure> {
        let Some(doc) = &self.doc else {
            return Ok(self.text.clone().unwrap_or_default());
        };
        let path = paths::file_in_pack(pack_root, doc)?;
        let cannot = |error: std::io::Error| failure(format!("`{doc}` in the pack cannot be read: {error}"));
        if path.metadata().map_err(cannot)?.len() > MOST {
            return Err(failure(format!("`{doc}` in the pack is larger than 1 MB")));
        }
        std::fs::read_to_string(&path).map_err(cannot)
    }
}

impl Provider for Read {
    fn kind(&self) -> Kind {
        Kind {
            name: "read",
            class: Class::Action,
            summary: "Something to read before going on.",
            docs: include_str!("docs/read.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with = with::parameters(step)?;
        Ok(Box::new(ToRead { with, pack_root: step.pack_root.to_owned() }))
    }
}

/// Reads the parameters of a `read` step, for whoever shows the text.
pub fn parameters(resolved: &Value) -> Result<With, WithError> {
    with::read(resolved)
}

struct ToRead {
    with: With,
    pack_root: PathBuf,
}

#[async_trait]
impl Operation for ToRead {
    fn resolved(&self) -> Resolved {
        // The document's words are part of the pack, and so of its digest, which consent binds to as well.
        Resolved { text: self.with.doc.clone().or_else(|| self.with.text.clone()), ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        self.with.markdown(&self.pack_root)?;
        Ok(person::turn(cx, WaitsOn::You, "would ask you to read something".to_owned()))
    }

    async fn apply(&self, _cx: &Context) -> Result<(), Failure> {
        Err(person::not_the_machine())
    }
}
