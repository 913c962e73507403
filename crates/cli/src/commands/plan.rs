//! `firstlight plan`

use std::process::ExitCode;

use firstlight_app::Access;
use firstlight_contract::plan::{
    Asks, Outcome, PlanSummary, PlanView, PlannedStepView, ReachView, StepClass,
};

use super::{choose, open};
use crate::{args::Who, output::Output, words};

/// What `--detailed-exitcode` says when there is something to change.
const CHANGES: u8 = 2;

pub(super) async fn run(who: &Who, detailed: bool, output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Read, output)?;
    let choice = choose(&app, who, output).await?;
    let plan = app.make_plan(&choice).await?;
    if output.is_json() {
        output.value(&plan)?;
    } else {
        show(&plan, &app.facts().home, output)?;
    }
    Ok(if detailed { exit_code(&plan) } else { ExitCode::SUCCESS })
}

/// A step that cannot be known *because of a change still to come* is part of that change; one that cannot be known
/// on its own, or cannot be done, is not.
fn exit_code(plan: &PlanView) -> ExitCode {
    let summary = plan.summary;
    if summary.blocked > 0 || (summary.unknown > 0 && summary.will_change == 0) {
        ExitCode::FAILURE
    } else if summary.will_change > 0 {
        ExitCode::from(CHANGES)
    } else {
        ExitCode::SUCCESS
    }
}

/// The plan in its honest groups.
pub(super) fn show(plan: &PlanView, home: &str, output: Output) -> anyhow::Result<()> {
    output.line(road(plan))?;
    if !nothing_to_do(plan) {
        output.line(asks(&plan.asks))?;
        downloads(plan).map_or(Ok(()), |downloads| output.line(downloads))?;
    }
    let groups = [
        (Outcome::WillChange, "Will change"),
        (Outcome::Unknown, "Cannot be known yet"),
        (Outcome::Blocked, "Cannot be done as things are"),
        (Outcome::Ok, "Already fine"),
    ];
    for (outcome, title) in groups {
        let steps: Vec<_> = plan.steps.iter().filter(|step| step.outcome == outcome).collect();
        if !steps.is_empty() {
            output.line(format!("\n\u{1b}[1m{title}\u{1b}[0m ({})", steps.len()))?;
            steps.into_iter().try_for_each(|step| show_step(step, home, output))?;
        }
    }
    Ok(())
}

/// Whether everything is fine already.
pub(super) fn nothing_to_do(plan: &PlanView) -> bool {
    let PlanSummary { will_change, unknown, blocked, ok: _ } = plan.summary;
    will_change == 0 && unknown == 0 && blocked == 0
}

/// What lies ahead, in one sentence.
pub(super) fn road(plan: &PlanView) -> String {
    let total = u32::try_from(plan.steps.len()).unwrap_or(u32::MAX);
    let steps = words::count(total, "step", "steps");
    if nothing_to_do(plan) {
        return match total {
            1 => "Nothing to do: the one step is already fine.".to_owned(),
            _ => format!("Nothing to do: all {steps} are already fine."),
        };
    }
    let first_value = plan.steps.iter().find(|step| step.id == plan.first_value);
    let goal = first_value.map_or("first value", |step| step.title.as_str());
    let left = match plan.summary.ok {
        0 => steps,
        ok => format!("{} of {steps} left", total.saturating_sub(ok)),
    };
    let automatic = match (plan.asks.automatic, total.saturating_sub(plan.summary.ok)) {
        (1, 1) => "automatic".to_owned(),
        (0, _) => "none of them automatic".to_owned(),
        (automatic, open) if automatic == open => "all automatic".to_owned(),
        (automatic, _) => format!("{automatic} of them automatic"),
    };
    let time = plan.estimate_seconds.map_or_else(String::new, |s| format!(", about {}", words::duration(s)));
    if first_value.is_some_and(|step| step.outcome == Outcome::Ok) {
        return format!("Your first value, \u{1b}[1m{goal}\u{1b}[0m, holds. {left}, {automatic}.");
    }
    format!("To your first value, \u{1b}[1m{goal}\u{1b}[0m: {left}, {automatic}{time}.")
}

pub(super) fn asks(asks: &Asks) -> String {
    let all = [
        (asks.elevations, "step with administrator rights", "steps with administrator rights"),
        (asks.restarts, "restart of this machine", "restarts of this machine"),
        (asks.credentials, "credential", "credentials"),
        (asks.actions, "thing to read or confirm", "things to read or confirm"),
        (asks.requests, "request to others", "requests to others"),
    ];
    let asked: Vec<String> = all
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| words::count(*number, one, many))
        .collect();
    if asked.is_empty() {
        return "You will be asked for nothing.".to_owned();
    }
    format!("You will be asked for: {}.", asked.join(", "))
}

/// What would be fetched, as far as it is known. What commands fetch by themselves nobody knows.
fn downloads(plan: &PlanView) -> Option<String> {
    let unknown = match plan.downloads_unknown {
        0 => None,
        1 => Some("1 step fetches more and cannot say how much".to_owned()),
        many => Some(format!("{many} steps fetch more and cannot say how much")),
    };
    // Of a step that waits for another nobody knows yet.
    let known = if plan.summary.unknown > 0 { "at least" } else { "about" };
    match (plan.download_bytes, unknown) {
        (0, None) => None,
        (0, Some(unknown)) => Some(format!("{}.", unknown.replacen(" more", "", 1))),
        (bytes, None) => Some(format!("Downloads {known} {}.", words::size(bytes))),
        (bytes, Some(unknown)) => Some(format!("Downloads {known} {}; {unknown}.", words::size(bytes))),
    }
}

/// One step: what it would do, exactly.
pub(super) fn show_step(step: &PlannedStepView, home: &str, output: Output) -> anyhow::Result<()> {
    let runs = step.detail.commands.iter().any(|command| command.purpose == "run");
    // The command or the file itself stands below, exactly.
    let said_below = |reason: &&str| {
        (runs && reason.starts_with("would run `"))
            || (!step.detail.files.is_empty() && reason.starts_with("would write "))
    };
    let reason = step.reason.as_deref().filter(|reason| !said_below(reason));
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    output.line(format!("  {} \u{1b}[2m({})\u{1b}[0m{reason}", step.title, step.id))?;
    if step.outcome == Outcome::Ok {
        return Ok(());
    }
    for command in step.detail.commands.iter().filter(|command| command.purpose == "run") {
        let place = command.cwd.as_deref().map_or_else(String::new, |cwd| {
            format!("  \u{1b}[2min {}\u{1b}[0m", words::below_home(cwd, home))
        });
        let shell = if command.shell { "sh -c " } else { "" };
        output.verbatim(format!("      $ {shell}{}{place}", quote(&command.argv)))?;
    }
    for file in &step.detail.files {
        output.line(format!("      writes {}", file.path))?;
        for line in file.diff.lines() {
            output.verbatim(format!("        {line}"))?;
        }
    }
    if let Some(reach) = &step.detail.reach {
        show_reach(reach, &step.detail.hosts, home, output)?;
    }
    if let Some(seconds) = step.estimate_seconds {
        output.line(format!("      takes about {}", words::duration(seconds)))?;
    }
    if let Some(bytes) = step.download_bytes {
        output.line(format!("      downloads about {}", words::size(bytes)))?;
    } else if step.download_unknown {
        output.line("      downloads something, nobody can say how much")?;
    }
    if step.best_effort {
        output.line("      may fail: nothing waits for it, and each run tries again")?;
    }
    if step.detail.elevated {
        output.line("      with administrator rights")?;
    }
    if step.detail.restart {
        output.line("      may need a restart of this machine, which you are asked for")?;
    }
    if step.class != StepClass::Credential && !step.detail.secrets.is_empty() {
        output.line(format!("      is handed: {}", step.detail.secrets.join(", ")))?;
    }
    Ok(())
}

/// What a program from outside may reach, and whether anything holds it to that.
fn show_reach(reach: &ReachView, hosts: &[String], home: &str, output: Output) -> anyhow::Result<()> {
    let paths = |paths: &[String]| {
        paths.iter().map(|path| words::below_home(path, home)).collect::<Vec<_>>().join(", ")
    };
    if !reach.values.is_empty() {
        output.verbatim(format!("      is given {}", reach.values))?;
    }
    if !reach.reads.is_empty() {
        output.line(format!("      may read {}", paths(&reach.reads)))?;
    }
    if !reach.writes.is_empty() {
        output.line(format!("      may change {}", paths(&reach.writes)))?;
    }
    if !hosts.is_empty() {
        output.line(format!("      may use the network, for {}", hosts.join(", ")))?;
    }
    output.line(match (reach.enforced, hosts.is_empty()) {
        (true, true) => "      can do nothing else: this system confines it",
        // Nothing in the system knows hosts by name.
        (true, false) => "      can do nothing else, but reach other hosts too: this system confines it",
        (false, _) => "      \u{1b}[33mnot confined on this system: it can do whatever you can\u{1b}[0m",
    })
}

/// Words as a shell would need them written, so that what is shown is exact.
pub(super) fn quote(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let word = |text: &String| {
        if !text.is_empty() && text.chars().all(plain) {
            text.clone()
        } else {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(will_change: u32, unknown: u32, blocked: u32) -> PlanView {
        PlanView {
            pack: "acme".into(),
            version: "1.0.0".into(),
            persona: "backend".into(),
            steps: Vec::new(),
            summary: PlanSummary { will_change, ok: 1, unknown, blocked },
            asks: Asks::default(),
            first_value: "serve".into(),
            estimate_seconds: None,
            download_bytes: 0,
            downloads_unknown: 0,
            consent: String::new(),
        }
    }

    #[test]
    fn the_exit_code_tells_nothing_to_do_changes_and_trouble_apart() {
        assert_eq!(exit_code(&plan(0, 0, 0)), ExitCode::SUCCESS);
        assert_eq!(exit_code(&plan(2, 0, 0)), ExitCode::from(2));
        assert_eq!(exit_code(&plan(2, 1, 0)), ExitCode::from(2));
        assert_eq!(exit_code(&plan(0, 1, 0)), ExitCode::FAILURE);
        assert_eq!(exit_code(&plan(2, 0, 1)), ExitCode::FAILURE);
    }

    #[test]
    fn only_what_will_be_asked_is_said() {
        let some = Asks { credentials: 1, requests: 2, ..Asks::default() };
        assert_eq!(asks(&some), "You will be asked for: 1 credential, 2 requests to others.");
        assert_eq!(asks(&Asks::default()), "You will be asked for nothing.");
    }

    #[test]
    fn what_is_fetched_is_said_as_far_as_it_is_known() {
        let of = |download_bytes, downloads_unknown| {
            downloads(&PlanView { download_bytes, downloads_unknown, ..plan(1, 0, 0) })
        };
        assert_eq!(of(0, 0), None);
        assert_eq!(of(84_300_000, 0).as_deref(), Some("Downloads about 85 MB."));
        assert_eq!(of(0, 1).as_deref(), Some("1 step fetches and cannot say how much."));
        assert_eq!(
            of(1_400_000, 2).as_deref(),
            Some("Downloads about 1.4 MB; 2 steps fetch more and cannot say how much.")
        );
        let later = PlanView { download_bytes: 1_400_000, ..plan(1, 1, 0) };
        assert_eq!(downloads(&later).as_deref(), Some("Downloads at least 1.4 MB."));
    }

    #[test]
    fn argv_is_shown_exactly() {
        let argv = ["sh", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(quote(&argv), r"sh 'a b' 'it'\''s' ''");
    }
}
