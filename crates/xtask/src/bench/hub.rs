//! Taking events in: over HTTP, durable and counted, against what each database does without a hub.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::table::{Outcome, Row, Samples, Table};
use crate::{sh::Cmd, workspace::Workspace};

/// How many events a turn has, unless [`EVENTS`] says so.
const BY_DEFAULT: u64 = 1_000_000;
/// The variable that says it; 10000000 takes long, and 5 GB of disk.
const EVENTS: &str = "BENCH_EVENTS";

/// How many events to measure with.
pub(super) fn events() -> Result<u64> {
    match std::env::var(EVENTS) {
        Err(_) => Ok(BY_DEFAULT),
        Ok(text) => match text.parse() {
            Ok(events) if events > 0 => Ok(events),
            _ => bail!("{EVENTS} is `{text}`; give a number of events from 1 on"),
        },
    }
}

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    let events = events()?;
    let release = ["build", "--release", "--locked", "--package", "firstlight-hub"];
    workspace.cargo().args(release).args(["--bin", "firstlight-hub", "--example", "intake"]).run()?;
    let built =
        |place: &str| workspace.target.join(format!("release/{place}{}", std::env::consts::EXE_SUFFIX));
    let said = Cmd::new(built("examples/intake"))
        .arg(built("firstlight-hub"))
        .args([events.to_string(), runs.to_string()])
        .read()?;
    let turns: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("the example says `{line}`")))
        .collect::<Result<_>>()?;
    let sent =
        turns.first().and_then(|turn| turn["events"].as_u64()).context("the example measured nothing")?;
    let outcome = |key: &str, unit: &'static str, of: fn(Samples) -> Outcome| {
        // Where there is no PostgreSQL, nothing is said of it.
        let values: Option<Vec<f64>> = turns.iter().map(|turn| turn[key].as_f64()).collect();
        match values {
            Some(values) => of(Samples { unit, values }),
            None => Outcome::Absent("PostgreSQL is not installed".to_owned()),
        }
    };
    let row = |name: &str, outcome| Row { name: name.to_owned(), outcome };
    let (rate, cost) = ("k events/s", "µs an event");
    Ok(Table {
        title: "Taking events in",
        about: format!(
            "{sent} events of 200 devices in batches of 1,000, 16 at once, over HTTP from the same machine; 5 % were sent \
             before, 2 % happened days ago; the same seed for all. Ours is measured until the last batch is acknowledged: on \
             the disk and counted. Raw SQLite appends with a high-water mark and rollups, raw PostgreSQL copies to a table \
             beside and inserts from there into a log whose key finds duplicates; both in transactions of 10,000, \
             synchronous as ours. Raw and ours take turns, 200,000 events each. Making the events, and their JSON, is not counted \
             for anybody. Goals: 0.5 × each, less than 300 MB, and a cost that stays."
        ),
        rows: vec![
            row("raw SQLite, append with rollup", outcome("raw_sqlite", rate, Outcome::Reference)),
            row("the hub on SQLite", outcome("sqlite", rate, Outcome::Measured)),
            row("raw PostgreSQL, staged COPY", outcome("raw_postgres", rate, Outcome::Reference)),
            row("the hub on PostgreSQL", outcome("postgres", rate, Outcome::Measured)),
            row("first tenth of the events, SQLite", outcome("first", cost, Outcome::Reference)),
            row("last tenth of the events, SQLite", outcome("last", cost, Outcome::Measured)),
            row("first tenth of the events, PostgreSQL", outcome("postgres_first", cost, Outcome::Reference)),
            row("last tenth of the events, PostgreSQL", outcome("postgres_last", cost, Outcome::Measured)),
            row("most memory of the hub, SQLite", outcome("memory", "MB", Outcome::Reference)),
            row("most memory of the hub, PostgreSQL", outcome("postgres_memory", "MB", Outcome::Measured)),
        ],
    })
}
