//! The story on PostgreSQL, and what only a server with many hubs has to show.

use std::sync::Arc;

use firstlight_contract::hub::Verdict;
use firstlight_hub::{
    secrets::{hash_code, hash_token},
    signals::{Signal, SignalKind},
    store::{
        Enrolling, Enrolment, Rollups, Store, StoreError,
        postgres::{Address, PostgresStore},
    },
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    audit, clocks, counting, kpis, people, postgres::Server, requests, retention, roles, sessions, signals,
    story, surveys,
};

async fn open(url: &str) -> Arc<dyn Store> {
    Arc::new(PostgresStore::open(&Address::parse(url).unwrap()).await.unwrap())
}

#[tokio::test]
async fn postgres_lets_devices_in_once() {
    let Some(server) = Server::shared() else { return };
    story::admission(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn postgres_settles_each_sequence_once() {
    let Some(server) = Server::shared() else { return };
    story::settling(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn postgres_counts_each_day_by_itself() {
    let Some(server) = Server::shared() else { return };
    story::days(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn postgres_knows_who_may_say_what_happened() {
    let Some(server) = Server::shared() else { return };
    signals::integrations(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn g1_postgres_knows_who_is_signed_in() {
    let Some(server) = Server::shared() else { return };
    sessions::of_named(open(&server.fresh()).await.as_ref()).await;
    sessions::of_bearers(open(&server.fresh()).await.as_ref()).await;
}

#[test]
fn postgres_knows_of_journeys_what_happened_whatever_arrives_first() {
    let Some(server) = Server::shared() else { return };
    kpis::property(async || (open(&server.fresh()).await, ()));
}

#[tokio::test]
async fn postgres_knows_beside_journeys_what_other_programs_say_and_whose_team_is_which() {
    let Some(server) = Server::shared() else { return };
    kpis::beside_journeys(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn g5_postgres_keeps_which_groups_were_first() {
    let Some(server) = Server::shared() else { return };
    kpis::precedence(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn postgres_keeps_a_journey_as_small_as_a_checklist_whatever_a_machine_makes_up() {
    let Some(server) = Server::shared() else { return };
    kpis::made_up(open(&server.fresh()).await.as_ref()).await;
}

#[test]
fn f6_postgres_knows_what_happened_whatever_the_clocks_of_machines_say() {
    let Some(server) = Server::shared() else { return };
    clocks::f6_property(async || (open(&server.fresh()).await, ()));
}

#[tokio::test]
async fn f6_postgres_judges_when_something_happened_by_the_hubs_clock() {
    let Some(server) = Server::shared() else { return };
    clocks::f6_judged_by_our_clock(open(&server.fresh()).await.as_ref()).await;
}

#[test]
fn postgres_hears_each_thing_of_a_submission_once_whatever_the_network_does() {
    let Some(server) = Server::shared() else { return };
    surveys::property(async || (open(&server.fresh()).await, ()));
}

#[tokio::test]
async fn postgres_knows_when_somebody_was_asked_on_any_device() {
    let Some(server) = Server::shared() else { return };
    surveys::once(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn g6_postgres_hands_somebody_over_and_erases_them() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let (store, other) = (open(&url).await, open(&server.fresh()).await);
    let gone = people::erasing(store.as_ref(), other.as_ref(), async || ()).await;
    let raw = raw(&url).await;
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns
                   WHERE table_schema = current_schema()";
    let columns = raw.query(columns, &[]).await.unwrap();
    let columns: Vec<(String, String)> = columns.iter().map(|row| (row.get(0), row.get(1))).collect();
    people::every_table_is_named(&columns);
    for (table, column) in columns {
        let numbers: Vec<i64> = match column.as_str() {
            "person" => vec![gone.person.0.into()],
            "device" => gone.devices.iter().map(|device| device.0).collect(),
            _ => continue,
        };
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} = ANY ($1::bigint[])");
        let rows: i64 = raw.query_one(&sql, &[&numbers]).await.unwrap().get(0);
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn postgres_forgets_what_is_too_old_and_keeps_the_sums() {
    let Some(server) = Server::shared() else { return };
    retention::forgetting(open(&server.fresh()).await.as_ref()).await;
}

/// Two hubs take in what her devices send, a third erases her: whoever comes first, nothing of her is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g6_postgres_erases_somebody_whose_machines_go_on_sending_to_other_hubs() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let third = open(&url).await;
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let grace = story::device(third.as_ref(), "grace").await;
    for turn in 0..12_u64 {
        let (ada, laptop) =
            (story::device(third.as_ref(), "ada").await, story::device(third.as_ref(), "ada").await);
        let mut hubs = JoinSet::new();
        for device in [ada.clone(), laptop] {
            let (store, grace) = (open(&url).await, grace.clone());
            hubs.spawn(async move {
                for sequence in 1..=20 {
                    let later = turn * 40 + sequence;
                    let group = vec![
                        story::submission(&device, [story::began(sequence, story::now(), "backend")]),
                        story::submission(&grace, [story::event(later, "2026-11-26T09:00:00Z")]),
                    ];
                    store.append(group).await.unwrap();
                }
            });
        }
        // Somewhere among them.
        while third.progress(ada.key).await.unwrap().marks.high() <= turn {
            tokio::task::yield_now().await;
        }
        third.erase(&story::by(), &[people::name("ada")], &berlin).await.unwrap();
        hubs.join_all().await;
        assert_eq!(third.export(&story::by(), &people::name("ada")).await.unwrap(), None);
        let rollups = third.rollups().await.unwrap();
        assert_eq!(rollups, third.recount().await.unwrap());
        assert_eq!(rollups.events.len(), 1, "only Grace's: {rollups:?}");
        assert!(rollups.people.values().all(|people| people.len() == 1 && people.contains(grace.person.0)));
        assert_eq!(third.known().await.unwrap(), third.known_from_log().await.unwrap());
    }
    let events =
        raw(&url).await.query_one("SELECT count(DISTINCT device), count(*) FROM event", &[]).await.unwrap();
    assert_eq!((events.get::<_, i64>(0), events.get::<_, i64>(1)), (1, 12 * 20));
}

#[test]
fn postgres_hears_once_what_others_are_asked_for_whatever_the_network_does() {
    let Some(server) = Server::shared() else { return };
    requests::property(async || (open(&server.fresh()).await, ()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_takes_one_answer_to_what_somebody_is_asked_for() {
    let Some(server) = Server::shared() else { return };
    requests::once(open(&server.fresh()).await.as_ref()).await;
    requests::raced(open(&server.fresh()).await).await;
}

#[tokio::test]
async fn postgres_keeps_the_working_hours_a_promise_was_given_under() {
    let Some(server) = Server::shared() else { return };
    requests::calendars(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn postgres_tells_how_promises_were_kept_as_its_log_does() {
    let Some(server) = Server::shared() else { return };
    requests::levels(open(&server.fresh()).await.as_ref()).await;
}

#[test]
fn postgres_counts_what_other_programs_say_whatever_the_order() {
    let Some(server) = Server::shared() else { return };
    signals::property(async || (open(&server.fresh()).await, ()));
}

#[test]
fn postgres_counts_what_its_log_says_whatever_the_network_does() {
    let Some(server) = Server::shared() else { return };
    counting::property(async || (open(&server.fresh()).await, ()));
}

#[tokio::test]
async fn g8_postgres_knows_who_may_what() {
    let Some(server) = Server::shared() else { return };
    roles::rights(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn postgres_counts_nobody_for_having_rights() {
    let Some(server) = Server::shared() else { return };
    roles::everybody(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn g8_postgres_has_every_act_in_its_log() {
    let Some(server) = Server::shared() else { return };
    roles::g8_every_act_is_in_the_log(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test]
async fn g8_postgres_does_nothing_that_it_cannot_log() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let raw = raw(&url).await;
    let run = async |sql: &str| raw.batch_execute(sql).await.unwrap();
    let spoil = "ALTER TABLE audit ADD CONSTRAINT fails CHECK (seq < 0) NOT VALID";
    let (spoil, mend) =
        (async || run(spoil).await, async || run("ALTER TABLE audit DROP CONSTRAINT fails").await);
    roles::g8_what_cannot_be_logged_is_not_done(store.as_ref(), spoil, mend).await;
}

/// Another connection to a server, for somebody who owns the tables.
struct Owner(tokio_postgres::Client);

#[async_trait::async_trait]
impl audit::AsyncSql for Owner {
    async fn run(&self, sql: &str) -> u64 {
        let changed = self.0.execute(sql, &[]).await.unwrap();
        // Making a table counts its rows.
        if sql.starts_with("CREATE") { 1 } else { changed }
    }
}

async fn forger<'a>(store: &'a dyn Store, url: &str) -> audit::Forger<'a> {
    let raw = raw(url).await;
    for sql in ["UPDATE audit SET seq = 9", "DELETE FROM audit", "TRUNCATE audit"] {
        let refused = raw.batch_execute(sql).await.unwrap_err();
        assert!(refused.as_db_error().unwrap().message().contains("only appended to"), "{refused}");
    }
    raw.batch_execute("ALTER TABLE audit DISABLE TRIGGER audit_only_grows").await.unwrap();
    let bytes = |bytes: &[u8]| format!("'\\x{}'::bytea", firstlight_domain::plan::hex(bytes));
    audit::Forger { store, sql: Box::new(Owner(raw)), bytes }
}

#[tokio::test]
async fn b2_postgres_finds_whatever_is_done_to_a_thousand_acts() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let forger = forger(store.as_ref(), &url).await;
    audit::b2_whatever_is_done_to_a_thousand_acts_is_found(&forger).await;
}

#[tokio::test]
async fn b6_postgres_keeps_a_log_that_verifies_and_says_nothing_of_whom_is_erased() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let forger = forger(store.as_ref(), &url).await;
    audit::b6_of_whom_is_erased_the_log_says_nothing_and_verifies(&forger).await;
}

#[tokio::test]
async fn b1_postgres_signs_the_root_over_the_records() {
    let Some(server) = Server::shared() else { return };
    audit::b1_a_checkpoint_signs_the_root_over_the_records(open(&server.fresh()).await.as_ref()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_one_unbroken_log_of_what_many_hubs_do_at_once() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(open(&url).await);
    }
    audit::acts_at_once_are_one_unbroken_log(stores).await;
}

#[tokio::test]
async fn postgres_opens_what_it_wrote_and_a_group_that_failed_left_nothing() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let device = story::device(store.as_ref(), "ada").await;
    let raw = raw(&url).await;
    raw.batch_execute("ALTER TABLE day_events ADD CONSTRAINT fails CHECK (n < 0)").await.unwrap();
    let group = || vec![story::submission(&device, [story::event(1, "2026-11-26T09:00:00Z")])];
    store.append(group()).await.unwrap_err();
    raw.batch_execute("ALTER TABLE day_events DROP CONSTRAINT fails").await.unwrap();
    assert_eq!(store.progress(device.key).await.unwrap().marks.high(), 0);
    assert_eq!(store.rollups().await.unwrap(), Rollups::default());
    assert_eq!(store.recount().await.unwrap(), Rollups::default());
    store.append(group()).await.unwrap();
    let before = store.rollups().await.unwrap();
    drop(store);
    let again = open(&url).await;
    assert_eq!(again.rollups().await.unwrap(), before);
    assert_eq!(again.devices().await.unwrap(), [device]);
}

/// A connection beside the store's.
async fn raw(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_settles_once_for_many_hubs_that_write_at_once() {
    const HUBS: usize = 4;
    const SEQUENCES: u64 = 60;
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let first = open(&url).await;
    let mut devices = Vec::new();
    for person in ["ada", "charles", "grace"] {
        devices.push(story::device(first.as_ref(), person).await);
    }
    let mut hubs = JoinSet::new();
    for hub in 0..HUBS {
        let (store, devices) = (open(&url).await, devices.clone());
        hubs.spawn(async move {
            let mut accepted = 0;
            for sequence in 1..=SEQUENCES {
                // Days, runs and devices in another order on each hub: what would deadlock without an order of locks.
                let hours = i64::try_from((sequence * 7 + hub as u64 * 13) % 60).unwrap();
                let time = story::now() - jiff::SignedDuration::from_hours(hours);
                let mut group: Vec<_> = devices
                    .iter()
                    .map(|device| {
                        let earlier = time - jiff::SignedDuration::from_hours(30);
                        let kind = firstlight_domain::registry::EventType::RunStarted;
                        let odd = story::of_kind(sequence * 2 - 1, time, kind);
                        let even = story::began(sequence * 2, earlier, "backend");
                        story::submission(device, [odd, even])
                    })
                    .collect();
                group.rotate_left(hub % devices.len());
                let verdicts = store.append(group).await.unwrap().concat();
                accepted += verdicts.iter().filter(|one| **one == Verdict::Accepted).count();
                assert!(verdicts.iter().all(|one| matches!(one, Verdict::Accepted | Verdict::Duplicate)));
            }
            accepted
        });
    }
    let accepted: usize = hubs.join_all().await.into_iter().sum();
    let expected = devices.len() * 2 * usize::try_from(SEQUENCES).unwrap();
    assert_eq!(accepted, expected, "each sequence was accepted by exactly one");
    let rollups = first.rollups().await.unwrap();
    assert_eq!(rollups.events.values().sum::<u64>(), expected as u64);
    assert_eq!(rollups, first.recount().await.unwrap());
    for device in &devices {
        let progress = first.progress(device.key).await.unwrap();
        assert_eq!((progress.marks.high(), progress.marks.missing()), (SEQUENCES * 2, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_lets_one_of_many_in_with_a_code_and_numbers_people_without_holes() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let later = story::now() + jiff::SignedDuration::from_hours(1);
    let code = hash_code("ONCE");
    store.add_code(&story::by(), code, Some("ada"), later).await.unwrap();
    let mut enrolling = JoinSet::new();
    let mut adding = JoinSet::new();
    for id in 0..8_u128 {
        let (one, other) = (Arc::clone(&store), Arc::clone(&store));
        let enrolment = Enrolment {
            code,
            device: Uuid::from_u128(id),
            token: hash_token(&id.to_string()),
            expires_at: later,
            now: story::now(),
        };
        enrolling.spawn(async move { one.enrol(enrolment).await.unwrap() });
        adding.spawn(async move {
            other
                .add_code(&story::by(), hash_code(&id.to_string()), (id % 2 == 0).then_some("grace"), later)
                .await
                .unwrap();
        });
    }
    let done = enrolling.join_all().await.into_iter().filter(|one| *one == Enrolling::Done).count();
    assert_eq!((done, store.devices().await.unwrap().len()), (1, 1));
    adding.join_all().await;
    let people = raw(&url).await.query_one("SELECT count(*), max(key) FROM person", &[]).await.unwrap();
    // Ada, Grace, and four who were not named.
    assert_eq!((people.get::<_, i64>(0), people.get::<_, i32>(1)), (6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_is_made_once_by_hubs_that_start_at_once() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let mut starting = JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        starting.spawn(async move { open(&url).await });
    }
    let stores = starting.join_all().await;
    let device = story::device(stores[0].as_ref(), "ada").await;
    let group = vec![story::submission(&device, [story::event(1, "2026-11-26T09:00:00Z")])];
    stores[5].append(group).await.unwrap();
    assert_eq!(stores[3].rollups().await.unwrap(), stores[1].recount().await.unwrap());
}

#[tokio::test]
async fn postgres_of_a_newer_hub_is_used_while_it_only_added_and_refused_in_words_after() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let device = story::device(store.as_ref(), "ada").await;
    let raw = raw(&url).await;
    let group = |sequence| vec![story::submission(&device, [story::event(sequence, "2026-11-26T09:00:00Z")])];
    // A newer hub has added a column and a type of events, and has counted one.
    raw.batch_execute(
        "ALTER TABLE event ADD COLUMN mood text;
         INSERT INTO kind (name) VALUES ('dev.firstlight.mood.changed');
         INSERT INTO day_events SELECT 20261126, max(key), 1 FROM kind;
         UPDATE format SET number = 99",
    )
    .await
    .unwrap();
    store.append(group(1)).await.unwrap();
    store.check_writable().await.unwrap();
    let older = open(&url).await;
    older.append(group(2)).await.unwrap();
    assert_eq!(older.rollups().await.unwrap(), older.recount().await.unwrap());
    // Then it takes something away.
    raw.batch_execute("UPDATE format SET needs = 99").await.unwrap();
    let newer = |error: StoreError| {
        assert!(matches!(error, StoreError::Newer { needs: 99, .. }), "{error}");
        assert!(error.to_string().contains("bring this hub up to date"), "{error}");
    };
    newer(store.check_writable().await.unwrap_err());
    newer(PostgresStore::open(&Address::parse(&url).unwrap()).await.unwrap_err());
}

#[tokio::test]
async fn postgres_that_ended_our_connections_is_written_to_over_new_ones() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&format!("{url}&application_name=ended")).await;
    let device = story::device(store.as_ref(), "ada").await;
    let raw = raw(&url).await;
    let ended = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000))
                 FROM pg_stat_activity WHERE application_name = 'ended'";
    for sequence in 1..=5 {
        // Whether the store knows already that its connections are gone is a matter of luck, and does not matter.
        let connections: i64 = raw.query_one(ended, &[]).await.unwrap().get(0);
        assert!(connections > 0);
        let group = vec![story::submission(&device, [story::event(sequence, "2026-11-26T09:00:00Z")])];
        assert_eq!(store.append(group).await.unwrap(), [[Verdict::Accepted]]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_that_breaks_a_deadlock_at_our_cost_is_asked_again() {
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let store = open(&url).await;
    let device = story::device(store.as_ref(), "ada").await;
    let group = |sequence| vec![story::submission(&device, [story::event(sequence, "2026-11-26T09:00:00Z")])];
    store.append(group(1)).await.unwrap();
    let (other, watching) = (raw(&url).await, raw(&url).await);
    // Whoever finds the deadlock is the one who gives way; that shall be ours.
    other.batch_execute("SET deadlock_timeout = '10s'").await.unwrap();
    let mut sequence = 1;
    loop {
        sequence += 1;
        // It locks in the order that ours never does: counts first, then marks.
        other.batch_execute("BEGIN; SELECT FROM day_events FOR UPDATE").await.unwrap();
        let held_up = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                       AND query LIKE 'INSERT INTO day_events%' AND pid IN (
                           SELECT pid FROM pg_locks WHERE relation = 'mark'::regclass)";
        let writing = tokio::spawn({
            let (store, group) = (Arc::clone(&store), group(sequence));
            async move { store.append(group).await }
        });
        while watching.query_one(held_up, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let had = other.batch_execute("SELECT FROM mark FOR UPDATE").await;
        other.batch_execute("COMMIT").await.unwrap();
        assert_eq!(writing.await.unwrap().unwrap(), [[Verdict::Accepted]]);
        // A server that looked for deadlocks before there was one leaves it to the other; then once more.
        if had.is_ok() {
            break;
        }
    }
    assert_eq!(store.rollups().await.unwrap().events.values().sum::<u64>(), sequence);
    assert_eq!(store.rollups().await.unwrap(), store.recount().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_counts_what_other_programs_tell_many_hubs_at_once_once() {
    const SIGNALS: usize = 40;
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let first = open(&url).await;
    let day = story::now().to_string()[..10].parse().unwrap();
    let mut hubs = JoinSet::new();
    for hub in 0..4 {
        let store = open(&url).await;
        hubs.spawn(async move {
            let mut new = 0;
            for number in 0..SIGNALS {
                let number = (number + hub * 10) % SIGNALS;
                let signal = Signal {
                    id: number.to_string(),
                    kind: SignalKind::ServiceUsed,
                    subject: ["search", "forge"][number % 2].to_owned(),
                    who: Some(format!("somebody {}", number % 7)),
                    at: story::now(),
                    ok: true,
                };
                let taken = store.take_signals("portal", vec![(signal, day)], story::now()).await.unwrap();
                new += usize::from(taken[0]);
            }
            new
        });
    }
    assert_eq!(hubs.join_all().await.into_iter().sum::<usize>(), SIGNALS);
    let counts = first.signal_counts().await.unwrap();
    let uses = counts.services.values().flat_map(|month| month.people.values());
    assert_eq!(uses.map(|uses| uses.all as usize).sum::<usize>(), SIGNALS);
    assert_eq!(counts, first.recount_signals().await.unwrap());
}
