//! The end of `firstlight up` for people: what goes on without, what did not work and what to type, what waits for whom,
//! how long it took, and what is left to them. In this order, because the last lines are those that are read.

use firstlight_app::Firstlight;
use firstlight_contract::{
    journey::{JourneyView, NextAct, StepStateView, StepView},
    plan::StepClass,
    run::RunEvent,
};

use super::{plan, scan, status};
use crate::{args::Who, output::Output, words};

/// All of it.
pub(super) fn tell(
    app: &Firstlight,
    journey: &JourneyView,
    end: &RunEvent,
    who: &Who,
    output: Output,
) -> anyhow::Result<()> {
    let fell = fallen(app, journey, end, who, output)?;
    for step in &journey.steps {
        if let StepStateView::Waiting { waiting_for, .. } = &step.state {
            output.line(format!("waiting for {waiting_for}: {} ({})", step.title, step.id))?;
            administrator(app, step, waiting_for, output)?;
        }
    }
    first_value(app, output)?;
    left(journey, output)?;
    // What waits for others only, and what fell, was said above with what to do.
    let said = |next: &&firstlight_contract::journey::NextThing| {
        next.act == NextAct::Request || (next.act == NextAct::Retry && fell)
    };
    if journey.next.as_ref().is_some_and(|next| !said(&next)) {
        status::next(journey).map_or(Ok(()), |next| output.line(next))?;
    }
    Ok(())
}

/// What did not work, one after the other; whether any of it counts. What does not is said first.
pub(super) fn fallen(
    app: &Firstlight,
    journey: &JourneyView,
    end: &RunEvent,
    who: &Who,
    output: Output,
) -> anyhow::Result<bool> {
    let RunEvent::Finished { failed, .. } = end else { return Ok(false) };
    // What only waits for another step is told with that one.
    let in_its_own_way =
        |step: &StepView| matches!(&step.state, StepStateView::Blocked { by, .. } if by.is_empty());
    let counts = |step: &&StepView| !step.best_effort && (failed.contains(&step.id) || in_its_own_way(step));
    let without: Vec<&StepView> =
        journey.steps.iter().filter(|step| journey.best_effort.contains(&step.id)).collect();
    if !without.is_empty() {
        output
            .line("\nNot there, and nothing waits for it (best effort); each `firstlight up` tries again:")?;
    }
    for step in without {
        one(app, journey, step, who, output)?;
    }
    let mut any = false;
    for step in journey.steps.iter().filter(counts) {
        any = true;
        one(app, journey, step, who, output)?;
    }
    if any {
        output.line("\nMend that, and run the same command again: what is done is not done twice.")?;
    }
    Ok(any)
}

/// One step that did not work: the cause, the end of its output, what to do, where to read on, what to type.
fn one(
    app: &Firstlight,
    journey: &JourneyView,
    step: &StepView,
    who: &Who,
    output: Output,
) -> anyhow::Result<()> {
    let (sign, word) = words::state(&step.state);
    let (cause, lines, hint): (_, &[String], _) = match &step.state {
        StepStateView::Failed { cause, last_lines, hint } => (cause.as_str(), last_lines, hint.as_deref()),
        StepStateView::Blocked { reason, .. } => {
            (reason.as_deref().unwrap_or("something it needs is missing"), &[], None)
        }
        StepStateView::Unknown { reason } => (reason.as_str(), &[], None),
        // It was tried again meanwhile.
        _ => return Ok(()),
    };
    output.line(format!("\n\u{1b}[31m{sign}\u{1b}[0m {} ({}): {word}. {cause}", step.title, step.id))?;
    output.quote(lines)?;
    if let Some(hint) = hint {
        output.line(format!("  hint: {hint}"))?;
    }
    if let Some(log) = app.log_file(&step.id)?.filter(|log| log.is_file()) {
        output.verbatim(format!(
            "  log: {}",
            words::below_home(&log.display().to_string(), &app.facts().home)
        ))?;
    }
    let behind = |other: &&StepView| matches!(&other.state, StepStateView::Blocked { by, .. } if by.contains(&step.id));
    let behind: Vec<&str> = journey.steps.iter().filter(behind).map(|step| step.title.as_str()).collect();
    if !behind.is_empty() {
        output.line(format!("  held up by it: {}", behind.join(", ")))?;
    }
    let how = if matches!(step.state, StepStateView::Unknown { .. }) { "--again" } else { "--only" };
    output.verbatim(format!("  just this again: {}", again(who, how, &step.id)))
}

/// The command that tries a step again.
fn again(who: &Who, how: &str, step: &str) -> String {
    let mut argv = vec!["firstlight".to_owned(), "up".to_owned()];
    argv.extend(who.pack.iter().flat_map(|pack| ["--pack".to_owned(), pack.display().to_string()]));
    argv.extend(who.persona.iter().flat_map(|persona| ["--persona".to_owned(), persona.clone()]));
    argv.extend(who.input.iter().flat_map(|(name, value)| ["--input".to_owned(), format!("{name}={value}")]));
    argv.extend([how.to_owned(), step.to_owned()]);
    plan::quote(&argv)
}

/// What advisories say, and what steps have left to the person, of this run and of earlier ones.
pub(super) fn left(journey: &JourneyView, output: Output) -> anyhow::Result<()> {
    if !journey.findings.is_empty() {
        output.line("\nKnown to be weak:")?;
    }
    journey.findings.iter().try_for_each(|finding| scan::show_finding(finding, output))?;
    let [first, ..] = journey.follow_ups.as_slice() else { return Ok(()) };
    output.line("\nLeft for you to do:")?;
    for left in &journey.follow_ups {
        for text in &left.texts {
            output.line(format!("  • {text} \u{1b}[2m({})\u{1b}[0m", left.step))?;
        }
    }
    output.line(format!("`firstlight status --followed-up {}` takes it off this list.", first.step))
}

fn first_value(app: &Firstlight, output: Output) -> anyhow::Result<()> {
    let report = app.report()?;
    let Some(ttfv) = report.ttfv else { return Ok(()) };
    let parts: Vec<String> = report
        .waterfall
        .iter()
        .filter(|part| part.seconds > 0)
        .map(|part| format!("{} {}", words::duration(part.seconds), words::time_kind(part.kind)))
        .collect();
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    output.line(format!(
        "\u{1b}[1m{}\u{1b}[0m to first value, {}{parts}.",
        words::duration(ttfv.seconds),
        report.first_value,
    ))
}

/// What the machine would do itself if it might: whoever is asked instead reads it here.
fn administrator(app: &Firstlight, step: &StepView, waiting_for: &str, output: Output) -> anyhow::Result<()> {
    if step.class != StepClass::Task || matches!(waiting_for, "you" | "restart") {
        return Ok(());
    }
    for command in app.step(&step.id)?.detail.commands.iter().filter(|command| command.purpose == "run") {
        output.verbatim(format!("  $ {}", plan::quote(&command.argv)))?;
    }
    Ok(())
}
