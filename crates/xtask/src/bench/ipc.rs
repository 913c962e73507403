//! 10,000 log lines a second in the real window: the time between its frames, told by the end-to-end test that floods it.

use anyhow::{Context, Result, bail};

use super::table::{Outcome, Row, Samples, Table};
use crate::{test, workspace::Workspace};

const TEST: &str = "a_flood_of_output_does_not_stop_the_window";
/// A flood takes half a minute with all that is around it.
const RUNS: usize = 5;

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    if !cfg!(target_os = "linux") {
        bail!("the window is driven by WebKitWebDriver, which only Linux has");
    }
    workspace.cargo().args(["build", "--release", "--locked", "--package", "firstlight-desktop"]).run()?;
    let command = test::with_end_to_end(workspace, workspace.cargo())?
        .env("FIRSTLIGHT_BIN_DIR", workspace.target.join("release"))
        .args(["test", "--locked", "--package", "firstlight-tests", "--test", "run"])
        .args(["--", "--exact", "--nocapture", TEST]);
    let (mut flood, mut quiet) = (Gaps::default(), Gaps::default());
    for _ in 0..runs.min(RUNS) {
        let said = command.read()?;
        let line =
            said.lines().find_map(|line| line.split_once("frames: in the flood ")).map(|(_, rest)| rest);
        let line = line.with_context(|| format!("the test `{TEST}` did not tell its frames"))?;
        println!("{line}");
        let (in_flood, afterwards) = line.split_once("; afterwards ").context("it told one half only")?;
        flood.add(in_flood)?;
        quiet.add(afterwards)?;
    }
    let row = |name: &str, outcome| Row { name: name.to_owned(), outcome };
    let ms = |values| Samples { unit: "ms", values };
    Ok(Table {
        title: "10,000 log lines a second",
        about: "A step prints 10,000 lines a second for 5 s, while its log is open in the real window (release build, \
                Xvfb, no graphics card): the time between two frames, watched by the page itself for 4 s, and for 2 s \
                when nothing is printed any more. Goal: it stays smooth, which is 95 % of the frames below 50 ms."
            .to_owned(),
        rows: vec![
            row("quiet, median gap", Outcome::Reference(ms(quiet.median))),
            row("flood, median gap", Outcome::Measured(ms(flood.median))),
            row("quiet, 95 % of gaps below", Outcome::Reference(ms(quiet.late))),
            row("flood, 95 % of gaps below", Outcome::Measured(ms(flood.late))),
            row("quiet, longest gap", Outcome::Reference(ms(quiet.worst))),
            row("flood, longest gap", Outcome::Measured(ms(flood.worst))),
        ],
    })
}

/// Milliseconds between frames, one value for each run.
#[derive(Debug, Default, PartialEq)]
struct Gaps {
    median: Vec<f64>,
    late: Vec<f64>,
    worst: Vec<f64>,
}

impl Gaps {
    /// Takes in `240 frames, gap median 17 ms, 95 % below 20 ms, worst 48 ms`.
    fn add(&mut self, said: &str) -> Result<()> {
        let after = |words: &str| -> Result<f64> {
            let (_, rest) = said.split_once(words).with_context(|| format!("no `{words}` in `{said}`"))?;
            let number = rest.split_whitespace().next().unwrap_or_default();
            number.parse().with_context(|| format!("`{number}` is not a number of milliseconds"))
        };
        self.median.push(after("gap median ")?);
        self.late.push(after("95 % below ")?);
        self.worst.push(after("worst ")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_test_tells() {
        let mut gaps = Gaps::default();
        gaps.add("240 frames, gap median 17 ms, 95 % below 20 ms, worst 48 ms").unwrap();
        assert_eq!(gaps, Gaps { median: vec![17.0], late: vec![20.0], worst: vec![48.0] });
        assert!(gaps.add("240 frames, gap median x ms").is_err());
    }
}
