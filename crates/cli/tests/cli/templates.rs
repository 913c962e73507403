//! `firstlight templates drift`, and what `status` says of it.

use std::{fs, path::Path};

use firstlight_testkit::{PackFolder, releases::Repository};
use jiff::Timestamp;
use serde_json::Value;

use crate::{machine::Machine, receiving::enroll};

const STEPS: &str = "
  service:
    title: Make your first service
    uses: scaffold
    with:
      template: templates/service
      into: ~/orders
      values: { name: orders }
  look: { title: Look at it, uses: confirm, first-value: true, with: { text: Seen? } }";

fn template(version: &str) -> String {
    format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\n\
         metadata: {{ name: service, annotations: {{ backstage.io/template-version: \"{version}\" }} }}\n\
         spec:\n  parameters: {{ required: [name], properties: {{ name: {{ type: string }} }} }}\n  steps:\n    \
         - {{ id: make, name: Make it, action: fetch:template, input: {{ url: ./skeleton, values: {{ name: \"${{{{ parameters.name }}}}\" }} }} }}\n"
    )
}

fn write(root: &Path, version: &str, words: &str) {
    let folder = root.join("templates/service");
    fs::create_dir_all(folder.join("skeleton")).unwrap();
    fs::write(folder.join("template.yaml"), template(version)).unwrap();
    fs::write(folder.join("skeleton/README.md"), words).unwrap();
}

fn made() -> (Machine, PackFolder) {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(&["service", "look"], STEPS);
    write(pack.path(), "1.0.0", "# ${{ values.name }}\n");
    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert!(machine.home().join("orders/README.md").is_file());
    (machine, pack)
}

fn drift(machine: &Machine, more: &[&str], code: i32) -> Value {
    let words = [&["templates", "drift", "--json", "--detailed-exitcode"], more].concat();
    machine.run(&words).expect(code).json()["projects"].clone()
}

#[test]
fn a_project_is_told_apart_from_its_template_and_never_touched() {
    let (machine, pack) = made();
    let project = drift(&machine, &[], 0)[0].clone();
    let path = machine.home().join("orders").display().to_string();
    assert_eq!(project["path"], path.as_str());
    assert_eq!((&project["state"], &project["version"]), (&"current".into(), &"1.0.0".into()));
    assert!(!machine.run(&["status"]).expect(0).stdout.contains("templates drift"));

    // The pack's folder was edited: the older template is nowhere any more.
    write(pack.path(), "2.0.0", "# ${{ values.name }}\nnewer\n\u{1b}[2Jhostile\n");
    let kept = machine.kept();
    let project = drift(&machine, &[], 2)[0].clone();
    assert_eq!((&project["state"], &project["now"]), (&"drifted".into(), &"2.0.0".into()));
    assert_eq!(project["against"], "files_as_they_are");
    assert!(project["changes"][0]["diff"].as_str().unwrap().contains("+newer"), "{project}");
    let status = machine.run(&["status"]).expect(0).stdout;
    assert!(status.contains("changed since: `firstlight templates drift` shows it."), "{status}");
    let said = machine.run(&["templates", "drift"]).expect(0).stdout;
    assert!(said.contains("(service; service 1.0.0)\n  The template is 2.0.0 now."), "{said}");
    assert!(said.contains("not on this machine any more, so it is compared with your files"), "{said}");
    assert!(said.contains("    README.md\n") && !said.contains("+newer"), "{said}");
    let diff = machine.run(&["templates", "drift", "--diff"]).expect(0).stdout;
    assert!(diff.contains("+newer\n") && diff.contains("+\u{fffd}[2Jhostile\n"), "{diff}");
    assert_eq!(machine.kept(), kept, "looking records nothing");
    assert_eq!(fs::read_to_string(machine.home().join("orders/README.md")).unwrap(), "# orders\n");

    // With the folder of the older pack named, that is what is at hand.
    let older = tempfile::tempdir().unwrap();
    fs::copy(pack.join("pack.yaml"), older.path().join("pack.yaml")).unwrap();
    write(older.path(), "1.0.0", "# ${{ values.name }}\n");
    assert_eq!(drift(&machine, &["--pack", older.path().to_str().unwrap()], 0)[0]["state"], "current");

    fs::rename(machine.home().join("orders"), machine.home().join("moved")).unwrap();
    assert_eq!(drift(&machine, &[], 0)[0]["state"], "gone");
    let said = machine.run(&["templates", "drift"]).expect(0).stdout;
    assert!(said.contains("It is not there any more: it was deleted or moved."), "{said}");
}

#[test]
fn a_release_that_was_received_is_compared_with_the_one_that_made_the_project() {
    let machine = Machine::new();
    let mut repository = Repository::empty(Timestamp::now());
    let yaml = |version: &str| {
        let pack = PackFolder::with_steps(&["service", "look"], STEPS);
        let yaml = fs::read_to_string(pack.join("pack.yaml")).unwrap();
        yaml.replace("name: test, version: 1.0.0", &format!("name: acme, version: {version}"))
    };
    let release = |repository: &mut Repository, version: &str, words: &str| {
        let files = [
            ("pack.yaml", yaml(version)),
            ("templates/service/template.yaml", template(version)),
            ("templates/service/skeleton/README.md", words.to_owned()),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        repository.release(version, &files);
        repository.publish();
    };
    release(&mut repository, "1.0.0", "# ${{ values.name }}\nold\n");
    enroll(&machine, &repository).expect(0);
    machine.run(&["up", "--yes"]).expect(0);
    fs::write(machine.home().join("orders/README.md"), "all mine\n").unwrap();
    assert_eq!(drift(&machine, &[], 0)[0]["state"], "current");

    release(&mut repository, "1.1.0", "# ${{ values.name }}\nnew\n");
    machine.run(&["update"]).expect(0);
    let project = drift(&machine, &[], 2)[0].clone();
    assert_eq!((&project["now"], &project["against"]), (&"1.1.0".into(), &"older_template".into()));
    let diff = project["changes"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("-old\n+new\n") && !diff.contains("mine"), "{diff}");
    assert!(machine.run(&["status"]).expect(0).stdout.contains("`firstlight templates drift`"));
}

#[test]
fn without_projects_there_is_nothing_to_say() {
    let machine = Machine::new();
    assert_eq!(drift(&machine, &[], 0), serde_json::json!([]));
    let said = machine.run(&["templates", "drift"]).expect(0).stdout;
    assert_eq!(said, "No template has made a project on this machine.\n");
}
