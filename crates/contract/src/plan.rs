//! What would happen now, without touching anything.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::surveys::SurveyOutline;

/// The road to first value, as `firstlight plan --json` prints it and the Road screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlanView {
    /// The pack's name.
    pub pack: String,
    /// The pack's version.
    pub version: String,
    /// Whom it is for.
    pub persona: String,
    /// Every step of the checklist, in an order in which it could be walked.
    pub steps: Vec<PlannedStepView>,
    /// How many of each outcome.
    pub summary: PlanSummary,
    /// What the person will be asked for.
    pub asks: Asks,
    /// The id of the step that stops the clock.
    pub first_value: String,
    /// How long it should take, where estimates are known: the longest path, not the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub estimate_seconds: Option<u32>,
    /// How much would be fetched, in bytes, as far as it is known beforehand.
    #[ts(type = "number")]
    pub download_bytes: u64,
    /// Steps that fetch something and cannot say how much. What commands fetch by themselves nobody knows.
    pub downloads_unknown: u32,
    /// The hash a person's consent binds to: of everything resolved here.
    pub consent: String,
}

/// `firstlight pack preview --json`: the road as somebody else would meet it, and what they would be asked on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewView {
    /// The road.
    #[serde(flatten)]
    pub plan: PlanView,
    /// The surveys that would be asked of them.
    pub surveys: Vec<SurveyOutline>,
}

/// Counts by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlanSummary {
    /// Steps that would change something or ask for something.
    pub will_change: u32,
    /// Steps already fine, or not needed on this machine.
    pub ok: u32,
    /// Steps that cannot be known yet.
    pub unknown: u32,
    /// Steps that cannot be done as things are.
    pub blocked: u32,
}

/// "You will be asked for …".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Asks {
    /// Steps the machine does by itself.
    pub automatic: u32,
    /// Steps that need administrator rights: at most this many system prompts.
    pub elevations: u32,
    /// Steps that may need a restart of the machine.
    pub restarts: u32,
    /// Secrets to enter.
    pub credentials: u32,
    /// Things to read, open or confirm.
    pub actions: u32,
    /// Requests that somebody else must answer.
    pub requests: u32,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlannedStepView {
    /// The step's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The stage it belongs to.
    pub stage: String,
    /// Who does it.
    pub class: StepClass,
    /// What would happen.
    pub outcome: Outcome,
    /// Why: what would change, why it is fine, why it cannot be known, what blocks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// What must come before.
    pub needs: Vec<String>,
    /// Its own estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub estimate_seconds: Option<u32>,
    /// How much it would fetch, in bytes; absent if nothing, or if nobody can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub download_bytes: Option<u64>,
    /// Whether it would fetch something of which nobody can say how much.
    pub download_unknown: bool,
    /// Whether it stops the clock.
    pub first_value: bool,
    /// Whether it may fail without anything waiting for it.
    #[serde(default)]
    pub best_effort: bool,
    /// Exactly what would be done.
    pub detail: ResolvedView,
}

/// Who does a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StepClass {
    /// The machine.
    Task,
    /// A person.
    Action,
    /// The person, with a secret.
    Credential,
}

/// The honest groups of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Outcome {
    /// Something would be changed or asked.
    WillChange,
    /// Already fine, or not needed on this machine.
    Ok,
    /// Cannot be known yet.
    Unknown,
    /// Cannot be done as things are.
    Blocked,
}

/// Exactly what a step would do, as far as it is known. Consent binds to all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ResolvedView {
    /// Commands, word by word; never a shell line unless `shell` says so.
    pub commands: Vec<CommandView>,
    /// Files that would be written, with what changes in them.
    pub files: Vec<FileView>,
    /// Hosts that would be contacted, where known.
    pub hosts: Vec<String>,
    /// Names of the secrets handed over (never their values).
    pub secrets: Vec<String>,
    /// Whether administrator rights are needed.
    pub elevated: bool,
    /// Whether the machine may have to be restarted afterwards.
    pub restart: bool,
    /// What a person would be asked or told, in plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub text: Option<String>,
    /// What a program from outside may reach; absent for every other kind of step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reach: Option<ReachView>,
}

/// What a program from outside may reach beside the system's own programs and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReachView {
    /// SHA-256 of the program, hex; empty as long as it is not there.
    pub program: String,
    /// What it is given, as JSON; empty if nothing.
    pub values: String,
    /// Files and folders it may read.
    pub reads: Vec<String>,
    /// Files and folders it may change.
    pub writes: Vec<String>,
    /// Whether the system holds it to that. If not, it can do whatever the person can.
    pub enforced: bool,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandView {
    /// What it is for: `check`, `run`, `undo`, `ready` or `test`.
    pub purpose: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The folder it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cwd: Option<String>,
    /// Names of the environment variables it gets.
    pub env: Vec<String>,
    /// Whether a shell interprets it.
    pub shell: bool,
}

/// One file that would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileView {
    /// Its full path.
    pub path: String,
    /// What changes, as a unified diff; empty if it cannot be shown as text.
    pub diff: String,
}
