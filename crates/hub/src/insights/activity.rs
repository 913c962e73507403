//! Who is active. Persona and release of somebody on a day are those of the journey they began last by then.

use firstlight_contract::kpis::{ActiveDay, ActivityTable, Kpi, KpiAnswer, KpiCounts};
use firstlight_metrics::activity::Activity;
use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};
use roaring::RoaringBitmap;

use super::{Filter, Insights, SMALLEST, apart, cohort::Member, questions::Split};

/// Days of the windows.
const WEEK: i64 = 7;
const MONTH: i64 = 28;

/// Who is what on some day. Who has begun nothing is in none.
pub(super) type Roles = Split;

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

    fn stickiness(&self, day: Date, roles: &Roles, filter: &Filter, counts: KpiCounts) -> Kpi {
        let mut activity = Activity::default();
        let from = day.saturating_sub((MONTH - 1).days());
        for (day, people) in self.people.range(from..=day) {
            activity.add_all(*day, &self.only(people, filter, roles));
        }
        let working = |day: Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.kpi(match activity.stickiness(day, working) {
            None => KpiAnswer::NotEnough,
            // Everybody is counted; what could be unsure is only what is not known.
            Some(value) => KpiAnswer::Known { value, ci: [Some(value); 2], counts },
        })
    }

    /// How many of these are as asked, if that may be told.
    pub(super) fn active(&self, people: &RoaringBitmap, roles: &Roles, filter: &Filter) -> Kpi {
        let asked = self.only(people, filter, roles);
        if asked.is_empty() {
            return self.count(0);
        }
        if asked.len() < SMALLEST || !self.may_be_told(people, roles, filter) {
            return self.kpi(KpiAnswer::Suppressed);
        }
        self.count(asked.len())
    }

    /// Who is what by a day; nobody where it is not asked.
    pub(super) fn roles(&self, day: Date, filter: &Filter) -> Roles {
        if filter.width() == 0 {
            return Roles::default();
        }
        let roles = self.cohorts.roles(day);
        Split::of(roles.into_values().map(Member::place), self.cohorts.atoms)
    }

    /// Those of these people who are as asked.
    pub(super) fn only(&self, people: &RoaringBitmap, filter: &Filter, roles: &Roles) -> RoaringBitmap {
        if filter.width() == 0 {
            return people.clone();
        }
        let questions = &self.cohorts.questions;
        if filter.team.is_some() {
            let Some(asked) = questions.team(filter) else { return RoaringBitmap::new() };
            let of_team = roles.teams.iter().filter(|((_, team), _)| *team == Some(asked));
            return of_team.fold(RoaringBitmap::new(), |all, (_, role)| all | (role & people));
        }
        let asked = questions.atoms(filter).iter().filter_map(|atom| roles.atoms.get(*atom));
        asked.fold(RoaringBitmap::new(), |all, role| all | (role & people))
    }

    /// Whether it may be told how many of these people are as asked, beside every other such question about them.
    fn may_be_told(&self, people: &RoaringBitmap, roles: &Roles, asked: &Filter) -> bool {
        if asked.width() == 0 {
            return true;
        }
        let split = roles.among(people);
        // Who has begun nothing is in the total only, which then tells of them together with everybody.
        let begun = split.atoms.iter().fold(RoaringBitmap::new(), |all, group| all | group);
        let may_be_asked = |filter: &Filter| filter.period.is_none();
        apart(people, &begun)
            && self.cohorts.questions.answered(&split, may_be_asked, Some(asked)).contains(asked)
    }
}
