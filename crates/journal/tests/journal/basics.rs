//! The journal as the application uses it.

use firstlight_domain::{
    event::{Event, Happened},
    plan::hex,
    state::StepState,
};
use firstlight_journal::SeedSigner;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    common::{Home, at, filled, journey_started, run_started, step},
    oracle::mth,
};

#[test]
fn what_was_appended_is_read_again_in_order_whatever_the_clock_says() {
    let home = Home::new();
    let mut opened = home.open();
    assert!(opened.history.is_empty());
    assert_eq!(opened.restored, None);
    let first = [journey_started(), run_started()];
    let second = [step("git", StepState::Running)];
    let mut appended = opened.journal.append(at(100), &first).unwrap();
    appended.extend(opened.journal.append(at(-500), &second).unwrap());
    let expected: Vec<Happened> = [(100, &first[0]), (100, &first[1]), (-500, &second[0])]
        .map(|(second, event): (i64, &Event)| Happened { at: at(second), event: event.clone() })
        .into();
    assert_eq!(appended, expected);
    assert_eq!(opened.journal.events().unwrap(), expected);
    let device = opened.journal.device().to_owned();
    drop(opened);
    let again = home.open();
    assert_eq!(again.history, expected);
    assert_eq!(again.journal.device(), device);
}

#[test]
fn an_export_can_be_verified_without_us() {
    let home = Home::new();
    let mut journal = filled(&home, 5);
    let checkpoint = journal.checkpoint(at(2), &SeedSigner::new(&[1; 32])).unwrap();
    let mut out = Vec::new();
    journal.export(&mut out).unwrap();
    let lines: Vec<Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({ "type": "journal", "version": 1, "device": journal.device() }));
    let (records, rest) = lines[1..].split_at(5);
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    for (record, seq) in records.iter().zip(1_u64..) {
        assert_eq!((&record["type"], &record["seq"]), (&json!("record"), &json!(seq)));
        let body = record["body"].as_str().unwrap();
        let parsed: Value = serde_json::from_str(body).unwrap();
        assert_eq!(parsed, json!({ "seq": seq, "at": record["at"], "event": record["event"] }));
        let salt = unhex(record["salt"].as_str().unwrap());
        let leaf: [u8; 32] = Sha256::new().chain_update(salt).chain_update(body).finalize().into();
        assert_eq!(record["leaf"], hex(&leaf));
        leaves.push(leaf.into());
    }
    let [anchor] = rest else { panic!("one checkpoint: {rest:?}") };
    assert_eq!(anchor["root"], hex(&mth(&leaves)));
    assert_eq!(anchor["note"], checkpoint.note);
    assert_eq!(anchor["size"], 5);
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}
