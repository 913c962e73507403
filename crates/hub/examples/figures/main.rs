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
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../../tests/postgres/mod.rs"]
mod postgres;
#[cfg(unix)]
#[path = "../intake/running.rs"]
mod running;

#[cfg(unix)]
#[tokio::main]
async fn main() {
    use std::path::PathBuf;

    use firstlight_hub::store::{
        postgres::{Address, PostgresStore},
        sqlite::SqliteStore,
    };

    let mut words = std::env::args().skip(1);
    let (program, folder) = (PathBuf::from(words.next().unwrap()), PathBuf::from(words.next().unwrap()));
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    let (each, turns) = ((number() / company::PEOPLE).max(100), number());
    let scene = Scene { program, each, turns, now: jiff::Timestamp::now().as_millisecond(), folder };
    scene.write_down();

    let file = scene.folder.join("hub.sqlite");
    let machines = asking::enrol(&SqliteStore::open(&file).unwrap()).await;
    let mut said = scene.measure(&format!("sqlite:{}", file.display()), &machines).await;
    if let Some(server) = postgres::Server::own() {
        let url = server.fresh();
        let machines =
            asking::enrol(&PostgresStore::open(&Address::parse(&url).unwrap()).await.unwrap()).await;
        let on_postgres = scene.measure(&url, &machines).await;
        assert_eq!(on_postgres["answers"], said["answers"], "both databases tell the same");
        said["postgres"] = on_postgres;
    }
    println!("{said}");
}

#[cfg(unix)]
struct Scene {
    program: std::path::PathBuf,
    folder: std::path::PathBuf,
    each: usize,
    turns: usize,
    /// In milliseconds.
    now: i64,
}

#[cfg(unix)]
impl Scene {
    /// All events, for who wants to count the same otherwise.
    fn write_down(&self) {
        use std::io::Write as _;

        let file = std::fs::File::create(self.folder.join("events.csv")).unwrap();
        let mut csv = std::io::BufWriter::new(file);
        for person in 0..company::PEOPLE {
            for event in company::of_person(person, self.each, self.now) {
                csv.write_all(company::row(person, &event).as_bytes()).unwrap();
            }
        }
        csv.flush().unwrap();
    }

    async fn measure(&self, database: &str, machines: &[asking::Machine]) -> serde_json::Value {
        let start = || running::Running::start(&self.program, &self.folder, database);
        let hub = start();
        let begun = std::time::Instant::now();
        let sent = asking::replay(&hub.url, machines, self.each, self.now).await;
        let replayed = begun.elapsed().as_secs_f64();
        let answers = asking::answers(&hub.url).await;
        asking::say(&hub.url, machines, self.each).await;
        let most = hub.memory();
        drop(hub);
        let mut anew = Vec::new();
        for _ in 0..self.turns {
            anew.push(asking::anew(&start().url).await);
        }
        let hub = start();
        let figures = asking::figures(&hub.url, machines, self.each, self.turns, &anew).await;
        let alone = asking::alone(&hub.url, machines, self.each, self.turns).await;
        serde_json::json!({
            "events": sent, "people": company::PEOPLE, "replayed": replayed, "memory": most.max(hub.memory()),
            "answers": answers, "figures": figures, "alone": alone,
        })
    }
}

/// What it measures is read as Linux tells it.
#[cfg(not(unix))]
fn main() {}
