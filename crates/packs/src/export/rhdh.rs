//! `app.quickstart` of Red Hat Developer Hub's app-config: see the importer of the same name for the format.

use std::fmt::Write as _;

use firstlight_domain::{
    id::PersonaId,
    pack::{Pack, Step},
};
use serde_json::Value;

use super::{links, plain, stages};
use crate::import::yaml;

/// One item for each step, for the role of the persona's name.
pub fn rhdh_quickstart(pack: &Pack, persona: &PersonaId) -> String {
    let mut text = format!(
        "# The checklist `{persona}` of the pack {} {}. Merge it into the hub's app-config.\napp:\n  quickstart:\n",
        pack.name, pack.version
    );
    for step in stages(pack, persona).flat_map(|(_, steps)| steps) {
        let mut field = |indent: &str, name: &str, value: &str| {
            let _ = writeln!(text, "{indent}{name}: {}", yaml(&Value::from(value)));
        };
        field("    - ", "title", &step.title);
        field("      ", "description", &description(step));
        if let Some(url) = plain(step, "url").filter(|_| step.uses == "link") {
            let _ = writeln!(text, "      cta:");
            let mut field = |name: &str, value: &str| {
                let _ = writeln!(text, "        {name}: {}", yaml(&Value::from(value)));
            };
            field("text", plain(step, "text").unwrap_or("Open"));
            field("link", url);
        }
    }
    text
}

/// The format wants one.
fn description(step: &Step) -> String {
    let said =
        step.why.as_deref().or_else(|| plain(step, "text")).map(str::trim).filter(|text| !text.is_empty());
    match (said, &step.owner) {
        (Some(said), _) => links::outside(said),
        (None, Some(owner)) => format!("Ask {owner}."),
        (None, None) => step.title.clone(),
    }
}
