//! The pack: who is greeted, what they walk through, what each step is. A rich type; how it is written is known to
//! `firstlight-packs` only.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    finding::Severity,
    host::{host_of, host_of_address},
    id::{CredentialName, InputName, PackName, PersonaId, StageId, StepId, SurveyId},
    survey::Survey,
};

/// A pack that holds together: every name used exists, no cycle, first value reachable (`firstlight-packs` checks it).
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// Its name.
    pub name: PackName,
    /// Its version.
    pub version: semver::Version,
    /// The greeting.
    pub title: String,
    /// Who writes it.
    pub owner: Option<String>,
    /// Asked once.
    pub inputs: IndexMap<InputName, Input>,
    /// Whom it is for.
    pub personas: IndexMap<PersonaId, Persona>,
    /// One per persona.
    pub checklists: IndexMap<PersonaId, Checklist>,
    /// All steps, shared by the checklists.
    pub steps: IndexMap<StepId, Step>,
    /// What people are asked.
    pub surveys: IndexMap<SurveyId, Survey>,
    /// What steps may do.
    pub policy: Policy,
    /// The folder the pack was read from.
    pub root: PathBuf,
    /// SHA-256 over every file of the pack, hex: tells one content from another, whatever the version says.
    pub digest: String,
}

/// Names one content of one pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRef {
    /// The pack's name.
    pub name: PackName,
    /// Its version.
    pub version: semver::Version,
    /// Its digest, see [`Pack::digest`].
    pub digest: String,
}

/// One kind of engineer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// For example "Backend engineer".
    pub title: String,
    /// One sentence.
    pub summary: Option<String>,
    /// Directory groups whose members are this persona.
    pub groups: Vec<String>,
}

/// A question asked once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The question.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// What the answer is.
    pub kind: InputKind,
    /// Used when nothing is said.
    pub default: Option<String>,
    /// The allowed answers; empty for any.
    pub choices: Vec<String>,
}

/// Types of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Text.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// The steps of one persona, in stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// In order.
    pub stages: Vec<Stage>,
}

impl Checklist {
    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &StepId> {
        self.stages.iter().flat_map(|stage| &stage.steps)
    }
}

/// A part of a checklist: day one, week one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its id.
    pub id: StageId,
    /// For example "Day one".
    pub title: String,
    /// In order.
    pub steps: Vec<StepId>,
}

/// One item.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// What it is called.
    pub title: String,
    /// Why it matters, Markdown.
    pub why: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How long it should take.
    pub estimate: Option<Duration>,
    /// What must come before.
    pub needs: Vec<StepId>,
    /// Only where this expression is true.
    pub condition: Option<String>,
    /// The provider.
    pub uses: String,
    /// The provider's parameters, expressions unresolved.
    pub with: Value,
    /// With whose rights.
    pub elevation: Elevation,
    /// What its failure means to the rest of a run.
    pub on_failure: OnFailure,
    /// What the person still has to do themselves once it has changed something, expressions unresolved.
    pub follow_up: Option<String>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often it is tried again by itself.
    pub retries: u8,
    /// Whether it may take effect only after the machine was restarted.
    pub restart: bool,
    /// What the owner promises, as written.
    pub sla: Option<String>,
    /// What can tell that it is done without asking.
    pub probe: Option<Probe>,
    /// Whether its verification stops the clock.
    pub first_value: bool,
    /// Names of the outputs it declares.
    pub outputs: Vec<String>,
    /// Secrets it is handed.
    pub secrets: Secrets,
}

/// What the failure of a step means to the rest of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The run has failed; what does not need the step goes on.
    #[default]
    Fail,
    /// The run has failed, and ends (`critical`).
    Stop,
    /// The run is as it should be without it (`best-effort`): it stops nothing, and is named until it holds.
    GoOn,
}

/// With whose rights a step runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elevation {
    /// The person's own.
    #[default]
    Current,
    /// The administrator's, through the system's prompt.
    Elevated,
}

/// A question to the world that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct Probe {
    /// An address that answers with `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// The status expected (any 2xx if not said).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A `host:port` that accepts a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// A command that exits 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
}

impl Probe {
    /// The host it contacts; none if it runs a command. In lower case, expressions unresolved.
    pub fn host(&self) -> Option<String> {
        let by_address = self.http.as_deref().and_then(host_of_address);
        by_address.or_else(|| host_of(self.tcp.as_deref()?))
    }
}

/// How secrets reach a task: by environment or standard input, never by argument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// Environment variable → credential.
    pub env: BTreeMap<String, CredentialName>,
    /// The credential written to standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin: Option<CredentialName>,
}

impl Secrets {
    /// Every credential named here.
    pub fn names(&self) -> impl Iterator<Item = &CredentialName> {
        self.env.values().chain(&self.stdin)
    }
}

/// What steps of this pack may do by their own declaration. What a command does on its own is bounded by the person's
/// rights and by what they agreed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Hosts that may be contacted (`example.com`, `*.example.com`).
    pub hosts: Vec<String>,
    /// Folders that may be written, expressions unresolved; `None` if the pack does not say, and any may be.
    pub paths: Option<Vec<String>>,
    /// Folders that programs from outside may read, expressions unresolved; `None` if the pack does not say, and any may
    /// be.
    pub reads: Option<Vec<String>>,
    /// Whether steps may ask for administrator rights.
    pub elevation: bool,
    /// Credentials that may be used.
    pub secrets: Vec<CredentialName>,
    /// What findings of advisories mean.
    pub advisories: AdvisoryPolicy,
}

/// What findings of advisories mean to the steps of a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdvisoryPolicy {
    /// Findings of at least this severity block the steps that work with what they are about; none: nothing does.
    pub block: Option<Severity>,
    /// For how long a person may live with a finding at most; none: not at all.
    pub accept: Option<Duration>,
}

impl AdvisoryPolicy {
    /// Whether a finding of this severity blocks. Where nobody says how bad it is, it counts as low: it blocks where
    /// everything does.
    pub fn blocks(&self, severity: Severity) -> bool {
        self.block.is_some_and(|threshold| severity.max(Severity::Low) >= threshold)
    }
}

impl Step {
    /// Whether a run is as it should be without it.
    pub fn is_best_effort(&self) -> bool {
        self.on_failure == OnFailure::GoOn
    }
}

impl Pack {
    /// Names this content.
    pub fn reference(&self) -> PackRef {
        PackRef { name: self.name.clone(), version: self.version.clone(), digest: self.digest.clone() }
    }

    /// The step of a checklist that stops the clock.
    pub fn first_value(&self, persona: &PersonaId) -> Option<&Step> {
        self.checklists
            .get(persona)?
            .steps()
            .filter_map(|id| self.steps.get(id))
            .find(|step| step.first_value)
    }
}
