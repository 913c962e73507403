//! A newer release of a pack under a journey that is on its way: what stays done, what is looked at again, what is new,
//! and by which step the clock stops.
//!
//! A journey remembers the outline of the checklist it was last agreed for, so that the older content need not be there
//! any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    id::{PersonaId, StepId},
    pack::{Checklist, OnFailure, Pack, Step},
    plan::hex,
};

/// The steps of a checklist, and what each means: equal for two steps that do the same under the same circumstances,
/// whatever they are called.
pub type Outline = BTreeMap<StepId, String>;

/// Hex digits of a meaning: enough to tell a few thousand contents of one step apart.
const MEANING: usize = 16;

/// What a newer outline is to an older one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Steps that are as they were.
    pub same: BTreeSet<StepId>,
    /// Steps that mean something else now.
    pub changed: BTreeSet<StepId>,
    /// Steps there were not.
    pub new: BTreeSet<StepId>,
    /// Steps there are no more.
    pub gone: BTreeSet<StepId>,
}

/// The outline of a persona's checklist.
pub fn outline(pack: &Pack, persona: &PersonaId) -> Outline {
    let steps = pack.checklists.get(persona).into_iter().flat_map(Checklist::steps);
    steps.filter_map(|id| Some((id.clone(), meaning(pack.steps.get(id)?)))).collect()
}

/// Maps an older outline onto a newer one.
pub fn map(before: &Outline, after: &Outline) -> Mapping {
    let mut mapping = Mapping::default();
    for (step, meaning) in after {
        let place = match before.get(step) {
            Some(was) if was == meaning => &mut mapping.same,
            Some(_) => &mut mapping.changed,
            None => &mut mapping.new,
        };
        place.insert(step.clone());
    }
    mapping.gone = before.keys().filter(|step| !after.contains_key(*step)).cloned().collect();
    mapping
}

/// The pack with the clock stopping at `goal` for this persona, as it did when their journey began. As it is, if the
/// checklist has no such step any more.
pub fn with_goal(mut pack: Pack, persona: &PersonaId, goal: &StepId) -> Pack {
    let steps: Vec<StepId> =
        pack.checklists.get(persona).into_iter().flat_map(Checklist::steps).cloned().collect();
    if steps.contains(goal) {
        for id in steps {
            if let Some(step) = pack.steps.get_mut(&id) {
                step.first_value = id == *goal;
            }
        }
    }
    pack
}

/// What [`crate::changes`] calls anything but words.
fn meaning(step: &Step) -> String {
    let needs: BTreeSet<&StepId> = step.needs.iter().collect();
    let on_failure = match step.on_failure {
        OnFailure::Fail => "fail",
        OnFailure::Stop => "stop",
        OnFailure::GoOn => "go on",
    };
    // Names and values are written out: a newer Firstlight must come to the same.
    let said = json!({
        "uses": step.uses,
        "with": step.with,
        "outputs": step.outputs,
        "if": step.condition,
        "needs": needs,
        "elevation": step.elevation,
        "secrets": step.secrets,
        "timeout": step.timeout.as_secs(),
        "retries": step.retries,
        "restart": step.restart,
        "on failure": on_failure,
        "probe": step.probe,
    });
    hex(&Sha256::digest(sorted(&said).to_string()))[..MEANING].to_owned()
}

/// The same value with its fields in order: in which order a pack gives them means nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests;
