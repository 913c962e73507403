//! A pack without errors becomes the domain's.

use std::time::Duration;

use firstlight_domain::{
    id::{PersonaId, StepId},
    kind::WithError,
    pack::{Elevation, InputKind, Pack, Step},
};
use firstlight_packs::{Loaded, PackError, ProblemCode, load};
use serde_json::json;

use crate::common::{ACME, Folder, changed, kinds};

fn loaded(folder: &Folder) -> Loaded {
    load(folder.root(), &kinds()).unwrap_or_else(|error| panic!("{error}\n{}", folder.rendered()))
}

fn step<'p>(pack: &'p Pack, id: &str) -> &'p Step {
    &pack.steps[&StepId::new(id).unwrap()]
}

#[test]
fn the_pack_of_the_design_is_read_as_written() {
    let folder = Folder::with(ACME);
    let Loaded { pack, warnings } = loaded(&folder);
    assert_eq!(warnings, []);
    assert_eq!(pack.name.as_str(), "acme");
    assert_eq!(pack.version, semver::Version::new(3, 2, 0));
    assert_eq!(pack.owner.as_deref(), Some("platform-team"));
    assert_eq!(pack.root, folder.root());
    let backend = PersonaId::new("backend").unwrap();
    assert_eq!(pack.personas[&backend].groups, ["eng-backend"]);
    let order: Vec<&str> = pack.checklists[&backend].steps().map(StepId::as_str).collect();
    assert_eq!(order, ["git", "ssh-key", "vpn", "clone", "build", "serve"]);
    let workspace = pack.inputs.values().next().unwrap();
    assert_eq!((workspace.kind, workspace.default.as_deref()), (InputKind::String, Some("~/src")));
    assert_eq!(pack.first_value(&backend).unwrap().id.as_str(), "serve");
    assert_eq!(pack.policy.hosts, ["*.acme.test", "127.0.0.1"]);
    assert!(pack.policy.elevation);

    let vpn = step(&pack, "vpn");
    assert_eq!(vpn.sla.as_deref(), Some("4 business hours"));
    assert_eq!(vpn.probe.as_ref().unwrap().http.as_deref(), Some("https://vpn.acme.test/ping"));
    assert_eq!((vpn.timeout, vpn.retries, vpn.elevation), (Duration::from_secs(600), 0, Elevation::Current));
    let build = step(&pack, "build");
    assert_eq!(build.uses, "command");
    assert_eq!(build.timeout, Duration::from_secs(20 * 60));
    assert_eq!(build.estimate, Some(Duration::from_secs(6 * 60)));
    assert_eq!(
        build.with,
        json!({
            "check": ["test", "-x", "target/debug/orders"],
            "run": ["cargo", "build"],
            "cwd": "${{ steps.clone.outputs.path }}",
        })
    );
    assert_eq!(step(&pack, "git").with["winget"], "Git.Git");
}

#[test]
fn plain_numbers_are_the_text_that_was_written_where_text_is_meant() {
    let folder = Folder::with(
        changed("run: [cargo, build]", "run: [sleep, 1.10, true], env: { PORT: 0808, ON: no }")
            .replace("{ apt: git,", "{ command: 7, apt: [1.0, git],")
            .replace("title: Build it", "title: 2024"),
    );
    let pack = loaded(&folder).pack;
    let build = step(&pack, "build");
    assert_eq!(build.title, "2024");
    assert_eq!(build.with["run"], json!(["sleep", "1.10", "true"]));
    assert_eq!(build.with["env"], json!({ "PORT": "0808", "ON": "no" }));
    assert_eq!(step(&pack, "git").with["command"], "7");
    assert_eq!(step(&pack, "git").with["apt"], json!(["1.0", "git"]));
}

#[test]
fn a_script_for_a_shell_is_one_text() {
    let folder = Folder::with(
        changed("run: [cargo, build]", "shell: true, run: cargo build | tee log")
            .replace("check: [test, -x, target/debug/orders]", "check: [\"test -x a && true\"]"),
    );
    let pack = loaded(&folder).pack;
    let with = &step(&pack, "build").with;
    assert_eq!(with["run"], json!(["cargo build | tee log"]));
    assert_eq!(with["check"], json!(["test -x a && true"]));
    assert_eq!(with["shell"], true);
}

#[test]
fn aliases_and_merge_keys_save_repetition() {
    let folder = Folder::with(changed(
        "\npolicy:",
        "\n  one: &shared { title: One, run: [a], timeout: 1m }\n  two: { <<: *shared, title: Two }\npolicy:",
    ));
    let pack = loaded(&folder).pack;
    assert_eq!(step(&pack, "two").title, "Two");
    assert_eq!(step(&pack, "two").timeout, Duration::from_secs(60));
}

#[test]
fn a_warning_does_not_stop_a_pack() {
    let folder = Folder::with(changed("\npolicy:", "\n  spare: { title: Spare, run: [a] }\npolicy:"));
    let warnings = loaded(&folder).warnings;
    assert_eq!(warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [ProblemCode::UnusedStep]);
}

#[test]
fn what_cannot_be_used_is_told_apart() {
    let empty = tempfile::tempdir().unwrap();
    let error = load(empty.path(), &kinds()).unwrap_err();
    assert!(matches!(&error, PackError::NotFound { path } if path.ends_with("pack.yaml")), "{error}");
    let error = load(&empty.path().join("nowhere"), &kinds()).unwrap_err();
    assert!(matches!(&error, PackError::NotFound { .. }), "{error}");
    let error =
        load(Folder::with(changed("title: Build it", "titel: Build it")).root(), &kinds()).unwrap_err();
    assert!(matches!(&error, PackError::Invalid(report) if report.errors().count() == 2), "{error}");
    let error = load(Folder::with(vec![b'#'; 2 * 1024 * 1024 + 1]).root(), &kinds()).unwrap_err();
    assert!(matches!(&error, PackError::TooLarge { .. }), "{error}");
}

#[test]
fn the_digest_tells_every_content_apart() {
    let folder = Folder::with(ACME);
    folder.add("docs/a.md", "one");
    let first = loaded(&folder).pack.digest;
    assert_eq!(first.len(), 64);
    assert_eq!(loaded(&folder).pack.digest, first);
    folder.add(".git/HEAD", "ref: refs/heads/main");
    assert_eq!(loaded(&folder).pack.digest, first, "a repository's own files are not the pack's");
    folder.add("docs/a.md", "two");
    let second = loaded(&folder).pack.digest;
    assert_ne!(second, first);
    folder.add("docs/a.md", "one");
    std::fs::rename(folder.root().join("docs/a.md"), folder.root().join("docs/b.md")).unwrap();
    assert_ne!(loaded(&folder).pack.digest, first, "a name is content too");
    std::fs::rename(folder.root().join("docs/b.md"), folder.root().join("docs/a.md")).unwrap();
    assert_eq!(loaded(&folder).pack.digest, first);
}

#[test]
fn a_pack_has_a_bounded_number_of_files() {
    let folder = Folder::with(ACME);
    for number in 0..firstlight_packs::MAX_PACK_FILES {
        std::fs::write(folder.root().join(number.to_string()), "").unwrap();
    }
    let error = load(folder.root(), &kinds()).unwrap_err();
    assert_eq!(error.to_string(), "this pack is too large: it has more than 5000 files");
}

#[test]
fn a_kind_looks_at_the_files_that_it_will_read() {
    let folder = Folder::with(changed("uses: ssh/key, with: { ", "uses: ssh/key, with: { path: forms/key, "));
    let mut kinds = kinds();
    let kind = kinds.iter_mut().find(|kind| kind.name == "ssh/key").unwrap();
    kind.inspect = |with, files| {
        let path = with["path"].as_str().unwrap();
        let wrong = |message: &str| Err(WithError { path: "path".to_owned(), message: message.to_owned() });
        match files.read(&format!("{path}/form.yaml")) {
            None if files.has_folder(path) => wrong("has no form"),
            None => wrong("is not there"),
            Some(form) if form == b"fine" => Ok(()),
            Some(_) => wrong("has a form that cannot be read"),
        }
    };
    let found = |folder: &Folder| -> Vec<(ProblemCode, String)> {
        let report = firstlight_packs::lint(folder.root(), &kinds).unwrap();
        report.problems().iter().map(|problem| (problem.code, problem.message.clone())).collect()
    };
    let wrong = |message: &str| vec![(ProblemCode::BadWith, format!("`path` {message}"))];
    assert_eq!(found(&folder), wrong("is not there"));
    folder.add("forms/key/other", "");
    assert_eq!(found(&folder), wrong("has no form"));
    folder.add("forms/key/form.yaml", "odd");
    assert_eq!(found(&folder), wrong("has a form that cannot be read"));
    folder.add("forms/key/form.yaml", "fine");
    assert_eq!(found(&folder), []);
    assert!(load(folder.root(), &kinds).is_ok());
}
