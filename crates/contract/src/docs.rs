//! Search in a pack's documents.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
