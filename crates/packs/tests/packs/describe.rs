//! The schema for editors and the reference for people.

use firstlight_domain::kind::{Capabilities, Class, Kind, inspects_nothing};
use firstlight_packs::{reference, schema};
use serde_json::{Value, json};

use crate::common::{ACME, changed, kinds, own_packs};

/// The part of JSON Schema that the schema of packs uses: the first place where a value does not fit.
fn misfit(value: &Value, schema: &Value, root: &Value, path: &str) -> Option<String> {
    let rule = match schema {
        Value::Bool(true) => return None,
        Value::Object(rule) => rule,
        _ => return Some(format!("{path}: not allowed")),
    };
    let fits = |schema: &Value| misfit(value, schema, root, path).is_none();
    for (word, about) in rule {
        let found = match (word.as_str(), about) {
            ("$ref", Value::String(target)) => {
                let target =
                    root.pointer(target.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{target}"));
                misfit(value, target, root, path)
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
            ("properties", Value::Object(properties)) => properties
                .iter()
                .find_map(|(name, schema)| misfit(value.get(name)?, schema, root, &format!("{path}/{name}"))),
            ("additionalProperties", schema) => {
                let known = rule.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                others
                    .filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name)))
                    .find_map(|(name, value)| misfit(value, schema, root, &format!("{path}/{name}")))
            }
            ("items", schema) => value
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|item| misfit(item, schema, root, &format!("{path}/*"))),
            ("minItems", least) => value
                .as_array()
                .filter(|items| (items.len() as u64) < least.as_u64().unwrap())
                .map(|_| format!("{path}: too short")),
            ("anyOf", Value::Array(ways)) => (!ways.iter().any(fits)).then(|| format!("{path}: fits none")),
            ("oneOf", Value::Array(ways)) => (ways.iter().filter(|way| fits(way)).count() != 1)
                .then(|| format!("{path}: does not fit one")),
            ("allOf", Value::Array(parts)) => parts.iter().find_map(|part| misfit(value, part, root, path)),
            ("if", condition) if fits(condition) => misfit(value, &rule["then"], root, path),
            (
                "if" | "then" | "$schema" | "$defs" | "title" | "description" | "default" | "pattern"
                | "propertyNames" | "uniqueItems" | "minimum" | "maximum",
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

fn check(text: &str, kinds: &[Kind]) -> Option<String> {
    let value: Value = serde_saphyr::from_str(text).unwrap();
    let schema = schema(kinds);
    misfit(&value, &schema, &schema, "")
}

/// Every kind of the design, with any parameters.
fn any_kinds() -> Vec<Kind> {
    [
        "command",
        "package",
        "tools",
        "file",
        "env",
        "git/config",
        "git/clone",
        "ssh/key",
        "service",
        "credential",
        "read",
        "link",
        "confirm",
        "request",
    ]
    .map(|name| Kind {
        name,
        class: Class::Task,
        summary: "Any.",
        docs: "",
        schema: json!({ "type": "object" }),
        outputs: &[],
        needs: |_| Capabilities::default(),
        accepts: |_| Ok(()),
        inspect: inspects_nothing,
    })
    .to_vec()
}

#[test]
fn the_pack_of_the_design_fits_its_schema() {
    assert_eq!(check(ACME, &kinds()), None);
}

#[test]
fn the_packs_of_this_repository_fit_the_schema() {
    for pack in own_packs() {
        let text = std::fs::read_to_string(pack.join("pack.yaml")).unwrap();
        assert_eq!(check(&text, &any_kinds()), None, "{}", pack.display());
    }
}

#[test]
fn mistakes_do_not_fit_the_schema() {
    let mistakes = [
        changed("estimate: 6m", "estmate: 6m"),
        changed("uses: ssh/key", "uses: ssh-key"),
        changed("type: ed25519", "type: rsa"),
        changed("apt: git", "apt: { name: git }"),
        changed("url: \"git@git.acme.test:orders.git\", ", ""),
        changed("into: ", "intoo: a, into: "),
        changed("title: Build it, ", ""),
        changed("uses: service, first-value: true,", "uses: service, run: [a],"),
        changed("first-value: true", "first-value: 1"),
        changed("personas:", "persona:"),
    ];
    for text in mistakes {
        assert!(check(&text, &kinds()).is_some(), "{text}");
    }
}

#[test]
fn numbers_may_be_written_where_texts_are_meant() {
    let text = changed("run: [cargo, build]", "run: [sleep, 1], env: { PORT: 8080 }")
        .replace("apt: git", "apt: [1.0]");
    assert_eq!(check(&text, &kinds()), None);
}

#[test]
fn the_schema_is_stable() {
    insta::assert_json_snapshot!(schema(&kinds()));
}

#[test]
fn the_reference_is_stable() {
    insta::assert_snapshot!(reference(&kinds()));
}
