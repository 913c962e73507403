//! A pack's documents: its Markdown files but those of its templates, which belong to what is made from them. What they
//! are called, what they say, where their links lead, and which pictures they may show.
//!
//! Every path that comes from outside is looked at here, and only here: it leads to a plain file of the pack or nowhere.

mod anchor;
mod image;
mod search;
mod target;

use std::path::Path;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub use self::{
    anchor::Anchors,
    image::{Image, ImageError, ImageKind, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS},
    search::Hit,
    target::{Target, percent_decoded},
};
use crate::{
    PackError,
    folder::{self, Folder},
};

/// Bytes read of one document.
const MAX_DOCUMENT: usize = 1024 * 1024;
/// The folder of a pack whose Markdown belongs to what is made from it.
const TEMPLATES: &str = "templates/";

/// Why documents were not read or searched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DocsError {
    /// The pack's folder cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] PackError),
    /// There is no such document.
    #[error("the pack has no document `{path}`")]
    #[diagnostic(help("`firstlight docs list` names them"))]
    NoDocument {
        /// What was asked for.
        path: String,
    },
    /// There is nothing to look for.
    #[error("there is no word to look for")]
    #[diagnostic(help("name at least one word, as in `firstlight docs search vpn`"))]
    NoWord,
    /// The index cannot be made.
    #[error("the documents cannot be searched: {0}")]
    Index(#[from] rusqlite::Error),
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file, from the pack's folder, with `/`.
    pub path: String,
    /// Its first heading of the first level, else its path.
    pub title: String,
}

/// The documents of one pack.
pub struct Documents {
    folder: Folder,
}

impl Documents {
    /// Those of the pack in this folder.
    pub fn of(root: &Path) -> Result<Self, PackError> {
        Ok(Self { folder: folder::list(root)? })
    }

    /// Those of a pack that was listed already.
    pub(crate) fn in_folder(folder: Folder) -> Self {
        Self { folder }
    }

    /// All of them, by path.
    pub fn list(&self) -> Result<Vec<Document>, DocsError> {
        let document = |path: &str| {
            let title = title(&self.text(path)?).unwrap_or_else(|| path.to_owned());
            Ok(Document { path: path.to_owned(), title })
        };
        self.paths().map(document).collect()
    }

    /// What one says; what is not UTF-8 is shown as such.
    pub fn text(&self, path: &str) -> Result<String, DocsError> {
        if !self.has(path) {
            return Err(DocsError::NoDocument { path: path.to_owned() });
        }
        Ok(self.folder.text(path, MAX_DOCUMENT)?)
    }

    /// Whether there is such a document.
    pub fn has(&self, path: &str) -> bool {
        is_document(path) && self.folder.has(path)
    }

    /// Whether the pack has such a file, of whatever kind.
    pub(crate) fn is_there(&self, path: &str) -> bool {
        self.folder.has(path)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.folder.files.iter().map(String::as_str).filter(|path| is_document(path))
    }
}

/// Whether a file of a pack is one of its documents, by its path.
pub(crate) fn is_document(path: &str) -> bool {
    let markdown = Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
    markdown && !path.starts_with(TEMPLATES)
}

/// How every document is read.
pub fn options() -> Options {
    Options::ENABLE_TABLES
}

fn title(text: &str) -> Option<String> {
    let mut events = Parser::new_ext(text, options());
    events.find(|event| matches!(event, Event::Start(Tag::Heading { level: HeadingLevel::H1, .. })))?;
    let said = events.take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    Some(said.filter_map(words_of).collect())
}

/// The words of an event in a heading or a description.
pub(crate) fn words_of(event: Event<'_>) -> Option<String> {
    match event {
        Event::Text(said) | Event::Code(said) | Event::InlineHtml(said) => {
            Some(said.chars().map(plain).collect())
        }
        Event::SoftBreak | Event::HardBreak => Some(" ".to_owned()),
        _ => None,
    }
}

/// Nothing that a terminal would act on, or that marks what was found.
fn plain(sign: char) -> char {
    if sign.is_control() { ' ' } else { sign }
}

#[cfg(test)]
mod tests;
