//! What became of files that a pack was made from.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `firstlight pack import --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportView {
    /// Files that were read.
    pub sources: Vec<ImportSource>,
    /// Files that were written.
    pub files: Vec<String>,
    /// Steps that were made, in order.
    pub steps: Vec<ImportedStep>,
    /// Everything that was not carried over.
    pub left_out: Vec<LeftOutView>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportSource {
    /// The file.
    pub file: String,
    /// As what: the name of the format.
    pub format: String,
}

/// A step that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportedStep {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// Something that was not carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LeftOutView {
    /// The file it is in.
    pub file: String,
    /// Where.
    pub line: u32,
    /// What it says.
    pub entry: String,
    /// Why not.
    pub reason: String,
}
