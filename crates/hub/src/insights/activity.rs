//! Who is active. Persona and release of somebody on a day are those of the journey they began last by then.

use firstlight_contract::kpis::{ActiveDay, ActivityTable, Kpi, KpiAnswer};
use firstlight_metrics::activity::Activity;
use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};
use roaring::{MultiOps as _, RoaringBitmap};

use super::{
    Filter, Insights, SMALLEST, beside, bitmap,
    questions::{Place, Split},
};

/// Days of the windows.
const WEEK: i64 = 7;
const MONTH: i64 = 28;

/// What each person is on some day, by number. Who has begun nothing is nothing.
pub(super) type Roles = Vec<Option<Place>>;

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
        let days = beside::each(&days, |day| self.active_on(*day, &whom));
        ActivityTable { filter: filter.to_view(), days }
    }

    /// Who is active by a day.
    pub(super) fn active_on(&self, day: Date, filter: &Filter) -> ActiveDay {
        let roles = self.roles(day, filter);
        let window = |days: i64| {
            let from = day.saturating_sub((days - 1).days());
            // Of days that are too old only their own people are known, and of them only how many they are.
            if let Some(past) = self.past_people.range(from..).next() {
                let known = (days == 1 && filter.width() == 0 && *past.0 == day).then_some(*past.1);
                return self.past(known);
            }
            let people = self.people.range(from..=day).map(|(_, people)| people).union();
            self.active(&people, &roles, filter)
        };
        let [daily, weekly, monthly] = [1, WEEK, MONTH].map(window);
        ActiveDay { day: Some(day.to_string()), daily, weekly, monthly }
    }

    /// How many of 28 days' people (`monthly`) come on a working day.
    pub(super) fn stickiness(&self, day: Date, filter: &Filter, monthly: &Kpi) -> Kpi {
        let KpiAnswer::Known { counts, .. } = monthly.answer else {
            return self.kpi(monthly.answer.clone());
        };
        let roles = self.roles(day, filter);
        let is_asked = self.is_asked(filter);
        let asked =
            bitmap(roles.iter().flatten().filter(|place| is_asked(place)).map(|(.., person)| *person));
        let mut activity = Activity::default();
        let from = day.saturating_sub((MONTH - 1).days());
        for (day, people) in self.people.range(from..=day) {
            if filter.width() == 0 {
                activity.add_all(*day, people);
            } else {
                activity.add_all(*day, &(people & &asked));
            }
        }
        let working = |day: Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.kpi(match activity.stickiness(day, working) {
            None => KpiAnswer::NotEnough,
            // Everybody is counted; what could be unsure is only what is not known.
            Some(value) => KpiAnswer::Known { value, ci: [Some(value); 2], counts },
        })
    }

    /// How many there were on a day that is too old for more, if that is what is asked.
    fn past(&self, people: Option<u64>) -> Kpi {
        match people {
            None => self.kpi(KpiAnswer::NotEnough),
            Some(people) if people < SMALLEST => self.kpi(KpiAnswer::Suppressed),
            Some(people) => self.count(people),
        }
    }

    /// How many of these are as asked, if that may be told.
    pub(super) fn active(&self, people: &RoaringBitmap, roles: &Roles, filter: &Filter) -> Kpi {
        if filter.width() == 0 {
            let is_few = (1..SMALLEST).contains(&people.len());
            return if is_few { self.kpi(KpiAnswer::Suppressed) } else { self.count(people.len()) };
        }
        let begun: Vec<Place> = places(people, roles).collect();
        let is_asked = self.is_asked(filter);
        let asked = begun.iter().filter(|place| is_asked(place)).count() as u64;
        if asked == 0 {
            return self.count(0);
        }
        // Who has begun nothing is in the total only, which then tells of them together with everybody.
        let others = people.len() - begun.len() as u64;
        if asked < SMALLEST || (1..SMALLEST).contains(&others) || !self.may_be_told(begun, filter) {
            return self.kpi(KpiAnswer::Suppressed);
        }
        self.count(asked)
    }

    /// Who is what by a day; nobody where it is not asked.
    pub(super) fn roles(&self, day: Date, filter: &Filter) -> Roles {
        let mut roles = Roles::new();
        if filter.width() == 0 {
            return roles;
        }
        for member in self.cohorts.roles(day) {
            roles.resize(member.journey.person as usize, None);
            roles.push(Some(member.place()));
        }
        roles
    }

    /// Those of these people who are as asked.
    pub(super) fn only(&self, people: &RoaringBitmap, filter: &Filter, roles: &Roles) -> RoaringBitmap {
        if filter.width() == 0 {
            return people.clone();
        }
        let is_asked = self.is_asked(filter);
        bitmap(places(people, roles).filter(is_asked).map(|(.., person)| person))
    }

    /// Whether somebody is as asked.
    fn is_asked<'a>(&'a self, filter: &'a Filter) -> impl Fn(&Place) -> bool {
        let questions = &self.cohorts.questions;
        let (mut atoms, team) = (vec![false; self.cohorts.atoms], questions.team(filter));
        questions.atoms(filter).iter().for_each(|atom| atoms[*atom] = true);
        move |(atom, of, _)| match filter.team {
            Some(_) => team.is_some() && *of == team,
            None => atoms[*atom],
        }
    }

    /// Whether it may be told how many of these people are as asked, beside every other such question about them.
    fn may_be_told(&self, people: Vec<Place>, asked: &Filter) -> bool {
        let may_be_asked = |filter: &Filter| filter.period.is_none();
        let split = Split::of(people.into_iter(), self.cohorts.atoms);
        self.cohorts.questions.answered(&split, may_be_asked, Some(asked)).contains(asked)
    }
}

/// What these people are.
fn places<'a>(people: &'a RoaringBitmap, roles: &'a Roles) -> impl Iterator<Item = Place> + 'a {
    people.iter().filter_map(|person| *roles.get(person as usize)?)
}
