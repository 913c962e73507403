//! `firstlight enroll`, `update` and `tuf-client`: what a machine receives from a signed repository, and what it refuses.

use std::{collections::BTreeSet, path::Path};

use firstlight_testkit::{
    CompanyNetwork, Page,
    releases::{Repository, Trick, hex},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::machine::{Machine, Ran};

/// A pack that makes a file of this name below the person's home.
pub(crate) fn pack(version: &str, file: &str) -> String {
    format!(
        "apiVersion: firstlight.dev/v1\nkind: Pack\n\
         metadata: {{ name: acme, version: {version}, title: Welcome to Acme, owner: platform }}\n\
         personas:\n  dev: {{ title: Developer }}\n\
         checklists:\n  dev:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [mark] }}\n\
         steps:\n  mark: {{ title: Make a mark, check: [test, -f, {file}], run: [touch, {file}], first-value: true }}\n"
    )
}

/// A repository with release 1.0.0, and a machine that has enrolled with it.
fn enrolled() -> (Repository, Machine) {
    let machine = Machine::new();
    let mut repository = Repository::empty(Timestamp::now());
    repository.release("1.0.0", &[("pack.yaml", &pack("1.0.0", "one"))]);
    repository.publish();
    enroll(&machine, &repository).expect(0);
    (repository, machine)
}

pub(crate) fn enroll(machine: &Machine, repository: &Repository) -> Ran {
    let root = machine.root.path().join("root.json");
    std::fs::write(&root, repository.first_root()).unwrap();
    machine.run(&["enroll", &repository.site.url(), "--pack", "acme", "--root", root.to_str().unwrap()])
}

fn release(repository: &mut Repository, version: &str, file: &str) {
    repository.release(version, &[("pack.yaml", &pack(version, file))]);
    repository.publish();
}

#[test]
fn a_machine_enrols_receives_and_runs_what_it_received() {
    let (mut repository, machine) = enrolled();
    machine.run(&["up", "--yes"]).expect(0);
    assert!(machine.home().join("one").exists());
    assert!(machine.run(&["status"]).expect(0).stdout.contains("Make a mark"));

    release(&mut repository, "1.1.0", "two");
    let said = machine.run(&["update"]).expect(0).stdout;
    assert_eq!(said, "Received release 1.1.0.\n");
    let json = machine.run(&["update", "--json"]).expect(0).json();
    assert_eq!(json["taken"], false);
    assert_eq!(json["current"]["version"], "1.1.0");
    assert_eq!(json["enrolled"]["pack"], "acme");
    // The journey goes on with the new release: what it does now is new.
    let plan = machine.run(&["plan", "--json"]).expect(0).json();
    assert_eq!((&plan["version"], &plan["summary"]["will_change"]), (&json!("1.1.0"), &json!(1)));
    machine.run(&["up", "--yes"]).expect(0);
    assert!(machine.home().join("two").exists());

    let exported = machine.run(&["journal", "export"]).expect(0).stdout;
    assert_eq!(exported.matches(r#""event":"release_received""#).count(), 2, "{exported}");
}

#[test]
fn a2_enrolling_takes_a_root_or_its_fingerprint_and_never_the_repositorys_own_word() {
    let (repository, _) = enrolled();
    let machine = Machine::new();
    let url = repository.site.url();
    let nothing = machine.run(&["enroll", &url, "--pack", "acme"]).expect(1);
    assert!(nothing.stderr.contains("--root"), "{}", nothing.stderr);
    let wrong = "0".repeat(64);
    let refused = machine.run(&["enroll", &url, "--pack", "acme", "--root-sha256", &wrong, "--json"]).error();
    assert_eq!(refused["code"], "release_root_refused");
    machine.run(&["plan"]).expect(1);
    let sum = hex(&Sha256::digest(repository.first_root()));
    let said = machine.run(&["enroll", &url, "--pack", "acme", "--root-sha256", &sum]).expect(0).stdout;
    assert!(said.contains("Received release 1.0.0."), "{said}");
    machine.run(&["plan"]).expect(0);
}

#[test]
fn a_machine_that_has_not_enrolled_is_told_how() {
    let machine = Machine::new();
    for command in ["update", "plan"] {
        let error = machine.run(&[command, "--json"]).error();
        assert_eq!(error["code"], "not_enrolled");
        assert!(error["hint"].as_str().unwrap().contains("firstlight enroll"), "{error}");
    }
}

/// One way to cheat or to break, and the code it has.
type Row = (&'static str, fn(&mut Repository));

#[test]
fn a2_to_a7_each_way_to_be_refused_has_a_code_and_words_of_its_own_and_the_pack_goes_on() {
    let rows: [Row; 11] = [
        ("release_forged", |repository| {
            release(repository, "2.0.0", "two");
            let text = String::from_utf8(repository.site.get("metadata/2.acme.json")).unwrap();
            repository.site.put("metadata/2.acme.json", text.replace("1.0.34", "1.0.33"));
        }),
        ("release_wrong_key", |repository| {
            repository.signers.insert("acme".into(), vec!["mallory".into(), "eve".into()]);
            release(repository, "2.0.0", "two");
        }),
        ("release_under_signed", |repository| {
            repository.signers.insert("acme".into(), vec!["platform".into()]);
            release(repository, "2.0.0", "two");
        }),
        ("release_replayed", |repository| {
            repository.versions.insert("timestamp".into(), 0);
            repository.publish_role("timestamp");
            repository.versions.insert("timestamp".into(), 0);
            repository.publish_role("timestamp");
        }),
        ("release_frozen", |repository| {
            let past = repository.now - SignedDuration::from_hours(24);
            repository.expires.insert("timestamp".into(), past);
            release(repository, "2.0.0", "two");
        }),
        ("release_expired", |repository| {
            let past = repository.now - SignedDuration::from_hours(24);
            repository.expires.insert("acme".into(), past);
            release(repository, "2.0.0", "two");
        }),
        ("release_mixed", |repository| {
            release(repository, "2.0.0", "two");
            repository.site.put("metadata/2.snapshot.json", repository.site.get("metadata/1.snapshot.json"));
        }),
        ("release_too_large", |repository| {
            release(repository, "2.0.0", "two");
            repository.site.trick("metadata/timestamp.json", Trick::Endless);
        }),
        ("release_incomplete", |repository| {
            release(repository, "2.0.0", "two");
            repository.site.trick("metadata/2.snapshot.json", Trick::Missing);
        }),
        ("release_downgrade", |repository| {
            repository.rollout["releases"] = json!([]);
            release(repository, "0.9.0", "two");
        }),
        ("release_unusable", |repository| {
            repository.release("2.0.0", &[("pack.yaml", &pack("3.0.0", "two"))]);
            repository.publish();
        }),
    ];
    let mut words = BTreeSet::new();
    for (code, cheat) in rows {
        let (mut repository, machine) = enrolled();
        // Something newer was seen, so that what is replayed is older than that.
        repository.publish_role("timestamp");
        machine.run(&["update"]).expect(0);
        let fine = repository.site.copy();
        let (versions, signers) = (repository.versions.clone(), repository.signers.clone());
        let (releases, rollout) = (repository.releases.clone(), repository.rollout.clone());
        cheat(&mut repository);
        let error = machine.run(&["update", "--json"]).error();
        assert_eq!(error["code"], code, "{error}");
        assert!(words.insert(error["message"].to_string()), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("the pack you have goes on working"), "{error}");
        assert!(machine.run(&["plan", "--json"]).expect(0).stdout.contains("\"version\": \"1.0.0\""));

        // It is said wherever the pack is used, once in the journal, and no more when it is over.
        let status = machine.run(&["plan"]).expect(0);
        assert!(status.stderr.starts_with("note: "), "{}", status.stderr);
        machine.run(&["update"]).expect(1);
        let exported = machine.run(&["journal", "export"]).expect(0).stdout;
        assert_eq!(exported.matches(r#""event":"release_refused""#).count(), 1, "{exported}");
        repository.site.behave();
        repository.site.restore(fine);
        (repository.versions, repository.signers) = (versions, signers);
        (repository.releases, repository.rollout) = (releases, rollout);
        repository.expires.clear();
        repository.versions.values_mut().for_each(|version| *version += 10);
        repository.publish();
        machine.run(&["update"]).expect(0);
        assert_eq!(machine.run(&["plan"]).expect(0).stderr, "");
    }
}

#[test]
fn a8_what_is_held_back_is_said_with_its_reason() {
    let (mut repository, machine) = enrolled();
    release(&mut repository, "2.0.0", "two");
    release(&mut repository, "3.0.0", "three");
    repository.ring("2.0.0", 0, false);
    repository.ring("3.0.0", 100, true);
    repository.publish();
    let said = machine.run(&["update"]).expect(0).stdout;
    assert_eq!(
        said,
        "Release 1.0.0 is the newest for this machine.\n  3.0.0 was halted: it broke.\n  2.0.0 goes to 0 % of machines \
         so far; this one is not among them yet.\n"
    );
    let json = machine.run(&["update", "--json"]).expect(0).json();
    assert_eq!(json["held_back"][0]["why"], json!({ "kind": "halted", "reason": "it broke" }));
    assert_eq!(json["held_back"][1]["why"], json!({ "kind": "ring", "share": 0 }));
}

#[test]
fn a_pack_that_was_changed_on_this_machine_is_not_used_and_received_again() {
    let (_repository, machine) = enrolled();
    let path =
        machine.run(&["update", "--json"]).expect(0).json()["current"]["path"].as_str().unwrap().to_owned();
    let file = Path::new(&path).join("pack.yaml");
    std::fs::write(&file, pack("1.0.0", "evil")).unwrap();
    let error = machine.run(&["plan", "--json"]).error();
    assert_eq!(error["code"], "release_forged");
    assert_eq!(machine.run(&["update"]).expect(0).stdout, "Received release 1.0.0.\n");
    machine.run(&["plan"]).expect(0);
}

#[test]
fn offline_is_said_and_not_recorded() {
    let (repository, machine) = enrolled();
    drop(repository);
    assert_eq!(machine.run(&["update", "--json"]).error()["code"], "network");
    assert_eq!(machine.run(&["plan"]).expect(0).stderr, "", "and the pack goes on without a word");
    assert!(!machine.run(&["journal", "export"]).expect(0).stdout.contains("release_refused"));
}

#[test]
fn a6_a_companys_proxy_and_authority_are_gone_by_and_nobody_elses() {
    let machine = Machine::new();
    let mut repository = Repository::empty(Timestamp::now());
    repository.release("1.0.0", &[("pack.yaml", &pack("1.0.0", "one"))]);
    repository.publish();
    // Behind the proxy only, and over TLS by an authority that only the company knows.
    let pages = repository.site.copy().into_iter().map(|(path, content)| {
        (format!("packs.acme.test/{path}"), Page::of("application/octet-stream", content))
    });
    let network = CompanyNetwork::with_pages(pages.collect());
    let (ca, root) = (machine.root.path().join("acme.pem"), machine.root.path().join("root.json"));
    std::fs::write(&ca, network.authority()).unwrap();
    std::fs::write(&root, repository.first_root()).unwrap();
    let enroll = || {
        let root = root.to_str().unwrap();
        let args = ["enroll", "https://packs.acme.test", "--pack", "acme", "--root", root, "--json"];
        let mut command = machine.command(&args);
        command.env("HTTPS_PROXY", network.proxy());
        command
    };
    let untrusted = Ran::of(enroll().output().unwrap()).error();
    assert_eq!(untrusted["code"], "network");
    assert!(untrusted["message"].as_str().unwrap().contains("certificate"), "{untrusted}");
    let json = Ran::of(enroll().env("SSL_CERT_FILE", &ca).output().unwrap()).expect(0).json();
    assert_eq!(json["current"]["version"], "1.0.0");
    assert!(network.asked().contains(&"CONNECT packs.acme.test:443".to_owned()));
}

/// `tuf-client`, as the conformance suite calls it.
struct Suite {
    machine: Machine,
    repository: Repository,
}

impl Suite {
    fn new() -> Self {
        let suite = Self { machine: Machine::new(), repository: Repository::new(Timestamp::now()) };
        let root = suite.machine.root.path().join("initial_root.json");
        std::fs::write(&root, suite.repository.first_root()).unwrap();
        let metadata = suite.folder("metadata");
        suite
            .machine
            .run(&["tuf-client", "--metadata-dir", &metadata, "init", root.to_str().unwrap()])
            .expect(0);
        assert_eq!(suite.repository.site.asked(), Vec::<String>::new(), "to begin asks nobody");
        suite
    }

    fn folder(&self, name: &str) -> String {
        let folder = self.machine.root.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder.to_str().unwrap().to_owned()
    }

    fn refresh(&self) -> Ran {
        let (metadata, url) = (self.folder("metadata"), format!("{}/metadata", self.repository.site.url()));
        self.machine.run(&["tuf-client", "--metadata-url", &url, "--metadata-dir", &metadata, "refresh"])
    }

    fn download(&self, names: &[&str]) -> Ran {
        let (metadata, targets) = (self.folder("metadata"), self.folder("targets"));
        let url = self.repository.site.url();
        let (metadata_url, targets_url) = (format!("{url}/metadata"), format!("{url}/targets"));
        let mut args = vec!["tuf-client", "--metadata-url", &metadata_url, "--metadata-dir", &metadata];
        for name in names {
            args.extend(["--target-name", name]);
        }
        args.extend(["--target-dir", &targets, "--target-base-url", &targets_url, "download"]);
        self.machine.run(&args)
    }

    /// The version of a role that is trusted.
    fn trusted(&self, role: &str) -> Option<u64> {
        let text = std::fs::read(Path::new(&self.folder("metadata")).join(format!("{role}.json"))).ok()?;
        serde_json::from_slice::<Value>(&text).unwrap()["signed"]["version"].as_u64()
    }
}

#[test]
fn a1_the_protocol_of_the_conformance_suite_init_and_refresh() {
    let mut suite = Suite::new();
    assert_eq!((suite.trusted("root"), suite.trusted("timestamp")), (Some(1), None));
    suite.refresh().expect(0);
    let asked = suite.repository.site.asked();
    assert_eq!(
        asked,
        [
            "metadata/2.root.json",
            "metadata/timestamp.json",
            "metadata/1.snapshot.json",
            "metadata/1.targets.json"
        ]
    );
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let kept = Path::new(&suite.folder("metadata")).join(format!("{role}.json"));
        let prefix = if role == "timestamp" { "" } else { "1." };
        let served = suite.repository.site.get(&format!("metadata/{prefix}{role}.json"));
        assert_eq!(std::fs::read(kept).unwrap(), served, "{role}, byte for byte");
    }
    // What is verified stays trusted up to where something is wrong.
    suite.repository.publish_root();
    suite.repository.signers.insert("snapshot".into(), vec!["mallory".into()]);
    suite.repository.publish();
    suite.refresh().expect(1);
    let trusted = ["root", "timestamp", "snapshot", "targets"].map(|role| suite.trusted(role));
    assert_eq!(trusted, [Some(2), Some(2), Some(1), Some(1)]);
}

#[test]
fn a1_the_protocol_of_the_conformance_suite_download() {
    let suite = Suite::new();
    suite.download(&["nothing of that name"]).expect(1);
    let names = ["acme/1.0.0/docs/a.md", "acme/1.0.0/pack.yaml"];
    suite.download(&names).expect(0);
    let targets = suite.folder("targets");
    let mut fetched: Vec<String> = std::fs::read_dir(&targets)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    fetched.sort();
    assert_eq!(fetched, ["# A\n", "name: acme\nversion: 1.0.0\n"]);
    suite.repository.site.asked();
    suite.download(&names).expect(0);
    assert!(
        !suite.repository.site.asked().iter().any(|path| path.starts_with("targets/")),
        "it is here already"
    );
    suite.download(&["acme/1.0.0/pack.yaml", "nothing"]).expect(1);
}
