//! The documents of a pack, for the window and the terminal.

use std::path::{Path, PathBuf};

use firstlight_contract::{
    docs::{DocEntry, DocExcerpt, DocHeading, DocHit, DocView, DocsFound, DocsView},
    error::Code,
    markdown::{Block, Inline},
};
use firstlight_packs::{Documents, Hit};

use crate::{
    error::{AppError, Result},
    markdown::{self, Place},
    session::Firstlight,
};

/// More hits than this are no answer.
const MOST: u32 = 20;

/// A picture of a document, as it is handed to the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocImage {
    /// Its kind, as HTTP calls it: found out from the content.
    pub media_type: &'static str,
    /// The file.
    pub content: Vec<u8>,
}

impl Firstlight {
    /// The documents of a pack: the one named, else that of the journey at hand, else the one at hand, else the one that
    /// was received.
    pub fn docs(&self, pack: Option<&Path>) -> Result<DocsView> {
        let found = Documents::of(&self.pack_with_documents(pack)?)?.list()?;
        let entry = |found: firstlight_packs::Document| DocEntry { path: found.path, title: found.title };
        Ok(DocsView { documents: found.into_iter().map(entry).collect() })
    }

    /// One of them, by its path from the pack's folder.
    pub fn doc(&self, pack: Option<&Path>, path: &str) -> Result<DocView> {
        let root = self.pack_with_documents(pack)?;
        let text = Documents::of(&root)?.text(path)?;
        let mut blocks = markdown::parse_in(&text, &Place::new(&root, path));
        let title = take_title(&mut blocks).unwrap_or_else(|| path.to_owned());
        Ok(DocView { path: path.to_owned(), title, outline: outline(&blocks), blocks })
    }

    /// Looks for words in them.
    pub fn search_docs(&self, pack: Option<&Path>, words: &str) -> Result<DocsFound> {
        let hits = Documents::of(&self.pack_with_documents(pack)?)?.search(words, MOST)?;
        Ok(DocsFound { hits: hits.into_iter().map(hit).collect() })
    }

    /// A picture of the pack whose documents are shown, by its path from the pack's folder as it stands in an address.
    /// Nothing else of the pack, and nothing outside of it, is ever given out like this.
    pub fn doc_image(&self, encoded: &str) -> Result<DocImage> {
        let path = firstlight_packs::percent_decoded(encoded);
        let image = Documents::of(&self.pack_with_documents(None)?)?.image(&path)?;
        Ok(DocImage { media_type: image.kind.media_type(), content: image.content })
    }

    /// An address for the shell to hand to the system: only one that the document really names.
    pub fn doc_link(&self, document: &str, url: &str) -> Result<String> {
        if names(&self.doc(None, document)?.blocks, url) {
            return Ok(url.to_owned());
        }
        Err(AppError::new(Code::Usage, format!("`{document}` does not name the address {url}."))
            .hint("Open the document again; it may have changed."))
    }

    fn pack_with_documents(&self, named: Option<&Path>) -> Result<PathBuf> {
        if let Some(root) = named {
            return Ok(root.to_owned());
        }
        let of_journey = self.with_world(|world| Some(PathBuf::from(&world.journey.as_ref()?.pack_path)));
        let at_hand = || self.pack_at_hand().map(|pack| pack.root.clone());
        let received = || self.releases().current.map(|release| PathBuf::from(release.path));
        of_journey.or_else(at_hand).or_else(received).ok_or_else(|| {
            AppError::new(Code::NoJourney, "There is no pack at hand whose documents could be read.")
                .hint("Name its folder: `--pack DIR`.")
        })
    }
}

/// The first heading of the first level, if the document begins with it: it is shown as the title.
fn take_title(blocks: &mut Vec<Block>) -> Option<String> {
    match blocks.first() {
        Some(Block::Heading { level: 1, inlines, .. }) => {
            let title = markdown::words(inlines);
            blocks.remove(0);
            Some(title)
        }
        _ => blocks.iter().find_map(|block| match block {
            Block::Heading { level: 1, inlines, .. } => Some(markdown::words(inlines)),
            _ => None,
        }),
    }
}

fn outline(blocks: &[Block]) -> Vec<DocHeading> {
    let heading = |block: &Block| match block {
        Block::Heading { level, anchor: Some(anchor), inlines } => {
            Some(DocHeading { level: *level, anchor: anchor.clone(), text: markdown::words(inlines) })
        }
        _ => None,
    };
    blocks.iter().filter_map(heading).collect()
}

/// Whether a link to this address stands anywhere in a text.
fn names(blocks: &[Block], url: &str) -> bool {
    blocks.iter().any(|block| match block {
        Block::Heading { inlines, .. } | Block::Paragraph { inlines } => links(inlines, url),
        Block::List { items, .. } => items.iter().any(|item| names(item, url)),
        Block::Quote { blocks } => names(blocks, url),
        Block::Table { head, rows } => rows.iter().chain([head]).flatten().any(|cell| links(cell, url)),
        Block::Code { .. } | Block::Rule => false,
    })
}

fn links(inlines: &[Inline], url: &str) -> bool {
    inlines.iter().any(|inline| match inline {
        Inline::Link { url: named, inlines } => named == url || links(inlines, url),
        Inline::Emphasis { inlines }
        | Inline::Strong { inlines }
        | Inline::DocLink { inlines, .. }
        | Inline::StepLink { inlines, .. } => links(inlines, url),
        Inline::Text { .. } | Inline::Code { .. } | Inline::Image { .. } | Inline::Break => false,
    })
}

fn hit(found: Hit) -> DocHit {
    let excerpt = found.excerpt.into_iter().map(|(text, found)| DocExcerpt { text, found }).collect();
    DocHit {
        document: found.document,
        title: found.title,
        heading: found.heading,
        anchor: found.anchor,
        excerpt,
    }
}

#[cfg(test)]
mod tests;
