//! Time to first value.
//!
//! T = first verified first value − when the clock started, of each journey, in days; or the first change that was merged
//! since then − the same; all of the time between, or what of it people work in, in working days. Who has not arrived counts
//! with the time so far; who left before will never arrive. Who began their journey more than `BACK_FILLED` days after their
//! clock started is looked at from there on only. Whichever time it is told in, it is about the same people.

use firstlight_contract::{
    insights::LogRankView,
    kpis::{
        CurvePoint, Kpi, KpiAnswer, KpiCounts, TimeScale, TtfvCurve, TtfvCurves, TtfvFigures, ValueEvent,
    },
};
use firstlight_metrics::{
    Interval, Level,
    survival::{
        Curve, End, Point, Transform, Wait, compare::log_rank, competing, median_of_those_who_arrived,
    },
    working_time::{Calendar, Worked},
};
use jiff::Timestamp;

use super::{
    Filter, FilterError, Insights, MILLISECONDS_A_DAY, SMALLEST,
    cohort::{Group, Member},
    duration, ends,
    filter::{Release, name_of},
    whole,
};

/// Whoever begins so many days after their clock started was there before Firstlight.
pub(super) const BACK_FILLED: f64 = 28.0;
/// Up to which day means and shares look.
pub(super) const HORIZON: f64 = 30.0;
/// Working time is looked up for so long at most, in milliseconds: ten years.
const LONGEST: i64 = 3_660 * 86_400_000;
/// The group of everybody.
const EVERYBODY: &str = "all";
/// The days at which a curve is told, so that no point is one person's: an hour, two, four, eight, and so on.
const GRID: [f64; 23] = [
    1.0 / 24.0,
    2.0 / 24.0,
    4.0 / 24.0,
    8.0 / 24.0,
    12.0 / 24.0,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    7.0,
    10.0,
    14.0,
    17.0,
    21.0,
    25.0,
    30.0,
    45.0,
    60.0,
    90.0,
    180.0,
];

/// What curves are beside each other by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each persona.
    Persona,
    /// Each release.
    Release,
    /// Each team.
    Team,
}

/// Until what people are on their way, and in which time that is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    value: ValueEvent,
    /// What is worked meanwhile; nothing where all time counts.
    worked: Option<&'a Worked>,
}

impl Way<'_> {
    /// In all time.
    pub(super) fn to(value: ValueEvent) -> Self {
        Self { value, worked: None }
    }

    /// A millisecond, in days.
    fn least(self) -> f64 {
        1.0 / self.worked.map_or(MILLISECONDS_A_DAY, |worked| worked.working_day().as_secs_f64() * 1_000.0)
    }

    /// From one moment to another, both in milliseconds, in days.
    fn days(self, from: i64, to: i64) -> f64 {
        let instant = |at| Timestamp::from_millisecond(at).ok();
        match self.worked {
            None => duration(to - from, MILLISECONDS_A_DAY),
            Some(worked) => {
                instant(from).zip(instant(to)).map_or(0.0, |(from, to)| worked.days_between(from, to))
            }
        }
    }
}

/// One group's waits and whose they are.
pub(super) struct Waits {
    pub(super) each: Vec<Wait>,
    people: u64,
    arrived: u64,
}

impl Insights {
    /// Curves beside each other; in working days if `hours` says when people work.
    pub fn ttfv(
        &self,
        filter: &Filter,
        by: Option<By>,
        value: ValueEvent,
        hours: Option<&Calendar>,
    ) -> Result<TtfvCurves, FilterError> {
        let worked = hours.map(|hours| self.worked(hours));
        let way = Way { value, worked: worked.as_ref() };
        let time = if hours.is_some() { TimeScale::Business } else { TimeScale::Elapsed };
        // Whatever is known: what is too narrow for any part is not to be asked at all.
        let of = |asked: &Option<String>| Some(asked.clone().unwrap_or_default());
        let narrowest = match by {
            None => filter.clone(),
            Some(By::Persona) => Filter { persona: of(&filter.persona), ..filter.clone() },
            Some(By::Release) => {
                Filter { release: Some(filter.release.clone().unwrap_or_default()), ..filter.clone() }
            }
            Some(By::Team) => Filter { team: of(&filter.team), ..filter.clone() },
        };
        narrowest.check()?;
        let parts: Vec<(String, Filter)> = match by {
            None => vec![(EVERYBODY.to_owned(), filter.clone())],
            Some(By::Persona) => {
                let wanted = |persona: &String| filter.persona.as_ref().is_none_or(|asked| asked == persona);
                let personas = self.cohorts.personas().into_iter().filter(|persona| wanted(persona));
                let part = |persona: &String| Filter { persona: Some(persona.clone()), ..filter.clone() };
                personas.map(|persona| (persona.clone(), part(persona))).collect()
            }
            Some(By::Release) => {
                let wanted = |release: &Release| filter.release.as_ref().is_none_or(|asked| asked == release);
                let releases = self.cohorts.releases().into_iter().filter(|release| wanted(release));
                let part = |release: &Release| Filter { release: Some(release.clone()), ..filter.clone() };
                releases.map(|release| (name_of(release), part(release))).collect()
            }
            Some(By::Team) => {
                let teams = self.cohorts.questions.teams().iter();
                let wanted = |team: &&String| filter.team.as_ref().is_none_or(|asked| asked == *team);
                let part = |team: &String| Filter { team: Some(team.clone()), ..filter.clone() };
                teams.filter(wanted).map(|team| (team.clone(), part(team))).collect()
            }
        };
        let mut shown = Vec::new();
        let mut groups = Vec::new();
        for (name, filter) in parts {
            let group = self.cohorts.group(&filter);
            if let Some(waits) = self.shown_waits(&filter, &group, way) {
                shown.push(waits.each);
            }
            if !matches!(group, Group::Nobody) {
                groups.push(self.curve(name, &filter, &group, way));
            }
        }
        let shown: Vec<&[Wait]> = shown.iter().map(Vec::as_slice).collect();
        Ok(TtfvCurves { filter: filter.to_view(), value, time, groups, logrank: logrank(&shown) })
    }

    /// What has been worked since the first clock started.
    fn worked(&self, hours: &Calendar) -> Worked {
        let instant = |at: Option<i64>| at.and_then(|at| Timestamp::from_millisecond(at).ok());
        let to = instant(self.as_of).unwrap_or_default();
        // A machine may claim that its clock started centuries ago.
        let first = self.cohorts.first_start().zip(self.as_of);
        let first = first.map(|(start, as_of)| start.max(as_of.saturating_sub(LONGEST)));
        hours.worked(instant(first).unwrap_or(to), to)
    }

    pub(super) fn curve(&self, name: String, filter: &Filter, group: &Group<'_>, way: Way<'_>) -> TtfvCurve {
        let points = self
            .shown_waits(filter, group, way)
            .map(|waits| points(&Curve::of(&waits.each, Transform::default())));
        TtfvCurve { name, figures: self.figures(filter, group, way), points: points.unwrap_or_default() }
    }

    /// The waits of a group, if it may be told of those who have some.
    pub(super) fn shown_waits(&self, filter: &Filter, group: &Group<'_>, way: Way<'_>) -> Option<Waits> {
        match group {
            Group::Shown(members) => {
                let told = self.cohorts.tells_of(filter, |member| self.wait(member, way).is_some());
                told.then(|| self.waits(members, way))
            }
            Group::Nobody | Group::Hidden => None,
        }
    }

    pub(super) fn figures(&self, filter: &Filter, group: &Group<'_>, way: Way<'_>) -> TtfvFigures {
        let Some(waits) = self.shown_waits(filter, group, way) else {
            let answer = match group {
                Group::Nobody => KpiAnswer::NotEnough,
                Group::Shown(members) if self.waits(members, way).people == 0 => KpiAnswer::NotEnough,
                Group::Hidden | Group::Shown(_) => KpiAnswer::Suppressed,
            };
            let kpi = || self.kpi(answer.clone());
            return TtfvFigures {
                median: kpi(),
                p75: kpi(),
                p90: kpi(),
                within_30_days: kpi(),
                restricted_mean: kpi(),
                naive_median: kpi(),
            };
        };
        let curve = Curve::of(&waits.each, Transform::default());
        TtfvFigures {
            median: self.quantile(&curve, 0.5),
            p75: self.quantile(&curve, 0.75),
            p90: self.quantile(&curve, 0.9),
            within_30_days: self.kpi(within(&waits.each, &curve)),
            restricted_mean: self.kpi(restricted_mean(&curve)),
            naive_median: self.naive(filter, &waits, way),
        }
    }

    pub(super) fn quantile(&self, curve: &Curve, share: f64) -> Kpi {
        let ci = ends(curve.quantile_interval(share, Level::USUAL));
        self.kpi(match curve.quantile(share) {
            _ if curve.n() == 0 => KpiAnswer::NotEnough,
            Some(value) => KpiAnswer::Known { value, ci, counts: counts_at(curve, value) },
            None => {
                let last = curve.points().last().map_or(0.0, |point| point.time);
                KpiAnswer::NotReached { ci, counts: counts_at(curve, last) }
            }
        })
    }

    fn naive(&self, filter: &Filter, waits: &Waits, way: Way<'_>) -> Kpi {
        let n = whole(waits.arrived);
        let arrived = |member: &Member| self.wait(member, way).is_some_and(|wait| wait.end() == End::Reached);
        let counts = KpiCounts { n, n_at_risk: 0, n_events: n, n_censored: 0 };
        self.kpi(match median_of_those_who_arrived(&waits.each) {
            None => KpiAnswer::NotEnough,
            Some(_) if !self.cohorts.tells_of(filter, arrived) => KpiAnswer::Suppressed,
            Some(value) => KpiAnswer::Known { value, ci: [None, None], counts },
        })
    }

    /// How long each of these has waited. Whose clock has not started, or started nobody knows when, has not.
    fn waits(&self, members: &[&Member], way: Way<'_>) -> Waits {
        let mut waits = Waits { each: Vec::with_capacity(members.len()), people: 0, arrived: 0 };
        let mut waiting = Vec::new();
        for member in members {
            if let Some(wait) = self.wait(member, way) {
                waiting.push(*member);
                waits.each.push(wait);
                waits.arrived += u64::from(wait.end() == End::Reached);
            }
        }
        waits.people = Member::people(&waiting).len();
        waits
    }

    fn wait(&self, member: &Member, way: Way<'_>) -> Option<Wait> {
        let (start, as_of) = (member.start?, self.as_of?);
        // Changes of before are forgotten: a later one may not be the first.
        let is_forgotten = way.value == ValueEvent::Merged && self.kept_from.is_none_or(|from| start < from);
        if start > as_of || is_forgotten {
            return None;
        }
        let happened = |at: Option<i64>| at.filter(|at| *at <= as_of);
        let value = match way.value {
            ValueEvent::FirstValue => happened(member.journey.value),
            ValueEvent::Merged => happened(member.merged),
        };
        let left = happened(member.journey.left);
        let (at, end) = match (value, left) {
            (Some(value), Some(left)) if left < value => (left, End::Otherwise),
            (Some(value), _) => (value, End::Reached),
            (None, Some(left)) => (left, End::Otherwise),
            (None, None) => (as_of, End::StillWaiting),
        };
        // Who arrives before their first day arrives at once.
        let (at, began) = (at.max(start), member.began.moment.time);
        if duration(began - start, MILLISECONDS_A_DAY) <= BACK_FILLED {
            return Wait::seen_from(0.0, way.days(start, at), end).ok();
        }
        let entry = way.days(start, began);
        // Nobody may have worked since they began.
        let time = way.days(start, at).max(entry + way.least());
        (at > began).then(|| Wait::seen_from(entry, time, end).ok())?
    }
}

/// Whether groups differ.
pub(super) fn logrank(groups: &[&[Wait]]) -> Option<LogRankView> {
    log_rank(groups).map(|test| LogRankView { chi2: test.chi2, df: whole(test.df), p: test.p })
}

fn counts_at(curve: &Curve, time: f64) -> KpiCounts {
    KpiCounts {
        n: whole(curve.n()),
        n_at_risk: whole(at_risk(curve, time)),
        n_events: whole(curve.reached()),
        n_censored: whole(curve.censored()),
    }
}

/// How many were still on their way just before a time.
fn at_risk(curve: &Curve, time: f64) -> u64 {
    curve.points().iter().find(|point| point.time >= time).map_or(0, |point| point.at_risk)
}

fn within(waits: &[Wait], curve: &Curve) -> KpiAnswer {
    let (Some(incidence), Some(_)) = (competing::by(waits, HORIZON), curve.restricted_mean(HORIZON)) else {
        return KpiAnswer::NotEnough;
    };
    let value = incidence.reached;
    let left = waits.iter().any(|wait| wait.end() == End::Otherwise);
    let interval = curve.interval_at(HORIZON, Level::USUAL).filter(|_| !left);
    // The interval of the share still waiting, from the other side; where people left there is none yet.
    let ci = interval
        .map_or([None, None], |Interval { low, high }| [high, low].map(|end| end.map(|end| 1.0 - end)));
    KpiAnswer::Known { value, ci, counts: counts_at(curve, HORIZON) }
}

fn restricted_mean(curve: &Curve) -> KpiAnswer {
    let Some(mean) = curve.restricted_mean(HORIZON) else { return KpiAnswer::NotEnough };
    let half = Level::USUAL.z() * mean.error;
    let ci = [Some(mean.value - half), Some(mean.value + half)];
    KpiAnswer::Known { value: mean.value, ci, counts: counts_at(curve, HORIZON) }
}

/// The curve at fixed times, as long as enough people are on their way.
fn points(curve: &Curve) -> Vec<CurvePoint> {
    let start = CurvePoint {
        days: 0.0,
        waiting: 1.0,
        ci: [Some(1.0); 2],
        at_risk: whole(at_risk(curve, 0.0)),
        arrived: 0,
    };
    let arrived = |time: f64| -> u64 {
        curve.points().iter().take_while(|point| point.time <= time).map(|point: &Point| point.reached).sum()
    };
    let points = GRID.into_iter().map(|days| CurvePoint {
        days,
        waiting: curve.waiting_at(days),
        ci: curve.interval_at(days, Level::USUAL).map_or([None, None], ends),
        at_risk: whole(at_risk(curve, days)),
        arrived: whole(arrived(days)),
    });
    std::iter::once(start).chain(points).take_while(|point| u64::from(point.at_risk) >= SMALLEST).collect()
}
