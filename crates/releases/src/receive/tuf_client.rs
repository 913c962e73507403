//! The client as the conformance suite of The Update Framework drives it: the same code that receives releases, with
//! folders and addresses given by hand.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{
    client::{Client, wanted},
    error::{ReceiveError, Result},
    fetch::{Limits, Source, hex, is_there},
};
use sha2::{Digest as _, Sha256};

/// A client that keeps what it trusts in one folder.
#[derive(Debug)]
pub struct TufClient {
    folder: PathBuf,
}

impl TufClient {
    /// The folder of trusted metadata.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Begins to trust a root. Asks nobody.
    pub fn init(&self, root: &[u8]) -> Result<()> {
        Client::begin(&self.folder, root)
    }

    /// Brings the trusted metadata up to date.
    pub async fn refresh(&self, metadata_url: &str, now: Timestamp) -> Result<()> {
        let source = Source::new(metadata_url, metadata_url, Limits::default())?;
        Client::open(&self.folder, source)?.refresh(now).await
    }

    /// Refreshes, then fetches these targets into a folder, in this order. What is there already is not fetched again.
    pub async fn download(
        &self,
        metadata_url: &str,
        targets_url: &str,
        names: &[String],
        into: &Path,
        now: Timestamp,
    ) -> Result<()> {
        let source = Source::new(metadata_url, targets_url, Limits::default())?;
        let mut client = Client::open(&self.folder, source)?;
        client.refresh(now).await?;
        for name in names {
            let target = client.target(name, now).await;
            client.remember()?;
            let target = target?.ok_or_else(|| ReceiveError::NotPublished { pack: name.clone() })?;
            // A name may hold anything; its sum is a name for any disk.
            let to = into.join(hex(&Sha256::digest(name)));
            let unreadable = |source| ReceiveError::NotWritable { path: to.clone(), source };
            if !is_there(&to, &wanted(&target)).map_err(unreadable)? {
                client.fetch(name, &target, &to).await?;
            }
        }
        Ok(())
    }
}
