//! What each step costs: how long it takes, how often it fails, and the days people lose in it.

use firstlight_contract::kpis::{Kpi, KpiAnswer, StepRow, StepTable};
use firstlight_metrics::{
    Level,
    mean::mean,
    proportion::Proportion,
    survival::{Curve, End, Transform, Wait},
};

use super::{
    Alike, Filter, Insights, MILLISECONDS_A_DAY, MILLISECONDS_A_MINUTE, beside,
    cohort::{Group, Member},
    duration, number,
    story::StepFacts,
    ttfv::HORIZON,
};

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
            let steps = &self.cohorts.steps;
            let mut all: Vec<Vec<(&Member, &StepFacts)>> = vec![Vec::new(); steps.len()];
            for member in members {
                self.met(member).for_each(|(step, facts)| all[step].push((member, facts)));
            }
            // Of each step those who met it, and behind all of these those who tried it.
            let of = |member| {
                let both = |(step, facts): (usize, &StepFacts)| {
                    std::iter::once(step).chain(facts.tried.map(|_| steps.len() + step))
                };
                self.met(member).flat_map(both)
            };
            let told = self.cohorts.tells_of_each(filter, 2 * steps.len(), of);
            let (met, tried) = told.split_at(steps.len());
            let all: Vec<(usize, Vec<(&Member, &StepFacts)>)> =
                all.into_iter().enumerate().filter(|(_, those)| !those.is_empty()).collect();
            let all_told = beside::each(&all, |(step, those)| {
                if !met[*step] {
                    return self.hidden(&steps[*step]);
                }
                let visits: Vec<Visit> =
                    those.iter().map(|(member, facts)| self.visit(member, facts)).collect();
                self.row(&steps[*step], &visits, tried[*step])
            });
            for row in all_told {
                let cost = match row.person_days.answer {
                    KpiAnswer::Known { value, .. } => value,
                    _ => -1.0,
                };
                rows.push((row, cost));
            }
        }
        // By cost, then by name.
        rows.sort_by(|(one, a), (other, b)| {
            b.total_cmp(a).then_with(|| (&one.pack, &one.step).cmp(&(&other.pack, &other.step)))
        });
        StepTable { filter: filter.to_view(), steps: rows.into_iter().map(|(row, _)| row).collect() }
    }

    /// The share of steps that were tried and failed at least once.
    pub(super) fn step_failure(&self, filter: &Filter, group: &Group<'_>) -> Kpi {
        let members = match group {
            Group::Nobody => return self.kpi(KpiAnswer::NotEnough),
            Group::Hidden => return self.kpi(KpiAnswer::Suppressed),
            Group::Shown(members) => members,
        };
        let tried: Vec<Visit> = members
            .iter()
            .flat_map(|member| self.met(member).map(|(_, facts)| self.visit(member, facts)))
            .filter(Visit::was_tried)
            .collect();
        let told =
            self.cohorts.tells_of(filter, |member| self.met(member).any(|(_, facts)| facts.tried.is_some()));
        self.failures(&tried, told)
    }

    fn failures(&self, tried: &[Visit], told: bool) -> Kpi {
        if !(told || tried.is_empty()) {
            return self.kpi(KpiAnswer::Suppressed);
        }
        let failed = tried.iter().filter(|visit| visit.facts.failures > 0).count();
        self.share(Proportion { part: count(failed), whole: count(tried.len()) }, Alike::TellsIfAllDid)
    }

    /// The steps somebody has met, by number.
    fn met<'a>(&self, member: &'a Member) -> impl Iterator<Item = (usize, &'a StepFacts)> {
        let as_of = self.as_of;
        member.steps().filter(move |(_, facts)| facts.entered.is_some() && facts.entered <= as_of)
    }

    /// Somebody's time in one of them.
    fn visit(&self, member: &Member, facts: &StepFacts) -> Visit {
        let left = member.journey.left.filter(|left| Some(*left) <= self.as_of);
        let until = left.or(self.as_of).unwrap_or_default();
        Visit { facts: facts.until(until), until, left: left.is_some() }
    }

    /// `told` says whether those who tried it may be told of beside those who met it.
    fn row(&self, (pack, step): &(String, String), visits: &[Visit], told: bool) -> StepRow {
        let waits: Vec<Wait> = visits.iter().filter_map(Visit::wait).collect();
        let tried: Vec<Visit> = visits.iter().filter(|visit| visit.was_tried()).copied().collect();
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
            pack: pack.clone(),
            step: step.clone(),
            minutes: self.quantile(&Curve::of(&waits, Transform::default()), 0.5),
            failure: self.failures(&tried, told),
            doing: minutes(|facts| facts.doing),
            waiting: minutes(|facts| facts.waiting),
            failing: minutes(|facts| facts.failing),
            person_days: self.mean(together, n),
        }
    }

    fn hidden(&self, (pack, step): &(String, String)) -> StepRow {
        let kpi = || self.kpi(KpiAnswer::Suppressed);
        StepRow {
            pack: pack.clone(),
            step: step.clone(),
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

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
