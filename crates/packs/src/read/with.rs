//! `with`: read by the JSON Schema that the kind gives, so that a mistake is shown at its place. What a schema cannot
//! say is asked of the kind itself.

use std::ops::Range;

use serde_json::{Map, Value};

use super::fields::{self, place};
use crate::{
    names,
    node::{Data, Node},
    problem::{ProblemCode, Problems},
};

/// A kind's schema, with its definitions.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'s> {
    root: &'s Value,
    /// Every alternative the schema allows, flattened.
    here: &'s Value,
}

/// How deep references and alternatives of a schema are followed.
const DEPTH: usize = 12;

impl<'s> Shape<'s> {
    pub(crate) fn new(schema: &'s Value) -> Self {
        Self { root: schema, here: schema }
    }

    fn at(self, here: &'s Value) -> Self {
        Self { root: self.root, here }
    }

    /// The schemas that may apply: this one, what it refers to, its alternatives and parts.
    fn all(self) -> Vec<&'s Map<String, Value>> {
        let mut found = Vec::new();
        self.collect(self.here, DEPTH, &mut found);
        found
    }

    fn collect(self, schema: &'s Value, depth: usize, found: &mut Vec<&'s Map<String, Value>>) {
        let Some(map) = schema.as_object() else { return };
        if depth == 0 {
            return;
        }
        found.push(map);
        if let Some(target) = map.get("$ref").and_then(Value::as_str)
            && let Some(target) = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer))
        {
            self.collect(target, depth - 1, found);
        }
        for parts in ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| map.get(*name)?.as_array()) {
            for part in parts {
                self.collect(part, depth - 1, found);
            }
        }
    }

    /// The names a group of fields may have.
    pub(crate) fn properties(self) -> Vec<&'s str> {
        let mut found: Vec<&str> = Vec::new();
        for name in
            self.all().into_iter().filter_map(|map| map.get("properties")?.as_object()).flat_map(Map::keys)
        {
            if !found.contains(&name.as_str()) {
                found.push(name);
            }
        }
        found
    }

    /// The shape of one field.
    pub(crate) fn property(self, name: &str) -> Option<Self> {
        let all = self.all();
        let named = all.iter().find_map(|map| map.get("properties")?.get(name));
        let other =
            || all.iter().find_map(|map| map.get("additionalProperties").filter(|other| other.is_object()));
        named.or_else(other).map(|schema| self.at(schema))
    }

    /// Whether a group may have fields beyond the named ones.
    fn is_open(self) -> bool {
        let all = self.all();
        let says = |wanted: fn(&Value) -> bool| {
            all.iter().filter_map(|map| map.get("additionalProperties")).any(wanted)
        };
        says(|other| other.is_object() || other == &Value::Bool(true))
            || (self.properties().is_empty() && !says(|other| other == &Value::Bool(false)))
    }

    fn items(self) -> Option<Self> {
        self.all().into_iter().find_map(|map| map.get("items")).map(|schema| self.at(schema))
    }

    /// The types allowed; empty for any.
    fn types(self) -> Vec<&'s str> {
        let mut found = Vec::new();
        for map in self.all() {
            match map.get("type") {
                Some(Value::String(one)) => found.push(one.as_str()),
                Some(Value::Array(several)) => found.extend(several.iter().filter_map(Value::as_str)),
                _ if map.contains_key("properties") => found.push("object"),
                _ if map.get("const").or_else(|| map.get("enum")?.get(0)).is_some_and(Value::is_string) => {
                    found.push("string");
                }
                _ => {}
            }
        }
        found
    }

    /// The types allowed, in words; empty for any.
    pub(crate) fn expected(self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for kind in self.types() {
            let word = match kind {
                "string" => "a text",
                "array" => "a list",
                "object" => "a group of fields",
                "boolean" => "true or false",
                "null" => continue,
                _ => "a number",
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(" or ")
    }

    /// What the schema says it is; empty if it does not.
    pub(crate) fn description(self) -> &'s str {
        self.all().into_iter().find_map(|map| map.get("description")?.as_str()).unwrap_or_default()
    }

    /// Fields that have to be there whatever the alternative.
    pub(crate) fn required(self) -> Vec<&'s str> {
        let mut found = Vec::new();
        let mut schema = self.here;
        for _ in 0..DEPTH {
            let list = schema.get("required").and_then(Value::as_array);
            found.extend(list.into_iter().flatten().filter_map(Value::as_str));
            let target =
                schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
            match target.and_then(|pointer| self.root.pointer(pointer)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        found
    }

    /// The allowed texts, where only some are.
    pub(crate) fn choices(self) -> Vec<&'s str> {
        let all = self.all();
        let mut found = Vec::new();
        for map in &all {
            if let Some(one) = map.get("const").and_then(Value::as_str) {
                found.push(one);
            } else if let Some(several) = map.get("enum").and_then(Value::as_array) {
                found.extend(several.iter().filter_map(Value::as_str));
            } else if map.get("type").is_some_and(|kind| kind == "string") && all.len() > 1 {
                // One alternative takes any text.
                return Vec::new();
            }
        }
        found
    }
}

/// Reads a value by a shape. `path` is dotted and empty for `with` itself; `at` is the key it belongs to.
pub(crate) fn value(
    node: &Node,
    shape: Shape<'_>,
    path: &str,
    at: &Range<usize>,
    kind: &str,
    problems: &mut Problems<'_>,
) -> Value {
    let types = shape.types();
    let allows = |wanted: &[&str]| types.is_empty() || wanted.iter().any(|kind| types.contains(kind));
    match &node.data {
        Data::Text(text) => {
            let computed = text.contains("${{");
            if !computed && !allows(&["string"]) {
                mismatch(node, shape, path, at, problems);
            } else if !computed {
                choice(text, node, shape, path, at, problems);
            }
            Value::String(text.clone())
        }
        Data::Bool(_) if allows(&["boolean"]) => node.to_json(),
        Data::Number(_) if allows(&["number", "integer"]) => node.to_json(),
        // A plain `20` or `true` where a text is expected is the text that was written.
        Data::Bool(_) | Data::Number(_) if allows(&["string"]) => {
            node.as_text(problems.text()).map_or(Value::Null, Value::String)
        }
        Data::List(items) if allows(&["array"]) => {
            let shape = shape.items().unwrap_or(Shape::new(&Value::Null));
            let item = |(index, item): (usize, &Node)| {
                value(item, shape, &join(path, &index.to_string()), at, kind, problems)
            };
            items.iter().enumerate().map(item).collect()
        }
        Data::Map(entries) if allows(&["object"]) => {
            let known = shape.properties();
            let mut found = Map::new();
            for (key, inner) in entries {
                let name = key.key();
                if !known.contains(&name) && !shape.is_open() {
                    let what = if path.is_empty() { format!("`{kind}`") } else { format!("`{path}`") };
                    fields::unknown(key, &known, &what, problems);
                    continue;
                }
                let inner_shape = shape.property(name).unwrap_or(Shape::new(&Value::Null));
                let path = join(path, name);
                found.insert(name.to_owned(), value(inner, inner_shape, &path, &key.span, kind, problems));
            }
            missing(node, shape, path, at, kind, problems);
            Value::Object(found)
        }
        // Where anything goes, whoever writes the word means it; a value that was forgotten, or a `~` meant as the home
        // folder, does not.
        Data::Null if types.is_empty() && problems.text().get(node.span.clone()) == Some("null") => {
            Value::Null
        }
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::List(_) | Data::Map(_) => {
            mismatch(node, shape, path, at, problems);
            node.to_json()
        }
    }
}

/// Reports the required fields that are not there.
pub(crate) fn missing(
    node: &Node,
    shape: Shape<'_>,
    path: &str,
    at: &Range<usize>,
    kind: &str,
    problems: &mut Problems<'_>,
) {
    for name in shape.required().into_iter().filter(|name| node.get(name).is_none()) {
        let what = if path.is_empty() { kind } else { path };
        problems
            .error(ProblemCode::MissingField, at.clone(), format!("`{what}` needs `{name}`"))
            .help(format!("add `{name}`{}", if path.is_empty() { " under `with`" } else { "" }));
    }
}

fn choice(
    text: &str,
    node: &Node,
    shape: Shape<'_>,
    path: &str,
    at: &Range<usize>,
    problems: &mut Problems<'_>,
) {
    let choices = shape.choices();
    if !choices.is_empty() && !choices.contains(&text) {
        problems
            .error(ProblemCode::BadWith, place(node, at), format!("`{path}` cannot be `{text}`"))
            .help(format!("it can be {}", names::list(choices)));
    }
}

fn mismatch(node: &Node, shape: Shape<'_>, path: &str, at: &Range<usize>, problems: &mut Problems<'_>) {
    let expected = shape.expected();
    let path = if path.is_empty() { "with" } else { path };
    let message = format!("`{path}` is {expected}, not {}", node.describe());
    let help = match &node.data {
        Data::Null if shape.types().is_empty() => {
            "give it a value or remove it; to say that it is empty, write `null`; a `~` alone means nothing in YAML, \
             `\"~\"` is text"
                .to_owned()
        }
        Data::Null => {
            "give it a value or remove it; a `~` alone means nothing in YAML, `\"~\"` is text".to_owned()
        }
        Data::Text(text) if shape.types().contains(&"array") => {
            format!("write it as a list: [{}]", words_of(text))
        }
        Data::Bool(_) | Data::Number(_) | Data::Text(_) | Data::List(_) | Data::Map(_) => {
            format!("write {expected} here")
        }
    };
    problems.error(ProblemCode::BadWith, place(node, at), message).help(help);
}

/// A command line as a list, as far as it can be told without a shell.
pub(crate) fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(", ")
}

/// A dotted path.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The place a dotted path leads to below a node, as far as it can be followed; `at` if nowhere.
pub(crate) fn locate(node: &Node, path: &str, at: &Range<usize>) -> Range<usize> {
    let mut found = at.clone();
    let mut node = node;
    for segment in path.split(['.', '[', ']', '/']).filter(|segment| !segment.is_empty()) {
        match &node.data {
            Data::Map(entries) => match entries.iter().find(|(key, _)| key.key() == segment) {
                Some((key, value)) => {
                    found = if matches!(value.data, Data::Map(_) | Data::List(_)) {
                        key.span.clone()
                    } else {
                        place(value, &key.span)
                    };
                    node = value;
                }
                None => break,
            },
            Data::List(items) => match segment.parse::<usize>().ok().and_then(|index| items.get(index)) {
                Some(item) => {
                    found = place(item, &found);
                    node = item;
                }
                None => break,
            },
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::Text(_) => break,
        }
    }
    found
}
