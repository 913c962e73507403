//! Files that are the person's own: planned as a diff, changed in a few places, given back.

use std::fs;

use firstlight_testkit::PackFolder;
use serde_json::json;

use crate::machine::Machine;

const STEPS: &str = "
  proxy:
    title: Reach the servers
    uses: file
    with: { path: '${{ inputs.place }}/config', block: \"Host *.acme.test\\n  ProxyJump bastion\" }
  editor:
    title: Set up the editor
    uses: file
    with:
      path: ${{ inputs.place }}/settings.json
      merge: { editor.tabSize: 2, files: { eol: \"\\n\", where: '${{ facts.os }}' } }
  linter:
    title: Set up the linter
    uses: file
    with: { path: '${{ inputs.place }}/settings.json', merge: { lint: { strict: true } } }
  service:
    title: Describe your service
    uses: file
    first-value: true
    with:
      path: ${{ inputs.place }}/service.yaml
      template: templates/service.yaml
      values: { name: orders, ports: [8080, 8081] }";

const SETTINGS: &str =
    "{\n  // How wide\n  \"editor.tabSize\": 8, // old habit\n  \"files\": { \"trim\": true }\n}\n";

fn pack() -> PackFolder {
    let pack = PackFolder::with_steps(&["proxy", "editor", "linter", "service"], STEPS);
    fs::create_dir(pack.join("templates")).unwrap();
    let template = "name: ${{ name }}\nports:\n{% for port in ports %}\n  - ${{ port }}\n{% endfor %}\n";
    fs::write(pack.join("templates/service.yaml"), template).unwrap();
    pack
}

#[test]
fn e6_a_file_of_the_person_is_shown_changed_in_its_places_and_given_back() {
    let (machine, pack) = (Machine::new(), pack());
    assert_eq!(
        machine.run(&["pack", "lint", pack.path().to_str().unwrap()]).expect(0).stdout,
        "0 errors, 0 warnings.\n"
    );
    let place = machine.place();
    fs::create_dir(&place).unwrap();
    fs::write(place.join("config"), "Host mine\n  User ada").unwrap();
    fs::write(place.join("settings.json"), SETTINGS).unwrap();
    let read = |name: &str| fs::read_to_string(place.join(name)).unwrap();

    let plan = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(2).json();
    assert_eq!(plan["summary"], json!({ "will_change": 4, "ok": 0, "unknown": 0, "blocked": 0 }));
    let diff = plan["steps"][1]["detail"]["files"][0]["diff"].as_str().unwrap();
    for line in [
        "   // How wide\n",
        "-  \"editor.tabSize\": 8, // old habit\n",
        "+  \"editor.tabSize\": 2, // old habit\n",
    ] {
        assert!(diff.contains(line), "{diff}");
    }
    assert_eq!(read("settings.json"), SETTINGS, "a plan changes nothing");

    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(
        read("config"),
        "Host mine\n  User ada\n# >>> firstlight: proxy >>>\nHost *.acme.test\n  ProxyJump bastion\n# <<< firstlight: proxy <<<\n"
    );
    let settings = read("settings.json");
    for kept in [
        "  // How wide\n",
        "2, // old habit\n",
        "\"trim\": true, \"eol\": \"\\n\", \"where\": \"linux\" }",
        "\"strict\": true",
    ] {
        assert!(settings.contains(kept), "both steps changed it, one after the other: {settings}");
    }
    assert_eq!(read("service.yaml"), "name: orders\nports:\n  - 8080\n  - 8081\n");
    let again = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(0).json();
    assert_eq!(again["summary"], json!({ "will_change": 0, "ok": 4, "unknown": 0, "blocked": 0 }));

    // One of two is taken back, and the other's change stays; then the rest.
    machine.run(&["undo", "--step", "editor"]).expect(0);
    let settings = read("settings.json");
    assert!(
        settings.contains("\"editor.tabSize\": 8, // old habit\n") && settings.contains("strict"),
        "{settings}"
    );
    assert!(settings.contains("\"files\": { \"trim\": true }"), "{settings}");
    machine.run(&["undo", "--all"]).expect(0);
    assert_eq!(read("settings.json"), SETTINGS);
    assert_eq!(read("config"), "Host mine\n  User ada");
    assert!(!place.join("service.yaml").exists());
    assert_eq!(fs::read_dir(&place).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn lint_says_what_is_wrong_with_a_template_and_with_fields() {
    let machine = Machine::new();
    let says = |from: &str, to: &str| {
        let pack = pack();
        let yaml = fs::read_to_string(pack.join("pack.yaml")).unwrap();
        assert!(yaml.contains(from), "{from}");
        fs::write(pack.join("pack.yaml"), yaml.replacen(from, to, 1)).unwrap();
        let ran = machine.run(&["pack", "lint", pack.path().to_str().unwrap(), "--json"]);
        assert_eq!(ran.code, 1, "{to} was fine");
        ran.json()["problems"][0]["message"].as_str().unwrap().to_owned()
    };
    for (said, from, to) in [
        ("`ports` is not among `values`", "ports: [8080, 8081]", "port: 8080"),
        (
            "no file `templates/other.yaml` in the pack",
            "template: templates/service.yaml",
            "template: templates/other.yaml",
        ),
        ("more than one of", "merge: { lint", "content: x, merge: { lint"),
        ("does not tell how it is written", "settings.json', merge: { lint", "settings', merge: { lint"),
        (
            "too deep: INI has sections",
            "settings.json', merge: { lint: { strict: true",
            "a.ini', merge: { lint: { strict: { a: 1 }",
        ),
    ] {
        let message = says(from, to);
        assert!(message.contains(said), "{message}");
    }
}
