//! Foreign files that mean harm, or are none: an answer in words, nothing written, and no word of theirs that becomes
//! more than a text.

use std::{fs, path::Path};

use crate::machine::Machine;

/// Refused, with what to do, and nothing written.
fn refused(machine: &Machine, name: &str, content: &[u8]) -> String {
    let file = machine.root.path().join(name);
    fs::write(&file, content).unwrap();
    let into = machine.root.path().join("made");
    let args = ["pack", "import", file.to_str().unwrap(), "--into", into.to_str().unwrap(), "--json"];
    let error = machine.run(&args).error();
    assert!(!into.exists(), "{name}: something was written");
    error["message"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_huge_deep_or_no_text_is_refused() {
    let machine = Machine::new();
    assert!(refused(&machine, "Brewfile", &vec![b'x'; 2 * 1024 * 1024]).contains("larger"));
    assert!(refused(&machine, "Brewfile", b"brew \"\xff\xfe\"").contains("UTF-8"));
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    for (name, text) in [
        ("package.json", deep("[", "]")),
        ("devcontainer.json", format!("{{\"a\": {}}}", deep("{\"a\":", "}"))),
        ("app-config.yaml", deep("[", "]")),
        ("a.winget", deep("{a: ", "}")),
        ("mise.toml", format!("a = {}", deep("[", "]"))),
        ("a.winget", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b\n".to_owned()),
        ("package.json", "{\"engines\": {}, \"engines\": {}}".to_owned()),
        ("mise.toml", "[tools]\nnode = '1'\nnode = '2'\n".to_owned()),
        ("app-config.yaml", String::new()),
        ("package.json", "[]".to_owned()),
    ] {
        let said = refused(&machine, name, text.as_bytes());
        assert!(said.contains("cannot be read as"), "{name}: {said}");
    }
}

#[test]
fn what_is_not_known_or_would_be_overwritten_is_refused() {
    let machine = Machine::new();
    assert!(refused(&machine, "notes.txt", b"brew 'git'").contains("Nothing that packs are made from"));
    let missing = machine.run(&["pack", "import", "/no/such/file"]).expect(1);
    assert!(
        missing.stderr.contains("/no/such/file") && missing.stderr.contains("hint"),
        "{}",
        missing.stderr
    );
    machine.run(&["pack", "import", "notes.txt", "--as", "cookbook"]).expect(1);

    fs::create_dir(machine.root.path().join("full")).unwrap();
    fs::write(machine.root.path().join("full/mine"), "mine").unwrap();
    let full = machine.run(&["pack", "import", "notes.txt", "--as", "brewfile", "--into", "full"]).expect(1);
    assert!(full.stderr.contains("not empty"), "{}", full.stderr);
    machine.run(&["pack", "import", "notes.txt", "--as", "brewfile", "--into", "new"]).expect(0);
}

/// Names that would end a text, begin a field, be computed, be an option or a control sequence.
#[test]
fn no_name_becomes_more_than_a_text() {
    let machine = Machine::new();
    let names = [
        "x\\\"\\n  evil: { run: [sh] }",
        "'; rm -rf ~; '",
        "${{ inputs.project }}",
        "\\u2028evil: 1",
        "\\u0085evil: 1",
        "\\u001b[31mred",
        "--option",
        "# comment",
        "&anchor *alias !!tag",
        "]( javascript:alert(1) )",
    ];
    let items: Vec<String> = names
        .iter()
        .map(|name| format!("    - {{ title: \"{name}\", description: \"{name}\", cta: {{ text: \"{name}\", link: \"https://x.test/{}\" }} }}", names.len()))
        .collect();
    let text = format!("app:\n  quickstart:\n{}\n", items.join("\n"));
    fs::write(machine.root.path().join("app-config.yaml"), text).unwrap();
    let tools: Vec<String> = names.iter().map(|name| format!("\"{name}\" = \"{name}\"")).collect();
    fs::write(machine.root.path().join("mise.toml"), format!("[tools]\n{}\n", tools.join("\n"))).unwrap();
    fs::write(
        machine.root.path().join("Brewfile"),
        "brew \"--cask\"\nbrew \"a'; rm -rf ~; '\"\nvscode \"--install-extension\"\n",
    )
    .unwrap();
    let view = machine.run(&["pack", "import", ".", "--into", "made", "--json"]).expect(0).json();
    assert_eq!(machine.run(&["pack", "lint", "made"]).expect(0).stdout, "0 errors, 0 warnings.\n");

    let made = machine.root.path().join("made");
    let pack = fs::read_to_string(made.join("pack.yaml")).unwrap();
    assert!(!pack.contains('\u{1b}') && !pack.contains('\u{2028}') && !pack.contains('\u{85}'), "{pack:?}");
    // Every step is one that the import says it made, and no other.
    let plan =
        firstlight_app::preview(&made, "engineer", None, &std::collections::BTreeMap::new()).unwrap().0;
    let said: Vec<&str> =
        view["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect();
    let mut planned: Vec<&str> = plan.plan.steps.iter().map(|step| step.id.as_str()).collect();
    planned.sort_unstable();
    let mut expected = said.clone();
    expected.sort_unstable();
    assert_eq!(planned, expected);
    for step in &plan.plan.steps {
        for command in &step.detail.commands {
            assert!(!command.shell, "{command:?}");
        }
    }
    // The only expressions are ours.
    let computed: Vec<&str> = pack.lines().filter(|line| line.contains("${{")).collect();
    assert!(
        computed
            .iter()
            .all(|line| line.contains("facts.os ==") || line.contains("\"${{ inputs.project }}\"")),
        "{computed:?}"
    );
    assert!(!pack.contains("cwd: \"${{ inputs.project }}\""), "nothing here is in a project: {pack}");
    let list = fs::read_to_string(made.join("not-carried-over.md")).unwrap();
    assert!(!list.contains('\u{1b}'), "{list:?}");
    assert!(Path::new(&made).join("pack.schema.json").exists());
}
