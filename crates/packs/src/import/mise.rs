//! mise.toml: tools in the versions a project names, and its environment.
//!
//! Source: <https://mise.jdx.dev/configuration.html>. Each tool and each plain variable becomes a step. Tasks, hooks
//! and what mise computes (`{{ … }}`, `_.file`) stay mise's own.

use serde_json::{Map, Value, json};

use super::{
    Draft, Format, Source,
    draft::Found,
    tree::{self, Branch, Tree, Unreadable},
};

pub(super) struct Mise;

impl Format for Mise {
    fn name(&self) -> &'static str {
        "mise"
    }

    fn places(&self) -> &'static [&'static str] {
        &[
            "mise.toml",
            ".mise.toml",
            "mise/config.toml",
            ".mise/config.toml",
            ".config/mise.toml",
            ".config/mise/config.toml",
        ]
    }

    fn is_named(&self, name: &str) -> bool {
        let name = name.trim_start_matches('.');
        name.strip_prefix("mise.").is_some_and(|rest| rest == "toml" || rest.strip_suffix(".toml").is_some())
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        for (name, value) in tree::toml(&source.text)?.fields() {
            match (name.as_str(), &value.data) {
                ("tools", Branch::Fields(tools)) => {
                    for (tool, version) in tools {
                        self::tool(tool, version, draft);
                    }
                }
                ("env", Branch::Fields(variables)) => {
                    for (name, value) in variables {
                        variable(name, value, draft);
                    }
                }
                ("tasks", Branch::Fields(tasks)) => {
                    for (task, value) in tasks {
                        draft.leave(
                            value.line,
                            &format!("tasks.{task}"),
                            "a task is run by `mise run`, when somebody wants it",
                        );
                    }
                }
                (name, _) => draft.leave(value.line, name, "a setting of mise itself"),
            }
        }
        Ok(())
    }
}

fn tool(name: &str, version: &Tree, draft: &mut Draft<'_>) {
    let entry = format!("tools.{name}");
    let wanted = match &version.data {
        Branch::Text(text) => Some(text.as_str()),
        Branch::Fields(fields) => {
            for (field, value) in fields.iter().filter(|(field, _)| field != "version") {
                draft.leave(value.line, &format!("{entry}.{field}"), "a `tools` step knows the version only");
            }
            version.text_of("version")
        }
        Branch::List(versions) => {
            for other in versions.iter().skip(1) {
                let other_text = other.text().unwrap_or("…");
                draft.leave(
                    other.line,
                    &format!("{entry} {other_text}"),
                    "a `tools` step installs one version: the first",
                );
            }
            versions.first().and_then(Tree::text)
        }
        Branch::Nothing => None,
    };
    let Some(wanted) = wanted else {
        draft.leave(version.line, &entry, "it has no version");
        return;
    };
    if wanted.contains("{{") {
        draft.leave(version.line, &entry, "mise computes it");
        return;
    }
    let found = Found {
        name: name.to_owned(),
        title: format!("Install {name} {wanted}"),
        uses: "tools",
        with: Map::from_iter([("tools".to_owned(), json!({ name: wanted }))]),
        ..Found::default()
    };
    draft.add(version.line, &entry, found);
}

fn variable(name: &str, value: &Tree, draft: &mut Draft<'_>) {
    let entry = format!("env.{name}");
    let Some(text) = value.text().filter(|_| name != "_") else {
        draft.leave(value.line, &entry, "mise computes it, or reads it from a file");
        return;
    };
    if text.contains("{{") {
        draft.leave(value.line, &entry, "mise computes it");
        return;
    }
    // In mise it holds within the project; a step sets it for all.
    let found = Found {
        name: format!("env-{name}"),
        title: format!("Set {name}"),
        uses: "env",
        with: Map::from_iter([
            ("name".to_owned(), Value::from(name)),
            ("value".to_owned(), Value::from(text)),
        ]),
        ..Found::default()
    };
    draft.add(value.line, &entry, found);
}
