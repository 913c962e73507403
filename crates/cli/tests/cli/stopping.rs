//! Being stopped, politely or not, and going on.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use firstlight_testkit::PackFolder;
use serde_json::Value;

use crate::machine::{Machine, Ran, processes_with, signal, until};

/// A number of seconds that no other process sleeps for, so that ours are told apart.
fn seconds() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("9{:07}{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A step that is done once, then one that hangs (with a child that left its session) until `go` is there.
fn pack(seconds: &str) -> PackFolder {
    PackFolder::with_steps(
        &["once", "long"],
        &format!(
            "  once: {{ title: Do it once, follow-up: Tell your team., run: [sh, -c, 'echo done >> \"$0\"-once', '${{{{ inputs.place }}}}'] }}
  long:
    title: Take long
    needs: [once]
    shell: true
    env: {{ PLACE: '${{{{ inputs.place }}}}' }}
    check: ['test -e $PLACE-long']
    run: ['test -e $PLACE-go && touch $PLACE-long && exit 0; (setsid sleep {seconds} &); (trap \"\" TERM; sleep {seconds}) & touch $PLACE-begun; sleep {seconds}']
    first-value: true"
        ),
    )
}

struct Going {
    machine: Machine,
    pack: PackFolder,
    seconds: String,
    child: Child,
}

/// `up`, in the middle of the long step.
fn going(more: &[&str]) -> Going {
    let (machine, seconds) = (Machine::new(), seconds());
    let pack = pack(&seconds);
    let mut args = vec!["--yes"];
    args.extend(more);
    let child = machine.command_on(&pack, "up", &args).spawn().unwrap();
    until("the step has begun", || machine.root.path().join("place-begun").exists());
    let sleeps = format!("sleep {seconds}");
    until("its processes run", || processes_with(&sleeps).iter().any(|line| line.starts_with("sleep")));
    Going { machine, pack, seconds, child }
}

impl Going {
    fn ended(self) -> (Machine, PackFolder, String, Ran) {
        let ran = Ran::of(self.child.wait_with_output().unwrap());
        (self.machine, self.pack, self.seconds, ran)
    }
}

/// What was begun is finished, and what was done is not done again.
fn goes_on(machine: &Machine, pack: &PackFolder) {
    fs::write(machine.root.path().join("place-go"), "").unwrap();
    machine.on(pack, "up", &["--yes"]).expect(0);
    assert_eq!(fs::read_to_string(machine.root.path().join("place-once")).unwrap(), "done\n");
    let check = machine.run(&["journal", "verify", "--json"]).expect(0).json();
    assert_eq!(check["ok"], true);
}

#[test]
fn e3_ctrl_c_and_a_polite_kill_stop_cleanly_and_say_how_to_go_on() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let going = going(&[]);
        signal(&going.child, name);
        let (machine, pack, seconds, ran) = going.ended();
        let ran = ran.expect(code);
        assert_eq!(processes_with(&seconds).len(), 0, "{name} left {:?}", processes_with(&seconds));
        assert!(
            ran.stdout.contains("Stopped. Nothing is lost: run the same command to go on."),
            "{}",
            ran.stdout
        );
        let left = "Left for you to do:\n  • Tell your team. (once)\n";
        assert!(ran.stdout.contains(left), "what was changed before counts: {}", ran.stdout);
        let status = machine.run(&["status", "--json"]).expect(0).json();
        assert_eq!(status["steps"][1]["state"], "ready", "{name}");
        goes_on(&machine, &pack);
    }
}

#[test]
fn a_stopped_run_ends_its_json_with_finished() {
    let going = going(&["--json"]);
    signal(&going.child, "TERM");
    let (_, _, _, ran) = going.ended();
    let last = ran.expect(143).lines().pop().unwrap();
    assert_eq!(
        (&last["type"], &last["ok"], &last["cancelled"]),
        (&"finished".into(), &false.into(), &true.into())
    );
}

#[test]
fn f2_a_run_that_was_killed_leaves_no_process_and_goes_on_where_it_was() {
    let mut going = going(&[]);
    going.child.kill().unwrap();
    let (machine, pack, seconds, ran) = going.ended();
    ran.expect(137);
    until("the guard ended what the run had started", || {
        processes_with(&format!("sleep {seconds}")).is_empty()
    });
    goes_on(&machine, &pack);
}

#[test]
fn e3_a_check_that_hangs_is_ended_too() {
    let (machine, seconds) = (Machine::new(), seconds());
    let pack = PackFolder::with_steps(
        &["look"],
        &format!("  look: {{ title: Look, check: [sleep, '{seconds}'], run: ['true'], first-value: true }}"),
    );
    for command in ["plan", "up"] {
        let more: &[&str] = if command == "up" { &["--yes"] } else { &[] };
        let child = machine.command_on(&pack, command, more).spawn().unwrap();
        let sleeps = format!("sleep {seconds}");
        until("the check runs", || processes_with(&sleeps).iter().any(|line| line.starts_with("sleep")));
        signal(&child, "INT");
        Ran::of(child.wait_with_output().unwrap()).expect(130);
        assert_eq!(processes_with(&sleeps).len(), 0, "{command}");
    }
}

#[test]
fn e3_a_check_of_a_killed_run_is_ended_too() {
    let (machine, seconds) = (Machine::new(), seconds());
    // Answers the plan, and hangs in the run.
    let pack = PackFolder::with_steps(
        &["look"],
        &format!(
            "  look:
    title: Look
    check: [sh, -c, 'test -e \"$0\" && exec sleep {seconds}; touch \"$0\"; exit 1', '${{{{ inputs.place }}}}']
    run: ['true']
    first-value: true"
        ),
    );
    let mut child = machine.command_on(&pack, "up", &["--yes"]).spawn().unwrap();
    let sleeps = format!("sleep {seconds}");
    let running = || processes_with(&sleeps).iter().any(|line| line.starts_with("sleep"));
    until("the check of the run hangs", running);
    child.kill().unwrap();
    child.wait().unwrap();
    until("the guard ended it", || !running());
}

#[test]
fn f7_a_second_one_says_so_and_reading_goes_on() {
    let going = going(&[]);
    let error = going.machine.on(&going.pack, "up", &["--yes", "--json"]).error();
    assert_eq!(error["code"], "already_running");
    let status: Value = going.machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["steps"][1]["state"], "running");
    signal(&going.child, "TERM");
    let (machine, pack, _, ran) = going.ended();
    ran.expect(143);
    goes_on(&machine, &pack);
}

/// A process and all that came of it.
fn family(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let of_threads =
        threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    let children: BTreeSet<u32> = of_threads
        .flat_map(|ids| ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    children.into_iter().flat_map(family).chain([process]).collect()
}

/// The nearest to a machine that sleeps: everything stands still, and goes on some seconds later.
#[test]
fn a_run_that_stood_still_goes_on_where_it_was() {
    let pack = PackFolder::with_steps(
        &["mail", "built"],
        "  mail: { title: Send a mail, shell: true, env: { P: '${{ inputs.place }}' },
          run: ['echo once >> $P-mail; sleep 1; echo twice >> $P-mail'] }
  built: { title: Build, needs: [mail], timeout: 20s, shell: true, env: { P: '${{ inputs.place }}' },
           check: ['test -e $P-built'], run: ['sleep 0.2; touch $P-built'], first-value: true }",
    );
    let machine = Machine::new();
    let child = machine.command_on(&pack, "up", &["--yes", "--json"]).spawn().unwrap();
    let mail = machine.root.path().join("place-mail");
    until("the step has begun", || mail.exists());
    let all: Vec<String> = family(child.id()).iter().map(ToString::to_string).collect();
    assert!(all.len() >= 2, "{all:?}");
    for name in ["STOP", "CONT"] {
        let sent = Command::new("kill").args(["-s", name]).args(&all).status().unwrap();
        assert!(sent.success());
        if name == "STOP" {
            thread::sleep(Duration::from_secs(3));
            assert_eq!(fs::read_to_string(&mail).unwrap(), "once\n", "it stands still");
        }
    }
    let ran = Ran::of(child.wait_with_output().unwrap()).expect(0);
    let finished = ran.lines().pop().unwrap();
    assert_eq!((&finished["type"], &finished["ok"]), (&"finished".into(), &true.into()));
    assert_eq!(fs::read_to_string(&mail).unwrap(), "once\ntwice\n");
    let check = machine.run(&["journal", "verify", "--json"]).expect(0).json();
    assert_eq!(check["ok"], true);
    machine.on(&pack, "plan", &["--detailed-exitcode"]).expect(0);
    assert_eq!(fs::read_to_string(&mail).unwrap(), "once\ntwice\n");
}
