//! Who is in which group, and which groups may be told of.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use firstlight_contract::kpis::InsightsFilters;
use jiff::{Timestamp, tz::TimeZone};
use roaring::RoaringBitmap;

use super::{
    Filter, Period, SMALLEST,
    disclosure::{Groups, answerable},
    filter::{MOST_WIDE, Release, name_of},
    story::{Beginning, Journey},
};

/// A journey that has begun.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) journey: Journey,
    pub(super) began: Beginning,
    /// When its clock started, if that is known.
    pub(super) start: Option<i64>,
    month: Option<Period>,
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
            let at = start.and_then(|start| Timestamp::from_millisecond(start).ok());
            without_clock += u64::from(at.is_none());
            let month = at.map(|at| Period::month_of(zone.to_datetime(at).date()));
            members.push(Member { journey, began, start, month });
        }
        let shown = shown(members.iter(), |_| true);
        Self { members, shown, without_beginning, without_clock }
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
        let part = self.members.iter().filter(|member| is_one(member));
        if filter.width() == 0 {
            // Everybody is told of first, whatever else is: only how many they are counts.
            let people: RoaringBitmap = part.map(|member| member.journey.person).collect();
            return self.shown.contains(filter) && people.len() >= SMALLEST;
        }
        shown(part, |filter| self.shown.contains(filter)).contains(filter)
    }

    /// Whether nothing may be said of a filter that has somebody.
    pub(super) fn hides(&self, filter: &Filter) -> bool {
        matches!(self.group(filter), Group::Hidden)
    }

    /// Every journey, for figures that see to it themselves whom they are about.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = (&Beginning, u32)> {
        self.members.iter().map(|member| (&member.began, member.journey.person))
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

/// Journeys that no filter tells apart.
type Atom<'a> = (&'a str, Option<&'a Release>, Option<Period>);

/// Every filter that has one of these and may be told of, of those that are told of at all.
fn shown<'a>(
    members: impl Iterator<Item = &'a Member>,
    is_told: impl Fn(&Filter) -> bool,
) -> BTreeSet<Filter> {
    let mut atoms: BTreeMap<Atom<'_>, RoaringBitmap> = BTreeMap::new();
    for member in members {
        let atom = (member.began.persona.as_str(), member.began.release.as_ref(), member.month);
        atoms.entry(atom).or_default().insert(member.journey.person);
    }
    let mut questions: BTreeMap<Filter, Groups> = BTreeMap::new();
    for (index, (persona, release, month)) in atoms.keys().enumerate() {
        for filter in filters_of(persona, *release, *month) {
            questions.entry(filter).or_default().push(index);
        }
    }
    let groups: Vec<RoaringBitmap> = atoms.into_values().collect();
    let people =
        |some: &Groups| some.iter().fold(RoaringBitmap::new(), |all, index| all | &groups[*index]).len();
    let delicate = delicate(&questions, &|some| people(some));
    // Totals before their parts, and what is about many before what is about few.
    let may_be_asked = |(filter, _): &(&Filter, &Groups)| filter.width() <= MOST_WIDE && is_told(filter);
    let mut order: Vec<(&Filter, &Groups)> = questions.iter().filter(may_be_asked).collect();
    order.sort_by_cached_key(|(filter, some)| (filter.width(), Reverse(people(some)), (*filter).clone()));
    let (filters, questions): (Vec<&Filter>, Vec<Groups>) =
        order.into_iter().map(|(filter, some)| (filter, some.clone())).unzip();
    let answers = answerable(&groups, &questions, delicate, SMALLEST);
    filters.into_iter().zip(answers).filter(|(_, may)| *may).map(|(filter, _)| filter.clone()).collect()
}

/// Every filter that journeys are in which no filter tells apart.
fn filters_of(persona: &str, release: Option<&Release>, month: Option<Period>) -> Vec<Filter> {
    let periods: Vec<Option<Period>> = std::iter::once(None)
        .chain(std::iter::successors(month, |period| period.wider()).map(Some))
        .collect();
    let mut filters = Vec::new();
    for persona in [None, Some(persona)] {
        for release in std::iter::once(None).chain(release.map(Some)) {
            for period in &periods {
                let filter = Filter {
                    persona: persona.map(str::to_owned),
                    release: release.cloned(),
                    period: *period,
                };
                filters.push(filter);
            }
        }
    }
    filters
}

/// What is too narrow to be asked, and what all the small parts of one kind of a group are together.
fn delicate(questions: &BTreeMap<Filter, Groups>, people: &dyn Fn(&Groups) -> u64) -> Vec<Groups> {
    // By the wider group and what parts it: 0 to 2 for persona, release, period; periods by their length.
    let mut small: BTreeMap<(Filter, usize, usize), Groups> = BTreeMap::new();
    for (filter, some) in questions {
        for wider in filter.wider() {
            if people(some) < SMALLEST {
                let kind = match (filter.persona == wider.persona, filter.release == wider.release) {
                    (false, _) => 0,
                    (_, false) => 1,
                    _ => 2,
                };
                let length = filter.period.map_or(0, |period| period.to_string().len());
                small.entry((wider, kind, length)).or_default().extend(some);
            }
        }
    }
    let together = |mut some: Groups| {
        some.sort_unstable();
        some.dedup();
        some
    };
    let too_narrow = questions.iter().filter(|(filter, _)| filter.width() > MOST_WIDE);
    small.into_values().map(together).chain(too_narrow.map(|(_, some)| some.clone())).collect()
}
