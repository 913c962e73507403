//! A checklist for those who do not have Firstlight.

use std::path::Path;

use firstlight_contract::error::Code;
use firstlight_domain::id::PersonaId;
use firstlight_engine::Engine;

use super::load;
use crate::{
    error::{AppError, Result},
    planning,
};

/// A persona's checklist in another form; of the only persona, if none is named.
pub fn export(root: &Path, persona: Option<&str>, format: &str) -> Result<String> {
    let pack = load(root, &Engine::new())?;
    let persona: PersonaId = match (persona, pack.personas.keys().collect::<Vec<_>>().as_slice()) {
        (Some(persona), _) => planning::persona(&pack, persona)?,
        (None, [only]) => (*only).clone(),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            return Err(AppError::new(Code::Usage, "This pack is for several personas.")
                .hint(format!("Say which: `--persona` with one of {}.", names.join(", "))));
        }
    };
    match format {
        "rhdh" => Ok(firstlight_packs::rhdh_quickstart(&pack, &persona)),
        "markdown" => Ok(firstlight_packs::markdown_checklist(&pack, &persona)),
        other => Err(AppError::new(Code::Usage, format!("There is no form `{other}`."))
            .hint(format!("Choose one of: {}.", export_formats().join(", ")))),
    }
}

/// The names of the forms.
pub fn export_formats() -> &'static [&'static str] {
    firstlight_packs::export_formats()
}
