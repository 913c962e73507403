//! What the KPIs must be, counted from the events that were sent and from nothing the hub does: no code of its counting, and
//! none of the statistics.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{
    asking::QUESTIONS,
    company::{Company, DAY, Event, PACK, What},
    outside::Who,
};

/// Whoever begins so long after their clock started was there before.
const BACK_FILLED: i64 = 28 * DAY;
const HORIZON: i64 = 30 * DAY;

/// One journey.
#[derive(Debug, Clone, Default)]
pub(super) struct Journey {
    pub(super) person: usize,
    pub(super) id: Uuid,
    pub(super) persona: String,
    pub(super) release: String,
    pub(super) month: String,
    pub(super) team: Option<&'static str>,
    began: i64,
    start: i64,
    left: Option<i64>,
    pub(super) value: Option<i64>,
    /// The first change that was merged since the clock started.
    pub(super) merged: Option<i64>,
    steps: BTreeMap<&'static str, Vec<(i64, u64, &'static str)>>,
}

/// Everything there is to count.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) journeys: Vec<Journey>,
    pub(super) without_beginning: usize,
    pub(super) accepted: u64,
    pub(super) produced: u64,
    pub(super) as_of: i64,
    /// By service and month: how often each used it, and how often that worked.
    pub(super) services: BTreeMap<(&'static str, String), Users>,
    pub(super) surveys: Surveys,
    active: BTreeMap<Date, BTreeSet<usize>>,
    using: BTreeMap<Date, BTreeSet<usize>>,
    zone: TimeZone,
}

/// Who used a service: how often, and how often that worked.
pub(super) type Users = BTreeMap<Who, (usize, usize)>;

/// What people said, as far as it is let out.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    /// How each survey ended.
    pub(super) endings: BTreeMap<&'static str, Vec<&'static str>>,
    /// What was answered to each question.
    pub(super) scores: BTreeMap<(&'static str, &'static str), Vec<i64>>,
}

/// Whose figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Whom<'a> {
    pub(super) persona: Option<&'a str>,
    pub(super) team: Option<&'a str>,
}

/// A wait: how long, whether it ended with what was waited for, and from when on it was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    time: i64,
    arrived: bool,
    entry: i64,
}

/// What one step took of some journeys.
#[derive(Debug, Clone, Default)]
pub(super) struct Step {
    pub(super) people: BTreeSet<usize>,
    pub(super) journeys: i64,
    pub(super) tried: i64,
    pub(super) failed: i64,
    pub(super) doing: i64,
    pub(super) waiting: i64,
    pub(super) failing: i64,
    pub(super) waits: Vec<Wait>,
}

impl Count {
    /// With what other programs tell, and the teams, or without.
    pub(super) fn of(company: &Company, zone: &TimeZone, with_outside: bool) -> Self {
        let mut seen = BTreeSet::new();
        let mut events: Vec<&Event> = company
            .batches
            .iter()
            .chain(&company.asked)
            .chain(&company.opened)
            .chain(&company.closed)
            .flat_map(|batch| &batch.events)
            .filter(|event| seen.insert((event.device, event.sequence)))
            .collect();
        events.sort_by_key(|event| (event.time, event.device, event.sequence));
        let mut highest: BTreeMap<usize, u64> = BTreeMap::new();
        let mut active: BTreeMap<Date, BTreeSet<usize>> = BTreeMap::new();
        let mut journeys: BTreeMap<(usize, Uuid), (bool, Journey)> = BTreeMap::new();
        for event in &events {
            let known = highest.entry(event.device).or_default();
            *known = event.sequence.max(*known);
            // What a machine does by itself.
            if matches!(
                event.what,
                What::Received { .. }
                    | What::Shown { .. }
                    | What::Ended { .. }
                    | What::Opened { .. }
                    | What::Closed { .. }
            ) {
                continue;
            }
            active.entry(day(zone, event.time)).or_default().insert(event.person);
            if matches!(event.what, What::Run | What::Answered { .. }) {
                continue;
            }
            let (begun, journey) = journeys.entry((event.person, event.journey)).or_default();
            match &event.what {
                What::Began { persona, version, start, .. } => {
                    *begun = true;
                    (journey.person, journey.id) = (event.person, event.journey);
                    (*persona).clone_into(&mut journey.persona);
                    journey.release = format!("{PACK}@{version}");
                    (journey.began, journey.start) = (event.time, *start);
                    journey.month = month(day(zone, *start));
                }
                What::Left => journey.left = journey.left.or(Some(event.time)),
                What::Value { .. } => journey.value = journey.value.or(Some(event.time)),
                What::Step { step, state } => {
                    journey.steps.entry(step).or_default().push((event.time, event.sequence, state));
                }
                What::Run
                | What::Received { .. }
                | What::Shown { .. }
                | What::Answered { .. }
                | What::Ended { .. }
                | What::Opened { .. }
                | What::Closed { .. } => {}
            }
        }
        let as_of = events.last().map_or(0, |event| event.time);
        let (mut services, mut using) = (BTreeMap::new(), BTreeMap::new());
        if with_outside {
            for (begun, journey) in journeys.values_mut() {
                journey.team = company.teams.get(journey.person).copied().flatten();
                let merges = company.outside.merges.iter().filter(|merge| {
                    *begun && merge.person == journey.person && merge.at >= journey.start && merge.at <= as_of
                });
                journey.merged = merges.map(|merge| merge.at).min();
            }
            for used in &company.outside.uses {
                let on = day(zone, used.at);
                let of: &mut Users = services.entry((used.service, month(on))).or_default();
                let (all, ok) = of.entry(used.who).or_default();
                (*all, *ok) = (*all + 1, *ok + usize::from(used.ok));
                if let Who::Person(person) = used.who {
                    using.entry(on).or_insert_with(BTreeSet::new).insert(person);
                }
            }
        }
        Self {
            services,
            using,
            surveys: Surveys::of(company),
            without_beginning: journeys.values().filter(|(begun, _)| !begun).count(),
            journeys: journeys
                .into_values()
                .filter(|(begun, _)| *begun)
                .map(|(_, journey)| journey)
                .collect(),
            accepted: events.len() as u64,
            produced: highest.values().sum(),
            as_of,
            active,
            zone: zone.clone(),
        }
    }

    /// The last day.
    pub(super) fn today(&self) -> Date {
        day(&self.zone, self.as_of)
    }

    /// The day of a moment, in the hub's zone.
    pub(super) fn day_of(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// People active in the days that end with one.
    pub(super) fn active(&self, day: Date, days: i64, whom: Whom<'_>) -> usize {
        let mut people = within(&self.active, day, days);
        people.retain(|person| self.is(*person, day, whom));
        people.len()
    }

    /// Whether somebody is one of these on a day. Who has begun nothing is of everybody only.
    pub(super) fn is(&self, person: usize, by: Date, whom: Whom<'_>) -> bool {
        let Whom { persona, team } = whom;
        let role = self.role(person, by);
        whom == Whom::default()
            || role.is_some_and(|role| {
                persona.is_none_or(|persona| persona == role.persona)
                    && team.is_none_or(|team| Some(team) == role.team)
            })
    }

    /// What somebody is on a day: that of the journey they began last.
    fn role(&self, person: usize, by: Date) -> Option<&Journey> {
        let begun = self
            .journeys
            .iter()
            .filter(|journey| journey.person == person && day(&self.zone, journey.began) <= by);
        begun.max_by_key(|journey| journey.began)
    }

    /// How many of those who have not left before have got value: how many, and of how many; and the same of those who did
    /// something lately.
    pub(super) fn adoption(&self, of: &[&Journey]) -> [(usize, usize); 2] {
        let arrived = |journey: &Journey| journey.value.or(journey.merged).is_some();
        let people = |which: &dyn Fn(&Journey) -> bool| -> BTreeSet<usize> {
            of.iter().filter(|journey| which(journey)).map(|journey| journey.person).collect()
        };
        let reached = people(&arrived);
        let helped = people(&|journey| arrived(journey) || journey.left.is_none());
        let mut lately = within(&self.active, self.today(), 28);
        lately.extend(within(&self.using, self.today(), 28));
        let using: BTreeSet<usize> = helped.intersection(&lately).copied().collect();
        [helped, using].map(|whole| (whole.intersection(&reached).count(), whole.len()))
    }

    /// How long each has waited for something; `took` says how long it is from one moment to another.
    pub(super) fn waits(
        &self,
        of: &[&Journey],
        value: fn(&Journey) -> Option<i64>,
        took: impl Fn(i64, i64) -> i64,
    ) -> Vec<Wait> {
        let mut waits = Vec::new();
        for journey in of.iter().filter(|journey| journey.start <= self.as_of) {
            let value = value(journey);
            let end = [value, journey.left].into_iter().flatten().min().unwrap_or(self.as_of);
            let arrived = value == Some(end);
            let (start, end) = (journey.start, end.max(journey.start));
            if journey.began - start <= BACK_FILLED {
                waits.push(Wait { time: took(start, end), arrived, entry: 0 });
            } else if end > journey.began {
                let entry = took(start, journey.began);
                // However little of the time they were looked at is counted.
                waits.push(Wait { time: took(start, end).max(entry + 1), arrived, entry });
            }
        }
        waits
    }

    /// How far people got in thirty days, of those whose thirty days are over; and who still has some.
    pub(super) fn funnel(&self, of: &[&Journey]) -> ([usize; 4], usize) {
        let (mut reached, mut under_way) = ([0; 4], 0);
        for journey in of {
            if self.as_of - journey.began < HORIZON {
                under_way += 1;
                continue;
            }
            let told = || journey.steps.values().map(|told| until_done(told));
            let is_met =
                |state: &str| matches!(state, "running" | "waiting" | "failed" | "changed" | "satisfied");
            let met = told()
                .filter_map(|told| told.iter().find(|(.., state)| is_met(state)).map(|told| told.0))
                .min();
            let done = told()
                .filter_map(|told| told.last().filter(|(.., state)| is_done(state)).map(|told| told.0))
                .min();
            let mut last = journey.began;
            for (count, at) in reached.iter_mut().zip([Some(journey.began), met, done, journey.value]) {
                match at.filter(|at| *at >= last && at - journey.began <= HORIZON) {
                    Some(at) => (last, *count) = (at, *count + 1),
                    None => break,
                }
            }
        }
        (reached, under_way)
    }

    /// What each step took.
    pub(super) fn steps(&self, of: &[&Journey]) -> BTreeMap<&'static str, Step> {
        let mut steps: BTreeMap<&'static str, Step> = BTreeMap::new();
        for journey in of {
            let end = journey.left.unwrap_or(self.as_of);
            for (name, told) in &journey.steps {
                let told = until_done(told);
                let Some(first) = told.iter().position(|(.., state)| !matches!(*state, "ready" | "pending"))
                else {
                    continue;
                };
                let step = steps.entry(name).or_default();
                step.people.insert(journey.person);
                step.journeys += 1;
                step.tried +=
                    i64::from(told.iter().any(|(.., state)| matches!(*state, "running" | "failed")));
                step.failed += i64::from(told.iter().any(|(.., state)| *state == "failed"));
                for (index, (at, _, state)) in told.iter().enumerate() {
                    let over = told.get(index + 1).map_or(end.max(*at), |next| next.0);
                    match *state {
                        "running" => step.doing += over - at,
                        "waiting" => step.waiting += over - at,
                        "failed" => step.failing += over - at,
                        _ => {}
                    }
                }
                let done =
                    told.last().filter(|(at, _, state)| is_done(state) && *at <= end).map(|told| told.0);
                let entered = told.get(first).map_or(0, |told| told.0);
                let time = (done.unwrap_or(end) - entered).max(0);
                step.waits.push(Wait { time, arrived: done.is_some(), entry: 0 });
            }
        }
        steps
    }
}

impl Surveys {
    /// Each person counts once with what they said first; five or more who did not all say the same come out together.
    fn of(company: &Company) -> Self {
        let mut endings: BTreeMap<&'static str, Vec<(usize, &'static str)>> = BTreeMap::new();
        let mut scores: BTreeMap<(&'static str, &'static str), Vec<(usize, i64)>> = BTreeMap::new();
        for event in company.asked.iter().flat_map(|batch| &batch.events) {
            match &event.what {
                What::Answered { survey, question, score, .. } => {
                    scores.entry((survey, question)).or_default().push((event.person, *score));
                }
                What::Ended { survey, ending, .. } => {
                    endings.entry(survey).or_default().push((event.person, ending));
                }
                _ => {}
            }
        }
        let scale = |asked: &(&str, &str)| {
            let of = QUESTIONS.iter().find(|of| (of.survey, of.id) == *asked);
            of.map_or("", |of| of.scale)
        };
        let endings = endings.into_iter().map(|(survey, said)| (survey, let_out(&said, |ending| *ending)));
        let scores = scores.into_iter().map(|(asked, said)| {
            let shown = match scale(&asked) {
                "nps" => let_out(&said, |score| [*score >= 9, *score >= 7]),
                "csat" => let_out(&said, |score| *score >= 4),
                _ => let_out(&said, |score| *score),
            };
            (asked, shown)
        });
        Self { endings: endings.collect(), scores: scores.collect() }
    }
}

fn let_out<T: Copy, C: PartialEq>(said: &[(usize, T)], shown_as: impl Fn(&T) -> C) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let (mut out, mut waiting) = (Vec::new(), Vec::new());
    for (person, one) in said {
        if seen.insert(*person) {
            waiting.push(*one);
            let differ = waiting.iter().any(|other| shown_as(other) != shown_as(one));
            if waiting.len() >= 5 && differ {
                out.append(&mut waiting);
            }
        }
    }
    out
}

/// How sure an NPS is, to each side.
#[expect(clippy::cast_precision_loss, reason = "people, far below 2^53")]
pub(super) fn half_of_nps(promoters: usize, detractors: usize, n: usize) -> f64 {
    let n = n as f64 + 3.0;
    let (up, down) = ((promoters as f64 + 0.75) / n, (detractors as f64 + 0.75) / n);
    let (low, high) = {
        let half = 1.959_963_984_540_054 * ((up + down - (up - down).powi(2)) / n).sqrt();
        ((up - down - half).max(-1.0), (up - down + half).min(1.0))
    };
    50.0 * (high - low)
}

/// Whoever is in the days that end with one.
fn within(of: &BTreeMap<Date, BTreeSet<usize>>, day: Date, days: i64) -> BTreeSet<usize> {
    let mut people = BTreeSet::new();
    let mut at = day;
    for _ in 0..days {
        people.extend(of.get(&at).into_iter().flatten().copied());
        at = at.yesterday().unwrap_or(at);
    }
    people
}

pub(super) fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

fn is_done(state: &str) -> bool {
    matches!(state, "changed" | "satisfied")
}

/// What happened until it was done first.
fn until_done(told: &[(i64, u64, &'static str)]) -> Vec<(i64, u64, &'static str)> {
    let done = told.iter().position(|(.., state)| is_done(state)).map_or(told.len(), |index| index + 1);
    told.iter().take(done).copied().collect()
}

fn day(zone: &TimeZone, at: i64) -> Date {
    zone.to_datetime(Timestamp::from_millisecond(at).unwrap_or_default()).date()
}

/// How many arrived.
pub(super) fn arrived(waits: &[Wait]) -> usize {
    waits.iter().filter(|wait| wait.arrived).count()
}

/// The time by which a share has arrived, by the product of what remains at each arrival; nothing if they have not.
#[expect(clippy::cast_precision_loss, reason = "milliseconds and people, far below 2^53")]
pub(super) fn quantile(waits: &[Wait], share: f64) -> Option<f64> {
    let times: BTreeSet<i64> = waits.iter().filter(|wait| wait.arrived).map(|wait| wait.time).collect();
    let mut waiting = 1.0;
    let mut exactly_at: Option<i64> = None;
    for time in times {
        let at_risk =
            waits.iter().filter(|wait| wait.time >= time && (wait.entry == 0 || wait.entry < time)).count();
        let arrive = waits.iter().filter(|wait| wait.arrived && wait.time == time).count();
        waiting *= (at_risk - arrive) as f64 / at_risk as f64;
        let beyond = waiting - (1.0 - share);
        if beyond.abs() < 1e-9 {
            exactly_at = exactly_at.or(Some(time));
        } else if beyond < 0.0 {
            return Some(f64::midpoint(exactly_at.unwrap_or(time) as f64, time as f64));
        }
    }
    exactly_at.map(|time| time as f64)
}
