//! `firstlight update`

use std::process::ExitCode;

use firstlight_app::Access;
use firstlight_contract::releases::{HeldBackView, HeldBackWhy, UpdateView};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::open;
use crate::output::Output;

pub(super) async fn run(output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Change, output)?;
    let progress = Progress::new(output);
    let update = app.update(&|done, all| progress.show(done, all)).await;
    progress.end();
    let update = update?;
    if output.is_json() {
        output.value(&update)?;
    } else {
        show(&update, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is in use, whether that is new, and what is kept from this machine and why.
pub(super) fn show(update: &UpdateView, output: Output) -> anyhow::Result<()> {
    output.line(match (&update.current, update.taken) {
        (Some(current), true) => format!("Received release {}.", current.version),
        (Some(current), false) => format!("Release {} is the newest for this machine.", current.version),
        (None, _) => "There is no release for this machine yet.".to_owned(),
    })?;
    update.held_back.iter().try_for_each(|held_back| output.line(format!("  {}", why(held_back))))
}

fn why(held_back: &HeldBackView) -> String {
    let version = &held_back.version;
    match &held_back.why {
        HeldBackWhy::Ring { share } => {
            format!("{version} goes to {share} % of machines so far; this one is not among them yet.")
        }
        HeldBackWhy::Halted { reason: Some(reason) } => format!("{version} was halted: {reason}."),
        HeldBackWhy::Halted { reason: None } => format!("{version} was halted."),
    }
}

/// How much has arrived, where somebody watches.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(output: Output) -> Self {
        let bar = ProgressBar::no_length();
        bar.set_draw_target(if output.is_interactive() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        // A template that is not understood leaves the library's own.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(super) fn show(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(self.0.position().max(done));
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_from_this_machine_is_said_with_its_reason() {
        let of = |why| super::why(&HeldBackView { version: "2.0.0".to_owned(), why });
        assert_eq!(
            of(HeldBackWhy::Ring { share: 25 }),
            "2.0.0 goes to 25 % of machines so far; this one is not among them yet."
        );
        let halted = HeldBackWhy::Halted { reason: Some("the proxy step broke".to_owned()) };
        assert_eq!(of(halted), "2.0.0 was halted: the proxy step broke.");
        assert_eq!(of(HeldBackWhy::Halted { reason: None }), "2.0.0 was halted.");
    }
}
