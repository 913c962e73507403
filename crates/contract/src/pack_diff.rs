//! What a release of a pack changes, as `firstlight pack diff` says it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::surveys::SurveyOutline;

/// `firstlight pack diff --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DiffView {
    /// The pack's name, as the newer one has it.
    pub pack: String,
    /// The older version.
    pub from: String,
    /// The newer version.
    pub to: String,
    /// Whether the name is the same and the version larger; else nobody's Firstlight would take it for an update.
    pub is_update: bool,
    /// Whom it changes something for.
    pub personas: Vec<PersonaDiff>,
    /// What steps may newly do.
    pub powers: Vec<PowerView>,
    /// Questions that are newly asked.
    pub asked: Vec<AskedView>,
    /// Questions that are not asked any more.
    pub not_asked: Vec<String>,
    /// Surveys that differ.
    pub surveys: Vec<SurveyDiff>,
}

/// A survey that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyDiff {
    /// The survey as the newer pack has it; as the older one had it if it is gone.
    pub survey: SurveyOutline,
    /// What becomes of it.
    pub fate: FateView,
    /// In what it differs: `when`, `whom`, `audience`, `questions`, `sooner`, `title`; empty unless it stays.
    pub aspects: Vec<String>,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FateView {
    /// It was not there before.
    New,
    /// It is there in both.
    Stays,
    /// It is not there any more.
    Gone,
}

/// What it changes for one persona.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PersonaDiff {
    /// The persona's id.
    pub id: String,
    /// For example "Backend engineer".
    pub title: String,
    /// What becomes of their checklist.
    pub fate: FateView,
    /// Steps that differ.
    pub steps: Vec<StepDiff>,
    /// The step that stopped the clock and the one that does now, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub first_value: Option<FirstValueDiff>,
    /// How many steps whoever has done them stays done with.
    pub stay_done: u32,
}

/// Another step stops the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FirstValueDiff {
    /// The step's title before.
    pub from: String,
    /// The step's title now.
    pub to: String,
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepDiff {
    /// Its id.
    pub id: String,
    /// Its title, as the newer one has it.
    pub title: String,
    /// What becomes of it.
    pub fate: FateView,
    /// In what it differs: `what`, `files`, `when`, `how`, `words`; empty unless it stays.
    pub aspects: Vec<String>,
    /// The title of the stage it is in now, if it is new or has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub stage: Option<String>,
    /// Whether somebody who has done it is looked at again.
    pub looked_at_again: bool,
}

/// Something a step may do that no step could before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PowerView {
    /// `elevated`, `program`, `host`, `write`, `read` or `secret`.
    pub power: String,
    /// Which host, path or credential; what is done with administrator rights, or which program, as the pack says it.
    pub what: String,
    /// The steps' titles.
    pub steps: Vec<String>,
}

/// A question that is newly asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AskedView {
    /// The input's name.
    pub name: String,
    /// The question.
    pub title: String,
    /// Whether it has an answer of its own, so that nobody has to be asked.
    pub has_default: bool,
}
