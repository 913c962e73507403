//! The machine's sleep in the middle of a run. It is recorded, so that nobody says later that the machine worked while its
//! lid was closed.
//!
//! Timeouts need nothing: the clock they go by stands still meanwhile, on Linux and macOS. On Windows it goes on, and so
//! nothing tells sleep from work; a step that slept beyond its time limit there fails, and is tried again.

use std::time::Duration;

use firstlight_domain::event::Event;

use crate::session::{Firstlight, lock};

/// How often a run looks. A sleep is known to end at the next look, so this is how far off it may lie.
const LOOK: Duration = Duration::from_secs(1);
/// Less is no sleep, but two clocks that were not read at once.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long the machine has slept since this was first asked: what a clock that goes on in sleep has gained on one that
/// does not.
#[cfg(unix)]
pub(crate) fn slept() -> Duration {
    use std::{sync::LazyLock, time::Instant};

    use rustix::time::{ClockId, clock_gettime};

    static FIRST: LazyLock<(Duration, Instant)> = LazyLock::new(|| (through_sleep(), Instant::now()));

    /// On macOS it is the clock called monotonic that goes on.
    fn through_sleep() -> Duration {
        #[cfg(target_os = "linux")]
        let clock = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        Duration::try_from(clock_gettime(clock)).unwrap_or_default()
    }

    let (begun, awake) = *FIRST;
    through_sleep().saturating_sub(begun).saturating_sub(awake.elapsed())
}

/// Windows has no clock within reach that stands still in sleep.
#[cfg(not(unix))]
pub(crate) fn slept() -> Duration {
    Duration::ZERO
}

impl Firstlight {
    /// What is to be recorded of a sleep since the last time something was recorded, or looked: only in a run does anybody
    /// want to know.
    pub(crate) fn slept_meanwhile(&self) -> Option<Event> {
        let so_far = (self.inner.surroundings.slept)();
        let mut known = lock(&self.inner.slept);
        let more = so_far.saturating_sub(*known);
        if more < SHORTEST {
            return None;
        }
        *known = so_far;
        let runs =
            self.with_world(|world| world.journey.as_ref().is_some_and(|journey| journey.run.is_some()));
        let now = self.now();
        runs.then(|| Event::MachineSlept { from: now.checked_sub(more).unwrap_or(now) })
    }
}

/// Looks until the run is over, so that a sleep is known when it ends and not when a step does.
pub(crate) async fn watch(app: Firstlight) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(slept) = app.slept_meanwhile()
            && let Err(error) = app.append(&[slept])
        {
            tracing::warn!(%error, "the machine slept, which could not be recorded");
        }
    }
}
