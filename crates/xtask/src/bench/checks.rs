//! A converged checklist of 300 command steps, checked again: our plan beside the bare processes it has to start, and
//! beside what the field uses for such lists.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context, Result, bail};

use super::{
    spawn,
    table::{Outcome, Row, Samples, Table, cores, quoted},
};
use crate::{sh::Cmd, workspace::Workspace};

const STEPS: usize = 300;

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
             `firstlight plan` at most 1.3 × the reference. `up` plans, then runs, so it checks everything twice."
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
    let mise = Cmd::new("mise")
        .args(["run", "--jobs", &parallel, "all"])
        .dir(&lists.mise)
        .env("MISE_TRUSTED_CONFIG_PATHS", &lists.mise);
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
        Contestant::of_the_field("`mise run`", "mise", Pace::EveryTurn, mise),
        Contestant::of_the_field("`ansible-playbook -c local`", "ansible-playbook", Pace::Once, ansible),
    ]
}

/// The same list in every tool's own words.
struct Lists {
    files: PathBuf,
    home: PathBuf,
    pack: PathBuf,
    makefile: PathBuf,
    mise: PathBuf,
    playbook: PathBuf,
}

impl Lists {
    fn write(scratch: &Path) -> Result<Self> {
        let lists = Self {
            files: scratch.join("files"),
            home: scratch.join("home"),
            pack: scratch.join("pack"),
            makefile: scratch.join("Makefile"),
            mise: scratch.join("mise"),
            playbook: scratch.join("playbook.yml"),
        };
        for folder in [&lists.files, &lists.home, &lists.pack, &lists.mise] {
            fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
        }
        let files: Vec<String> =
            (0..STEPS).map(|index| spawn::file(&lists.files, index).display().to_string()).collect();
        for file in &files {
            write(Path::new(file), "")?;
        }
        write(&lists.pack.join("pack.yaml"), &pack(&files))?;
        write(&lists.makefile, &makefile(&files))?;
        write(&lists.mise.join("mise.toml"), &mise(&files))?;
        write(&lists.playbook, &playbook(&files))?;
        Ok(lists)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} could not be written", path.display()))
}

fn pack(files: &[String]) -> String {
    let ids: Vec<String> = (0..files.len()).map(|index| format!("check-{index}")).collect();
    let mut text = format!(
        "apiVersion: firstlight.dev/v1\nkind: Pack\n\
         metadata: {{ name: bench, version: 1.0.0, title: A converged checklist }}\n\
         personas:\n  bench: {{ title: Bench }}\n\
         checklists:\n  bench:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [{}] }}\nsteps:\n",
        ids.join(", ")
    );
    for (index, (id, file)) in ids.iter().zip(files).enumerate() {
        let first_value = if index + 1 == files.len() { ", first-value: true" } else { "" };
        let file = quoted(file);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "  {id}: {{ title: Check {index}, check: [test, -e, {file}], run: [touch, {file}]{first_value} }}"
        );
    }
    text
}

fn makefile(files: &[String]) -> String {
    let names: Vec<String> = (0..files.len()).map(|index| format!("check-{index}")).collect();
    let mut text = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
    for (name, file) in names.iter().zip(files) {
        let _ = writeln!(text, "{name}:\n\t@test -e {file}");
    }
    text
}

fn mise(files: &[String]) -> String {
    let names: Vec<String> = (0..files.len()).map(|index| quoted(&format!("check-{index}"))).collect();
    let mut text = format!("[tasks.all]\ndepends = [{}]\n", names.join(", "));
    for (index, file) in files.iter().enumerate() {
        let _ = writeln!(text, "[tasks.check-{index}]\nrun = {}", quoted(&format!("test -e {file}")));
    }
    text
}

fn playbook(files: &[String]) -> String {
    // Ansible runs one task at a time on one machine, whatever `forks` says.
    let mut text = String::from("- hosts: all\n  gather_facts: false\n  tasks:\n");
    for file in files {
        let _ = writeln!(
            text,
            "    - ansible.builtin.command: {{ argv: [test, -e, {}] }}\n      changed_when: false",
            quoted(file)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_asks_for_every_file() {
        let files = ["/a b/done-0".to_owned(), "/a b/done-1".to_owned()];
        let pack = pack(&files);
        assert!(pack.contains("steps: [check-0, check-1] }"));
        assert!(pack.contains(
            "  check-1: { title: Check 1, check: [test, -e, \"/a b/done-1\"], run: [touch, \"/a b/done-1\"], \
             first-value: true }"
        ));
        assert_eq!(pack.matches("first-value").count(), 1);
        assert_eq!(makefile(&files).matches("\t@test -e ").count(), 2);
        assert_eq!(playbook(&files).matches("argv: [test, -e, ").count(), 2);
        assert!(mise(&files).starts_with("[tasks.all]\ndepends = [\"check-0\", \"check-1\"]\n"));
    }

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
