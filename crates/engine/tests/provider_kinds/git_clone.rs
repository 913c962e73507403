use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{Machine, blocked, satisfied};

/// git as in a test, with nobody's settings.
fn git(folder: &Path, args: &[&str]) -> String {
    let run = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.test", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(run.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

/// What a person does in a clone.
type Work = fn(&Path);

/// A repository with two commits on `main`, a tag `v1` on the first, and a branch `next`.
struct Upstream {
    folder: tempfile::TempDir,
    first: String,
    second: String,
}

impl Upstream {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "-q", "-b", "main"]);
        fs::write(path.join("a"), "one").unwrap();
        fs::write(path.join(".gitignore"), "build/\n").unwrap();
        git(path, &["add", "."]);
        git(path, &["commit", "-q", "-m", "one"]);
        git(path, &["tag", "v1"]);
        fs::write(path.join("a"), "two").unwrap();
        git(path, &["commit", "-q", "-a", "-m", "two"]);
        git(path, &["branch", "next"]);
        let first = git(path, &["rev-parse", "v1"]);
        let second = git(path, &["rev-parse", "main"]);
        Self { folder, first, second }
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    fn bundle_into(&self, machine: &Machine) {
        let bundles = machine.pack.path().join("bundles");
        fs::create_dir_all(&bundles).unwrap();
        let bundle = bundles.join("a.bundle").display().to_string();
        git(self.folder.path(), &["bundle", "create", "-q", &bundle, "--all"]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_bundle_of_the_pack_becomes_a_clone() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    upstream.bundle_into(&machine);
    let with = json!({ "url": "bundles/a.bundle", "into": "~/src/a", "ref": "main" });
    let operation = machine.operation("git/clone", with);
    let outputs = machine.bring_about(&*operation).await;
    let clone = machine.home().join("src/a");
    assert_eq!(outputs["path"], clone.display().to_string());
    assert_eq!(outputs["commit"], upstream.second);
    assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    let origin = PathBuf::from(git(&clone, &["config", "remote.origin.url"]));
    assert_eq!(origin, machine.pack.path().join("bundles/a.bundle"));
    assert_eq!(names(clone.parent().unwrap()), ["a"], "nothing is left beside it");
    machine.undo(&*operation).await.unwrap();
    assert!(!clone.exists());
    machine.undo(&*operation).await.unwrap();
}

#[tokio::test]
async fn branches_tags_and_commits_are_checked_out() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    for (reference, commit) in [
        (None, &upstream.second),
        (Some("next"), &upstream.second),
        (Some("v1"), &upstream.first),
        (Some(upstream.first.as_str()), &upstream.first),
    ] {
        let mut with = json!({ "url": upstream.url(), "into": "~/a" });
        if let Some(reference) = reference {
            with["ref"] = json!(reference);
        }
        let operation = machine.operation("git/clone", with);
        assert_eq!(&machine.bring_about(&*operation).await["commit"], commit, "{reference:?}");
        machine.undo(&*operation).await.unwrap();
        assert!(!machine.home().join("a").exists(), "{reference:?}: nothing in it is only here");
    }
    let with = json!({ "url": upstream.url(), "into": "~/shallow", "depth": 1 });
    machine.bring_about(&*machine.operation("git/clone", with)).await;
    assert_eq!(git(&machine.home().join("shallow"), &["rev-list", "--count", "HEAD"]), "1");
}

#[tokio::test]
async fn what_is_there_is_never_overwritten() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    let into = machine.home().join("a");
    let operation = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/a" }));
    let refused = async |why: &str| {
        let before = machine.snapshot();
        let said = blocked(&*operation, &machine.context()).await;
        assert!(said.contains(why), "{said}");
        assert!(operation.apply(&machine.context()).await.is_err(), "{why}");
        assert_eq!(machine.snapshot(), before, "{why}");
    };
    fs::write(&into, "a file").unwrap();
    refused("not a folder").await;
    fs::remove_file(&into).unwrap();
    fs::create_dir(&into).unwrap();
    fs::write(into.join("notes"), "mine").unwrap();
    refused("something else in it").await;
    git(&into, &["init", "-q"]);
    refused("not cloned from anywhere").await;
    git(&into, &["remote", "add", "origin", "https://git.example.test/other.git"]);
    refused("something else").await;
    git(&into, &["remote", "set-url", "origin", &format!("{}/", upstream.url())]);
    satisfied(&*operation, &machine.context()).await;
    fs::remove_dir_all(&into).unwrap();
    // A folder inside of another clone is not a clone.
    git(&machine.home(), &["init", "-q"]);
    git(&machine.home(), &["remote", "add", "origin", &upstream.url()]);
    fs::create_dir(&into).unwrap();
    fs::write(into.join("notes"), "mine").unwrap();
    refused("something else in it").await;
}

#[tokio::test]
async fn an_empty_folder_is_used_and_comes_back() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    fs::create_dir(machine.home().join("a")).unwrap();
    let operation = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/a" }));
    machine.bring_about(&*operation).await;
    machine.undo(&*operation).await.unwrap();
    assert_eq!(names(&machine.home().join("a")), [""; 0]);
}

#[tokio::test]
async fn a_clone_that_failed_or_was_killed_leaves_nothing_half() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    let with = json!({ "url": upstream.url(), "into": "~/a", "ref": "no-such-branch" });
    let failure = machine.operation("git/clone", with).apply(&machine.context()).await.unwrap_err();
    assert!(failure.hint.unwrap().contains("branch or tag"), "{:?}", failure.last_lines);
    assert_eq!(names(&machine.home()), [""; 0]);

    let leftover = machine.home().join(".a.firstlight-clone");
    fs::create_dir(&leftover).unwrap();
    fs::write(leftover.join("half"), "").unwrap();
    let operation = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/a" }));
    machine.bring_about(&*operation).await;
    assert_eq!(names(&machine.home()), ["a"]);

    let cx = machine.context();
    cx.cancel.cancel();
    let other = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/b" }));
    assert!(other.apply(&cx).await.is_err());
    assert_eq!(names(&machine.home()), ["a"]);
}

#[tokio::test]
async fn undo_keeps_what_is_only_here() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    let clone = machine.home().join("a");
    let works: [(&str, Work); 6] = [
        ("changes", |clone| fs::write(clone.join("a"), "mine").unwrap()),
        ("changes", |clone| fs::write(clone.join("new"), "mine").unwrap()),
        ("changes", |clone| {
            fs::create_dir(clone.join("build")).unwrap();
            fs::write(clone.join("build/.env"), "ignored").unwrap();
        }),
        ("stash", |clone| {
            fs::write(clone.join("a"), "mine").unwrap();
            git(clone, &["stash", "-q"]);
        }),
        ("not pushed", |clone| {
            git(clone, &["commit", "-q", "--allow-empty", "-m", "mine"]);
        }),
        ("not pushed", |clone| {
            git(clone, &["checkout", "-q", "-b", "side"]);
            git(clone, &["commit", "-q", "--allow-empty", "-m", "mine"]);
            git(clone, &["checkout", "-q", "main"]);
        }),
    ];
    for (why, work) in works {
        let operation = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/a" }));
        machine.bring_about(&*operation).await;
        work(&clone);
        let before = machine.snapshot();
        let failure = machine.undo(&*operation).await.unwrap_err();
        assert!(failure.cause.contains(why), "{why}: {failure}");
        let files = |snapshot: Vec<(PathBuf, Option<Vec<u8>>)>| -> Vec<PathBuf> {
            snapshot.into_iter().map(|(path, _)| path).filter(|path| !path.ends_with(".git/index")).collect()
        };
        assert_eq!(files(machine.snapshot()), files(before), "{why}");
        fs::remove_dir_all(&clone).unwrap();
    }
}

#[tokio::test]
async fn e8_no_hook_no_submodule_and_no_rewritten_scheme_runs() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    let proof = machine.home().join("proof");
    // A hook that every new clone would get.
    let hooks = machine.home().join("template/hooks");
    fs::create_dir_all(&hooks).unwrap();
    let hook = hooks.join("post-checkout");
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", proof.display())).unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let template = machine.home().join("template");
    fs::write(
        machine.home().join(".gitconfig"),
        format!(
            "[init]\n\ttemplateDir = {}\n[submodule]\n\trecurse = true\n\
             [url \"ext::sh -c touch% {}\"]\n\tinsteadOf = file:///rewritten\n[protocol \"ext\"]\n\tallow = always\n",
            template.display(),
            proof.display()
        ),
    )
    .unwrap();
    let module = Upstream::new();
    git(upstream.folder.path(), &["submodule", "--quiet", "add", &module.url(), "module"]);
    git(upstream.folder.path(), &["commit", "-q", "-m", "with a module"]);

    let operation = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/a" }));
    machine.bring_about(&*operation).await;
    assert!(!proof.exists(), "a hook ran");
    assert_eq!(names(&machine.home().join("a/module")), [""; 0], "submodules are not fetched");

    let rewritten = machine.operation("git/clone", json!({ "url": "file:///rewritten", "into": "~/b" }));
    let failure = rewritten.apply(&machine.context()).await.unwrap_err();
    assert!(failure.last_lines.concat().contains("not allowed"), "{failure:?}");
    assert!(!proof.exists(), "a program of the address ran");
    for url in [
        "ext::sh -c id",
        "http://git.example.test/x",
        "git://git.example.test/x",
        "--upload-pack=id",
        "../a.bundle",
    ] {
        assert!(machine.prepare("git/clone", json!({ "url": url, "into": "~/c" })).is_err(), "{url}");
    }
}

#[tokio::test]
async fn e6_a_bundle_outside_of_the_pack_and_a_link_out_of_home_are_refused() {
    let (machine, upstream) = (Machine::new(), Upstream::new());
    let outside = tempfile::tempdir().unwrap();
    let bundle = outside.path().join("a.bundle").display().to_string();
    git(upstream.folder.path(), &["bundle", "create", "-q", &bundle, "--all"]);
    std::os::unix::fs::symlink(&bundle, machine.pack.path().join("a.bundle")).unwrap();
    let operation = machine.operation("git/clone", json!({ "url": "a.bundle", "into": "~/a" }));
    assert!(operation.check(&machine.context()).await.unwrap_err().cause.contains("out of the pack"));
    assert!(operation.apply(&machine.context()).await.is_err());

    std::os::unix::fs::symlink(outside.path(), machine.home().join("out")).unwrap();
    let operation = machine.operation("git/clone", json!({ "url": upstream.url(), "into": "~/out/a" }));
    assert!(blocked(&*operation, &machine.context()).await.contains("out of the home folder"));
    assert!(operation.apply(&machine.context()).await.is_err());
    assert_eq!(names(outside.path()), ["a.bundle"]);
}
