//! A pack with a template: planned, made, planned again, taken back.

use std::{collections::BTreeMap, fs, path::Path};

use firstlight_testkit::PackFolder;
use serde_json::json;

use crate::machine::Machine;

const TEMPLATE: &str = r#"apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: service, title: A service, annotations: { backstage.io/template-version: "1.0.0" } }
spec:
  parameters:
    - title: About it
      required: [name, port]
      properties:
        name: { type: string, title: Name, pattern: "^[a-z]+$" }
        port: { type: integer, title: Port }
  steps:
    - id: skeleton
      name: Make the skeleton
      action: fetch:template
      input: { url: ./skeleton, values: { name: "${{ parameters.name }}", port: "${{ parameters.port }}" } }
    - id: publish
      name: Publish it
      action: publish:github
      input: { repoUrl: "github.com?owner=acme&repo=${{ parameters.name }}" }
  output:
    remote: ${{ steps.publish.output.remoteUrl }}
"#;

const STEPS: &str = "
  service:
    title: Make your first service
    uses: scaffold
    outputs: [remote]
    with:
      template: templates/service
      into: ${{ inputs.place }}/orders
      values: { name: '${{ inputs.name }}', port: '${{ inputs.port }}' }
      publish: { publish: '${{ inputs.place }}/repositories/orders.git' }
  look:
    title: See that it is there
    needs: [service]
    check: [grep, -q, orders on 8080, '${{ steps.service.outputs.path }}/orders.txt']
    run: ['false']
    first-value: true";

fn pack(steps: &str, template: &str) -> PackFolder {
    let pack = PackFolder::with_steps(&["service", "look"], steps);
    let yaml = fs::read_to_string(pack.join("pack.yaml")).unwrap();
    let inputs = "inputs:\n  name: { type: string, title: Its name, default: orders }\n  port: { type: number, title: Its port, default: 8080 }\n";
    fs::write(pack.join("pack.yaml"), yaml.replace("inputs:\n", inputs)).unwrap();
    let folder = pack.join("templates/service");
    fs::create_dir_all(folder.join("skeleton")).unwrap();
    fs::write(folder.join("template.yaml"), template).unwrap();
    fs::write(folder.join("skeleton/${{ values.name }}.txt"), "${{ values.name }} on ${{ values.port }}\n")
        .unwrap();
    pack
}

fn machine() -> Machine {
    let machine = Machine::new();
    let identity = "[user]\n\tname = Ada\n\temail = ada@example.test\n";
    fs::write(machine.home().join(".gitconfig"), identity).unwrap();
    fs::create_dir(machine.place()).unwrap();
    machine
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        if path.is_dir() {
            found.insert(name, Vec::new());
            found.extend(files(&path));
        } else {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn a_template_is_planned_made_and_taken_back() {
    let (machine, pack) = (machine(), pack(STEPS, TEMPLATE));
    let folder = pack.path().to_str().unwrap();
    assert_eq!(machine.run(&["pack", "lint", folder]).expect(0).stdout, "0 errors, 0 warnings.\n");

    let before = files(&machine.place());
    let plan = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(2).json();
    assert_eq!(files(&machine.place()), before, "a plan changes nothing");
    let step = &plan["steps"][0];
    assert_eq!(step["outcome"], "will_change");
    let reason = step["reason"].as_str().unwrap();
    assert!(
        reason.contains("Make the skeleton (fetch:template), then Publish it (publish:github) by git"),
        "{reason}"
    );
    let file = &step["detail"]["files"][0];
    assert!(file["path"].as_str().unwrap().ends_with("/orders/orders.txt"), "{file}");
    assert!(file["diff"].as_str().unwrap().contains("+orders on 8080"), "{file}");

    machine.on(&pack, "up", &["--yes"]).expect(0);
    let made = machine.place().join("orders");
    assert_eq!(fs::read_to_string(made.join("orders.txt")).unwrap(), "orders on 8080\n");
    assert!(made.join(".git/HEAD").is_file());
    assert!(machine.place().join("repositories/orders.git/HEAD").is_file());
    let again = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(0).json();
    assert_eq!(again["summary"], json!({ "will_change": 0, "ok": 2, "unknown": 0, "blocked": 0 }));

    machine.run(&["undo", "--step", "service"]).expect(0);
    assert_eq!(files(&machine.place()), before, "all of it is gone again");
}

#[test]
fn answers_are_checked_by_the_template() {
    let (machine, pack) = (machine(), pack(STEPS, TEMPLATE));
    let plan = machine
        .on(&pack, "plan", &["--json", "--input", "name=Orders!", "--detailed-exitcode"])
        .expect(1)
        .json();
    assert_eq!(plan["steps"][0]["outcome"], "blocked");
    let reason = plan["steps"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("`name` is `Orders!`, which does not fit the pattern"), "{reason}");
}

#[test]
fn lint_looks_into_the_template() {
    let machine = machine();
    let says = |steps: &str, template: &str| {
        let pack = pack(steps, template);
        let json = machine.run(&["pack", "lint", pack.path().to_str().unwrap(), "--json"]).expect(1).json();
        let problem = &json["problems"][0];
        assert!(problem["line"].as_u64().is_some_and(|line| line > 10), "it is at its place: {problem}");
        problem["message"].as_str().unwrap().to_owned()
    };
    for (said, from, to) in [
        ("step `skeleton` (`fetch:templat`)", "fetch:template\n", "fetch:templat\n"),
        ("did you mean `fetch:template`?", "fetch:template\n", "fetch:templat\n"),
        ("not YAML", "spec:", "spec: ["),
        ("v1beta2", "v1beta3", "v1beta2"),
        ("no folder `templates/service/skeletn`", "./skeleton", "./skeletn"),
        ("`parameter.name` does not exist here", "\"${{ parameters.name }}\"", "\"${{ parameter.name }}\""),
        ("never handed a secret", "\"${{ parameters.name }}\"", "\"${{ secrets.name }}\""),
        ("`owner` is missing", "required: [name, port]", "required: [name, port, owner]"),
    ] {
        let message = says(STEPS, &TEMPLATE.replacen(from, to, 1));
        assert!(message.contains(said), "{message}");
    }
    for (said, from, to) in [
        (
            "the pack has no template `templates/servise/template.yaml`",
            "templates/service",
            "templates/servise",
        ),
        ("does not ask for `nmae`", "values: { name:", "values: { nmae:"),
        ("say where git shall push to instead", "publish: { publish:", "skip: [] #"),
        ("no step `other`", "publish: { publish:", "publish: { other:"),
        ("would start a program", "'${{ inputs.place }}/repositories/orders.git'", "'ext::sh'"),
    ] {
        let message = says(&STEPS.replacen(from, to, 1), TEMPLATE);
        assert!(message.contains(said), "{message}");
    }
}
