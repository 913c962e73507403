//! Receiving releases, against the bare library and a plain download.

use anyhow::{Context, Result};
use serde_json::Value;

use super::table::{Outcome, Row, Samples, Table};
use crate::{sh::Cmd, workspace::Workspace};

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    workspace
        .cargo()
        .args(["build", "--release", "--locked", "--package", "firstlight-releases", "--example", "receive"])
        .run()?;
    let program =
        workspace.target.join("release/examples").join(format!("receive{}", std::env::consts::EXE_SUFFIX));
    // The first turn warms up.
    let said = Cmd::new(program).arg((runs + 1).to_string()).read()?;
    let turns: Vec<Value> = said
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).with_context(|| format!("the example says `{line}`")))
        .collect::<Result<_>>()?;
    let samples = |key: &str, unit| -> Result<Samples> {
        let values = turns.iter().map(|turn| turn[key].as_f64().with_context(|| format!("it says no {key}")));
        Ok(Samples { unit, values: values.collect::<Result<Vec<f64>>>()? })
    };
    let row = |name: &str, outcome| Row { name: name.to_owned(), outcome };
    Ok(Table {
        title: "Receiving releases",
        about: "From a server on this machine that ends the connection after each file. The bare refresh is the library's \
                own, with its own store. The large release has 1,000 files of 4 kB; a plain download fetches as many at \
                once, compares hashes and writes. Ours also verifies who signed, builds the pack and makes it durable. \
                Goals: at most 3 requests and 1.2 × when nothing is new, 1.5 × for the release."
            .to_owned(),
        rows: vec![
            row("bare refresh, nothing new", Outcome::Reference(samples("bare", "ms")?)),
            row("`update`, nothing new", Outcome::Measured(samples("check", "ms")?)),
            row("plain download of 1,000 files", Outcome::Reference(samples("plain", "ms")?)),
            row("release of 1,000 files received", Outcome::Measured(samples("received", "ms")?)),
            row("requests of an `update`, nothing new", Outcome::Reference(samples("requests", "requests")?)),
        ],
    })
}
