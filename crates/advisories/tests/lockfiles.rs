//! Lockfiles as the programs write them, and as they are when they are damaged.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use firstlight_advisories::{
    Unjudged,
    lockfile::{Lockfile, LockfileError, MAX_LOCKFILE_BYTES},
    package::Package,
};

const CARGO: &str = include_str!("fixtures/Cargo.lock");
const NPM_3: &str = include_str!("fixtures/package-lock-3.json");
const NPM_1: &str = include_str!("fixtures/package-lock-1.json");
const REQUIREMENTS: &str = include_str!("fixtures/requirements.txt");
const UV: &str = include_str!("fixtures/uv.lock");
const POETRY: &str = include_str!("fixtures/poetry.lock");

/// `name version` of what can be judged, and names of what cannot.
fn read(kind: Lockfile, text: &str) -> (Vec<String>, Vec<String>) {
    let listed = kind.read(text.as_bytes()).unwrap();
    let packages = listed.packages.iter().map(|one| format!("{} {}", one.name, one.version));
    let left_out = |one: &Unjudged| one.name.clone().unwrap_or_else(|| one.what.clone());
    (packages.collect(), listed.unjudged.iter().map(left_out).collect())
}

#[test]
fn cargo_lists_what_comes_from_crates_io() {
    let (packages, left_out) = read(Lockfile::Cargo, CARGO);
    assert_eq!(packages, ["libc 0.2.155", "time 0.1.43", "time 0.3.36"]);
    assert_eq!(left_out, ["billing"]);
    // Version 3 differs in how git sources are written only; version 1 had no number.
    for older in [CARGO.replace("version = 4\n", "version = 3\n"), CARGO.replace("version = 4\n", "")] {
        assert_eq!(read(Lockfile::Cargo, &older).0, packages);
    }
    let newer = CARGO.replace("version = 4\n", "version = 5\n");
    assert_eq!(Lockfile::Cargo.read(newer.as_bytes()), Err(LockfileError::TooNew(5)));
}

#[test]
fn npm_lists_what_comes_from_a_registry_under_its_own_name() {
    let (packages, left_out) = read(Lockfile::Npm, NPM_3);
    assert_eq!(packages, ["lodash 4.17.20", "lodash 4.17.21", "@scope/deep 0.4.0"]);
    assert_eq!(left_out, ["forked"]);
    let (packages, left_out) = read(Lockfile::Npm, NPM_1);
    assert_eq!(packages, ["lodash 4.17.19", "table 5.4.6", "lodash 4.17.20"]);
    assert_eq!(left_out, ["forked"]);
    // Version 2 says everything twice.
    let both: serde_json::Value = serde_json::from_str(NPM_3).unwrap();
    let old: serde_json::Value = serde_json::from_str(NPM_1).unwrap();
    let mut both = both;
    both["lockfileVersion"] = 2.into();
    both["dependencies"] = old["dependencies"].clone();
    assert_eq!(read(Lockfile::Npm, &both.to_string()), read(Lockfile::Npm, NPM_3));
    both["lockfileVersion"] = 4.into();
    assert_eq!(Lockfile::Npm.read(both.to_string().as_bytes()), Err(LockfileError::TooNew(4)));
}

#[test]
fn requirements_list_what_is_pinned_and_say_what_is_not() {
    let (packages, left_out) = read(Lockfile::Requirements, REQUIREMENTS);
    assert_eq!(packages, ["flask 2.0.1", "urllib3 1.26.16", "exact 2024.1"]);
    assert_eq!(left_out, ["-e ./parts/core", "-r more.txt", "pinned-any", "requests", "wheel"]);
    let listed = Lockfile::Requirements.read(b"requests>=2.31").unwrap();
    assert_eq!(listed.unjudged[0].why, "it is not pinned to one version");
    let error = Lockfile::Requirements.read(b"a==1\n\n=== broken").unwrap_err();
    assert_eq!(error.to_string(), "it is damaged: line 3 is no requirement: `=== broken`");
}

#[test]
fn uv_and_poetry_list_what_comes_from_an_index() {
    assert_eq!(read(Lockfile::Uv, UV), (vec!["urllib3 2.0.5".to_owned()], vec!["forked".to_owned()]));
    let (packages, left_out) = read(Lockfile::Poetry, POETRY);
    assert_eq!(packages, ["mirrored 3.1", "urllib3 1.26.15"]);
    assert_eq!(left_out, ["forked"]);
    let newer = [UV.replace("version = 1\n", "version = 2\n"), POETRY.replace("\"2.0\"", "\"3.0\"")];
    assert_eq!(Lockfile::Uv.read(newer[0].as_bytes()), Err(LockfileError::TooNew(2)));
    assert_eq!(Lockfile::Poetry.read(newer[1].as_bytes()), Err(LockfileError::TooNew(3)));
}

#[test]
fn a_lockfile_is_known_by_its_name() {
    for (name, kind) in [
        ("Cargo.lock", Some(Lockfile::Cargo)),
        ("npm-shrinkwrap.json", Some(Lockfile::Npm)),
        ("requirements.txt", Some(Lockfile::Requirements)),
        ("requirements-dev.txt", Some(Lockfile::Requirements)),
        ("requirementsofthejob.txt", None),
        ("package.json", None),
    ] {
        assert_eq!(Lockfile::named(name), kind, "{name}");
    }
}

#[test]
fn what_is_damaged_says_so_and_nothing_overflows() {
    let all = [
        (Lockfile::Cargo, CARGO),
        (Lockfile::Npm, NPM_3),
        (Lockfile::Npm, NPM_1),
        (Lockfile::Uv, UV),
        (Lockfile::Poetry, POETRY),
    ];
    for (kind, text) in all {
        // In the middle of a word.
        let half = &text.as_bytes()[..text.find("version").unwrap() + 4];
        let error = kind.read(half).unwrap_err();
        assert!(matches!(error, LockfileError::Damaged(_)), "{kind:?}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(matches!(kind.read(b"\xff\xfe"), Err(LockfileError::Damaged(_))));
    }
    let deep = 100_000;
    let json = format!("{}{}", "{\"dependencies\":{\"a\":".repeat(deep), "1");
    assert!(matches!(Lockfile::Npm.read(json.as_bytes()), Err(LockfileError::Damaged(_))));
    let toml = format!("version = 1\npackage = {}", "[".repeat(deep));
    for kind in [Lockfile::Cargo, Lockfile::Uv, Lockfile::Poetry] {
        assert!(matches!(kind.read(toml.as_bytes()), Err(LockfileError::Damaged(_))));
    }
    let large = vec![b' '; MAX_LOCKFILE_BYTES + 1];
    assert!(matches!(Lockfile::Requirements.read(&large), Err(LockfileError::TooLarge(_))));
}

#[test]
fn the_fix_is_a_command_where_one_does_it_and_takes_no_name_for_an_option() {
    let words = |kind: Lockfile, name: &str, version: &str, fixed: Option<&str>| {
        kind.update(&Package::new(kind.ecosystem(), name, version), fixed).map(|it| it.join(" "))
    };
    for (kind, name, version, fixed, expected) in [
        (
            Lockfile::Cargo,
            "time",
            "0.3.1",
            Some("0.3.36"),
            Some("cargo update --package time@0.3.1 --precise 0.3.36"),
        ),
        // What the project asks for has to change first.
        (Lockfile::Cargo, "time", "0.1.43", Some("0.2.23"), None),
        (Lockfile::Cargo, "time", "0.1.43", None, Some("cargo update --package time@0.1.43")),
        (Lockfile::Npm, "lodash", "4.17.20", Some("4.17.21"), Some("npm update lodash")),
        (Lockfile::Npm, "lodash", "3.10.1", Some("4.17.21"), None),
        (Lockfile::Uv, "urllib3", "1.26.1", Some("2.0.6"), Some("uv lock --upgrade-package urllib3")),
        (Lockfile::Poetry, "urllib3", "1.26.1", None, Some("poetry update urllib3")),
        (Lockfile::Requirements, "urllib3", "1.26.1", Some("2.0.6"), None),
        (Lockfile::Npm, "--global", "1.0.0", None, None),
        (Lockfile::Cargo, "time", "0.3.1", Some("--offline"), None),
    ] {
        assert_eq!(
            words(kind, name, version, fixed).as_deref(),
            expected,
            "{kind:?} {name} {version} {fixed:?}"
        );
    }
}
