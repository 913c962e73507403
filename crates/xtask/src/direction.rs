//! Which of our crates may depend on which. The table is the architecture; `cargo metadata` is what was built.

use anyhow::{Context, Result};
use serde_json::Value;

/// One crate and the crates of ours it may depend on. Building or testing it may also use [`FOR_TESTS`].
struct Row {
    name: &'static str,
    may_use: &'static [&'static str],
}

const TABLE: &[Row] = &[
    Row { name: "firstlight-domain", may_use: &[] },
    Row { name: "firstlight-contract", may_use: &[] },
    // Pure like the domain: packs check the advisories they hold with it, and the engine reads scanners' reports.
    Row { name: "firstlight-advisories", may_use: &["firstlight-domain"] },
    // Pure like it: the journal of a machine and the audit log of a hub are logs of the same make.
    Row { name: "firstlight-tlog", may_use: &[] },
    // Siblings: they do not know each other.
    Row { name: "firstlight-packs", may_use: &["firstlight-domain", "firstlight-advisories"] },
    Row { name: "firstlight-engine", may_use: &["firstlight-domain", "firstlight-advisories"] },
    Row { name: "firstlight-vault", may_use: &["firstlight-domain"] },
    Row { name: "firstlight-journal", may_use: &["firstlight-domain", "firstlight-tlog"] },
    Row { name: "firstlight-releases", may_use: &["firstlight-domain"] },
    Row { name: "firstlight-metrics", may_use: &[] },
    // A program of its own: it knows what events and releases are, nothing of the machines that make and take them.
    Row {
        name: "firstlight-hub",
        may_use: &[
            "firstlight-domain",
            "firstlight-contract",
            "firstlight-metrics",
            "firstlight-releases",
            "firstlight-tlog",
        ],
    },
    // The only composer.
    Row {
        name: "firstlight-app",
        may_use: &[
            "firstlight-domain",
            "firstlight-advisories",
            "firstlight-contract",
            "firstlight-packs",
            "firstlight-engine",
            "firstlight-vault",
            "firstlight-journal",
            "firstlight-releases",
            "firstlight-metrics",
        ],
    },
    // Shells: they translate and never decide.
    Row { name: "firstlight-cli", may_use: &["firstlight-app", "firstlight-contract"] },
    Row { name: "firstlight-desktop", may_use: &["firstlight-app", "firstlight-contract"] },
    Row { name: "firstlight-testkit", may_use: &["firstlight-domain"] },
    Row { name: TESTS, may_use: &[] },
    // It is nothing but tests, and programs that run them.
    Row {
        name: "firstlight-fuzz",
        may_use: &["firstlight-domain", "firstlight-advisories", "firstlight-packs", "firstlight-engine"],
    },
    Row { name: "bare-window", may_use: &[] },
    Row { name: "xtask", may_use: &[] },
];

/// The end-to-end tests look at everything, as development dependencies.
const TESTS: &str = "firstlight-tests";

/// What any crate may use in its tests.
const FOR_TESTS: &[&str] = &["firstlight-testkit"];

/// One sentence for each arrow that is not allowed and each crate without a row.
pub(crate) fn broken(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut broken = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("cargo metadata has a package without a name")?;
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            broken.push(format!(
                "{name} has no row in the table; add one to crates/xtask/src/direction.rs that says what it may use"
            ));
            continue;
        };
        let dependencies = package["dependencies"]
            .as_array()
            .with_context(|| format!("cargo metadata says nothing about what {name} depends on"))?;
        for dependency in dependencies {
            let Some(used) = dependency["name"].as_str().filter(|used| ours.contains(used)) else { continue };
            // `kind` is null for what ends up in the crate itself.
            let in_tests = dependency["kind"] == "dev";
            // A crate may ask for itself in its tests: that is how they get its optional features.
            let for_tests = name == TESTS || used == name || FOR_TESTS.contains(&used);
            let allowed = row.may_use.contains(&used) || (in_tests && for_tests);
            if !allowed {
                broken.push(format!("{name} may not depend on {used}{}", may(row)));
            }
        }
    }
    Ok(broken)
}

fn may(row: &Row) -> String {
    if row.may_use.is_empty() {
        " (nor on any other crate of ours)".to_owned()
    } else {
        format!(" (only on {})", row.may_use.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A crate with its dependencies: name and kind.
    type Crate<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);

    fn metadata(crates: &[Crate]) -> Value {
        let packages: Vec<Value> = crates
            .iter()
            .map(|(name, dependencies)| {
                let dependencies: Vec<Value> =
                    dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
                json!({ "name": name, "dependencies": dependencies })
            })
            .collect();
        json!({ "packages": packages })
    }

    #[test]
    fn our_own_workspace_keeps_the_direction() {
        let workspace = crate::workspace::Workspace::find().unwrap();
        assert_eq!(broken(&workspace.metadata).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_outwards_or_sideways_is_named() {
        let bad = metadata(&[
            ("firstlight-domain", &[("firstlight-app", None), ("serde", None)]),
            ("firstlight-app", &[("firstlight-domain", None)]),
            ("firstlight-engine", &[("firstlight-vault", None), ("firstlight-domain", None)]),
            ("firstlight-vault", &[]),
        ]);
        assert_eq!(
            broken(&bad).unwrap(),
            [
                "firstlight-domain may not depend on firstlight-app (nor on any other crate of ours)",
                "firstlight-engine may not depend on firstlight-vault (only on firstlight-domain, firstlight-advisories)",
            ]
        );
    }

    #[test]
    fn tests_may_use_the_testkit_and_builds_may_not() {
        let testkit: Crate = ("firstlight-testkit", &[("firstlight-domain", None)]);
        let itself: Crate = ("firstlight-engine", &[("firstlight-engine", Some("dev"))]);
        assert_eq!(broken(&metadata(&[itself])).unwrap(), Vec::<String>::new());
        let domain: Crate = ("firstlight-domain", &[("firstlight-testkit", Some("dev"))]);
        assert_eq!(broken(&metadata(&[testkit, domain])).unwrap(), Vec::<String>::new());
        for kind in [None, Some("build")] {
            let uses = [("firstlight-testkit", kind)];
            assert_eq!(
                broken(&metadata(&[testkit, ("firstlight-packs", &uses)])).unwrap().len(),
                1,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn end_to_end_tests_may_use_anything_but_only_in_tests() {
        let app: Crate = ("firstlight-app", &[]);
        let in_tests = [("firstlight-app", Some("dev"))];
        let built_in = [("firstlight-app", None)];
        assert!(broken(&metadata(&[app, (TESTS, &in_tests)])).unwrap().is_empty());
        assert_eq!(broken(&metadata(&[app, (TESTS, &built_in)])).unwrap().len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_told_where_to_add_it() {
        let broken = broken(&metadata(&[("firstlight-new", &[])])).unwrap();
        assert!(broken[0].contains("firstlight-new has no row"), "{broken:?}");
        assert!(broken[0].contains("crates/xtask/src/direction.rs"), "{broken:?}");
    }
}
