//! What has no bare counterpart to be compared with: a large pack, a long journal, the start of the command line.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result, bail};

use super::{
    checks::Contestant,
    memory,
    table::{Outcome, Row, Samples, Table, quoted},
};
use crate::{sh::Cmd, workspace::Workspace};

/// Steps of the large pack.
const STEPS: usize = 1_000;
/// Ten times as many steps shall take ten times as long.
const MANY_STEPS: usize = 10_000;
/// Events the journal must have at least.
const EVENTS: u64 = 10_000;
/// A flood takes some ten seconds.
const FLOODS: usize = 3;

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    if !cfg!(unix) {
        bail!("the steps use `test` and `touch`, which only Unix has as programs");
    }
    workspace.cargo().args(["build", "--release", "--locked", "--package", "firstlight-cli"]).run()?;
    workspace
        .cargo()
        .args(["build", "--release", "--locked", "--package", "firstlight-engine", "--example", "graph"])
        .run()?;
    let scratch = workspace.scratch("figures")?;
    let (pack, files, home) = (scratch.folder("pack")?, scratch.folder("files")?, scratch.folder("home")?);
    let write = |folder: &Path, steps, files: &Path| {
        fs::write(folder.join("pack.yaml"), large_pack(steps, files))
            .context("a large pack could not be written")
    };
    write(&pack, STEPS, &files)?;
    // Never run, so that names may be short: a manifest of ten thousand steps is close to what a pack may be.
    let (few, many) = (scratch.folder("few")?, scratch.folder("many")?);
    write(&few, STEPS, Path::new("files"))?;
    write(&many, MANY_STEPS, Path::new("files"))?;
    let program = workspace.binary("release", "firstlight");
    let ours = |args: &[&str]| Cmd::new(&program).args(args).env("FIRSTLIGHT_HOME", &home);
    let events = fill_journal(&ours, &pack)?;
    let mut contestants = vec![
        Contestant::ours("`firstlight --version`", ours(&["--version"])),
        Contestant::ours("`firstlight pack lint`, 1,000 steps", ours(&["pack", "lint"]).arg(&few)),
        Contestant::ours("`firstlight pack lint`, 10,000 steps", ours(&["pack", "lint"]).arg(&many)),
        Contestant::ours("`firstlight status`, long journal", ours(&["status"])),
        Contestant::ours("`firstlight journal verify`, long journal", ours(&["journal", "verify"])),
    ];
    let large_graph = || {
        let program =
            workspace.target.join("release/examples").join(format!("graph{}", std::env::consts::EXE_SUFFIX));
        let said = Cmd::new(program).read()?;
        said.trim().parse::<f64>().with_context(|| format!("the example says `{}`", said.trim()))
    };
    let (mut plans, mut peaks) = (Vec::new(), Vec::new());
    for turn in 0..=runs {
        for contestant in &mut contestants {
            contestant.take_turn(turn)?;
        }
        if turn > 0 {
            plans.push(large_graph()?);
            ours(&["undo", "--all"]).read()?;
            peaks.push(memory::peak(
                &ours(&["up", "--yes", "--json", "--persona", "bench", "--pack"]).arg(&pack),
            )?);
        }
    }
    let flood = memory::Flood::write(&scratch)?;
    let floods = (0..runs.min(FLOODS)).map(|turn| flood.watch(&program, turn)).collect::<Result<Vec<_>>>()?;
    let mut rows: Vec<Row> = contestants.into_iter().map(|contestant| contestant.row(false)).collect();
    let measured = |unit, values| Outcome::Measured(Samples { unit, values });
    rows.push(Row { name: "planning a graph of 10,000 steps".to_owned(), outcome: measured("ms", plans) });
    rows.push(Row { name: "`firstlight up`, most memory".to_owned(), outcome: measured("MB", peaks) });
    let early = floods.iter().map(|(early, _)| *early).collect();
    rows.push(Row { name: "`up` under `yes`, memory after 2 s".to_owned(), outcome: measured("MB", early) });
    let late = floods.iter().map(|(_, late)| *late).collect();
    rows.push(Row { name: "`up` under `yes`, memory after 10 s".to_owned(), outcome: measured("MB", late) });
    Ok(Table {
        title: "A large pack and a long journal",
        about: format!(
            "Whole commands from start to exit. The pack has {STEPS} command steps, each with `check`, `run` and \
             `undo`; the journal was filled by running and undoing them and holds {events} events. Goal for linting: \
             below 150 ms, and ten times that for ten times the steps. The graph is a tree of steps that need no process, planned in memory; goal: below 200 ms. \
             Memory is what `up` holds at most (resident) while it does all {STEPS} steps; goal: below 60 MB. \
             Under `yes` it is what `up` holds then while a step prints as fast as it can; goal: flat."
        ),
        rows,
    })
}

/// Does and undoes everything until the journal is long; how many events it has then.
fn fill_journal(ours: &impl Fn(&[&str]) -> Cmd, pack: &Path) -> Result<u64> {
    loop {
        let up = ours(&["up", "--yes", "--json", "--persona", "bench", "--pack"]).arg(pack);
        up.read()?;
        let said = ours(&["journal", "verify", "--json"]).read()?;
        let said: serde_json::Value =
            serde_json::from_str(&said).context("`journal verify` did not answer in JSON")?;
        let events = said["records"].as_u64().context("`journal verify` did not count the records")?;
        println!("the journal has {events} events");
        if events >= EVENTS {
            return Ok(events);
        }
        ours(&["undo", "--all"]).read()?;
    }
}

fn large_pack(steps: usize, files: &Path) -> String {
    let ids: Vec<String> = (0..steps).map(|index| format!("step-{index}")).collect();
    let mut text = format!(
        "apiVersion: firstlight.dev/v1\nkind: Pack\n\
         metadata: {{ name: large, version: 1.0.0, title: A large pack }}\n\
         personas:\n  bench: {{ title: Bench }}\n\
         checklists:\n  bench:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [{}] }}\nsteps:\n",
        ids.join(", ")
    );
    for (index, id) in ids.iter().enumerate() {
        let file = quoted(&files.join(id).display().to_string());
        let first_value = if index + 1 == steps { "\n    first-value: true" } else { "" };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "  {id}:\n    title: Step {index}\n    why: Something later needs it.\n    check: [test, -e, {file}]\n    \
             run: [touch, {file}]\n    undo: [rm, {file}]\n    estimate: 1s{first_value}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_pack_is_as_large_as_it_says_and_has_one_goal() {
        let pack = large_pack(STEPS, Path::new("/a b"));
        assert_eq!(pack.matches("    undo: [rm, \"/a b/step-").count(), STEPS);
        assert_eq!(pack.matches("first-value").count(), 1);
    }
}
