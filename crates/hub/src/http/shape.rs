//! The words in which shapes of JSON are described (JSON Schema). An object has the fields that are named and no others, so
//! that whatever is not described is found.

use serde_json::{Map, Value, json};

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A text that matches, as ECMA 262 has it.
pub(super) fn matching(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// RFC 3339.
pub(super) fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// From 0.
pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn number() -> Value {
    json!({ "type": "number" })
}

pub(super) fn one_of(words: &[&str]) -> Value {
    json!({ "enum": words })
}

pub(super) fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

pub(super) fn pair(of: &Value) -> Value {
    json!({ "type": "array", "items": of, "minItems": 2, "maxItems": 2 })
}

pub(super) fn or_null(shape: &Value) -> Value {
    json!({ "anyOf": [shape, { "type": "null" }] })
}

/// The shape of that name: one of [`super::openapi::SHAPES`].
pub(super) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object that has all of these fields.
pub(super) fn object(fields: Value) -> Value {
    object_with(fields, json!({}))
}

/// An object that has all of these fields, and may have the others.
pub(super) fn object_with(fields: Value, others: Value) -> Value {
    let of = |fields: Value| match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let mut properties = of(fields);
    let required: Vec<String> = properties.keys().cloned().collect();
    properties.extend(of(others));
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}
