//! `firstlight pack diff` and `preview`: what a release changes, and how somebody else would meet it.

use firstlight_testkit::PackFolder;

use crate::machine::Machine;

const OLD: &str = r#"apiVersion: firstlight.dev/v1
kind: Pack
metadata: { name: acme, version: 3.2.0, title: Welcome to Acme, owner: platform }
inputs:
  workspace: { title: Where your code lives, default: ~/src }
personas:
  backend: { title: Backend engineer }
  qa: { title: QA engineer }
checklists:
  backend:
    stages:
      - { id: day-1, title: Day one, steps: [welcome, git, clone, build] }
      - { id: week-1, title: Week one, steps: [docker] }
  qa:
    stages:
      - { id: day-1, title: Day one, steps: [welcome, check] }
steps:
  welcome: { title: Read the welcome, uses: read, with: { doc: docs/welcome.md } }
  git: { title: Install Git, uses: package, with: { apt: git, dnf: git, brew: git, winget: Git.Git } }
  clone: { title: Clone orders, needs: [git], uses: git/clone, with: { url: "https://git.acme.test/orders.git", into: "${{ inputs.workspace }}/orders" } }
  build: { title: Build it, needs: [clone], check: [test, -x, target/orders], run: [cargo, build], first-value: true }
  docker: { title: Look at Docker, run: [docker, version] }
  check: { title: Run the tests, run: ['true'], first-value: true }
surveys:
  way:
    title: Your way
    audience: Your platform team.
    ask: [first-value]
    questions:
      easy: { kind: ces, text: It was easy to begin. }
  mood: { title: Your mood, audience: Your platform team., ask: [day 7], questions: { how: { kind: csat, text: How are you? } } }
policy:
  capabilities: { elevation: true, hosts: [git.acme.test] }
"#;

const NEW: &str = r#"apiVersion: firstlight.dev/v1
kind: Pack
metadata: { name: acme, version: 3.3.0, title: Welcome to Acme, owner: platform }
inputs:
  workspace: { title: Where your code lives, default: ~/src }
  team: { title: Which team you joined }
personas:
  backend: { title: Backend engineer }
  qa: { title: QA engineer }
checklists:
  backend:
    stages:
      - { id: day-1, title: Day one, steps: [welcome, git, vpn, clone, build, serve] }
      - { id: week-1, title: Week one, steps: [shell] }
  qa:
    stages:
      - { id: day-1, title: Day one, steps: [welcome, check] }
steps:
  welcome: { title: Read the welcome, uses: read, with: { doc: docs/welcome.md } }
  git: { title: Install Git and nothing else, uses: package, with: { apt: git, dnf: git, brew: git, winget: Git.Git } }
  clone: { title: Clone orders, needs: [git, vpn], uses: git/clone, with: { url: "https://git.acme.test/orders.git", into: "${{ inputs.workspace }}/orders" } }
  build: { title: Build it, needs: [clone], check: [test, -x, target/orders], run: [cargo, build, --release] }
  serve: { title: See it answer, needs: [build], run: [curl, -f, http://127.0.0.1:8080], first-value: true }
  vpn: { title: Ask for VPN access, uses: request, owner: it-helpdesk, sla: 4 business hours, with: { text: Ask IT }, probe: { http: 'https://vpn.acme.test/ping' } }
  shell: { title: Set up your shell, uses: file, elevation: elevated, with: { path: ~/.acmerc, content: 'x' } }
  check: { title: Run the tests, run: ['true'], first-value: true }
surveys:
  way:
    title: Your way
    audience: Your platform team.
    ask: [first-value, on-demand]
    questions:
      easy: { kind: ces, text: It was easy to begin. }
      why: { kind: text, text: What held you up?, show-if: { question: easy, at-most: 4 } }
  vpn:
    title: The new VPN
    audience: Your platform team and the network team.
    ask: [after vpn, day 30]
    personas: [backend]
    if: ${{ inputs.team == 'payments' }}
    even-if-asked-lately: The network is being rebuilt this week.
    questions:
      recommend: { kind: nps, platform: the new VPN }
policy:
  capabilities: { elevation: true, hosts: [git.acme.test, vpn.acme.test] }
"#;

fn release(yaml: &str, welcome: &str) -> PackFolder {
    let pack = PackFolder::new(yaml);
    std::fs::create_dir(pack.join("docs")).unwrap();
    std::fs::write(pack.join("docs/welcome.md"), welcome).unwrap();
    pack
}

fn arg(pack: &PackFolder) -> &str {
    pack.path().to_str().unwrap()
}

#[test]
fn a_diff_says_what_changes_for_whom_and_what_is_newly_allowed() {
    let machine = Machine::new();
    let (old, new) = (release(OLD, "Hello"), release(NEW, "Hello there"));
    for pack in [&old, &new] {
        machine.run(&["pack", "lint", arg(pack)]).expect(0);
    }
    let said = machine.run(&["pack", "diff", arg(&old), arg(&new)]).expect(0).stdout;
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("diff", said);
    });

    let json = machine.run(&["pack", "diff", arg(&old), arg(&new), "--json"]).expect(0).json();
    assert_eq!(json["is_update"], true);
    let backend = json["personas"].as_array().unwrap().iter().find(|one| one["id"] == "backend").unwrap();
    let of = |id: &str| backend["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap();
    assert_eq!(of("git")["looked_at_again"], false, "words only");
    assert_eq!(of("welcome")["aspects"], serde_json::json!(["files"]));
    assert_eq!(of("docker")["fate"], "gone");
    let hosts: Vec<_> =
        json["powers"].as_array().unwrap().iter().filter(|power| power["power"] == "host").collect();
    assert_eq!(hosts.len(), 1, "{json}");
    assert_eq!(hosts[0]["what"], "vpn.acme.test");
    let surveys: Vec<_> = json["surveys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|survey| (&survey["survey"]["id"], &survey["fate"]))
        .collect();
    let is = |id: &str, fate: &str| (serde_json::Value::from(id), serde_json::Value::from(fate));
    let wanted = [is("way", "stays"), is("vpn", "new"), is("mood", "gone")];
    assert!(surveys.into_iter().eq(wanted.iter().map(|(id, fate)| (id, fate))), "{json}");
    assert_eq!(json["surveys"][0]["aspects"], serde_json::json!(["when", "questions"]));
}

#[test]
fn the_same_release_changes_nothing_and_an_older_one_is_no_update() {
    let machine = Machine::new();
    let (old, new) = (release(OLD, "Hello"), release(NEW, "Hello"));
    let said = machine.run(&["pack", "diff", arg(&old), arg(&old)]).expect(0).stdout;
    assert!(said.contains("Nothing changes for anybody."), "{said}");
    let said = machine.run(&["pack", "diff", arg(&new), arg(&old)]).expect(0).stdout;
    assert!(said.contains("Nobody would take this for an update"), "{said}");
    let broken = PackFolder::new("apiVersion: firstlight.dev/v1\nkind: Pack\n");
    machine.run(&["pack", "diff", arg(&old), arg(&broken)]).expect(1);
}

#[test]
fn a_preview_shows_the_checklist_as_on_another_machine_and_looks_at_nothing() {
    let machine = Machine::new();
    let pack = release(NEW, "Hello");
    let facts = machine.root.path().join("mac.yaml");
    std::fs::write(&facts, "os: macos\nuser: ada\n").unwrap();
    let facts = facts.to_str().unwrap();
    let said = machine.run(&["pack", "preview", arg(&pack), "--as", "backend", "--facts", facts]).expect(0);
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("preview", machine.plain(&said.stdout, &pack));
    });
    assert!(!machine.state().exists(), "it keeps nothing");

    let windows = machine.root.path().join("windows.json");
    std::fs::write(&windows, r#"{"os": "windows"}"#).unwrap();
    let windows = windows.to_str().unwrap();
    let json = machine
        .run(&["pack", "preview", arg(&pack), "--as", "qa", "--facts", windows, "--json"])
        .expect(0)
        .json();
    assert_eq!(json["steps"].as_array().unwrap().len(), 2);
    let asked: Vec<_> = json["surveys"].as_array().unwrap().iter().map(|survey| &survey["id"]).collect();
    assert_eq!(asked, ["way"], "the other one is of others");

    let nobody = machine.run(&["pack", "preview", arg(&pack), "--as", "nobody"]).expect(1);
    assert!(nobody.stderr.contains("It has: backend, qa."), "{}", nobody.stderr);
    std::fs::write(machine.root.path().join("bad.yaml"), "os: beos\n").unwrap();
    let bad = machine.root.path().join("bad.yaml");
    let bad = machine
        .run(&["pack", "preview", arg(&pack), "--as", "qa", "--facts", bad.to_str().unwrap()])
        .expect(1);
    assert!(bad.stderr.contains("beos") && bad.stderr.contains("hint"), "{}", bad.stderr);
}
