//! Who is active. Persona and release of somebody on a day are those of the journey they began last by then.

use std::{cmp::Reverse, collections::BTreeMap};

use firstlight_contract::kpis::{ActiveDay, ActivityTable, Kpi, KpiAnswer, KpiCounts};
use firstlight_metrics::activity::Activity;
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
};
use roaring::RoaringBitmap;

use super::{
    Filter, Insights, SMALLEST,
    disclosure::{Groups, answerable},
    filter::Release,
    story::Beginning,
};

/// Days of the windows.
const WEEK: i64 = 7;
const MONTH: i64 = 28;

/// Who is what on some day: by persona and release; nothing for who has begun nothing.
type Roles<'a> = BTreeMap<Option<(&'a str, Option<&'a Release>)>, RoaringBitmap>;

impl Insights {
    /// Each day of the period, up to now; of the last 28 days if there is none.
    pub fn activity(&self, filter: &Filter) -> ActivityTable {
        let days: Vec<Date> = match (self.day(), filter.period) {
            (None, _) => Vec::new(),
            (Some(today), Some(period)) => period.days().take_while(|day| *day <= today).collect(),
            (Some(today), None) => (0..MONTH).rev().map(|back| today.saturating_sub(back.days())).collect(),
        };
        // The period says which days, not whom.
        let whom = Filter { period: None, ..filter.clone() };
        let days = days.into_iter().map(|day| self.active_on(day, &whom).0).collect();
        ActivityTable { filter: filter.to_view(), days }
    }

    /// Who is active by a day, and how many of 28 days' people come on a working day.
    pub(super) fn active_on(&self, day: Date, filter: &Filter) -> (ActiveDay, Kpi) {
        let roles = self.roles(day, filter);
        let window = |days: i64| {
            let from = day.saturating_sub((days - 1).days());
            self.people.range(from..=day).fold(RoaringBitmap::new(), |all, (_, people)| all | people)
        };
        let monthly = self.active(&window(MONTH), &roles, filter);
        let stickiness = match &monthly.answer {
            KpiAnswer::Known { counts, .. } => self.stickiness(day, &roles, filter, *counts),
            other => self.kpi(other.clone()),
        };
        let active = ActiveDay {
            day: Some(day.to_string()),
            daily: self.active(&window(1), &roles, filter),
            weekly: self.active(&window(WEEK), &roles, filter),
            monthly,
        };
        (active, stickiness)
    }

    fn stickiness(&self, day: Date, roles: &Roles<'_>, filter: &Filter, counts: KpiCounts) -> Kpi {
        let whom = is_in(filter, roles);
        let mut activity = Activity::default();
        let from = day.saturating_sub((MONTH - 1).days());
        for (day, people) in self.people.range(from..=day) {
            activity.add_all(*day, &(people & &whom));
        }
        let working = |day: Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.kpi(match activity.stickiness(day, working) {
            None => KpiAnswer::NotEnough,
            // Everybody is counted; what could be unsure is only what is not known.
            Some(value) => KpiAnswer::Known { value, ci: [Some(value); 2], counts },
        })
    }

    /// How many of these are as asked, if that may be told.
    fn active(&self, people: &RoaringBitmap, roles: &Roles<'_>, filter: &Filter) -> Kpi {
        let asked = people & &is_in(filter, roles);
        if asked.is_empty() {
            return self.count(0);
        }
        if asked.len() < SMALLEST || !may_be_told(people, roles, filter) {
            return self.kpi(KpiAnswer::Suppressed);
        }
        self.count(asked.len())
    }

    /// Who is what by a day. Not asked about anybody in particular, it does not matter.
    fn roles(&self, day: Date, filter: &Filter) -> Roles<'_> {
        let mut roles = Roles::new();
        let mut nothing: RoaringBitmap =
            self.people.range(..=day).fold(RoaringBitmap::new(), |all, (_, who)| all | who);
        if filter.width() > 0 {
            let mut last: BTreeMap<u32, &Beginning> = BTreeMap::new();
            for (began, person) in self.cohorts.beginnings() {
                let on =
                    Timestamp::from_millisecond(began.moment.time).map(|at| self.zone.to_datetime(at).date());
                if on.is_ok_and(|on| on <= day)
                    && last.get(&person).is_none_or(|known| known.moment < began.moment)
                {
                    last.insert(person, began);
                }
            }
            for (person, began) in last {
                nothing.remove(person);
                let role = (began.persona.as_str(), began.release.as_ref());
                roles.entry(Some(role)).or_default().insert(person);
            }
        }
        roles.insert(None, nothing);
        roles
    }
}

fn matches(filter: &Filter, role: Option<(&str, Option<&Release>)>) -> bool {
    match role {
        None => filter.width() == 0,
        Some((persona, release)) => {
            filter.persona.as_ref().is_none_or(|asked| asked == persona)
                && filter.release.as_ref().is_none_or(|asked| Some(asked) == release)
        }
    }
}

fn is_in(filter: &Filter, roles: &Roles<'_>) -> RoaringBitmap {
    let in_it = roles.iter().filter(|(role, _)| matches(filter, **role));
    in_it.fold(RoaringBitmap::new(), |all, (_, people)| all | people)
}

/// Whether it may be told how many of these people are as asked, beside every other such question about them.
fn may_be_told(people: &RoaringBitmap, roles: &Roles<'_>, asked: &Filter) -> bool {
    if asked.width() == 0 {
        return true;
    }
    let groups: Vec<RoaringBitmap> = roles.values().map(|role| role & people).collect();
    let mut questions: BTreeMap<Filter, Groups> = BTreeMap::new();
    for (index, (role, _)) in roles.iter().enumerate().filter(|(index, _)| !groups[*index].is_empty()) {
        let everybody = Filter::default();
        questions.entry(everybody.clone()).or_default().push(index);
        let Some((persona, release)) = role else { continue };
        let of_persona = Filter { persona: Some((*persona).to_owned()), ..everybody.clone() };
        if let Some(release) = release {
            let release = Some(Clone::clone(*release));
            questions.entry(Filter { release: release.clone(), ..everybody }).or_default().push(index);
            questions.entry(Filter { release, ..of_persona.clone() }).or_default().push(index);
        }
        questions.entry(of_persona).or_default().push(index);
    }
    let size = |some: &Groups| {
        some.iter().filter_map(|index| groups.get(*index)).map(RoaringBitmap::len).sum::<u64>()
    };
    let mut order: Vec<(&Filter, &Groups)> = questions.iter().collect();
    order.sort_by_cached_key(|(filter, some)| (filter.width(), Reverse(size(some)), (*filter).clone()));
    let questions: Vec<Groups> = order.iter().map(|(_, some)| (*some).clone()).collect();
    let answers = answerable(&groups, &questions, [], SMALLEST);
    order.iter().zip(answers).any(|((filter, _), may)| may && *filter == asked)
}
