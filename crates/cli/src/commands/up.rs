//! `firstlight up`: the plan, the question, the run, the things only a person can do, and how it went.

use std::process::ExitCode;

use firstlight_app::{Access, AppError, Firstlight, RunOptions};
use firstlight_contract::{
    commands::{Choice, Consent},
    error::Code,
    journey::{JourneyView, StepStateView, StepView},
    plan::{Outcome, PlanView, StepClass},
    run::RunEvent,
};

use super::{ask, choose, hub, open_with, plan, read_secret, summary};
use crate::{
    args::Who,
    live::{Live, Style},
    output::Output,
    stop::{self, Interrupted, Signal},
};

/// What was asked for.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Up {
    pub(super) who: Who,
    pub(super) yes: bool,
    pub(super) only: Vec<String>,
    pub(super) again: Vec<String>,
    pub(super) took_effect: Vec<String>,
    pub(super) keep_going: bool,
    pub(super) start_date: Option<String>,
    pub(super) leave: bool,
    pub(super) verbose: bool,
}

pub(super) async fn run(up: Up, output: Output) -> anyhow::Result<ExitCode> {
    let style = match (output.is_json(), output.is_interactive()) {
        (true, _) => Style::Json,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    if style == Style::Bars {
        stop::hide_ctrl_c();
    }
    let outcome = run_in(style, &up, output).await;
    stop::give_the_terminal_back();
    outcome
}

async fn run_in(style: Style, up: &Up, output: Output) -> anyhow::Result<ExitCode> {
    let live = Live::new(style, up.verbose, output);
    let app = open_with(Access::Change, live.listener(), output)?;
    let outcome = tokio::select! {
        biased;
        outcome = walk(&app, up, &live, output) => outcome,
        signal = stop::asked() => return stopped(&app, up, &live, signal, output).await,
    };
    match outcome {
        Ok(Some(end)) => finish(&app, up, end, output).await,
        Ok(None) => {
            output.line("Nothing was done.")?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) if error.is::<Interrupted>() => stopped(&app, up, &live, Signal::Interrupt, output).await,
        Err(error) => {
            // Whatever became of the run, what it changed may have left something to the person.
            if !output.is_json()
                && let Ok(journey) = app.journey()
            {
                summary::left(&journey, output)?;
            }
            Err(error)
        }
    }
}

/// The plan, the question, and runs until nothing more can be done here. Nothing if the plan was not agreed to.
async fn walk(app: &Firstlight, up: &Up, live: &Live, output: Output) -> anyhow::Result<Option<RunEvent>> {
    // Before a pack is looked at: an answer belongs to the journey as it is.
    hub::learn_briefly(app).await;
    let choice = Choice { start_date: up.start_date.clone(), ..choose(app, &up.who, output).await? };
    if up.leave {
        app.leave_other_journey(&choice.persona)?;
    }
    for step in &up.took_effect {
        app.complete_action(step).await?;
    }
    let view = app.make_plan(&choice).await?;
    if !output.is_json() {
        if plan::nothing_to_do(&view) {
            output.line(plan::road(&view))?;
        } else {
            plan::show(&view, &app.facts().home, output)?;
        }
        output.line("")?;
    }
    if !up.yes && !agrees(&view, output).await? {
        return Ok(None);
    }
    let again = ask_of_cut_off(app, up, &view, output).await?;
    let options = RunOptions { only: up.only.clone(), keep_going: up.keep_going, again };
    app.start_run(&Consent { choice, consent: view.consent }, &options).await?;
    loop {
        app.wait_for_run().await;
        if let Some(problem) = live.take_problem() {
            return Err(AppError(problem).into());
        }
        let end = wait_for_end(live).await;
        // After each run, what waits for the person is asked, and the run goes on.
        if !answer(app, up, &end, output).await? {
            return Ok(Some(end));
        }
        app.go_on(&options).await?;
    }
}

/// Ends the run cleanly: no process of a step is left.
async fn stopped(
    app: &Firstlight,
    up: &Up,
    live: &Live,
    signal: Signal,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let begun = app.is_running();
    app.cancel_run().await;
    // Takes the bars away, too.
    let end = if begun { wait_for_end(live).await } else { never_begun(app) };
    if output.is_json() {
        output.value_line(&end)?;
    } else {
        output.line("\nStopped. Nothing is lost: run the same command to go on.")?;
        // Before a journey has begun there is nothing to tell.
        if let Ok(journey) = app.journey() {
            summary::fallen(app, &journey, &end, &up.who, output)?;
            summary::left(&journey, output)?;
        }
    }
    Ok(signal.exit_code())
}

/// The end of a run that was stopped while a question was open.
fn never_begun(app: &Firstlight) -> RunEvent {
    let journey = app.journey().ok();
    RunEvent::Finished {
        ok: false,
        failed: Vec::new(),
        best_effort: journey.as_ref().map(|journey| journey.best_effort.clone()).unwrap_or_default(),
        waiting: Vec::new(),
        first_value_reached: journey.as_ref().is_some_and(|journey| journey.reached_at.is_some()),
        follow_ups: journey.map(|journey| journey.follow_ups).unwrap_or_default(),
        cancelled: true,
    }
}

async fn agrees(view: &PlanView, output: Output) -> anyhow::Result<bool> {
    if view.summary.will_change == 0 && view.summary.unknown == 0 {
        return Ok(true);
    }
    if !output.is_interactive() {
        let error = AppError::new(Code::Usage, "Nobody is there to agree to the plan.")
            .hint("Look at it with `firstlight plan`, then run `firstlight up --yes`.");
        return Err(error.into());
    }
    ask("Go ahead?", output).await
}

/// The steps to run again though they were cut off; whoever sits at the terminal is asked for each. A yes to every
/// question is no answer to this one: it is about what happened, and only a person can have looked.
async fn ask_of_cut_off(
    app: &Firstlight,
    up: &Up,
    view: &PlanView,
    output: Output,
) -> anyhow::Result<Vec<String>> {
    let mut again = up.again.clone();
    if up.yes || !output.is_interactive() {
        return Ok(again);
    }
    let unknown = view.steps.iter().filter(|step| step.outcome == Outcome::Unknown);
    for step in unknown.filter(|step| !up.again.contains(&step.id)) {
        // Before the journey has begun no step was cut off.
        if !app.step(&step.id).is_ok_and(|detail| detail.cut_off) {
            continue;
        }
        output.line(format!("\n“{}” was cut off while it ran. Look whether it took effect.", step.title))?;
        if ask("Did it?", output).await? {
            app.complete_action(&step.id).await?;
        } else if ask("Run it again?", output).await? {
            again.push(step.id.clone());
        }
    }
    Ok(again)
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
async fn answer(app: &Firstlight, up: &Up, end: &RunEvent, output: Output) -> anyhow::Result<bool> {
    let RunEvent::Finished { waiting, .. } = end else { return Ok(false) };
    let journey = app.journey()?;
    let mut moved = false;
    for step in journey.steps.iter().filter(|step| waiting.contains(&step.id)) {
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

async fn answer_action(app: &Firstlight, step: &StepView, yes: bool, output: Output) -> anyhow::Result<bool> {
    let is_looked_at = step.class == StepClass::Task;
    // It was looked at just now: saying yes beforehand changes nothing about the machine.
    if yes && is_looked_at {
        return Ok(false);
    }
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
        if !ask(question, output).await? {
            return Ok(false);
        }
    }
    match app.complete_action(&step.id).await {
        Ok(_) => Ok(true),
        Err(error) if is_looked_at => {
            output.problem(&error.0)?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

async fn answer_credential(app: &Firstlight, step: &StepView, output: Output) -> anyhow::Result<bool> {
    let Some(wanted) = app.step(&step.id)?.credential else { return Ok(false) };
    if !output.is_interactive() {
        if !output.is_json() {
            output.line(format!(
                "  “{}” waits for a value: give it to `firstlight credential set {}` on standard input.",
                wanted.title, wanted.name
            ))?;
        }
        return Ok(false);
    }
    output.line(format!("\n\u{1b}[1m{}\u{1b}[0m", wanted.title))?;
    let value = read_secret("Value (not shown, empty to skip): ", output).await?;
    if secrecy::ExposeSecret::expose_secret(&value).is_empty() {
        return Ok(false);
    }
    match app.store_credential(&wanted.name, value).await {
        Ok(_) => Ok(true),
        Err(error) => {
            output.problem(&error.0)?;
            Ok(ask("Try another value?", output).await?
                && Box::pin(answer_credential(app, step, output)).await?)
        }
    }
}

async fn finish(app: &Firstlight, up: &Up, mut end: RunEvent, output: Output) -> anyhow::Result<ExitCode> {
    let journey = app.journey()?;
    let RunEvent::Finished { ok, .. } = &mut end else {
        return Ok(ExitCode::FAILURE);
    };
    *ok &= reached(&journey, up);
    let ok = *ok;
    if output.is_json() {
        output.value_line(&end)?;
    } else {
        summary::tell(app, &journey, &end, &up.who, output)?;
    }
    hub::deliver_briefly(app).await;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether what was asked for is there: first value, or the steps named. What only waits for others after that is not
/// held against it; what waits for the person who is not there is. A best-effort step counts only where it was named.
fn reached(journey: &JourneyView, up: &Up) -> bool {
    let done = |step: &StepView| {
        matches!(
            step.state,
            StepStateView::Satisfied { .. } | StepStateView::Changed { .. } | StepStateView::Skipped { .. }
        )
    };
    let waits_for_you = |step: &StepView| {
        let waits = matches!(&step.state, StepStateView::Waiting { waiting_for, .. } if waiting_for == "you");
        waits && !step.best_effort
    };
    if up.only.is_empty() {
        journey.reached_at.is_some() && !journey.steps.iter().any(waits_for_you)
    } else {
        journey.steps.iter().filter(|step| up.only.contains(&step.id)).all(done)
    }
}
