//! Figures of taking events in, for `cargo xtask bench hub`: one line of JSON for each turn. Given the hub's program, how
//! many events and how many turns. What it is compared with are the databases without a hub, in the same turn.

#![cfg_attr(
    unix,
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "a bench that cannot set the scene has failed"
    )
)]

#[cfg(unix)]
mod events;
#[cfg(unix)]
mod hub;
#[cfg(unix)]
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../../tests/postgres/mod.rs"]
mod postgres;
#[cfg(unix)]
mod raw;
#[cfg(unix)]
mod running;

#[cfg(unix)]
#[tokio::main]
async fn main() {
    use std::{path::PathBuf, sync::Arc, time::Duration};

    use firstlight_hub::store::{
        postgres::{Address, PostgresStore},
        sqlite::SqliteStore,
    };
    use serde_json::json;

    let mut words = std::env::args().skip(1);
    let program = PathBuf::from(words.next().unwrap());
    let mut number = || words.next().unwrap().parse::<u64>().unwrap();
    let events = events::Events::at_least(number(), jiff::Timestamp::now());
    let turns = number();
    let (sent, _) = events.sent();
    let float = |events: u64| f64::from(u32::try_from(events).unwrap());
    let rate = |spent: Duration| float(sent) / spent.as_secs_f64() / 1_000.0;
    let tenth = (events.rounds / 10).max(1) * events::BATCH * events::DEVICES as u64;
    let cost = |spent: Duration| spent.as_secs_f64() * 1e6 / float(tenth);
    for _ in 0..turns {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.sqlite");
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let database = format!("sqlite:{}", file.display());
        // Round by round, so that both have the same good and bad seconds of the machine.
        let mut raw = raw::Sqlite::open(&folder.path().join("raw.sqlite"), events);
        let mut sqlite = hub::Hub::start(&program, folder.path(), &database, store, events).await;
        for round in 0..events.rounds {
            tokio::task::block_in_place(|| raw.take(round));
            sqlite.take(round).await;
        }
        let (raw, sqlite) = (raw.spent(), sqlite.figures().await);
        let mut said = json!({
            "events": sent,
            "raw_sqlite": rate(raw), "sqlite": rate(sqlite.spent), "memory": sqlite.memory,
            "first": cost(sqlite.first), "last": cost(sqlite.last),
        });
        if let Some(server) = postgres::Server::own() {
            let url = server.fresh();
            let store = Arc::new(PostgresStore::open(&Address::parse(&url).unwrap()).await.unwrap());
            let mut raw = raw::Postgres::open(&server.fresh(), events).await;
            let mut hub = hub::Hub::start(&program, folder.path(), &url, store, events).await;
            for round in 0..events.rounds {
                raw.take(round).await;
                hub.take(round).await;
            }
            let (raw, hub) = (raw.spent().await, hub.figures().await);
            said["raw_postgres"] = rate(raw).into();
            said["postgres"] = rate(hub.spent).into();
            said["postgres_memory"] = hub.memory.into();
            said["postgres_first"] = cost(hub.first).into();
            said["postgres_last"] = cost(hub.last).into();
        }
        println!("{said}");
    }
}

/// The server it measures with is started as Unix does.
#[cfg(not(unix))]
fn main() {}
