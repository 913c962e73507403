use std::process::Command;

use firstlight_domain::{facts::PackageManager, plan::Download};
use firstlight_engine::provider::Check;
use serde_json::json;

use crate::{Machine, blocked, satisfied};

#[tokio::test]
async fn without_a_manager_or_a_name_for_it_the_step_is_blocked() {
    let mut machine = Machine::new();
    let with = json!({ "dnf": "hello", "command": "no-such-program-here" });
    let why = blocked(&*machine.operation("package", with.clone()), &machine.context()).await;
    assert!(why.contains("no package manager"), "{why}");
    machine.facts.package_manager = Some(PackageManager::Apt);
    let operation = machine.operation("package", with);
    let why = blocked(&*operation, &machine.context()).await;
    assert_eq!(why, "the pack has no package for apt, only for dnf");
    assert_eq!(operation.resolved().commands, [], "nothing would be run");
}

#[tokio::test]
async fn a_program_that_is_there_is_enough() {
    let machine = Machine::new();
    let operation = machine.operation("package", json!({ "brew": "bash", "command": "sh" }));
    satisfied(&*operation, &machine.context()).await;
}

#[tokio::test]
async fn the_plan_shows_commands_and_elevation() {
    let mut machine = Machine::new();
    machine.facts.package_manager = Some(PackageManager::Apt);
    let operation = machine.operation("package", json!({ "apt": ["hello", "sl"] }));
    let resolved = operation.resolved();
    assert!(resolved.elevated);
    assert!(resolved.commands.iter().any(|command| command.argv.ends_with(&["hello".into(), "sl".into()])));
    assert_eq!(operation.exclusive(), Some("apt".into()));
    machine.facts.package_manager = Some(PackageManager::Brew);
    let operation = machine.operation("package", json!({ "brew": "hello", "apt": "hello" }));
    assert!(!operation.resolved().elevated);
    assert_eq!(operation.exclusive(), Some("brew".into()));
}

/// Asked of the real apt, as somebody who may not write where it keeps its things would ask too.
#[tokio::test]
async fn apt_says_how_much_it_would_fetch_and_writes_nothing_for_it() {
    let lists = std::fs::read_dir("/var/lib/apt/lists").is_ok_and(|mut lists| {
        lists.any(|list| list.is_ok_and(|list| list.file_name().to_string_lossy().ends_with("_Packages")))
    });
    if !lists {
        println!("not run: it needs apt and its list of packages");
        return;
    }
    let kept = || {
        let mut kept = Vec::new();
        for folder in ["/var/cache/apt", "/var/cache/apt/archives", "/var/lib/apt", "/var/lib/apt/lists"] {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let about = entry.metadata().unwrap();
                kept.push((entry.path(), about.len(), about.modified().unwrap()));
            }
        }
        kept.sort();
        kept
    };
    let mut machine = Machine::new();
    machine.facts.package_manager = Some(PackageManager::Apt);
    let before = kept();
    let size = async |names: &[&str]| {
        machine.operation("package", json!({ "apt": names })).download(&machine.context()).await
    };
    let Download::Bytes(one) = size(&["cowsay"]).await else { panic!("apt cannot say") };
    let Download::Bytes(two) = size(&["cowsay", "fortunes"]).await else { panic!("apt cannot say") };
    assert!(two >= one, "{two} for two, {one} for one");
    assert_eq!(size(&["firstlight-no-such-package"]).await, Download::Unknown);
    assert_eq!(size(&["dpkg"]).await, Download::Bytes(0), "it is there");
    assert_eq!(kept(), before);
}

/// Really installs and removes one small package.
#[tokio::test]
async fn apt_installs_what_is_missing_and_removes_only_that() {
    let root = Command::new("id").arg("-u").output().is_ok_and(|run| run.stdout == b"0\n");
    let apt = Command::new("apt-get").arg("--version").output().is_ok_and(|run| run.status.success());
    if !root || !apt {
        println!("not run: it needs apt and root (apt: {apt}, root: {root})");
        return;
    }
    let there = || Command::new("dpkg-query").args(["-W", "-f=${Status}", "sl"]).output().unwrap().stdout;
    if String::from_utf8_lossy(&there()).contains("install ok installed") {
        println!("not run: the package `sl`, which would be installed and removed, is in use here");
        return;
    }
    let mut machine = Machine::new();
    machine.facts.package_manager = Some(PackageManager::Apt);
    machine.facts.elevated = true;
    let mut cx = machine.context();
    cx.timeout = std::time::Duration::from_secs(300);
    // dpkg is on every Debian, and must still be there afterwards.
    let operation = machine.operation("package", json!({ "apt": ["dpkg", "sl"] }));
    let check = operation.check(&cx).await.unwrap();
    assert_eq!(check, Check::Needed { what: "would install sl".into(), files: Vec::new() });
    operation.apply(&cx).await.unwrap();
    satisfied(&*operation, &cx).await;
    assert_eq!(machine.receipt(), json!({ "manager": "apt", "installed": ["sl"] }));
    operation.apply(&cx).await.unwrap();
    assert_eq!(machine.receipts(), 1, "nothing was missing");
    operation.undo(&cx, &machine.receipt()).await.unwrap();
    assert!(!String::from_utf8_lossy(&there()).contains("install ok installed"));
    operation.undo(&cx, &machine.receipt()).await.unwrap();

    let unknown = machine.operation("package", json!({ "apt": "firstlight-no-such-package" }));
    let failure = unknown.apply(&cx).await.unwrap_err();
    assert!(failure.hint.is_some_and(|hint| hint.contains("not known")), "{:?}", failure.last_lines);
}
