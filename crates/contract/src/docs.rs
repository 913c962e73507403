//! A pack's documents: which there are, what one says, search in all of them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::markdown::Block;

/// `firstlight docs list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocsView {
    /// The documents, by path.
    pub documents: Vec<DocEntry>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocEntry {
    /// The file, from the pack's folder.
    pub path: String,
    /// Its title.
    pub title: String,
}

/// `firstlight docs show --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocView {
    /// The file, from the pack's folder.
    pub path: String,
    /// Its title, which the text does not repeat.
    pub title: String,
    /// Its headings, in order.
    pub outline: Vec<DocHeading>,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A heading of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocHeading {
    /// The level, 1 to 6.
    pub level: u8,
    /// What links call it.
    pub anchor: String,
    /// Its words.
    pub text: String,
}

/// A document by its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocRef {
    /// The path, from the pack's folder.
    pub document: String,
}

/// An address that a document names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocAddress {
    /// The document, from the pack's folder.
    pub document: String,
    /// The address.
    pub url: String,
}

/// What to look for in the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocsQuery {
    /// Words; each may be the beginning of a longer one.
    pub words: String,
}

/// `firstlight docs search --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocsFound {
    /// Sections with every word, best first.
    pub hits: Vec<DocHit>,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocHit {
    /// The file, from the pack's folder.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// The section's heading; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub heading: Option<String>,
    /// What links call that heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub anchor: Option<String>,
    /// Some of its words.
    pub excerpt: Vec<DocExcerpt>,
}

/// A stretch of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DocExcerpt {
    /// Its text.
    pub text: String,
    /// Whether it is what was looked for.
    pub found: bool,
}
