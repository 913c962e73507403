//! JSON Schema as forms use it: reading what a page asks for, filling in defaults, and saying what does not fit in words.

use regex::Regex;
use serde_json::{Map, Value};

use super::naming::list;

/// How deep schemas are followed.
const DEPTH: usize = 16;
/// The size of a pattern, compiled.
const MAX_PATTERN: usize = 256 * 1024;

/// Whether values are looked at as written, expressions unresolved, or as they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A pack is linted: what an expression gives is not judged.
    Written,
    /// A step is planned or done.
    Used,
}

/// Every field a page may ask for, those of its alternatives too, with its schema.
pub(super) fn properties<'s>(schema: &'s Value, found: &mut Vec<(&'s str, &'s Value)>) {
    collect(schema, DEPTH, found);
}

fn collect<'s>(schema: &'s Value, depth: usize, found: &mut Vec<(&'s str, &'s Value)>) {
    if depth == 0 {
        return;
    }
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    found.extend(fields.map(|(name, schema)| (name.as_str(), schema)));
    let parts =
        ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| schema.get(name)?.as_array()).flatten();
    let branches = ["then", "else"].into_iter().filter_map(|name| schema.get(name));
    let dependent = ["dependencies", "dependentSchemas"].into_iter();
    let dependent = dependent.filter_map(|name| schema.get(name)?.as_object()).flat_map(Map::values);
    for part in parts.chain(branches).chain(dependent) {
        collect(part, depth - 1, found);
    }
}

/// A value of the type its schemas ask for: what an expression of a pack gives is text, whatever it was before.
pub(super) fn typed<'s>(value: &Value, schemas: impl Iterator<Item = &'s Value>) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let wanted: Vec<&str> = schemas.filter_map(|schema| schema.get("type")?.as_str()).collect();
    let parsed = |fits: fn(&Value) -> bool| serde_json::from_str::<Value>(text).ok().filter(fits);
    let found = match wanted.first() {
        Some(first) if wanted.iter().all(|kind| kind == first) => match *first {
            "number" | "integer" => parsed(Value::is_number),
            "boolean" => parsed(Value::is_boolean),
            _ => None,
        },
        _ => None,
    };
    found.unwrap_or_else(|| value.clone())
}

/// Fills in the defaults of a page, those of the alternatives that are chosen too.
pub(super) fn fill(schema: &Value, values: &mut Map<String, Value>) {
    // An alternative may be chosen by a default of another.
    for _ in 0..DEPTH {
        let before = values.len();
        fill_once(schema, values, DEPTH);
        if values.len() == before {
            break;
        }
    }
}

fn fill_once(schema: &Value, values: &mut Map<String, Value>, depth: usize) {
    if depth == 0 {
        return;
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = field.get("default").filter(|_| !values.contains_key(name)) {
            values.insert(name.clone(), default.clone());
        }
        if let Some(Value::Object(inner)) = values.get_mut(name) {
            fill_once(field, inner, depth - 1);
        }
    }
    for part in chosen(schema, values) {
        fill_once(part, values, depth - 1);
    }
}

/// The parts of a schema that apply to these values beside its own fields.
fn chosen<'s>(schema: &'s Value, values: &Map<String, Value>) -> Vec<&'s Value> {
    let whole = Value::Object(values.clone());
    let mut found: Vec<&Value> =
        schema.get("allOf").and_then(Value::as_array).into_iter().flatten().collect();
    if let Some(condition) = schema.get("if") {
        found.extend(schema.get(if matches(condition, &whole) { "then" } else { "else" }));
    }
    let dependent = ["dependencies", "dependentSchemas"].into_iter();
    for (name, part) in dependent.filter_map(|name| schema.get(name)?.as_object()).flatten() {
        let Some(value) = values.get(name).filter(|value| !is_unresolved(value)) else { continue };
        if part.is_object() {
            found.push(part);
        }
        // The form shows the alternative whose own rule for this field fits.
        let fits = |option: &&Value| {
            option
                .get("properties")
                .and_then(|fields| fields.get(name))
                .is_none_or(|rule| matches(rule, value))
        };
        for kind in ["oneOf", "anyOf"] {
            found.extend(part.get(kind).and_then(Value::as_array).into_iter().flatten().filter(fits));
        }
    }
    found
}

/// Says what does not fit of a page's values.
pub(super) fn check(page: &Value, values: &Map<String, Value>, when: When, wrong: &mut Vec<String>) {
    fields(page, values, "", when, wrong, DEPTH);
}

/// Whether a value fits a schema.
pub(super) fn matches(schema: &Value, value: &Value) -> bool {
    let mut wrong = Vec::new();
    one(schema, value, "", When::Used, &mut wrong, DEPTH);
    wrong.is_empty()
}

/// What a group of fields lacks, or has and should not.
fn fields(
    schema: &Value,
    values: &Map<String, Value>,
    path: &str,
    when: When,
    wrong: &mut Vec<String>,
    depth: usize,
) {
    if depth == 0 {
        return;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let field = |name: &str| properties.and_then(|properties| properties.get(name));
    for name in required.filter_map(Value::as_str).filter(|name| !values.contains_key(*name)) {
        wrong.push(missing(&join(path, name), field(name)));
    }
    for (name, rule) in properties.into_iter().flatten() {
        if let Some(value) = values.get(name) {
            one(rule, value, &join(path, name), when, wrong, depth - 1);
        }
    }
    let dependent = ["dependencies", "dependentRequired"].into_iter();
    for (name, needed) in dependent.filter_map(|name| schema.get(name)?.as_object()).flatten() {
        let needed = needed.as_array().filter(|_| values.contains_key(name)).into_iter().flatten();
        for other in needed.filter_map(Value::as_str).filter(|other| !values.contains_key(*other)) {
            wrong.push(missing(&join(path, other), field(other)));
        }
    }
    for part in chosen(schema, values) {
        fields(part, values, path, when, wrong, depth - 1);
    }
}

fn missing(path: &str, field: Option<&Value>) -> String {
    let text = |name: &str| field.and_then(|field| field.get(name)?.as_str()).filter(|text| !text.is_empty());
    let about = match (text("title"), text("description")) {
        (Some(title), Some(description)) => {
            format!(" ({title}: {})", description.trim().trim_end_matches('.'))
        }
        (Some(words), None) | (None, Some(words)) => format!(" ({words})"),
        (None, None) => String::new(),
    };
    format!("`{path}`{about} is missing")
}

/// What does not fit of one value.
fn one(schema: &Value, value: &Value, path: &str, when: When, wrong: &mut Vec<String>, depth: usize) {
    if depth == 0 || (when == When::Written && is_unresolved(value)) {
        return;
    }
    let before = wrong.len();
    let mut say = |what: String| wrong.push(if path.is_empty() { what } else { format!("`{path}` {what}") });
    if let Some(expected) = wrong_type(schema, value) {
        say(format!("should be {expected}, not {}", kind(value)));
        return;
    }
    if schema.get("const").is_some_and(|only| !same(only, value)) {
        say(format!("is {}; it can only be {}", shown(value), shown(&schema["const"])));
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.iter().any(|choice| same(choice, value))
    {
        let choices: Vec<String> = choices
            .iter()
            .map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned))
            .collect();
        say(format!("is {}; it can be {}", shown(value), list(choices.iter().map(String::as_str))));
    }
    match value {
        Value::String(text) => of_text(schema, text, &mut say),
        Value::Number(number) => of_number(schema, number.as_f64().unwrap_or_default(), &mut say),
        Value::Array(items) => of_list(schema, items, &mut say),
        Value::Object(_) | Value::Null | Value::Bool(_) => {}
    }
    if wrong.len() > before {
        return;
    }
    match value {
        Value::Object(inner) => fields(schema, inner, path, when, wrong, depth),
        Value::Array(items) => {
            if let Some(rule) = schema.get("items").filter(|rule| rule.is_object()) {
                for (index, item) in items.iter().enumerate() {
                    one(rule, item, &format!("{path}[{index}]"), when, wrong, depth - 1);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !value.is_object() {
        let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        parts.for_each(|part| one(part, value, path, when, wrong, depth - 1));
    }
    alternatives(schema, value, path, wrong);
}

fn alternatives(schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    for name in ["anyOf", "oneOf"] {
        if let Some(options) = schema.get(name).and_then(Value::as_array)
            && !options.iter().any(|option| matches(option, value))
        {
            wrong.push(format!("`{path}` is {}, which fits none of what is allowed", shown(value)));
        }
    }
    if schema.get("not").is_some_and(|not| matches(not, value)) {
        wrong.push(format!("`{path}` is {}, which is not allowed", shown(value)));
    }
}

fn of_text(schema: &Value, text: &str, say: &mut impl FnMut(String)) {
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
    let length = text.chars().count() as u64;
    if let Some(least) = limit("minLength").filter(|least| length < *least) {
        say(format!("is shorter than {least} characters"));
    }
    if let Some(most) = limit("maxLength").filter(|most| length > *most) {
        say(format!("is longer than {most} characters"));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        match regex::RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build() {
            Ok(regex) if Regex::is_match(&regex, text) => {}
            Ok(_) => {
                say(format!("is {}, which does not fit the pattern `{pattern}`", shown(&Value::from(text))));
            }
            Err(_) => say(format!(
                "has the pattern `{pattern}`, which cannot be checked here (it looks ahead or behind, or is no pattern)"
            )),
        }
    }
}

fn of_number(schema: &Value, number: f64, say: &mut impl FnMut(String)) {
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    if let Some(least) = limit("minimum").filter(|least| number < *least) {
        say(format!("should be {least} or more"));
    }
    if let Some(most) = limit("maximum").filter(|most| number > *most) {
        say(format!("should be {most} or less"));
    }
    if let Some(least) = limit("exclusiveMinimum").filter(|least| number <= *least) {
        say(format!("should be more than {least}"));
    }
    if let Some(most) = limit("exclusiveMaximum").filter(|most| number >= *most) {
        say(format!("should be less than {most}"));
    }
    if let Some(step) = limit("multipleOf").filter(|step| *step > 0.0) {
        let times = number / step;
        if (times - times.round()).abs() > 1e-9 {
            say(format!("should be a multiple of {step}"));
        }
    }
}

fn of_list(schema: &Value, items: &[Value], say: &mut impl FnMut(String)) {
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
    let length = items.len() as u64;
    if let Some(least) = limit("minItems").filter(|least| length < *least) {
        say(format!("has fewer than {least} entries"));
    }
    if let Some(most) = limit("maxItems").filter(|most| length > *most) {
        say(format!("has more than {most} entries"));
    }
    let twice = || {
        items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|other| same(other, item)))
    };
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) && twice() {
        say("has the same entry twice".to_owned());
    }
}

/// What a value should be, if it is not.
fn wrong_type(schema: &Value, value: &Value) -> Option<String> {
    let types: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = |wanted: &&str| match *wanted {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    };
    if types.iter().any(fits) {
        return None;
    }
    let words = types.iter().map(|wanted| match *wanted {
        "string" => "a text",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a group of fields",
        _ => "nothing",
    });
    Some(words.collect::<Vec<_>>().join(" or "))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a group of fields",
    }
}

/// `1` and `1.0` are the same number.
fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() < f64::EPSILON)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 60 => {
            format!("`{}…`", text.chars().take(60).collect::<String>())
        }
        Value::String(text) => format!("`{text}`"),
        Value::Null | Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
    }
}

fn is_unresolved(value: &Value) -> bool {
    value.as_str().is_some_and(super::with::is_unresolved)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
