//! Showing a run while it goes on: bars on a terminal, plain lines in a pipe, one JSON object a line for scripts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use firstlight_app::Listener;
use firstlight_contract::{commands::Notice, error::ErrorBody, journey::StepStateView, run::RunEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{output::Output, words, wrap};

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Bars that move.
    Bars,
    /// A line for each thing that happens.
    Lines,
    /// A JSON object for each thing that happens.
    Json,
}

/// Shows what happens, and remembers how it ended.
#[derive(Clone)]
pub(crate) struct Live {
    state: Arc<Mutex<State>>,
}

struct State {
    style: Style,
    verbose: bool,
    output: Output,
    bars: MultiProgress,
    running: BTreeMap<String, ProgressBar>,
    finished: Option<RunEvent>,
    problem: Option<ErrorBody>,
}

impl Live {
    pub(crate) fn new(style: Style, verbose: bool, output: Output) -> Self {
        let state = State {
            style,
            verbose,
            output,
            bars: MultiProgress::new(),
            running: BTreeMap::new(),
            finished: None,
            problem: None,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Hand this to [`firstlight_app::Options`].
    pub(crate) fn listener(&self) -> Listener {
        let live = self.clone();
        Arc::new(move |notice| {
            let mut state = live.state.lock().unwrap_or_else(PoisonError::into_inner);
            match notice {
                Notice::Run { event } => state.show(event),
                Notice::Problem { error } => state.problem = Some(error),
                Notice::Journey { .. }
                | Notice::Pack { .. }
                | Notice::Releases { .. }
                | Notice::AppUpdate { .. } => {}
            }
        })
    }

    /// How the last run ended.
    pub(crate) fn take_finished(&self) -> Option<RunEvent> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).finished.take()
    }

    /// What went wrong with the run itself, if anything.
    pub(crate) fn take_problem(&self) -> Option<ErrorBody> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.take()
    }
}

impl State {
    fn show(&mut self, event: RunEvent) {
        // The last line of `up --json` is one `finished`; a run that pauses for an answer is not the end.
        if let RunEvent::Finished { .. } = event {
            for (_, bar) in std::mem::take(&mut self.running) {
                bar.finish_and_clear();
            }
            self.finished = Some(event);
            return;
        }
        if self.style == Style::Json {
            // A reader that went away is found out at the end; the run itself goes on.
            let _ = self.output.value_line(&event);
            return;
        }
        match event {
            RunEvent::Step { step, title, state } => self.step(&step, &title, &state),
            RunEvent::Log { step, lines, .. } => self.log(&step, &lines),
            RunEvent::StillRunning { step, seconds } => {
                let title = self.running.get(&step).map_or_else(|| step.clone(), ProgressBar::prefix);
                self.say(&format!("  … {title}: still running after {}", words::duration(seconds)));
            }
            RunEvent::AdministratorRights { asking } => self.make_room(asking),
            RunEvent::FirstValue { seconds, .. } => {
                self.say(&format!("\n\u{1b}[33m☀ First light\u{1b}[0m after {}\n", words::duration(seconds)));
            }
            RunEvent::Started { .. } | RunEvent::Finished { .. } => {}
        }
    }

    fn step(&mut self, step: &str, title: &str, state: &StepStateView) {
        let bar = self.running.remove(step);
        let took = bar.as_ref().map(ProgressBar::elapsed);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let (sign, word) = words::state(state);
        match state {
            StepStateView::Running { .. } => {
                let bar = self.bars.add(ProgressBar::new_spinner());
                bar.set_style(
                    ProgressStyle::with_template("  {spinner} {prefix} {elapsed:.dim} {wide_msg:.dim}")
                        .unwrap_or_else(|_| ProgressStyle::default_spinner()),
                );
                bar.set_prefix(title.to_owned());
                if self.style == Style::Bars {
                    bar.enable_steady_tick(Duration::from_millis(120));
                } else {
                    self.say(&format!("  {sign} {title}"));
                }
                self.running.insert(step.to_owned(), bar);
            }
            StepStateView::Satisfied { .. } | StepStateView::Changed { .. } => {
                let took = took.map(|t| u32::try_from(t.as_secs()).unwrap_or(u32::MAX)).filter(|s| *s > 0);
                let took =
                    took.map_or_else(String::new, |seconds| format!(" ({})", words::duration(seconds)));
                self.say(&format!("  \u{1b}[32m{sign}\u{1b}[0m {title}: {word}{took}"));
            }
            // The end of its output and what to do are said at the end, where they are still in sight.
            StepStateView::Failed { cause, .. } => {
                self.say(&format!("  \u{1b}[31m{sign}\u{1b}[0m {title}: {word}. {cause}"));
            }
            StepStateView::Blocked { reason, .. } => {
                let why = reason.as_deref().unwrap_or("something it needs is missing");
                self.say(&format!("  \u{1b}[33m{sign}\u{1b}[0m {title}: {word}, {why}"));
            }
            StepStateView::Waiting { waiting_for, .. } => {
                self.say(&format!("  \u{1b}[35m{sign}\u{1b}[0m {title}: waiting for {waiting_for}"));
            }
            StepStateView::Unknown { reason } | StepStateView::Skipped { reason } => {
                self.say(&format!("  {sign} {title}: {word}, {reason}"));
            }
            StepStateView::Undone => self.say(&format!("  {sign} {title}: {word}")),
            StepStateView::Pending | StepStateView::Ready => {}
        }
    }

    /// While the system asks for a password here, bars would be drawn over its question.
    fn make_room(&self, asking: bool) {
        if asking {
            self.say("  … The system asks for administrator rights");
            let _ = self.bars.clear();
            self.bars.set_draw_target(ProgressDrawTarget::hidden());
        } else {
            self.bars.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    fn log(&self, step: &str, lines: &[String]) {
        if self.verbose {
            for line in lines {
                self.put(&format!("      {line}"));
            }
        } else if let (Some(bar), Some(last)) = (self.running.get(step), lines.last()) {
            bar.set_message(last.clone());
        }
    }

    /// Words of ours, broken between words where the terminal ends.
    fn say(&self, text: &str) {
        match wrap::columns() {
            Some(columns) => self.put(&wrap::wrap(text, columns)),
            None => self.put(text),
        }
    }

    fn put(&self, text: &str) {
        // A terminal that went away is no reason to stop the run.
        if self.style == Style::Bars && !self.running.is_empty() {
            let _ = self.bars.println(text);
        } else {
            let _ = self.output.verbatim(text);
        }
    }
}
