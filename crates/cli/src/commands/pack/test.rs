//! `firstlight pack test`: starts itself again in a throwaway room for each persona, and says how it went.

use std::{path::PathBuf, process::ExitCode, process::Stdio};

use anyhow::Context;
use firstlight_app::{
    AppError, TestRequest, TestRoom, enter_room, personas_to_test, still_running, test_persona, test_report,
};
use firstlight_contract::{
    error::{Code, ErrorEnvelope},
    pack_test::{PackTestView, PersonaTest, StepTest, TestOutcome, TestProblem, TestProblemKind},
};

use crate::{
    args::{Command, Pack},
    output::Output,
    words,
};

/// What was asked for.
pub(super) struct Test {
    pub(super) dir: PathBuf,
    pub(super) persona: Option<String>,
    pub(super) input: Vec<(String, String)>,
    pub(super) unconfined: bool,
    pub(super) inside: Option<PathBuf>,
}

/// Keeps this program to the room it was started in, if it was. Before it has other threads.
pub(crate) fn confine(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Pack { command: Pack::Test { inside: Some(room), unconfined: false, .. } } => {
            Ok(enter_room(room)?)
        }
        _ => Ok(()),
    }
}

pub(super) async fn run(test: Test, output: Output) -> anyhow::Result<ExitCode> {
    if let (Some(room), Some(persona)) = (&test.inside, &test.persona) {
        let request = TestRequest {
            pack: test.dir,
            persona: persona.clone(),
            inputs: test.input.into_iter().collect(),
            room: room.clone(),
            confined: !test.unconfined,
        };
        output.value(&test_persona(&request).await?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut personas = Vec::new();
    for persona in personas_to_test(&test.dir, test.persona.as_deref())? {
        if !output.is_json() {
            output.line(format!("Walking `{persona}` in a throwaway home …"))?;
        }
        let room = TestRoom::new()?;
        if !test.unconfined && !room.can_confine() {
            let error = AppError::new(
                Code::Usage,
                "This system cannot keep a test to its throwaway folder (Linux 5.19 with Landlock can).",
            );
            let hint = "In a container or a virtual machine that you can throw away, add `--unconfined`.";
            return Err(error.hint(hint).into());
        }
        let mut walked = walk_in(&room, &test, &persona).await?;
        still_running(&mut walked, &room.end_everything());
        personas.push(walked);
    }
    let report = test_report(&test.dir, !test.unconfined, personas)?;
    if output.is_json() {
        output.value(&report)?;
    } else {
        show(&report, output)?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Another one of us, in the room. It ends with us.
async fn walk_in(room: &TestRoom, test: &Test, persona: &str) -> anyhow::Result<PersonaTest> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let pack = std::path::absolute(&test.dir)?;
    let mut command = tokio::process::Command::new(program);
    command
        .args(["pack", "test", "--json", "--persona", persona, "--inside"])
        .arg(room.root())
        .env_clear()
        .envs(room.environment())
        .current_dir(room.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if test.unconfined {
        command.arg("--unconfined");
    }
    for (name, value) in &test.input {
        command.arg("--input").arg(format!("{name}={value}"));
    }
    let ended = command.arg("--").arg(pack).output().await?;
    if ended.status.success() {
        return serde_json::from_slice(&ended.stdout).context("the test's own answer cannot be read");
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let envelope = said.lines().find_map(|line| serde_json::from_str::<ErrorEnvelope>(line).ok());
    Err(match envelope {
        Some(envelope) => AppError(envelope.error).into(),
        None => AppError::new(Code::Internal, format!("The test broke off ({}).", ended.status))
            .hint("Test it again with FIRSTLIGHT_LOG=debug, one persona at a time.")
            .into(),
    })
}

fn show(report: &PackTestView, output: Output) -> anyhow::Result<()> {
    for persona in &report.personas {
        output.line(format!("\n\u{1b}[1m{}\u{1b}[0m ({})", persona.title, persona.id))?;
        for step in &persona.steps {
            show_step(step, output)?;
        }
        for problem in &persona.problems {
            show_problem(problem, output)?;
        }
    }
    let steps = || report.personas.iter().flat_map(|persona| &persona.steps);
    let of = |outcome: TestOutcome| {
        u32::try_from(steps().filter(|step| step.outcome == outcome).count()).unwrap_or(u32::MAX)
    };
    let problems = steps().map(|step| step.problems.len()).sum::<usize>()
        + report.personas.iter().map(|persona| persona.problems.len()).sum::<usize>();
    output.line("")?;
    for limit in &report.limits {
        output.line(format!("\u{1b}[2m{limit}\u{1b}[0m"))?;
    }
    output.line(format!(
        "\n{} {} done, {} held before, {} taken for done, {} not tested.",
        match problems {
            0 => "What could be tested holds:".to_owned(),
            _ => format!(
                "{}:",
                words::count(u32::try_from(problems).unwrap_or(u32::MAX), "problem", "problems")
            ),
        },
        words::count(of(TestOutcome::Done), "step", "steps"),
        of(TestOutcome::Held),
        of(TestOutcome::Assumed),
        of(TestOutcome::Skipped),
    ))
}

fn show_step(step: &StepTest, output: Output) -> anyhow::Result<()> {
    let sign = match (step.problems.is_empty(), step.outcome) {
        (false, _) | (true, TestOutcome::Failed) => "\u{1b}[31m✗\u{1b}[0m",
        (true, TestOutcome::Done) => "\u{1b}[32m✓\u{1b}[0m",
        (true, TestOutcome::Held) => "\u{1b}[32m=\u{1b}[0m",
        (true, TestOutcome::Assumed) => "\u{1b}[2m~\u{1b}[0m",
        (true, TestOutcome::Skipped) => "\u{1b}[33m-\u{1b}[0m",
    };
    let why = match (&step.why, step.outcome) {
        (Some(why), TestOutcome::Skipped) => format!(": not tested, {why}"),
        (Some(why), _) => format!(": {why}"),
        (None, _) => String::new(),
    };
    output.line(format!("  {sign} {} \u{1b}[2m({})\u{1b}[0m{why}", step.title, step.id))?;
    for problem in &step.problems {
        show_problem(problem, output)?;
    }
    match &step.stays {
        Some(left) => {
            let more = if left.paths.len() > 3 { ", …" } else { "" };
            output.line(format!(
                "      \u{1b}[2mstays, as nothing takes it back: {} ({}{more})\u{1b}[0m",
                words::count(left.count, "path", "paths"),
                left.paths.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ")
            ))
        }
        None => Ok(()),
    }
}

fn show_problem(problem: &TestProblem, output: Output) -> anyhow::Result<()> {
    let kind = match problem.kind {
        TestProblemKind::Fails => "fails",
        TestProblemKind::WritesOutside => "writes outside",
        TestProblemKind::NeverHolds => "its check never holds",
        TestProblemKind::NotIdempotent => "not the same twice",
        TestProblemKind::UndoFails => "cannot be taken back",
        TestProblemKind::UndoLeaves => "taken back, it leaves something",
    };
    output.line(format!("      \u{1b}[31m{kind}\u{1b}[0m: {}", problem.message))?;
    output.quote(&problem.last_lines)?;
    if problem.paths.is_empty() { Ok(()) } else { output.line(format!("      {}", problem.paths.join(", "))) }
}
