//! What would leave this machine, byte by byte.

use std::collections::BTreeMap;

use firstlight_domain::{
    event::{Event, Happened, RunEnd},
    id::{CredentialName, JourneyId, RequestId, StepId},
    plan::ConsentHash,
    request::{Answered, Closing, Reply},
    state::{Failure, StepState, WaitsOn},
};
use firstlight_journal::{Classification, OutboxRow, PROPERTIES, Settled};
use serde_json::{Value, json};

use crate::common::{Home, at, journey_started, run, run_started, step};

/// Appends each at its second and returns the outbox.
fn queued(events: &[(i64, Event)]) -> Vec<OutboxRow> {
    let home = Home::new();
    let mut journal = home.open().journal;
    for (second, event) in events {
        journal.append(at(*second), std::slice::from_ref(event)).unwrap();
    }
    assert!(journal.sent().unwrap().is_empty());
    journal.queued().unwrap()
}

fn data(row: &OutboxRow) -> Value {
    serde_json::from_str::<Value>(&row.body).unwrap()["data"].clone()
}

#[test]
fn an_event_is_a_cloud_event_of_this_device() {
    let home = Home::new();
    let mut journal = home.open().journal;
    journal.append(at(9), &[Event::SharingChanged { on: true }]).unwrap();
    journal.append(at(10), &[journey_started()]).unwrap();
    let rows = journal.queued().unwrap();
    let row = &rows[1];
    let id = uuid::Uuid::parse_str(&row.id).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(id.get_timestamp().unwrap().to_unix().0, u64::try_from(at(10).as_second()).unwrap());
    let expected = json!({
        "specversion": "1.0",
        "id": row.id,
        "source": format!("urn:uuid:{}", journal.device()),
        "type": "dev.firstlight.journey.started",
        "time": "2026-09-21T14:13:30Z",
        "recordedtime": "2026-09-21T14:13:30Z",
        "sequence": "0000000000000002",
        "datacontenttype": "application/json",
        "data": {
            "journey": JourneyId(uuid::Uuid::from_u128(1)), "pack": "acme", "pack_version": "3.2.0",
            "persona": "backend", "clock": "first_launch", "clock_start": at(0),
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&row.body).unwrap(), expected);
    assert_eq!(
        (row.sequence, row.kind.as_str(), row.time),
        (Some(2), "dev.firstlight.journey.started", at(10))
    );
}

#[test]
fn steps_runs_and_first_value_say_how_long_they_took() {
    let serve = StepId::new("serve").unwrap();
    let rows = queued(&[
        (0, journey_started()),
        (10, run_started()),
        (10, step("serve", StepState::Running)),
        (13, step("serve", StepState::Satisfied { outputs: BTreeMap::new() })),
        (13, Event::FirstValueReached { step: serve }),
        (14, Event::RunFinished { run: run(), end: RunEnd::Completed }),
        // The clock was set back: no time passed, and the order is by sequence.
        (20, step("docs", StepState::Running)),
        (5, step("docs", StepState::Waiting { on: WaitsOn::Owner("ada@acme.test".into()) })),
        (
            6,
            step(
                "docs",
                StepState::Blocked { by: vec![StepId::new("vpn").unwrap()], reason: "no vpn".into() },
            ),
        ),
    ]);
    assert!(rows.iter().map(|row| row.place).eq(1..=9));
    let journey = JourneyId(uuid::Uuid::from_u128(1));
    let of_step = |id: &str, rest: &[(&str, Value)]| {
        let mut data = json!({ "journey": journey, "run": run(), "step": id });
        for (name, value) in rest {
            data[*name] = value.clone();
        }
        data
    };
    assert_eq!(data(&rows[2]), of_step("serve", &[("state", json!("running"))]));
    assert_eq!(
        data(&rows[3]),
        of_step("serve", &[("state", json!("satisfied")), ("duration_ms", json!(3_000))])
    );
    assert_eq!(data(&rows[4]), json!({ "journey": journey, "step": "serve", "seconds": 13 }));
    assert_eq!(
        data(&rows[5]),
        json!({ "journey": journey, "run": run(), "end": "completed", "duration_ms": 4_000 })
    );
    let waiting = [("state", json!("waiting")), ("waits_on", json!("owner")), ("duration_ms", json!(0))];
    assert_eq!(data(&rows[7]), of_step("docs", &waiting));
    assert_eq!(
        data(&rows[8]),
        of_step("docs", &[("state", json!("blocked")), ("blocked_by", json!(["vpn"]))])
    );
}

#[test]
fn no_word_of_the_person_or_of_the_machine_enters_the_outbox() {
    let mark = "Canary";
    let words = || format!("/home/{mark}");
    let outputs = || BTreeMap::from([(mark.to_owned(), words())]);
    let failure = || Failure { cause: words(), last_lines: vec![words()], hint: Some(words()) };
    let name = || CredentialName::new("token").unwrap();
    let mut started = journey_started();
    let mut agreed = run_started();
    for event in [&mut started, &mut agreed] {
        if let Event::JourneyStarted { pack_path, inputs, .. } | Event::RunStarted { pack_path, inputs, .. } =
            event
        {
            *pack_path = words();
            inputs.insert(mark.to_owned(), json!(words()));
        }
    }
    let mut events = vec![started, agreed];
    events.extend(
        [
            StepState::Satisfied { outputs: outputs() },
            StepState::Changed { outputs: outputs() },
            StepState::Failed(failure()),
            StepState::Blocked { by: vec![], reason: words() },
            StepState::Waiting { on: WaitsOn::Owner(words()) },
            StepState::Unknown { why: words() },
            StepState::Skipped { why: words() },
        ]
        .map(|state| step("git", state)),
    );
    events.extend([
        Event::ReceiptKept {
            step: StepId::new("git").unwrap(),
            run: run(),
            receipt: json!({ mark: words() }),
        },
        Event::FollowUpDue { step: StepId::new("git").unwrap(), texts: vec![words()] },
        Event::FollowUpDone { step: StepId::new("git").unwrap() },
        Event::FixAgreed { consent: ConsentHash(words()) },
        Event::FixReceiptKept { fix: StepId::new("network").unwrap(), receipt: json!({ mark: words() }) },
        Event::FixEnded { fix: StepId::new("network").unwrap(), failure: Some(failure()) },
        Event::FixUndone { fix: StepId::new("network").unwrap() },
        Event::CredentialStored { name: name(), issuer: Some(words()), expires_at: Some(at(77_777)) },
        Event::CredentialTested { name: name(), ok: false, reason: Some(words()) },
        Event::CredentialRemoved { name: name() },
        Event::RequestAnswered {
            request: RequestId(uuid::Uuid::nil()),
            answered: Answered { reply: Reply::Refused, words: words(), by: words(), at: at(77_777) },
        },
    ]);
    let events: Vec<_> = events.into_iter().map(|event| (1, event)).collect();
    let rows = queued(&events);
    assert_eq!(
        rows.len(),
        events.len() - 8,
        "receipts, follow-ups, the doctor and what others answered cause no event, everything else does"
    );
    let registered: Vec<&str> = PROPERTIES
        .iter()
        .filter(|row| row.classification != Classification::Sensitive)
        .map(|row| row.name)
        .collect();
    for row in &rows {
        assert!(!row.body.contains(mark), "{}", row.body);
        assert!(!row.body.contains(&at(77_777).to_string()), "{}", row.body);
        for name in data(row).as_object().unwrap().keys() {
            assert!(registered.contains(&name.as_str()), "{name} is not registered");
        }
    }
}

#[test]
fn a_request_says_what_the_pack_says_and_the_name_that_was_given() {
    let request = RequestId(uuid::Uuid::from_u128(7));
    let made = |name: Option<&str>, sla: Option<&str>| Event::RequestMade {
        request,
        step: StepId::new("vpn").unwrap(),
        title: "Ask for VPN".to_owned(),
        owner: "it-helpdesk".to_owned(),
        sla: sla.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    let rows = queued(&[
        (0, journey_started()),
        (1, Event::AsksAs { name: Some("Ada".to_owned()) }),
        (2, made(None, None)),
        (3, made(Some("Ada"), Some("2 days"))),
        (4, Event::RequestClosed { request, closing: Closing::Granted }),
    ]);
    assert_eq!(rows.len(), 4, "a name is told with a request, not by itself");
    let mut data_of_first = json!({
        "journey": JourneyId(uuid::Uuid::from_u128(1)), "request": request, "step": "vpn", "title": "Ask for VPN",
        "owner": "it-helpdesk",
    });
    assert_eq!(data(&rows[1]), data_of_first);
    data_of_first["sla"] = json!("2 days");
    data_of_first["signed_name"] = json!("Ada");
    assert_eq!(data(&rows[2]), data_of_first);
    assert_eq!(data(&rows[3]), json!({ "request": request, "end": "granted" }));
}

#[test]
fn what_happened_while_sharing_was_off_never_gets_a_number() {
    let rows = queued(&[
        (0, journey_started()),
        (1, Event::SharingChanged { on: true }),
        (2, step("git", StepState::Running)),
        (3, Event::SharingChanged { on: false }),
        (4, step("git", StepState::Undone)),
    ]);
    let consented: Vec<bool> = rows.iter().map(|row| row.consented).collect();
    assert_eq!(consented, [false, true, true, false, false]);
    let numbers: Vec<Option<u64>> = rows.iter().map(|row| row.sequence).collect();
    assert_eq!(numbers, [None, Some(1), Some(2), None, None]);
    assert!(rows.iter().all(|row| row.body.contains("sequence") == row.consented));
}

#[test]
fn what_a_hub_settled_is_not_delivered_again() {
    let home = Home::new();
    let mut journal = home.open().journal;
    let on = [Event::SharingChanged { on: true }, journey_started(), step("git", StepState::Running)];
    journal.append(at(0), &[Event::SharingChanged { on: false }]).unwrap();
    journal.append(at(1), &on).unwrap();
    let numbers = |journal: &firstlight_journal::Journal, most, bytes| -> Vec<u64> {
        journal.deliverable(most, bytes).unwrap().iter().filter_map(|row| row.sequence).collect()
    };
    assert_eq!(numbers(&journal, 10, 1 << 20), [1, 2, 3]);
    assert_eq!(numbers(&journal, 2, 1 << 20), [1, 2]);
    assert_eq!(numbers(&journal, 10, 1), [1], "one at least, however long it is");
    let settled = [
        Settled { sequence: 1, refused: None },
        Settled { sequence: 2, refused: Some("it is too old".to_owned()) },
    ];
    journal.settle(at(5), &settled).unwrap();
    drop(journal);
    let journal = home.open().journal;
    assert_eq!(numbers(&journal, 10, 1 << 20), [3]);
    let sent = journal.sent().unwrap();
    assert!(
        sent.iter()
            .map(|row| (row.sequence, row.refused.as_deref()))
            .eq([(Some(1), None), (Some(2), Some("it is too old"))])
    );
    assert!(sent.iter().all(|row| row.sent_at == Some(at(5))));
}

#[test]
fn after_a_copy_took_the_place_of_the_file_no_number_is_given_twice() {
    let home = Home::new();
    let on = Event::SharingChanged { on: true };
    home.open().journal.append(at(0), std::slice::from_ref(&on)).unwrap();
    let mut journal = home.open().journal;
    journal.keep_copy().unwrap();
    // These three the hub knows and the copy does not.
    for second in 1..=3 {
        journal.append(at(second), &[step("git", StepState::Running)]).unwrap();
    }
    drop(journal);
    std::fs::write(home.path(), [0; 4_096]).unwrap();
    let mut opened = home.open();
    assert!(opened.restored.is_some());
    opened.journal.append(at(9), &[step("node", StepState::Running)]).unwrap();
    drop(opened);
    let mut journal = home.open().journal;
    let numbers = |journal: &firstlight_journal::Journal| -> Vec<Option<u64>> {
        journal.queued().unwrap().iter().map(|row| row.sequence).collect()
    };
    assert_eq!(numbers(&journal), [Some(1), None]);
    assert_eq!(journal.deliverable(10, 1 << 20).unwrap().len(), 1, "what has no number waits");
    journal.go_on_after(4).unwrap();
    journal.append(at(10), &[step("node", StepState::Undone)]).unwrap();
    assert_eq!(numbers(&journal), [Some(1), Some(5), Some(6)]);
    // Said again, and about less than is known, it changes nothing.
    journal.go_on_after(4).unwrap();
    assert_eq!(numbers(&home.open().journal), [Some(1), Some(5), Some(6)]);
}

#[test]
fn a_hub_that_knows_more_than_the_journal_moves_the_numbers_on() {
    let home = Home::new();
    let mut journal = home.open().journal;
    journal.append(at(0), &[Event::SharingChanged { on: true }]).unwrap();
    journal.go_on_after(7).unwrap();
    journal.append(at(1), &[step("git", StepState::Running)]).unwrap();
    let numbers: Vec<_> = journal.queued().unwrap().iter().map(|row| row.sequence).collect();
    assert_eq!(numbers, [Some(1), Some(8)]);
    drop(journal);
    assert!(home.open().restored.is_none());
}

#[test]
fn what_was_remembered_of_a_journey_survives_a_restart() {
    let home = Home::new();
    home.open().journal.append(at(0), &[journey_started(), step("git", StepState::Running)]).unwrap();
    let mut opened = home.open();
    assert!(matches!(&opened.history[1], Happened { event: Event::StepChanged { .. }, .. }));
    opened.journal.append(at(60), &[step("git", StepState::Undone)]).unwrap();
    let rows = opened.journal.queued().unwrap();
    assert_eq!(data(rows.last().unwrap())["duration_ms"], 60_000);
}

#[test]
fn a_machine_that_slept_took_no_time() {
    let rows = queued(&[
        (0, journey_started()),
        (10, run_started()),
        (10, step("serve", StepState::Running)),
        (60, Event::MachineSlept { from: at(20) }),
        (70, step("serve", StepState::Satisfied { outputs: BTreeMap::new() })),
    ]);
    assert_eq!(rows.len(), 4, "the sleep itself stays here");
    assert_eq!(data(&rows[3])["duration_ms"], 20_000);
}
