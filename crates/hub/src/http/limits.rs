//! How often somebody may ask.

use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use firstlight_contract::hub::ProblemCode;
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::keyed::HashMapStateStore,
};

use super::Failure;

/// After so many questions, those who have not asked for long are forgotten.
const FORGET_EVERY: u32 = 10_000;

/// A bound for each of many.
#[derive(Debug)]
pub(super) struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    pub(super) fn new(a_minute: NonZeroU32) -> Self {
        let limiter = RateLimiter::new(
            Quota::per_minute(a_minute),
            HashMapStateStore::default(),
            DefaultClock::default(),
        );
        Self { limiter, asked: AtomicU32::new(0) }
    }

    pub(super) fn check(&self, who: &K) -> Result<(), Failure> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(who).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Failure::new(ProblemCode::TooMany, "too many requests").after(wait.as_secs() + 1)
        })
    }
}
