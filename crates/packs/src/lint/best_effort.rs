//! `best-effort: true` says that a run is as it should be without the step. What says the opposite at the same time is
//! refused, not weighed: `first-value`, and a step that has to be done and comes after it (`critical` is refused where it
//! is read). Somebody who writes that has either forgotten what the first step is for, or that the second cannot be done
//! without it.

use crate::{
    problem::{ProblemCode, Problems},
    read::Draft,
};

pub(super) fn check(draft: &Draft<'_, '_>, problems: &mut Problems<'_>) {
    let is_best_effort = |id| draft.steps.get(id).is_some_and(|other| other.step.is_best_effort());
    for (id, step) in &draft.steps {
        if step.step.is_best_effort() && step.step.first_value {
            problems
                .error(
                    ProblemCode::BestEffortNeeded,
                    step.field("best-effort"),
                    "the step that stops the clock cannot be `best-effort`",
                )
                .label(step.field("first-value"), "everything leads to it")
                .help("keep one of them");
        }
        if step.step.is_best_effort() {
            continue;
        }
        for (need, span) in step.needs.iter().filter(|(need, _)| is_best_effort(need)) {
            problems
                .error(
                    ProblemCode::BestEffortNeeded,
                    span.clone(),
                    format!("`{id}` has to be done, but needs `{need}`, which may fail"),
                )
                .help(format!(
                    "remove `best-effort` from `{need}`, or add it to `{id}` too, or remove the need"
                ));
        }
    }
}
