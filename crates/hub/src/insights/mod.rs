//! What the hub says of many people, from what it knows of each: every figure with its counts, and none that would tell
//! about a few.
//!
//! ```text
//! store::kpis::Known ─> Insights (who is in which group; which groups may be told of) ─> contract::kpis
//! ```
//!
//! [`Insights`] gives out nothing but types of the contract, and gets at people only through `cohort::Cohorts::group`,
//! which knows what may not be told: so no route can forget it. Statistics are `firstlight_metrics`'. Everything costs as
//! people, journeys, steps, days and services do; no event is read. What each figure means: `docs/insights.md`.
//!
//! One more figure: a file here with an `impl Insights`, its type in `contract::kpis`, its route in `http/insights.rs`.

mod activity;
mod adoption;
mod beside;
mod cohort;
mod completeness;
pub mod disclosure;
pub mod filter;
mod funnel;
pub(crate) mod journey_steps;
mod precedence;
mod questions;
mod retrospective;
mod services;
mod sla;
mod steps;
pub mod story;
mod summary;
mod surveys;
mod teams;
mod ttfv;
pub(crate) mod written;

use std::collections::BTreeMap;

use firstlight_contract::kpis::{InsightsFilters, Kpi, KpiAnswer, KpiCounts};
use firstlight_metrics::{Interval, Level, mean::Mean, proportion::Proportion};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use roaring::RoaringBitmap;

pub(crate) use filter::MOST_WIDE;
pub use filter::{Filter, FilterError, Period};
pub use precedence::Precedence;
pub use services::months;
pub use sla::Promises;
pub use surveys::quarters;
pub use ttfv::By;

use crate::store::{
    kpis::{Known, Machines},
    retention::Horizon,
};
use cohort::{Cohorts, Told};

/// What makes the same events give another figure raises this.
pub const DEFINITION: u32 = 2;
/// The smallest group anything is said about.
const SMALLEST: u64 = firstlight_metrics::suppression::SMALLEST;
/// How old figures may be where nothing has arrived.
const MILLISECONDS_A_SORTING: i64 = 60_000;
const MILLISECONDS_A_DAY: f64 = 86_400_000.0;
const MILLISECONDS_A_MINUTE: f64 = 60_000.0;

/// Everything that can be said at one moment.
#[derive(Debug)]
pub struct Insights {
    cohorts: Cohorts,
    people: BTreeMap<Date, RoaringBitmap>,
    /// How many were active on days of which nothing else is kept.
    past_people: BTreeMap<Date, u64>,
    /// Who used a service, by day, lately.
    using: BTreeMap<Date, RoaringBitmap>,
    everybody: RoaringBitmap,
    machines: Machines,
    /// Of when all of it is, in milliseconds.
    as_of: Option<i64>,
    latest: Option<i64>,
    /// From when on everything is kept, in milliseconds.
    kept_from: Option<i64>,
    zone: TimeZone,
    /// Whether another group has become of enough people, or has nobody any more.
    has_precedence_changed: bool,
}

impl Insights {
    /// Sorts out what is known. A machine whose clock is ahead does not make it later than `now`.
    pub fn of(known: Known, zone: &TimeZone, now: Timestamp) -> Self {
        let as_of = known.latest.map(|latest| latest.min(now).as_millisecond());
        let latest = known.latest.map(Timestamp::as_millisecond);
        let Known {
            journeys,
            people,
            past_people,
            everybody,
            teams,
            merged,
            using,
            machines,
            precedence,
            latest: _,
        } = known;
        let cohorts = Cohorts::of(Told { journeys, merged, teams }, &precedence, zone);
        let has_precedence_changed = cohorts.questions.precedence != precedence;
        let kept_from = Horizon::at(now, zone).map(|horizon| horizon.time.as_millisecond());
        let zone = zone.clone();
        Self {
            cohorts,
            people,
            past_people,
            using,
            everybody,
            machines,
            as_of,
            latest,
            kept_from,
            zone,
            has_precedence_changed,
        }
    }

    /// Which groups were of enough people first, if that is to be kept before anything is told.
    pub fn precedence_to_keep(&self) -> Option<&Precedence> {
        Some(&self.cohorts.questions.precedence).filter(|_| self.has_precedence_changed)
    }

    /// What can be asked for.
    pub fn filters(&self) -> InsightsFilters {
        self.cohorts.filters()
    }

    /// How many journeys it is about.
    pub fn journeys(&self) -> usize {
        self.cohorts.len()
    }

    /// Whether it would be of a moment that is a minute later by now: a machine's clock was ahead, and the rest of what it said
    /// has happened. Sooner it is not worth sorting everything out again, or one such machine would have that done each time
    /// somebody asks.
    pub fn is_of_later(&self, now: Timestamp) -> bool {
        let later = self.latest.map(|latest| latest.min(now.as_millisecond()));
        later.zip(self.as_of).is_some_and(|(later, as_of)| later - as_of >= MILLISECONDS_A_SORTING)
    }

    fn kpi(&self, answer: KpiAnswer) -> Kpi {
        Kpi {
            answer,
            definition_version: DEFINITION,
            as_of: self.as_of().map(|at| at.to_string()),
            received_share: self.received_share(),
        }
    }

    fn as_of(&self) -> Option<Timestamp> {
        self.as_of.and_then(|at| Timestamp::from_millisecond(at).ok())
    }

    /// The day it is, in the organisation's zone.
    fn day(&self) -> Option<Date> {
        self.as_of().map(|at| self.zone.to_datetime(at).date())
    }

    fn received_share(&self) -> Option<f64> {
        Proportion::new(self.machines.accepted, self.machines.produced)?.value()
    }

    /// A share; hidden where all are alike, if that would tell something about each of them.
    fn share(&self, share: Proportion, alike: Alike) -> Kpi {
        let Proportion { part, whole } = share;
        let hidden = match alike {
            Alike::Tells => part == 0 || part == whole,
            Alike::TellsIfAllDid => part == whole,
            Alike::IsFine => false,
        };
        self.kpi(match share.value().zip(share.interval(Level::USUAL)) {
            None => KpiAnswer::NotEnough,
            Some(_) if hidden => KpiAnswer::Suppressed,
            Some((value, interval)) => KpiAnswer::Known { value, ci: ends(interval), counts: counts(share) },
        })
    }

    /// A count of everybody there is: nothing about it is unsure.
    fn count(&self, value: u64) -> Kpi {
        let counts =
            KpiCounts { n: whole(value), n_at_risk: whole(value), n_events: whole(value), n_censored: 0 };
        let value = number(value);
        self.kpi(KpiAnswer::Known { value, ci: [Some(value); 2], counts })
    }

    fn mean(&self, mean: Option<Mean>, n: u64) -> Kpi {
        let counts = KpiCounts { n: whole(n), n_at_risk: whole(n), n_events: whole(n), n_censored: 0 };
        self.kpi(mean.map_or(KpiAnswer::NotEnough, |mean| KpiAnswer::Known {
            value: mean.value,
            ci: ends(mean.interval),
            counts,
        }))
    }
}

/// Whether a share of none or of all tells about each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alike {
    /// Both do.
    Tells,
    /// That all did does.
    TellsIfAllDid,
    /// Everybody knows, or nobody minds.
    IsFine,
}

/// Some people, mostly in order, which is quicker.
fn bitmap(people: impl Iterator<Item = u32>) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    for person in people {
        if all.try_push(person).is_err() {
            all.insert(person);
        }
    }
    all
}

/// Whether one set of people can be told of beside another one: whoever subtracts is left with nobody, or with enough.
fn apart(one: &RoaringBitmap, other: &RoaringBitmap) -> bool {
    let few = |people: u64| (1..SMALLEST).contains(&people);
    !few(one.difference_len(other)) && !few(other.difference_len(one))
}

fn counts(share: Proportion) -> KpiCounts {
    let n = whole(share.whole);
    KpiCounts { n, n_at_risk: n, n_events: whole(share.part), n_censored: 0 }
}

fn ends(interval: Interval) -> [Option<f64>; 2] {
    [interval.low, interval.high]
}

fn whole(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53: counts of people and milliseconds are")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Milliseconds in another unit.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53: milliseconds of any length here are")]
fn duration(milliseconds: i64, unit: f64) -> f64 {
    milliseconds as f64 / unit
}
