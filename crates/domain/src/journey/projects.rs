//! Folders that templates made on this machine. They are the person's and outlive the journey they were made on, so what
//! is known of them belongs to the machine.

use std::collections::BTreeMap;

use super::Journey;
use crate::{
    id::{PackName, StepId},
    state::StepState,
};

/// What every step that makes a folder from a template gives to later ones, and no other kind gives together.
const GIVEN: [&str; 5] = ["path", "template", "version", "links", "follow_ups"];

/// A folder that a template made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The pack the template was of.
    pub pack: PackName,
    /// The step that made it.
    pub step: StepId,
    /// The template's name.
    pub template: String,
    /// Its version when it made the folder.
    pub version: String,
}

/// Takes in that a step entered a state.
pub(super) fn follow(
    projects: &mut BTreeMap<String, Project>,
    journey: &Journey,
    step: &StepId,
    state: &StepState,
) {
    if matches!(state, StepState::Undone) {
        projects.retain(|_, project| project.step != *step || project.pack != journey.pack.name);
        return;
    }
    let Some(outputs) =
        state.outputs().filter(|outputs| GIVEN.iter().all(|name| outputs.contains_key(*name)))
    else {
        return;
    };
    let given = |name: &str| outputs.get(name).cloned().unwrap_or_default();
    let project = Project {
        pack: journey.pack.name.clone(),
        step: step.clone(),
        template: given("template"),
        version: given("version"),
    };
    projects.insert(given("path"), project);
}
