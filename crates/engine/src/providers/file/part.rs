//! A part of a file that is ours, in a file that is not: put in, and taken out again.

use std::path::Path;

use firstlight_domain::state::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    block::{Block, Comment},
    merge::{Format, Merge},
};
use crate::providers::{
    failure, failure_with,
    whole_file::{TakenOut, digest},
};

/// What of a file is ours. Kept in receipts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// A block of lines.
    Block(Block),
    /// Some fields.
    Merge(Merge),
}

impl Part {
    pub(super) fn block(comment: Comment, name: &str, text: &str) -> Self {
        Self::Block(Block::new(comment, name, text))
    }

    pub(super) fn merge(format: Format, fields: &Map<String, Value>) -> Result<Self, Failure> {
        Merge::new(format, fields.clone())
            .map(Self::Merge)
            .map_err(|what| failure(format!("`merge`: {what}")))
    }

    /// The content of a file with this part in it. Error: the file as it is does not allow it.
    pub(super) fn within(&self, path: &Path, now: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
        let now = now.map(|now| text(path, now)).transpose()?;
        let then = match self {
            Self::Block(block) => block.within(now),
            Self::Merge(merge) => merge.within(now).map_err(|what| {
                failure_with(
                    format!("{}: {what}; the file is left as it is", path.display()),
                    "change the file by hand, or move it away, then try again",
                )
            })?,
        };
        Ok(then.into_bytes())
    }

    /// The content of a file that others changed, without this part; what was there `before` it comes back.
    pub(super) fn take_out(
        &self,
        path: &Path,
        before: Option<&[u8]>,
        now: &[u8],
    ) -> Result<TakenOut, Failure> {
        let before = before.map(|before| text(path, before)).transpose()?;
        let now = text(path, now)?;
        let (content, left) = match self {
            Self::Block(block) => block.take_out(before, now),
            Self::Merge(merge) => merge.take_out(before, now).map_err(|what| {
                failure_with(
                    format!("{}: {what}; the file is left as it is", path.display()),
                    "change the file by hand if you want to",
                )
            })?,
        };
        Ok(TakenOut { content: content.map(String::into_bytes), left })
    }

    /// What tells it from any other.
    pub(super) fn identity(&self) -> String {
        let name = match self {
            Self::Block(block) => block.lines("\n"),
            Self::Merge(merge) => merge.shown(),
        };
        digest(name.as_bytes())
    }

    /// What it brings into a file, as the plan shows it before the file can be looked at.
    pub(super) fn shown(&self) -> String {
        let lines = match self {
            Self::Block(block) => block.lines("\n"),
            Self::Merge(merge) => merge.shown(),
        };
        lines.lines().flat_map(|line| ["+", line, "\n"]).collect()
    }
}

fn text<'a>(path: &Path, content: &'a [u8]) -> Result<&'a str, Failure> {
    std::str::from_utf8(content).map_err(|_| {
        failure_with(
            format!("{} is not text (UTF-8); it is left as it is", path.display()),
            "save it as UTF-8, then try again",
        )
    })
}
