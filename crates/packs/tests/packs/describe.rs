//! The schema for editors and the reference for people.

use firstlight_domain::kind::{Capabilities, Class, Kind, inspects_nothing};
use firstlight_packs::{reference, schema};
use firstlight_testkit::misfit;
use serde_json::{Value, json};

use crate::common::{ACME, changed, kinds, own_packs};

fn check(text: &str, kinds: &[Kind]) -> Option<String> {
    let value: Value = serde_saphyr::from_str(text).unwrap();
    let schema = schema(kinds);
    misfit(&value, &schema)
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
