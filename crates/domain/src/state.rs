//! The states of a step. An enum whose variants carry what belongs to them; a step that failed a precondition is
//! *blocked*, never satisfied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::StepId;

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Something it needs is not done yet.
    Pending,
    /// It could start now.
    Ready,
    /// It is being applied. Found at start-up, it means the run was cut off: the step is re-checked.
    Running,
    /// Its check held without a change by us, or a person did it.
    Satisfied {
        /// What later steps may use.
        #[serde(default)]
        outputs: BTreeMap<String, String>,
    },
    /// We changed something and its check holds now.
    Changed {
        /// What later steps may use.
        #[serde(default)]
        outputs: BTreeMap<String, String>,
    },
    /// It was tried and did not come to hold.
    Failed(Failure),
    /// It could not be tried.
    Blocked {
        /// The steps that hold it up; empty if it is a precondition of the machine.
        by: Vec<StepId>,
        /// In words.
        reason: String,
    },
    /// It is somebody's turn.
    Waiting {
        /// Whose.
        on: WaitsOn,
    },
    /// It could not be found out.
    Unknown {
        /// Why.
        why: String,
    },
    /// It is not needed here.
    Skipped {
        /// Why.
        why: String,
    },
    /// It was taken back.
    Undone,
}

/// Why a step did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What happened.
    pub cause: String,
    /// The end of its output, masked.
    #[serde(default)]
    pub last_lines: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsOn {
    /// The newcomer.
    You,
    /// Somebody else, by the name the pack gives.
    Owner(String),
    /// A restart of the machine.
    Restart(Applied),
}

/// What was applied and takes effect with a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "AppliedRecord", into = "AppliedRecord")]
pub struct Applied {
    /// It was applied while the system ran that was started with this id.
    pub boot: String,
    /// What it gave that no check can tell again after the restart.
    pub outputs: BTreeMap<String, String>,
}

/// As it is written down: journals have had the id alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum AppliedRecord {
    Boot(String),
    Whole { boot: String, outputs: BTreeMap<String, String> },
}

impl From<AppliedRecord> for Applied {
    fn from(record: AppliedRecord) -> Self {
        match record {
            AppliedRecord::Boot(boot) => Self { boot, outputs: BTreeMap::new() },
            AppliedRecord::Whole { boot, outputs } => Self { boot, outputs },
        }
    }
}

impl From<Applied> for AppliedRecord {
    fn from(Applied { boot, outputs }: Applied) -> Self {
        if outputs.is_empty() { Self::Boot(boot) } else { Self::Whole { boot, outputs } }
    }
}

impl StepState {
    /// Whether what needs this step may go on.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Satisfied { .. } | Self::Changed { .. } | Self::Skipped { .. } => true,
            Self::Pending
            | Self::Ready
            | Self::Running
            | Self::Failed(_)
            | Self::Blocked { .. }
            | Self::Waiting { .. }
            | Self::Unknown { .. }
            | Self::Undone => false,
        }
    }

    /// The outputs later steps may use, if it is done.
    pub fn outputs(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::Satisfied { outputs } | Self::Changed { outputs } => Some(outputs),
            _ => None,
        }
    }

    /// The state's name, as DESIGN and `--json` have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Satisfied { .. } => "satisfied",
            Self::Changed { .. } => "changed",
            Self::Failed(_) => "failed",
            Self::Blocked { .. } => "blocked",
            Self::Waiting { .. } => "waiting",
            Self::Unknown { .. } => "unknown",
            Self::Skipped { .. } => "skipped",
            Self::Undone => "undone",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_waits_for_a_restart_is_read_as_journals_have_it() {
        let of = |outputs: &[(&str, &str)]| {
            let outputs = outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            WaitsOn::Restart(Applied { boot: "b1".to_owned(), outputs: outputs.collect() })
        };
        for (waits, written) in [
            (of(&[]), json!({ "restart": "b1" })),
            (of(&[("version", "7")]), json!({ "restart": { "boot": "b1", "outputs": { "version": "7" } } })),
        ] {
            assert_eq!(serde_json::to_value(&waits).unwrap(), written);
            assert_eq!(serde_json::from_value::<WaitsOn>(written).unwrap(), waits);
        }
    }
}
