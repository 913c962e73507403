//! What each step costs: how long it takes, how often it fails, and the days people lose in it.

use std::collections::BTreeMap;

use firstlight_contract::kpis::{Kpi, KpiAnswer, StepRow, StepTable};
use firstlight_metrics::{
    Level,
    mean::mean,
    proportion::Proportion,
    survival::{Curve, End, Transform, Wait},
};

use super::{
    Alike, Filter, Insights, MILLISECONDS_A_DAY, MILLISECONDS_A_MINUTE,
    cohort::{Group, Member},
    duration, number,
    story::StepFacts,
    ttfv::HORIZON,
};

/// Pack and step.
type Key<'a> = (&'a str, &'a str);

/// A step of somebody's journey, up to now.
#[derive(Debug, Clone, Copy)]
struct Visit {
    facts: StepFacts,
    /// Until when it is looked at: when the journey was left, or now.
    until: i64,
    left: bool,
}

impl Insights {
    /// Every step, the most costly first.
    pub fn steps(&self, filter: &Filter) -> StepTable {
        let group = self.cohorts.group(filter);
        let mut rows: Vec<(StepRow, f64)> = Vec::new();
        if let Group::Shown(members) = &group {
            for (key, visits) in self.visits(members) {
                let told = self.cohorts.tells_of(filter, |member| self.visit(member, key).is_some());
                let row = if told { self.row(filter, key, &visits) } else { self.hidden(key) };
                let cost = match row.person_days.answer {
                    KpiAnswer::Known { value, .. } => value,
                    _ => -1.0,
                };
                rows.push((row, cost));
            }
        }
        // By cost; the order of names where that is the same.
        rows.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        StepTable { filter: filter.to_view(), steps: rows.into_iter().map(|(row, _)| row).collect() }
    }

    /// The share of steps that were tried and failed at least once.
    pub(super) fn step_failure(&self, filter: &Filter, group: &Group<'_>) -> Kpi {
        let members = match group {
            Group::Nobody => return self.kpi(KpiAnswer::NotEnough),
            Group::Hidden => return self.kpi(KpiAnswer::Suppressed),
            Group::Shown(members) => members,
        };
        let visits = self.visits(members);
        let tried: Vec<Visit> = visits.into_values().flatten().filter(Visit::was_tried).collect();
        let told = self.cohorts.tells_of(filter, |member| {
            let steps = member.journey.steps.keys();
            steps.filter_map(|step| self.visit(member, (pack(member), step))).any(|visit| visit.was_tried())
        });
        self.failures(&tried, told)
    }

    fn failures(&self, tried: &[Visit], told: bool) -> Kpi {
        if !(told || tried.is_empty()) {
            return self.kpi(KpiAnswer::Suppressed);
        }
        let failed = tried.iter().filter(|visit| visit.facts.failures > 0).count();
        self.share(Proportion { part: count(failed), whole: count(tried.len()) }, Alike::TellsIfAllDid)
    }

    fn visits<'a>(&self, members: &[&'a Member]) -> BTreeMap<Key<'a>, Vec<Visit>> {
        let mut visits: BTreeMap<Key<'_>, Vec<Visit>> = BTreeMap::new();
        for member in members {
            for step in member.journey.steps.keys() {
                let key = (pack(member), step.as_str());
                if let Some(visit) = self.visit(member, key) {
                    visits.entry(key).or_default().push(visit);
                }
            }
        }
        visits
    }

    /// Somebody's time in a step; nothing if they have not met it.
    fn visit(&self, member: &Member, (of, step): Key<'_>) -> Option<Visit> {
        let as_of = self.as_of?;
        let facts = member.journey.steps.get(step).filter(|_| pack(member) == of)?;
        facts.entered.filter(|entered| *entered <= as_of)?;
        let left = member.journey.left.filter(|left| *left <= as_of);
        let until = left.unwrap_or(as_of);
        Some(Visit { facts: facts.until(until), until, left: left.is_some() })
    }

    fn row(&self, filter: &Filter, (pack, step): Key<'_>, visits: &[Visit]) -> StepRow {
        let waits: Vec<Wait> = visits.iter().filter_map(Visit::wait).collect();
        let tried: Vec<Visit> = visits.iter().filter(|visit| visit.was_tried()).copied().collect();
        let told = self.cohorts.tells_of(filter, |member| {
            self.visit(member, (pack, step)).is_some_and(|visit| visit.was_tried())
        });
        let minutes = |of: fn(&StepFacts) -> i64| {
            let each: Vec<f64> =
                visits.iter().map(|visit| duration(of(&visit.facts), MILLISECONDS_A_MINUTE)).collect();
            self.mean(mean(&each, Level::USUAL), count(each.len()))
        };
        // Nobody loses more than the days means look at in one step.
        let days: Vec<f64> = visits
            .iter()
            .map(|Visit { facts, .. }| {
                duration(facts.doing + facts.waiting + facts.failing, MILLISECONDS_A_DAY).min(HORIZON)
            })
            .collect();
        let n = count(days.len());
        let together = mean(&days, Level::USUAL).map(|mut mean| {
            let times = |value: f64| value * number(n);
            mean.value = days.iter().sum();
            mean.interval.low = mean.interval.low.map(times);
            mean.interval.high = mean.interval.high.map(times);
            mean
        });
        StepRow {
            pack: pack.to_owned(),
            step: step.to_owned(),
            minutes: self.quantile(&Curve::of(&waits, Transform::default()), 0.5),
            failure: self.failures(&tried, told),
            doing: minutes(|facts| facts.doing),
            waiting: minutes(|facts| facts.waiting),
            failing: minutes(|facts| facts.failing),
            person_days: self.mean(together, n),
        }
    }

    fn hidden(&self, (pack, step): Key<'_>) -> StepRow {
        let kpi = || self.kpi(KpiAnswer::Suppressed);
        StepRow {
            pack: pack.to_owned(),
            step: step.to_owned(),
            minutes: kpi(),
            failure: kpi(),
            doing: kpi(),
            waiting: kpi(),
            failing: kpi(),
            person_days: kpi(),
        }
    }
}

impl Visit {
    fn was_tried(&self) -> bool {
        self.facts.tried.is_some()
    }

    fn wait(&self) -> Option<Wait> {
        let entered = self.facts.entered?;
        let (at, end) = match self.facts.done {
            Some(done) if done <= self.until => (done, End::Reached),
            _ if self.left => (self.until, End::Otherwise),
            _ => (self.until, End::StillWaiting),
        };
        Wait::new(duration((at - entered).max(0), MILLISECONDS_A_MINUTE), end).ok()
    }
}

/// The pack a journey goes by.
fn pack(member: &Member) -> &str {
    member.began.release.as_ref().map_or("", |(pack, _)| pack.as_str())
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
