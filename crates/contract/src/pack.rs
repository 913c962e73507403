//! A pack as Welcome shows it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person sees of a pack before choosing who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PackOverview {
    /// The pack's name, for example `sample`.
    pub name: String,
    /// Its version (semver).
    pub version: String,
    /// The greeting, for example "Welcome to Acme".
    pub title: String,
    /// Who writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub owner: Option<String>,
    /// The folder it was read from.
    pub path: String,
    /// In the order the pack names them.
    pub personas: Vec<PersonaCard>,
    /// Asked once, before the plan.
    pub inputs: Vec<InputField>,
}

/// One kind of engineer to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PersonaCard {
    /// The persona's id.
    pub id: String,
    /// For example "Backend engineer".
    pub title: String,
    /// One sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub summary: Option<String>,
    /// The title of the step that is this persona's first value.
    pub first_value: String,
    /// How many steps the checklist has.
    pub steps: u32,
}

/// One question the pack asks once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InputField {
    /// The input's name, as in `${{ inputs.NAME }}`.
    pub name: String,
    /// The question.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub description: Option<String>,
    /// What the value is.
    pub kind: InputKind,
    /// What is used when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub default: Option<String>,
    /// The allowed values, where the pack lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// The types an input may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum InputKind {
    /// Text.
    String,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
}

/// `firstlight pack lint --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LintView {
    /// Whether the pack can be used; warnings do not count.
    pub ok: bool,
    /// The file that was read.
    pub file: String,
    /// In the order of the text.
    pub problems: Vec<LintProblem>,
}

/// One thing that is wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LintProblem {
    /// Which rule, for example `unknown-field`.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// How to put it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}
