//! What people read, in a pipe: plain lines, no colours, times in their zone. The snapshots are the review.

use firstlight_testkit::PackFolder;

use crate::machine::{Machine, token_pack};

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["welcome", "folder", "settings", "answer", "manager"],
        "
  welcome: { title: Read the welcome, uses: read, with: { text: Hello } }
  folder:
    title: Make the folder
    needs: [welcome]
    estimate: 2m
    check: [test, -d, '${{ inputs.place }}/made']
    run: [mkdir, -p, '${{ inputs.place }}/made']
  settings:
    title: Write the settings
    needs: [folder]
    uses: file
    with: { path: '${{ inputs.place }}/settings.toml', content: \"colour = 'green'\\n\" }
  answer:
    title: See it answer
    needs: [settings]
    shell: true
    check: ['test -f \"$PLACE/made/answer\"']
    run: ['touch \"$PLACE/made/answer\"']
    env: { PLACE: '${{ inputs.place }}' }
    first-value: true
  manager: { title: Meet your manager, uses: request, owner: your manager, sla: 2 days, with: { text: Say hello } }
policy:
  capabilities: { paths: ['${{ inputs.place }}'] }
",
    )
}

/// What differs from run to run, and nothing else.
const MOVING: [(&str, &str); 4] = [
    (r"/logs/[0-9a-f-]{36}/", "/logs/[RUN]/"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "[LOCAL TIME]"),
    (r"\b\d+ s\b", "[SECONDS]"),
    (r"(automatic|hands-on|away|failing|waiting for others) +█+ .*", "$1 [BAR]"),
];

fn same(name: &str, text: &str) {
    assert!(!text.contains('\u{1b}'), "colours in a pipe: {text:?}");
    insta::with_settings!({ filters => MOVING, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_first_day_reads_well_from_plan_to_report() {
    let (machine, pack) = (Machine::new(), pack());
    let plain = |text: &str| machine.plain(text, &pack);
    same("plan", &plain(&machine.on(&pack, "plan", &[]).expect(0).stdout));

    let up = machine.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(up.stderr, "");
    // What does not depend on each other may come in any order.
    let manager = "  … Meet your manager: waiting for your manager\n";
    assert!(up.stdout.contains(manager), "{}", up.stdout);
    same("up", &plain(&up.stdout.replacen(manager, "", 1)));

    same("plan_when_all_is_fine_but_one", &plain(&machine.on(&pack, "plan", &[]).expect(0).stdout));
    same("status", &plain(&machine.run(&["status"]).expect(0).stdout));
    let report = machine.run(&["report"]).expect(0).stdout;
    // How the second was spent is a matter of the machine.
    let headline: Vec<&str> = report.lines().take(2).collect();
    same("report", &plain(&headline.join("\n")));
    let check = machine.run(&["journal", "verify"]).expect(0).stdout;
    assert!(
        check.contains("records, each as it was written;") && check.contains("not yet anchored."),
        "{check}"
    );
}

#[test]
fn nothing_to_do_is_said_in_one_line() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["one", "two"],
        "  one: { title: One, check: ['true'], run: ['false'] }
  two: { title: Two, check: ['true'], run: ['false'], first-value: true }",
    );
    let plan = machine.on(&pack, "plan", &[]).expect(0).stdout;
    assert!(plan.starts_with("Nothing to do: all 2 steps are already fine.\n"), "{plan}");
    let first = machine.on(&pack, "up", &[]).expect(0).stdout;
    assert!(first.starts_with("Nothing to do: all 2 steps are already fine.\n"), "{first}");
    assert!(first.contains("First light"), "{first}");
    let again = machine.on(&pack, "up", &[]).expect(0).stdout;
    let lines: Vec<&str> = again.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 2, "{again}");
    assert_eq!(lines[0], "Nothing to do: all 2 steps are already fine.");
    assert!(lines[1].contains("to first value, Two"), "{again}");
}

#[test]
fn a_failed_step_says_why_how_its_log_ended_and_what_comes_next() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["fetch", "build"],
        "  fetch: { title: Fetch it, run: [sh, -c, 'echo looking; echo nothing there; exit 3'] }
  build: { title: Build it, needs: [fetch], run: ['true'], first-value: true }",
    );
    let up = machine.on(&pack, "up", &["--yes"]).expect(1);
    let after_plan = up.stdout.split_once("▸").unwrap().1.to_owned();
    same("up_with_a_failure", &machine.plain(&format!("  ▸{after_plan}"), &pack));
    let status = machine.run(&["status"]).expect(0).stdout;
    assert!(status.contains("mend “Fetch it”"), "{status}");
}

#[test]
fn a_credential_nobody_types_and_one_that_is_made() {
    let machine = Machine::with_keychain();
    let pack = PackFolder::with_steps(
        &["token", "passphrase", "use"],
        "  token: { title: Your token, uses: credential, with: { name: acme-token, title: Access token } }
  passphrase:
    title: A passphrase
    uses: credential
    with: { name: passphrase, title: Passphrase of your service, generate: { length: 24 } }
  use: { title: Use it, needs: [token], run: ['true'], first-value: true }
policy:
  capabilities: { secrets: [acme-token, passphrase] }",
    );
    // One is asked for, the other is made: only one is announced.
    same("plan_with_credentials", &machine.plain(&machine.on(&pack, "plan", &[]).expect(0).stdout, &pack));
    let up = machine.on(&pack, "up", &["--yes"]).expect(1).stdout;
    assert!(up.contains("`firstlight credential set acme-token` on standard input"), "{up}");
    assert!(up.contains("waiting for you: Your token (token)"), "{up}");
}

#[test]
fn a_refused_credential_says_why_and_how_its_test_ended() {
    let machine = Machine::with_keychain();
    let pack = token_pack("read -r got; echo looking up $got; echo it was revoked; exit 4");
    let set = ["credential", "set", "acme-token", "--pack", pack.path().to_str().unwrap()];
    let refused = machine.run_with_input(&set, "token-of-last-year\n").expect(1);
    same("credential_refused", &machine.plain(&refused.stderr, &pack));
}

#[test]
fn times_are_in_the_zone_of_the_person() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let clock = |zone: &str| {
        let report = machine.command(&["report"]).env("TZ", zone).output().unwrap();
        let text = String::from_utf8(report.stdout).unwrap();
        let words = text.lines().nth(1).unwrap().split_once(" on ").unwrap().1;
        words.split(',').next().unwrap().replace(' ', "T").parse::<jiff::civil::DateTime>().unwrap()
    };
    let apart = clock("TST-5").duration_since(clock("UTC"));
    assert_eq!(apart, jiff::SignedDuration::from_hours(5));
}

#[test]
fn the_report_is_a_page_of_its_own() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let file = machine.root.path().join("report.html");
    machine.run(&["report", "--html", file.to_str().unwrap()]).expect(0);
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!doctype html>"));
    assert!(page.contains("See it answer"));
    for remote in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!page.contains(remote), "the page reaches out: {remote}");
    }
    machine.run(&["report", "--html", "/nowhere/at/all.html"]).expect(1);
}

#[test]
fn colours_are_only_for_those_who_see_them() {
    let (machine, pack) = (Machine::new(), pack());
    // Asked for, they are there: so the pipes above show that they are left out.
    let mut forced = machine.command_on(&pack, "plan", &[]);
    let forced = forced.env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b), "no colours at all");
    let mut refused = machine.command_on(&pack, "plan", &[]);
    let refused = refused.env("NO_COLOR", "1").output().unwrap();
    assert!(!refused.stdout.contains(&0x1b));
}
