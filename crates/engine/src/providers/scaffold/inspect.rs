//! A template looked over without running it: every action is known, every expression can be read and names only what
//! a template may see.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_domain::kind::PackFiles;
use serde_json::Value;

use super::{
    actions::Action,
    build::not_mapped,
    language::Language,
    sources::in_pack,
    template::{Template, TemplateStep},
    trouble::Trouble,
};
use crate::providers::naming::{did_you_mean, list};

/// What a pack says about the steps of a template.
pub(super) struct Said<'a> {
    pub(super) publish: &'a BTreeMap<String, String>,
    pub(super) skip: &'a [String],
}

/// Looks a template over.
pub(super) fn inspect(template: &Template, said: &Said<'_>, files: &dyn PackFiles) -> Result<(), Trouble> {
    let language = Language::new(false, false)?;
    named(template, said)?;
    for step in template.steps.iter().filter(|step| !said.skip.contains(&step.id)) {
        let action = Action::of(step).map_err(|trouble| at(template, trouble))?;
        if action == Action::Publish && step.condition.is_none() && !said.publish.contains_key(&step.id) {
            return Err(not_mapped(step));
        }
        look(step, action, &language, template, files)
            .map_err(|trouble| at(template, trouble.at(&step.label())))?;
    }
    names(&template.output, &language, false).map_err(|trouble| at(template, trouble.at("spec.output")))
}

fn at(template: &Template, trouble: Trouble) -> Trouble {
    trouble.at(&template.path)
}

/// Steps that the pack names are there, and of the kind it takes them for.
fn named(template: &Template, said: &Said<'_>) -> Result<(), Trouble> {
    let ids = || template.steps.iter().map(|step| step.id.as_str());
    let fields = [("publish", said.publish.keys().collect::<Vec<_>>()), ("skip", said.skip.iter().collect())];
    for (field, named) in fields {
        for id in named {
            let Some(step) = template.steps.iter().find(|step| step.id == *id) else {
                return Err(Trouble::new(
                    format!("the template has no step `{id}`"),
                    format!("{}it has {}", did_you_mean(id, ids()), list(ids())),
                )
                .of(field));
            };
            if field == "publish" && Action::of(step)? != Action::Publish {
                return Err(Trouble::new(
                    format!("{} publishes nothing", step.label()),
                    "name a step with a `publish:…` action",
                )
                .of(field));
            }
        }
    }
    Ok(())
}

fn look(
    step: &TemplateStep,
    action: Action,
    language: &Language,
    template: &Template,
    files: &dyn PackFiles,
) -> Result<(), Trouble> {
    if let Some(Value::String(condition)) = &step.condition
        && !condition.contains("${{")
    {
        return Err(Trouble::new(
            format!("`if: {condition}` is a text, which always holds"),
            format!("write `if: ${{{{ {condition} }}}}`"),
        ));
    }
    let used = Value::Object(action.used(step)?);
    names(&used, language, step.each.is_some())?;
    for value in step.condition.iter().chain(&step.each) {
        names(value, language, step.each.is_some())?;
    }
    // What is made of values is known when they are.
    let address = used.get("url").and_then(Value::as_str).filter(|url| !url.contains("${{"));
    let Some(address) = address else { return Ok(()) };
    let path = in_pack(template.folder(), address)?;
    let (there, what) = match action {
        Action::FetchTemplate | Action::FetchPlain => (files.has_folder(&path), "folder"),
        _ => (files.read(&path).is_some(), "file"),
    };
    if there {
        return Ok(());
    }
    Err(Trouble::new(
        format!("the pack has no {what} `{path}`"),
        "addresses count from the template's folder; letter case matters",
    ))
}

/// Every name begins with what a template may see.
fn names(value: &Value, language: &Language, each: bool) -> Result<(), Trouble> {
    let mut found = BTreeSet::new();
    language.roots(value, &mut found)?;
    for name in found {
        let root = name.split('.').next().unwrap_or_default();
        let hint = match root {
            "parameters" | "steps" => continue,
            "each" if each => continue,
            "secrets" => "a template is never handed a secret; a step that needs one names it in `secrets`",
            "user" => {
                "nobody is signed in to Backstage here; ask for it as a parameter, and give it from an input"
            }
            "context" | "environment" => "there is no Backstage server here; ask for it as a parameter",
            "each" => "the step has no `each`",
            _ => "a template sees `parameters`, `steps` and, in a loop, `each`; a text needs quotes",
        };
        return Err(Trouble::new(format!("`{name}` does not exist here"), hint));
    }
    Ok(())
}
