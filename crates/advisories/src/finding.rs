//! A finding, whoever made it: an advisory that matched, or a scanner.

use std::collections::BTreeSet;

use firstlight_domain::finding::Severity;

use crate::package::Package;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The advisory's id, or the scanner's rule.
    pub id: String,
    /// Other ids of the same thing.
    pub aliases: BTreeSet<String>,
    /// What it is, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// What it is about, where that is a package.
    pub package: Option<Package>,
    /// The lowest version above the one there that is not affected.
    pub fixed: Option<String>,
    /// Where, as a file of the project, maybe with `:` and a line.
    pub place: Option<String>,
    /// What to do about it, in words, where somebody says.
    pub advice: Option<String>,
    /// Where more is said about it.
    pub link: Option<String>,
}
