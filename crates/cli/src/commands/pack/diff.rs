//! `firstlight pack diff`

use std::{path::Path, process::ExitCode};

use firstlight_app::diff;
use firstlight_contract::pack_diff::{AskedView, DiffView, FateView, PersonaDiff, PowerView, StepDiff};

use super::surveys;
use crate::{output::Output, words};

pub(super) fn run(old: &Path, new: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let view = diff(old, new)?;
    if output.is_json() {
        output.value(&view)?;
    } else {
        show(&view, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// In words, for people.
pub(super) fn show(view: &DiffView, output: Output) -> anyhow::Result<()> {
    output.line(format!("\u{1b}[1m{} {} → {}\u{1b}[0m", view.pack, view.from, view.to))?;
    if !view.is_update {
        output.line(
            "\u{1b}[33mNobody would take this for an update: the name is another one, or the version is not newer.\u{1b}[0m",
        )?;
    }
    if is_empty(view) {
        output.line("Nothing changes for anybody.")?;
    }
    show_changes(view, output)
}

/// Who gets what, what may newly be done, what is newly asked.
pub(super) fn show_changes(view: &DiffView, output: Output) -> anyhow::Result<()> {
    for persona in &view.personas {
        show_persona(persona, output)?;
    }
    show_powers(&view.powers, output)?;
    show_asked(&view.asked, &view.not_asked, output)?;
    surveys::show_changes(&view.surveys, output)
}

fn is_empty(view: &DiffView) -> bool {
    view.personas.is_empty()
        && view.powers.is_empty()
        && view.asked.is_empty()
        && view.not_asked.is_empty()
        && view.surveys.is_empty()
}

fn show_persona(persona: &PersonaDiff, output: Output) -> anyhow::Result<()> {
    let fate = match persona.fate {
        FateView::New => ", new",
        FateView::Gone => ", no longer here",
        FateView::Stays => "",
    };
    output.line(format!("\n\u{1b}[1m{}\u{1b}[0m ({}){fate}", persona.title, persona.id))?;
    for step in &persona.steps {
        output.line(step_line(step))?;
    }
    if let Some(goal) = &persona.first_value {
        output.line(format!("  First value is “{}” instead of “{}”.", goal.to, goal.from))?;
    }
    if persona.fate == FateView::Stays {
        output.line(format!("  {}", on_the_way(persona)))?;
    }
    Ok(())
}

fn step_line(step: &StepDiff) -> String {
    let place = step.stage.as_ref().map_or_else(String::new, |stage| format!(", in “{stage}”"));
    let (sign, what) = match step.fate {
        FateView::New => ("\u{1b}[32m+\u{1b}[0m", place),
        FateView::Gone => ("\u{1b}[31m-\u{1b}[0m", String::new()),
        FateView::Stays => {
            let aspects: Vec<&str> = step.aspects.iter().map(|aspect| in_words(aspect)).collect();
            let moved = if place.is_empty() { String::new() } else { format!(", now{}", &place[1..]) };
            let says = if aspects.is_empty() { String::new() } else { format!(": {}", aspects.join(", ")) };
            ("\u{1b}[33m~\u{1b}[0m", format!("{says}{moved}"))
        }
    };
    format!("  {sign} {} \u{1b}[2m({})\u{1b}[0m{what}", step.title, step.id)
}

fn in_words(aspect: &str) -> &'static str {
    match aspect {
        "what" => "does something else",
        "files" => "uses a file that changed",
        "when" => "comes at another time",
        "how" => "other rights, secrets or patience",
        _ => "worded differently",
    }
}

/// What becomes of somebody in the middle.
fn on_the_way(persona: &PersonaDiff) -> String {
    let of = |fate: FateView| persona.steps.iter().filter(move |step| step.fate == fate);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let again = number(persona.steps.iter().filter(|step| step.looked_at_again).count());
    let (new, gone) = (number(of(FateView::New).count()), number(of(FateView::Gone).count()));
    let mut parts = vec![format!("{} as done as before", words::count(persona.stay_done, "step", "steps"))];
    if again > 0 {
        parts.push(format!("{again} looked at again"));
    }
    if new > 0 {
        parts.push(format!("{new} marked new"));
    }
    if gone > 0 {
        parts.push(format!("{gone} kept in the history only"));
    }
    format!("On the way: {}.", parts.join(", "))
}

fn show_powers(powers: &[PowerView], output: Output) -> anyhow::Result<()> {
    if powers.is_empty() {
        return Ok(());
    }
    output.line("\n\u{1b}[1mNewly allowed to\u{1b}[0m")?;
    for power in powers {
        let steps = power.steps.join(", ");
        output.line(match power.power.as_str() {
            "elevated" => format!("  use administrator rights: {steps}"),
            "program" => format!("  run a program from outside: {steps}"),
            "host" => format!("  contact {}: {steps}", power.what),
            "write" => format!("  write {}: {steps}", power.what),
            "read" => format!("  read {}: {steps}", power.what),
            _ => format!("  use the credential `{}`: {steps}", power.what),
        })?;
        if matches!(power.power.as_str(), "elevated" | "program") {
            output.verbatim(format!("      {}", power.what))?;
        }
    }
    Ok(())
}

fn show_asked(asked: &[AskedView], not_asked: &[String], output: Output) -> anyhow::Result<()> {
    for question in asked {
        let rest =
            if question.has_default { "" } else { "; whoever is on the way is asked at their next plan" };
        output.line(format!("\nNewly asked: {} ({}){rest}", question.title, question.name))?;
    }
    if !not_asked.is_empty() {
        output.line(format!("\nNo longer asked: {}", not_asked.join(", ")))?;
    }
    Ok(())
}
