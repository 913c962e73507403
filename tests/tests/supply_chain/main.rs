//! What our programs are made of, held to `.cargo/deny.toml` and `.ci/advisories` without a network: known holes, licences,
//! and where packages come from. `cargo xtask check` runs it; `cargo deny` in CI asks the whole database as well.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod gate;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use firstlight_advisories::{Advisories, osv::Record};
use serde_json::Value;

use self::gate::{Gate, Licensed, Policy};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn advisories() -> Advisories {
    let folder = root().join(".ci/advisories");
    let mut records = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "json") {
            let record = Record::read_strictly(&std::fs::read(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(
                path.file_stem().unwrap().to_str(),
                Some(record.id.as_str()),
                "a record is named by its id"
            );
            records.push(record);
        }
    }
    Advisories::new(records)
}

fn policy() -> Policy {
    Policy::read(&read(".cargo/deny.toml")).unwrap()
}

fn gate() -> Gate {
    Gate { policy: policy(), advisories: advisories(), today: today() }
}

/// In UTC; a gate that turns red some hours sooner or later is as good.
fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
}

/// The crates of this system's programs, as cargo resolved them. For the other systems, which are not downloaded here,
/// `cargo deny` looks.
fn crates() -> Vec<Licensed> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| Licensed {
            name: format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap()),
            licence: package["license"].as_str().map(str::to_owned),
        })
        .collect()
}

#[test]
fn h_what_we_are_made_of_passes_the_gate() {
    let gate = gate();
    let mut found = gate.cargo(&read("Cargo.lock"));
    let npm = ["ui/package-lock.json", "crates/hub/tests/identity-provider/package-lock.json"].map(read);
    for lock in &npm {
        found.extend(gate.npm(lock));
    }
    found.extend(gate.licences(&crates()));
    found.extend(gate.ignores(&[&read("Cargo.lock")], &npm.each_ref().map(String::as_str)));
    assert!(found.is_empty(), "the supply chain is not as .cargo/deny.toml wants it:\n{}", found.join("\n"));
}

#[test]
fn h_a_seeded_bad_lockfile_turns_the_gate_red() {
    let gate = gate();
    let found = gate.cargo(include_str!("fixtures/Cargo.lock"));
    for hole in ["CVE-2026-95624", "RUSTSEC-2026-0067", "RUSTSEC-2022-0093"] {
        assert!(found.iter().any(|line| line.contains(hole)), "{hole} is not in {found:?}");
    }
    let updater = found.iter().find(|line| line.contains("CVE-2026-95624")).unwrap();
    assert!(updater.contains("tauri-plugin-updater 2.13.0") && updater.contains("2.14.1"), "{updater}");
    let found = gate.npm(include_str!("fixtures/package-lock.json"));
    assert!(found.iter().any(|line| line.contains("GHSA-8266-84wp-wv5c")), "{found:?}");
}

#[test]
fn h_an_unknown_source_turns_the_gate_red() {
    let found = gate().cargo(include_str!("fixtures/Cargo.lock"));
    for odd in [
        "left-hand 1.0.0 comes from git+https://example.org/left-hand",
        "right-hand 1.0.0 comes from registry+",
    ] {
        assert!(found.iter().any(|line| line.contains(odd)), "{odd} is not in {found:?}");
    }
    assert!(found.iter().any(|line| line.contains("unsummed 1.0.0 has no checksum")), "{found:?}");
    let found = gate().npm(include_str!("fixtures/package-lock.json"));
    assert!(found.iter().any(|line| line.contains("elsewhere comes from https://example.org/")), "{found:?}");
    assert!(found.iter().any(|line| line.contains("node_modules/unsummed has no checksum")), "{found:?}");
}

#[test]
fn h_an_unlisted_licence_turns_the_gate_red() {
    let gate = gate();
    let of = |licence: Option<&str>| {
        gate.licences(&[Licensed { name: "it 1.0.0".to_owned(), licence: licence.map(str::to_owned) }])
    };
    for fine in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR GPL-2.0) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert_eq!(of(Some(fine)), Vec::<String>::new(), "{fine}");
    }
    for odd in [
        "GPL-3.0-only",
        "MIT AND AGPL-3.0-only",
        "Apache-2.0 WITH Classpath-exception-2.0",
        "Proprietary, ask us",
    ] {
        assert_eq!(of(Some(odd)).len(), 1, "{odd}");
    }
    assert!(of(None)[0].contains("no licence"));
    let found = gate.npm(include_str!("fixtures/package-lock.json"));
    assert!(found.iter().any(|line| line.contains("shipped is under GPL-3.0-only")), "{found:?}");
    assert!(
        !found.iter().any(|line| line.contains("tool is under")),
        "what only builds is not shipped: {found:?}"
    );
}

#[test]
fn h_an_expired_ignore_turns_the_gate_red() {
    let mut gate = gate();
    let lock = read("Cargo.lock");
    gate.today = "2099-01-01".parse().unwrap();
    let found = gate.ignores(&[&lock], &[]);
    assert!(
        found.iter().any(|line| line.contains("RUSTSEC-2024-0415") && line.contains("expired")),
        "{found:?}"
    );
    // What is no longer ignored is found.
    assert!(gate.cargo(&lock).iter().any(|line| line.contains("RUSTSEC-2024-0415")));
}

#[test]
fn h_an_ignore_says_why_and_until_when_and_is_about_something() {
    let with = |entry: &str| {
        let text = format!(
            "[advisories]\nignore = [{entry}]\n[licenses]\nallow = []\n[sources]\nallow-registry = []\nallow-git = []\n"
        );
        Policy::read(&text)
    };
    assert!(with("{ id = \"A-1\", reason = \"until 2027-01-31: it is only built with\" }").is_ok());
    for odd in [
        "\"A-1\"",
        "{ id = \"A-1\" }",
        "{ id = \"A-1\", reason = \"because\" }",
        "{ id = \"A-1\", reason = \"until 2027-01-31:\" }",
        "{ id = \"A-1\", reason = \"until some day: because\" }",
    ] {
        assert!(with(odd).is_err(), "{odd}");
    }
    let mut gate = gate();
    gate.policy = with("{ id = \"RUSTSEC-2022-0093\", reason = \"until 2098-01-31: not there\" }").unwrap();
    let found = gate.ignores(&[&read("Cargo.lock")], &[]);
    assert!(found.iter().any(|line| line.contains("nothing to ignore")), "{found:?}");
}
