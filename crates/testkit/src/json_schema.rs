//! The part of JSON Schema that the schema of packs uses: enough to tell whether a text would be underlined in an editor.

use serde_json::Value;

/// The first place where a value does not fit a schema.
///
/// # Panics
/// If the schema uses a word that is not known here.
pub fn misfit(value: &Value, schema: &Value) -> Option<String> {
    misfit_at(value, schema, schema, "")
}

#[expect(clippy::panic, clippy::unwrap_used, reason = "a schema that cannot be read proves nothing")]
fn misfit_at(value: &Value, schema: &Value, root: &Value, path: &str) -> Option<String> {
    let rule = match schema {
        Value::Bool(true) => return None,
        Value::Object(rule) => rule,
        _ => return Some(format!("{path}: not allowed")),
    };
    let fits = |schema: &Value| misfit_at(value, schema, root, path).is_none();
    for (word, about) in rule {
        let found = match (word.as_str(), about) {
            ("$ref", Value::String(target)) => {
                let target =
                    root.pointer(target.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{target}"));
                misfit_at(value, target, root, path)
            }
            ("type", about) => {
                let names: Vec<&str> = about.as_array().map_or_else(
                    || about.as_str().into_iter().collect(),
                    |names| names.iter().filter_map(Value::as_str).collect(),
                );
                (!names.iter().any(|name| is(value, name))).then(|| format!("{path}: not {names:?}"))
            }
            ("const", about) => (value != about).then(|| format!("{path}: not {about}")),
            ("enum", Value::Array(choices)) => {
                (!choices.contains(value)).then(|| format!("{path}: not one of {about}"))
            }
            ("required", Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .find(|name| value.is_object() && value.get(name).is_none())
                .map(|name| format!("{path}: no {name}")),
            ("properties", Value::Object(properties)) => properties.iter().find_map(|(name, schema)| {
                misfit_at(value.get(name)?, schema, root, &format!("{path}/{name}"))
            }),
            ("additionalProperties", schema) => {
                let known = rule.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                others
                    .filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name)))
                    .find_map(|(name, value)| misfit_at(value, schema, root, &format!("{path}/{name}")))
            }
            ("items", schema) => value
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|item| misfit_at(item, schema, root, &format!("{path}/*"))),
            ("minItems", least) => value
                .as_array()
                .filter(|items| (items.len() as u64) < least.as_u64().unwrap())
                .map(|_| format!("{path}: too short")),
            ("anyOf", Value::Array(ways)) => (!ways.iter().any(fits)).then(|| format!("{path}: fits none")),
            ("oneOf", Value::Array(ways)) => (ways.iter().filter(|way| fits(way)).count() != 1)
                .then(|| format!("{path}: does not fit one")),
            ("allOf", Value::Array(parts)) => {
                parts.iter().find_map(|part| misfit_at(value, part, root, path))
            }
            ("if", condition) if fits(condition) => misfit_at(value, &rule["then"], root, path),
            (
                "if" | "then" | "$schema" | "$defs" | "title" | "description" | "default" | "pattern"
                | "propertyNames" | "uniqueItems" | "minimum" | "maximum" | "format",
                _,
            ) => None,
            (unknown, _) => panic!("the schema uses `{unknown}`, which this test does not know"),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[expect(clippy::panic, reason = "a schema that cannot be read proves nothing")]
fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("{other} is not a type"),
    }
}
