//! `cargo xtask bench`: measures in release builds and writes tables with medians and ratios into BENCHMARKS.md.
//!
//! What is compared runs in the same bench and in turns, so that a machine that slows down slows all of them down.
//! One more: a module beside these with a `run` that gives a [`Table`], and a line in [`BENCHES`].

mod checks;
mod figures;
mod hub;
mod insights;
mod ipc;
mod lists;
mod memory;
mod releases;
pub(crate) mod spawn;
mod table;
mod window;

use std::fs;

use anyhow::{Context, Result, bail};

use self::table::{Machine, Table, replace_section};
use crate::{
    args::{Args, Spec},
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "bench [checks|figures|hub|insights|ipc|releases|window] [--runs N]
                                            measure and write BENCHMARKS.md; release builds
                                            (hub, insights: BENCH_EVENTS=10000000 for more events)";

struct Bench {
    name: &'static str,
    run: fn(&Workspace, usize) -> Result<Table>,
}

const BENCHES: &[Bench] = &[
    Bench { name: "checks", run: checks::run },
    Bench { name: "figures", run: figures::run },
    Bench { name: "hub", run: hub::run },
    Bench { name: "insights", run: insights::run },
    Bench { name: "ipc", run: ipc::run },
    Bench { name: "releases", run: releases::run },
    Bench { name: "window", run: window::run },
];

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    let args = Args::parse(words, &Spec { flags: &[], options: &["--runs"], name: true })?;
    let runs = match args.value("--runs") {
        None => 9,
        Some(text) => match text.parse() {
            Ok(runs) if runs > 0 => runs,
            _ => bail!("--runs needs a number from 1 on, not `{text}`"),
        },
    };
    let chosen: Vec<&Bench> =
        BENCHES.iter().filter(|bench| args.name.as_deref().is_none_or(|name| name == bench.name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("there is no bench of that name; there are {}", names.join(" and "));
    }
    let machine = Machine::read()?;
    for bench in chosen {
        println!("\n== {}", bench.name);
        let section = (bench.run)(workspace, runs)?.markdown(&machine);
        println!("\n{section}");
        let file = workspace.root.join("BENCHMARKS.md");
        let old = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "# Benchmarks\n".to_owned(),
            Err(error) => return Err(error).context("BENCHMARKS.md could not be read"),
        };
        fs::write(&file, replace_section(&old, bench.name, &section))
            .context("BENCHMARKS.md could not be written")?;
    }
    Ok(())
}
