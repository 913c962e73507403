//! Markdown from packs, parsed into a closed set of blocks: what is not here cannot be shown, so pack text can never
//! become markup or script in the window.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A block of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Block {
    /// A heading, level 1 to 6.
    Heading {
        /// The level.
        level: u8,
        /// What links call it, in a document of the pack.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        anchor: Option<String>,
        /// Its text.
        inlines: Vec<Inline>,
    },
    /// A paragraph.
    Paragraph {
        /// Its text.
        inlines: Vec<Inline>,
    },
    /// A list.
    List {
        /// Whether it is numbered.
        ordered: bool,
        /// Its items.
        items: Vec<Vec<Block>>,
    },
    /// Code.
    Code {
        /// The language, if named.
        language: String,
        /// The text.
        text: String,
    },
    /// A quotation.
    Quote {
        /// What is quoted.
        blocks: Vec<Block>,
    },
    /// A table.
    Table {
        /// The cells of its first row, which says what is in the columns.
        head: Vec<Vec<Inline>>,
        /// The cells of the other rows.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// A line between parts.
    Rule,
}

/// A piece of text in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Inline {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// Code.
    Code {
        /// The text.
        text: String,
    },
    /// Emphasis.
    Emphasis {
        /// What is emphasised.
        inlines: Vec<Inline>,
    },
    /// Strong emphasis.
    Strong {
        /// What is emphasised.
        inlines: Vec<Inline>,
    },
    /// A link out of the pack; only `https:` and `mailto:` survive parsing. Opened by the system, after a click.
    Link {
        /// Where to.
        url: String,
        /// Its text.
        inlines: Vec<Inline>,
    },
    /// A link to a document of the pack, which is there.
    DocLink {
        /// The document, by its path from the pack's folder.
        path: String,
        /// A heading of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        anchor: Option<String>,
        /// Its text.
        inlines: Vec<Inline>,
    },
    /// A link to a step of the pack; not every checklist has it.
    StepLink {
        /// The step's id.
        step: String,
        /// Its text.
        inlines: Vec<Inline>,
    },
    /// A picture of the pack, which is there and may be shown.
    Image {
        /// The file, by its path from the pack's folder.
        path: String,
        /// What it shows, in words.
        alt: String,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// A line break.
    Break,
}
