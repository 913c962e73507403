//! One story that every database has to tell the same way. One more database: a file like `on_postgres`.
#![expect(clippy::unwrap_used, reason = "a test that cannot set the scene has failed")]

mod counting;
mod kpis;
#[cfg(unix)]
mod on_postgres;
#[cfg(unix)]
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../postgres/mod.rs"]
mod postgres;
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
async fn sqlite_keeps_a_journey_as_small_as_a_checklist_whatever_a_machine_makes_up() {
    let (store, _folder) = sqlite();
    kpis::made_up(store.as_ref()).await;
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
