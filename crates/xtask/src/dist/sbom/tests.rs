//! The bill of this very tree, held to the rules of `CycloneDX` 1.5 that readers rely on, and small made-up ones.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{bill, crates, joined, serial};
use crate::{dist::sbom::Parts, workspace::Workspace};

/// What is wrong with a bill by the schema's rules; empty when nothing is.
fn wrong(bill: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    expect(bill["bomFormat"] == "CycloneDX", "bomFormat".into());
    expect(bill["specVersion"] == "1.5", "specVersion".into());
    expect(bill["version"].as_u64().is_some_and(|version| version >= 1), "version".into());
    let serial = bill["serialNumber"].as_str().unwrap_or_default();
    let groups: Vec<&str> = serial.strip_prefix("urn:uuid:").unwrap_or_default().split('-').collect();
    let is_hex = |group: &&str| group.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    expect(lengths == [8, 4, 4, 4, 12] && groups.iter().all(is_hex), format!("serialNumber {serial}"));

    let main = &bill["metadata"]["component"];
    let mut names = BTreeSet::new();
    let components = bill["components"].as_array().cloned().unwrap_or_default();
    for component in components.iter().chain([main]) {
        let name = component["bom-ref"].as_str().unwrap_or_default();
        expect(!name.is_empty() && names.insert(name.to_owned()), format!("bom-ref `{name}` twice or none"));
        // The kinds that the schema knows and we use.
        expect(
            matches!(component["type"].as_str(), Some("application" | "library")),
            format!("{name}: type"),
        );
        expect(component["name"].as_str().is_some_and(|it| !it.is_empty()), format!("{name}: name"));
        expect(component["purl"].as_str().is_some_and(|it| it.starts_with("pkg:")), format!("{name}: purl"));
        // Either licences one by one or a single expression, never both.
        let licenses = component["licenses"].as_array().cloned().unwrap_or_default();
        let expressions = licenses.iter().filter(|it| it["expression"].is_string()).count();
        expect(
            (expressions == 1 && licenses.len() == 1)
                || (expressions == 0
                    && licenses
                        .iter()
                        .all(|it| it["license"]["id"].is_string() != it["license"]["name"].is_string())),
            format!("{name}: licenses {licenses:?}"),
        );
        for hash in component["hashes"].as_array().into_iter().flatten() {
            let length = match hash["alg"].as_str() {
                Some("SHA-1") => 40,
                Some("SHA-256") => 64,
                Some("SHA-512") => 128,
                _ => 0,
            };
            let content = hash["content"].as_str().unwrap_or_default();
            expect(content.len() == length && is_hex(&content), format!("{name}: hash {hash}"));
        }
    }
    let mut described = BTreeSet::new();
    for entry in bill["dependencies"].as_array().into_iter().flatten() {
        let part = entry["ref"].as_str().unwrap_or_default();
        expect(names.contains(part), format!("dependencies name {part}, which is no component"));
        expect(described.insert(part.to_owned()), format!("{part} has dependencies twice"));
        let mut on = BTreeSet::new();
        for name in entry["dependsOn"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            expect(names.contains(name), format!("{part} depends on {name}, which is no component"));
            expect(on.insert(name), format!("{part} depends on {name} twice"));
        }
    }
    wrong
}

#[test]
fn h_the_bill_of_this_tree_keeps_the_rules_and_names_what_is_shipped() {
    let workspace = Workspace::find().unwrap();
    let bill = bill(&workspace, "x86_64-unknown-linux-gnu", "1.2.3", "1700000000").unwrap();
    assert_eq!(wrong(&bill), Vec::<String>::new());
    assert_eq!(bill["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    let names: BTreeSet<&str> =
        bill["components"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    for shipped in
        ["firstlight-desktop", "firstlight-cli", "firstlight-domain", "tauri", "rusqlite", "svelte"]
    {
        assert!(names.contains(shipped), "{shipped} is missing");
    }
    for absent in
        ["firstlight-testkit", "proptest", "insta", "tauri-build", "windows-sys", "vitest", "eslint"]
    {
        assert!(!names.contains(absent), "{absent} is in no program");
    }
    // Every crate that is not ours has the checksum of the lockfile.
    for component in bill["components"].as_array().unwrap() {
        let name = component["name"].as_str().unwrap();
        let ours = name.starts_with("firstlight-");
        assert_eq!(component["hashes"].is_array(), !ours, "{name}");
        assert!(component["licenses"].is_array(), "{name} has no licence");
    }
}

#[test]
fn the_same_twice_is_byte_for_byte_the_same_and_something_else_has_another_serial_number() {
    let make = |version: &str| joined((Parts::default(), vec![]), (Parts::default(), vec![]), version, "0");
    assert_eq!(make("1.0.0").to_string(), make("1.0.0").to_string());
    assert_ne!(make("1.0.0")["serialNumber"], make("1.0.1")["serialNumber"]);
    assert_eq!(serial("").chars().nth(14), Some('8'));
}

#[test]
fn what_builds_and_tests_is_no_part() {
    let package =
        |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0" });
    let to = |name: &str, kinds: &[Value]| {
        let kinds: Vec<Value> = kinds.iter().map(|kind| json!({ "kind": kind })).collect();
        json!({ "pkg": name, "dep_kinds": kinds })
    };
    let packages = ["app", "linked", "both", "build", "dev"].map(package);
    let metadata = json!({
        "packages": packages,
        "resolve": { "nodes": [
            { "id": "app", "deps": [
                to("linked", &[Value::Null]), to("both", &[json!("dev"), Value::Null]),
                to("build", &[json!("build")]), to("dev", &[json!("dev")]),
            ] },
            { "id": "linked", "deps": [] }, { "id": "both", "deps": [] },
            { "id": "build", "deps": [] }, { "id": "dev", "deps": [] },
        ] },
    });
    let lock = "version = 4\n\n[[package]]\nname = \"both\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";
    let (parts, direct) = crates::parts(&metadata, &crates::checksums(lock), &["app"]).unwrap();
    assert_eq!(direct, ["pkg:cargo/app@1.0.0"]);
    let names: Vec<&String> = parts.components.keys().collect();
    assert_eq!(names, ["pkg:cargo/app@1.0.0", "pkg:cargo/both@1.0.0", "pkg:cargo/linked@1.0.0"]);
    let both = &parts.components["pkg:cargo/both@1.0.0"];
    assert_eq!(both["hashes"][0]["content"], "abc");
    assert_eq!(both["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
}

#[test]
fn a_bill_that_breaks_the_rules_is_found_out() {
    let good = joined((Parts::default(), vec![]), (Parts::default(), vec![]), "1.0.0", "0");
    assert_eq!(wrong(&good), Vec::<String>::new());
    for (field, value) in [
        ("specVersion", json!("0.1")),
        ("serialNumber", json!("urn:uuid:none")),
        ("components", json!([{ "bom-ref": "a", "type": "thing", "name": "a", "purl": "pkg:cargo/a@1" }])),
        ("dependencies", json!([{ "ref": "nobody", "dependsOn": [] }])),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(!wrong(&bad).is_empty(), "{field}");
    }
}

/// The bill starts from `dependencies` of `ui/package.json`: what the pages import has to be there.
#[test]
fn h_what_the_pages_import_is_in_the_bill() {
    let root = Workspace::find().unwrap().root.join("ui");
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(root.join("package.json")).unwrap()).unwrap();
    let mut imported = BTreeSet::new();
    imports(&root.join("src"), &mut imported);
    assert!(imported.contains("svelte"), "{imported:?}");
    let missing: Vec<&String> =
        imported.iter().filter(|name| manifest["dependencies"][name.as_str()].is_null()).collect();
    assert!(missing.is_empty(), "only `devDependencies` of ui/package.json has {missing:?}");
}

/// The packages that are imported by what is in a folder, without its tests and what is generated.
fn imports(folder: &std::path::Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "paraglide" {
                imports(&path, found);
            }
            continue;
        }
        let is_page = [".ts", ".svelte", ".css"].iter().any(|end| name.ends_with(end));
        if !is_page || name.ends_with(".test.ts") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().map(str::trim_start) {
            let imports =
                ["import ", "export ", "} from ", "@import "].iter().any(|word| line.starts_with(word));
            let named = line.split_once("from '").or_else(|| line.split_once("import '"));
            let Some((_, named)) = named.filter(|_| imports) else { continue };
            let named = named.split('\'').next().unwrap_or_default();
            if named.starts_with(['.', '$']) {
                continue;
            }
            let parts = if named.starts_with('@') { 2 } else { 1 };
            found.insert(named.split('/').take(parts).collect::<Vec<_>>().join("/"));
        }
    }
}
