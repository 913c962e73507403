//! The repository as the library asks for it: over the network, except for what a role said in a version that was
//! verified before.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sigstore_tuf::{Error, Repository};

use super::{
    fetch::{FetchError, Source},
    store::Store,
};

/// Where the library fetches from. Clones are the same.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) source: Source,
    store: Store,
    /// Whether what was verified before is asked first.
    remembers: Arc<AtomicBool>,
    /// What came, by role: who wants to know why it was refused looks here.
    came: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Published {
    pub(super) fn new(source: Source, store: Store) -> Self {
        Self { source, store, remembers: Arc::new(AtomicBool::new(true)), came: Arc::default() }
    }

    /// Asks the network only from now on, in case what was kept is damaged. Says whether that is new.
    pub(super) fn forget(&self) -> bool {
        self.remembers.swap(false, Ordering::Relaxed)
    }

    /// What came last as this role's metadata.
    pub(super) fn came(&self, role: &str) -> Option<Vec<u8>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).get(role).cloned()
    }

    async fn fetch(&self, name: &str, max: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let stem = name.strip_suffix(".json").unwrap_or(name);
        let versioned = stem.split_once('.').filter(|(version, _)| version.parse::<u64>().is_ok());
        let role = versioned.map_or(stem, |(_, role)| role);
        // A version of a role is the same for ever. Whether it is the right one is the library's to say.
        if let Some((version, role)) = versioned.filter(|(_, role)| *role != "root" && *role != "snapshot")
            && self.remembers.load(Ordering::Relaxed)
            && let Ok(Some(kept)) = self.store.read(&format!("{role}.json"))
            && version_of(&kept).is_some_and(|kept| kept.to_string() == version)
        {
            return Ok(Some(kept));
        }
        let came = self.source.metadata(name, max).await.map_err(carried)?;
        if let Some(content) = &came {
            let mut all = self.came.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(role.to_owned(), content.clone());
        }
        Ok(came)
    }
}

impl Repository for Published {
    fn fetch_metadata<'a>(
        &'a self,
        name: &'a str,
        max_length: u64,
    ) -> sigstore_tuf::transport::FetchFuture<'a> {
        Box::pin(self.fetch(name, max_length))
    }

    /// Targets are fetched by [`Source::file`], which holds none in memory; nobody asks for them here.
    fn fetch_target<'a>(&'a self, path: &'a str, _: u64) -> sigstore_tuf::transport::FetchFuture<'a> {
        Box::pin(async move { Err(Error::transport(format!("{path} is not fetched into memory"))) })
    }
}

/// Our error as the cause of theirs, to be taken out again where it arrives.
fn carried(error: FetchError) -> Error {
    Error::transport_with_source("not fetched", error)
}

/// The version a file of metadata says it has, before anything is verified.
fn version_of(content: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(content).ok()?["signed"]["version"].as_u64()
}
