//! Rules about the whole pack, checked once everything was read.

mod best_effort;
mod capabilities;
mod docs;
mod expressions;
mod files;
mod graph;
mod people;
mod secrets;
mod surveys;

use firstlight_domain::kind::Capabilities;

use crate::{
    advisories,
    folder::Folder,
    names,
    problem::{ProblemCode, Problems},
    read::{Draft, step::StepDraft, with::Shape},
};

/// Checks every rule.
pub(crate) fn check(draft: &Draft<'_, '_>, folder: &Folder, problems: &mut Problems<'_>) {
    let graph = graph::check(draft, problems);
    people::check(draft, &graph, problems);
    best_effort::check(draft, problems);
    expressions::check_policy(draft, &graph, problems);
    let mut asked = Vec::with_capacity(draft.steps.len());
    for step in draft.steps.values() {
        let before = problems.count();
        expressions::check_step(step, draft, &graph, problems);
        files::check(step, folder, problems);
        if problems.count() == before {
            accepted(step, folder, problems);
            asked.push(self::asked(step));
        } else {
            // What it would touch is not worth judging before these are put right.
            asked.push(Capabilities::default());
        }
    }
    capabilities::check(draft, &asked, problems);
    secrets::check(draft, &graph, problems);
    surveys::check(draft, &graph, problems);
    advisories::check(folder, problems);
    docs::check(draft, folder, problems);
}

/// What a step's kind says it touches; nothing where it could not be read.
fn asked(step: &StepDraft<'_, '_>) -> Capabilities {
    match step.kind {
        Some(kind) if step.readable => (kind.needs)(&step.step.with),
        Some(_) | None => Capabilities::default(),
    }
}

/// Asks the kind about what its schema cannot say, and about the files that it will read.
fn accepted(step: &StepDraft<'_, '_>, folder: &Folder, problems: &mut Problems<'_>) {
    let Some(kind) = step.kind.filter(|_| step.readable) else { return };
    let with = &step.step.with;
    if let Err(error) = (kind.accepts)(with).and_then(|()| (kind.inspect)(with, folder)) {
        let message = match (error.path.as_str(), error.message.starts_with('`')) {
            (_, true) => error.message,
            ("", false) => format!("`{}` {}", kind.name, error.message),
            (path, false) => format!("`{path}` {}", error.message),
        };
        problems.error(ProblemCode::BadWith, step.locate(&error.path), message).help(format!(
            "`{}` takes {}",
            kind.name,
            names::list(Shape::new(&kind.schema).properties())
        ));
    }
}
