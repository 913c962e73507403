//! Personas and their checklists: one each, and each leads to first value.

use std::collections::HashSet;

use firstlight_domain::id::{PersonaId, StepId};

use super::graph::Needs;
use crate::{
    names,
    problem::{ProblemCode, Problems},
    read::{Draft, ListDraft},
};

pub(super) fn check(draft: &Draft<'_, '_>, needs: &Needs<'_>, problems: &mut Problems<'_>) {
    let personas: Vec<&str> = draft.personas.keys().map(PersonaId::as_str).collect();
    let checklists: Vec<&str> = draft.checklists.keys().map(PersonaId::as_str).collect();
    for (id, (span, _)) in &draft.personas {
        if !draft.checklists.contains_key(id) {
            let free: Vec<&str> =
                checklists.iter().copied().filter(|name| !personas.contains(name)).collect();
            let help = match names::nearest(id.as_str(), free.iter().copied()) {
                Some(near) => format!("did you mean this for the checklist `{near}`?"),
                None => format!("add `{id}:` under `checklists`"),
            };
            problems
                .error(
                    ProblemCode::PersonaWithoutChecklist,
                    span.clone(),
                    format!("the persona `{id}` has no checklist"),
                )
                .help(help);
        }
    }
    for (id, list) in &draft.checklists {
        if !draft.personas.contains_key(id) {
            problems
                .error(
                    ProblemCode::ChecklistWithoutPersona,
                    list.span.clone(),
                    format!("there is no persona `{id}` for this checklist"),
                )
                .help(names::did_you_mean(id.as_str(), &personas, "personas"));
        }
        first_value(id, list, draft, needs, problems);
    }
    unused(draft, problems);
}

fn first_value(
    persona: &PersonaId,
    list: &ListDraft,
    draft: &Draft<'_, '_>,
    needs: &Needs<'_>,
    problems: &mut Problems<'_>,
) {
    let here: HashSet<&StepId> = list.steps.iter().map(|(step, _)| step).collect();
    let firsts: Vec<&(StepId, _)> = list
        .steps
        .iter()
        .filter(|(step, _)| draft.steps.get(step).is_some_and(|draft| draft.step.first_value))
        .collect();
    match firsts.as_slice() {
        [] => drop(
            problems
                .error(
                    ProblemCode::NoFirstValue,
                    list.span.clone(),
                    format!("no step of the checklist `{persona}` stops the clock"),
                )
                .help("add `first-value: true` to the step that is worth the journey"),
        ),
        [_] => {}
        [first, more @ ..] => {
            let mut problem = problems
                .error(
                    ProblemCode::SeveralFirstValues,
                    list.span.clone(),
                    format!("{} steps of the checklist `{persona}` stop the clock; one can", firsts.len()),
                )
                .help("keep `first-value: true` on one of them");
            for (step, span) in std::iter::once(first).chain(more).map(|first| (&first.0, &first.1)) {
                problem = problem.label(span.clone(), format!("`{step}` does"));
            }
        }
    }
    let on_the_way: Vec<Vec<bool>> =
        firsts.iter().filter_map(|(step, _)| needs.position(step)).map(|at| needs.closure(at)).collect();
    for (step, span) in &list.steps {
        let (Some(draft_step), Some(at)) = (draft.steps.get(step), needs.position(step)) else { continue };
        let absent = draft_step
            .needs
            .iter()
            .filter(|(need, _)| needs.position(need).is_some() && !here.contains(need));
        for (need, need_span) in absent {
            let (code, message) = if on_the_way.iter().any(|closure| closure[at]) {
                let message = format!(
                    "the checklist `{persona}` cannot reach first value: `{step}` needs `{need}`, which is not in it"
                );
                (ProblemCode::UnreachableFirstValue, message)
            } else {
                let message = format!("`{step}` needs `{need}`, which is not in the checklist `{persona}`");
                (ProblemCode::MissingStep, message)
            };
            problems
                .error(code, span.clone(), message)
                .label(need_span.clone(), "needed here")
                .help(format!("add `{need}` to a stage of `{persona}`, or remove it from the needs"));
        }
    }
}

fn unused(draft: &Draft<'_, '_>, problems: &mut Problems<'_>) {
    let used: HashSet<&StepId> =
        draft.checklists.values().flat_map(|list| list.steps.iter().map(|(step, _)| step)).collect();
    for (id, step) in draft.steps.iter().filter(|(id, _)| !used.contains(id)) {
        problems
            .warning(ProblemCode::UnusedStep, step.span.clone(), format!("no checklist has the step `{id}`"))
            .help("add it to a stage, or remove it");
    }
}
