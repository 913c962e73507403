//! F1, F2: what was acknowledged is on the disk, whenever the process dies.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use firstlight_domain::state::StepState;
use firstlight_journal::{Journal, SeedSigner};
use rusqlite::Connection;

use crate::common::{Home, at, step};

const CHILD: &str = "FIRSTLIGHT_TEST_JOURNAL";

#[test]
fn f1_the_sqlite_built_in_has_no_wal_reset_bug() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn f1_the_file_is_in_wal_mode() {
    let home = Home::new();
    drop(home.open());
    let conn = Connection::open(home.path()).unwrap();
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

/// Not a test by itself: the process that is killed.
#[test]
#[ignore = "started, and killed, by f2_nothing_acknowledged_is_lost_when_the_process_is_killed"]
fn child_appends_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let opened = Journal::open::<Vec<_>>(Path::new(&path), at(0)).unwrap();
    assert_eq!(opened.restored, None);
    let mut journal = opened.journal;
    let mut count = opened.history.len();
    loop {
        let size = count % 3 + 1;
        let events: Vec<_> =
            (count..count + size).map(|n| step(&format!("step-{n}"), StepState::Running)).collect();
        journal.append(at(1), &events).unwrap();
        count += size;
        println!("\nacknowledged {count}");
        std::io::stdout().flush().unwrap();
        if count.is_multiple_of(7) {
            journal.checkpoint(at(2), &SeedSigner::new(&[1; 32])).unwrap();
        }
    }
}

#[test]
fn f2_nothing_acknowledged_is_lost_when_the_process_is_killed() {
    const KILLS: u64 = 30;
    let home = Home::new();
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::child_appends_until_it_is_killed", "--ignored", "--nocapture"])
            .env(CHILD, home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut last = None;
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                // A line cut off by the kill is shorter, so it says less, never more.
                last = line.strip_prefix("acknowledged ").and_then(|n| n.parse::<usize>().ok()).or(last);
            }
            last
        });
        // Spread over start, migration, appends and checkpoints.
        std::thread::sleep(Duration::from_millis(5 + kill * 37 % 211));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = reader.join().unwrap().unwrap_or(0).max(acknowledged);

        let opened = home.open();
        assert_eq!(opened.restored, None, "kill {kill}");
        let kept = opened.history.len();
        assert!(kept >= acknowledged, "kill {kill}: {kept} records, {acknowledged} acknowledged");
        assert_eq!(opened.journal.queued().unwrap().len(), kept, "each event has its outbox row");
        assert!(opened.journal.verify(None, None).unwrap().ok());
        drop(opened);
        let conn = Connection::open(home.path()).unwrap();
        let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
    }
    assert!(acknowledged > 50, "the child hardly wrote: {acknowledged}");
}
