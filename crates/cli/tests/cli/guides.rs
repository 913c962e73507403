//! The commands of the guides, run as they are written, one after the other.

use std::{collections::BTreeSet, fs, path::Path};

use firstlight_testkit::releases::Site;

use crate::machine::Machine;

/// The commands of a guide's console blocks.
fn commands(guide: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(guide);
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ firstlight ")).map(words).collect()
}

/// A command's words: quoted where they have spaces; what comes after `#` is a remark.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap();
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Runs a command as somebody would who types the passphrases it asks for.
fn run(machine: &Machine, command: &[String]) -> String {
    let mut seen = BTreeSet::new();
    let is_key = |word: &str| Path::new(word).extension().is_some_and(|extension| extension == "key");
    let keys = command.iter().filter(|word| is_key(word) && seen.insert(word.as_str()));
    let passphrases: Vec<String> = keys.map(|key| format!("a long passphrase of {key}\n")).collect();
    let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
    if args.starts_with(&["pack", "sign"]) {
        args.push("--yes");
    }
    let ran = machine.run_with_input(&args, &passphrases.concat());
    assert_eq!(ran.code, 0, "{}\n{}{}", args.join(" "), ran.stdout, ran.stderr);
    ran.stdout
}

/// And a machine that enrolled at its beginning receives all that follows, drills and all.
#[test]
fn the_guide_to_publishing_is_true() {
    let (admin, newcomer, site) = (Machine::new(), Machine::new(), Site::start());
    let commands = commands("docs/publishing.md");
    assert!(commands.len() > 30, "{}", commands.len());
    let mut published = 0;
    for command in commands {
        run(&admin, &command);
        if !command.iter().any(|word| word == "--online") || command.iter().any(|word| word == "begin") {
            continue;
        }
        published += 1;
        let repo = admin.root.path().join("repo");
        serve(&site, &repo, "");
        match published {
            // There is nothing to receive yet.
            1 => {}
            2 => {
                let root = repo.join("metadata/1.root.json");
                newcomer
                    .run(&["enroll", &site.url(), "--pack", "acme", "--root", root.to_str().unwrap()])
                    .expect(0);
            }
            _ => {
                let update = newcomer.run(&["update", "--json"]).expect(0).json();
                let said = (&update["current"]["version"], update.get("refused"));
                assert_eq!(said, (&"0.1.0".into(), None), "after {command:?}");
            }
        }
    }
    assert_eq!(published, 10);
}

/// The README's way from `pack init` to a release that another machine received and runs.
#[test]
fn the_readme_leads_from_nothing_to_a_release_that_runs() {
    let admin = Machine::new();
    let commands = commands("README.md");
    let begin = commands.iter().position(|command| command[..] == ["pack", "init", "acme"]).unwrap();
    let mut sum = String::new();
    for command in &commands[begin..] {
        let said = run(&admin, command);
        if command.starts_with(&["pack".to_owned(), "publish".to_owned()]) {
            said.lines().last().unwrap().trim().clone_into(&mut sum);
        }
    }
    let site = Site::start();
    serve(&site, &admin.root.path().join("repo"), "");
    let newcomer = Machine::new();
    newcomer.run(&["enroll", &site.url(), "--pack", "acme", "--root-sha256", &sum]).expect(0);
    let plan = newcomer.run(&["plan", "--json"]).expect(0).json();
    assert_eq!(plan["version"], "0.1.0");
    newcomer.run(&["up", "--yes"]).expect(0);
}

/// Puts a folder on a static server.
fn serve(site: &Site, folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            serve(site, &entry.path(), &format!("{name}/"));
        } else {
            site.put(&name, fs::read(entry.path()).unwrap());
        }
    }
}
