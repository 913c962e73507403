//! From the tree to the domain's types, once, collecting everything that is wrong on the way.

pub(crate) mod fields;
pub(crate) mod step;
pub(crate) mod survey;
pub(crate) mod with;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    path::PathBuf,
};

use firstlight_domain::{
    finding::Severity,
    id::{CredentialName, InputName, PackName, PersonaId, StageId, StepId, SurveyId},
    kind::Kind,
    pack::{AdvisoryPolicy, Checklist, Input, InputKind, Pack, Persona, Policy, Stage},
};
use indexmap::IndexMap;

use self::{
    fields::{Fields, id, place, text, texts},
    step::StepDraft,
    survey::SurveyDraft,
};
use crate::{
    API_VERSION, names,
    node::{Data, Node},
    problem::{ProblemCode, Problems},
};

pub(crate) const PACK_FIELDS: &[&str] =
    &["apiVersion", "kind", "metadata", "inputs", "personas", "checklists", "steps", "surveys", "policy"];
pub(crate) const METADATA_FIELDS: &[&str] = &["name", "version", "title", "owner"];
pub(crate) const INPUT_FIELDS: &[&str] = &["title", "description", "type", "default", "enum"];
pub(crate) const PERSONA_FIELDS: &[&str] = &["title", "summary", "match"];
pub(crate) const MATCH_FIELDS: &[&str] = &["groups"];
pub(crate) const CHECKLIST_FIELDS: &[&str] = &["stages"];
pub(crate) const STAGE_FIELDS: &[&str] = &["id", "title", "steps"];
pub(crate) const POLICY_FIELDS: &[&str] = &["capabilities", "advisories"];
pub(crate) const ADVISORIES_FIELDS: &[&str] = &["block", "accept"];
pub(crate) const CAPABILITY_FIELDS: &[&str] = &["hosts", "paths", "reads", "elevation", "secrets"];

/// A pack as far as it could be read, with the places of what the rules look at.
pub(crate) struct Draft<'n, 'k> {
    name: Option<PackName>,
    version: Option<semver::Version>,
    title: String,
    owner: Option<String>,
    pub(crate) inputs: IndexMap<InputName, Input>,
    pub(crate) personas: IndexMap<PersonaId, (Range<usize>, Persona)>,
    pub(crate) checklists: IndexMap<PersonaId, ListDraft>,
    pub(crate) steps: IndexMap<StepId, StepDraft<'n, 'k>>,
    /// Steps that are named, but could not be read at all.
    pub(crate) unreadable: HashSet<StepId>,
    pub(crate) surveys: IndexMap<SurveyId, SurveyDraft<'n>>,
    pub(crate) policy: Policy,
    pub(crate) policy_node: Option<&'n Node>,
}

/// A checklist and where each of its steps is named.
pub(crate) struct ListDraft {
    pub(crate) span: Range<usize>,
    pub(crate) list: Checklist,
    pub(crate) steps: Vec<(StepId, Range<usize>)>,
}

impl Draft<'_, '_> {
    /// The pack; `None` if it has no name or version, which was reported.
    pub(crate) fn finish(self, root: PathBuf, digest: String) -> Option<Pack> {
        Some(Pack {
            name: self.name?,
            version: self.version?,
            title: self.title,
            owner: self.owner,
            inputs: self.inputs,
            personas: self.personas.into_iter().map(|(id, (_, persona))| (id, persona)).collect(),
            checklists: self.checklists.into_iter().map(|(id, draft)| (id, draft.list)).collect(),
            steps: self.steps.into_iter().map(|(id, draft)| (id, draft.step)).collect(),
            surveys: self.surveys.into_iter().map(|(id, draft)| (id, draft.survey)).collect(),
            policy: self.policy,
            root,
            digest,
        })
    }
}

/// Reads the whole tree.
pub(crate) fn pack<'n, 'k>(
    root: &'n Node,
    kinds: &'k [Kind],
    problems: &mut Problems<'_>,
) -> Option<Draft<'n, 'k>> {
    let top = Fields::open(root, &first_line(problems.text()), PACK_FIELDS, "a pack", problems)?;
    header(&top, problems);
    let metadata =
        top.need("metadata", "{ name: acme, version: 1.0.0, title: Welcome to Acme }", problems).and_then(
            |node| Fields::open(node, &key_of(root, "metadata"), METADATA_FIELDS, "metadata", problems),
        );
    let (mut name, mut version, mut title, mut owner) = (None, None, String::new(), None);
    if let Some(metadata) = metadata {
        name = metadata.need("name", "acme", problems).and_then(|node| {
            let name = text(node, "name", problems)?;
            id(&name, &node.span, PackName::new, problems)
        });
        version = metadata.need("version", "1.0.0", problems).and_then(|node| self::version(node, problems));
        title = metadata.need_text("title", "Welcome to Acme", problems);
        owner = metadata.text("owner", problems);
    }
    let inputs = inputs(&top, problems);
    let personas = personas(&top, problems);
    let checklists = checklists(&top, problems);
    let by_name: HashMap<&str, &Kind> = kinds.iter().map(|kind| (kind.name, kind)).collect();
    let (mut steps, mut unreadable) = (IndexMap::new(), HashSet::new());
    let example = "{ hello: { title: Say hello, run: [echo, hello] } }";
    for (id, key, node) in named(&top, "steps", example, StepId::new, problems) {
        match step::read(&id, key, node, kinds, &by_name, problems) {
            Some(draft) => drop(steps.insert(id, draft)),
            None => drop(unreadable.insert(id)),
        }
    }
    let surveys = survey::surveys(&top, problems);
    let policy = policy(&top, problems);
    let policy_node = top.get("policy");
    Some(Draft {
        name,
        version,
        title,
        owner,
        inputs,
        personas,
        checklists,
        steps,
        unreadable,
        surveys,
        policy,
        policy_node,
    })
}

fn first_line(text: &str) -> Range<usize> {
    0..text.lines().next().map_or(0, str::len)
}

/// Where a key of a map is; the map itself if it is not there.
fn key_of(node: &Node, name: &str) -> Range<usize> {
    let found = node.entries().iter().find(|(key, _)| key.key() == name);
    found.map_or_else(|| node.span.clone(), |(key, _)| key.span.clone())
}

fn header(top: &Fields<'_>, problems: &mut Problems<'_>) {
    for (name, expected) in [("apiVersion", API_VERSION), ("kind", "Pack")] {
        let Some(node) = top.need(name, expected, problems) else { continue };
        let Some(found) = text(node, name, problems) else { continue };
        if found != expected {
            let message = format!("`{name}` is `{found}`; this version of Firstlight reads `{expected}`");
            problems
                .error(ProblemCode::BadValue, node.span.clone(), message)
                .help(format!("write `{name}: {expected}`"));
        }
    }
}

fn version(node: &Node, problems: &mut Problems<'_>) -> Option<semver::Version> {
    let found = text(node, "version", problems)?;
    match semver::Version::parse(&found) {
        Ok(version) => Some(version),
        Err(error) => {
            let parts: Vec<&str> = found.trim_start_matches('v').split('.').collect();
            let numbers = parts.len() < 4 && parts.iter().all(|part| part.parse::<u64>().is_ok());
            let help = if numbers {
                let filled: Vec<&str> = parts.iter().copied().chain(["0", "0"]).take(3).collect();
                format!("write `version: {}`", filled.join("."))
            } else {
                "write it as three numbers, for example `1.4.0` (semver.org)".to_owned()
            };
            problems
                .error(
                    ProblemCode::BadValue,
                    node.span.clone(),
                    format!("`{found}` is not a version: {error}"),
                )
                .help(help);
            None
        }
    }
}

/// The entries of a map from ids, with the key's place.
fn named<'n, T>(
    top: &Fields<'n>,
    name: &str,
    example: &str,
    new: impl Fn(&str) -> Result<T, firstlight_domain::id::IdError> + Copy,
    problems: &mut Problems<'_>,
) -> Vec<(T, Range<usize>, &'n Node)> {
    let Some(node) = top.need(name, example, problems) else { return Vec::new() };
    entries(node, name, new, problems)
}

fn entries<'n, T>(
    node: &'n Node,
    name: &str,
    new: impl Fn(&str) -> Result<T, firstlight_domain::id::IdError> + Copy,
    problems: &mut Problems<'_>,
) -> Vec<(T, Range<usize>, &'n Node)> {
    if !matches!(node.data, Data::Map(_)) {
        problems
            .error(
                ProblemCode::BadValue,
                node.span.clone(),
                format!("`{name}` is a group of named entries, not {}", node.describe()),
            )
            .help("write each as `name: { … }`");
    }
    node.entries()
        .iter()
        .filter_map(|(key, value)| {
            id(key.key(), &key.span, new, problems).map(|id| (id, key.span.clone(), value))
        })
        .collect()
}

fn inputs(top: &Fields<'_>, problems: &mut Problems<'_>) -> IndexMap<InputName, Input> {
    let Some(node) = top.get("inputs") else { return IndexMap::new() };
    entries(node, "inputs", InputName::new, problems)
        .into_iter()
        .filter_map(|(name, key, node)| Some((name, input(node, &key, problems)?)))
        .collect()
}

fn input(node: &Node, key: &Range<usize>, problems: &mut Problems<'_>) -> Option<Input> {
    let fields = Fields::open(node, key, INPUT_FIELDS, "an input", problems)?;
    let title = fields.need_text("title", "Where your code lives", problems);
    let kind = match fields.get("type").map(|node| (node, text(node, "type", problems))) {
        None | Some((_, None)) => InputKind::String,
        Some((node, Some(written))) => match written.as_str() {
            "string" => InputKind::String,
            "number" => InputKind::Number,
            "boolean" => InputKind::Boolean,
            other => {
                let known = ["string", "number", "boolean"];
                problems
                    .error(
                        ProblemCode::BadValue,
                        node.span.clone(),
                        format!("`{other}` is not a type of input"),
                    )
                    .help(names::did_you_mean(other, &known, "types"));
                InputKind::String
            }
        },
    };
    let choices = fields.texts("enum", problems);
    let default = fields.get("default").and_then(|node| Some((text(node, "default", problems)?, node)));
    let fits = |answer: &str| match kind {
        InputKind::String => true,
        InputKind::Number => answer.parse::<f64>().is_ok_and(f64::is_finite),
        InputKind::Boolean => matches!(answer, "true" | "false"),
    };
    let expected = match kind {
        InputKind::String => "a text",
        InputKind::Number => "a number",
        InputKind::Boolean => "`true` or `false`",
    };
    let answers = choices.iter().map(|(text, span)| (text, span));
    for (answer, span) in answers.chain(default.iter().map(|(text, node)| (text, &node.span))) {
        if !fits(answer) {
            problems
                .error(ProblemCode::BadValue, span.clone(), format!("`{answer}` is not {expected}"))
                .help("change it, or the input's `type`");
        }
    }
    let choices: Vec<String> = choices.into_iter().map(|(text, _)| text).collect();
    if let Some((answer, node)) = &default
        && !choices.is_empty()
        && !choices.contains(answer)
    {
        problems
            .error(ProblemCode::BadValue, node.span.clone(), format!("`{answer}` is not one of the answers"))
            .help(format!("the answers are {}", names::list(choices.iter().map(String::as_str))));
    }
    Some(Input {
        title,
        description: fields.text("description", problems),
        kind,
        default: default.map(|(text, _)| text),
        choices,
    })
}

fn personas(top: &Fields<'_>, problems: &mut Problems<'_>) -> IndexMap<PersonaId, (Range<usize>, Persona)> {
    named(top, "personas", "{ backend: { title: Backend engineer } }", PersonaId::new, problems)
        .into_iter()
        .filter_map(|(id, key, node)| {
            let fields = Fields::open(node, &key, PERSONA_FIELDS, "a persona", problems)?;
            let title = fields.need_text("title", "Backend engineer", problems);
            let summary = fields.text("summary", problems);
            let matching = fields.get("match").and_then(|inner| {
                Fields::open(inner, &key_of(node, "match"), MATCH_FIELDS, "`match`", problems)
            });
            let groups = matching.map(|fields| fields.texts("groups", problems)).unwrap_or_default();
            let groups = groups.into_iter().map(|(text, _)| text).collect();
            Some((id, (key, Persona { title, summary, groups })))
        })
        .collect()
}

fn checklists(top: &Fields<'_>, problems: &mut Problems<'_>) -> IndexMap<PersonaId, ListDraft> {
    let example = "{ backend: { stages: [{ id: day-1, title: Day one, steps: [hello] }] } }";
    named(top, "checklists", example, PersonaId::new, problems)
        .into_iter()
        .filter_map(|(id, key, node)| Some((id, checklist(node, key, problems)?)))
        .collect()
}

fn checklist(node: &Node, key: Range<usize>, problems: &mut Problems<'_>) -> Option<ListDraft> {
    let fields = Fields::open(node, &key, CHECKLIST_FIELDS, "a checklist", problems)?;
    let stages = fields.need("stages", "[{ id: day-1, title: Day one, steps: [hello] }]", problems)?;
    let Data::List(items) = &stages.data else {
        problems
            .error(
                ProblemCode::BadValue,
                place(stages, &key_of(node, "stages")),
                format!("`stages` is a list, not {}", stages.describe()),
            )
            .help("begin each stage with `- `");
        return None;
    };
    let mut draft = ListDraft {
        span: key,
        list: Checklist { stages: Vec::with_capacity(items.len()) },
        steps: Vec::new(),
    };
    let mut stage_ids: IndexMap<StageId, Range<usize>> = IndexMap::new();
    let mut seen: HashMap<StepId, Range<usize>> = HashMap::new();
    for item in items {
        let at = item.entries().first().map_or_else(|| item.span.clone(), |(key, _)| key.span.clone());
        let Some(fields) = Fields::open(item, &at, STAGE_FIELDS, "a stage", problems) else { continue };
        let title = fields.need_text("title", "Day one", problems);
        let id_node = fields.need("id", "day-1", problems);
        let stage_id = id_node.and_then(|node| {
            let written = text(node, "id", problems)?;
            Some((id(&written, &node.span, StageId::new, problems)?, node.span.clone()))
        });
        let mut steps = Vec::new();
        let listed = fields.need("steps", "[hello]", problems);
        for (name, span) in listed.map(|node| texts(node, "steps", problems)).unwrap_or_default() {
            let Some(step) = id(&name, &span, StepId::new, problems) else { continue };
            if let Some(first) = seen.get(&step) {
                problems
                    .error(ProblemCode::DuplicateId, span, format!("`{step}` is in this checklist twice"))
                    .label(first.clone(), "first here")
                    .help("name each step once; stages are done in order");
                continue;
            }
            seen.insert(step.clone(), span.clone());
            draft.steps.push((step.clone(), span));
            steps.push(step);
        }
        let Some((stage_id, span)) = stage_id else { continue };
        if let Some(first) = stage_ids.get(&stage_id) {
            problems
                .error(ProblemCode::DuplicateId, span, format!("two stages are called `{stage_id}`"))
                .label(first.clone(), "first here")
                .help("give each stage an `id` of its own");
        } else {
            stage_ids.insert(stage_id.clone(), span);
        }
        draft.list.stages.push(Stage { id: stage_id, title, steps });
    }
    Some(draft)
}

fn policy(top: &Fields<'_>, problems: &mut Problems<'_>) -> Policy {
    let Some(node) = top.get("policy") else { return Policy::default() };
    let Some(fields) = Fields::open(node, &node.span, POLICY_FIELDS, "a policy", problems) else {
        return Policy::default();
    };
    let advisories = fields.get("advisories").map_or_else(AdvisoryPolicy::default, |inner| {
        advisories(inner, &key_of(node, "advisories"), problems)
    });
    let without = Policy { advisories, ..Policy::default() };
    let Some(node) = fields.get("capabilities") else { return without };
    let Some(fields) = Fields::open(node, &node.span, CAPABILITY_FIELDS, "capabilities", problems) else {
        return without;
    };
    let plain = |found: Vec<(String, Range<usize>)>| found.into_iter().map(|(text, _)| text).collect();
    Policy {
        hosts: plain(fields.texts("hosts", problems)),
        paths: fields.get("paths").is_some().then(|| plain(fields.texts("paths", problems))),
        reads: fields.get("reads").is_some().then(|| plain(fields.texts("reads", problems))),
        elevation: fields.flag("elevation", problems).unwrap_or_default(),
        secrets: fields
            .texts("secrets", problems)
            .into_iter()
            .filter_map(|(name, span)| id(&name, &span, CredentialName::new, problems))
            .collect(),
        ..without
    }
}

/// What may be written for `block`.
pub(crate) const THRESHOLDS: &[&str] = &["critical", "high", "moderate", "low", "never"];

fn advisories(node: &Node, key: &Range<usize>, problems: &mut Problems<'_>) -> AdvisoryPolicy {
    let Some(fields) = Fields::open(node, key, ADVISORIES_FIELDS, "`advisories`", problems) else {
        return AdvisoryPolicy::default();
    };
    let block = fields.get("block").and_then(|node| {
        let written = text(node, "block", problems)?;
        if !THRESHOLDS.contains(&written.as_str()) {
            let message = format!("`{written}` is not a severity that can block");
            problems.error(ProblemCode::BadValue, node.span.clone(), message).help(names::did_you_mean(
                &written,
                THRESHOLDS,
                "severities",
            ));
        }
        Severity::named(&written)
    });
    AdvisoryPolicy { block, accept: fields.duration("accept", problems) }
}
