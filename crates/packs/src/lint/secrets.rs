//! Secrets handed to steps: some step of the same checklist asks for them, and comes before.

use std::collections::HashMap;

use firstlight_domain::{id::StepId, kind::Class};

use super::graph::Needs;
use crate::{
    names,
    problem::{ProblemCode, Problems},
    read::Draft,
};

pub(super) fn check(draft: &Draft<'_, '_>, needs: &Needs<'_>, problems: &mut Problems<'_>) {
    let givers: HashMap<&StepId, &str> = draft
        .steps
        .iter()
        .filter(|(_, step)| step.kind.is_some_and(|kind| kind.class == Class::Credential))
        .filter_map(|(id, step)| Some((id, step.step.with.get("name")?.as_str()?)))
        .collect();
    for (persona, list) in &draft.checklists {
        let given: Vec<(&StepId, &str)> =
            list.steps.iter().filter_map(|(id, _)| Some((id, *givers.get(id)?))).collect();
        for (id, _) in &list.steps {
            let Some(step) = draft.steps.get(id) else { continue };
            for (name, span) in &step.secrets {
                let mut by = given.iter().filter(|(_, credential)| *credential == name.as_str()).peekable();
                if by.peek().is_none() {
                    let known: Vec<&str> = given.iter().map(|(_, name)| *name).collect();
                    let help = match names::nearest(name.as_str(), known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            format!("add a step with `uses: credential` and `name: {name}` to `{persona}`")
                        }
                    };
                    problems
                        .error(
                            ProblemCode::MissingCredential,
                            span.clone(),
                            format!("no step of the checklist `{persona}` asks for the credential `{name}`"),
                        )
                        .help(help);
                    continue;
                }
                let mut late = by.clone().filter_map(|(giver, _)| {
                    let (here, giver_at) = (needs.position(id)?, needs.position(giver)?);
                    (!needs.is_after(here, giver_at)).then_some(giver)
                });
                if let (Some(giver), true) = (late.next(), by.count() == 1) {
                    problems
                        .warning(
                            ProblemCode::SecretNotNeeded,
                            span.clone(),
                            format!("`{id}` may start before `{giver}` has asked for `{name}`"),
                        )
                        .help(format!("add `{giver}` to the needs of `{id}`"));
                }
            }
        }
    }
}
