//! What a clone's receipt tells, and how its place is left once it is gone.

use std::path::PathBuf;

use firstlight_domain::state::Failure;
use serde::{Deserialize, Serialize};

use super::folder::cannot;
use crate::providers::{empty_folder, whole_file};

/// What a step added.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Receipt {
    pub(super) path: PathBuf,
    /// Whether there was an empty folder.
    pub(super) was_empty_folder: bool,
    /// Its permissions; unknown to older receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<u32>,
    /// Folders that were made around it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) folders: Vec<PathBuf>,
    /// Where its commits are known to exist elsewhere, beyond its origin's branches.
    pub(super) reference: Option<String>,
}

impl Receipt {
    /// Once the clone is gone: the empty folder that was there is there again, and folders made for the clone go.
    pub(super) fn leave_as_found(&self) -> Result<(), Failure> {
        if self.was_empty_folder {
            empty_folder::make_again(&self.path, self.mode)
                .map_err(|error| cannot("made", &self.path, &error))?;
        }
        whole_file::remove_made(&self.folders);
        Ok(())
    }
}
