//! What must hold of any text at all, however it was damaged or forged: reading it ends, in an answer.
//!
//! Each target is one function over bytes. `cargo xtask fuzz` runs it for minutes, led by what code it reaches (libFuzzer);
//! the tests run it for seconds on the sample pack with random damage. One more target: a function here, a program in
//! `bin/`, a test, and its name in `crates/xtask/src/fuzz.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a target says what it found by panicking")]

use std::{cell::RefCell, collections::BTreeMap, fs, sync::LazyLock};

use firstlight_advisories::{
    Advisories,
    lockfile::Lockfile,
    osv::Record,
    package::{Ecosystem, Package},
    report::{Format, read, write_sarif},
};
use firstlight_domain::{expr::Scope, facts::Facts, id::StepId, kind::Kind};
use firstlight_engine::Engine;
use firstlight_packs::{PackError, lint, load};

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| Engine::new().kinds());

thread_local! {
    static FOLDER: RefCell<tempfile::TempDir> = RefCell::new(tempfile::tempdir().unwrap());
}

/// A `pack.yaml` of any bytes is read to a pack or to problems, each with a place in the file and a page to show it on.
///
/// # Panics
/// Where it is not so.
pub fn pack(bytes: &[u8]) {
    FOLDER.with_borrow(|folder| {
        fs::write(folder.path().join("pack.yaml"), bytes).unwrap();
        let report = match lint(folder.path(), &KINDS) {
            Ok(report) => report,
            Err(PackError::TooLarge { .. }) => return,
            Err(other) => panic!("not a word about the text: {other}"),
        };
        let length = String::from_utf8_lossy(bytes).len();
        for problem in report.problems() {
            assert!(problem.span.start <= problem.span.end, "{problem:?}");
            assert!(problem.span.end <= length + 1, "{problem:?} lies outside of {length} bytes");
        }
        let mut page = String::new();
        miette::NarratableReportHandler::new().render_report(&mut page, &report).unwrap();
        match load(folder.path(), &KINDS) {
            Ok(_) => assert!(report.is_usable(), "used in spite of errors"),
            Err(PackError::Invalid(_)) => assert!(!report.is_usable(), "refused without an error"),
            Err(other) => panic!("another answer the second time: {other}"),
        }
    });
}

/// Any text as a string with expressions, and as a condition, comes to a value, to steps that are missing, or to an
/// error; and what is known without outputs stays the same with them.
///
/// # Panics
/// Where it is not so.
pub fn expression(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let scope = scope();
    let _ = firstlight_domain::expr::names(&text);
    let _ = firstlight_domain::expr::condition_names(&text);
    let _ = scope.holds(&text);
    let alone = scope.render(&text);
    let mut with_outputs = scope;
    let outputs = BTreeMap::from([("path".to_owned(), "${{ inputs.place }}".to_owned())]);
    with_outputs.add_outputs(&StepId::new("clone").unwrap(), outputs);
    if let Ok(firstlight_domain::expr::Rendered::Known(known)) = alone {
        let again = with_outputs.render(&text);
        assert!(
            matches!(&again, Ok(firstlight_domain::expr::Rendered::Known(text)) if *text == known),
            "{known:?} became {again:?}"
        );
    }
}

/// Any text as an advisory, as each kind of lockfile and as each kind of report comes to an answer or to an error of one
/// line; an advisory that a pack may hold is matched to an end; and what is written as SARIF is read again whole.
///
/// # Panics
/// Where it is not so.
pub fn advisory(bytes: &[u8]) {
    let fine = |error: String| assert!(!error.is_empty() && !error.contains('\n'), "{error:?}");
    let advisories = match Record::read_strictly(bytes) {
        Ok(record) => {
            assert!(!record.title().contains(char::is_control), "{:?}", record.title());
            Advisories::new([record])
        }
        Err(error) => {
            fine(error.to_string());
            Advisories::default()
        }
    };
    for kind in [Lockfile::Cargo, Lockfile::Npm, Lockfile::Requirements, Lockfile::Uv, Lockfile::Poetry] {
        match kind.read(bytes) {
            Ok(listed) => {
                let matched = advisories.matching(&listed.packages);
                assert!(matched.found.iter().all(|found| found.package.is_some()));
            }
            Err(error) => fine(error.to_string()),
        }
    }
    let known = [
        (Ecosystem::CratesIo, "time"),
        (Ecosystem::Npm, "lodash"),
        (Ecosystem::PyPi, "urllib3"),
        (Ecosystem::Tool, "git"),
    ];
    for (ecosystem, name) in known {
        for version in ["0", "0.1.43", "1.2.3-rc.1", "2!1.0.post1", "not one"] {
            let matched = advisories.matching([&Package::new(ecosystem, name, version)]);
            assert!(matched.found.len() <= 1, "one record is one finding");
        }
    }
    for format in [Format::Sarif, Format::Osv] {
        match read(format, bytes) {
            Ok(found) => {
                let written = write_sarif(&found, "1.0.0").to_string();
                let again = read(Format::Sarif, written.as_bytes()).unwrap();
                assert_eq!(again.len(), found.len(), "what was written is not what is read");
            }
            Err(error) => fine(error.to_string()),
        }
    }
}

fn scope() -> Scope {
    let inputs = BTreeMap::from([
        ("place".to_owned(), "/home/ada/src".into()),
        ("count".to_owned(), 3.into()),
        ("on".to_owned(), true.into()),
    ]);
    let facts: Facts = serde_json::from_value(serde_json::json!({
        "os": "linux", "arch": "x86_64", "distribution": "debian", "home": "/home/ada", "user": "ada",
        "shell": "bash", "package_manager": "apt", "elevated": false, "virtualisation": "none",
    }))
    .unwrap();
    Scope::new(inputs, facts, "/pack".to_owned())
}
