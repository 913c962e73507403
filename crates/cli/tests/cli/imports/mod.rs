//! `firstlight pack import` and `export`: what is carried over, what is listed, and that nothing is lost or let in.

mod fixtures;
mod hostile;

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use serde_json::Value;

use crate::machine::Machine;

/// What an import answered, and the pack it made.
struct Made {
    view: Value,
    pack: String,
    folder: PathBuf,
}

/// Imports a text under this name; the pack must lint clean.
fn import(machine: &Machine, name: &str, text: &str) -> Made {
    let file = machine.root.path().join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    made(machine, &file)
}

fn made(machine: &Machine, from: &Path) -> Made {
    let folder = machine.root.path().join("made");
    let (from, into) = (from.to_str().unwrap(), folder.to_str().unwrap());
    let view = machine.run(&["pack", "import", from, "--into", into, "--json"]).expect(0).json();
    let clean = machine.run(&["pack", "lint", into]).expect(0).stdout;
    assert_eq!(clean, "0 errors, 0 warnings.\n");
    let pack = fs::read_to_string(folder.join("pack.yaml")).unwrap();
    Made { view, pack, folder }
}

impl Made {
    fn ids(&self) -> Vec<&str> {
        self.view["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect()
    }

    fn titles(&self) -> Vec<String> {
        let steps = self.view["steps"].as_array().unwrap();
        steps.iter().map(|step| step["title"].as_str().unwrap().to_owned()).collect()
    }

    /// The lines that are listed, with what they say.
    fn left(&self) -> Vec<(u64, &str)> {
        let left = self.view["left_out"].as_array().unwrap();
        left.iter().map(|one| (one["line"].as_u64().unwrap(), one["entry"].as_str().unwrap())).collect()
    }

    /// A step of the pack, as JSON.
    fn step(&self, machine: &Machine, id: &str) -> Value {
        let facts = machine.root.path().join("windows.json");
        fs::write(&facts, r#"{"os": "windows"}"#).unwrap();
        let (folder, facts) = (self.folder.to_str().unwrap(), facts.to_str().unwrap());
        let args = ["pack", "preview", folder, "--as", "engineer", "--facts", facts, "--json"];
        let plan: Value = serde_json::from_str(&machine.run(&args).stdout).unwrap();
        plan["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap().clone()
    }
}

#[test]
fn winget_configurations_give_packages_and_list_other_resources() {
    let machine = Machine::new();
    let made = import(&machine, "configuration.dsc.yaml", fixtures::WINGET);
    assert_eq!(made.ids(), ["git-git", "acme-desktop"]);
    assert_eq!(made.titles(), ["Install Git", "Install Acme.Desktop"]);
    assert_eq!(made.step(&machine, "acme-desktop")["needs"], serde_json::json!(["git-git"]));
    let lines: Vec<u64> = made.left().iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 8, 21, 21, 22, 24, 20], "{:#}", made.view);
    let listed = fs::read_to_string(made.folder.join("not-carried-over.md")).unwrap();
    for words in
        ["OsVersion", "WindowsSettings", "version: 4.2", "9NBLGGH4NNS1", "Acme.Old", "dependsOn devMode"]
    {
        assert!(listed.contains(words), "{words}: {listed}");
    }
}

#[test]
fn dsc_3_documents_give_packages_of_groups_too_and_no_conditional_ones() {
    let machine = Machine::new();
    let made = import(&machine, "team.winget", fixtures::DSC_3);
    assert_eq!(made.ids(), ["acme-editor", "acme-shell"]);
    assert_eq!(made.titles()[0], "Install the editor");
    assert_eq!(made.step(&machine, "acme-shell")["needs"], serde_json::json!(["acme-editor"]));
    let said = made.view["left_out"].to_string();
    for words in ["metadata", "parameters", "useLatest", "Acme.Maybe", "Microsoft.Windows/Registry"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn brewfiles_are_read_as_far_as_they_are_no_program() {
    let machine = Machine::new();
    let made = import(&machine, "Brewfile", fixtures::BREWFILE);
    assert_eq!(
        made.ids(),
        ["git", "jq", "acme-cli", "postgresql-16", "kitty", "vscode-rust-lang-rust-analyzer", "after-all"]
    );
    let lines: Vec<u64> = made.left().iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 7, 10, 11, 12, 13, 15, 16, 17, 23, 24], "{:#}", made.view);
    assert!(!made.pack.contains("commented-out"), "{}", made.pack);
}

#[test]
fn mise_files_give_tools_and_variables() {
    let machine = Machine::new();
    let made = import(&machine, "mise.toml", fixtures::MISE);
    assert_eq!(made.ids(), ["env-rust-log", "env-jobs", "node", "python", "npm-prettier"]);
    assert!(made.pack.contains(r#"{"tools":{"python":"3.12"}}"#), "{}", made.pack);
    let entries: Vec<&str> = made.left().iter().map(|(_, entry)| *entry).collect();
    assert_eq!(
        entries,
        [
            "min_version",
            "env._",
            "env.WHERE",
            "tools.python 3.11",
            "tools.npm:prettier.postinstall",
            "tools.java.os",
            "tools.java",
            "tasks.perf",
            "settings"
        ]
    );
    assert_eq!(made.left()[3].0, 12);
}

#[test]
fn a_devcontainer_is_one_step_and_what_the_cli_does_not_heed_is_listed() {
    let machine = Machine::new();
    let made = import(&machine, "orders/.devcontainer/devcontainer.json", fixtures::DEVCONTAINER);
    assert_eq!(made.titles(), ["Bring up Orders"]);
    for carried in ["name", "build", "features", "mounts", "postCreateCommand"] {
        assert!(made.pack.contains(carried), "{carried}: {}", made.pack);
    }
    assert_eq!(
        made.left(),
        [(8, "customizations"), (9, "forwardPorts"), (10, "hostRequirements"), (11, "codespaces")]
    );
}

#[test]
fn package_json_gives_the_machine_s_part() {
    let machine = Machine::new();
    let made = import(&machine, "package.json", fixtures::PACKAGE_JSON);
    assert_eq!(
        made.titles(),
        ["Install pnpm 10.30.2", "Install node 20", "Install yarn 4.1.0", "Install the project's packages"]
    );
    assert!(made.pack.contains(r#"["pnpm","install"]"#), "{}", made.pack);
    let entries: Vec<&str> = made.left().iter().map(|(_, entry)| *entry).collect();
    assert_eq!(
        entries,
        [
            "pnpm sha512.abcdef",
            "engines.node >=20.0.0",
            "engines.vscode ^1.90.0",
            "engines.npm please-use-pnpm",
            "devEngines"
        ]
    );
}

/// As the README of github/scripts-to-rule-them-all names them, and one of the team's own.
#[test]
fn scripts_to_rule_them_all_end_in_the_tests() {
    let machine = Machine::new();
    let project = machine.root.path().join("project");
    fs::create_dir_all(project.join("script")).unwrap();
    for name in ["bootstrap", "setup", "update", "server", "test", "cibuild", "console", "deploy"] {
        fs::write(project.join("script").join(name), "#!/bin/sh\n").unwrap();
    }
    let made = made(&machine, &project);
    assert_eq!(made.ids(), ["bootstrap", "setup", "test"]);
    assert!(made.step(&machine, "test")["first_value"].as_bool().unwrap());
    let entries: Vec<&str> = made.left().iter().map(|(_, entry)| *entry).collect();
    assert_eq!(
        entries,
        ["script/cibuild", "script/console", "script/deploy", "script/server", "script/update"]
    );
}

#[test]
fn a_project_s_folder_gives_all_it_has() {
    let machine = Machine::new();
    let project = machine.root.path().join("project");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("Brewfile"), "brew \"git\"\n").unwrap();
    fs::write(project.join("mise.toml"), "[tools]\ngit = \"2\"\n").unwrap();
    let made = made(&machine, &project);
    assert_eq!(made.ids(), ["git", "git-2"]);
    assert_eq!(made.view["sources"].as_array().unwrap().len(), 2);
}

#[test]
fn a_quickstart_keeps_titles_and_order_there_and_back() {
    let machine = Machine::new();
    let made = import(&machine, "app-config.yaml", fixtures::RHDH);
    let titles = ["Sign in once", "Learn about the catalog: services, and who owns them", "Know whom to ask"];
    assert_eq!(made.titles(), titles);
    assert!(made.pack.contains("https://hub.acme.test/catalog"), "{}", made.pack);
    let said = made.view["left_out"].to_string();
    for words in ["titleKey", "icon Admin", "roles admin, developer", "cta.textKey"] {
        assert!(said.contains(words), "{words}: {said}");
    }

    let folder = made.folder.to_str().unwrap().to_owned();
    let exported = machine.run(&["pack", "export", &folder, "--to", "rhdh"]).expect(0).stdout;
    fs::rename(&made.folder, machine.root.path().join("first")).unwrap();
    let again = import(&machine, "app-config-again.yaml", &exported);
    assert_eq!(again.titles(), titles);
    assert_eq!(again.left(), [], "what we write is carried over whole");
    let twice = machine.run(&["pack", "export", &folder, "--to", "rhdh"]).expect(0).stdout;
    assert_eq!(twice, exported);
}

#[test]
fn the_sample_s_checklists_go_there_and_back_and_can_be_ticked_off() {
    let machine = Machine::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/packs/sample");
    let sample = sample.to_str().unwrap();
    let exported =
        machine.run(&["pack", "export", sample, "--persona", "developer", "--to", "rhdh"]).expect(0).stdout;
    let again = import(&machine, "app-config.yaml", &exported);
    let preview = machine.run(&["pack", "preview", sample, "--as", "developer", "--json"]).expect(0).json();
    assert_eq!(again.titles().len(), preview["steps"].as_array().unwrap().len());
    assert_eq!(again.titles().first().unwrap(), "What today is about");

    let list = machine
        .run(&["pack", "export", sample, "--persona", "developer", "--to", "markdown"])
        .expect(0)
        .stdout;
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("markdown", list);
    });
    let unsaid = machine.run(&["pack", "export", sample, "--to", "markdown"]).expect(1);
    assert!(unsaid.stderr.contains("qa-engineer"), "{}", unsaid.stderr);
    machine.run(&["pack", "export", sample, "--persona", "developer", "--to", "pdf"]).expect(1);
}

/// Every entry of a made-up file is a step or is listed, whatever its kind.
fn nothing_is_lost(name: &str, text: &str, entries: &[String]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    let into = folder.path().join("made");
    let view = firstlight_app::import(&file, None, &into).unwrap();
    prop_assert!(firstlight_app::lint(&into).unwrap().view.problems.is_empty());
    let pack = fs::read_to_string(into.join("pack.yaml")).unwrap();
    let left: Vec<&str> = view.left_out.iter().map(|left| left.entry.as_str()).collect();
    for entry in entries {
        let found = pack.contains(entry.as_str()) || left.iter().any(|left| left.contains(entry.as_str()));
        prop_assert!(found, "{entry} is lost:\n{text}\n{pack}\n{left:?}");
    }
    Ok(())
}

/// So many entries, each with a name of its own, in one of these forms.
fn entries(forms: &'static [&'static str]) -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    proptest::collection::vec(0..forms.len(), 1..12).prop_map(move |chosen| {
        let named = |(at, form): (usize, usize)| {
            let name = format!("entry{at}x");
            (forms[form].replace("NAME", &name), name)
        };
        chosen.into_iter().enumerate().map(named).unzip()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_of_a_brewfile_is_a_step_or_listed((lines, names) in entries(&[
        "brew \"NAME\"", "cask 'NAME', args: { a: 1 }", "mas \"NAME\", id: 1", "brew \"NAME\" if x", "tap \"NAME/x\"",
        "if NAME\nbrew \"x\"\nend", "NAME do\nend", "vscode \"NAME\"", "brew \"-NAME\"", "brew NAME", "brew \"NAME",
        "brew \"${{ NAME }}\"", "brew \"NAME\",\n  link: false",
    ])) {
        nothing_is_lost("Brewfile", &lines.join("\n"), &names)?;
    }

    #[test]
    fn every_resource_is_a_step_or_listed((items, names) in entries(&[
        "- { resource: Microsoft.WinGet.DSC/WinGetPackage, settings: { id: NAME } }",
        "- { resource: Microsoft.WinGet.DSC/WinGetPackage, settings: { id: x, version: NAME } }",
        "- { resource: Microsoft.WinGet.DSC/WinGetPackage, settings: { id: NAME, source: msstore } }",
        "- { resource: Other/NAME, settings: { a: 1 } }", "- { resource: Other/Thing, id: NAME }",
        "- { type: Microsoft.WinGet/Package, name: x, properties: { id: NAME, ensure: Absent } }",
        "- { resource: Microsoft.WinGet.DSC/WinGetPackage, settings: { id: x }, dependsOn: [NAME] }",
        "- { resource: Microsoft.WinGet.DSC/WinGetPackage, settings: { id: x }, NAME: 1 }",
    ])) {
        let items: Vec<String> = items.iter().map(|item| format!("    {item}")).collect();
        nothing_is_lost("a.winget", &format!("properties:\n  resources:\n{}\n", items.join("\n")), &names)?;
        let items: Vec<&str> = items.iter().map(|item| &item[2..]).collect();
        nothing_is_lost("b.winget", &format!("resources:\n{}\n", items.join("\n")), &names)?;
    }

    #[test]
    fn every_tool_is_a_step_or_listed((lines, names) in entries(&[
        "NAME = '1'", "NAME = ['1', '2']", "x-NAME = { version = '1', NAME = 1 }", "NAME = []", "\"npm:NAME\" = 'latest'",
        "NAME = '{{ x }}'", "NAME = '-x'", "NAME = 1.10",
    ])) {
        nothing_is_lost("mise.toml", &format!("[tools]\n{}\n", lines.join("\n")), &names)?;
        nothing_is_lost("mise.toml", &format!("[env]\n{}\n", lines.join("\n")), &names)?;
        nothing_is_lost("mise.toml", &format!("[tasks]\n{}\n", lines.join("\n")), &names)?;
    }

    #[test]
    fn every_field_and_item_is_a_step_or_listed((lines, names) in entries(&[
        "\"NAME\": 1", "\"NAME\": \"^1\"", "\"NAME\": {}", "\"NAME\": [\"x\"]",
    ])) {
        let fields = lines.join(",\n");
        nothing_is_lost("devcontainer.json", &format!("{{{fields}}}"), &names)?;
        nothing_is_lost("package.json", &format!("{{\"engines\": {{{fields}}}}}"), &names)?;
    }

    #[test]
    fn every_item_of_a_quickstart_is_a_step_or_listed((items, names) in entries(&[
        "- { title: NAME, description: x }", "- { title: NAME, description: x, cta: { text: Go, link: /x } }",
        "- { title: x, NAME: 1 }", "- { title: x, description: x, cta: { text: NAME, link: 'ftp://x' } }",
        "- { title: x, description: x, cta: { text: x, link: 'https://x.test/NAME' } }", "- NAME",
    ])) {
        let items: Vec<String> = items.iter().map(|item| format!("    {item}")).collect();
        nothing_is_lost("app-config.yaml", &format!("app:\n  quickstart:\n{}\n", items.join("\n")), &names)?;
    }
}
