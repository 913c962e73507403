use std::{fs, net::TcpListener, sync::Arc};

use firstlight_domain::{
    event::Event,
    pack::Probe,
    state::{StepState, WaitsOn},
};
use firstlight_engine::{
    host::Host,
    provider::Check,
    providers::{link, read},
};
use serde_json::json;

use crate::{Machine, satisfied};

fn somebody_says(machine: &Machine, state: StepState) {
    let step = machine.step.clone();
    machine.host.record(vec![Event::StepChanged { step, run: None, state, done: None }]).unwrap();
}

#[tokio::test]
async fn it_is_your_turn_until_the_journal_has_your_word() {
    for (uses, with) in [
        ("read", json!({ "text": "# Welcome" })),
        ("link", json!({ "url": "https://acme.test/", "text": "Open the wiki" })),
        ("confirm", json!({ "text": "I met my team." })),
    ] {
        let machine = Machine::new();
        let operation = machine.operation(uses, with);
        let cx = machine.context();
        for state in [None, Some(StepState::Waiting { on: WaitsOn::You }), Some(StepState::Undone)] {
            if let Some(state) = state {
                somebody_says(&machine, state);
            }
            let check = operation.check(&cx).await.unwrap();
            assert!(matches!(check, Check::Person { on: WaitsOn::You, .. }), "{uses}: {check:?}");
        }
        assert!(operation.apply(&cx).await.is_err(), "the machine cannot do it");
        assert!(operation.resolved().text.is_some(), "what is shown is part of the plan");
        somebody_says(&machine, StepState::Satisfied { outputs: [].into() });
        satisfied(&*operation, &cx).await;
    }
}

#[tokio::test]
async fn a_document_is_read_from_the_pack_and_from_nowhere_else() {
    let machine = Machine::new();
    fs::create_dir(machine.pack.path().join("docs")).unwrap();
    fs::write(machine.pack.path().join("docs/a.md"), "# Hello\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", machine.pack.path().join("docs/out.md")).unwrap();
    let markdown =
        |doc: &str| read::parameters(&json!({ "doc": doc })).unwrap().markdown(machine.pack.path());
    assert_eq!(markdown("docs/a.md").unwrap(), "# Hello\n");
    assert!(markdown("docs/out.md").unwrap_err().cause.contains("out of the pack"));
    assert!(markdown("docs/none.md").is_err());
    for doc in ["../../etc/passwd", "/etc/passwd", "docs/../../x"] {
        assert!(machine.prepare("read", json!({ "doc": doc })).is_err(), "{doc}");
    }
    let missing = machine.operation("read", json!({ "doc": "docs/none.md" }));
    assert!(missing.check(&machine.context()).await.is_err(), "said before anybody is sent to read it");
    assert!(link::parameters(&json!({ "url": "https://acme.test/" })).is_ok());
}

#[tokio::test]
async fn a_request_waits_for_its_owner_and_a_probe_notices() {
    let mut machine = Machine::new();
    machine.owner = Some("it-helpdesk".into());
    let waits = Check::Person {
        on: WaitsOn::Owner("it-helpdesk".into()),
        what: "would wait for it-helpdesk: VPN access, please".into(),
    };
    let with = json!({ "text": "VPN access, please" });
    let operation = machine.operation("request", with.clone());
    assert_eq!(operation.check(&machine.context()).await.unwrap(), waits);
    somebody_says(&machine, StepState::Satisfied { outputs: [].into() });
    satisfied(&*operation, &machine.context()).await;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    machine.probe = Some(Probe { http: None, status: None, tcp: Some(address), command: None });
    let operation = machine.operation("request", with.clone());
    assert_eq!(operation.resolved().hosts, ["127.0.0.1"]);
    let mut cx = machine.context();
    let failure = operation.check(&cx).await.unwrap_err();
    assert!(failure.cause.contains("policy"), "an inside address is asked only if listed: {failure}");
    cx.listed_hosts = Arc::from(["127.0.0.1".to_owned()]);
    satisfied(&*operation, &cx).await;

    let granted = machine.home().join("granted");
    let asks = ["test".to_owned(), "-e".to_owned(), granted.display().to_string()];
    machine.probe = Some(Probe { http: None, status: None, tcp: None, command: Some(asks.to_vec()) });
    let operation = machine.operation("request", with);
    assert_eq!(operation.check(&cx).await.unwrap(), waits, "the world counts, not what was said");
    fs::write(granted, "").unwrap();
    satisfied(&*operation, &cx).await;
}
