//! A template, run: every step in order, in memory. What it would do outside of its files is kept as effects, for later.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde_json::{Map, Value};

use super::{
    actions::{Action, Input},
    fetch,
    language::{Language, Names},
    publish::Publication,
    sources::Sources,
    template::{Template, TemplateStep},
    tree::{File, Tree, safe},
    trouble::Trouble,
};

/// A loop of a step turns at most this often.
const MAX_TURNS: usize = 500;
/// `debug:wait` waits at most this long.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// The file of a component in the catalog.
const CATALOG_INFO: &str = "catalog-info.yaml";

/// What a template comes to.
pub(super) struct Built {
    /// Its files.
    pub(super) tree: Tree,
    /// What it does beside them, in order.
    pub(super) effects: Vec<Effect>,
    /// What was done, for the plan: one step each.
    pub(super) done: Vec<String>,
    /// What is left for people to do or to look at.
    pub(super) follow_ups: Vec<String>,
    /// `title: address`, one a link.
    pub(super) links: Vec<String>,
    /// What the template itself gives.
    pub(super) outputs: BTreeMap<String, String>,
}

/// Something a template does beside its files.
pub(super) enum Effect {
    Say(String),
    Wait(Duration),
    Publish(Box<Publication>),
}

/// What a template is run with.
pub(super) struct Given<'a> {
    pub(super) values: &'a Map<String, Value>,
    /// Where a step publishes to.
    pub(super) publish: &'a BTreeMap<String, String>,
    /// Steps that are left out.
    pub(super) skip: &'a [String],
}

/// Runs a template.
pub(super) fn build(template: &Template, given: &Given<'_>, sources: &mut Sources) -> Result<Built, Trouble> {
    let mut run = Run {
        given,
        language: Language::new(false, false)?,
        steps: Map::new(),
        built: Built {
            tree: Tree::default(),
            effects: Vec::new(),
            done: Vec::new(),
            follow_ups: Vec::new(),
            links: Vec::new(),
            outputs: BTreeMap::new(),
        },
    };
    for step in &template.steps {
        run.step(step, sources).map_err(|trouble| {
            let label = step.label();
            if trouble.cause.starts_with(&label) { trouble } else { trouble.at(&label) }
        })?;
    }
    run.output(&template.output).map_err(|trouble| trouble.at("spec.output"))?;
    Ok(run.built)
}

struct Run<'a> {
    given: &'a Given<'a>,
    language: Language,
    /// What steps gave, as expressions see it.
    steps: Map<String, Value>,
    built: Built,
}

impl Run<'_> {
    fn names(&self, each: Option<Value>) -> Names {
        let mut names = Map::new();
        names.insert("parameters".to_owned(), Value::Object(self.given.values.clone()));
        names.insert("steps".to_owned(), Value::Object(self.steps.clone()));
        names.extend(each.map(|each| ("each".to_owned(), each)));
        Names::new(&names)
    }

    fn step(&mut self, step: &TemplateStep, sources: &mut Sources) -> Result<(), Trouble> {
        if self.given.skip.contains(&step.id) {
            self.built.done.push(format!("{} is left out, as the pack says", step.name));
            self.built.follow_ups.push(format!(
                "`{}` (`{}`) was left out, as the pack says: do it by hand if you need it.",
                step.name, step.action
            ));
            return Ok(());
        }
        let turns = match &step.each {
            None => vec![None],
            Some(each) => turns(self.language.resolve(each, &self.names(None))?.unwrap_or(Value::Null))?,
        };
        let mut outputs: Vec<Map<String, Value>> = Vec::new();
        for each in turns {
            let names = self.names(each);
            if let Some(condition) = &step.condition
                && !holds(self.language.resolve(condition, &names)?.as_ref())
            {
                continue;
            }
            let action = Action::of(step)?;
            let fields = self.language.resolve(&Value::Object(action.used(step)?), &names)?;
            let Some(Value::Object(fields)) = fields else { continue };
            outputs.push(self.act(action, &Input { step, fields }, sources)?);
        }
        let Some(last) = outputs.last().cloned() else { return Ok(()) };
        let output = if step.each.is_some() {
            // What the turns gave, name by name.
            let mut all: Map<String, Value> = Map::new();
            for (name, value) in outputs.into_iter().flatten() {
                if let Value::Array(list) = all.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                    list.push(value);
                }
            }
            all
        } else {
            last
        };
        self.steps.insert(step.id.clone(), serde_json::json!({ "output": output }));
        Ok(())
    }

    fn act(
        &mut self,
        action: Action,
        input: &Input<'_>,
        sources: &mut Sources,
    ) -> Result<Map<String, Value>, Trouble> {
        let built = &mut self.built;
        let mut said = format!("{} ({})", input.step.name, input.step.action);
        let output = match action {
            Action::FetchTemplate => fetch::template(input, sources, &mut built.tree).map(|()| Map::new()),
            Action::FetchTemplateFile => {
                fetch::template_file(input, sources, &mut built.tree).map(|()| Map::new())
            }
            Action::FetchPlain => fetch::plain(input, sources, &mut built.tree).map(|()| Map::new()),
            Action::FetchPlainFile => fetch::plain_file(input, sources, &mut built.tree).map(|()| Map::new()),
            Action::Delete => fetch::delete(input, &mut built.tree).map(|()| Map::new()),
            Action::Rename => fetch::rename(input, &mut built.tree).map(|()| Map::new()),
            Action::ReadDir => fetch::read_dir(input, &built.tree),
            Action::Log => Ok(log(input, built)),
            Action::Wait => wait(input, built),
            Action::WriteCatalog => write_catalog(input, built),
            Action::RegisterCatalog => {
                said.push_str(", which is left to you");
                register(input, built)
            }
            Action::Publish => {
                let address = self.given.publish.get(&input.step.id).ok_or_else(|| not_mapped(input.step))?;
                let _ = write!(said, " by git to {address}");
                publish(input, address, built)
            }
        }?;
        self.built.done.push(said);
        Ok(output)
    }

    fn output(&mut self, output: &Value) -> Result<(), Trouble> {
        let names = self.names(None);
        let output = output.as_object().cloned().unwrap_or_default();
        let shown = |run: &Self, value: &Value| -> Result<bool, Trouble> {
            match value.get("if") {
                None => Ok(true),
                Some(condition) => Ok(holds(run.language.resolve(condition, &names)?.as_ref())),
            }
        };
        for (name, value) in &output {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            if name == "links" || name == "text" {
                for item in items {
                    if !shown(self, item)? {
                        continue;
                    }
                    let item = self.language.resolve(item, &names)?.unwrap_or(Value::Null);
                    let field = |name: &str| item.get(name).and_then(Value::as_str).map(str::trim);
                    let title = field("title").unwrap_or_default();
                    if name == "links" {
                        // Where a step was left out there is nothing to link to.
                        let link =
                            field("url").or_else(|| field("entityRef")).filter(|link| !link.is_empty());
                        self.built.links.extend(link.map(|link| format!("{title}: {link}")));
                    } else if let Some(content) = field("content").filter(|content| !content.is_empty()) {
                        self.built.follow_ups.push(format!("{title}: {content}"));
                    }
                }
                continue;
            }
            let value = match self.language.resolve(value, &names)? {
                Some(Value::String(text)) => text,
                Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
            };
            if !value.chars().any(char::is_control) {
                self.built.outputs.insert(name.clone(), value);
            }
        }
        Ok(())
    }
}

/// What a step says that would publish, where nobody said where to.
pub(super) fn not_mapped(step: &TemplateStep) -> Trouble {
    Trouble::new(
        format!(
            "{} would make a repository through a server's own interface, which is not available on one's own machine",
            step.label()
        ),
        format!(
            "say where git shall push to instead: `publish: {{ {0}: git@host:team/name.git }}` (or a path on this \
             machine), or leave the step out: `skip: [{0}]`",
            step.id
        ),
    )
    .of("publish")
}

fn turns(over: Value) -> Result<Vec<Option<Value>>, Trouble> {
    let turns: Vec<_> = match over {
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, value)| Some(serde_json::json!({ "key": index.to_string(), "value": value })))
            .collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| Some(serde_json::json!({ "key": key, "value": value })))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(Trouble::new("`each` should be a list or a group of fields", "change the template"));
        }
    };
    if turns.len() > MAX_TURNS {
        return Err(Trouble::new(format!("`each` has more than {MAX_TURNS} entries"), "give it fewer"));
    }
    Ok(turns)
}

/// Whether a condition holds, as Backstage reads it.
fn holds(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(_)) => true,
    }
}

fn log(input: &Input<'_>, built: &mut Built) -> Map<String, Value> {
    let mut text = match input.fields.get("message") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if let Some(extra) = input.fields.get("extra") {
        let _ = write!(text, "\n{extra}");
    }
    let lists = input.fields.get("listWorkspace").is_some_and(|list| holds(Some(list)));
    if lists {
        built.tree.files().keys().for_each(|path| {
            let _ = write!(text, "\n  {path}");
        });
    }
    built.effects.push(Effect::Say(text.trim_start_matches('\n').to_owned()));
    Map::new()
}

fn wait(input: &Input<'_>, built: &mut Built) -> Result<Map<String, Value>, Trouble> {
    let part = |name: &str, factor: f64| Ok::<_, Trouble>(input.number(name)?.unwrap_or(0.0) * factor);
    let seconds = part("minutes", 60.0)? + part("seconds", 1.0)? + part("milliseconds", 0.001)?;
    let wait = Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= MAX_WAIT);
    let wait = wait.ok_or_else(|| input.wrong("would wait for more than 10 minutes"))?;
    built.effects.push(Effect::Wait(wait));
    Ok(Map::new())
}

fn write_catalog(input: &Input<'_>, built: &mut Built) -> Result<Map<String, Value>, Trouble> {
    let path = safe(input.text("filePath")?.unwrap_or(CATALOG_INFO))?;
    let entity = Value::Object(input.group("entity")?);
    let text = serde_saphyr::to_string(&entity)
        .map_err(|error| input.wrong(format!("`entity` cannot be written as YAML: {error}")))?;
    built.tree.put(&path, File { content: text.into_bytes(), executable: false })?;
    Ok(Map::new())
}

fn register(input: &Input<'_>, built: &mut Built) -> Result<Map<String, Value>, Trouble> {
    let path = input.text("catalogInfoPath")?.unwrap_or(CATALOG_INFO).trim_start_matches('/').to_owned();
    let url = match (input.text("catalogInfoUrl")?, input.text("repoContentsUrl")?) {
        (Some(url), _) => Some(url.to_owned()),
        (None, Some(contents)) => Some(format!("{}/{path}", contents.trim_end_matches('/'))),
        (None, None) => None,
    };
    let what = url.clone().unwrap_or_else(|| format!("`{path}`, once it is in a repository,"));
    built.follow_ups.push(format!("Register {what} in your company's catalog."));
    let mut output = Map::new();
    output.extend(url.map(|url| ("catalogInfoUrl".to_owned(), url.into())));
    let file = safe(&path).ok().and_then(|path| built.tree.get(&path).cloned());
    let entity = file.and_then(|file| super::template::yaml(&file.content).ok());
    if let Some(reference) = entity.as_ref().and_then(entity_reference) {
        output.insert("entityRef".to_owned(), reference.into());
    }
    Ok(output)
}

/// `kind:namespace/name`, as a catalog will know it.
fn entity_reference(entity: &Value) -> Option<String> {
    let kind = entity.get("kind")?.as_str()?.to_lowercase();
    let name = entity.pointer("/metadata/name")?.as_str()?;
    let namespace = entity.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
    Some(format!("{kind}:{namespace}/{name}"))
}

fn publish(input: &Input<'_>, address: &str, built: &mut Built) -> Result<Map<String, Value>, Trouble> {
    let folder = safe(input.text("sourcePath")?.unwrap_or_default())?;
    if !built.tree.is_folder(&folder) {
        return Err(input.wrong(format!("there is no folder `{folder}` to publish")));
    }
    let branch = input.text("defaultBranch")?.filter(|branch| !branch.is_empty()).unwrap_or("main");
    let message = input.text("gitCommitMessage")?.filter(|text| !text.trim().is_empty());
    let publication = Publication::new(
        address,
        branch,
        message.unwrap_or("Initial commit"),
        built.tree.below(&folder),
        &folder,
    )
    .map_err(|trouble| input.wrong(trouble.cause))?;
    built.effects.push(Effect::Publish(Box::new(publication)));
    let address = Value::from(address);
    Ok([("remoteUrl".to_owned(), address.clone()), ("repoContentsUrl".to_owned(), address)]
        .into_iter()
        .collect())
}
