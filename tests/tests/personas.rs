//! The sample's four personas, each walked to first value for real in the terminal: packages from npm and `PyPI`, a
//! service that answers, a chart that is drawn, a playbook that converges, a browser test that passes. Afterwards there
//! is nothing left to do. And once more as authors of packs do, in homes that are thrown away.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use firstlight_contract::{
    pack_test::{PackTestView, TestOutcome},
    report::ReportView,
    run::RunEvent,
};
use firstlight_tests::{Machine, sample};

#[test]
fn a_developers_service_builds_passes_its_tests_and_answers() -> Result<()> {
    walk("developer")
}

#[test]
fn a_data_scientists_analysis_draws_its_chart() -> Result<()> {
    walk("data-scientist")
}

#[test]
fn a_devops_engineers_playbook_changes_nothing_the_second_time() -> Result<()> {
    walk("devops-engineer")
}

#[test]
fn a_qa_engineers_browser_test_passes() -> Result<()> {
    walk("qa-engineer")
}

#[test]
fn the_developers_checklist_stands_the_test_that_packs_are_put_to() -> Result<()> {
    put_to_the_test("developer")
}

#[test]
fn the_data_scientists_checklist_stands_the_test_that_packs_are_put_to() -> Result<()> {
    put_to_the_test("data-scientist")
}

#[test]
fn the_devops_engineers_checklist_stands_the_test_that_packs_are_put_to() -> Result<()> {
    put_to_the_test("devops-engineer")
}

#[test]
fn the_qa_engineers_checklist_stands_the_test_that_packs_are_put_to() -> Result<()> {
    put_to_the_test("qa-engineer")
}

fn put_to_the_test(persona: &str) -> Result<()> {
    let machine = Machine::start()?;
    let pack = sample(&machine.home())?;
    let test = ["pack", "test", "--json", "--persona", persona];
    let report = output(machine.command("firstlight")?.args(test).arg(&pack))?;
    let report: PackTestView = serde_json::from_slice(&report.stdout)?;
    ensure!(report.ok && report.confined && report.personas.len() == 1, "{report:#?}");
    for persona in &report.personas {
        let done = persona.steps.iter().filter(|step| step.outcome == TestOutcome::Done).count();
        let skipped = persona.steps.iter().any(|step| step.outcome == TestOutcome::Skipped);
        ensure!(done >= 3 && !skipped, "{persona:#?}");
    }
    Ok(())
}

fn walk(persona: &str) -> Result<()> {
    let machine = Machine::start()?;
    let pack = sample(&machine.home())?;
    let on_sample = |words: &[&str]| -> Result<Output> {
        let mut command = machine.command("firstlight")?;
        command.arg(words[0]).arg("--pack").arg(&pack).args(["--persona", persona]).args(&words[1..]);
        Ok(command.output()?)
    };

    let before = on_sample(&["plan", "--detailed-exitcode"])?;
    ensure!(before.status.code() == Some(2), "a new machine has something to do:\n{}", said(&before));

    let up = on_sample(&["up", "--yes", "--json"])?;
    let text = String::from_utf8_lossy(&up.stdout);
    let last = text.lines().last().with_context(|| said(&up))?;
    let end: RunEvent = serde_json::from_str(last).with_context(|| said(&up))?;
    let reached = matches!(end, RunEvent::Finished { ok: true, first_value_reached: true, .. });
    ensure!(reached && up.status.success(), "first value was not reached:\n{}", said(&up));

    let after = on_sample(&["plan", "--detailed-exitcode"])?;
    ensure!(after.status.code() == Some(0), "something is left to do:\n{}", said(&after));

    let report = output(machine.command("firstlight")?.args(["report", "--json"]))?;
    let report: ReportView = serde_json::from_slice(&report.stdout)?;
    let ttfv = report.ttfv.context("first value has its time")?;
    let parts: u32 = report.waterfall.iter().map(|part| part.seconds).sum();
    ensure!(parts == ttfv.seconds, "{parts} s are explained of {} s", ttfv.seconds);
    Ok(())
}

fn output(command: &mut Command) -> Result<Output> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", said(&output));
    Ok(output)
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}\n{out}\n{err}", output.status)
}
