//! What a result says of itself: `.firstlight/scaffold.json`. By it a later look knows which template made the folder, of
//! which version, from which values, and what each file was, so that what has drifted since can be told.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    build::Built,
    inspect::Said,
    template::Template,
    tree::{File, RECORD_FOLDER},
    trouble::Trouble,
};

/// Its place in a result.
pub(super) const RECORD: &str = ".firstlight/scaffold.json";
/// A record may be this large.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Outputs every step of this kind has.
pub(super) const OUTPUTS: &[&str] = &["path", "template", "version", "links", "follow_ups"];

/// What made a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Which template.
    pub(super) template: Origin,
    /// What it was given.
    pub(super) values: Map<String, Value>,
    /// Where its steps published to. Unknown to older records.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) publish: BTreeMap<String, String>,
    /// Steps of it that were left out. Unknown to older records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) skip: Vec<String>,
    /// What it gave.
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    /// Where to look at what it made: `title: address`.
    #[serde(default)]
    links: Vec<String>,
    /// What it left to do.
    #[serde(default)]
    pub(super) follow_ups: Vec<String>,
    /// SHA-256 of each file as it was made.
    pub(super) files: BTreeMap<String, String>,
}

/// Which template, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Its name.
    pub(super) name: String,
    /// Its version: the one it gives itself (`backstage.io/template-version`), else the beginning of its digest.
    pub(super) version: String,
    /// Its file in the pack.
    path: String,
    /// SHA-256 over the files of the pack that it read.
    pub(super) digest: String,
}

impl Origin {
    /// Its file in the pack.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Record {
    pub(super) fn new(
        template: &Template,
        values: Map<String, Value>,
        said: &Said<'_>,
        built: &Built,
        digest_read: String,
    ) -> Self {
        let version = template.version.clone().unwrap_or_else(|| digest_read.chars().take(12).collect());
        Self {
            template: Origin {
                name: template.name.clone(),
                version,
                path: template.path.clone(),
                digest: digest_read,
            },
            values,
            publish: said.publish.clone(),
            skip: said.skip.to_vec(),
            outputs: built.outputs.clone(),
            links: built.links.clone(),
            follow_ups: built.follow_ups.clone(),
            files: built.tree.digests(),
        }
    }

    /// As it is written.
    pub(super) fn file(&self) -> Result<File, Trouble> {
        let mut content = serde_json::to_vec_pretty(self).map_err(|error| {
            Trouble::new(format!("what made the result cannot be noted: {error}"), "tell us")
        })?;
        content.push(b'\n');
        Ok(File { content, executable: false })
    }

    /// The record of a folder; none if there is none that can be read.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let own = folder.join(RECORD_FOLDER).symlink_metadata().is_ok_and(|found| found.is_dir());
        let file = folder.join(RECORD);
        let metadata = file.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
        if !own || metadata.len() > MAX_BYTES {
            return None;
        }
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// What later steps may use.
    pub(super) fn outputs(&self, folder: &Path) -> BTreeMap<String, String> {
        let own = [
            folder.display().to_string(),
            self.template.name.clone(),
            self.template.version.clone(),
            self.links.join("\n"),
            self.follow_ups.join("\n"),
        ];
        let mut outputs = self.outputs.clone();
        // The file is the person's to edit; what steps take from it stays on one line.
        outputs.retain(|_, value| !value.chars().any(char::is_control));
        outputs.extend(OUTPUTS.iter().map(|name| (*name).to_owned()).zip(own));
        outputs
    }
}
