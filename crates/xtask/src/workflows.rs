//! Our own workflows: what they call exists, what they use is pinned, and secrets stay where they belong.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::{usage, workspace::Workspace};

/// The workflows by name, read as YAML, and as text.
fn workflows() -> BTreeMap<String, (Value, String)> {
    let folder = Workspace::find().unwrap().root.join(".github/workflows");
    let mut workflows = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        workflows.insert(name, (value, text));
    }
    assert_eq!(workflows.keys().collect::<Vec<_>>(), ["ci.yml", "release.yml"]);
    workflows
}

/// The commands of a guide that are ours.
#[test]
fn what_the_guide_to_releases_says_exists() {
    let guide = fs::read_to_string(Workspace::find().unwrap().root.join("docs/releasing.md")).unwrap();
    let mut seen = 0;
    for line in guide.lines().filter_map(|line| line.strip_prefix("$ cargo xtask dist")) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        crate::dist::understands(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        seen += 1;
    }
    assert_eq!(seen, 3);
    // Every variable that counts is said.
    for variable in crate::dist::VARIABLES {
        assert!(guide.contains(variable), "{variable}");
    }
}

/// Every step of every job.
fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    jobs.flat_map(|job| job["steps"].as_array().unwrap()).collect()
}

/// The lines that are run, with the folder they are run in.
fn commands(workflow: &Value) -> Vec<(&str, &str)> {
    let run = steps(workflow)
        .into_iter()
        .filter_map(|step| Some((step["run"].as_str()?, step["working-directory"].as_str().unwrap_or("."))));
    run.flat_map(|(text, folder)| text.lines().map(move |line| (line.trim(), folder))).collect()
}

#[test]
fn what_they_run_exists() {
    let root = Workspace::find().unwrap().root;
    let scripts: Value =
        serde_json::from_str(&fs::read_to_string(root.join("ui/package.json")).unwrap()).unwrap();
    let mut ours = Vec::new();
    for (name, (workflow, _)) in &workflows() {
        for (line, folder) in commands(workflow) {
            let words: Vec<String> =
                line.split_whitespace().map(|it| it.trim_matches('"').to_owned()).collect();
            let word = |at: usize| words.get(at).map_or("", String::as_str);
            match (word(0), word(1)) {
                ("cargo", "xtask") => {
                    let known =
                        usage().lines().any(|known| known.trim_start().split(' ').next() == Some(word(2)));
                    assert!(known, "{name}: {line}");
                    if word(2) == "dist" {
                        crate::dist::understands(&words[3..])
                            .unwrap_or_else(|error| panic!("{line}: {error}"));
                    }
                    ours.push(line.to_owned());
                }
                ("npm", "run") => {
                    assert_eq!(folder, "ui", "{name}: {line}");
                    assert!(scripts["scripts"][word(2)].is_string(), "{name}: {line}");
                }
                (program, _) if program.starts_with("./") || program.starts_with(".ci/") => {
                    assert!(root.join(program).is_file(), "{name}: {line}");
                    ours.push(line.to_owned());
                }
                _ => {}
            }
        }
    }
    assert_eq!(ours.len(), 3, "CI's script and both halves of `dist`: {ours:?}");
}

#[test]
fn h_cargo_keeps_to_the_lockfile() {
    for (name, (workflow, _)) in &workflows() {
        for (line, _) in commands(workflow) {
            let at = line.find("cargo ").map(|at| &line[at..]);
            if let Some(cargo) = at.filter(|cargo| !cargo.starts_with("cargo xtask ")) {
                assert!(cargo.contains("--locked"), "{name}: {line}");
            }
        }
    }
    // What `cargo xtask` stands for.
    let config = Workspace::find().unwrap().root.join(".cargo/config.toml");
    assert!(fs::read_to_string(config).unwrap().contains("xtask = \"run --quiet --locked "));
}

#[test]
fn h_actions_are_pinned_to_a_commit_and_say_which_release_that_is() {
    for (name, (_, text)) in &workflows() {
        for line in
            text.lines().filter(|line| line.trim_start().trim_start_matches("- ").starts_with("uses:"))
        {
            let (action, release) = line.split_once(" # v").unwrap_or_else(|| panic!("{name}: {line}"));
            let commit = action.split_once('@').map_or("", |(_, commit)| commit);
            let is_commit = commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
            assert!(is_commit && release.split('.').count() == 3, "{name}: {line}");
        }
    }
}

#[test]
fn h_they_may_do_little_and_secrets_are_in_the_environment_of_one_step() {
    for (name, (workflow, _)) in &workflows() {
        assert_eq!(workflow["permissions"], serde_json::json!({ "contents": "read" }), "{name}");
        for (job, what) in workflow["jobs"].as_object().unwrap() {
            let writes = what["permissions"].as_object().map_or(0, serde_json::Map::len);
            assert!(writes == 0 || job == "draft", "{name}: {job} may write");
            assert!(what["env"].is_null(), "{name}: {job} has an environment for all its steps");
            assert!(what["timeout-minutes"].is_u64(), "{name}: {job} may go on for ever");
        }
        for step in steps(workflow) {
            // What is put into a script is in its log when the shell is told to show what it does.
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("secrets.") && !script.contains("set -x"), "{name}: {script}");
            assert!(!script.contains("${{"), "{name}: what is put into a script could be a script: {script}");
            if step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@")) {
                assert_eq!(step["with"]["persist-credentials"], false, "{name}");
            }
        }
    }
}
