//! How long the figures of a large company take, for `cargo xtask bench insights`: one object of JSON. Given the hub's
//! program, a folder, how many events and how many turns. It leaves `events.csv` in the folder, for who wants to count the
//! same otherwise.

#![cfg_attr(
    unix,
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "a bench that cannot set the scene has failed"
    )
)]

#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod company;
#[cfg(unix)]
#[path = "../intake/running.rs"]
mod running;

#[cfg(unix)]
#[tokio::main]
async fn main() {
    use std::{fs::File, io::Write as _, path::PathBuf, time::Instant};

    use firstlight_hub::store::sqlite::SqliteStore;
    use serde_json::json;

    let mut words = std::env::args().skip(1);
    let (program, folder) = (PathBuf::from(words.next().unwrap()), PathBuf::from(words.next().unwrap()));
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    let (each, turns) = ((number() / company::PEOPLE).max(100), number());
    let now = jiff::Timestamp::now().as_millisecond();

    let file = folder.join("hub.sqlite");
    let store = SqliteStore::open(&file).unwrap();
    let machines = asking::enrol(&store).await;
    drop(store);
    let database = format!("sqlite:{}", file.display());
    let start = || running::Running::start(&program, &folder, &database);
    let hub = start();
    let begun = Instant::now();
    let sent = asking::replay(&hub.url, &machines, each, now).await;
    let replayed = begun.elapsed().as_secs_f64();

    let mut csv = std::io::BufWriter::new(File::create(folder.join("events.csv")).unwrap());
    for person in 0..company::PEOPLE {
        for event in company::of_person(person, each, now) {
            csv.write_all(company::row(person, &event).as_bytes()).unwrap();
        }
    }
    csv.flush().unwrap();
    let answers = asking::answers(&hub.url).await;
    asking::say(&hub.url, &machines, each).await;
    let most = hub.memory();
    drop(hub);
    let mut anew = Vec::new();
    for _ in 0..turns {
        anew.push(asking::anew(&start().url).await);
    }
    let hub = start();
    let figures = asking::figures(&hub.url, &machines, each, turns, &anew).await;
    let alone = asking::alone(&hub.url, &machines, each, turns).await;
    let said = json!({
        "events": sent, "people": company::PEOPLE, "replayed": replayed, "memory": most.max(hub.memory()),
        "answers": answers, "figures": figures, "alone": alone,
    });
    println!("{said}");
}

/// What it measures is read as Linux tells it.
#[cfg(not(unix))]
fn main() {}
