//! Rules about the whole pack, checked once everything was read.

use crate::{folder::Folder, problem::Problems, read::Draft};

/// Checks every rule.
pub(crate) fn check(_draft: &Draft<'_, '_>, _folder: &Folder, _problems: &mut Problems<'_>) {}
