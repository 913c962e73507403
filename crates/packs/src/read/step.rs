//! One step.

use std::{collections::HashMap, ops::Range, time::Duration};

use firstlight_domain::{
    id::{CredentialName, StepId},
    kind::Kind,
    pack::{Elevation, OnFailure, Probe, Secrets, Step},
    sla::Sla,
};
use serde_json::{Map, Value};

use super::{
    fields::{self, Fields, id, place, text},
    with::{self, Shape},
};
use crate::{
    names,
    node::{Data, Node},
    problem::{ProblemCode, Problems},
};

/// Fields of every step.
pub(crate) const COMMON_FIELDS: &[&str] = &[
    "title",
    "why",
    "owner",
    "estimate",
    "needs",
    "if",
    "uses",
    "with",
    "elevation",
    "critical",
    "best-effort",
    "follow-up",
    "timeout",
    "retries",
    "restart",
    "sla",
    "probe",
    "first-value",
    "outputs",
    "secrets",
];
/// Parameters of `command` that may stand on the step itself.
pub(crate) const COMMAND_FIELDS: &[&str] = &["check", "run", "undo", "cwd", "env", "shell"];
pub(crate) const PROBE_FIELDS: &[&str] = &["http", "status", "tcp", "command"];
pub(crate) const SECRETS_FIELDS: &[&str] = &["env", "stdin"];

const TIMEOUT: Duration = Duration::from_secs(600);

/// A step and the places of what the rules look at.
pub(crate) struct StepDraft<'n, 'k> {
    /// Its name, where it is defined.
    pub(crate) span: Range<usize>,
    pub(crate) node: &'n Node,
    pub(crate) kind: Option<&'k Kind>,
    /// Whether its parameters could be read, so that the kind can be asked about them.
    pub(crate) readable: bool,
    pub(crate) step: Step,
    pub(crate) needs: Vec<(StepId, Range<usize>)>,
    pub(crate) secrets: Vec<(CredentialName, Range<usize>)>,
}

impl StepDraft<'_, '_> {
    /// The place of a parameter, by its dotted path below `with`.
    pub(crate) fn locate(&self, path: &str) -> Range<usize> {
        if let Some(with) = self.node.get("with") {
            let key = self.node.entries().iter().find(|(key, _)| key.key() == "with");
            let at = key.map_or_else(|| self.span.clone(), |(key, _)| key.span.clone());
            let found = with::locate(with, path, &at);
            if found != at || path.is_empty() {
                return found;
            }
        }
        with::locate(self.node, path, &self.span)
    }

    /// The place of one of the step's own fields.
    pub(crate) fn field(&self, name: &str) -> Range<usize> {
        with::locate(self.node, name, &self.span)
    }
}

/// Reads a step. `None` only if it is not a group of fields.
pub(crate) fn read<'n, 'k>(
    step_id: &StepId,
    key: Range<usize>,
    node: &'n Node,
    kinds: &'k [Kind],
    by_name: &HashMap<&str, &'k Kind>,
    problems: &mut Problems<'_>,
) -> Option<StepDraft<'n, 'k>> {
    let known: Vec<&str> = COMMON_FIELDS.iter().chain(COMMAND_FIELDS).copied().collect();
    let fields = Fields::open(node, &key, &known, "a step", problems)?;
    let title = fields.need_text("title", "Say what it does", problems);
    let (uses, kind) = uses(&fields, node, &key, kinds, by_name, problems);
    let before_with = problems.count();
    let with = parameters(&fields, node, &key, &uses, kind, problems);
    let readable = problems.count() == before_with;
    let needs: Vec<(StepId, Range<usize>)> = fields
        .texts("needs", problems)
        .into_iter()
        .filter_map(|(name, span)| Some((id(&name, &span, StepId::new, problems)?, span)))
        .collect();
    let (secrets, secret_places) = secrets(&fields, problems);
    let step = Step {
        id: step_id.clone(),
        title,
        why: fields.text("why", problems),
        owner: fields.text("owner", problems),
        estimate: fields.duration("estimate", problems),
        needs: needs.iter().map(|(id, _)| id.clone()).collect(),
        condition: fields.text("if", problems),
        uses,
        with,
        elevation: elevation(&fields, problems),
        on_failure: on_failure(&fields, problems),
        follow_up: fields.text("follow-up", problems),
        timeout: timeout(&fields, problems),
        retries: fields.whole("retries", 10, problems).and_then(|n| u8::try_from(n).ok()).unwrap_or_default(),
        restart: fields.flag("restart", problems).unwrap_or_default(),
        sla: sla(&fields, problems),
        probe: probe(&fields, node, problems),
        first_value: fields.flag("first-value", problems).unwrap_or_default(),
        outputs: outputs(&fields, problems),
        secrets,
    };
    Some(StepDraft { span: key, node, kind, readable, step, needs, secrets: secret_places })
}

fn uses<'k>(
    fields: &Fields<'_>,
    node: &Node,
    key: &Range<usize>,
    kinds: &'k [Kind],
    by_name: &HashMap<&str, &'k Kind>,
    problems: &mut Problems<'_>,
) -> (String, Option<&'k Kind>) {
    let Some(written) = fields.get("uses") else {
        if node.get("run").is_none() && node.get("check").is_none() {
            problems
                .error(
                    ProblemCode::MissingField,
                    key.clone(),
                    "a step says what it does with `uses` or `run`",
                )
                .help("add `run: [command, argument]`, or `uses: confirm` for something a person does");
            return ("command".to_owned(), None);
        }
        return ("command".to_owned(), by_name.get("command").copied());
    };
    let Some(name) = text(written, "uses", problems) else { return (String::new(), None) };
    let kind = by_name.get(name.as_str()).copied();
    if kind.is_none() {
        let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        problems
            .error(ProblemCode::UnknownKind, written.span.clone(), format!("`{name}` is not a kind of step"))
            .help(names::did_you_mean(&name, &known, "kinds"));
    }
    (name, kind)
}

/// `with`, and for a command what stands on the step itself.
fn parameters(
    fields: &Fields<'_>,
    node: &Node,
    key: &Range<usize>,
    uses: &str,
    kind: Option<&Kind>,
    problems: &mut Problems<'_>,
) -> Value {
    let shape_of_anything = Shape::new(&Value::Null);
    let shape = kind.map_or(shape_of_anything, |kind| Shape::new(&kind.schema));
    let mut found = Map::new();
    let own = node.entries().iter().filter(|(key, _)| COMMAND_FIELDS.contains(&key.key()));
    if uses == "command" {
        for (name, value) in own {
            let value = match name.key() {
                "run" | "check" | "undo" => argv(value, name, fields, problems),
                field => with::value(
                    value,
                    shape.property(field).unwrap_or(shape_of_anything),
                    field,
                    &name.span,
                    uses,
                    problems,
                ),
            };
            found.insert(name.key().to_owned(), value);
        }
    } else if kind.is_some() {
        for (name, _) in own {
            let field = name.key();
            let help = if shape.properties().contains(&field) {
                format!("move `{field}` under `with`")
            } else {
                format!("remove it, or make this a command by removing `uses: {uses}`")
            };
            let message = format!("`{field}` stands on a step only if it is a command, not `{uses}`");
            problems.error(ProblemCode::UnknownField, name.span.clone(), message).help(help);
        }
    }
    match fields.get("with") {
        Some(written) => {
            let at = node.entries().iter().find(|(key, _)| key.key() == "with");
            let at = at.map_or_else(|| key.clone(), |(key, _)| key.span.clone());
            if let Value::Object(more) = with::value(written, shape, "", &at, uses, problems) {
                for (name, value) in more {
                    if found.contains_key(&name) {
                        problems
                            .error(
                                ProblemCode::DuplicateId,
                                with::locate(written, &name, &at),
                                format!("`{name}` is written on the step and under `with`"),
                            )
                            .help("remove one of them");
                    }
                    found.insert(name, value);
                }
            }
        }
        None if uses != "command" => with::missing(node, shape, "", key, uses, problems),
        None => {}
    }
    Value::Object(found)
}

/// A command line: a list of words, or with `shell: true` a script.
fn argv(node: &Node, key: &Node, fields: &Fields<'_>, problems: &mut Problems<'_>) -> Value {
    let name = key.key();
    let shell = matches!(fields.get("shell").map(|node| &node.data), Some(Data::Bool(true)));
    match &node.data {
        Data::Text(script) if shell => Value::Array(vec![Value::String(script.clone())]),
        Data::Text(line) => {
            let simple = !line.contains(['|', '&', ';', '<', '>', '$', '`', '"', '\'', '\\', '*', '(', '\n']);
            let help = if simple {
                format!("write `{name}: [{}]`", with::words_of(line))
            } else {
                "write it as a list, one word an item; or, if it needs a shell, add `shell: true`".to_owned()
            };
            let message = format!("`{name}` is a list of words, not one text: no shell takes it apart");
            problems.error(ProblemCode::BadValue, place(node, &key.span), message).help(help);
            Value::Null
        }
        Data::List(items) if items.is_empty() => {
            problems
                .error(ProblemCode::BadValue, place(node, &key.span), format!("`{name}` is empty"))
                .help(format!("write `{name}: [command, argument]`"));
            Value::Null
        }
        Data::List(_) => {
            let words = fields::texts(node, name, problems);
            if shell && words.len() > 1 {
                problems
                    .error(
                        ProblemCode::BadValue,
                        place(node, &key.span),
                        "with `shell: true` there is one script",
                    )
                    .help(format!("write `{name}: \"…\"`, or remove `shell: true`"));
            }
            words.into_iter().map(|(word, _)| Value::String(word)).collect()
        }
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Map(_) => {
            problems
                .error(
                    ProblemCode::BadValue,
                    place(node, &key.span),
                    format!("`{name}` is a list of words, not {}", node.describe()),
                )
                .help(format!("write `{name}: [command, argument]`"));
            Value::Null
        }
    }
}

fn elevation(fields: &Fields<'_>, problems: &mut Problems<'_>) -> Elevation {
    let Some(node) = fields.get("elevation") else { return Elevation::default() };
    match text(node, "elevation", problems).as_deref() {
        Some("current") | None => Elevation::Current,
        Some("elevated") => Elevation::Elevated,
        Some(other) => {
            problems
                .error(ProblemCode::BadValue, node.span.clone(), format!("`elevation` cannot be `{other}`"))
                .help("write `current` or `elevated`");
            Elevation::Current
        }
    }
}

/// `critical` and `best-effort` say the opposite of each other: one of them can be true.
fn on_failure(fields: &Fields<'_>, problems: &mut Problems<'_>) -> OnFailure {
    let critical = fields.flag("critical", problems).unwrap_or_default();
    let best_effort = fields.flag("best-effort", problems).unwrap_or_default();
    if let (true, true, Some(one), Some(other)) =
        (critical, best_effort, fields.get("best-effort"), fields.get("critical"))
    {
        problems
            .error(
                ProblemCode::BestEffortNeeded,
                one.span.clone(),
                "a step cannot be `best-effort` and `critical`",
            )
            .label(other.span.clone(), "this says that nothing goes on without it")
            .help("keep one of them");
    }
    match (critical, best_effort) {
        (true, _) => OnFailure::Stop,
        (false, true) => OnFailure::GoOn,
        (false, false) => OnFailure::Fail,
    }
}

fn timeout(fields: &Fields<'_>, problems: &mut Problems<'_>) -> Duration {
    let Some(timeout) = fields.duration("timeout", problems) else { return TIMEOUT };
    if timeout.is_zero()
        && let Some(node) = fields.get("timeout")
    {
        problems
            .error(ProblemCode::BadValue, node.span.clone(), "a step without any time always fails")
            .help("remove `timeout` for the default of `10m`");
    }
    timeout
}

/// What the owner promises. It may be words for people, and then nothing is due: somebody probably meant a time.
fn sla(fields: &Fields<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let promised = fields.text("sla", problems)?;
    if Sla::read(&promised).is_none()
        && let Some(node) = fields.get("sla")
    {
        problems
            .warning(
                ProblemCode::SlaNeverDue,
                node.span.clone(),
                format!("nothing is ever due by `{promised}`: it is shown, and no more"),
            )
            .help(
                "write a number and of what, like `30 minutes`, `4 business hours`, `2 business days` or `1 week`",
            );
    }
    Some(promised)
}

fn outputs(fields: &Fields<'_>, problems: &mut Problems<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (name, span) in fields.texts("outputs", problems) {
        let fine = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fine {
            problems
                .error(ProblemCode::BadId, span, format!("`{name}` cannot be the name of an output"))
                .help("use letters, digits and `_`, and begin with a letter");
        } else if found.contains(&name) {
            problems
                .error(ProblemCode::DuplicateId, span, format!("the output `{name}` is named twice"))
                .help("remove one of them");
        } else {
            found.push(name);
        }
    }
    found
}

fn probe(fields: &Fields<'_>, step: &Node, problems: &mut Problems<'_>) -> Option<Probe> {
    let node = fields.get("probe")?;
    let at = with::locate(step, "probe", &node.span);
    let fields = Fields::open(node, &at, PROBE_FIELDS, "a probe", problems)?;
    let probe = Probe {
        http: fields.text("http", problems),
        status: fields.whole("status", 599, problems).and_then(|n| u16::try_from(n).ok()),
        tcp: fields.text("tcp", problems),
        command: fields
            .get("command")
            .map(|node| fields::texts(node, "command", problems).into_iter().map(|(word, _)| word).collect()),
    };
    let ways = ["http", "tcp", "command"].into_iter().filter(|name| fields.get(name).is_some()).count();
    if ways != 1 {
        problems
            .error(ProblemCode::BadValue, at.clone(), "a probe asks in exactly one way")
            .help("write one of `http: https://…`, `tcp: host:port` and `command: [test, …]`");
    }
    if let (Some(address), Some(node)) = (&probe.http, fields.get("http"))
        && !address.starts_with("http://")
        && !address.starts_with("https://")
        && !address.starts_with("${{")
    {
        problems
            .error(ProblemCode::BadValue, node.span.clone(), format!("`{address}` is not a web address"))
            .help("begin it with `https://`");
    }
    if let (Some(address), Some(node)) = (&probe.tcp, fields.get("tcp"))
        && !address.contains("${{")
        && !address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    {
        problems
            .error(ProblemCode::BadValue, node.span.clone(), format!("`{address}` is not a host and a port"))
            .help("write it like `db.example.com:5432`");
    }
    Some(probe)
}

fn secrets(
    fields: &Fields<'_>,
    problems: &mut Problems<'_>,
) -> (Secrets, Vec<(CredentialName, Range<usize>)>) {
    let mut found = (Secrets::default(), Vec::new());
    let Some(node) = fields.get("secrets") else { return found };
    let Some(fields) = Fields::open(node, &node.span, SECRETS_FIELDS, "`secrets`", problems) else {
        return found;
    };
    let mut name = |node: &Node, field: &str, problems: &mut Problems<'_>| {
        let name = text(node, field, problems)?;
        let name = id(&name, &node.span, CredentialName::new, problems)?;
        found.1.push((name.clone(), node.span.clone()));
        Some(name)
    };
    if let Some(env) = fields.get("env") {
        if !matches!(env.data, Data::Map(_)) {
            problems
                .error(ProblemCode::BadValue, env.span.clone(), "`env` names a credential for each variable")
                .help("write `env: { NAME: credential }`");
        }
        for (variable, credential) in env.entries() {
            if let Some(credential) = name(credential, variable.key(), problems) {
                found.0.env.insert(variable.key().to_owned(), credential);
            }
        }
    }
    if let Some(stdin) = fields.get("stdin") {
        found.0.stdin = name(stdin, "stdin", problems);
    }
    found
}
