//! How much memory a program of ours holds, as the system counts it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{sh::Cmd, workspace::Scratch};

/// The most memory a program held, in megabytes, from its start to its end. Linux counts; asked often enough, the last
/// answer is the most.
pub(super) fn peak(command: &Cmd) -> Result<f64> {
    let mut child = start(command)?;
    let mut peak = None;
    loop {
        peak = held(&child, "VmHWM:").or(peak);
        if ended(&mut child)? {
            return peak.context("the system does not say how much memory it held");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A step that prints as fast as it can.
pub(super) struct Flood {
    pack: PathBuf,
    home: PathBuf,
}

impl Flood {
    /// Writes the pack.
    pub(super) fn write(scratch: &Scratch) -> Result<Self> {
        let flood = Self { pack: scratch.folder("flood")?, home: scratch.folder("flood-home")? };
        let pack = "apiVersion: firstlight.dev/v1\nkind: Pack\n\
                    metadata: { name: flood, version: 1.0.0, title: A flood }\n\
                    personas:\n  bench: { title: Bench }\n\
                    checklists:\n  bench:\n    stages:\n      - { id: day-1, title: Day one, steps: [flood] }\n\
                    steps:\n  flood: { title: Print, run: [timeout 11 yes || true], shell: true, first-value: true }\n";
        fs::write(flood.pack.join("pack.yaml"), pack).context("the flood could not be written")?;
        Ok(flood)
    }

    /// What `up` holds after 2 s and after 10 s, in megabytes.
    pub(super) fn watch(&self, program: &Path, turn: usize) -> Result<(f64, f64)> {
        let home = self.home.join(turn.to_string());
        let up = Cmd::new(program)
            .args(["up", "--yes", "--json", "--persona", "bench", "--pack"])
            .arg(&self.pack)
            .env("FIRSTLIGHT_HOME", &home);
        let begun = Instant::now();
        let mut child = start(&up)?;
        let after = |seconds: u64| {
            thread::sleep(Duration::from_secs(seconds).saturating_sub(begun.elapsed()));
            held(&child, "VmRSS:").context("it ended before it was to be measured")
        };
        let seen = (after(2)?, after(10)?);
        while !ended(&mut child)? {
            thread::sleep(Duration::from_millis(20));
        }
        Ok(seen)
    }
}

fn start(command: &Cmd) -> Result<Child> {
    command.command().stdout(Stdio::null()).spawn().context("it could not be started")
}

/// A line of the program's status, in megabytes; none once it has ended.
fn held(child: &Child, what: &str) -> Option<f64> {
    let said = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = said.lines().find_map(|line| line.strip_prefix(what))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1_000.0)
}

fn ended(child: &mut Child) -> Result<bool> {
    match child.try_wait()? {
        Some(status) if !status.success() => bail!("it ended with {status}"),
        status => Ok(status.is_some()),
    }
}
