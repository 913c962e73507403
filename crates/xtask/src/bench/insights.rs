//! How long the hub's figures take over many events, and whether another program that counts the same finds the same.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    hub::events,
    table::{Outcome, Row, Samples, Table},
};
use crate::{sh::Cmd, workspace::Workspace};

/// Days that differ by less are the same, rounded otherwise: a thousandth of a millisecond.
const SAME: f64 = 1e-11;

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    let release = ["build", "--release", "--locked", "--package", "firstlight-hub"];
    workspace.cargo().args(release).args(["--bin", "firstlight-hub", "--example", "figures"]).run()?;
    let built =
        |place: &str| workspace.target.join(format!("release/{place}{}", std::env::consts::EXE_SUFFIX));
    let folder = workspace.scratch("insights")?;
    let said = Cmd::new(built("examples/figures"))
        .arg(built("firstlight-hub"))
        .arg(folder.path())
        .args([events()?.to_string(), runs.to_string()])
        .read()?;
    let said: Value = serde_json::from_str(&said).context("the example says something else")?;
    let other = count_again(&folder.path().join("events.csv"), runs)?;
    if let Some(other) = &other {
        compare(&said["answers"], &other["answers"], "answers")?;
    }

    let samples = |values: &Value, unit| -> Result<Samples> {
        let values = values.as_array().context("the example measured nothing")?;
        let values = values.iter().map(|value| value.as_f64().context("that is no figure"));
        Ok(Samples { unit, values: values.collect::<Result<_>>()? })
    };
    let one = |value: &Value, unit| -> Result<Outcome> {
        let values = vec![value.as_f64().context("the example says no such figure")?];
        Ok(Outcome::Reference(Samples { unit, values }))
    };
    // Where there is no PostgreSQL here, nothing is said of it.
    let on_postgres = |keys: &[&str], outcome: &dyn Fn(&Value) -> Result<Outcome>| match said.get("postgres")
    {
        Some(told) => outcome(keys.iter().fold(told, |told, key| &told[*key])),
        None => Ok(Outcome::Absent("not installed here".to_owned())),
    };
    let mut rows = Vec::new();
    for (name, spent) in said["figures"].as_object().context("the example measured nothing")? {
        rows.push(Row {
            name: format!("`{name}`, never asked before"),
            outcome: Outcome::Reference(samples(&spent["anew"], "ms")?),
        });
        rows.push(Row {
            name: format!("`{name}`, just changed"),
            outcome: Outcome::Measured(samples(&spent["changed"], "ms")?),
        });
        rows.push(Row {
            name: format!("`{name}`, asked now and then"),
            outcome: Outcome::Measured(samples(&said["alone"][name], "ms")?),
        });
        rows.push(Row {
            name: format!("`{name}`, asked now and then, PostgreSQL"),
            outcome: on_postgres(&["alone", name], &|value| Ok(Outcome::Measured(samples(value, "ms")?)))?,
        });
    }
    for (key, name) in
        [("active", "active people"), ("median", "finishers' median"), ("failures", "failures")]
    {
        let outcome = match &other {
            Some(other) => Outcome::Reference(samples(&other["spent"][key], "ms")?),
            None => Outcome::Absent("not installed here".to_owned()),
        };
        rows.push(Row { name: format!("DuckDB, {name} from the events"), outcome });
    }
    for (key, name, unit) in
        [("memory", "most memory of the hub", "MB"), ("replayed", "all of it sent and counted", "s")]
    {
        rows.push(Row { name: name.to_owned(), outcome: one(&said[key], unit)? });
        let outcome = on_postgres(&[key], &|value| one(value, unit))?;
        rows.push(Row { name: format!("{name}, PostgreSQL"), outcome });
    }
    let equal = match other {
        Some(_) => "DuckDB, given the same events, found the same numbers.",
        None => "Nobody else counted the same.",
    };
    Ok(Table {
        title: "Figures of a large company",
        about: format!(
            "{} people of 40 teams, who begin within half a year, use 20 services, ask 8 owners for something and say what they \
             think, and {} events of theirs, in a hub on SQLite, if not said; each figure asked for over HTTP from the same machine: \
             once of a hub that was just started (`filters`, the first, is told after everything was sorted out), 100 times a run \
             just after an event has come in, and 30 times a run some five seconds apart, with an event before each. Figures of \
             so many people may be five seconds old. Each value of the latter two is what 99 in 100 of a run's answers were \
             below. Goals: below 50 ms, and 300 MB. {equal}",
            said["people"], said["events"]
        ),
        rows,
    })
}

/// What `DuckDB` counts; nothing if it is not there.
fn count_again(events: &Path, runs: usize) -> Result<Option<Value>> {
    if !Cmd::new("python3").args(["-c", "import duckdb"]).succeeds() {
        return Ok(None);
    }
    let said = Cmd::new("python3")
        .args(["-c", include_str!("count_again.py")])
        .arg(events)
        .arg(runs.to_string())
        .read()?;
    serde_json::from_str(&said).context("DuckDB says something else").map(Some)
}

fn compare(ours: &Value, other: &Value, place: &str) -> Result<()> {
    match (ours, other) {
        (Value::Object(ours), Value::Object(other)) => {
            ensure!(ours.len() == other.len(), "{place}: {ours:?} beside {other:?}");
            for (key, ours) in ours {
                let other =
                    other.get(key).with_context(|| format!("{place}: DuckDB says nothing of {key}"))?;
                compare(ours, other, &format!("{place}.{key}"))?;
            }
        }
        (Value::Array(ours), Value::Array(other)) => {
            ensure!(ours.len() == other.len(), "{place}: {ours:?} beside {other:?}");
            for (ours, other) in ours.iter().zip(other) {
                compare(ours, other, place)?;
            }
        }
        (Value::Number(one), Value::Number(two)) => {
            let same = one.as_f64().zip(two.as_f64()).is_some_and(|(one, two)| (one - two).abs() < SAME);
            ensure!(same, "{place}: the hub says {one}, DuckDB {two}");
        }
        _ => bail!("{place}: the hub says {ours}, DuckDB {other}"),
    }
    Ok(())
}
