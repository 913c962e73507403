//! A converged checklist of 300 command steps, checked again: our plan beside the bare processes it has to start, and
//! beside what the field uses for such lists.

use std::{process::Stdio, time::Instant};

use anyhow::{Context, Result, bail};

use super::{
    lists::{Lists, STEPS},
    table::{Outcome, Row, Samples, Table, cores},
};
use crate::{sh::Cmd, workspace::Workspace};

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    if !cfg!(unix) {
        bail!("the checks are `test -e FILE`, which only Unix has as a program");
    }
    let build = ["build", "--release", "--locked", "--package", "firstlight-cli", "--package", "xtask"];
    workspace.cargo().args(build).run()?;
    // As the engine does it, so that the reference does no less at once.
    let parallel = (cores()? * 2).max(4);
    let scratch = workspace.scratch("checks")?;
    let mut contestants = contestants(workspace, &Lists::write(scratch.path())?, parallel);
    for turn in 0..=runs {
        for contestant in &mut contestants {
            contestant.take_turn(turn)?;
        }
    }
    Ok(Table {
        title: "Checking a converged checklist again",
        about: format!(
            "{STEPS} command steps, each `test -e FILE` with the file there, {parallel} at a time; whole commands from \
             start to exit, in turns. The reference starts the same {STEPS} processes and does nothing else. Goal: \
             `firstlight plan` at most 1.15 × the reference."
        ),
        rows: contestants
            .into_iter()
            .enumerate()
            .map(|(index, contestant)| contestant.row(index == 0))
            .collect(),
    })
}

/// A command that is measured.
pub(super) struct Contestant {
    name: &'static str,
    command: Cmd,
    pace: Pace,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Turn 0 does not count: it warms the caches.
    EveryTurn,
    /// For what takes minutes.
    Once,
}

enum State {
    Runs(Vec<f64>),
    Absent,
}

impl Contestant {
    pub(super) fn ours(name: &'static str, command: Cmd) -> Self {
        Self { name, command, pace: Pace::EveryTurn, state: State::Runs(Vec::new()) }
    }

    /// Takes part where its program answers `--version`.
    fn of_the_field(name: &'static str, program: &str, pace: Pace, command: Cmd) -> Self {
        let there = Cmd::new(program).arg("--version").succeeds();
        Self { name, command, pace, state: if there { State::Runs(Vec::new()) } else { State::Absent } }
    }

    /// Runs it once, where this turn is one of its own.
    pub(super) fn take_turn(&mut self, turn: usize) -> Result<()> {
        let sits_out = self.pace == Pace::Once && turn != 1;
        let took = match self.state {
            State::Runs(_) if !sits_out => self.time()?,
            State::Runs(_) | State::Absent => return Ok(()),
        };
        println!("turn {turn}: {took:>9.1} ms  {}", self.name);
        match &mut self.state {
            State::Runs(values) if turn > 0 => values.push(took),
            State::Runs(_) | State::Absent => {}
        }
        Ok(())
    }

    /// Milliseconds of one whole run.
    fn time(&self) -> Result<f64> {
        let mut command = self.command.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let output = command.output().with_context(|| format!("{} could not be started", self.name))?;
        let took = start.elapsed();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{} did not end well ({}): {}", self.name, output.status, said.trim());
        }
        Ok(took.as_secs_f64() * 1000.0)
    }

    pub(super) fn row(self, reference: bool) -> Row {
        let outcome = match self.state {
            State::Absent => Outcome::Absent("not installed here".to_owned()),
            State::Runs(values) => {
                let samples = Samples { unit: "ms", values };
                if reference { Outcome::Reference(samples) } else { Outcome::Measured(samples) }
            }
        };
        Row { name: self.name.to_owned(), outcome }
    }
}

fn contestants(workspace: &Workspace, lists: &Lists, parallel: usize) -> Vec<Contestant> {
    let parallel = parallel.to_string();
    let bare = Cmd::new(workspace.binary("release", "xtask"))
        .arg("spawn-checks")
        .arg(&lists.files)
        .args([&STEPS.to_string(), &parallel]);
    // Exit code 0 with --detailed-exitcode says that nothing is left to do.
    let plan = Cmd::new(workspace.binary("release", "firstlight"))
        .args(["plan", "--detailed-exitcode", "--persona", "bench", "--pack"])
        .arg(&lists.pack)
        .env("FIRSTLIGHT_HOME", &lists.home);
    // The first turn, which does not count, begins the journey; from then on everything holds.
    let up = Cmd::new(workspace.binary("release", "firstlight"))
        .args(["up", "--yes", "--persona", "bench", "--pack"])
        .arg(&lists.pack)
        .env("FIRSTLIGHT_HOME", &lists.home);
    let make = Cmd::new("make").args(["--silent", "--jobs", &parallel, "--file"]).arg(&lists.makefile);
    let ninja = Cmd::new("ninja").args(["-j", &parallel, "--quiet", "-C"]).arg(&lists.ninja);
    let mise = Cmd::new("mise")
        .args(["run", "--jobs", &parallel, "all"])
        .dir(&lists.mise)
        .env("MISE_TRUSTED_CONFIG_PATHS", &lists.mise);
    // Its scripts run one after the other, each time.
    let chezmoi = Cmd::new("chezmoi")
        .args(["apply", "--force", "--no-tty", "--source"])
        .arg(&lists.chezmoi)
        .arg("--destination")
        .arg(&lists.home)
        .arg("--persistent-state")
        .arg(lists.home.join("chezmoi.boltdb"))
        .arg("--cache")
        .arg(lists.home.join("chezmoi-cache"));
    // The Python that runs Ansible: it would look for another one, and on some machines find one that does not start.
    let ansible = Cmd::new("ansible-playbook")
        .args(["--connection", "local", "--inventory", "localhost,"])
        .args(["--extra-vars", "ansible_python_interpreter={{ ansible_playbook_python }}"])
        .arg(&lists.playbook);
    vec![
        Contestant::ours("the bare processes", bare),
        Contestant::ours("`firstlight plan`", plan),
        Contestant::ours("`firstlight up --yes`", up),
        Contestant::of_the_field("`make -j`", "make", Pace::EveryTurn, make),
        Contestant::of_the_field("`ninja`", "ninja", Pace::EveryTurn, ninja),
        Contestant::of_the_field("`chezmoi apply`", "chezmoi", Pace::EveryTurn, chezmoi),
        Contestant::of_the_field("`mise run`", "mise", Pace::EveryTurn, mise),
        Contestant::of_the_field("`ansible-playbook -c local`", "ansible-playbook", Pace::Once, ansible),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_first_turn_warms_up_and_a_slow_tool_runs_once() {
        let values = |pace| {
            let mut contestant = Contestant::of_the_field("true", "true", pace, Cmd::new("true"));
            (0..=3).for_each(|turn| contestant.take_turn(turn).unwrap());
            match contestant.state {
                State::Runs(values) => values.len(),
                State::Absent => panic!("`true` is everywhere"),
            }
        };
        assert_eq!((values(Pace::EveryTurn), values(Pace::Once)), (3, 1));
    }

    #[cfg(unix)]
    #[test]
    fn a_list_that_does_not_pass_is_not_measured() {
        let failing = Contestant::ours("false", Cmd::new("false"));
        assert!(failing.time().unwrap_err().to_string().contains("false did not end well"));
        assert!(Contestant::ours("true", Cmd::new("true")).time().unwrap() > 0.0);
        let absent =
            Contestant::of_the_field("none", "no-such-program-of-firstlight", Pace::Once, Cmd::new("true"));
        assert!(matches!(absent.row(false).outcome, Outcome::Absent(_)));
    }
}
