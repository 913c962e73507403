//! The documents of a pack.

use std::path::{Path, PathBuf};

use firstlight_contract::docs::{DocExcerpt, DocHit, DocsFound};
use firstlight_packs::Hit;

use crate::{
    error::{AppError, Result},
    session::Firstlight,
};

/// More hits than this are no answer.
const MOST: u32 = 20;

impl Firstlight {
    /// Looks for words in the documents of a pack: the one named, else that of the journey at hand, else the one that was
    /// received.
    pub fn search_docs(&self, pack: Option<&Path>, words: &str) -> Result<DocsFound> {
        let root = match pack {
            Some(root) => root.to_owned(),
            None => self.documents()?,
        };
        let hits = firstlight_packs::search_docs(&root, words, MOST)?;
        Ok(DocsFound { hits: hits.into_iter().map(hit).collect() })
    }

    fn documents(&self) -> Result<PathBuf> {
        let of_journey = self.with_world(|world| Some(PathBuf::from(&world.journey.as_ref()?.pack_path)));
        let received = || self.releases().current.map(|release| PathBuf::from(release.path));
        of_journey.or_else(received).ok_or_else(AppError::no_journey)
    }
}

fn hit(found: Hit) -> DocHit {
    let excerpt = found.excerpt.into_iter().map(|(text, found)| DocExcerpt { text, found }).collect();
    DocHit { document: found.document, title: found.title, heading: found.heading, excerpt }
}
