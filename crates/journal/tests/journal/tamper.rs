//! B2, B6: whatever is done to anchored records is found; erasing is not tampering.

use std::{path::Path, sync::LazyLock};

use firstlight_journal::{Check, Flaw, Journal, JournalError, SeedSigner, Signer};
use proptest::prelude::*;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::common::{Home, at, filled, step};
use firstlight_domain::state::StepState;

const RECORDS: u64 = 1_000;
const FIRST_ANCHOR: u64 = 400;

fn signer() -> SeedSigner {
    SeedSigner::new(&[1; 32])
}

fn key() -> [u8; 32] {
    signer().public_key().unwrap()
}

/// A journal of 1,000 records, anchored at 400 and 1,000: its file's bytes, and its last checkpoint as kept elsewhere.
static ANCHORED: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let home = Home::new();
    let mut journal = filled(&home, usize::try_from(FIRST_ANCHOR).unwrap());
    journal.checkpoint(at(2), &signer()).unwrap();
    let rest: Vec<_> =
        (FIRST_ANCHOR..RECORDS).map(|n| step(&format!("step-{n}"), StepState::Ready)).collect();
    journal.append(at(3), &rest).unwrap();
    let note = journal.checkpoint(at(4), &signer()).unwrap().note;
    drop(journal);
    (std::fs::read(home.path()).unwrap(), note)
});

/// What verification says after `tamper`.
fn after(tamper: impl FnOnce(&Connection)) -> Check {
    after_with(Some(&ANCHORED.1), tamper)
}

fn after_with(kept: Option<&str>, tamper: impl FnOnce(&Connection)) -> Check {
    let home = Home::new();
    std::fs::write(home.path(), &ANCHORED.0).unwrap();
    let conn = Connection::open(home.path()).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF").unwrap();
    tamper(&conn);
    drop(conn);
    Journal::open_to_read(&home.path()).unwrap().verify(Some(&key()), kept).unwrap()
}

fn run(conn: &Connection, sql: &str, params: impl rusqlite::Params) {
    assert!(conn.execute(sql, params).unwrap() > 0, "{sql} changed nothing");
}

/// Everything after `seq` moves by one place. Two steps, so that no key is taken at any moment.
fn shift(conn: &Connection, seq: u64, by: i64) {
    conn.execute("UPDATE record SET seq = -(seq + ?2) WHERE seq > ?1", params![seq, by]).unwrap();
    conn.execute("UPDATE record SET seq = -seq WHERE seq < 0", []).unwrap();
}

fn swap(conn: &Connection, one: u64, other: u64) {
    run(conn, "UPDATE record SET seq = -1 WHERE seq = ?1", [one]);
    run(conn, "UPDATE record SET seq = ?1 WHERE seq = ?2", [one, other]);
    run(conn, "UPDATE record SET seq = ?1 WHERE seq = -1", [other]);
}

/// Flips one bit of a column; text keeps its type, valid or not.
fn flip(conn: &Connection, column: &str, seq: u64, at: usize, bit: u8) {
    let select = format!("SELECT CAST({column} AS BLOB) FROM record WHERE seq = ?1");
    let mut bytes: Vec<u8> = conn.query_row(&select, [seq], |row| row.get(0)).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1 << bit;
    let kind = if column == "body" { "TEXT" } else { "BLOB" };
    run(
        conn,
        &format!("UPDATE record SET {column} = CAST(?1 AS {kind}) WHERE seq = ?2"),
        params![bytes, seq],
    );
}

/// A forger who knows the format: text, salt and commitment all fit each other.
fn rewrite(conn: &Connection, seq: u64) {
    let body: String =
        conn.query_row("SELECT body FROM record WHERE seq = ?1", [seq], |row| row.get(0)).unwrap();
    let body = body.replace("step-", "other-");
    let salt = [5_u8; 32];
    let leaf: [u8; 32] = Sha256::new().chain_update(salt).chain_update(&body).finalize().into();
    run(
        conn,
        "UPDATE record SET body = ?1, salt = ?2, leaf = ?3 WHERE seq = ?4",
        params![body, salt, leaf, seq],
    );
}

fn forged(conn: &Connection, seq: u64) {
    let body = format!(
        r#"{{"seq":{seq},"at":"2026-01-01T00:00:00Z","event":{{"event":"sharing_changed","on":true}}}}"#
    );
    let salt = [6_u8; 32];
    let leaf: [u8; 32] = Sha256::new().chain_update(salt).chain_update(&body).finalize().into();
    run(
        conn,
        "INSERT INTO record (seq, body, salt, leaf) VALUES (?1, ?2, ?3, ?4)",
        params![seq, body, salt, leaf],
    );
}

#[test]
fn b2_an_untouched_journal_verifies() {
    let check = after(|_| ());
    assert_eq!(check, Check { records: RECORDS, anchored: RECORDS, erased: 0, flaw: None });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn b2_a_flipped_bit_is_found_where_it_is(
        seq in 1..=RECORDS, at in any::<usize>(), bit in 0..8_u8, column in prop::sample::select(vec!["body", "salt", "leaf"]),
    ) {
        let check = after(|conn| flip(conn, column, seq, at, bit));
        prop_assert_eq!(check.flaw, Some(Flaw::Changed { seq }));
    }

    #[test]
    fn b2_a_deleted_record_is_found_where_it_was(seq in 1..RECORDS) {
        let check = after(|conn| run(conn, "DELETE FROM record WHERE seq = ?1", [seq]));
        prop_assert_eq!(check.first_bad(), Some(seq));
        let check = after(|conn| {
            run(conn, "DELETE FROM record WHERE seq = ?1", [seq]);
            shift(conn, seq, -1);
        });
        prop_assert_eq!(check.flaw, Some(Flaw::Misplaced { seq, belongs: seq + 1 }));
    }

    #[test]
    fn b2_reordered_records_are_found_at_the_first(one in 1..RECORDS, distance in 1..RECORDS) {
        let other = (one + distance).min(RECORDS);
        let check = after(|conn| swap(conn, one, other));
        prop_assert_eq!(check.flaw, Some(Flaw::Misplaced { seq: one, belongs: other }));
    }

    #[test]
    fn b2_an_inserted_record_is_found(seq in 1..=RECORDS) {
        let check = after(|conn| {
            shift(conn, seq - 1, 1);
            forged(conn, seq);
        });
        // The forged one fits its own commitment; the one after it was moved by it.
        prop_assert_eq!(check.flaw, Some(Flaw::Rewritten { after: 0, size: FIRST_ANCHOR })
            .filter(|_| seq == FIRST_ANCHOR)
            .or(Some(Flaw::Rewritten { after: FIRST_ANCHOR, size: RECORDS }).filter(|_| seq == RECORDS))
            .or(Some(Flaw::Misplaced { seq: seq + 1, belongs: seq })));
    }

    #[test]
    fn b2_truncation_is_found_even_if_its_checkpoints_are_deleted_too(left in 0..RECORDS) {
        let truncate = |conn: &Connection| run(conn, "DELETE FROM record WHERE seq > ?1", [left]);
        let truncated = Some(Flaw::Truncated {
            records: left,
            size: if left < FIRST_ANCHOR { FIRST_ANCHOR } else { RECORDS },
        });
        prop_assert_eq!(after_with(None, truncate).flaw, truncated);
        let check = after(|conn| {
            truncate(conn);
            conn.execute("DELETE FROM anchor WHERE size > ?1", [left]).unwrap();
        });
        prop_assert_eq!(check.flaw, Some(Flaw::Truncated { records: left, size: RECORDS }));
    }

    #[test]
    fn b2_a_forger_who_recomputes_the_commitment_is_found_between_two_checkpoints(seq in 1..=RECORDS) {
        let check = after(|conn| rewrite(conn, seq));
        let (after, size) = if seq <= FIRST_ANCHOR { (0, FIRST_ANCHOR) } else { (FIRST_ANCHOR, RECORDS) };
        prop_assert_eq!(check.flaw, Some(Flaw::Rewritten { after, size }));
        prop_assert_eq!(check.anchored, after);
    }
}

#[test]
fn b2_a_checkpoint_signed_anew_with_another_key_is_not_trusted() {
    let resign = |path: &Path| {
        let mut journal = Journal::open::<Vec<_>>(path, at(0)).unwrap().journal;
        journal.checkpoint(at(9), &SeedSigner::new(&[2; 32])).unwrap();
        journal.verify(Some(&key()), Some(&ANCHORED.1)).unwrap()
    };
    let home = Home::new();
    std::fs::write(home.path(), &ANCHORED.0).unwrap();
    assert!(matches!(resign(&home.path()).flaw, Some(Flaw::BadCheckpoint { size: RECORDS, .. })));
    // An edited checkpoint is not trusted either, and a checkpoint of somewhere else is not taken for ours.
    let check = after(|conn| run(conn, "UPDATE anchor SET note = replace(note, '1000', '0999')", []));
    assert!(matches!(check.flaw, Some(Flaw::BadCheckpoint { .. })));
    let check = after_with(Some("somewhere.else/log\n1\nAAAA\n\n— x AAAAAAAA\n"), |_| ());
    assert!(matches!(check.flaw, Some(Flaw::BadCheckpoint { size: 0, .. })));
}

#[test]
fn b5_what_is_not_anchored_yet_is_said() {
    let home = Home::new();
    let mut journal = filled(&home, 3);
    journal.checkpoint(at(2), &signer()).unwrap();
    journal.append(at(3), &[step("late", StepState::Ready)]).unwrap();
    let check = journal.verify(Some(&key()), None).unwrap();
    assert_eq!(check, Check { records: 4, anchored: 3, erased: 0, flaw: None });
}

#[test]
fn b6_erased_records_leave_the_log_verifiable_and_say_nothing() {
    let erase =
        |conn: &Connection| run(conn, "UPDATE record SET body = NULL, salt = NULL WHERE seq <= 600", []);
    let check = after(erase);
    assert_eq!(check, Check { records: RECORDS, anchored: RECORDS, erased: 600, flaw: None });
    // Two journals of the same events share no leaf: without the salt a guess cannot be confirmed.
    let (one, other) = (Home::new(), Home::new());
    drop((filled(&one, 5), filled(&other, 5)));
    let (one, other) = (crate::common::leaves(&one.path()), crate::common::leaves(&other.path()));
    assert!(one.iter().all(|leaf| !other.contains(leaf)));
    // Half an erasure is none.
    let check = after(|conn| run(conn, "UPDATE record SET salt = NULL WHERE seq = 7", []));
    assert_eq!(check.first_bad(), Some(7));
}

#[test]
fn b6_a_journal_with_erased_records_opens_and_goes_on() {
    let home = Home::new();
    drop(filled(&home, 4));
    let conn = Connection::open(home.path()).unwrap();
    run(&conn, "UPDATE record SET body = NULL, salt = NULL WHERE seq <= 2", []);
    drop(conn);
    let mut opened = home.open();
    assert_eq!((opened.history.len(), opened.restored.is_none()), (2, true));
    opened.journal.append(at(9), &[step("more", StepState::Ready)]).unwrap();
    assert_eq!(opened.journal.verify(None, None).unwrap().records, 5);
}

#[test]
fn a_reader_changes_nothing() {
    let home = Home::new();
    assert!(matches!(Journal::open_to_read(&home.path()), Err(JournalError::Missing { .. })));
    drop(filled(&home, 4));
    let mut reader = Journal::open_to_read(&home.path()).unwrap();
    assert_eq!(reader.events().unwrap().len(), 4);
    let refused = reader.append(at(9), &[step("more", StepState::Ready)]);
    assert!(matches!(refused, Err(JournalError::NotWritable { .. })));
}
