//! Steps that hold only after the machine was restarted: the person restarts it when they like, Firstlight opens by
//! itself at the next login, and nothing is done then before they agreed to the plan anew.

use firstlight_domain::state::{StepState, WaitsOn};

use crate::session::Firstlight;

/// The id of the system's last start: the kernel's own, else the second it happened. Where neither can be found out it is
/// empty, and a step waits until the person has it tried again.
pub(crate) fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .or_else(|_| sysinfo::System::boot_time().map(|second| second.to_string()))
        .unwrap_or_default()
}

impl Firstlight {
    /// After a run: where a step waits for a restart, the next login opens Firstlight.
    pub(crate) fn open_again_after_restart(&self) {
        let Some(at_login) = &self.inner.surroundings.at_login else { return };
        let waits = self.with_world(|world| {
            let steps = world.journey.iter().flat_map(|journey| journey.steps.values());
            steps
                .filter_map(|record| record.now())
                .any(|(_, state)| matches!(state, StepState::Waiting { on: WaitsOn::Restart(_) }))
        });
        // Without it the person opens Firstlight themselves, as the step's words say.
        if waits && let Err(error) = at_login.set() {
            tracing::warn!(%error, "Firstlight cannot be opened at the next login");
        }
    }

    /// It is open: the next login need not open it.
    pub(crate) fn opened_again(&self) {
        if let Some(at_login) = &self.inner.surroundings.at_login
            && let Err(error) = at_login.unset()
        {
            tracing::warn!(%error, "Firstlight may be opened at the next login once more");
        }
    }
}
