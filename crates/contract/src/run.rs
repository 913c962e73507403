//! What happens while a run goes on, one object at a time: `up --json` prints them, the desktop streams them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::journey::{FollowUpView, StepStateView};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum RunEvent {
    /// A run began.
    Started {
        /// Its id.
        run: String,
        /// How many steps it will walk.
        steps: u32,
    },
    /// A step entered a state.
    Step {
        /// The step.
        step: String,
        /// Its title.
        title: String,
        /// The state.
        #[serde(flatten)]
        state: StepStateView,
    },
    /// A step printed something. Masked.
    Log {
        /// The step.
        step: String,
        /// The number of the first line, from 0.
        first: u32,
        /// Whole lines.
        lines: Vec<String>,
    },
    /// Nothing new, but it goes on: sent each minute for a step that takes long.
    StillRunning {
        /// The step.
        step: String,
        /// For how long.
        seconds: u32,
    },
    /// The system begins to ask the person for administrator rights, or was answered: at the terminal, or in a window of
    /// its own, which may be behind ours.
    AdministratorRights {
        /// Whether it asks now.
        asking: bool,
    },
    /// First value was verified: the clock stopped.
    FirstValue {
        /// The step that did it.
        step: String,
        /// Time to first value.
        seconds: u32,
    },
    /// The run ended. Always the last.
    Finished {
        /// Whether every step that could be done was.
        ok: bool,
        /// The steps that failed.
        failed: Vec<String>,
        /// Best-effort steps that do not hold, in this run or since an earlier one: they do not make it less `ok`.
        #[serde(default)]
        best_effort: Vec<String>,
        /// The steps that wait for a person.
        waiting: Vec<String>,
        /// What steps have left to the person, of this run and of earlier ones.
        #[serde(default)]
        follow_ups: Vec<FollowUpView>,
        /// Whether the journey has reached first value, in this run or before.
        first_value_reached: bool,
        /// Whether it was cancelled.
        cancelled: bool,
    },
}
