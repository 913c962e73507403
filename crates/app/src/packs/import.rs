//! A pack made from what a team has already.

use std::path::Path;

use firstlight_contract::pack_import::{ImportSource, ImportView, ImportedStep, LeftOutView};
use firstlight_engine::Engine;

use crate::error::Result;

/// Reads a file, or all that is found in a project's folder, and writes a pack into a new or empty folder.
pub fn import(from: &Path, format: Option<&str>, into: &Path) -> Result<ImportView> {
    let made = firstlight_packs::import(from, format, into, &Engine::new().kinds())?;
    Ok(ImportView {
        sources: made
            .sources
            .into_iter()
            .map(|(file, format)| ImportSource { file, format: format.to_owned() })
            .collect(),
        files: made.files.iter().map(|file| file.display().to_string()).collect(),
        steps: made.steps.into_iter().map(|(id, title)| ImportedStep { id, title }).collect(),
        left_out: made
            .left
            .into_iter()
            .map(|left| LeftOutView {
                file: left.file,
                line: left.line,
                entry: left.entry,
                reason: left.reason,
            })
            .collect(),
    })
}

/// The names of the formats that packs are made from.
pub fn import_formats() -> Vec<&'static str> {
    firstlight_packs::import_formats()
}
