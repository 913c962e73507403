//! `cargo xtask fuzz`: the targets of tests/fuzz for minutes each, led by the code they reach.
//!
//! The programs are built apart, with counters in every block, which stable rustc can do by itself. What is found is kept
//! in the target folder: inputs that reach something new, and the one that broke a target, to be made into a test.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    args::{Args, Spec},
    sh::Cmd,
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "fuzz [TARGET] [--minutes N]               run the targets of tests/fuzz (pack, expression, advisory), 2 minutes each if not said";

const TARGETS: &[&str] = &["pack", "expression", "advisory"];

/// What libFuzzer reads coverage from.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// Inputs above this are the business of a test of their own (limits).
const LARGEST: &str = "-max_len=65536";
/// An answer that takes longer, in seconds, is a finding.
const SLOWEST: &str = "-timeout=5";

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    let args = Args::parse(words, &Spec { flags: &[], options: &["--minutes"], name: true })?;
    let minutes: u32 = match args.value("--minutes") {
        Some(text) => text.parse().with_context(|| format!("--minutes {text} is no number"))?,
        None => 2,
    };
    let targets: Vec<&str> = match args.name.as_deref() {
        Some(name) => match TARGETS.iter().find(|target| **target == name) {
            Some(target) => vec![target],
            None => bail!("there is no target `{name}`; there are {}", TARGETS.join(" and ")),
        },
        None => TARGETS.to_vec(),
    };
    let built = workspace.target.join("fuzz");
    // With a target named, build scripts and macros go without the counters.
    let host = Cmd::new("rustc").args(["--print", "host-tuple"]).read()?;
    let host = host.trim();
    for target in targets {
        let program = format!("fuzz-{target}");
        workspace
            .cargo()
            .args([
                "build",
                "--locked",
                "--package",
                "firstlight-fuzz",
                "--features",
                "libfuzzer",
                "--bin",
                &program,
            ])
            .args(["--target", host, "--target-dir"])
            .arg(&built)
            .env("RUSTFLAGS", COVERAGE)
            .run()?;
        let found = built.join("found").join(target);
        let corpus = found.join("corpus");
        fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be made", corpus.display()))?;
        seeds(workspace, target, &corpus)?;
        Cmd::new(built.join(host).join("debug").join(&program))
            .args([&format!("-max_total_time={}", minutes * 60), LARGEST, SLOWEST, "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg(&corpus)
            .run()
            .with_context(|| format!("the input that broke `{target}` is in {}", found.display()))?;
    }
    Ok(())
}

/// What there is to begin from.
fn seeds(workspace: &Workspace, target: &str, corpus: &std::path::Path) -> Result<()> {
    let packs = workspace.root.join("assets").join("packs");
    for pack in ["sample", "contribute"] {
        let text = fs::read_to_string(packs.join(pack).join("pack.yaml"))
            .with_context(|| format!("the pack `{pack}` cannot be read"))?;
        if target == "pack" {
            fs::write(corpus.join(pack), text)?;
            continue;
        }
        // Every line with an expression is one.
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains("${{")) {
            fs::write(corpus.join(format!("{pack}-{number}")), line.trim())?;
        }
    }
    Ok(())
}
