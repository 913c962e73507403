//! Machines and a real hub: what happens on the ones is counted on the other, through whatever lies between.

mod network;
mod requests;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use firstlight_testkit::PackFolder;
use serde_json::Value;
use tempfile::TempDir;

use self::network::{Fault, FaultyNetwork};
use crate::{machine::Machine, publishing::Office};

/// A hub of its own, and the program that serves it.
struct Hub {
    folder: TempDir,
    child: Child,
    address: String,
}

impl Hub {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (child, address) = Self::serve(&folder, "127.0.0.1:0");
        Self { folder, child, address }
    }

    fn serve(folder: &TempDir, listen: &str) -> (Child, String) {
        let mut command = Self::program(folder);
        let mut child = command
            .args(["serve", "--listen", listen])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening at http://").expect(&line);
        (child, address.to_owned())
    }

    fn program(folder: &TempDir) -> Command {
        let program = assert_cmd::cargo::cargo_bin!("firstlight").with_file_name("firstlight-hub");
        assert!(program.is_file(), "`cargo build --workspace --bins` makes {}", program.display());
        let mut command = Command::new(program);
        command.args(["--database", &format!("sqlite:{}", folder.path().join("hub.sqlite").display())]);
        command.env("FIRSTLIGHT_HUB_REQUESTS_PER_MINUTE", "1000000").env_remove("RUST_LOG");
        command
    }

    fn code(&self) -> String {
        let made = Self::program(&self.folder).args(["code", "new", "--for", "ada"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap()
    }

    /// Ends it without a word.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Serves again, at the same address.
    fn serve_again(&mut self) {
        (self.child, self.address) = Self::serve(&self.folder, &self.address);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A machine that has joined a hub, and shares.
fn joined(hub: &Hub, address: &str) -> Machine {
    let machine = Machine::with_keychain();
    let joined =
        machine.run_with_input(&["hub", "join", &format!("http://{address}"), "--json"], &hub.code());
    let standing = joined.expect(0).json();
    assert_eq!(
        (&standing["sharing"], &standing["sent"]),
        (&Value::from("paused"), &Value::from(0)),
        "nothing leaves before the person says so"
    );
    let standing = machine.run(&["hub", "sharing", "on", "--json"]).expect(0).json();
    assert_eq!((&standing["sharing"], &standing["sent"]), (&Value::from("on"), &Value::from(1)));
    machine
}

/// A pack of this version whose one step works, or not.
fn pack(version: &str, works: bool) -> PackFolder {
    let run = if works { "true" } else { "exit 1" };
    let pack = PackFolder::with_steps(
        &["proxy"],
        &format!(
            "  proxy:
    title: Set the proxy
    uses: command
    first-value: true
    with: {{ run: [sh, -c, '{run}'] }}"
        ),
    );
    let path = pack.join("pack.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let named = "name: test, version: 1.0.0";
    assert!(text.contains(named), "{text}");
    std::fs::write(&path, text.replacen(named, &format!("name: acme, version: {version}"), 1)).unwrap();
    pack
}

fn standing(machine: &Machine) -> Value {
    machine.run(&["hub", "status", "--json"]).expect(0).json()
}

/// The numbers of what was sent, and how many wait.
fn numbers(machine: &Machine) -> (Vec<u64>, usize) {
    let events = machine.run(&["events", "--json"]).expect(0).json();
    let sent = events["sent"].as_array().unwrap().iter().map(|event| {
        assert_eq!(event.get("refused"), None, "{event}");
        event["sequence"].as_u64().unwrap()
    });
    (sent.collect(), events["queued"].as_array().unwrap().len())
}

/// What the hub says of runs of a release, and of the one before.
fn signal(hub: &Hub, release: &str, before: &str) -> Value {
    let path = format!("/v1/releases/signal?pack=acme&release={release}&before={before}");
    let said = network::get(&hub.address, &path);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn what_happens_reaches_the_hub_and_what_was_not_consented_to_stays() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    machine.run(&["hub", "sharing", "paused"]).expect(0);
    let pack = pack("1.0.0", true);
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let paused = standing(&machine);
    assert_eq!((&paused["sent"], &paused["waiting"]), (&Value::from(1), &Value::from(0)));
    machine.run(&["hub", "sharing", "on"]).expect(0);
    machine.run(&["undo", "--all"]).expect(0);
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let (sent, waiting) = numbers(&machine);
    assert_eq!(waiting, 0, "a command that caused something sends it before it ends");
    let all: Vec<u64> = (1..=sent.len() as u64).rev().collect();
    assert_eq!(sent, all, "what stayed here has no number");
    let events = machine.run(&["events", "--json"]).expect(0).json();
    assert!(events["held_back"].as_array().unwrap().len() >= 4, "the first run");
    assert_eq!(signal(&hub, "1.0.0", "0.9.0")["release"]["started"], 1, "only the second");
}

#[test]
fn a_network_that_drops_doubles_reorders_and_stalls_loses_and_doubles_nothing() {
    let hub = Hub::start();
    let network = FaultyNetwork::start(&hub.address);
    let machine = joined(&hub, &network.address());
    let pack = pack("1.0.0", true);
    let mut runs = 0;
    for fault in Fault::ALL.into_iter().cycle().take(2 * Fault::ALL.len()) {
        network.next(fault);
        machine.on(&pack, "up", &["--yes", "--only", "proxy"]).expect(0);
        runs += 1;
        network.next(fault);
        machine.run(&["undo", "--all"]).expect(0);
        // A request that was held up on the way arrives when others have overtaken it.
        network.release_what_was_held_up();
    }
    network.mend();
    machine.run(&["hub", "send"]).expect(0);
    let (sent, waiting) = numbers(&machine);
    assert_eq!(waiting, 0);
    assert_eq!(sent, (1..=sent.len() as u64).rev().collect::<Vec<_>>());
    assert!(network.met().values().all(|times| *times >= 2), "{:?}", network.met());
    assert_eq!(signal(&hub, "1.0.0", "0.9.0")["release"]["started"], runs);
    assert_eq!(hub_has(&hub), sent.len() as u64, "each once");
}

/// How many events the hub has accepted since it was started.
fn hub_has(hub: &Hub) -> u64 {
    let text = network::get(&hub.address, "/metrics");
    let line = text.lines().find(|line| line.contains("verdict=\"accepted\"")).expect(&text);
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn offline_for_weeks_and_a_hub_that_was_killed_cost_nothing_but_time() {
    let mut hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    hub.kill();
    let pack = pack("1.0.0", true);
    for _ in 0..3 {
        machine.on(&pack, "up", &["--yes"]).expect(0);
        machine.run(&["undo", "--all"]).expect(0);
    }
    let waiting = standing(&machine)["waiting"].as_u64().unwrap();
    assert!(waiting >= 9, "three runs have a beginning, a middle and an end: {waiting}");
    let error = machine.run(&["hub", "send", "--json"]).error();
    assert_eq!(error["code"], "network");
    hub.serve_again();
    let sent = machine.run(&["hub", "send", "--json"]).expect(0).json();
    assert_eq!((&sent["waiting"], &sent["sent"]), (&Value::from(0), &Value::from(waiting + 1)));
    assert_eq!(signal(&hub, "1.0.0", "0.9.0")["release"]["started"], 3);
}

#[test]
fn a_hub_that_says_no_is_said_and_nothing_is_lost() {
    let hub = Hub::start();
    let machine = Machine::with_keychain();
    let url = format!("http://{}", hub.address);
    let error = machine.run_with_input(&["hub", "join", &url, "--json"], "WRONG-CODE\n").error();
    assert_eq!(error["code"], "hub_refused");
    let error = machine.run_with_input(&["hub", "join", "http://hub.acme.test", "--json"], "x\n").error();
    assert_eq!(error["code"], "usage");
    let error = machine.run(&["hub", "send", "--json"]).error();
    assert_eq!(error["code"], "no_hub");

    let machine = joined(&hub, &hub.address);
    let devices = Hub::program(&hub.folder).args(["device", "list"]).output().unwrap();
    let devices = String::from_utf8(devices.stdout).unwrap();
    let device = devices.split_whitespace().find(|word| word.len() == 36).expect(&devices);
    assert!(Hub::program(&hub.folder).args(["device", "revoke", device]).status().unwrap().success());
    machine.on(&pack("1.0.0", true), "up", &["--yes"]).expect(0);
    let waiting = standing(&machine)["waiting"].as_u64().unwrap();
    assert!(waiting >= 4, "{waiting}");
    let error = machine.run(&["hub", "send", "--json"]).error();
    assert_eq!(error["code"], "hub_refused");
    assert!(error["hint"].as_str().unwrap().contains("firstlight hub join"), "{error}");
    // With a new code the same device is in again, and what waited goes.
    machine.run_with_input(&["hub", "join", &url, "--json"], &hub.code()).expect(0);
    assert_eq!(standing(&machine)["waiting"], 0);
    let left = machine.run(&["hub", "leave", "--json"]).expect(0).json();
    assert_eq!(left.get("hub"), None);
}

#[test]
fn what_people_answer_is_sent_and_they_are_not_asked_again_on_their_other_machine() {
    let hub = Hub::start();
    let (machine, other) = (joined(&hub, &hub.address), joined(&hub, &hub.address));
    let pack = pack("1.0.0", true);
    let path = pack.join("pack.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let surveys = "surveys:
  way:
    title: Your way
    audience: Your platform team.
    ask: [first-value, on-demand]
    questions:
      easy: { kind: ces, text: It was easy. }
";
    std::fs::write(&path, format!("{text}{surveys}")).unwrap();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let due = machine.run(&["survey", "list", "--json"]).expect(0).json();
    assert_eq!((&due["due"]["id"], &due["reach"]), (&Value::from("way"), &Value::from("leaves")));
    let refused = machine.run(&["survey", "answer", "way", "--answer", "easy=9", "--yes", "--json"]).error();
    assert_eq!(refused["code"], "usage");
    machine.run(&["survey", "answer", "way", "--answer", "easy=6", "--yes", "--json"]).expect(0);
    machine.run(&["feedback", "The docs are good.", "--json"]).expect(0);
    let events = machine.run(&["events", "--json"]).expect(0).json();
    let sent: Vec<&str> =
        events["sent"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    for kind in ["survey.shown", "survey.answered", "survey.ended", "feedback.given"] {
        assert!(sent.contains(&format!("dev.firstlight.{kind}").as_str()), "{kind}: {sent:?}");
    }
    assert_eq!(events["queued"].as_array().unwrap().len(), 0);

    // The same person's other machine learns of it when it next speaks with the hub.
    other.on(&pack, "up", &["--yes"]).expect(0);
    let list = other.run(&["survey", "list", "--json"]).expect(0).json();
    assert_eq!(list.get("due"), None, "asked elsewhere a moment ago: {list}");
    other.run(&["hub", "leave"]).expect(0);
    let list = other.run(&["survey", "list", "--json"]).expect(0).json();
    assert_eq!(list["reach"], "waits_for_hub", "without a hub nothing leaves");
}

/// Whatever is cut off while a token is renewed, the machine has one that counts.
#[test]
fn g1_a_token_is_renewed_before_it_expires_and_whatever_is_cut_off_leaves_one_that_counts() {
    let hub = Hub::start();
    let network = FaultyNetwork::start(&hub.address);
    let machine = joined(&hub, &network.address());
    let pack = pack("1.0.0", true);
    let file = machine.state().join("hub.json");
    let renew_at = || -> String {
        let joined: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        joined["renew_at"].as_str().unwrap().to_owned()
    };
    let of_a_year = renew_at();
    // As it is in the last month.
    let make_due = || {
        let mut joined: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        joined["renew_at"] = "2020-01-01T00:00:00Z".into();
        std::fs::write(&file, joined.to_string()).unwrap();
    };
    let sends = || {
        machine.on(&pack, "up", &["--yes", "--only", "proxy"]).expect(0);
        machine.run(&["undo", "--all"]).expect(0);
        let sent = machine.run(&["hub", "send", "--json"]).expect(0).json();
        assert_eq!(sent["waiting"], 0, "{sent}");
        sent["sent"].as_u64().unwrap()
    };
    // The hub has made one, and nobody heard which; or it was never asked.
    for fault in [Fault::Unanswered, Fault::Lost, Fault::Impostor, Fault::Cut] {
        make_due();
        network.next_renewal(fault);
        sends();
        assert!(network.met().contains_key(&fault));
    }
    // Killed when the new one was in the keychain, and not used yet: what says so is not written yet.
    make_due();
    sends();
    assert!(renew_at() >= of_a_year);
    make_due();
    let sent = sends();
    assert!(renew_at() >= of_a_year);
    assert_eq!(hub_has(&hub), sent, "each once");
    assert_eq!(standing(&machine)["hub"].get("problem"), None);
}

#[test]
fn a_hubs_token_is_in_the_keychain_only() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    machine.on(&pack("1.0.0", true), "up", &["--yes"]).expect(0);
    for (path, bytes) in machine.kept() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("flh_"), "{} has a token of a hub", path.display());
    }
}

/// From runs on machines to a halt that is signed: the counts come from the hub, and nobody wrote them by hand.
#[test]
fn a8_a_release_that_fails_on_machines_is_halted_by_what_the_hub_counted() {
    let office = Office::with_repository();
    office.release("d1");
    office.version("version: 0.1.0", "version: 0.2.0");
    office.release("d2");
    office.rollout(&["set", "--pack", "acme", "--version", "0.2.0", "--share", "50"]).expect(0);

    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    for (version, works) in [("0.1.0", true), ("0.2.0", false)] {
        let pack = pack(version, works);
        for _ in 0..21 {
            let ran = machine.on(&pack, "up", &["--yes"]).expect(i32::from(!works));
            assert_eq!(ran.stdout.contains("✗ Set the proxy"), !works, "{}", ran.stdout);
            if works {
                machine.run(&["undo", "--all"]).expect(0);
            }
        }
    }
    let url = format!("http://{}/v1/releases/signal?pack=acme&release=0.2.0&before=0.1.0", hub.address);
    let judged = office.rollout(&["watch", "--signal", &url]).expect(0).json();
    assert_eq!(
        (&judged["verdict"]["says"], &judged["ring"]["halted"]),
        (&Value::from("worse"), &Value::from(true)),
        "{judged}"
    );
    assert_eq!(judged["ring"]["reason"], "21 of 21 runs failed, 0 of 21 runs of 0.1.0 before it");
}
