//! A checklist as somebody else would meet it, on a machine that is only described.

use std::{collections::BTreeMap, path::Path};

use firstlight_contract::plan::PreviewView;
use firstlight_domain::{expr::Scope, facts::Facts};
use firstlight_engine::{Engine, facts};

use super::{answer, diff::outline, load};
use crate::{
    error::{AppError, Result},
    planning, view,
};
use firstlight_contract::error::Code;

/// What a persona is shown before anything was done, on the machine a file describes or on this one. Questions without
/// an answer are answered by their own name, as nobody is there to ask. Looks at nothing and needs no home.
pub fn preview(
    root: &Path,
    persona: &str,
    machine: Option<&Path>,
    inputs: &BTreeMap<String, String>,
) -> Result<(PreviewView, Facts)> {
    let engine = Engine::new();
    let pack = load(root, &engine)?;
    let persona = planning::persona(&pack, persona)?;
    let facts = match machine {
        Some(file) => firstlight_packs::read_facts(file)?,
        None => facts::find(),
    };
    if let Some(name) = inputs.keys().find(|name| !pack.inputs.contains_key(name.as_str())) {
        return Err(AppError::new(Code::InputInvalid, format!("This pack does not ask for `{name}`.")));
    }
    let answers = pack.inputs.iter().map(|(name, input)| {
        let said = inputs.get(name.as_str()).map(String::as_str);
        let value = match (said, &input.default) {
            (None, None) => format!("<{name}>").into(),
            _ => answer(name.as_str(), input, said, &facts.home)?,
        };
        Ok((name.to_string(), value))
    });
    let answers = answers.collect::<Result<BTreeMap<_, _>>>()?;
    let scope = Scope::new(answers, facts.clone(), pack.root.display().to_string());
    let plan = engine
        .preview(&pack, &persona, &scope)
        .map_err(|error| AppError::from_failure(Code::PackInvalid, error.into()))?;
    let graph = planning::graph(&pack, &persona)?;
    // A condition is shown as it is: what it asks of the answers is not known here.
    let surveys = pack.surveys.values().filter(|survey| survey.is_for(&persona));
    let surveys = surveys.map(|survey| outline(&pack, survey)).collect();
    Ok((PreviewView { plan: view::plan(&pack, &plan, &graph, &BTreeMap::new()), surveys }, facts))
}
