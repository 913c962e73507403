//! The JSON Schema (2020-12) of `pack.yaml`, for editors. It says what the reader accepts, field by field; rules about
//! the whole pack are the linter's.

use firstlight_domain::kind::Kind;
use serde_json::{Map, Value, json};

use crate::{
    API_VERSION,
    read::{
        THRESHOLDS,
        step::{COMMAND_FIELDS, PROBE_FIELDS},
        survey::KINDS,
    },
};

/// Fields with what editors show for them, in the order they are offered.
type Described = &'static [(&'static str, &'static str)];

pub(crate) const PACK: Described = &[
    ("apiVersion", "The version of the format."),
    ("kind", "What this file describes."),
    ("metadata", "The pack's name and version."),
    ("inputs", "Questions asked once. Steps use the answers as `${{ inputs.NAME }}`."),
    ("personas", "The kinds of engineers this pack is for."),
    ("checklists", "For each persona, what they go through, in stages."),
    ("steps", "Every step, by its id. Checklists share them."),
    ("surveys", "What people are asked, by the survey's id; seldom, and always saying who sees the answers."),
    ("policy", "What steps may do. Checked when the pack is linted, and again when it is run."),
];
pub(crate) const METADATA: Described = &[
    ("name", "A short name, for example `acme`."),
    ("version", "Three numbers, see semver.org. Raise it with every change."),
    ("title", "The greeting, for example `Welcome to Acme`."),
    ("owner", "Who writes this pack."),
];
pub(crate) const INPUT: Described = &[
    ("title", "The question."),
    ("description", "More about it."),
    ("type", "What the answer is: a text if not said."),
    ("default", "Used when nothing is said."),
    ("enum", "The allowed answers."),
];
pub(crate) const PERSONA: Described = &[
    ("title", "For example `Backend engineer`."),
    ("summary", "One sentence about what they will have done."),
    ("match", "Who is this persona without being asked."),
];
pub(crate) const STAGE: Described = &[
    ("id", "For example `day-1`."),
    ("title", "For example `Day one`."),
    ("steps", "The steps' ids, in order. What a step needs must be in the same checklist."),
];
pub(crate) const SURVEY: Described = &[
    ("title", "What it is called, for example `Your first day`."),
    ("audience", "Who sees the answers, in plain words. Shown before anything is sent."),
    ("ask", "When: `first-value`, `after STEP`, `day 7`, or `on-demand`."),
    ("personas", "Who is asked. Everybody, if this is left out."),
    ("if", "Only where this is true, for example `${{ inputs.team == 'payments' }}`."),
    (
        "even-if-asked-lately",
        "Asks although the person was asked something in the last 14 days. Write why: they are shown it, and it is recorded.",
    ),
    ("questions", "The questions by their ids, in order."),
];
pub(crate) const QUESTION: Described = &[
    (
        "kind",
        "`nps` (would you recommend it, 0 to 10), `csat` (how satisfied, 1 to 5), `ces` (how easy, 1 to 7), `choice` or `text`.",
    ),
    ("text", "The question. For `ces` a sentence one agrees with, for example `It was easy to begin.`"),
    (
        "platform",
        "For `nps`, whose wording is fixed: what is recommended, as in `How likely are you to recommend PLATFORM to a colleague here?`",
    ),
    ("options", "For `choice`: each option's id and its words."),
    ("several", "For `choice`: whether more than one may be chosen."),
    ("show-if", "Only after this answer to an earlier question."),
];
pub(crate) const SHOW_IF: Described = &[
    ("question", "The earlier question."),
    ("at-least", "For a scale: the lowest answer."),
    ("at-most", "For a scale: the highest answer."),
    ("is", "For a choice: the options, one of which was chosen."),
];
pub(crate) const CAPABILITIES: Described = &[
    ("hosts", "Hosts that may be contacted: `example.com`, or `*.example.com` for every name below it."),
    ("paths", "Folders that may be written. Any, if this is left out."),
    ("reads", "Folders that programs from outside may read. Any, if this is left out."),
    ("elevation", "Whether steps may ask for administrator rights."),
    ("secrets", "Credentials that steps may be handed."),
];
pub(crate) const ADVISORIES: Described = &[
    (
        "block",
        "Findings of this severity or worse block the steps that work with what they are about: `never` if not said.",
    ),
    (
        "accept",
        "For how long a person may live with a finding at most, for example `30d`. Not at all, if this is left out.",
    ),
];
pub(crate) const STEP: Described = &[
    ("title", "What it is called."),
    ("why", "Why it matters, in Markdown."),
    ("owner", "Who answers for it; whom a request waits for."),
    ("estimate", "How long it should take: `30s`, `20m`, `2h`."),
    ("needs", "The steps that must come before."),
    ("if", "Only where this is true, for example `${{ facts.os == 'linux' }}`."),
    ("uses", "The kind of step. A command, if left out."),
    ("with", "The kind's parameters."),
    ("check", "A command that exits 0 if there is nothing to do. It changes nothing."),
    ("run", "The command, as a list of words. No shell takes it apart."),
    ("undo", "A command that takes it back."),
    ("cwd", "The folder it runs in. `~` is the home folder."),
    ("env", "Environment variables. Never secrets: see `secrets`."),
    ("shell", "Whether `run` and `check` are scripts for a shell. Shown as such in the plan."),
    ("elevation", "With whose rights: the person's own, or the administrator's."),
    ("critical", "Whether its failure ends the run."),
    (
        "best-effort",
        "Whether the run is as it should be without it: its failure is named until it holds, and stops nothing.",
    ),
    (
        "follow-up",
        "What the person still has to do themselves once it has changed something, for example `Log out and in again so that the group counts.`",
    ),
    ("timeout", "How long one attempt may take: `10m` if not said."),
    ("retries", "How often it is tried again by itself."),
    (
        "restart",
        "Whether it may take effect only after the machine was restarted, which the person is asked for.",
    ),
    ("sla", "What the owner promises, for example `4 business hours`."),
    ("probe", "What can tell that it is done without asking anybody."),
    ("first-value", "Whether this step stops the clock. One in each checklist does."),
    (
        "outputs",
        "Names a command gives to later steps, as `name=value` lines in the file $FIRSTLIGHT_OUTPUT.",
    ),
    ("secrets", "Credentials it is handed, by environment or standard input, never by argument."),
];
pub(crate) const PROBE: Described = &[
    ("http", "An address that answers."),
    ("status", "The status expected: any 2xx if not said."),
    ("tcp", "A `host:port` that accepts a connection."),
    ("command", "A command that exits 0."),
];
pub(crate) const SECRETS: Described = &[
    ("env", "For each environment variable, the credential it holds."),
    ("stdin", "The credential written to standard input."),
];

/// The schema of `pack.yaml` with these kinds.
pub fn schema(kinds: &[Kind]) -> Value {
    let mut definitions = definitions();
    for kind in kinds {
        definitions.insert(definition(kind), parameters(kind));
    }
    definitions.insert("step".to_owned(), step(kinds));
    let mut root = object(
        PACK,
        &["apiVersion", "kind", "metadata", "personas", "checklists", "steps"],
        |name| match name {
            "apiVersion" => json!({ "const": API_VERSION }),
            "kind" => json!({ "const": "Pack" }),
            "metadata" => object(METADATA, &["name", "version", "title"], |name| match name {
                "name" => reference_to("id"),
                _ => reference_to("text"),
            }),
            "inputs" => map_of(&input()),
            "personas" => map_of(&object(PERSONA, &["title"], |name| match name {
                "match" => json!({
                    "type": "object",
                    "properties": {
                        "groups": {
                            "description": "Directory groups whose members are this persona.",
                            "type": "array",
                            "items": { "type": "string" },
                        },
                    },
                    "additionalProperties": false,
                }),
                _ => reference_to("text"),
            })),
            "checklists" => map_of(&checklist()),
            "steps" => map_of(&reference_to("step")),
            "surveys" => map_of(&survey()),
            _ => json!({
                "type": "object",
                "properties": { "capabilities": capabilities(), "advisories": advisories() },
                "additionalProperties": false,
            }),
        },
    );
    root["$defs"] = Value::Object(definitions);
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    whole.insert("title".to_owned(), json!("Firstlight pack"));
    if let Value::Object(root) = root {
        whole.extend(root);
    }
    Value::Object(whole)
}

fn definitions() -> Map<String, Value> {
    let mut found = Map::new();
    let mut add = |name: &str, value: Value| found.insert(name.to_owned(), value);
    add("id", json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }));
    // A plain number or `true` is read as the text that was written.
    add("text", json!({ "type": ["string", "number", "boolean"] }));
    add("words", json!({ "type": "array", "minItems": 1, "items": reference_to("text") }));
    add("line", json!({ "anyOf": [reference_to("words"), { "type": "string" }] }));
    add("duration", json!({ "type": "string", "pattern": "^\\s*([0-9]+[smhd]\\s*)+$" }));
    found
}

fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// A group of exactly these fields.
fn object(fields: Described, required: &[&str], shape: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, description)| {
            let mut property = Map::new();
            property.insert("description".to_owned(), json!(description));
            if let Value::Object(shape) = shape(name) {
                property.extend(shape);
            }
            ((*name).to_owned(), Value::Object(property))
        })
        .collect();
    let mut found = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        found["required"] = json!(required);
    }
    found
}

fn map_of(value: &Value) -> Value {
    json!({ "type": "object", "propertyNames": reference_to("id"), "additionalProperties": value })
}

fn input() -> Value {
    object(INPUT, &["title"], |name| match name {
        "type" => json!({ "enum": ["string", "number", "boolean"] }),
        "enum" => reference_to("words"),
        _ => reference_to("text"),
    })
}

fn checklist() -> Value {
    let stage = object(STAGE, &["id", "title", "steps"], |name| match name {
        "id" => reference_to("id"),
        "steps" => json!({ "type": "array", "items": reference_to("id"), "uniqueItems": true }),
        _ => reference_to("text"),
    });
    json!({
        "type": "object",
        "properties": { "stages": { "description": "In order.", "type": "array", "items": stage } },
        "required": ["stages"],
        "additionalProperties": false,
    })
}

fn survey() -> Value {
    let show_if = object(SHOW_IF, &["question"], |name| match name {
        "question" => reference_to("id"),
        "is" => json!({ "type": "array", "minItems": 1, "items": reference_to("id") }),
        _ => json!({ "type": "integer", "minimum": 0, "maximum": 10 }),
    });
    let question = object(QUESTION, &["kind"], |name| match name {
        "kind" => json!({ "enum": KINDS }),
        "options" => json!({
            "type": "object",
            "propertyNames": reference_to("id"),
            "additionalProperties": reference_to("text"),
        }),
        "several" => json!({ "type": "boolean" }),
        "show-if" => show_if.clone(),
        _ => reference_to("text"),
    });
    object(SURVEY, &["title", "audience", "ask", "questions"], |name| match name {
        "ask" => json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "string",
                "pattern": "^\\s*(first-value|on-demand|after\\s+\\S+|day\\s+[1-9][0-9]{0,2})\\s*$",
            },
        }),
        "personas" => json!({ "type": "array", "items": reference_to("id") }),
        "questions" => map_of(&question),
        _ => reference_to("text"),
    })
}

fn capabilities() -> Value {
    let mut found = object(CAPABILITIES, &[], |name| match name {
        "elevation" => json!({ "type": "boolean" }),
        _ => json!({ "type": "array", "items": { "type": "string" } }),
    });
    found["description"] = json!("A step that does more is refused.");
    found
}

fn advisories() -> Value {
    let mut found = object(ADVISORIES, &[], |name| match name {
        "block" => json!({ "enum": THRESHOLDS }),
        _ => reference_to("duration"),
    });
    found["description"] = json!("What it means when an advisory is about something on a machine.");
    found
}

fn step(kinds: &[Kind]) -> Value {
    let mut found = object(STEP, &["title"], |name| match name {
        "estimate" | "timeout" => reference_to("duration"),
        "needs" => json!({ "type": "array", "items": reference_to("id") }),
        "uses" => json!({
            "oneOf": kinds
                .iter()
                .map(|kind| json!({ "const": kind.name, "description": kind.summary }))
                .collect::<Vec<_>>(),
        }),
        "with" => json!({ "type": "object" }),
        "check" | "run" | "undo" => reference_to("line"),
        "env" => json!({ "type": "object", "additionalProperties": reference_to("text") }),
        "shell" | "critical" | "best-effort" | "first-value" | "restart" => json!({ "type": "boolean" }),
        "elevation" => json!({ "enum": ["current", "elevated"] }),
        "retries" => json!({ "type": "integer", "minimum": 0, "maximum": 10 }),
        "probe" => probe(),
        "outputs" => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" } })
        }
        "secrets" => object(SECRETS, &[], |name| match name {
            "env" => json!({ "type": "object", "additionalProperties": reference_to("id") }),
            _ => reference_to("id"),
        }),
        _ => reference_to("text"),
    });
    found["anyOf"] = json!([{ "required": ["uses"] }, { "required": ["run"] }, { "required": ["check"] }]);
    found["allOf"] = kinds.iter().map(rule).collect();
    found
}

fn probe() -> Value {
    let mut found = object(PROBE, &[], |name| match name {
        "status" => json!({ "type": "integer", "minimum": 100, "maximum": 599 }),
        "command" => reference_to("words"),
        _ => json!({ "type": "string" }),
    });
    let ways = PROBE_FIELDS.iter().filter(|name| **name != "status");
    found["oneOf"] = ways.map(|name| json!({ "required": [name] })).collect();
    found
}

/// What `with` is for one kind.
fn rule(kind: &Kind) -> Value {
    let is_command = kind.name == "command";
    let condition = if is_command {
        json!({ "properties": { "uses": { "const": kind.name } } })
    } else {
        json!({ "properties": { "uses": { "const": kind.name } }, "required": ["uses"] })
    };
    let mut properties = Map::new();
    properties.insert("with".to_owned(), reference_to(&definition(kind)));
    if !is_command {
        properties.extend(COMMAND_FIELDS.iter().map(|name| ((*name).to_owned(), Value::Bool(false))));
    }
    let mut consequence = json!({ "properties": properties });
    let needs_with =
        kind.schema.get("required").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if needs_with && !is_command {
        consequence["required"] = json!(["with"]);
    }
    json!({ "if": condition, "then": consequence })
}

fn definition(kind: &Kind) -> String {
    format!("with-{}", kind.name.replace('/', "-"))
}

/// The kind's own schema, its references made to lead into the place it has here.
fn parameters(kind: &Kind) -> Value {
    let mut schema = kind.schema.clone();
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
        map.remove("title");
        // The parameters of a command may stand on the step instead.
        if kind.name == "command" {
            map.remove("required");
        }
    }
    rehome(&mut schema, &format!("#/$defs/{}", definition(kind)));
    schema
}

fn rehome(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref")
                && let Some(pointer) = target.strip_prefix('#')
            {
                *target = format!("{place}{pointer}");
            }
            let free =
                !map.contains_key("enum") && !map.contains_key("const") && !map.contains_key("pattern");
            if free && let Some(kind) = map.get_mut("type") {
                loosen(kind);
            }
            if let Some(Value::Array(ways)) = map.get_mut("anyOf") {
                ways.iter_mut().for_each(quiet);
            }
            map.values_mut().for_each(|inner| rehome(inner, place));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rehome(item, place)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One way to write a value has no words of its own: editors would show them instead of those of the field.
fn quiet(way: &mut Value) {
    if let Some(way) = way.as_object_mut()
        && !way.contains_key("properties")
    {
        way.remove("description");
    }
}

/// Where a text is expected, a plain number or `true` is read as the text that was written; nothing is not.
fn loosen(kind: &mut Value) {
    let mut names: Vec<String> = match &*kind {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        // A property that is called `type`.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return,
    };
    if names.len() > 1 {
        names.retain(|name| name != "null");
    }
    if names.iter().any(|name| name == "string") {
        for name in ["number", "boolean"] {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    *kind = match names.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{self, step, survey};

    /// The reader and the schema know the same fields.
    #[test]
    fn every_field_is_described() {
        let step: Vec<&str> = step::COMMON_FIELDS.iter().chain(COMMAND_FIELDS).copied().collect();
        let same: [(Described, &[&str]); 12] = [
            (PACK, read::PACK_FIELDS),
            (METADATA, read::METADATA_FIELDS),
            (INPUT, read::INPUT_FIELDS),
            (PERSONA, read::PERSONA_FIELDS),
            (STAGE, read::STAGE_FIELDS),
            (CAPABILITIES, read::CAPABILITY_FIELDS),
            (STEP, &step),
            (PROBE, PROBE_FIELDS),
            (SECRETS, step::SECRETS_FIELDS),
            (SURVEY, survey::SURVEY_FIELDS),
            (QUESTION, survey::QUESTION_FIELDS),
            (SHOW_IF, survey::SHOW_IF_FIELDS),
        ];
        for (described, read) in same {
            let mut described: Vec<&str> = described.iter().map(|(name, _)| *name).collect();
            let mut read = read.to_vec();
            described.sort_unstable();
            read.sort_unstable();
            assert_eq!(described, read);
        }
    }
}
