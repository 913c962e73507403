//! `${{ … }}`: every name exists, and is known by the time it is used.

use std::{collections::BTreeSet, ops::Range};

use firstlight_domain::{
    expr::{self, ExprError, FACTS, Name},
    id::{InputName, StepId},
};

use super::graph::Needs;
use crate::{
    names,
    node::{Data, Node},
    problem::{ProblemCode, Problems},
    read::{Draft, step::StepDraft, survey::SurveyDraft},
};

const ROOTS: &[&str] = &["inputs", "facts", "steps", "pack"];

/// Checks the expressions of one step.
pub(super) fn check_step(
    step: &StepDraft<'_, '_>,
    draft: &Draft<'_, '_>,
    needs: &Needs<'_>,
    problems: &mut Problems<'_>,
) {
    let here = Place { draft, needs, step: Some(step) };
    for (key, value) in step.node.entries() {
        if key.key() == "if" {
            let Data::Text(condition) = &value.data else { continue };
            here.report(expr::condition_names(condition), value, problems);
        } else {
            here.walk(value, problems);
        }
    }
}

/// Checks the expressions outside of steps.
pub(super) fn check_policy(draft: &Draft<'_, '_>, needs: &Needs<'_>, problems: &mut Problems<'_>) {
    if let Some(policy) = draft.policy_node {
        Place { draft, needs, step: None }.walk(policy, problems);
    }
}

/// Checks the expression that says of whom a survey is asked.
pub(super) fn check_survey(
    survey: &SurveyDraft<'_>,
    draft: &Draft<'_, '_>,
    needs: &Needs<'_>,
    problems: &mut Problems<'_>,
) {
    if let Some(node) = survey.node.get("if")
        && let Data::Text(condition) = &node.data
    {
        Place { draft, needs, step: None }.report(expr::condition_names(condition), node, problems);
    }
}

/// Where an expression stands. Outside of steps no output is known.
struct Place<'a, 'n, 'k> {
    draft: &'a Draft<'n, 'k>,
    needs: &'a Needs<'a>,
    step: Option<&'a StepDraft<'n, 'k>>,
}

impl Place<'_, '_, '_> {
    fn walk(&self, node: &Node, problems: &mut Problems<'_>) {
        match &node.data {
            Data::Text(text) if text.contains("${{") => self.report(expr::names(text), node, problems),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::Text(_) => {}
            Data::List(items) => items.iter().for_each(|item| self.walk(item, problems)),
            Data::Map(entries) => entries.iter().for_each(|(_, value)| self.walk(value, problems)),
        }
    }

    fn report(&self, found: Result<BTreeSet<Name>, ExprError>, node: &Node, problems: &mut Problems<'_>) {
        match found {
            Ok(names) => {
                for name in names {
                    if let Some((written, message, help)) = self.wrong(&name) {
                        let span = within(node, &written, problems.text());
                        problems.error(ProblemCode::BadExpression, span, message).help(help);
                    }
                }
            }
            Err(error) => {
                let help = match &error {
                    ExprError::Unclosed => "close it: `${{ inputs.name }}`",
                    ExprError::Syntax { .. } | ExprError::Undefined { .. } | ExprError::Failed { .. } => {
                        "an expression looks like `inputs.name`, or `facts.os == 'linux' and inputs.name != ''`"
                    }
                };
                problems.error(ProblemCode::BadExpression, node.span.clone(), error.to_string()).help(help);
            }
        }
    }

    /// What is wrong with a name: the text to point at, the message, the fix.
    fn wrong(&self, name: &Name) -> Option<(String, String, String)> {
        match name {
            Name::PackRoot | Name::Fact(_) => None,
            Name::Input(input) => {
                if self.draft.inputs.contains_key(input.as_str()) {
                    return None;
                }
                let known: Vec<&str> = self.draft.inputs.keys().map(InputName::as_str).collect();
                let written = format!("inputs.{input}");
                let message = format!("there is no input `{input}`");
                Some((written, message, names::did_you_mean(input, &known, "inputs")))
            }
            Name::Output { step, output } => self.wrong_output(step, output),
            Name::Other(other) => Some(self.wrong_name(other)),
        }
    }

    fn wrong_output(&self, step: &str, output: &str) -> Option<(String, String, String)> {
        let written = format!("steps.{step}.outputs.{output}");
        if self.draft.unreadable.contains(step) {
            return None;
        }
        let Some((id, target)) = self.draft.steps.get_key_value(step) else {
            let known: Vec<&str> = self.draft.steps.keys().map(StepId::as_str).collect();
            let message = format!("there is no step `{step}`");
            return Some((written, message, names::did_you_mean(step, &known, "steps")));
        };
        let declared = target.step.outputs.iter().map(String::as_str);
        let known: Vec<&str> =
            target.kind.into_iter().flat_map(|kind| kind.outputs.iter().copied()).chain(declared).collect();
        // Of an unknown kind nothing is known, and the kind was reported.
        if !known.contains(&output) && target.kind.is_some() {
            let message = format!("`{step}` has no output `{output}`");
            let help = if target.step.uses == "command" && known.is_empty() {
                format!(
                    "add `outputs: [{output}]` to `{step}`, and write `{output}=…` to $FIRSTLIGHT_OUTPUT there"
                )
            } else {
                names::did_you_mean(output, &known, "outputs")
            };
            return Some((written, message, help));
        }
        let Some(here) = self.step else {
            let message = format!("the output of `{step}` is not known here");
            return Some((written, message, "use inputs, facts and `pack.root`".to_owned()));
        };
        let after = match (self.needs.position(&here.step.id), self.needs.position(id)) {
            (Some(here), Some(other)) => self.needs.is_after(here, other),
            _ => true,
        };
        (!after).then(|| {
            let message =
                format!("`{}` does not wait for `{step}`, so its output may not be there", here.step.id);
            (written, message, format!("add `{step}` to the needs of `{}`", here.step.id))
        })
    }

    fn wrong_name(&self, name: &str) -> (String, String, String) {
        let message = format!("`{name}` does not exist");
        let mut segments = name.split('.');
        let root = segments.next().unwrap_or_default();
        let rest = segments.next();
        let help = match (root, rest) {
            ("facts", fact) => match names::nearest(fact.unwrap_or_default(), FACTS.iter().copied()) {
                Some(near) => format!("did you mean `facts.{near}`?"),
                None => format!("there are these facts: {}", names::list(FACTS.iter().copied())),
            },
            ("inputs", _) => {
                let known: Vec<&str> = self.draft.inputs.keys().map(InputName::as_str).collect();
                format!("write `inputs.NAME`; the inputs are {}", names::list(known))
            }
            ("steps", Some(step)) => format!("write `steps.{step}.outputs.NAME`"),
            ("steps", None) => "write `steps.STEP.outputs.NAME`".to_owned(),
            ("pack", _) => "write `pack.root`".to_owned(),
            _ => match names::nearest(root, ROOTS.iter().copied()) {
                Some(near) => format!("did you mean `{}`?", name.replacen(root, near, 1)),
                None => {
                    format!("names begin with {}; a text needs quotes", names::list(ROOTS.iter().copied()))
                }
            },
        };
        (name.to_owned(), message, help)
    }
}

/// The place of a name inside a node, or the node.
fn within(node: &Node, name: &str, text: &str) -> Range<usize> {
    let start = node.span.start;
    let found = text.get(node.span.clone()).and_then(|written| written.find(name));
    found.map_or_else(|| node.span.clone(), |at| start + at..start + at + name.len())
}
