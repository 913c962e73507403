//! Telling whoever listens what happens: each event of a run at once, the whole journey now and then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use firstlight_contract::{commands::Notice, run::RunEvent};
use firstlight_domain::{
    event::{Event, Happened},
    id::StepId,
};
use firstlight_engine::RunSummary;

use crate::{
    session::{Firstlight, lock},
    view,
};

/// How often the window gets the whole journey anew while a run changes it.
const JOURNEY_EVERY: Duration = Duration::from_millis(100);

impl Firstlight {
    pub(crate) fn tell_finished(&self, summary: &RunSummary) {
        let names = |steps: &[StepId]| steps.iter().map(ToString::to_string).collect();
        let reached = self.with_world(|world| world.journey.as_ref().is_some_and(|j| j.reached.is_some()));
        let ok = summary.ok();
        // From an earlier run, too: they are named until they hold, or are done.
        let (best_effort, follow_ups) = match self.journey() {
            Ok(journey) => {
                let left = (journey.best_effort.clone(), journey.follow_ups.clone());
                self.tell(Notice::Journey { journey });
                left
            }
            // The pack cannot be read any more; what this run learned is still true.
            Err(_) => (names(&summary.best_effort), Vec::new()),
        };
        self.tell(Notice::Run {
            event: RunEvent::Finished {
                ok,
                failed: names(&summary.failed),
                best_effort,
                waiting: names(&summary.waiting),
                follow_ups,
                first_value_reached: reached,
                cancelled: summary.cancelled,
            },
        });
    }

    /// Tells the listener of what went into the journal.
    pub(crate) fn tell_of_all(&self, happened: &[Happened]) {
        for one in happened {
            self.tell_of(one);
        }
    }

    fn tell_of(&self, happened: &Happened) {
        if let Event::StepChanged { step, .. } = &happened.event {
            self.forget_drift(step);
        }
        let pack = self.pack_at_hand();
        let step_of = |id: &StepId| pack.as_ref().and_then(|pack| pack.steps.get(id)).cloned();
        let event = match &happened.event {
            Event::StepChanged { step, state, .. } => step_of(step).map(|step| RunEvent::Step {
                step: step.id.to_string(),
                title: step.title.clone(),
                state: view::recorded_state(happened.at, state, &step),
            }),
            Event::FirstValueReached { step } => self.with_world(|world| {
                let start = world.journey.as_ref()?.clock.start();
                let seconds = (happened.at.as_millisecond() - start.as_millisecond() + 500) / 1_000;
                Some(RunEvent::FirstValue {
                    step: step.to_string(),
                    seconds: u32::try_from(seconds).unwrap_or(0),
                })
            }),
            _ => None,
        };
        if let Some(event) = event {
            self.tell(Notice::Run { event });
        }
        let going_on = lock(&self.inner.active)
            .as_ref()
            .filter(|run| run.finished.borrow().is_none())
            .map(|run| Arc::clone(&run.dirty));
        if let Some(dirty) = going_on {
            dirty.store(true, Ordering::Relaxed);
        } else if let Ok(journey) = self.journey() {
            self.tell(Notice::Journey { journey });
        }
    }
}

/// Sends the whole journey now and then while it changes, so that a fast run does not flood the window.
pub(crate) async fn refresh(app: Firstlight, dirty: Arc<AtomicBool>) {
    let mut ticks = tokio::time::interval(JOURNEY_EVERY);
    loop {
        ticks.tick().await;
        if dirty.swap(false, Ordering::Relaxed)
            && let Ok(journey) = app.journey()
        {
            app.tell(Notice::Journey { journey });
        }
    }
}
