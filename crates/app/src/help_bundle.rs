//! What helps somebody else help: one text that a person reads before they share it.
//!
//! It holds no secret: logs are masked when they are written, and the whole text once more with every credential known
//! now. The names of the person and of the machine, and the path of the home folder, are replaced.

use std::{fmt::Write, io};

use firstlight_contract::{
    doctor::{FindingLevel, HelpBundle},
    error::Code,
    journey::{JourneyView, StepStateView, StepView},
};
use firstlight_engine::host::Host;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    session::{Firstlight, lock},
};

/// Lines of a step's log: the end, where its trouble is.
const LOG_LINES: u32 = 200;
/// Names shorter than this are left: they are parts of too many other words.
const SHORTEST_NAME: usize = 3;

impl Firstlight {
    /// The text, about one step or about all. Needs no journey; what there is not is not in it.
    pub async fn help_bundle(&self, version: &str, about: Option<&str>) -> Result<HelpBundle> {
        let about = about.map(|step| self.step(step)).transpose()?;
        let to = about.as_ref().and_then(|detail| detail.owner.clone());
        let mut text = format!("# Help for Firstlight {version}\n\nMade on {}.\n", self.now());
        if let Some(detail) = &about {
            let to = to.as_deref().map_or_else(String::new, |owner| format!("For {owner}: "));
            let _ = write!(text, "\n{to}“{}” (`{}`) needs help.\n", detail.step.title, detail.step.id);
        }
        self.machine(&mut text);
        self.findings(&mut text).await;
        if self.with_world(|world| world.journey.is_some()) {
            // A pack that cannot be read any more is what somebody may need help with.
            match self.journey() {
                Ok(journey) => {
                    if let Ok(pack) = self.journey_pack() {
                        self.load_secrets(&pack).await;
                    }
                    self.standing(&journey, &mut text)?;
                }
                Err(error) => {
                    section(&mut text, "The journey", &format!("It cannot be shown: {}", error.0.message));
                }
            }
        }
        let bundle = HelpBundle { text: self.redacted(&text), to };
        *lock(&self.inner.help_bundle) = Some(bundle.text.clone());
        Ok(bundle)
    }

    /// Writes the text that was made last: what is kept is what was read.
    pub fn write_help_bundle(&self, out: &mut dyn io::Write) -> Result<()> {
        let text = lock(&self.inner.help_bundle).clone().ok_or_else(|| {
            AppError::new(Code::StepState, "There is no text to save yet.")
                .hint("Ask for help again, and read it.")
        })?;
        out.write_all(text.as_bytes()).map_err(|error| {
            AppError::new(Code::Usage, format!("The text cannot be written: {error}."))
                .hint("Choose another place.")
        })
    }

    fn machine(&self, text: &mut String) {
        let facts = self.facts();
        let manager = facts.package_manager.map_or_else(|| "none".to_owned(), |found| format!("{found:?}"));
        let lines = [
            format!("- System: {:?}, {}, {}", facts.os, facts.distribution, facts.arch),
            format!("- Shell: {}", facts.shell),
            format!("- Package manager: {manager}"),
            format!("- Virtualisation: {:?}", facts.virtualisation),
            format!("- Administrator already: {}", facts.elevated),
        ];
        section(text, "The machine", &lines.join("\n"));
    }

    async fn findings(&self, text: &mut String) {
        let found = self.doctor().await;
        let lines = found.findings.iter().map(|finding| {
            let level = match finding.level {
                FindingLevel::Ok => "fine",
                FindingLevel::Warn => "warning",
                FindingLevel::Bad => "bad",
                FindingLevel::Unknown => "unknown",
            };
            format!("- {} ({level}): {}", finding.title, finding.found)
        });
        section(text, "What the doctor says", &lines.collect::<Vec<_>>().join("\n"));
    }

    fn standing(&self, journey: &JourneyView, text: &mut String) -> Result<()> {
        let mut lines = format!("Pack {}, persona {}.\n", journey.pack, journey.persona);
        for step in &journey.steps {
            let best_effort = if step.best_effort { ", best effort" } else { "" };
            let _ = write!(
                lines,
                "\n- {} (`{}`, {}{best_effort}): {}",
                step.title,
                step.id,
                step.uses,
                state(step)
            );
        }
        for left in &journey.follow_ups {
            let _ = write!(lines, "\n- Left to the person by `{}`: {}", left.step, left.texts.join(" "));
        }
        section(text, "Where things stand", &lines);
        for step in &journey.steps {
            let StepStateView::Failed { cause, last_lines, hint } = &step.state else { continue };
            let log = self.step_log(&step.id, u32::MAX, 0)?;
            let log = self.step_log(&step.id, log.total.saturating_sub(LOG_LINES), LOG_LINES)?;
            let shown = if log.lines.is_empty() { last_lines } else { &log.lines };
            let hint = hint.as_deref().map_or_else(String::new, |hint| format!("\n\nHint: {hint}"));
            // Four spaces: nothing in a log ends the block it is shown in.
            let shown = shown.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n");
            section(text, &format!("`{}` failed", step.id), &format!("{cause}{hint}\n\n{shown}"));
        }
        Ok(())
    }

    fn redacted(&self, text: &str) -> String {
        let mut mask = AppHost::new(self, None).mask(&[]);
        let mut shown = mask.push(text.as_bytes());
        shown.extend(mask.finish());
        let mut text = String::from_utf8_lossy(&shown).into_owned();
        let facts = self.facts();
        if facts.home.len() > 1 {
            text = text.replace(&facts.home, "~");
        }
        let machine = sysinfo::System::host_name().unwrap_or_default();
        for (name, instead) in [(&facts.user, "‹you›"), (&machine, "‹this machine›")] {
            if name.len() >= SHORTEST_NAME {
                text = without_word(&text, name, instead);
            }
        }
        text
    }
}

fn section(text: &mut String, title: &str, content: &str) {
    let _ = write!(text, "\n## {title}\n\n{}\n", content.trim_end());
}

fn state(step: &StepView) -> String {
    match &step.state {
        StepStateView::Pending => "not yet".to_owned(),
        StepStateView::Ready => "ready".to_owned(),
        StepStateView::Running { since } => format!("running since {since}"),
        StepStateView::Satisfied { since } => format!("fine since {since}"),
        StepStateView::Changed { since } => format!("done {since}"),
        StepStateView::Failed { cause, .. } => format!("failed, {cause}"),
        StepStateView::Blocked { reason, .. } => {
            format!("blocked, {}", reason.as_deref().unwrap_or("by others"))
        }
        StepStateView::Waiting { waiting_for, since, .. } => {
            format!("waiting for {waiting_for} since {since}")
        }
        StepStateView::Unknown { reason } => format!("unknown, {reason}"),
        StepStateView::Skipped { reason } => format!("not needed, {reason}"),
        StepStateView::Undone => "taken back".to_owned(),
    }
}

/// With a word replaced wherever it stands by itself, not where it is a part of another.
fn without_word(text: &str, word: &str, instead: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let part_of =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        shown.push_str(before);
        // What was shown before counts too: the rest begins in the middle of the text.
        let alone = !part_of(shown.chars().next_back()) && !part_of(after.chars().next());
        shown.push_str(if alone { instead } else { word });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::without_word;

    #[test]
    fn a_name_is_taken_out_where_it_stands_by_itself() {
        let without = |text| without_word(text, "ada", "‹you›");
        assert_eq!(without("ada: /srv/ada/x, ada@acme"), "‹you›: /srv/‹you›/x, ‹you›@acme");
        assert_eq!(without("adamant Canada ada_x 2ada"), "adamant Canada ada_x 2ada");
        assert_eq!(without("ada ada"), "‹you› ‹you›");
        assert_eq!(without("adaada"), "adaada");
        assert_eq!(without(""), "");
    }
}
