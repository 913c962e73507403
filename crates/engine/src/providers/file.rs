//! `file`: a file with exactly this content.
//!
//! - Checks content, and permissions where `mode` is given. The plan shows the difference.
//! - Changes: the file is replaced in one moment (a new file beside it, written to the disk, then renamed). Its
//!   permissions and owner stay unless `mode` says otherwise; folders that are missing are made. Symbolic links are
//!   refused: the file itself may not be one, and none on the way may lead out of the home folder.
//! - Undo gives back the content and permissions that were there, or removes what was added. A file that was changed
//!   since is left alone. What was there is kept in the receipt; if it is larger than 256 KB or holds a stored
//!   credential, it stays beside the file as `.NAME.DIGEST.before-firstlight` instead.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{FileChange, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    diff, failure, path, paths, schema,
    whole_file::{self, Found},
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered};

/// The kind `file`.
pub struct File;

/// Parameters of `file`: `path`, and either `content` or `source`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "File")]
pub struct With {
    /// The file on this machine; `~` at its start is the home folder.
    pub path: String,
    /// What it shall hold.
    #[serde(default)]
    pub content: Option<String>,
    /// A file of the pack that it shall be a copy of, by its path inside the pack.
    #[serde(default)]
    pub source: Option<String>,
    /// Its permissions, as `chmod` takes them: `"0644"`. Not looked at on Windows.
    #[serde(default)]
    pub mode: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        paths::check_machine("path", &self.path)?;
        if self.path.ends_with(['/', '\\']) || self.path == "~" {
            return Err(wrong("path", format!("`{}` is a folder", self.path)));
        }
        self.parse_mode()?;
        match (&self.content, &self.source) {
            (Some(_), None) => Ok(()),
            (None, Some(source)) => paths::check_in_pack("source", source),
            (Some(_), Some(_)) => Err(wrong("", "has both `content` and `source`; one is enough")),
            (None, None) => Err(wrong("", "should have `content` or `source`")),
        }
    }
}

impl With {
    fn parse_mode(&self) -> Result<Option<u32>, WithError> {
        let Some(text) = self.mode.as_deref().filter(|text| !is_unresolved(text)) else {
            return Ok(None);
        };
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        match u32::from_str_radix(text, 8) {
            Ok(mode) if octal && mode <= 0o777 => Ok(Some(mode)),
            _ => Err(wrong("mode", format!("`{text}` should be permissions like \"0644\" or \"0600\""))),
        }
    }
}

impl Provider for File {
    fn kind(&self) -> Kind {
        Kind {
            name: "file",
            class: Class::Task,
            summary: "A file with exactly this content.",
            schema: schema::<With>(),
            outputs: &["path"],
            needs: |with| Capabilities {
                paths: with.get("path").and_then(Value::as_str).map(str::to_owned).into_iter().collect(),
                ..Capabilities::default()
            },
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let mode = with.parse_mode().map_err(|error| failure(error.message))?;
        Ok(Box::new(Wanted {
            path: path(&with.path, step.facts),
            home: PathBuf::from(&step.facts.home),
            mode: mode.filter(|_| cfg!(unix)),
            content: match (with.content, with.source) {
                (Some(text), _) => Content::Text(text),
                (None, source) => {
                    Content::Source { root: step.pack_root.to_owned(), file: source.unwrap_or_default() }
                }
            },
        }))
    }
}

struct Wanted {
    path: PathBuf,
    home: PathBuf,
    content: Content,
    mode: Option<u32>,
}

enum Content {
    Text(String),
    Source { root: PathBuf, file: String },
}

impl Wanted {
    fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match &self.content {
            Content::Text(text) => Ok(text.clone().into_bytes()),
            Content::Source { root, file } => std::fs::read(paths::file_in_pack(root, file)?)
                .map_err(|error| failure(format!("`{file}` in the pack cannot be read: {error}"))),
        }
    }

    fn holds(&self, found: Option<&Found>, wanted: &[u8]) -> bool {
        found.is_some_and(|found| found.content == wanted && (self.mode.is_none() || self.mode == found.mode))
    }
}

#[async_trait]
impl Operation for Wanted {
    fn resolved(&self) -> Resolved {
        // What is written is known without looking at what is there; the difference is not.
        let digest = match &self.content {
            Content::Text(text) => whole_file::digest(text.as_bytes()),
            // The pack's digest covers the file's content.
            Content::Source { file, .. } => format!("pack:{file}"),
        };
        let diff = self.mode.map(|mode| format!("new mode {mode:04o}\n")).unwrap_or_default();
        let file = FileChange { path: self.path.display().to_string(), diff, digest };
        Resolved { files: vec![file], ..Resolved::default() }
    }

    async fn check(&self, _cx: &Context) -> Result<Check, Failure> {
        let wanted = self.bytes()?;
        let found = match whole_file::find(&self.path, &self.home) {
            Ok(found) => found,
            Err(failure) => return Ok(Check::Blocked { why: failure.cause, hint: failure.hint }),
        };
        if self.holds(found.as_ref(), &wanted) {
            return Ok(Check::Satisfied { outputs: outputs(&self.path) });
        }
        let path = self.path.display().to_string();
        let (what, mut diff) = match &found {
            None => (format!("would write {path}"), diff::unified(&path, None, &wanted)),
            Some(found) if found.content == wanted => {
                (format!("would change the permissions of {path}"), String::new())
            }
            Some(found) => {
                (format!("would change {path}"), diff::unified(&path, Some(&found.content), &wanted))
            }
        };
        let was = found.and_then(|found| found.mode);
        if let Some(mode) = self.mode.filter(|mode| Some(*mode) != was) {
            let was = was.map(|was| format!("old mode {was:04o}\n")).unwrap_or_default();
            diff = format!("{was}new mode {mode:04o}\n{diff}");
        }
        let digest = whole_file::digest(&wanted);
        Ok(Check::Needed { what, files: vec![FileChange { path, diff, digest }] })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let wanted = self.bytes()?;
        let found = whole_file::find(&self.path, &self.home)?;
        if self.holds(found.as_ref(), &wanted) {
            return Ok(());
        }
        whole_file::replace(cx, &self.path, found.as_ref(), &wanted, self.mode)
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        whole_file::give_back(cx, receipt)
    }
}

fn outputs(path: &Path) -> std::collections::BTreeMap<String, String> {
    [("path".to_owned(), path.display().to_string())].into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_one_content_and_one_place() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        assert_eq!(accepts(json!({ "path": "~/a", "content": "" })), Ok(()));
        assert_eq!(
            accepts(json!({ "path": "${{ inputs.w }}/a", "source": "data/a.csv", "mode": "0644" })),
            Ok(())
        );
        let path = |with| accepts(with).unwrap_err().path;
        assert_eq!(path(json!({ "path": "~/a" })), "");
        assert_eq!(path(json!({ "path": "~/a", "content": "", "source": "a" })), "");
        assert_eq!(path(json!({ "path": "~/a/", "content": "" })), "path");
        assert_eq!(path(json!({ "path": "~/../../etc/passwd", "content": "" })), "path");
        assert_eq!(path(json!({ "path": "~/a", "source": "../../etc/passwd" })), "source");
        for mode in ["644 ", "rw", "0999", "7777", "", "00644", "+644"] {
            assert_eq!(path(json!({ "path": "~/a", "content": "", "mode": mode })), "mode", "{mode}");
        }
        assert_eq!(path(json!({ "path": "~/a", "content": "", "mode": 644 })), "mode");
    }
}
