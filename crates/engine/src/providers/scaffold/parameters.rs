//! What a template asks for, against what it is given: defaults filled in, text from expressions given its type back,
//! and everything that does not fit named.
//!
//! Pages are JSON Schema as forms use it. `ui:*` fields are for forms and change nothing here, but for a field that
//! asks for a secret: this kind handles none.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::trouble::Trouble;
use crate::providers::{
    json_schema::{self as schema, When},
    naming::{did_you_mean, list},
};

/// What a template asks for, by name.
pub(super) fn names(pages: &[Value]) -> BTreeSet<&str> {
    let mut known: Vec<(&str, &Value)> = Vec::new();
    for page in pages {
        schema::properties(page, &mut known);
    }
    known.into_iter().map(|(name, _)| name).collect()
}

/// The values a template works with, or everything that is wrong with those it was given.
pub(super) fn settle(
    pages: &[Value],
    given: &Map<String, Value>,
    when: When,
) -> Result<Map<String, Value>, Trouble> {
    let mut known: Vec<(&str, &Value)> = Vec::new();
    for page in pages {
        schema::properties(page, &mut known);
    }
    let names = || known.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
    if let Some(name) = given.keys().find(|name| !known.iter().any(|(known, _)| known == name)) {
        return Err(Trouble::new(
            format!("the template does not ask for `{name}`"),
            format!("{}it asks for {}", did_you_mean(name, names()), list(names())),
        )
        .of("values"));
    }
    let mut values = Map::new();
    for (name, value) in given {
        let schemas = known.iter().filter(|(known, _)| known == name).map(|(_, schema)| *schema);
        values.insert(name.clone(), schema::typed(value, schemas));
    }
    secrets(pages, &known, &values)?;
    for page in pages {
        schema::fill(page, &mut values);
    }
    let mut wrong = Vec::new();
    for page in pages {
        schema::check(page, &values, when, &mut wrong);
    }
    if wrong.is_empty() {
        return Ok(values);
    }
    let mut said = Vec::new();
    for one in wrong {
        if !said.contains(&one) {
            said.push(one);
        }
    }
    Err(Trouble::new(
        said.join("; "),
        "write it under `values`; what is the person's choice can come from an input: `name: ${{ inputs.name }}`",
    )
    .of("values"))
}

/// Refuses to be handed a secret.
fn secrets(pages: &[Value], known: &[(&str, &Value)], values: &Map<String, Value>) -> Result<(), Trouble> {
    let is_secret = |schema: &Value| schema.get("ui:field").is_some_and(|field| field == "Secret");
    let required = |name: &str| {
        pages.iter().filter_map(|page| page.get("required")?.as_array()).flatten().any(|one| one == name)
    };
    let asked = known
        .iter()
        .find(|(name, schema)| is_secret(schema) && (values.contains_key(*name) || required(name)));
    match asked {
        Some((name, _)) => Err(Trouble::new(
            format!("`{name}` asks for a secret, and a template is never handed one"),
            "take it out of the template; a `credential` step keeps it, and a step that needs it names it in `secrets`",
        )
        .of("values")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pages() -> Vec<Value> {
        vec![
            json!({
                "title": "About it", "required": ["name", "owner"],
                "properties": {
                    "name": { "type": "string", "title": "Name", "pattern": "^[a-z-]+$", "maxLength": 10, "ui:autofocus": true },
                    "owner": { "type": "string", "title": "Owner", "description": "The team it belongs to", "ui:field": "OwnerPicker" },
                    "port": { "type": "number", "default": 8080, "minimum": 1024, "maximum": 65535 },
                    "public": { "type": "boolean", "default": false },
                    "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 2, "uniqueItems": true },
                },
            }),
            json!({
                "properties": { "ci": { "type": "string", "enum": ["none", "tekton"], "default": "none" } },
                "dependencies": { "ci": { "oneOf": [
                    { "properties": { "ci": { "const": "none" } } },
                    { "required": ["namespace"], "properties": {
                        "ci": { "const": "tekton" },
                        "namespace": { "type": "string", "title": "Namespace" },
                        "registry": { "type": "string", "default": "quay.io" },
                    } },
                ] } },
            }),
        ]
    }

    fn settled(given: &Value) -> Result<Map<String, Value>, Trouble> {
        settle(&pages(), given.as_object().unwrap(), When::Used)
    }

    fn wrong(given: &Value) -> String {
        settled(given).unwrap_err().cause
    }

    #[test]
    fn defaults_are_filled_in_and_types_given_back() {
        let values =
            settled(&json!({ "name": "orders", "owner": "team", "port": "9000", "public": "true" })).unwrap();
        assert_eq!(
            Value::Object(values),
            json!({ "name": "orders", "owner": "team", "port": 9000, "public": true, "ci": "none" })
        );
        let values =
            settled(&json!({ "name": "orders", "owner": "team", "ci": "tekton", "namespace": "a" })).unwrap();
        assert_eq!(values["registry"], "quay.io", "a default of the alternative that was chosen");
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        let said = wrong(&json!({}));
        assert!(said.contains("`name` (Name) is missing"), "{said}");
        assert!(said.contains("`owner` (Owner: The team it belongs to) is missing"), "{said}");
        let said = wrong(&json!({ "name": "a", "owner": "b", "ci": "tekton" }));
        assert_eq!(said, "`namespace` (Namespace) is missing");
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_rule() {
        let with = |field: &str, value: Value| {
            let mut given = json!({ "name": "orders", "owner": "team" });
            given[field] = value;
            wrong(&given)
        };
        assert_eq!(
            with("name", json!("Orders!")),
            "`name` is `Orders!`, which does not fit the pattern `^[a-z-]+$`"
        );
        assert_eq!(with("name", json!("orders-service")), "`name` is longer than 10 characters");
        assert_eq!(with("name", json!(7)), "`name` should be a text, not a number");
        assert_eq!(with("port", json!("high")), "`port` should be a number, not a text");
        assert_eq!(with("port", json!(80)), "`port` should be 1024 or more");
        assert_eq!(with("ci", json!("jenkins")), "`ci` is `jenkins`; it can be `none` and `tekton`");
        assert_eq!(with("tags", json!(["a", 1])), "`tags[1]` should be a text, not a number");
        assert_eq!(with("tags", json!(["a", "b", "c"])), "`tags` has more than 2 entries");
        assert_eq!(with("tags", json!(["a", "a"])), "`tags` has the same entry twice");
        assert_eq!(with("nmae", json!("x")), "the template does not ask for `nmae`");
        let hint = settled(&json!({ "nmae": "x" })).unwrap_err().hint;
        assert!(hint.starts_with("did you mean `name`?"), "{hint}");
    }

    #[test]
    fn what_an_expression_gives_is_not_judged_when_a_pack_is_linted() {
        let given = json!({ "name": "${{ inputs.name }}", "owner": "x", "port": "${{ inputs.port }}", "ci": "${{ inputs.ci }}" });
        let given = given.as_object().unwrap();
        assert!(settle(&pages(), given, When::Written).is_ok());
        assert!(settle(&pages(), given, When::Used).is_err());
        let said = settle(&pages(), &Map::new(), When::Written).unwrap_err().cause;
        assert!(said.contains("`name`"), "what is missing is missing: {said}");
    }

    #[test]
    fn conditions_and_alternatives_of_the_schema_hold() {
        let page = json!({
            "properties": { "kind": { "type": "string" }, "size": { "type": "integer" } },
            "if": { "properties": { "kind": { "const": "big" } }, "required": ["kind"] },
            "then": { "required": ["size"] },
            "allOf": [{ "if": { "required": ["size"] }, "then": { "properties": { "size": { "multipleOf": 2 } } } }],
        });
        let settle =
            |given: Value| settle(std::slice::from_ref(&page), given.as_object().unwrap(), When::Used);
        assert!(settle(json!({ "kind": "small" })).is_ok());
        assert_eq!(settle(json!({ "kind": "big" })).unwrap_err().cause, "`size` is missing");
        assert_eq!(settle(json!({ "size": 3 })).unwrap_err().cause, "`size` should be a multiple of 2");
        assert!(schema::matches(
            &json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            &Value::Null
        ));
        assert!(!schema::matches(&json!({ "not": { "type": "string" } }), &json!("x")));
    }

    #[test]
    fn c5_a_secret_is_never_taken() {
        let page = json!({ "required": ["token"], "properties": { "token": { "type": "string", "ui:field": "Secret" } } });
        let said = settle(&[page], &Map::new(), When::Used).unwrap_err().cause;
        assert!(said.contains("never handed one"), "{said}");
    }
}
