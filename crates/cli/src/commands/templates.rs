//! `firstlight templates`

use std::process::ExitCode;

use firstlight_app::{Access, Firstlight};
use firstlight_contract::templates::{ComparedWith, ProjectState, ProjectView, TemplatesView};

use super::open;
use crate::{args::Templates, output::Output};

/// The exit code that says a template is another one now.
const DRIFTED: u8 = 2;

pub(super) async fn run(command: &Templates, output: Output) -> anyhow::Result<ExitCode> {
    let Templates::Drift { diff, pack, detailed_exitcode, json: _ } = command;
    let view = open(Access::Read, output)?.templates(pack.as_deref()).await?;
    if output.is_json() {
        output.value(&view)?;
    } else {
        show(&view, *diff, output)?;
    }
    let drifted = *detailed_exitcode && view.projects.iter().any(is_drifted);
    Ok(if drifted { ExitCode::from(DRIFTED) } else { ExitCode::SUCCESS })
}

/// The line of `firstlight status`; none if there is nothing to say, or nothing can be said without a pack.
pub(super) async fn line(app: &Firstlight) -> Option<String> {
    match app.drifted_projects().await.ok()? {
        0 => None,
        1 => Some(
            "A project was made from a template that has changed since: `firstlight templates drift` shows it."
                .to_owned(),
        ),
        count => Some(format!(
            "{count} projects were made from templates that have changed since: `firstlight templates drift` shows them."
        )),
    }
}

fn is_drifted(project: &ProjectView) -> bool {
    matches!(project.state, ProjectState::Drifted { .. } | ProjectState::Incomparable { .. })
}

fn show(view: &TemplatesView, diff: bool, output: Output) -> anyhow::Result<()> {
    if view.projects.is_empty() {
        output.line("No template has made a project on this machine.")?;
    }
    for project in &view.projects {
        let (path, template, version) =
            (plain(&project.path), plain(&project.template), plain(&project.version));
        output.line(format!(
            "\u{1b}[1m{path}\u{1b}[0m \u{1b}[2m({}; {template} {version})\u{1b}[0m",
            plain(&project.step)
        ))?;
        output.line(format!("  {}", stands(project)))?;
        if let ProjectState::Drifted { changes, more, .. } = &project.state {
            for change in changes {
                if diff {
                    output.raw(&plain(&change.diff))?;
                } else {
                    output.line(format!("    {}", plain(&change.path)))?;
                }
            }
            if *more > 0 {
                output.line(format!("    … {more} more files"))?;
            }
        }
    }
    let shown = |project: &ProjectView| matches!(project.state, ProjectState::Drifted { .. });
    if !diff && view.projects.iter().any(shown) {
        output.line("\nNothing was changed. `firstlight templates drift --diff` shows what would differ.")?;
    }
    Ok(())
}

fn stands(project: &ProjectView) -> String {
    match &project.state {
        ProjectState::Current => "The template is the one that made it.".to_owned(),
        ProjectState::Drifted { now, against, changes, .. } => {
            let version = if *now == project.version {
                "The template has changed without a new version".to_owned()
            } else {
                format!("The template is {} now", plain(now))
            };
            if changes.is_empty() {
                return format!("{version}, and makes the same files.");
            }
            let against = match against {
                ComparedWith::OlderTemplate => "It would make differently",
                ComparedWith::FilesAsTheyAre => {
                    "The older one is not on this machine any more, so it is compared with your files as they are, your own \
                     changes included"
                }
            };
            format!("{version}. {against}:")
        }
        ProjectState::Incomparable { now, reason } => {
            let now = now.as_ref().map_or_else(|| "another one".to_owned(), |now| plain(now));
            format!("The template is {now} now, and cannot be run with what made this: {}.", plain(reason))
        }
        ProjectState::NoTemplate => "The pack has no such template any more.".to_owned(),
        ProjectState::Gone => "It is not there any more: it was deleted or moved.".to_owned(),
        ProjectState::Unrecorded => {
            "It does not say any more what made it (`.firstlight/scaffold.json`).".to_owned()
        }
    }
}

/// A name or a file's content may hold anything; a terminal acts on none of it.
fn plain(text: &str) -> String {
    text.replace(|sign: char| sign.is_control() && !matches!(sign, '\n' | '\t'), "�")
}
