//! What a step waits for is asked of its owner through the hub, and their answer lets it go on.

use firstlight_testkit::PackFolder;
use serde_json::{Value, json};

use super::{
    Hub, joined,
    network::{Fault, FaultyNetwork},
};
use crate::machine::Machine;

/// A pack in which everything waits for the help desk.
fn pack(probe: &str) -> PackFolder {
    PackFolder::with_steps(
        &["vpn", "clone"],
        &format!(
            "  vpn: {{ title: Ask for VPN access, uses: request, owner: it-helpdesk, sla: 4 business hours{probe} }}
  clone: {{ title: Clone it, needs: [vpn], check: ['true'], run: ['false'], first-value: true }}"
        ),
    )
}

fn ask_hub(hub: &Hub, arguments: &[&str]) -> String {
    let output = Hub::program(&hub.folder).arg("request").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The ids of what waits for an answer.
fn open(hub: &Hub) -> Vec<String> {
    let list = ask_hub(hub, &["list"]);
    list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

fn vpn(machine: &Machine) -> Value {
    let status = machine.run(&["status", "--json"]).expect(0).json();
    status["steps"].as_array().unwrap().iter().find(|step| step["id"] == "vpn").unwrap().clone()
}

/// What was sent of requests, the last first, without what differs each time.
fn told(machine: &Machine) -> Vec<Value> {
    let events = machine.run(&["events", "--json"]).expect(0).json();
    let sent = events["sent"].as_array().unwrap().iter();
    let of_requests =
        sent.filter(|event| event["type"].as_str().unwrap().starts_with("dev.firstlight.request."));
    let data = of_requests.map(|event| {
        assert_eq!(event.get("refused"), None, "{event}");
        let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        let mut data = body["data"].clone();
        for differs in ["request", "journey"] {
            data.as_object_mut().unwrap().remove(differs);
        }
        data
    });
    data.collect()
}

#[test]
fn an_answer_lets_the_step_go_on_and_says_who_gave_it() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    let pack = pack("");
    machine.run(&["hub", "name", "Ada Lovelace"]).expect(0);
    machine.on(&pack, "up", &["--yes"]).expect(1);
    let opened = json!({
        "step": "vpn", "title": "Ask for VPN access", "owner": "it-helpdesk", "sla": "4 business hours",
        "signed_name": "Ada Lovelace",
    });
    assert_eq!(told(&machine), [opened], "nothing else is told, and the person can read it");
    let list = ask_hub(&hub, &["list", "--owner", "it-helpdesk"]);
    assert!(list.contains("it-helpdesk  Ask for VPN access  for Ada Lovelace  since "), "{list}");
    assert!(list.contains("  due "), "{list}");
    assert_eq!(ask_hub(&hub, &["list", "--owner", "facilities"]), "");
    assert_eq!(vpn(&machine)["request"]["owner"], "it-helpdesk");
    let status = machine.run(&["status"]).expect(0).stdout;
    assert!(status.contains("asked through the hub"), "{status}");

    // Asked once, however often one looks.
    machine.on(&pack, "up", &["--yes"]).expect(1);
    let [id] = &open(&hub)[..] else { panic!("one request") };
    ask_hub(&hub, &["answer", id, "--done", "Welcome, *Ada*.", "--by", "Grace"]);
    let up = machine.on(&pack, "up", &["--yes"]).expect(0).stdout;
    assert!(up.contains("Clone it"), "{up}");
    let step = vpn(&machine);
    assert_eq!((&step["state"], &step["request"]["answer"]["reply"]), (&json!("satisfied"), &json!("done")));
    assert_eq!(step["request"]["answer"]["by"], "Grace");
    let status = machine.run(&["status"]).expect(0).stdout;
    assert!(status.contains("Grace says it is done") && status.contains("Welcome, *Ada*."), "{status}");
    assert_eq!(told(&machine).len(), 1, "what was answered needs no closing");
    assert!(open(&hub).is_empty());
}

#[test]
fn a_no_is_said_with_its_words_and_only_who_asks_again_asks_again() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    let pack = pack("");
    machine.on(&pack, "up", &["--yes"]).expect(1);
    let list = ask_hub(&hub, &["list"]);
    assert!(list.contains("  for person "), "nobody's name is known who gave none: {list}");
    let [first] = &open(&hub)[..] else { panic!("one request") };
    let no_reason =
        Hub::program(&hub.folder).args(["request", "answer", first, "--refused", " "]).output().unwrap();
    assert!(!no_reason.status.success());
    ask_hub(&hub, &["answer", first, "--refused", "Contractors wait a week."]);
    for _ in 0..2 {
        let up = machine.on(&pack, "up", &["--yes"]).expect(1).stdout;
        assert!(up.contains("it-helpdesk said no: Contractors wait a week."), "{up}");
        let step = vpn(&machine);
        assert_eq!(
            (&step["state"], &step["request"]["answer"]["reply"]),
            (&json!("failed"), &json!("refused"))
        );
        assert!(open(&hub).is_empty(), "nobody is asked again by itself");
    }
    let status = machine.run(&["status"]).expect(0).stdout;
    assert!(status.contains("`firstlight up --again vpn` asks anew"), "{status}");
    machine.on(&pack, "up", &["--yes", "--again", "vpn"]).expect(1);
    let [second] = &open(&hub)[..] else { panic!("asked anew") };
    assert_ne!(first, second);
    let step = vpn(&machine);
    assert_eq!((&step["state"], step["request"].get("answer")), (&json!("waiting"), None));
    ask_hub(&hub, &["answer", second, "--done"]);
    machine.on(&pack, "up", &["--yes"]).expect(0);
}

#[test]
fn a_probe_is_right_and_an_answer_is_not() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    let there = machine.root.path().join("vpn");
    let probe = format!(", probe: {{ command: [test, -e, '{}'] }}", there.display());
    let pack = pack(&probe);
    machine.on(&pack, "up", &["--yes"]).expect(1);
    ask_hub(&hub, &["answer", &open(&hub)[0], "--done", "--by", "Grace"]);
    machine.on(&pack, "up", &["--yes"]).expect(1);
    assert_eq!(vpn(&machine)["state"], "waiting");
    let status = machine.run(&["status"]).expect(0).stdout;
    assert!(status.contains("Grace says it is done") && status.contains("it cannot be seen yet"), "{status}");
    assert!(open(&hub).is_empty(), "they have answered, and are not asked again");
    std::fs::write(&there, "").unwrap();
    machine.on(&pack, "up", &["--yes"]).expect(0);

    // Seen before anybody answered: the queue is told.
    machine.run(&["undo", "--all"]).expect(0);
    std::fs::remove_file(&there).unwrap();
    let other = joined(&hub, &hub.address);
    other.on(&pack, "up", &["--yes"]).expect(1);
    assert_eq!(open(&hub).len(), 1);
    std::fs::write(&there, "").unwrap();
    other.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(told(&other)[0], json!({ "end": "granted" }));
    let list = ask_hub(&hub, &["list", "--all"]);
    assert!(open(&hub).is_empty() && list.contains("  granted"), "{list}");
}

#[test]
fn what_is_not_wanted_any_more_is_withdrawn_and_a_new_name_is_told_of_what_is_open() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    let pack = pack("");
    machine.on(&pack, "up", &["--yes"]).expect(1);
    let before = open(&hub);
    machine.run(&["hub", "name", "Ada"]).expect(0);
    assert_eq!(open(&hub), before, "it is the same request");
    assert!(ask_hub(&hub, &["list"]).contains("  for Ada  "));
    let other = PackFolder::with_steps(
        &["one"],
        "  one: { title: One, check: ['true'], run: ['false'], first-value: true }",
    );
    machine.on(&other, "up", &["--yes", "--leave"]).expect(0);
    assert_eq!(told(&machine)[0], json!({ "end": "withdrawn" }));
    assert!(open(&hub).is_empty());
}

#[test]
fn nobody_is_asked_while_sharing_is_paused_and_what_waits_is_asked_after() {
    let hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    machine.run(&["hub", "sharing", "paused"]).expect(0);
    let pack = pack("");
    machine.on(&pack, "up", &["--yes"]).expect(1);
    assert!(open(&hub).is_empty() && vpn(&machine).get("request").is_none());
    machine.run(&["hub", "sharing", "on"]).expect(0);
    assert_eq!(open(&hub).len(), 1);
    // Nobody answers there any more.
    machine.run(&["hub", "leave"]).expect(0);
    assert_eq!(vpn(&machine).get("request"), None);
}

#[test]
fn a_network_that_drops_doubles_reorders_and_stalls_asks_once_and_learns_once() {
    let hub = Hub::start();
    let network = FaultyNetwork::start(&hub.address);
    for fault in Fault::ALL {
        let machine = joined(&hub, &network.address());
        network.next(fault);
        let pack = pack("");
        machine.on(&pack, "up", &["--yes"]).expect(1);
        network.release_what_was_held_up();
        machine.run(&["hub", "send"]).expect(0);
        let [id] = &open(&hub)[..] else { panic!("{fault:?}: {:?}", open(&hub)) };
        ask_hub(&hub, &["answer", id, "--done"]);
        network.next(fault);
        machine.on(&pack, "up", &["--yes"]).expect(0);
        network.release_what_was_held_up();
        network.mend();
        assert!(open(&hub).is_empty());
    }
}

#[test]
fn answers_that_come_after_weeks_are_learned() {
    let mut hub = Hub::start();
    let machine = joined(&hub, &hub.address);
    let pack = pack("");
    machine.on(&pack, "up", &["--yes"]).expect(1);
    ask_hub(&hub, &["answer", &open(&hub)[0], "--done"]);
    hub.kill();
    // Without a hub it waits on, and says nothing wrong.
    machine.on(&pack, "up", &["--yes"]).expect(1);
    assert_eq!(vpn(&machine)["state"], "waiting");
    hub.serve_again();
    machine.on(&pack, "up", &["--yes"]).expect(0);
}
