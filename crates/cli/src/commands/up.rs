//! `firstlight up`: the plan, the question, the run, the things only a person can do, and how it went.

use std::process::ExitCode;

use firstlight_app::{Access, AppError, Firstlight, RunOptions};
use firstlight_contract::{
    commands::{Choice, Consent},
    error::Code,
    journey::{JourneyView, NextAct, StepStateView, StepView},
    run::RunEvent,
};
use secrecy::SecretString;

use super::{ask, choose, open_with, plan};
use crate::{
    args::Who,
    live::{Live, Style},
    output::Output,
    words,
};

/// What was asked for.
pub(super) struct Up {
    pub(super) who: Who,
    pub(super) yes: bool,
    pub(super) only: Vec<String>,
    pub(super) keep_going: bool,
    pub(super) start_date: Option<String>,
    pub(super) leave: bool,
    pub(super) verbose: bool,
}

pub(super) async fn run(up: Up, output: &Output) -> anyhow::Result<ExitCode> {
    let style = match (output.is_json(), output.is_interactive()) {
        (true, _) => Style::Json,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    let live = Live::new(style, up.verbose, *output);
    let app = open_with(Access::Change, live.listener(), output.is_interactive())?;
    let choice = Choice { start_date: up.start_date.clone(), ..choose(&app, &up.who, output)? };
    let view = app.make_plan(&choice).await?;
    if !output.is_json() {
        plan::show(&view, output)?;
        output.line("")?;
    }
    if !up.yes && !agrees(&view.summary, output)? {
        output.line("Nothing was done.")?;
        return Ok(ExitCode::FAILURE);
    }
    if up.leave {
        leave_other(&app, &choice)?;
    }
    let options = RunOptions { only: up.only.clone(), keep_going: up.keep_going };
    let stop = tokio::spawn(stop_on_signal(app.clone()));
    app.start_run(&Consent { choice, consent: view.consent }, &options).await?;
    let end = walk(&app, &up, &options, &live, output).await?;
    stop.abort();
    finish(&app, &end, output)
}

fn agrees(summary: &firstlight_contract::plan::PlanSummary, output: &Output) -> anyhow::Result<bool> {
    if summary.will_change == 0 && summary.unknown == 0 {
        return Ok(true);
    }
    if !output.is_interactive() {
        let error = AppError::new(Code::Usage, "Nobody is there to agree to the plan.")
            .hint("Look at it with `firstlight plan`, then run `firstlight up --yes`.");
        return Err(error.into());
    }
    ask("Go ahead?", output)
}

fn leave_other(app: &Firstlight, choice: &Choice) -> anyhow::Result<()> {
    match app.journey() {
        Ok(journey) if journey.persona != choice.persona => app.leave_journey()?,
        Ok(_) => {}
        Err(error) if error.code() == Code::NoJourney => {}
        // A journey whose pack is gone can still be left.
        Err(_) => app.leave_journey()?,
    }
    Ok(())
}

/// Ctrl-C and a polite kill end the run cleanly: no process of a step is left.
async fn stop_on_signal(app: Firstlight) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
                _ = hangup.recv() => {}
            }
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    app.cancel_run().await;
}

/// Runs until nothing more can be done here: after each run, what waits for the person is asked, and the run goes on.
async fn walk(
    app: &Firstlight,
    up: &Up,
    options: &RunOptions,
    live: &Live,
    output: &Output,
) -> anyhow::Result<RunEvent> {
    loop {
        app.wait_for_run().await;
        if let Some(problem) = live.take_problem() {
            return Err(AppError(problem).into());
        }
        let end = wait_for_end(live).await;
        let cancelled = matches!(end, RunEvent::Finished { cancelled: true, .. });
        if cancelled || !answer(app, up, output).await? {
            return Ok(end);
        }
        app.go_on(options).await?;
    }
}

/// The last event is told just after the run is over.
async fn wait_for_end(live: &Live) -> RunEvent {
    loop {
        if let Some(end) = live.take_finished() {
            return end;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Asks for each thing that waits for the person; whether anything was done.
async fn answer(app: &Firstlight, up: &Up, output: &Output) -> anyhow::Result<bool> {
    let journey = app.journey()?;
    let wanted = |step: &&StepView| up.only.is_empty() || up.only.contains(&step.id);
    let mut moved = false;
    for step in journey.steps.iter().filter(wanted) {
        if !matches!(&step.state, StepStateView::Waiting { waiting_for, .. } if waiting_for == "you") {
            continue;
        }
        moved |= match step.uses.as_str() {
            "credential" => answer_credential(app, step, output).await?,
            _ => answer_action(app, step, up.yes, output).await?,
        };
    }
    Ok(moved)
}

async fn answer_action(
    app: &Firstlight,
    step: &StepView,
    yes: bool,
    output: &Output,
) -> anyhow::Result<bool> {
    if !yes {
        if !output.is_interactive() {
            return Ok(false);
        }
        let detail = app.step(&step.id)?;
        output.line(format!("\n\u{1b}[1m{}\u{1b}[0m", step.title))?;
        output.line(crate::words::markdown(&detail.body))?;
        if let Some(url) = &detail.url {
            output.line(format!("  {url}"))?;
        }
        let question = match step.uses.as_str() {
            "read" => "Read?",
            "link" => "Opened?",
            _ => "Done?",
        };
        if !ask(question, output)? {
            return Ok(false);
        }
    }
    app.complete_action(&step.id).await?;
    Ok(true)
}

async fn answer_credential(app: &Firstlight, step: &StepView, output: &Output) -> anyhow::Result<bool> {
    let Some(wanted) = app.step(&step.id)?.credential else { return Ok(false) };
    if !output.is_interactive() {
        if !output.is_json() {
            output.line(format!(
                "  Give it with: firstlight credential set {}  (the value on standard input)",
                wanted.name
            ))?;
        }
        return Ok(false);
    }
    output.line(format!("\n\u{1b}[1m{}\u{1b}[0m", wanted.title))?;
    output.raw("Value (not shown, empty to skip): ")?;
    let value = SecretString::from(rpassword::read_password()?);
    if secrecy::ExposeSecret::expose_secret(&value).is_empty() {
        return Ok(false);
    }
    match app.store_credential(&wanted.name, value).await {
        Ok(_) => Ok(true),
        Err(error) => {
            output.line(format!("  {error}"))?;
            Ok(ask("Try another value?", output)? && Box::pin(answer_credential(app, step, output)).await?)
        }
    }
}

fn finish(app: &Firstlight, end: &RunEvent, output: &Output) -> anyhow::Result<ExitCode> {
    let RunEvent::Finished { ok, failed, cancelled, .. } = end else { return Ok(ExitCode::FAILURE) };
    if output.is_json() {
        output.value_line(end)?;
        return Ok(if *ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let journey = app.journey()?;
    if *cancelled {
        output.line("Stopped. Nothing is lost; run the same command to go on.")?;
    }
    for step in failed {
        output.line(format!("failed: {step}"))?;
    }
    for step in &journey.steps {
        if let StepStateView::Waiting { waiting_for, .. } = &step.state {
            output.line(format!("waiting for {waiting_for}: {}", step.title))?;
        }
    }
    summary(app, &journey, output)?;
    Ok(if *ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(app: &Firstlight, journey: &JourneyView, output: &Output) -> anyhow::Result<()> {
    let report = app.report()?;
    match report.ttfv {
        Some(ttfv) => {
            let parts: Vec<String> = report
                .waterfall
                .iter()
                .filter(|part| part.seconds > 0)
                .map(|part| format!("{} {}", words::duration(part.seconds), words::time_kind(part.kind)))
                .collect();
            output.line(format!(
                "\u{1b}[1m{}\u{1b}[0m to first value, {}: {}.",
                words::duration(ttfv.seconds),
                report.first_value,
                parts.join(", ")
            ))
        }
        None => match &journey.next {
            Some(next) if next.act == NextAct::Retry => {
                output.line(format!("Mend `{}`, then run the same command again.", next.step))
            }
            Some(next) => output.line(format!("Next: {}", next.step)),
            None => Ok(()),
        },
    }
}
