//! Drift: steps that were done and do not hold any more. A look makes a plan and compares; what it finds is about the
//! machine as it is now, so it is kept in memory and not in the journal. The same plan mends it.

use std::{collections::BTreeMap, time::Duration};

use firstlight_contract::{commands::Notice, journey::JourneyView};
use firstlight_domain::{
    id::StepId,
    kind::Class,
    plan::{Outcome, PlannedStep},
    state::StepState,
};

use crate::{
    error::Result,
    session::{Firstlight, lock},
};

/// How long after its start a window first looks: what the person came for goes first.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// How often it looks again.
const LOOK_EVERY: Duration = Duration::from_secs(30 * 60);

/// Steps that do not hold any more, with what would be done about each.
pub(crate) type Drift = BTreeMap<StepId, String>;

impl Firstlight {
    /// Looks which of the steps that are done still hold. Changes nothing.
    pub async fn look_for_drift(&self) -> Result<JourneyView> {
        let planned = self.planned_journey()?;
        let plan = self.look_at(&planned.pack, &planned.persona, &self.scope_of(&planned)).await?;
        let journey = self.current_journey()?;
        let was_done = |step: &PlannedStep| journey.state(&step.id).is_some_and(StepState::is_done);
        let drift = plan.steps.iter().filter(|step| step.class != Class::Action && was_done(step));
        let drift = drift.filter_map(|step| Some((step.id.clone(), no_longer(&step.outcome)?))).collect();
        *lock(&self.inner.drift) = drift;
        self.journey()
    }

    /// Looks now and then while nothing runs, and tells when what was found has changed. Ends with the program.
    pub async fn watch_drift(&self) {
        tokio::time::sleep(FIRST_LOOK).await;
        loop {
            if !self.is_running() {
                self.look_and_tell().await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A run found steps as they should be without having to record anything: what was found before it is looked at anew.
    pub(crate) async fn look_after_run(&self) {
        if !lock(&self.inner.drift).is_empty() {
            self.look_and_tell().await;
        }
    }

    async fn look_and_tell(&self) {
        let before = lock(&self.inner.drift).clone();
        match self.look_for_drift().await {
            Ok(journey) if *lock(&self.inner.drift) != before => self.tell(Notice::Journey { journey }),
            Ok(_) => {}
            // Before a journey, and after its pack changed, there is nothing to compare with.
            Err(error) => tracing::debug!(%error, "drift cannot be looked for"),
        }
    }

    /// What was found of a step before it entered a new state says nothing about it now.
    pub(crate) fn forget_drift(&self, step: &StepId) {
        lock(&self.inner.drift).remove(step);
    }
}

/// What a plan says of a step that does not hold. What only cannot be known is not held against it.
fn no_longer(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::WillChange(what) => Some(what.clone()),
        Outcome::Blocked(why) => Some(format!("cannot be done: {why}")),
        Outcome::Ok | Outcome::NotNeeded(_) | Outcome::Unknown(_) => None,
    }
}
