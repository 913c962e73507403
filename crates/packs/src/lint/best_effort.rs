//! `best-effort: true` says that a run is as it should be without the step. What says the opposite at the same time is
//! refused, not weighed: `critical`, `first-value`, and a step that has to be done and comes after it. Somebody who
//! writes that has either forgotten what the first step is for, or that the second cannot be done without it.

use crate::{
    problem::{ProblemCode, Problems},
    read::Draft,
};

pub(super) fn check(draft: &Draft<'_, '_>, problems: &mut Problems<'_>) {
    let is_best_effort = |id| draft.steps.get(id).is_some_and(|other| other.step.best_effort);
    for (id, step) in &draft.steps {
        if step.step.best_effort {
            let both = [("critical", step.step.critical), ("first-value", step.step.first_value)];
            for (field, _) in both.into_iter().filter(|(_, set)| *set) {
                problems
                    .error(
                        ProblemCode::BestEffortNeeded,
                        step.field("best-effort"),
                        format!("`{id}` cannot be `best-effort` and `{field}`"),
                    )
                    .label(step.field(field), "this says that it has to work")
                    .help("keep one of them");
            }
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
