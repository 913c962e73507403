//! A template that changed since it made a folder: what it would make now, against what it made.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use firstlight_engine::providers::scaffold::drift::{Against, Comparison, Packs, Project, look};
use serde_json::{Value, json};

use crate::Machine;

const TEMPLATE: &str = "apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: service, annotations: { backstage.io/template-version: \"VERSION\" } }
spec:
  parameters: { required: [name], properties: { name: { type: string }MORE } }
  steps:
    - { id: skeleton, name: Make it, action: fetch:template, input: { url: ./skeleton, values: { name: \"${{ parameters.name }}\" } } }
    - { id: publish, name: Publish it, action: publish:github, if: false, input: { repoUrl: github.com?owner=a&repo=b } }
";

/// A pack with the template in this version, and these files in its skeleton.
fn pack(root: &Path, version: &str, more: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let skeleton = root.join("templates/service/skeleton");
    fs::create_dir_all(&skeleton).unwrap();
    let text = TEMPLATE.replace("VERSION", version).replace("MORE", more);
    fs::write(root.join("templates/service/template.yaml"), text).unwrap();
    for (path, content) in files {
        let path = skeleton.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root.to_owned()
}

const OLD: &[(&str, &[u8])] = &[
    ("README.md", b"# ${{ values.name }}\nold\n"),
    ("old.txt", b"goes\n"),
    ("same.txt", b"stays\n"),
    ("logo.png", b"\x89PNG\0old"),
];
const NEW: &[(&str, &[u8])] = &[
    ("README.md", b"# ${{ values.name }}\nnew\n"),
    ("new.txt", b"comes\n"),
    ("same.txt", b"stays\n"),
    ("logo.png", b"\x89PNG\0newer"),
];

fn with(machine: &Machine) -> Value {
    json!({
        "template": "templates/service",
        "into": machine.home().join("orders"),
        "values": { "name": "orders" },
        "skip": ["publish"],
    })
}

/// A machine on which version 1.0.0 of the template made a folder. Its pack is `machine.pack`.
async fn made() -> (Machine, PathBuf) {
    let machine = Machine::new();
    pack(machine.pack.path(), "1.0.0", "", OLD);
    machine.operation("scaffold", with(&machine)).apply(&machine.context()).await.unwrap();
    let folder = machine.home().join("orders");
    (machine, folder)
}

fn compare(folder: &Path, now: &Path, before: &[&Path]) -> Comparison {
    compare_with(folder, now, before, Value::Null)
}

fn compare_with(folder: &Path, now: &Path, before: &[&Path], with: Value) -> Comparison {
    let Project::Made(made) = look(folder) else { panic!("it says what made it") };
    assert_eq!((made.template(), made.version()), ("service", "1.0.0"));
    let before = before.iter().copied().map(Path::to_path_buf).collect();
    made.compare(folder, &Packs { now, templates: vec!["templates/service"], before, with })
}

fn another(found: Comparison) -> (String, Against, Vec<(String, String)>, usize) {
    let Comparison::Another { version, against, files, more } = found else { panic!("{found:?}") };
    (version, against, files.into_iter().map(|file| (file.path, file.diff)).collect(), more)
}

#[tokio::test]
async fn the_same_template_is_the_same() {
    let (machine, folder) = made().await;
    fs::write(folder.join("README.md"), "mine now\n").unwrap();
    assert_eq!(
        compare(&folder, machine.pack.path(), &[]),
        Comparison::Same,
        "what the person changed is no drift"
    );
}

#[tokio::test]
async fn a_newer_template_is_compared_with_the_older_one_as_long_as_there_is_one() {
    let (machine, folder) = made().await;
    fs::write(folder.join("README.md"), "mine now\n").unwrap();
    let newer = tempfile::tempdir().unwrap();
    pack(newer.path(), "2.0.0", "", NEW);
    let before = tree(&folder);
    let (version, against, files, more) =
        another(compare(&folder, newer.path(), &[Path::new("/gone"), machine.pack.path()]));
    assert_eq!((version.as_str(), against, more), ("2.0.0", Against::OlderTemplate, 0));
    let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, ["README.md", "logo.png", "new.txt", "old.txt"]);
    assert!(files[0].1.contains("-old\n+new\n") && !files[0].1.contains("mine"), "{}", files[0].1);
    assert_eq!(files[1].1, "logo.png: 8 bytes become 10 bytes\n");
    assert!(files[2].1.starts_with("--- /dev/null\n") && files[2].1.contains("+comes\n"));
    assert!(files[3].1.contains("+++ /dev/null\n") && files[3].1.contains("-goes\n"));
    assert_eq!(tree(&folder), before, "nothing was changed");
}

#[tokio::test]
async fn without_the_older_template_the_files_as_they_are_are_compared() {
    let (_machine, folder) = made().await;
    fs::write(folder.join("README.md"), "# orders\nmine\n").unwrap();
    let newer = tempfile::tempdir().unwrap();
    pack(newer.path(), "2.0.0", "", NEW);
    // Another pack with the same version, but not the files that made the folder, is not taken for it.
    let other = tempfile::tempdir().unwrap();
    pack(other.path(), "1.0.0", "", &[("README.md", b"something else\n")]);
    let (_, against, files, _) = another(compare(&folder, newer.path(), &[other.path()]));
    assert_eq!(against, Against::FilesAsTheyAre);
    assert!(files[0].1.contains("-mine\n+new\n"), "{}", files[0].1);
    assert!(files.iter().any(|(path, diff)| path == "old.txt" && diff.contains("-goes\n")));
}

#[tokio::test]
async fn a_template_that_changed_without_a_new_version_is_another_one() {
    let (machine, folder) = made().await;
    let newer = tempfile::tempdir().unwrap();
    pack(newer.path(), "1.0.0", "", NEW);
    let (version, ..) = another(compare(&folder, newer.path(), &[machine.pack.path()]));
    assert_eq!(version, "1.0.0");
    // A comment in the template, which makes the same files in the same version, is none.
    let worded = tempfile::tempdir().unwrap();
    pack(worded.path(), "1.0.0", "", OLD);
    let file = worded.path().join("templates/service/template.yaml");
    fs::write(&file, format!("# Words\n{}", fs::read_to_string(&file).unwrap())).unwrap();
    assert_eq!(compare(&folder, worded.path(), &[machine.pack.path()]), Comparison::Same);
}

#[tokio::test]
async fn a_template_that_is_gone_moved_or_asks_for_more() {
    let (machine, folder) = made().await;
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(compare(&folder, empty.path(), &[]), Comparison::NoTemplate);

    let asks = tempfile::tempdir().unwrap();
    pack(asks.path(), "3.0.0", ", team: { type: string }", NEW);
    let file = asks.path().join("templates/service/template.yaml");
    let text = fs::read_to_string(&file).unwrap().replace("required: [name]", "required: [name, team]");
    fs::write(&file, text).unwrap();
    let found = compare(&folder, asks.path(), &[machine.pack.path()]);
    let Comparison::CannotTell { version, why } = found else { panic!("{found:?}") };
    assert_eq!(version.as_deref(), Some("3.0.0"));
    assert!(why.contains("`team` is missing"), "{why}");
    let mut now = with(&machine);
    now["values"]["team"] = json!("north");
    let (version, ..) = another(compare_with(&folder, asks.path(), &[machine.pack.path()], now));
    assert_eq!(version, "3.0.0", "what the pack gives now fills what is new");

    fs::rename(asks.path().join("templates/service"), asks.path().join("templates/other")).unwrap();
    let Project::Made(made) = look(&folder) else { panic!() };
    let packs =
        Packs { now: asks.path(), templates: vec!["templates/other"], before: vec![], with: Value::Null };
    assert!(matches!(made.compare(&folder, &packs), Comparison::CannotTell { .. }), "found by its name");
}

#[tokio::test]
async fn a_folder_that_is_gone_or_says_nothing_is_told_apart() {
    let (machine, folder) = made().await;
    assert_eq!(look(&machine.home().join("nowhere")), Project::Gone);
    fs::write(machine.home().join("file"), "").unwrap();
    assert_eq!(look(&machine.home().join("file")), Project::Gone);
    fs::write(folder.join(".firstlight/scaffold.json"), "{ broken").unwrap();
    assert_eq!(look(&folder), Project::Unrecorded);
    fs::remove_dir_all(folder.join(".firstlight")).unwrap();
    assert_eq!(look(&folder), Project::Unrecorded);
}

#[tokio::test]
async fn e6_names_in_a_folder_and_its_record_lead_nowhere() {
    let (machine, folder) = made().await;
    let private = machine.home().join("private.txt");
    fs::write(&private, "a secret\n").unwrap();
    fs::remove_file(folder.join("README.md")).unwrap();
    symlink(&private, folder.join("README.md")).unwrap();
    let record = folder.join(".firstlight/scaffold.json");
    let mut said: Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    for name in ["../private.txt", "/etc/passwd", "a/../../private.txt", "..\\private.txt"] {
        said["files"][name] = json!("00");
    }
    fs::write(&record, said.to_string()).unwrap();
    let newer = tempfile::tempdir().unwrap();
    pack(newer.path(), "2.0.0", "", NEW);
    let (_, _, files, _) = another(compare(&folder, newer.path(), &[]));
    let all = format!("{files:?}");
    assert!(!all.contains("secret") && !all.contains("passwd") && !all.contains("private.txt"), "{all}");
    assert!(all.contains("README.md: is a link now, and is not compared"), "{all}");
    // A record that names a template elsewhere names none.
    said["template"]["path"] = json!("../../../etc");
    fs::write(&record, said.to_string()).unwrap();
    assert!(
        matches!(compare(&folder, newer.path(), &[]), Comparison::Another { .. }),
        "found by the pack's step"
    );
}

#[tokio::test]
async fn much_is_cut_and_counted() {
    let (machine, folder) = made().await;
    fs::write(folder.join("same.txt"), vec![b'x'; 3 * 1024 * 1024]).unwrap();
    let newer = tempfile::tempdir().unwrap();
    let long = "a line\n".repeat(2_000);
    let names: Vec<String> = (0..300).map(|number| format!("many/{number:03}.txt")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x\n"[..])).collect();
    files.push(("a long one.txt", long.as_bytes()));
    files.push(("same.txt", b"stays\n"));
    pack(newer.path(), "2.0.0", "", &files);
    let (_, _, found, more) = another(compare(&folder, newer.path(), &[machine.pack.path()]));
    assert_eq!(found.len(), 100);
    assert_eq!(found.len() + more, 300 + 1 + 3, "new ones, the long one, and three that go");
    let long = &found.iter().find(|(path, _)| path == "a long one.txt").unwrap().1;
    assert!(long.lines().count() < 500 && long.contains("more lines"), "{}", long.lines().count());
    let (_, _, found, _) = another(compare(&folder, newer.path(), &[]));
    let all: usize = found.iter().map(|(_, diff)| diff.len()).sum();
    assert!(all < 256 * 1024, "{all}");
}

fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}
