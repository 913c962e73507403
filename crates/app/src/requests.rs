//! Requests that somebody else answers: their probes are asked now and then, and what waited goes on by itself.

use std::{sync::Arc, time::Duration};

use firstlight_domain::{id::StepId, state::StepState};
use firstlight_engine::provider::Check;

use crate::{error::Result, host::AppHost, session::Firstlight};

/// How often an open request's probe asks whether it was granted.
const PROBE_EVERY: Duration = Duration::from_secs(20);

impl Firstlight {
    /// Asks the probes of open requests now and then, and goes on when one was granted. Ends with the program.
    pub async fn watch_requests(&self) {
        loop {
            tokio::time::sleep(PROBE_EVERY).await;
            if self.is_running() {
                continue;
            }
            match self.probe_requests().await {
                Ok(true) => self.carry_on().await,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "requests cannot be probed"),
            }
        }
    }

    async fn probe_requests(&self) -> Result<bool> {
        let Ok(planned) = self.planned_journey() else { return Ok(false) };
        let waiting: Vec<StepId> = self.with_world(|world| {
            let waits = |step: &&StepId| {
                let state = world.journey.as_ref().and_then(|journey| journey.state(step));
                matches!(state, Some(StepState::Waiting { .. }))
            };
            let probed = planned.pack.steps.values().filter(|step| step.probe.is_some()).map(|step| &step.id);
            probed.filter(waits).cloned().collect()
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
