//! `firstlight status`

use std::process::ExitCode;

use firstlight_app::Access;
use firstlight_contract::{
    journey::{JourneyView, NextAct, StepNews, StepStateView, StepView},
    requests::{RequestReply, RequestView},
};

use super::{note_refusal, open, summary, templates};
use crate::{output::Output, words};

/// The exit code that says a step does not hold any more.
const DRIFTED: u8 = 2;

pub(super) async fn run(
    check: bool,
    detailed_exitcode: bool,
    followed_up: &[String],
    output: Output,
) -> anyhow::Result<ExitCode> {
    let access = if followed_up.is_empty() { Access::Read } else { Access::Change };
    let app = open(access, output)?;
    note_refusal(&app, output);
    for step in followed_up {
        app.follow_up_done(step)?;
    }
    let journey = if check { app.look_for_drift().await? } else { app.journey()? };
    if output.is_json() {
        output.value(&journey)?;
    } else {
        show(&journey, output)?;
        if check {
            show_drift(&journey, output)?;
        }
        if let Some(line) = templates::line(&app).await {
            output.line(format!("\n{line}"))?;
        }
    }
    let drifted = journey.steps.iter().any(|step| step.drifted.is_some());
    Ok(if drifted && detailed_exitcode { ExitCode::from(DRIFTED) } else { ExitCode::SUCCESS })
}

fn show_drift(journey: &JourneyView, output: Output) -> anyhow::Result<()> {
    let drifted = || journey.steps.iter().filter_map(|step| Some((step, step.drifted.as_deref()?)));
    if drifted().next().is_none() {
        return output.line("\nEverything that was done still holds.");
    }
    output.line("\nNo longer as it was:")?;
    for (step, what) in drifted() {
        output.line(format!("  ! {} \u{1b}[2m({})\u{1b}[0m: {what}", step.title, step.id))?;
    }
    output.line("`firstlight up` mends it, after it has shown its plan.")
}

fn show(journey: &JourneyView, output: Output) -> anyhow::Result<()> {
    output.line(format!("\u{1b}[1m{}\u{1b}[0m: {}", journey.title, journey.persona_title))?;
    for stage in &journey.stages {
        output.line(format!("\n{} ({} of {})", stage.title, stage.done, stage.total))?;
        for step in journey.steps.iter().filter(|step| step.stage == stage.id) {
            let (sign, word) = words::state(&step.state);
            let best_effort = if journey.best_effort.contains(&step.id) { " (best effort)" } else { "" };
            let news = match step.news {
                Some(StepNews::New) => " (new)",
                Some(StepNews::Changed) => " (changed since)",
                None => "",
            };
            output.line(format!(
                "  {sign} {} \u{1b}[2m({})\u{1b}[0m: {word}{best_effort}{news}{}{}",
                step.title,
                step.id,
                more(&step.state),
                asked(step)
            ))?;
        }
    }
    summary::left(journey, output)?;
    let way = journey.reached_at.is_none() && !journey.critical_path.is_empty();
    if way || journey.next.is_some() {
        output.line("")?;
    }
    if way {
        let titles: Vec<&str> = journey.critical_path.iter().map(|id| title(journey, id)).collect();
        output.line(format!("The way to first value: {}", titles.join(" → ")))?;
    }
    next(journey).map_or(Ok(()), |next| output.line(next))
}

/// A step's title, by its id.
pub(super) fn title<'a>(journey: &'a JourneyView, id: &'a str) -> &'a str {
    journey.steps.iter().find(|step| step.id == id).map_or(id, |step| step.title.as_str())
}

/// The one thing to do now.
pub(super) fn next(journey: &JourneyView) -> Option<String> {
    let next = journey.next.as_ref()?;
    let (id, title) = (&next.step, title(journey, &next.step));
    Some(match next.act {
        NextAct::Start => format!("Next: “{title}”, with `firstlight up`."),
        NextAct::Retry if is_unknown(journey, id) => {
            format!("Next: look at “{title}” ({id}), then run `firstlight up --again {id}`.")
        }
        NextAct::Retry if is_refused(journey, id) => {
            format!("Next: talk about “{title}” ({id}); `firstlight up --again {id}` asks anew.")
        }
        NextAct::Retry => format!("Next: mend “{title}” ({id}), then run `firstlight up` again."),
        NextAct::Read => format!("Next: read “{title}”; `firstlight up` shows it."),
        NextAct::Open => format!("Next: open “{title}”; `firstlight up` shows where."),
        NextAct::Confirm => format!("Next: “{title}”; `firstlight up` asks when it is done."),
        NextAct::EnterCredential => format!("Next: enter “{title}”; `firstlight up` asks for it."),
        NextAct::Restart => {
            format!("Next: restart this machine for “{title}”, then run `firstlight up` again.")
        }
        NextAct::Request => format!("Next: wait for “{title}”, or remind who answers it."),
    })
}

/// What was asked of somebody else, and what they said.
fn asked(step: &StepView) -> String {
    let Some(request) = &step.request else { return String::new() };
    match (&request.answer, &step.state) {
        // Told with the failure.
        (_, StepStateView::Failed { .. }) => String::new(),
        (None, _) => ", asked through the hub".to_owned(),
        (Some(answer), state) => {
            let waits = matches!(state, StepStateView::Waiting { .. });
            let seen = if waits { "; it cannot be seen yet" } else { "" };
            let said = if answer.words.is_empty() { String::new() } else { format!(": {}", answer.words) };
            format!(", {} says it is done, {}{said}{seen}", answer.by, words::moment(&answer.at))
        }
    }
}

/// Whether somebody said no to it.
fn is_refused(journey: &JourneyView, id: &str) -> bool {
    let refused = |request: &RequestView| {
        request.answer.as_ref().is_some_and(|answer| answer.reply == RequestReply::Refused)
    };
    journey.steps.iter().any(|step| step.id == id && step.request.as_ref().is_some_and(refused))
}

fn is_unknown(journey: &JourneyView, id: &str) -> bool {
    let unknown = |step: &StepView| step.id == id && matches!(step.state, StepStateView::Unknown { .. });
    journey.steps.iter().any(unknown)
}

fn more(state: &StepStateView) -> String {
    match state {
        StepStateView::Waiting { waiting_for, since, sla } => {
            let sla = sla.as_deref().map_or_else(String::new, |sla| format!(", promised within {sla}"));
            format!(" for {waiting_for} since {}{sla}", words::moment(since))
        }
        StepStateView::Failed { cause, .. } => format!(", {cause}"),
        StepStateView::Blocked { by, reason } => {
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            format!("{by}{}", reason.as_deref().map_or_else(String::new, |reason| format!(", {reason}")))
        }
        StepStateView::Unknown { reason } | StepStateView::Skipped { reason } => format!(", {reason}"),
        StepStateView::Pending
        | StepStateView::Ready
        | StepStateView::Running { .. }
        | StepStateView::Satisfied { .. }
        | StepStateView::Changed { .. }
        | StepStateView::Undone => String::new(),
    }
}
