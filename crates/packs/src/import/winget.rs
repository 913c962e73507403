//! WinGet configuration: `configuration.dsc.yaml` in the schema 0.2, and documents of DSC v3.
//!
//! Source: <https://learn.microsoft.com/windows/package-manager/configuration/create> and `…/create-v3`; the schema of
//! DSC documents, <https://learn.microsoft.com/powershell/dsc/reference/schemas/config/document>. Packages become
//! steps. Assertions and other resources need the processor that knows them, and are listed.

use serde_json::{Map, Value};

use super::{
    Draft, Format, Source,
    draft::Found,
    tree::{self, Tree, Unreadable},
};

pub(super) struct Winget;

/// What a package resource may say that a step says as well.
const SAID: &[&str] = &["id", "source", "ensure", "_exist"];
/// What a resource is made of. Directives and metadata beyond the description say how its processor goes about it:
/// winget asks for rights by itself.
const OF_A_RESOURCE: &[&str] =
    &["resource", "type", "id", "name", "dependsOn", "directives", "metadata", "settings", "properties"];
/// What groups other resources in DSC v3, and nothing more.
const GROUPS: &[&str] =
    &["Microsoft.DSC/Group", "Microsoft.DSC/PowerShell", "Microsoft.Windows/WindowsPowerShell"];

impl Format for Winget {
    fn name(&self) -> &'static str {
        "winget"
    }

    fn places(&self) -> &'static [&'static str] {
        &[
            ".config/configuration.winget",
            "configuration.winget",
            "configuration.dsc.yaml",
            ".configurations/configuration.dsc.yaml",
        ]
    }

    fn is_named(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        [".winget", ".dsc.yaml", ".dsc.yml"].iter().any(|end| name.ends_with(end))
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        let root = tree::yaml(&source.text)?;
        let mut steps = Steps::default();
        if let Some(properties) = root.get("properties") {
            for (name, value) in properties.fields() {
                match name.as_str() {
                    "resources" => value.items().iter().for_each(|resource| steps.resource(resource, draft)),
                    "assertions" => value.items().iter().for_each(|assertion| {
                        let what = assertion.text_of("resource").unwrap_or_default();
                        draft.leave(
                            assertion.line,
                            what,
                            "an assertion: a step knows the system it is on by `if`",
                        );
                    }),
                    "configurationVersion" => {}
                    other => draft.leave(value.line, other, UNKNOWN),
                }
            }
            rest(&root, &["properties", "$schema"], draft);
        } else if let Some(resources) = root.get("resources") {
            resources.items().iter().for_each(|resource| steps.resource(resource, draft));
            rest(&root, &["resources", "$schema"], draft);
        } else {
            return Err((1, "it has neither `properties` nor `resources`".to_owned()));
        }
        steps.order(draft);
        Ok(())
    }
}

const UNKNOWN: &str = "packs have nothing like it";

fn rest(tree: &Tree, known: &[&str], draft: &mut Draft<'_>) {
    for (name, value) in tree.fields().iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        draft.leave(value.line, name, UNKNOWN);
    }
}

/// Resources by the names others wait for them under.
#[derive(Default)]
struct Steps {
    by_name: Vec<(String, Option<usize>)>,
    waits: Vec<(usize, u32, String)>,
}

impl Steps {
    fn resource(&mut self, resource: &Tree, draft: &mut Draft<'_>) {
        let what = resource.text_of("resource").or_else(|| resource.text_of("type")).unwrap_or_default();
        let name = resource.text_of("id").or_else(|| resource.text_of("name"));
        let settings = resource.get("settings").or_else(|| resource.get("properties"));
        if GROUPS.contains(&what)
            && let Some(inner) = settings.and_then(|settings| settings.get("resources"))
        {
            inner.items().iter().for_each(|resource| self.resource(resource, draft));
            rest(settings.unwrap_or(resource), &["resources", "$schema"], draft);
            rest(resource, OF_A_RESOURCE, draft);
            return;
        }
        let step = package(what, resource, settings, draft);
        if let Some(name) = name {
            self.by_name.push((name.to_owned(), step));
        }
        if let (Some(step), Some(needs)) = (step, resource.get("dependsOn")) {
            let needs = needs.text().map_or_else(|| needs.items().to_vec(), |_| vec![needs.clone()]);
            for need in &needs {
                if let Some(text) = need.text() {
                    self.waits.push((step, need.line, referred(text).to_owned()));
                }
            }
        }
    }

    /// Who waits for whom, now that all are known.
    fn order(self, draft: &mut Draft<'_>) {
        for (step, line, name) in self.waits {
            match self.by_name.iter().find(|(known, _)| *known == name) {
                // A step that waits for a later one is fine; one that waits for itself, or in a circle, is not.
                Some((_, Some(need))) if *need < step => draft.steps[step].found.needs.push(*need),
                _ => draft.leave(
                    line,
                    &format!("dependsOn {name}"),
                    "what it waits for is no step, or comes later",
                ),
            }
        }
    }
}

fn package(what: &str, resource: &Tree, settings: Option<&Tree>, draft: &mut Draft<'_>) -> Option<usize> {
    let id = settings.and_then(|settings| settings.text_of("id"));
    let entry = id.map_or_else(|| what.to_owned(), |id| format!("{what} {id}"));
    let kind = what.rsplit(['/', '.']).next().unwrap_or_default();
    let is_package = what.starts_with("Microsoft.WinGet")
        && (kind.eq_ignore_ascii_case("WinGetPackage") || kind.eq_ignore_ascii_case("Package"));
    let (Some(settings), Some(id), true) = (settings, id, is_package) else {
        let name = resource.text_of("id").or_else(|| resource.text_of("name")).unwrap_or_default();
        draft.leave(
            resource.line,
            &format!("{entry} {name}"),
            "a resource that only its own processor knows: a `command` can do what it does",
        );
        return None;
    };
    if settings.text_of("ensure").is_some_and(|ensure| ensure.eq_ignore_ascii_case("absent"))
        || settings.text_of("_exist") == Some("false")
    {
        draft.leave(resource.line, &entry, "it removes a package, which no step does");
        return None;
    }
    if settings.text_of("source").is_some_and(|source| !source.eq_ignore_ascii_case("winget")) {
        draft.leave(resource.line, &entry, "a `package` step takes packages from winget's own source");
        return None;
    }
    if let Some(condition) = resource.get("condition") {
        draft.leave(condition.line, &entry, "it depends on a condition, which is not computed");
        return None;
    }
    rest(resource, OF_A_RESOURCE, draft);
    for (name, value) in settings.fields() {
        if !SAID.iter().any(|said| name.eq_ignore_ascii_case(said)) {
            let value_text = value.text().unwrap_or("…");
            draft.leave(
                value.line,
                &format!("{id} {name}: {value_text}"),
                "a `package` step has nothing like it",
            );
        }
    }
    let title = resource
        .get("directives")
        .or_else(|| resource.get("metadata"))
        .and_then(|directives| directives.text_of("description"))
        .map_or_else(|| format!("Install {id}"), str::to_owned);
    let with = Map::from_iter([("winget".to_owned(), Value::from(id))]);
    let found =
        Found { name: id.to_owned(), title, uses: "package", with, os: Some("windows"), ..Found::default() };
    draft.add(resource.line, &entry, found)
}

/// The name in `[resourceId('type', 'name')]`, or the text itself.
fn referred(text: &str) -> &str {
    let inside = text.trim().strip_prefix("[resourceId(").and_then(|rest| rest.strip_suffix(")]"));
    inside.and_then(|inside| inside.split(',').nth(1)).map_or(text, |name| name.trim().trim_matches('\''))
}
