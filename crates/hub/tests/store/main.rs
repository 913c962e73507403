//! One story that every database has to tell the same way. One more database: a file like `on_postgres`.
#![expect(clippy::unwrap_used, reason = "a test that cannot set the scene has failed")]

mod audit;
mod clocks;
mod counting;
mod kpis;
#[cfg(unix)]
mod on_postgres;
#[path = "../../../tlog/tests/tlog/oracle.rs"]
mod oracle;
mod people;
#[cfg(unix)]
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../postgres/mod.rs"]
mod postgres;
mod requests;
mod retention;
mod roles;
mod sessions;
mod signals;
mod story;
mod surveys;

use std::sync::Arc;

use firstlight_hub::store::{Store, sqlite::SqliteStore};

/// A fresh store; the folder goes with it.
fn sqlite() -> (Arc<dyn Store>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("hub.sqlite")).unwrap();
    (Arc::new(store), folder)
}

#[tokio::test]
async fn sqlite_lets_devices_in_once() {
    let (store, _folder) = sqlite();
    story::admission(store.as_ref()).await;
}

#[tokio::test]
async fn sqlite_settles_each_sequence_once() {
    let (store, _folder) = sqlite();
    story::settling(store.as_ref()).await;
}

#[tokio::test]
async fn sqlite_counts_each_day_by_itself() {
    let (store, _folder) = sqlite();
    story::days(store.as_ref()).await;
}

#[test]
fn sqlite_counts_what_its_log_says_whatever_the_network_does() {
    counting::property(async || sqlite());
}

#[tokio::test]
async fn sqlite_knows_who_may_say_what_happened() {
    let (store, _folder) = sqlite();
    signals::integrations(store.as_ref()).await;
}

#[tokio::test]
async fn g1_sqlite_knows_who_is_signed_in() {
    let (store, _folder) = sqlite();
    sessions::of_named(store.as_ref()).await;
    let (store, _folder) = sqlite();
    sessions::of_bearers(store.as_ref()).await;
}

#[test]
fn sqlite_counts_what_other_programs_say_whatever_the_order() {
    signals::property(async || sqlite());
}

#[test]
fn sqlite_knows_of_journeys_what_happened_whatever_arrives_first() {
    kpis::property(async || sqlite());
}

#[tokio::test]
async fn sqlite_knows_beside_journeys_what_other_programs_say_and_whose_team_is_which() {
    let (store, _folder) = sqlite();
    kpis::beside_journeys(store.as_ref()).await;
}

#[tokio::test]
async fn g5_sqlite_keeps_which_groups_were_first() {
    let (store, _folder) = sqlite();
    kpis::precedence(store.as_ref()).await;
}

#[tokio::test]
async fn sqlite_keeps_a_journey_as_small_as_a_checklist_whatever_a_machine_makes_up() {
    let (store, _folder) = sqlite();
    kpis::made_up(store.as_ref()).await;
}

#[test]
fn f6_sqlite_knows_what_happened_whatever_the_clocks_of_machines_say() {
    clocks::f6_property(async || sqlite());
}

#[tokio::test]
async fn f6_sqlite_judges_when_something_happened_by_the_hubs_clock() {
    let (store, _folder) = sqlite();
    clocks::f6_judged_by_our_clock(store.as_ref()).await;
}

#[test]
fn sqlite_hears_each_thing_of_a_submission_once_whatever_the_network_does() {
    surveys::property(async || sqlite());
}

#[tokio::test]
async fn sqlite_hears_each_thing_of_a_submission_once() {
    let (store, _folder) = sqlite();
    surveys::once(store.as_ref()).await;
}

#[test]
fn sqlite_hears_once_what_others_are_asked_for_whatever_the_network_does() {
    requests::property(async || sqlite());
}

#[tokio::test]
async fn sqlite_takes_one_answer_to_what_somebody_is_asked_for() {
    let (store, _folder) = sqlite();
    requests::once(store.as_ref()).await;
    let (store, _folder) = sqlite();
    requests::raced(store).await;
}

#[tokio::test]
async fn sqlite_keeps_the_working_hours_a_promise_was_given_under() {
    let (store, _folder) = sqlite();
    requests::calendars(store.as_ref()).await;
}

#[tokio::test]
async fn sqlite_tells_how_promises_were_kept_as_its_log_does() {
    let (store, _folder) = sqlite();
    requests::levels(store.as_ref()).await;
}

#[tokio::test]
async fn g6_sqlite_hands_somebody_over_and_erases_them() {
    let ((store, folder), (other, _folder)) = (sqlite(), sqlite());
    let raw = rusqlite::Connection::open(folder.path().join("hub.sqlite")).unwrap();
    // What a program has deleted that does not overwrite is in the file still.
    let leave = async || {
        raw.execute_batch(
            "PRAGMA secure_delete = OFF;
             CREATE TABLE older AS
                 WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < 50)
                 SELECT event.* FROM event, copy;
             DROP TABLE older",
        )
        .unwrap();
    };
    let gone = people::erasing(store.as_ref(), other.as_ref(), leave).await;
    let columns = columns(&raw);
    people::every_table_is_named(&columns);
    for (table, column) in columns {
        let numbers: Vec<i64> = match column.as_str() {
            "person" => vec![gone.person.0.into()],
            "device" => gone.devices.iter().map(|device| device.0).collect(),
            _ => continue,
        };
        for number in numbers {
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} = ?1");
            let rows: u64 = raw.query_row(&sql, [number], |row| row.get(0)).unwrap();
            assert_eq!(rows, 0, "{table}");
        }
    }
    drop(raw);
    // Not in the file either, nor in what lies beside it.
    let mut read = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        read += bytes.len();
        for trace in &gone.traces {
            assert!(
                !people::found(&bytes, trace),
                "{} has {}",
                path.display(),
                String::from_utf8_lossy(trace)
            );
        }
    }
    assert!(read > 50_000, "there was something to read");
}

fn columns(conn: &rusqlite::Connection) -> Vec<(String, String)> {
    let sql = "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn sqlite_forgets_what_is_too_old_and_keeps_the_sums() {
    let (store, _folder) = sqlite();
    retention::forgetting(store.as_ref()).await;
}

#[tokio::test]
async fn g8_sqlite_knows_who_may_what() {
    let (store, _folder) = sqlite();
    roles::rights(store.as_ref()).await;
}

#[tokio::test]
async fn sqlite_counts_nobody_for_having_rights() {
    let (store, _folder) = sqlite();
    roles::everybody(store.as_ref()).await;
}

#[tokio::test]
async fn g8_sqlite_has_every_act_in_its_log() {
    let (store, _folder) = sqlite();
    roles::g8_every_act_is_in_the_log(store.as_ref()).await;
}

#[tokio::test]
async fn g8_sqlite_does_nothing_that_it_cannot_log() {
    let (store, folder) = sqlite();
    let raw = rusqlite::Connection::open(folder.path().join("hub.sqlite")).unwrap();
    let run = async |sql: &str| raw.execute_batch(sql).unwrap();
    let spoil = "CREATE TRIGGER fails BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'no'); END";
    let (spoil, mend) = (async || run(spoil).await, async || run("DROP TRIGGER fails").await);
    roles::g8_what_cannot_be_logged_is_not_done(store.as_ref(), spoil, mend).await;
}

/// Another connection to a file, for somebody who owns it.
struct Sqlite(std::sync::Mutex<rusqlite::Connection>);

impl Sqlite {
    fn of(folder: &tempfile::TempDir) -> Self {
        let raw = rusqlite::Connection::open(folder.path().join("hub.sqlite")).unwrap();
        raw.pragma_update(None, "synchronous", "OFF").unwrap();
        for sql in ["UPDATE audit SET seq = 9", "DELETE FROM audit"] {
            raw.execute_batch("SAVEPOINT tried").unwrap();
            raw.execute("INSERT INTO audit VALUES (1, '', x'', x'')", []).unwrap();
            let refused = raw.execute(sql, []).unwrap_err().to_string();
            assert!(refused.contains("only appended to"), "{refused}");
            raw.execute_batch("ROLLBACK TO tried; RELEASE tried").unwrap();
        }
        raw.execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted").unwrap();
        Self(raw.into())
    }
}

#[async_trait::async_trait]
impl audit::AsyncSql for Sqlite {
    async fn run(&self, sql: &str) -> u64 {
        let raw = self.0.lock().unwrap();
        let changed = raw.execute(sql, []).unwrap() as u64;
        // Making a table counts as nothing.
        if sql.starts_with("CREATE") { 1 } else { changed }
    }
}

fn forger<'a>(store: &'a dyn Store, folder: &tempfile::TempDir) -> audit::Forger<'a> {
    let bytes = |bytes: &[u8]| format!("x'{}'", firstlight_domain::plan::hex(bytes));
    audit::Forger { store, sql: Box::new(Sqlite::of(folder)), bytes }
}

#[tokio::test]
async fn b2_sqlite_finds_whatever_is_done_to_a_thousand_acts() {
    let (store, folder) = sqlite();
    let forger = forger(store.as_ref(), &folder);
    audit::b2_whatever_is_done_to_a_thousand_acts_is_found(&forger).await;
}

#[tokio::test]
async fn b6_sqlite_keeps_a_log_that_verifies_and_says_nothing_of_whom_is_erased() {
    let (store, folder) = sqlite();
    let forger = forger(store.as_ref(), &folder);
    audit::b6_of_whom_is_erased_the_log_says_nothing_and_verifies(&forger).await;
}

#[tokio::test]
async fn b1_sqlite_signs_the_root_over_the_records() {
    let (store, _folder) = sqlite();
    audit::b1_a_checkpoint_signs_the_root_over_the_records(store.as_ref()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_one_log_of_what_commands_do_while_a_hub_serves() {
    let (store, folder) = sqlite();
    let other = SqliteStore::open(&folder.path().join("hub.sqlite")).unwrap();
    audit::acts_at_once_are_one_unbroken_log(vec![store, Arc::new(other)]).await;
}

#[tokio::test]
async fn sqlite_opens_what_it_wrote_and_a_group_that_failed_left_nothing() {
    let (store, folder) = sqlite();
    let device = story::device(store.as_ref(), "ada").await;
    let path = folder.path().join("hub.sqlite");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(
        "CREATE TRIGGER fails BEFORE INSERT ON day_people BEGIN SELECT raise(ABORT, 'no'); END",
    )
    .unwrap();
    let group = || vec![story::submission(&device, [story::event(1, "2026-11-26T09:00:00Z")])];
    store.append(group()).await.unwrap_err();
    raw.execute_batch("DROP TRIGGER fails").unwrap();
    assert_eq!(store.progress(device.key).await.unwrap().marks.high(), 0);
    assert_eq!(store.rollups().await.unwrap(), firstlight_hub::store::Rollups::default());
    store.append(group()).await.unwrap();
    let before = store.rollups().await.unwrap();
    drop(store);
    let again = SqliteStore::open(&path).unwrap();
    assert_eq!(again.rollups().await.unwrap(), before);
    assert_eq!(again.devices().await.unwrap(), [device]);
}
