//! Advisories of a pack, in a project that a step has cloned: found, shown like a step, in the way where the policy says so,
//! and gone when they are mended.

use std::{fs, path::Path, process::Command};

use firstlight_testkit::{PackFolder, releases::Repository};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    machine::{Machine, Ran},
    receiving::enroll,
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../advisories/tests/fixtures");

/// Lockfiles by where they lie in the project.
const LOCKFILES: [(&str, &str); 5] = [
    ("Cargo.lock", "Cargo.lock"),
    ("package-lock-3.json", "web/package-lock.json"),
    ("requirements.txt", "jobs/requirements.txt"),
    ("uv.lock", "api/uv.lock"),
    ("poetry.lock", "old/poetry.lock"),
];

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(FIXTURES).join(name)).unwrap()
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).env("HOME", folder).args(["-c", "user.name=a", "-c", "user.email=a@b.test"]);
    let ran = command.args(arguments).output().unwrap();
    assert!(ran.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A pack that clones a project with these lockfiles, and then builds it.
fn pack(lockfiles: &[(&str, &str)], policy: &str) -> PackFolder {
    let pack = PackFolder::with_steps(
        &["read", "clone", "build"],
        &format!(
            "  read: {{ title: Say hello, run: ['true'] }}
  clone: {{ title: Clone orders, uses: git/clone, with: {{ url: bundles/orders.bundle, into: '${{{{ inputs.place }}}}/orders' }} }}
  build:
    title: Build it
    needs: [clone]
    cwd: '${{{{ steps.clone.outputs.path }}}}'
    check: [test, -e, built]
    run: [touch, built]
    first-value: true
policy:
{policy}"
        ),
    );
    let project = tempfile::tempdir().unwrap();
    for (name, path) in lockfiles {
        let path = project.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, fixture(name)).unwrap();
    }
    fs::write(project.path().join("README.md"), "# Orders\n").unwrap();
    git(project.path(), &["init", "--quiet", "--initial-branch=main"]);
    git(project.path(), &["add", "--all"]);
    git(project.path(), &["commit", "--quiet", "--message=Begin"]);
    fs::create_dir(pack.join("bundles")).unwrap();
    let bundle = pack.join("bundles/orders.bundle");
    git(project.path(), &["bundle", "create", "--quiet", bundle.to_str().unwrap(), "HEAD", "main"]);
    pack
}

fn advise(pack: &PackFolder, records: &[&str]) {
    fs::create_dir_all(pack.join("advisories")).unwrap();
    for name in records {
        fs::write(pack.join("advisories").join(name), fixture(name)).unwrap();
    }
}

const ALL: [&str; 3] = ["ghsa-lodash.json", "rustsec-time.json", "pysec-urllib3.json"];

/// Package, version and lockfile of each finding.
fn found(answer: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = answer["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> = findings
        .map(|one| (text(&one["package"]), text(&one["version"]), text(&one["project"]["lockfile"])))
        .collect();
    found.sort();
    found
}

fn state(machine: &Machine, step: &str) -> Value {
    let status = machine.run(&["status", "--json"]).expect(0).json();
    status["steps"].as_array().unwrap().iter().find(|one| one["id"] == step).unwrap().clone()
}

#[test]
fn every_lockfile_of_a_cloned_project_is_matched_and_what_is_mended_is_gone() {
    let (machine, pack) = (Machine::new(), pack(&LOCKFILES, "  advisories: { block: never }"));
    advise(&pack, &ALL);
    let said = machine.on(&pack, "up", &["--yes"]).expect(0).stdout;
    assert!(said.contains("Known to be weak:"), "{said}");
    assert!(
        said.contains("  ! lodash 4.17.20 in orders/web/package-lock.json: Commands can be injected through templates in lodash (high, GHSA-35jh-r3h4-6jhm)"),
        "{said}"
    );
    assert!(said.contains("npm update lodash (in "), "{said}");
    let expected = |lockfiles: &[(&str, &str, &str)]| {
        lockfiles
            .iter()
            .map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned()))
            .collect::<Vec<_>>()
    };
    let all = expected(&[
        ("lodash", "4.17.20", "web/package-lock.json"),
        ("time", "0.1.43", "Cargo.lock"),
        ("urllib3", "1.26.15", "old/poetry.lock"),
        ("urllib3", "1.26.16", "jobs/requirements.txt"),
        ("urllib3", "2.0.5", "api/uv.lock"),
    ]);
    assert_eq!(found(&machine.run(&["status", "--json"]).expect(0).json()), all);

    let records = || machine.run(&["journal", "verify", "--json"]).expect(0).json()["records"].clone();
    let before = records();
    let scanned = machine.run(&["scan", "--json"]).expect(2).json();
    assert_eq!(found(&scanned), all);
    assert_eq!(scanned["advisories"], 3);
    assert_eq!(scanned["unsure"], json!([]));
    assert!(scanned["not_judged"].as_array().unwrap().len() >= 5, "{scanned}");
    assert_eq!(records(), before, "what is known already is nothing new");
    let lodash =
        scanned["findings"].as_array().unwrap().iter().find(|one| one["package"] == "lodash").unwrap();
    assert_eq!(lodash["fixed"], "4.17.21");
    assert_eq!(lodash["aliases"], json!(["CVE-2021-23337"]));
    assert_eq!(lodash["command"], json!(["npm", "update", "lodash"]));
    assert_eq!(lodash["severity"], "high");
    assert_eq!(lodash["link"], "https://nvd.nist.gov/vuln/detail/CVE-2021-23337");
    assert_eq!(lodash["project"]["step"], "clone");
    assert!(lodash["since"].is_string() && lodash.get("acceptable_until").is_none(), "{lodash}");

    let project = machine.place().join("orders");
    for (path, from, to) in [
        ("web/package-lock.json", "4.17.20", "4.17.21"),
        ("Cargo.lock", "0.1.43", "0.2.23"),
        ("old/poetry.lock", "1.26.15", "1.26.17"),
        ("jobs/requirements.txt", "1.26.16", "1.26.17"),
    ] {
        let text = fs::read_to_string(project.join(path)).unwrap();
        fs::write(project.join(path), text.replace(from, to)).unwrap();
    }
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let left = expected(&[("urllib3", "2.0.5", "api/uv.lock")]);
    assert_eq!(found(&machine.run(&["status", "--json"]).expect(0).json()), left);
    fs::remove_file(project.join("api/uv.lock")).unwrap();
    let clean = machine.run(&["scan"]).expect(0).stdout;
    assert!(clean.contains("Nothing found in "), "{clean}");
    assert_eq!(found(&machine.run(&["status", "--json"]).expect(0).json()), []);
    machine.run(&["journal", "verify"]).expect(0);
}

#[test]
fn what_the_policy_does_not_let_pass_blocks_the_steps_of_that_project_until_it_is_mended() {
    let lockfiles = [("package-lock-3.json", "package-lock.json")];
    let (machine, pack) = (Machine::new(), pack(&lockfiles, "  advisories: { block: high }"));
    advise(&pack, &ALL);
    // The project comes with the weakness, in the very run that would build it.
    let blocked = machine.on(&pack, "up", &["--yes"]).expect(1);
    assert!(
        blocked.stdout.contains("lodash 4.17.20 in package-lock.json has a known weakness of high severity"),
        "{}",
        blocked.stdout
    );
    assert!(!machine.place().join("orders/built").exists());
    assert_eq!(state(&machine, "clone")["state"], "changed");
    assert_eq!(state(&machine, "read")["state"], "changed");
    let build = state(&machine, "build");
    assert_eq!(build["state"], "blocked");
    assert!(build["reason"].as_str().unwrap().contains("it is fixed in 4.17.21"), "{build}");
    let plan = machine.on(&pack, "plan", &["--json"]).expect(0).json();
    let planned = plan["steps"].as_array().unwrap().iter().find(|step| step["id"] == "build").unwrap();
    assert_eq!(planned["outcome"], "blocked", "{planned}");
    let refused = machine.run(&[
        "scan",
        "--accept",
        "GHSA-35jh-r3h4-6jhm",
        "--until",
        "2099-01-01",
        "--because",
        "later",
        "--json",
    ]);
    assert!(refused.error()["message"].as_str().unwrap().contains("does not let findings be accepted"));

    let lockfile = machine.place().join("orders/package-lock.json");
    fs::write(&lockfile, fs::read_to_string(&lockfile).unwrap().replace("4.17.20", "4.17.21")).unwrap();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert!(machine.place().join("orders/built").exists());
    assert_eq!(state(&machine, "build")["state"], "changed");
}

#[test]
fn below_the_threshold_nothing_is_blocked_and_what_cannot_be_read_is_said() {
    let lockfiles = [("package-lock-3.json", "package-lock.json")];
    let (machine, pack) = (Machine::new(), pack(&lockfiles, "  advisories: { block: critical }"));
    advise(&pack, &ALL);
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let lockfile = machine.place().join("orders/package-lock.json");
    let whole = fs::read_to_string(&lockfile).unwrap();
    fs::write(&lockfile, &whole[..whole.len() / 2]).unwrap();
    let unsure = machine.run(&["scan", "--json"]).expect(1).json();
    assert_eq!(unsure["unsure"].as_array().unwrap().len(), 1, "{unsure}");
    assert!(unsure["unsure"][0]["why"].as_str().unwrap().starts_with("it is damaged: "), "{unsure}");
    let known = machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(found(&known).len(), 1, "what cannot be looked at is not gone");
    fs::write(&lockfile, whole).unwrap();
    machine.run(&["scan"]).expect(2);
}

#[test]
fn a_finding_may_be_accepted_for_as_long_as_the_pack_lets_it_be() {
    let lockfiles = [("package-lock-3.json", "package-lock.json")];
    let (machine, pack) = (Machine::new(), pack(&lockfiles, "  advisories: { block: high, accept: 30d }"));
    advise(&pack, &ALL);
    machine.on(&pack, "up", &["--yes"]).expect(1);
    let status = machine.run(&["status", "--json"]).expect(0).json();
    let until = status["findings"][0]["acceptable_until"].as_str().unwrap().to_owned();
    assert_eq!(status["findings"][0]["blocks"], true);
    let accept = |until: &str, because: &str| {
        machine.run(&[
            "scan",
            "--accept",
            "GHSA-35jh-r3h4-6jhm",
            "--until",
            until,
            "--because",
            because,
            "--json",
        ])
    };
    for (until, because) in [("2020-01-01", "x"), ("2999-01-01", "x"), ("soon", "x"), (until.as_str(), " ")] {
        assert_eq!(accept(until, because).error()["code"], "input_invalid", "{until} {because}");
    }
    let other =
        machine.run(&["scan", "--accept", "GHSA-none", "--until", &until, "--because", "x", "--json"]);
    assert_eq!(other.error()["code"], "input_invalid");
    let accepted = accept(&until, "No template comes from outside.").expect(0).json();
    assert_eq!(accepted["findings"][0]["blocks"], false);
    assert_eq!(
        accepted["findings"][0]["accepted"],
        json!({ "until": until, "because": "No template comes from outside." })
    );
    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert!(machine.place().join("orders/built").exists());
    let shown = machine.run(&["scan"]).expect(0).stdout;
    assert!(shown.contains(&format!("accepted until {until}: No template comes from outside.")), "{shown}");
    let events = machine.run(&["events", "--json"]).expect(0).stdout;
    assert!(!events.contains("lodash") && !events.contains("GHSA"), "nothing of it leaves: {events}");
}

#[test]
fn programs_of_this_machine_are_asked_in_a_scan_and_a_run_and_block_the_steps_that_start_them() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["other", "use"],
        "  other: { title: Something else, run: ['true'] }
  use: { title: Use it, run: [acme-build, all], first-value: true }
policy:
  advisories: { block: high }",
    );
    let record = fixture("tool-git.json")
        .replace("\"git\"", "\"acme-build\"")
        .replace("generic/git", "generic/acme-build");
    fs::create_dir(pack.join("advisories")).unwrap();
    fs::write(pack.join("advisories/build.json"), record).unwrap();
    let program = machine.root.path().join("bin/acme-build");
    fs::create_dir(program.parent().unwrap()).unwrap();
    let install = |version: &str| {
        let script = format!("#!/bin/sh\necho acme-build version {version}\n");
        fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
    };
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let up = || Ran::of(machine.command_on(&pack, "up", &["--yes"]).env("PATH", &path).output().unwrap());
    let scan = |more: &[&str]| {
        let folder = pack.path().display().to_string();
        let args: Vec<&str> = ["scan", "--pack", &folder, "--json"].iter().chain(more).copied().collect();
        Ran::of(machine.command(&args).env("PATH", &path).output().unwrap())
    };
    install("2.39.2");
    let blocked = up().expect(1);
    assert!(
        blocked.stdout.contains(
            "acme-build 2.39.2 on this machine has a known weakness of critical severity (ACME-2026-0001)"
        ),
        "{}",
        blocked.stdout
    );
    assert!(blocked.stdout.contains("Ask for the update in Software Centre."), "{}", blocked.stdout);
    assert_eq!(state(&machine, "other")["state"], "changed");
    assert_eq!(state(&machine, "use")["state"], "blocked");
    install("2.40.1");
    assert_eq!(scan(&[]).expect(2).json()["findings"][0]["fixed"], "2.40.2");
    install("2.40.2");
    scan(&[]).expect(0);
    up().expect(0);
    install("of the day");
    let unsure = scan(&[]).expect(1).json();
    assert_eq!(
        unsure["unsure"],
        json!([{ "what": "acme-build", "why": "`acme-build --version` prints no version" }])
    );
}

#[test]
fn a_folder_is_scanned_without_a_journey_and_written_as_sarif() {
    let (machine, pack) = (Machine::new(), pack(&[], "  advisories: { block: high }"));
    advise(&pack, &ALL);
    let project = machine.root.path().join("elsewhere");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("Cargo.lock"), fixture("Cargo.lock")).unwrap();
    let (folder, report) = (pack.path().display().to_string(), machine.root.path().join("report.sarif"));
    let arguments = [
        "scan",
        "--pack",
        &folder,
        "--project",
        project.to_str().unwrap(),
        "--sarif",
        report.to_str().unwrap(),
    ];
    let said = machine.run(&arguments).expect(2).stdout;
    assert!(said.contains("time 0.1.43 in elsewhere/Cargo.lock"), "{said}");
    assert!(said.contains("fixed in 0.2.23: bring it to that version or a later one"), "{said}");
    assert!(!said.contains("cargo update"), "what the project asks for has to change first: {said}");
    let sarif: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "RUSTSEC-2020-0071");
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "Cargo.lock");
    assert!(!machine.state().exists(), "nothing is kept");
    let missing = machine.run(&["scan", "--pack", &folder, "--project", "not-there", "--json"]);
    assert_eq!(missing.error()["code"], "usage");
}

#[test]
fn a_bad_advisory_is_a_problem_of_the_pack_with_file_and_reason() {
    let pack = PackFolder::with_steps(&["a"], "  a: { title: A, run: ['true'], first-value: true }");
    fs::create_dir(pack.join("advisories")).unwrap();
    fs::write(pack.join("advisories/half.json"), &fixture("ghsa-lodash.json")[..300]).unwrap();
    let machine = Machine::new();
    let folder = pack.path().display().to_string();
    let lint = machine.run(&["pack", "lint", &folder, "--json"]).expect(1);
    let problems: Value = serde_json::from_str(&lint.stdout).unwrap();
    let problem = &problems["problems"][0];
    assert_eq!(problem["code"], "bad-advisory", "{problems}");
    assert!(
        problem["message"].as_str().unwrap().starts_with("`advisories/half.json`: it is no OSV record: "),
        "{problem}"
    );
    machine.on(&pack, "up", &["--yes"]).expect(1);
}

const TEMPLATE: &str = "apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: service, title: A service }
spec:
  parameters: []
  steps:
    - { id: skeleton, name: Make it, action: fetch:template, input: { url: ./skeleton } }
";

/// What was scaffolded counts as much as what was cloned, and a release that only brings an advisory is heard at once.
#[test]
fn a_received_release_with_a_new_advisory_is_heard_before_its_checklist_is_agreed_to() {
    let machine = Machine::new();
    let yaml = |version: &str| {
        format!(
            "apiVersion: firstlight.dev/v1\nkind: Pack\n\
             metadata: {{ name: acme, version: {version}, title: Welcome to Acme, owner: platform }}\n\
             personas:\n  dev: {{ title: Developer }}\n\
             checklists:\n  dev:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [make, build] }}\n\
             steps:\n  make: {{ title: Make a service, uses: scaffold, with: {{ template: templates/service, into: ~/service }} }}\n\
             \x20 build: {{ title: Build it, needs: [make], check: [test, -f, built], run: [touch, built], cwd: ~/service, first-value: true }}\n\
             policy:\n  advisories: {{ block: moderate }}\n"
        )
    };
    let (lockfile, record) = (fixture("Cargo.lock"), fixture("rustsec-time.json"));
    let publish = |repository: &mut Repository, version: &str, more: &[(&str, &str)]| {
        let pack = yaml(version);
        let own = [
            ("pack.yaml", pack.as_str()),
            ("templates/service/template.yaml", TEMPLATE),
            ("templates/service/skeleton/Cargo.lock", lockfile.as_str()),
        ];
        repository.release(version, &own.iter().chain(more).copied().collect::<Vec<_>>());
        repository.publish();
    };
    let mut repository = Repository::empty(Timestamp::now());
    publish(&mut repository, "1.0.0", &[]);
    enroll(&machine, &repository).expect(0);
    machine.run(&["up", "--yes"]).expect(0);
    assert_eq!(found(&machine.run(&["status", "--json"]).expect(0).json()), []);
    assert_eq!(machine.run(&["scan", "--json"]).expect(0).json()["advisories"], 0);

    publish(&mut repository, "1.0.1", &[("advisories/time.json", &record)]);
    machine.run(&["update"]).expect(0);
    let status = machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(found(&status), [("time".to_owned(), "0.1.43".to_owned(), "Cargo.lock".to_owned())]);
    assert_eq!(status["findings"][0]["blocks"], true);
    assert_eq!(status["findings"][0]["title"], "The `time` crate may read memory that is gone");
    assert_eq!(state(&machine, "build")["state"], "changed", "an update runs nothing and undoes nothing");
    machine.run(&["up", "--yes"]).expect(1);
    assert_eq!(state(&machine, "build")["state"], "blocked");
    // A release without it takes it back.
    publish(&mut repository, "1.0.2", &[]);
    machine.run(&["update"]).expect(0);
    assert_eq!(found(&machine.run(&["status", "--json"]).expect(0).json()), []);
    machine.run(&["up", "--yes"]).expect(0);
    assert_eq!(state(&machine, "build")["state"], "satisfied");
}
