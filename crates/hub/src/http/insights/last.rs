//! What was sorted out last, and when that is done anew.
//!
//! Sorting out costs as journeys do, some 10 µs each, and in a large company something is new whenever somebody asks. So
//! figures of up to a thousand journeys are of now; those of more may be a second old for each thousand, and are sorted out
//! anew before they are older, so that nobody who asks waits for it. That takes two or three percent of a processor, and all
//! panels of a page are of the same moment.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::{
    super::{Failure, Hub},
    snapshot::Snapshot,
};

/// How many journeys are sorted out anew whenever something has changed.
const AT_ONCE: usize = 1_000;
/// How old figures may be for each so many journeys, and at most.
const PATIENCE: SignedDuration = SignedDuration::from_secs(1);
const MOST_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// How often figures that are of now whenever somebody asks are sorted out beside that: they may have become many.
const NOW_AND_THEN: SignedDuration = SignedDuration::from_secs(60);

/// What was sorted out last.
#[derive(Debug, Default)]
pub(in crate::http) struct Last {
    told: Mutex<Option<Told>>,
    /// One does it at a time.
    sorting: tokio::sync::Mutex<()>,
    /// How often it was done.
    times: AtomicU64,
    /// Told when it had to be done for somebody who asked and they are many, as they may not have been before.
    asked: Arc<Notify>,
}

#[derive(Debug)]
struct Told {
    snapshot: Arc<Snapshot>,
    /// When that was all there was.
    at: Timestamp,
}

impl Last {
    /// What may be told. Whoever comes second while it is sorted out waits for the first.
    pub(super) async fn of(&self, hub: &Hub) -> Result<Arc<Snapshot>, Failure> {
        let times = self.times();
        let (snapshot, _) = self.within(hub, patience).await?;
        let are_many = !early(snapshot.insights().journeys()).is_zero();
        if are_many && self.times() > times {
            self.asked.notify_one();
        }
        Ok(snapshot)
    }

    /// How often everything was sorted out.
    pub(in crate::http) fn times(&self) -> u64 {
        self.times.load(Relaxed)
    }

    /// Sorts out anew what may not be told for much longer. Says when to look again.
    async fn renew(&self, hub: &Hub) -> Result<SignedDuration, Failure> {
        let (snapshot, age) = self.within(hub, early).await?;
        // Read by itself, and as slow.
        snapshot.promises(hub).await?;
        let early = early(snapshot.insights().journeys());
        Ok(if early.is_zero() { NOW_AND_THEN } else { early.saturating_sub(age) })
    }

    /// What is not older than figures of so many journeys may be, and how old it is.
    async fn within(
        &self,
        hub: &Hub,
        patience: fn(usize) -> SignedDuration,
    ) -> Result<(Arc<Snapshot>, SignedDuration), Failure> {
        if let Some(young) = self.younger((hub.now)(), patience) {
            return Ok(young);
        }
        let _sorting = self.sorting.lock().await;
        let now = (hub.now)();
        if let Some(young) = self.younger(now, patience) {
            return Ok(young);
        }
        // Written before or after this: whatever changes from now on changes the stamp.
        let stamp = hub.store.stamp().await?;
        let last = self.told().as_ref().map(|told| Arc::clone(&told.snapshot));
        let snapshot = match last.filter(|last| last.holds(stamp, now)) {
            Some(last) => last,
            None => {
                let snapshot = Snapshot::take(hub, stamp, now).await?;
                self.times.fetch_add(1, Relaxed);
                Arc::new(snapshot)
            }
        };
        *self.told() = Some(Told { snapshot: Arc::clone(&snapshot), at: now });
        Ok((snapshot, SignedDuration::ZERO))
    }

    fn younger(
        &self,
        now: Timestamp,
        patience: impl Fn(usize) -> SignedDuration,
    ) -> Option<(Arc<Snapshot>, SignedDuration)> {
        let told = self.told();
        let Told { snapshot, at } = told.as_ref()?;
        let age = now.duration_since(*at);
        let is_young = !age.is_negative() && age < patience(snapshot.insights().journeys());
        is_young.then(|| (Arc::clone(snapshot), age))
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Option<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sorts everything out, and anew before it is too old, for as long as anybody else has the hub.
pub async fn keep_figures(hub: Weak<Hub>) {
    loop {
        let Some(serving) = hub.upgrade() else { return };
        let pause = serving.figured.renew(&serving).await.unwrap_or_else(|failure| {
            // Why, is said already.
            tracing::warn!(message = failure.problem().message, "the figures were not sorted out anew");
            NOW_AND_THEN
        });
        let asked = Arc::clone(&serving.figured.asked);
        drop(serving);
        // Over, or told: in both cases it is looked again.
        let _ = tokio::time::timeout(pause.unsigned_abs(), asked.notified()).await;
    }
}

/// How old figures of so many journeys may be.
fn patience(journeys: usize) -> SignedDuration {
    let thousands = i32::try_from(journeys / AT_ONCE).unwrap_or(i32::MAX);
    PATIENCE.saturating_mul(thousands).min(MOST_PATIENCE)
}

/// How old they are when they are sorted out anew, which takes a fraction of what is left.
fn early(journeys: usize) -> SignedDuration {
    patience(journeys) / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_thousand_are_of_now_and_no_figure_is_older_than_a_minute() {
        let seconds = |journeys| patience(journeys).as_secs();
        assert_eq!([0, 999, 1_000, 5_999, 60_000].map(seconds), [0, 0, 1, 5, 60]);
        assert_eq!(seconds(usize::MAX), 60);
        let early = |journeys| early(journeys).as_millis();
        assert_eq!([0, 999, 1_000, 5_999, usize::MAX].map(early), [0, 0, 750, 3_750, 45_000]);
    }
}
