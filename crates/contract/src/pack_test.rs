//! How a pack stood the test: every step walked, walked again and taken back in a throwaway home.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `firstlight pack test --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PackTestView {
    /// The pack's name.
    pub pack: String,
    /// Its version.
    pub version: String,
    /// Whether everything that could be tested holds.
    pub ok: bool,
    /// Whether the system kept the test from writing outside of its throwaway folder.
    pub confined: bool,
    /// What the test could not keep from happening, or could not see, on this system.
    pub limits: Vec<String>,
    /// Each persona that was walked.
    pub personas: Vec<PersonaTest>,
}

/// One persona's checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PersonaTest {
    /// The persona's id.
    pub id: String,
    /// For example "Backend engineer".
    pub title: String,
    /// Whether everything that could be tested holds.
    pub ok: bool,
    /// Every step, in the order it was walked.
    pub steps: Vec<StepTest>,
    /// What went wrong and belongs to no step.
    pub problems: Vec<TestProblem>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepTest {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How far it was tested.
    pub outcome: TestOutcome,
    /// Why it was skipped, taken for done, or had nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub why: Option<String>,
    /// What does not hold.
    pub problems: Vec<TestProblem>,
    /// What stays after everything was taken back, and is nobody's mistake: a step without an `undo` has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub stays: Option<Left>,
}

/// How far a step was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TestOutcome {
    /// It was done, holds, and was looked at again.
    Done,
    /// It had nothing to do here.
    Held,
    /// A person does it; taken for done, so that what comes after could be tested.
    Assumed,
    /// It was not tested.
    Skipped,
    /// It could not be done.
    Failed,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TestProblem {
    /// What kind.
    pub kind: TestProblemKind,
    /// In words.
    pub message: String,
    /// How the output of what failed ended.
    pub last_lines: Vec<String>,
    /// Paths in the throwaway home that it is about, with `~` for the home.
    pub paths: Vec<String>,
}

/// What does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TestProblemKind {
    /// It failed.
    Fails,
    /// It was refused a write, most likely outside of the home folder.
    WritesOutside,
    /// It ran, and its check still says no.
    NeverHolds,
    /// A second time would change something, or fails.
    NotIdempotent,
    /// Taking it back failed.
    UndoFails,
    /// Taking it back did not give back what was there.
    UndoLeaves,
}

/// Files and folders, some of them by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Left {
    /// How many.
    pub count: u32,
    /// The topmost of them.
    pub paths: Vec<String>,
}
