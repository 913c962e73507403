//! What the conformance suite of The Update Framework drives.

use std::path::{Path, PathBuf};

use firstlight_contract::error::Code;
use firstlight_releases::receive;
use jiff::Timestamp;

use crate::error::{AppError, Result};

/// The client that receives releases, with its folders and addresses given by hand.
#[derive(Debug)]
pub struct TufClient(receive::TufClient);

impl TufClient {
    /// A client that keeps what it trusts in this folder.
    pub fn at(folder: PathBuf) -> Self {
        Self(receive::TufClient::at(folder))
    }

    /// Begins to trust the root in a file.
    pub fn init(&self, root: &Path) -> Result<()> {
        let content = std::fs::read(root).map_err(|error| {
            AppError::new(Code::Usage, format!("{} cannot be read: {error}.", root.display()))
        })?;
        Ok(self.0.init(&content)?)
    }

    /// Brings the trusted metadata up to date.
    pub async fn refresh(&self, metadata: &str, now: Timestamp) -> Result<()> {
        Ok(self.0.refresh(metadata, now).await?)
    }

    /// Refreshes, then fetches targets into a folder.
    pub async fn download(
        &self,
        metadata: &str,
        targets: &str,
        names: &[String],
        into: &Path,
        now: Timestamp,
    ) -> Result<()> {
        Ok(self.0.download(metadata, targets, names, into, now).await?)
    }
}
