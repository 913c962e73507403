//! What steps that a person does have in common: nothing here can bring them about, so all that is looked at is whether
//! the journal has it that somebody did.

use firstlight_domain::state::{Failure, StepState, WaitsOn};

use super::failure;
use crate::provider::{Check, Context};

/// Satisfied once the journal says so, else somebody's turn.
pub(super) fn turn(cx: &Context, on: WaitsOn, what: String) -> Check {
    match cx.host.state(&cx.step) {
        Some(StepState::Satisfied { outputs } | StepState::Changed { outputs }) => {
            Check::Satisfied { outputs }
        }
        Some(
            StepState::Pending
            | StepState::Ready
            | StepState::Running
            | StepState::Failed(_)
            | StepState::Blocked { .. }
            | StepState::Waiting { .. }
            | StepState::Unknown { .. }
            | StepState::Skipped { .. }
            | StepState::Undone,
        )
        | None => Check::Person { on, what },
    }
}

/// The answer to whoever asks the machine to do it.
pub(super) fn not_the_machine() -> Failure {
    failure("only a person can do this")
}
