//! What a person hands to whoever helps them.

use std::fs;

use firstlight_testkit::PackFolder;

use crate::machine::Machine;

const SECRET: &str = "zq7-helped-R4f9Lw2x";

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["token", "fine", "use"],
        "  token: { title: Your token, uses: credential, with: { name: acme-token } }
  fine: { title: Be fine, run: ['true'] }
  use:
    title: Use it
    needs: [token]
    run: [sh, -c, 'echo at $HOME with $TOKEN; echo the reason >&2; exit 3']
    secrets: { env: { TOKEN: acme-token } }
    first-value: true
policy:
  capabilities: { secrets: [acme-token] }",
    )
}

#[test]
fn c5_a_help_bundle_says_what_is_wrong_and_nothing_that_is_private() {
    let (machine, pack) = (Machine::with_keychain(), pack());
    let folder = pack.path().to_str().unwrap();
    machine
        .run_with_input(&["credential", "set", "acme-token", "--pack", folder], &format!("{SECRET}\n"))
        .expect(0);
    machine.on(&pack, "up", &["--yes"]).expect(1);

    let shown = machine.run(&["help-bundle"]).expect(0).stdout;
    for wanted in
        ["# Help for Firstlight", "- Keychain (fine)", "- Be fine (`fine`, command): done", "## `use` failed"]
    {
        assert!(shown.contains(wanted), "{wanted} is not in:\n{shown}");
    }
    assert!(shown.contains("    at ~ with ‹acme-token ***›") && shown.contains("    the reason"), "{shown}");
    assert!(!shown.contains(SECRET) && !shown.contains(&machine.home().display().to_string()), "{shown}");
    assert!(!machine.root.path().join("firstlight-help.md").exists(), "shown to nobody, it is not written");

    machine.run(&["help-bundle", "--yes"]).expect(0);
    let written = machine.root.path().join("firstlight-help.md");
    assert!(fs::read_to_string(&written).unwrap().contains("## `use` failed"));
    fs::write(&written, "mine").unwrap();
    let refused = machine.run(&["help-bundle", "--yes"]).expect(1);
    assert!(refused.stderr.contains("--out"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&written).unwrap(), "mine");
}

#[test]
fn before_a_journey_there_is_the_machine_to_tell_of() {
    let machine = Machine::new();
    let shown = machine.run(&["help-bundle"]).expect(0).stdout;
    assert!(shown.contains("## The machine") && shown.contains("## What the doctor says"), "{shown}");
    assert!(shown.contains("- Keychain (bad): "), "{shown}");
}
