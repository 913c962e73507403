//! A checklist for others: as the quickstart of a developer hub, or as a list that people tick off. What only a machine
//! can do is told by its title and why; nothing of it is run there.
//!
//! One more form: a file here and its name in [`export_formats`].

mod links;
mod markdown;
mod rhdh;

use firstlight_domain::{
    id::PersonaId,
    pack::{Pack, Stage, Step},
};

pub use self::{markdown::markdown_checklist, rhdh::rhdh_quickstart};

/// The names of all forms.
pub fn export_formats() -> &'static [&'static str] {
    &["rhdh", "markdown"]
}

/// The stages of a persona with their steps, in order.
fn stages<'a>(
    pack: &'a Pack,
    persona: &PersonaId,
) -> impl Iterator<Item = (&'a Stage, Vec<&'a Step>)> + use<'a> {
    let stages = pack.checklists.get(persona).map(|list| list.stages.as_slice()).unwrap_or_default();
    stages.iter().map(|stage| (stage, stage.steps.iter().filter_map(|id| pack.steps.get(id)).collect()))
}

/// A field of a step's parameters, if nothing in it is computed.
fn plain<'a>(step: &'a Step, field: &str) -> Option<&'a str> {
    step.with.get(field).and_then(serde_json::Value::as_str).filter(|text| !text.contains("${{"))
}
