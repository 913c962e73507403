//! Who is in which group, and which groups may be told of.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::kpis::InsightsFilters;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use roaring::RoaringBitmap;

use super::{
    Filter, Period, SMALLEST,
    filter::{Release, name_of},
    questions::{Atom, Questions},
    story::{Beginning, Journey},
};

/// A journey that has begun.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) journey: Journey,
    pub(super) began: Beginning,
    /// When its clock started, if that is known.
    pub(super) start: Option<i64>,
    /// On which day the journey began.
    pub(super) day: Option<Date>,
    month: Option<Period>,
    /// The number of its atom.
    pub(super) atom: usize,
}

impl Member {
    fn is_in(&self, filter: &Filter) -> bool {
        filter.persona.as_ref().is_none_or(|persona| *persona == self.began.persona)
            && filter.release.as_ref().is_none_or(|release| Some(release) == self.began.release.as_ref())
            && filter.period.is_none_or(|period| self.month.is_some_and(|month| period.holds(month)))
    }

    /// The people some journeys are of.
    pub(super) fn people<'a>(members: impl IntoIterator<Item = &'a &'a Self>) -> RoaringBitmap {
        members.into_iter().map(|member| member.journey.person).collect()
    }
}

/// Some journeys, as far as they may be told of.
#[derive(Debug)]
pub(super) enum Group<'a> {
    /// There are none.
    Nobody,
    /// There are some, of which nothing is said.
    Hidden,
    /// There are these.
    Shown(Vec<&'a Member>),
}

/// Every journey that has begun.
#[derive(Debug)]
pub(super) struct Cohorts {
    members: Vec<Member>,
    pub(super) questions: Questions,
    pub(super) atoms: usize,
    shown: BTreeSet<Filter>,
    pub(super) without_beginning: u64,
    pub(super) without_clock: u64,
}

impl Cohorts {
    pub(super) fn of(journeys: impl Iterator<Item = Journey>, zone: &TimeZone) -> Self {
        let mut members = Vec::new();
        let (mut without_beginning, mut without_clock) = (0, 0);
        for journey in journeys {
            let Some(began) = journey.began.clone() else {
                without_beginning += 1;
                continue;
            };
            let start = journey.clock_start();
            let day = day_of(began.moment.time, zone);
            let month = start.and_then(|start| day_of(start, zone)).map(Period::month_of);
            without_clock += u64::from(month.is_none());
            members.push(Member { journey, began, start, day, month, atom: 0 });
        }
        let atom = |member: &Member| -> Atom {
            (member.began.persona.clone(), member.began.release.clone(), member.month)
        };
        let mut atoms: BTreeMap<Atom, usize> = members.iter().map(|member| (atom(member), 0)).collect();
        for (number, of) in atoms.values_mut().enumerate() {
            *of = number;
        }
        for member in &mut members {
            member.atom = atoms.get(&atom(member)).copied().unwrap_or_default();
        }
        let questions = Questions::about(atoms.keys());
        let groups = by_atom(members.iter(), atoms.len());
        let shown = questions.answered(&groups, |_| true, None);
        Self { members, questions, atoms: atoms.len(), shown, without_beginning, without_clock }
    }

    /// The only way to people: whom a filter is about, if they may be told of.
    pub(super) fn group(&self, filter: &Filter) -> Group<'_> {
        let members: Vec<&Member> = self.members.iter().filter(|member| member.is_in(filter)).collect();
        if members.is_empty() {
            Group::Nobody
        } else if self.shown.contains(filter) {
            Group::Shown(members)
        } else {
            Group::Hidden
        }
    }

    /// Whether those of a group that `is_one` picks out may be told of, beside what is told of them under every other
    /// filter.
    pub(super) fn tells_of(&self, filter: &Filter, is_one: impl Fn(&Member) -> bool) -> bool {
        let part: Vec<&Member> = self.members.iter().filter(|member| is_one(member)).collect();
        if part.len() == self.members.len() {
            return self.shown.contains(filter);
        }
        let part = part.into_iter();
        if filter.width() == 0 {
            // Everybody is told of first, whatever else is: only how many they are counts.
            let people: RoaringBitmap = part.map(|member| member.journey.person).collect();
            return self.shown.contains(filter) && people.len() >= SMALLEST;
        }
        let groups = by_atom(part, self.atoms);
        let told = |filter: &Filter| self.shown.contains(filter);
        self.questions.answered(&groups, told, Some(filter)).contains(filter)
    }

    /// Whether nothing may be said of a filter that has somebody.
    pub(super) fn hides(&self, filter: &Filter) -> bool {
        matches!(self.group(filter), Group::Hidden)
    }

    /// What everybody is by a day: the journey they began last.
    pub(super) fn roles(&self, by: Date) -> BTreeMap<u32, &Member> {
        let mut last: BTreeMap<u32, &Member> = BTreeMap::new();
        for member in self.members.iter().filter(|member| member.day.is_some_and(|day| day <= by)) {
            let known = last.entry(member.journey.person).or_insert(member);
            if known.began.moment < member.began.moment {
                *known = member;
            }
        }
        last
    }

    /// How many have begun.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Every persona, hidden or not.
    pub(super) fn personas(&self) -> BTreeSet<&String> {
        self.members.iter().map(|member| &member.began.persona).collect()
    }

    /// Every release, hidden or not.
    pub(super) fn releases(&self) -> BTreeSet<&Release> {
        self.members.iter().filter_map(|member| member.began.release.as_ref()).collect()
    }

    pub(super) fn filters(&self) -> InsightsFilters {
        let mut filters = InsightsFilters::default();
        for filter in &self.shown {
            match filter {
                Filter { persona: Some(persona), release: None, period: None } => {
                    filters.personas.push(persona.clone());
                }
                Filter { persona: None, release: Some(release), period: None } => {
                    filters.releases.push(name_of(release));
                }
                Filter { persona: None, release: None, period: Some(period) } => {
                    filters.periods.push(period.to_string());
                }
                _ => {}
            }
        }
        filters.periods.sort_by(|a, b| b.cmp(a));
        filters
    }
}

fn day_of(at: i64, zone: &TimeZone) -> Option<Date> {
    Timestamp::from_millisecond(at).ok().map(|at| zone.to_datetime(at).date())
}

/// The people of each atom.
fn by_atom<'a>(members: impl Iterator<Item = &'a Member>, atoms: usize) -> Vec<RoaringBitmap> {
    let mut groups = vec![RoaringBitmap::new(); atoms];
    for member in members {
        if let Some(group) = groups.get_mut(member.atom) {
            group.insert(member.journey.person);
        }
    }
    groups
}
