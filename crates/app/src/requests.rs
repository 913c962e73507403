//! What waits for somebody and can be seen from here: requests with a probe, and what the machine only looks at. Asked now
//! and then, so that what waited goes on by itself.

use std::{sync::Arc, time::Duration};

use firstlight_domain::{id::StepId, kind::Class, pack::Step, state::StepState};
use firstlight_engine::provider::Check;

use crate::{error::Result, host::AppHost, session::Firstlight};

/// How often an open request's probe asks whether it was granted.
const PROBE_EVERY: Duration = Duration::from_secs(20);
/// After how many of these the machine is looked at as well, which costs more than asking a probe.
const LOOKS_APART: u32 = 15;

impl Firstlight {
    /// Asks the probes of open requests now and then, and goes on when one was granted. Ends with the program.
    pub async fn watch_requests(&self) {
        for round in (0..LOOKS_APART).cycle() {
            tokio::time::sleep(PROBE_EVERY).await;
            if self.is_running() {
                continue;
            }
            match self.probe_requests(round + 1 == LOOKS_APART).await {
                Ok(true) => self.carry_on().await,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "requests cannot be probed"),
            }
        }
    }

    async fn probe_requests(&self, tasks_too: bool) -> Result<bool> {
        let Ok(planned) = self.planned_journey() else { return Ok(false) };
        let waiting: Vec<StepId> = self.with_world(|world| {
            let waits = |step: &&StepId| {
                let state = world.journey.as_ref().and_then(|journey| journey.state(step));
                matches!(state, Some(StepState::Waiting { .. }))
            };
            let can_be_asked = |step: &&Step| {
                step.probe.is_some() || (tasks_too && self.class_of(&step.uses) == Class::Task)
            };
            let asked = planned.pack.steps.values().filter(can_be_asked).map(|step| &step.id);
            asked.filter(waits).cloned().collect()
        });
        let mut granted = false;
        for id in waiting {
            let Some(step) = planned.pack.steps.get(&id) else { continue };
            let scope = self.scope_of(&planned);
            let host = Arc::new(AppHost::new(self, None));
            let found = self.inner.engine.check_step(&planned.pack, step, &scope, host).await;
            if let Ok(Check::Satisfied { outputs }) = found {
                let state = StepState::Satisfied { outputs };
                let happened = self.append(&self.done_events(&planned, &id, state, None))?;
                self.tell_of_all(&happened);
                granted = true;
            }
        }
        Ok(granted)
    }
}
