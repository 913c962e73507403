//! What a pack's author has: a pack to start from, an editor that knows the format, CI that looks at every change, and
//! commands in guides that exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use firstlight_testkit::misfit;
use serde_json::Value;

use crate::machine::Machine;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

const FROM: [&str; 5] = ["developer", "data-scientist", "devops-engineer", "qa-engineer", "own"];

#[test]
fn every_pack_to_start_from_lints_clean_fits_its_schema_and_passes_its_test() {
    let machine = Machine::new();
    let schema: Value = machine.run(&["pack", "schema"]).expect(0).json();
    for from in FROM {
        machine.run(&["pack", "init", from, "--from", from]).expect(0);
        assert_eq!(machine.run(&["pack", "lint", from]).expect(0).stdout, "0 errors, 0 warnings.\n");
        let folder = machine.root.path().join(from);
        let pack = fs::read_to_string(folder.join("pack.yaml")).unwrap();
        assert!(pack.starts_with("# yaml-language-server: $schema=pack.schema.json\n"), "{from}");
        assert_eq!(misfit(&yaml(&pack), &schema), None, "{from}");
        let beside: Value =
            serde_json::from_slice(&fs::read(folder.join("pack.schema.json")).unwrap()).unwrap();
        assert_eq!(beside, schema);

        let report = machine.run(&["pack", "test", from, "--json"]).expect(0).json();
        let steps = report["personas"][0]["steps"].as_array().unwrap();
        let last = steps.last().unwrap();
        assert!(["done", "skipped"].contains(&last["outcome"].as_str().unwrap()), "{report:#}");
        let skipped = steps.iter().filter(|step| step["outcome"] == "skipped");
        for step in skipped {
            // Only where this machine does not have what a package brings.
            let why = step["why"].as_str().unwrap();
            assert!(why.contains("packages of the system") || why.contains("it needs"), "{step}");
        }
    }
}

#[test]
fn flags_answer_every_question_and_a_wrong_one_is_refused() {
    let machine = Machine::new();
    let args = [
        "pack",
        "init",
        "acme",
        "--title",
        "Welcome: \"us\"",
        "--from",
        "developer",
        "--persona",
        "Backend: engineer",
    ];
    machine.run(&args).expect(0);
    let json =
        machine.run(&["pack", "preview", "acme", "--as", "backend-engineer", "--json"]).expect(0).json();
    assert_eq!(json["first_value"], "first-commit");
    assert!(!machine.root.path().join("acme/.github").exists());
    let wrong = machine.run(&["pack", "init", "other", "--from", "manager"]).expect(1);
    assert!(wrong.stderr.contains("devops-engineer"), "{}", wrong.stderr);
    assert!(!machine.root.path().join("other").exists());
}

/// The commands of ours in a script, each up to where the shell goes on.
fn commands(script: &str) -> Vec<Vec<String>> {
    let lines = script.lines().map(|line| line.trim().trim_start_matches("$ "));
    let ours = lines.filter(|line| line.starts_with("firstlight "));
    ours.map(|line| {
        let end = ["#", "|", ">", "&&"].iter().filter_map(|end| line.find(&format!(" {end}"))).min();
        let words = line[..end.unwrap_or(line.len())].split_whitespace().skip(1);
        words.map(|word| word.trim_matches('"').to_owned()).collect()
    })
    .collect()
}

/// Whether the program has this command with these flags. Nothing of it is run.
#[track_caller]
fn exists(machine: &Machine, words: &[String]) {
    let is_name =
        |word: &&String| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let known = (1..=words.len()).rev().find_map(|length| {
        let names: Vec<&str> =
            words[..length].iter().take_while(|word| is_name(word)).map(String::as_str).collect();
        let help = machine.run(&[names.as_slice(), &["--help"]].concat());
        let usage = format!("Usage: firstlight {}", names.join(" "));
        (help.code == 0 && help.stdout.contains(&usage)).then_some(help.stdout)
    });
    let help = known.unwrap_or_else(|| panic!("there is no command `firstlight {}`", words.join(" ")));
    for flag in words.iter().filter(|word| word.starts_with("--")) {
        let flag = flag.split('=').next().unwrap();
        assert!(help.contains(flag), "`firstlight {}` has no {flag}:\n{help}", words.join(" "));
    }
}

#[test]
fn what_ci_runs_exists_and_looks_at_lint_changes_and_test() {
    let machine = Machine::new();
    for (ci, file) in [("github", ".github/workflows/pack.yml"), ("gitlab", ".gitlab-ci.yml")] {
        machine.run(&["pack", "init", ci, "--ci", ci]).expect(0);
        machine.run(&["pack", "lint", ci]).expect(0);
        let workflow = yaml(&fs::read_to_string(machine.root.path().join(ci).join(file)).unwrap());
        let scripts: Vec<String> = if ci == "github" {
            let steps = workflow["jobs"]["pack"]["steps"].as_array().unwrap();
            steps.iter().filter_map(|step| step["run"].as_str()).map(str::to_owned).collect()
        } else {
            let job = &workflow["pack"];
            let lines =
                job["before_script"].as_array().unwrap().iter().chain(job["script"].as_array().unwrap());
            lines.map(|line| line.as_str().unwrap().to_owned()).collect()
        };
        let all: Vec<Vec<String>> = scripts.iter().flat_map(|script| commands(script)).collect();
        let ran: Vec<&str> = all.iter().map(|words| words[1].as_str()).collect();
        assert_eq!(ran, ["lint", "diff", "test"], "{ci}");
        for words in &all {
            exists(&machine, words);
        }
        // Each is a script that a shell can read.
        for script in &scripts {
            let read = std::process::Command::new("sh").args(["-n", "-c", script]).status().unwrap();
            assert!(read.success(), "{script}");
        }
    }
}

/// What `CI` would do with a change, in the order of the workflow, on a repository of its own.
#[test]
fn what_ci_runs_works_on_a_change() {
    let machine = Machine::new();
    machine.run(&["pack", "init", "base", "--from", "own"]).expect(0);
    machine.run(&["pack", "init", "change", "--from", "own"]).expect(0);
    let pack = machine.root.path().join("change/pack.yaml");
    let text = fs::read_to_string(&pack).unwrap();
    let changed = text.replace("version: 0.1.0", "version: 0.2.0").replace("name: change", "name: base");
    fs::write(&pack, changed.replace("See your workspace", "See where you work")).unwrap();
    machine.run(&["pack", "lint", "change"]).expect(0);
    let said = machine.run(&["pack", "diff", "base", "change"]).expect(0).stdout;
    assert!(said.contains("See where you work"), "{said}");
    machine.run(&["pack", "test", "change"]).expect(0);
}

#[test]
fn an_editor_has_words_for_every_field_and_parameters_for_every_kind() {
    let machine = Machine::new();
    let schema: Value = machine.run(&["pack", "schema"]).expect(0).json();
    let mut fields = 0;
    described(&schema, "", &mut fields);
    assert!(fields > 150, "{fields}");

    let step = &schema["$defs"]["step"];
    let kinds = step["properties"]["uses"]["oneOf"].as_array().unwrap();
    assert!(kinds.len() > 15);
    for kind in kinds {
        let name = kind["const"].as_str().unwrap();
        assert!(kind["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        let rules = step["allOf"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["if"]["properties"]["uses"]["const"] == name);
        let target = rule.unwrap()["then"]["properties"]["with"]["$ref"].as_str().unwrap();
        let with = schema.pointer(target.strip_prefix('#').unwrap()).unwrap();
        assert!(with["properties"].as_object().is_some_and(|fields| !fields.is_empty()), "{name}");
        assert_eq!(with["additionalProperties"], false, "{name}");
    }
}

/// Each property has words for whoever hovers over it. A rule that only says when something applies has none.
fn described(schema: &Value, path: &str, fields: &mut u32) {
    match schema {
        Value::Object(rule) => {
            for (name, property) in rule.get("properties").and_then(Value::as_object).into_iter().flatten() {
                *fields += 1;
                let words = property["description"].as_str().unwrap_or_default();
                assert!(!words.trim().is_empty(), "{path}/{name} has no description");
            }
            // An editor would show the words of the way something is written instead of those of the field.
            for way in rule.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
                assert!(way.get("properties").is_some() || way.get("description").is_none(), "{path}: {way}");
            }
            for (word, inner) in rule.iter().filter(|(word, _)| !matches!(word.as_str(), "if" | "then")) {
                described(inner, &format!("{path}/{word}"), fields);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| described(item, path, fields)),
        _ => {}
    }
}

#[test]
fn the_packs_of_this_repository_fit_the_schema_and_the_pieces_of_the_guide_do() {
    let machine = Machine::new();
    let schema: Value = machine.run(&["pack", "schema"]).expect(0).json();
    for pack in ["sample", "contribute"] {
        let text =
            fs::read_to_string(repository().join("assets/packs").join(pack).join("pack.yaml")).unwrap();
        assert_eq!(misfit(&yaml(&text), &schema), None, "{pack}");
    }
    let guide = fs::read_to_string(repository().join("assets/packs/README.md")).unwrap();
    let steps = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut looked_at = 0;
    for piece in steps {
        let piece = if piece.starts_with("  ") { format!("steps:\n{piece}") } else { piece.to_owned() };
        let value = yaml(&piece);
        for (id, survey) in value["surveys"].as_object().into_iter().flatten() {
            let mut one = schema["properties"]["surveys"]["additionalProperties"].clone();
            one["$defs"] = schema["$defs"].clone();
            assert_eq!(misfit(survey, &one), None, "{id}");
            looked_at += 1;
        }
        let Some(steps) = value["steps"].as_object() else { continue };
        for (id, step) in steps {
            let mut one = schema["$defs"]["step"].clone();
            one["$defs"] = schema["$defs"].clone();
            assert_eq!(misfit(step, &one), None, "{id}");
            looked_at += 1;
        }
    }
    assert!(looked_at >= 5, "{looked_at}");
}

#[test]
fn the_commands_of_the_guides_exist() {
    let machine = Machine::new();
    let mut seen = 0;
    for guide in
        ["README.md", "CONTRIBUTING.md", "assets/packs/README.md", "assets/packs/EXTERNAL.md", "docs/hub.md"]
    {
        let text = fs::read_to_string(repository().join(guide)).unwrap();
        for words in commands(&text) {
            exists(&machine, &words);
            seen += 1;
        }
    }
    assert!(seen >= 15, "{seen}");
}
