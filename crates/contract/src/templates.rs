//! Projects that templates made, and what became of the templates since.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::plan::FileView;

/// `firstlight templates drift --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TemplatesView {
    /// Every folder that a template is recorded to have made on this machine, by path.
    pub projects: Vec<ProjectView>,
}

/// A folder that a template made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProjectView {
    /// Where it is, or was.
    pub path: String,
    /// The step that made it.
    pub step: String,
    /// The template's name.
    pub template: String,
    /// Its version when it made the folder.
    pub version: String,
    /// How it stands with the template now.
    #[serde(flatten)]
    pub state: ProjectState,
}

/// How a project stands with its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum ProjectState {
    /// The template is the one that made it.
    Current,
    /// The template is another one now.
    Drifted {
        /// Its version now.
        now: String,
        /// With what its result was compared.
        against: ComparedWith,
        /// What it would make differently, file by file.
        changes: Vec<FileView>,
        /// How many more files differ.
        more: u32,
    },
    /// The template is another one now, and cannot be run with what made the project.
    Incomparable {
        /// Its version now, as far as it says one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        now: Option<String>,
        /// Why.
        reason: String,
    },
    /// The pack has no template of that name any more, or is another pack.
    NoTemplate,
    /// The folder is not there any more: it was deleted or moved.
    Gone,
    /// The folder does not say any more what made it.
    Unrecorded,
}

/// With what a newer template's result was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ComparedWith {
    /// What the older template made: only the template's own changes.
    OlderTemplate,
    /// The project's files as they are now, because the older template is not on this machine any more: what the person
    /// changed differs as well.
    FilesAsTheyAre,
}
