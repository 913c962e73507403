//! A template as it is written: `scaffolder.backstage.io/v1beta3`, read within limits.

use firstlight_domain::kind::PackFiles;
use serde_json::{Map, Value};

use super::trouble::Trouble;

/// The version of the format.
const API_VERSION: &str = "scaffolder.backstage.io/v1beta3";
/// Where a template says which version it is.
const VERSION: &str = "backstage.io/template-version";
/// What a template's file is called.
const NAMES: &[&str] = &["template.yaml", "template.yml"];
/// At most this many steps.
const MAX_STEPS: usize = 200;

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    /// Its name.
    pub(super) name: String,
    /// The version it gives itself.
    pub(super) version: Option<String>,
    /// Its file in the pack.
    pub(super) path: String,
    /// What is in that file.
    pub(super) text: Vec<u8>,
    /// What it asks for: JSON Schemas, one a page.
    pub(super) pages: Vec<Value>,
    /// What it does.
    pub(super) steps: Vec<TemplateStep>,
    /// What it gives.
    pub(super) output: Value,
}

/// One step of a template.
#[derive(Debug)]
pub(super) struct TemplateStep {
    /// Two may share one: alternatives, of which conditions let only one happen.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) action: String,
    pub(super) input: Map<String, Value>,
    pub(super) condition: Option<Value>,
    pub(super) each: Option<Value>,
}

impl TemplateStep {
    /// How messages name it.
    pub(super) fn label(&self) -> String {
        format!("step `{}` (`{}`)", self.id, self.action)
    }
}

impl Template {
    /// The folder it lies in, in the pack.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Reads the template that a pack names: its folder, or its file.
    pub(super) fn load(files: &dyn PackFiles, named: &str) -> Result<Self, Trouble> {
        let plain =
            named.split('/').filter(|name| !name.is_empty() && *name != ".").collect::<Vec<_>>().join("/");
        let is_file = [".yaml", ".yml"].iter().any(|ending| plain.ends_with(ending));
        let candidates = if is_file {
            vec![plain]
        } else {
            let join =
                |name: &&str| if plain.is_empty() { (*name).to_owned() } else { format!("{plain}/{name}") };
            NAMES.iter().map(join).collect()
        };
        let found = candidates.iter().find_map(|path| Some((path.clone(), files.read(path)?)));
        let Some((path, text)) = found else {
            let wanted = candidates.first().map_or(named, String::as_str);
            return Err(Trouble::new(
                format!("the pack has no template `{wanted}`"),
                "name the folder of a `template.yaml` in the pack, such as `templates/service`",
            ));
        };
        Self::parse(path.clone(), text).map_err(|trouble| trouble.at(&path))
    }

    fn parse(path: String, text: Vec<u8>) -> Result<Self, Trouble> {
        let tree = yaml(&text)?;
        let version = tree.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if version != API_VERSION || tree.get("kind").and_then(Value::as_str) != Some("Template") {
            return Err(Trouble::new(
                format!("is not a template of the version `{API_VERSION}` but `{version}`"),
                format!("it begins with `apiVersion: {API_VERSION}` and `kind: Template`"),
            ));
        }
        let name = tree.pointer("/metadata/name").and_then(Value::as_str);
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| missing("metadata.name"))?.to_owned();
        let version = tree.pointer("/metadata/annotations").and_then(|all| all.get(VERSION));
        let version =
            version.map(|version| version.as_str().map_or_else(|| version.to_string(), str::to_owned));
        let spec = tree.get("spec").and_then(Value::as_object).ok_or_else(|| missing("spec"))?;
        let pages = match spec.get("parameters") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(pages)) => pages.clone(),
            Some(page) => vec![page.clone()],
        };
        if let Some(number) = pages.iter().position(|page| !page.is_object()) {
            return Err(Trouble::new(
                format!("`spec.parameters`, page {}, is not a group of fields", number + 1),
                "a page has `title`, `required` and `properties`",
            ));
        }
        let steps = match spec.get("steps") {
            Some(Value::Array(steps)) if steps.len() <= MAX_STEPS => steps,
            Some(Value::Array(_)) => {
                return Err(Trouble::new(format!("has more than {MAX_STEPS} steps"), "split it"));
            }
            Some(_) | None => return Err(missing("spec.steps")),
        };
        let steps: Vec<TemplateStep> =
            steps.iter().enumerate().map(|(index, step)| read_step(index, step)).collect::<Result<_, _>>()?;
        let output = spec.get("output").cloned().unwrap_or(Value::Null);
        Ok(Self { name, version, path, text, pages, steps, output })
    }
}

fn read_step(index: usize, step: &Value) -> Result<TemplateStep, Trouble> {
    let text = |field: &str| step.get(field).and_then(Value::as_str).map(str::to_owned);
    let place = format!("spec.steps[{index}]");
    let action = text("action").ok_or_else(|| missing(&format!("{place}.action")))?;
    let id = text("id").unwrap_or_else(|| format!("step-{}", index + 1));
    let input = match step.get("input") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(input)) => input.clone(),
        Some(_) => {
            return Err(Trouble::new(
                format!("`{place}.input` is not a group of fields"),
                "write the fields of the action below `input`",
            ));
        }
    };
    Ok(TemplateStep {
        name: text("name").unwrap_or_else(|| id.clone()),
        id,
        action,
        input,
        condition: step.get("if").cloned(),
        each: step.get("each").cloned(),
    })
}

fn missing(field: &str) -> Trouble {
    Trouble::new(
        format!("`{field}` is missing"),
        "see https://backstage.io/docs/features/software-templates/",
    )
}

/// A text as a tree, within limits.
pub(super) fn yaml(text: &[u8]) -> Result<Value, Trouble> {
    let not_yaml = |why: String| Trouble::new(format!("is not YAML: {why}"), "mend what it names");
    let text = std::str::from_utf8(text).map_err(|error| not_yaml(error.to_string()))?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 40_000,
            max_nodes: 20_000,
            max_aliases: 500,
            max_anchors: 500,
            max_recorded_anchor_events: 5_000,
            max_recorded_anchor_bytes: 1024 * 1024,
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 1,
            max_merge_keys: 200,
            max_total_scalar_bytes: 1024 * 1024,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 5_000,
            max_replay_stack_depth: 8,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        not_yaml(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn parse(text: &str) -> Result<Template, Trouble> {
        Template::parse("t/template.yaml".to_owned(), text.into())
    }

    const HEAD: &str = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: { name: t }\n";

    #[test]
    fn reads_what_is_there() {
        let template = parse(&format!(
            "{HEAD}spec:\n  parameters: {{ properties: {{}} }}\n  steps:\n    - {{ action: debug:log }}\n    - {{ id: b, name: B, action: x, if: true, input: {{ a: 1 }} }}\n"
        ))
        .unwrap();
        assert_eq!(template.folder(), "t");
        assert_eq!(template.pages.len(), 1);
        assert_eq!((template.steps[0].id.as_str(), template.steps[0].name.as_str()), ("step-1", "step-1"));
        assert_eq!(template.steps[1].label(), "step `b` (`x`)");
    }

    #[test]
    fn says_what_is_missing() {
        let says = |text: &str| parse(text).unwrap_err().cause;
        assert!(says("apiVersion: backstage.io/v1beta2\nkind: Template").contains("v1beta2"));
        assert!(says(HEAD).contains("`spec`"));
        assert!(says(&format!("{HEAD}spec: {{ steps: [{{ id: a }}] }}")).contains("`spec.steps[0].action`"));
        assert!(says(&format!("{HEAD}{HEAD}")).contains("not YAML"));
        assert!(says("a: [").contains("not YAML"));
    }

    #[test]
    fn e7_bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let again = format!("*a{}, ", level - 1).repeat(10);
            let _ = writeln!(bomb, "a{level}: &a{level} [{}]", again.trim_end_matches(", "));
        }
        assert!(parse(&bomb).is_err());
        assert!(parse(&"[".repeat(5_000)).is_err());
    }
}
