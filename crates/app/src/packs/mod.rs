//! Packs as a person meets them: read, looked over, linted, begun.

mod diff;
mod export;
mod import;
mod preview;
mod test;

use std::path::{Path, PathBuf};

use firstlight_contract::{
    error::Code,
    pack::{InputField, InputKind, LintProblem, LintView, PackOverview, PersonaCard},
};
use firstlight_domain::pack::{self, Pack};
use firstlight_engine::Engine;
use firstlight_packs::Severity;
pub use firstlight_packs::{Ci, StartFrom, Starter};

pub(crate) use self::diff::diff_from_nothing;
pub use self::{
    diff::diff,
    export::{export, export_formats},
    import::{import, import_formats},
    preview::preview,
    test::{TestRequest, TestRoom, enter_room, personas_to_test, still_running, test_persona, test_report},
};
use crate::{
    error::{AppError, Result},
    session::Firstlight,
    view::count,
};

/// Reads a pack that must hold together.
pub(crate) fn load(root: &Path, engine: &Engine) -> Result<Pack> {
    let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    Ok(firstlight_packs::load(&root, &engine.kinds())?.pack)
}

impl Firstlight {
    /// Reads a pack folder and makes it the one at hand.
    pub fn open_pack(&self, root: &Path) -> Result<PackOverview> {
        self.take_pack(root).map(|pack| overview(&pack))
    }
}

/// What linting found: to be shown with its snippets, and as data.
#[derive(Debug)]
pub struct LintOutcome {
    /// As a diagnostic with source, spans and help.
    pub report: firstlight_packs::Report,
    /// The same as data.
    pub view: LintView,
}

/// Checks a pack and reports everything that is wrong with it.
pub fn lint(root: &Path) -> Result<LintOutcome> {
    let report = firstlight_packs::lint(root, &Engine::new().kinds())?;
    let problems = report
        .problems()
        .iter()
        .map(|problem| LintProblem {
            code: problem.code.as_str().to_owned(),
            severity: match problem.severity {
                Severity::Error => "error".to_owned(),
                Severity::Warning => "warning".to_owned(),
            },
            message: problem.message.clone(),
            hint: problem.help.clone(),
            line: problem.line,
            column: problem.column,
        })
        .collect();
    let view = LintView { ok: report.is_usable(), file: report.source_name().to_owned(), problems };
    Ok(LintOutcome { report, view })
}

/// The JSON Schema of `pack.yaml`.
pub fn pack_schema() -> serde_json::Value {
    firstlight_packs::schema(&Engine::new().kinds())
}

/// The provider reference, Markdown.
pub fn provider_reference() -> String {
    firstlight_packs::reference(&Engine::new().kinds())
}

/// Writes a pack to start from; the files written. Its name is the folder's.
pub fn start_pack(root: &Path, starter: &Starter) -> Result<Vec<PathBuf>> {
    Ok(firstlight_packs::init(root, starter, &Engine::new().kinds())?)
}

/// A pack as Welcome shows it.
pub(crate) fn overview(pack: &Pack) -> PackOverview {
    PackOverview {
        name: pack.name.to_string(),
        version: pack.version.to_string(),
        title: pack.title.clone(),
        owner: pack.owner.clone(),
        path: pack.root.display().to_string(),
        personas: pack
            .personas
            .iter()
            .map(|(id, persona)| PersonaCard {
                id: id.to_string(),
                title: persona.title.clone(),
                summary: persona.summary.clone(),
                first_value: pack.first_value(id).map_or_else(String::new, |step| step.title.clone()),
                steps: count(pack.checklists.get(id).map_or(0, |list| list.steps().count())),
            })
            .collect(),
        inputs: pack
            .inputs
            .iter()
            .map(|(name, input)| InputField {
                name: name.to_string(),
                title: input.title.clone(),
                description: input.description.clone(),
                kind: match input.kind {
                    pack::InputKind::String => InputKind::String,
                    pack::InputKind::Number => InputKind::Number,
                    pack::InputKind::Boolean => InputKind::Boolean,
                },
                default: input.default.clone(),
                choices: input.choices.clone(),
            })
            .collect(),
    }
}

/// An answer as expressions see it. A leading `~/` is the home folder, so that it may stand in any argument.
pub(crate) fn answer(
    name: &str,
    input: &pack::Input,
    said: Option<&str>,
    home: &str,
) -> Result<serde_json::Value> {
    let invalid = |message: String| AppError::new(Code::InputInvalid, message);
    let text = said.filter(|text| !text.is_empty()).or(input.default.as_deref()).ok_or_else(|| {
        invalid(format!("`{name}` ({}) needs an answer.", input.title))
            .hint(format!("Add `--input {name}=…`."))
    })?;
    if !input.choices.is_empty() && !input.choices.iter().any(|choice| choice == text) {
        return Err(invalid(format!("`{text}` is not an answer to `{name}`."))
            .hint(format!("Choose one of: {}.", input.choices.join(", "))));
    }
    match input.kind {
        pack::InputKind::String => Ok(match text.strip_prefix("~/") {
            Some(rest) => Path::new(home).join(rest).display().to_string(),
            None if text == "~" => home.to_owned(),
            None => text.to_owned(),
        }
        .into()),
        pack::InputKind::Number => text
            .parse::<serde_json::Number>()
            .map(Into::into)
            .map_err(|_| invalid(format!("`{name}` wants a number, not `{text}`."))),
        pack::InputKind::Boolean => text
            .parse::<bool>()
            .map(Into::into)
            .map_err(|_| invalid(format!("`{name}` wants `true` or `false`, not `{text}`."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: pack::InputKind, default: Option<&str>) -> pack::Input {
        pack::Input {
            title: "Where".into(),
            description: None,
            kind,
            default: default.map(str::to_owned),
            choices: Vec::new(),
        }
    }

    #[test]
    fn answers_are_typed_and_home_is_resolved() {
        let text = input(pack::InputKind::String, Some("~/src"));
        assert_eq!(answer("w", &text, None, "/home/ada").unwrap(), "/home/ada/src");
        assert_eq!(answer("w", &text, Some("/x y"), "/home/ada").unwrap(), "/x y");
        assert_eq!(answer("w", &text, Some("a~/b"), "/home/ada").unwrap(), "a~/b");
        let number = input(pack::InputKind::Number, None);
        assert_eq!(answer("n", &number, Some("3"), "/").unwrap(), 3);
        assert_eq!(answer("n", &number, Some("x"), "/").unwrap_err().code(), Code::InputInvalid);
        assert_eq!(answer("n", &number, None, "/").unwrap_err().code(), Code::InputInvalid);
        let flag = input(pack::InputKind::Boolean, Some("true"));
        assert_eq!(answer("f", &flag, None, "/").unwrap(), true);
        let mut choice = input(pack::InputKind::String, None);
        choice.choices = vec!["a".into()];
        assert!(answer("c", &choice, Some("b"), "/").is_err());
    }
}
