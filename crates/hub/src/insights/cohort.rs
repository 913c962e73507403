//! Who is in which group, and which groups may be told of.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use firstlight_contract::kpis::InsightsFilters;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
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
    /// On which day the journey began.
    pub(super) day: Option<Date>,
    month: Option<Period>,
}

impl Member {
    /// What filters can tell of it.
    pub(super) fn atom(&self) -> Atom<'_> {
        (&self.began.persona, self.began.release.as_ref(), self.month)
    }

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
            let day = day_of(began.moment.time, zone);
            let month = start.and_then(|start| day_of(start, zone)).map(Period::month_of);
            without_clock += u64::from(month.is_none());
            members.push(Member { journey, began, start, day, month });
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

/// Journeys that no filter tells apart: persona, release and month.
pub(super) type Atom<'a> = (&'a str, Option<&'a Release>, Option<Period>);

/// Every filter that has one of these and may be told of, of those that are told of at all.
fn shown<'a>(
    members: impl Iterator<Item = &'a Member>,
    is_told: impl Fn(&Filter) -> bool,
) -> BTreeSet<Filter> {
    let mut atoms: BTreeMap<Atom<'_>, RoaringBitmap> = BTreeMap::new();
    for member in members {
        atoms.entry(member.atom()).or_default().insert(member.journey.person);
    }
    let mut questions: BTreeMap<Filter, Groups> = BTreeMap::new();
    for (index, (persona, release, month)) in atoms.keys().enumerate() {
        for filter in filters_of(persona, *release, *month) {
            questions.entry(filter).or_default().push(index);
        }
    }
    let groups: Vec<RoaringBitmap> = atoms.into_values().collect();
    answered(&groups, &questions, is_told)
}

/// Of the filters that may be asked, those that are answered: each is the sum of some groups. All others are groups that
/// must not follow from answers.
pub(super) fn answered(
    groups: &[RoaringBitmap],
    questions: &BTreeMap<Filter, Groups>,
    may_be_asked: impl Fn(&Filter) -> bool,
) -> BTreeSet<Filter> {
    let people =
        |some: &Groups| some.iter().fold(RoaringBitmap::new(), |all, index| all | &groups[*index]).len();
    // Totals before their parts, and what is about many before what is about few.
    let may_be_asked = |filter: &Filter| filter.width() <= MOST_WIDE && may_be_asked(filter);
    let (mut order, never): (Vec<_>, Vec<_>) = questions.iter().partition(|(filter, _)| may_be_asked(filter));
    order.sort_by_cached_key(|(filter, some)| (filter.width(), Reverse(people(some)), (*filter).clone()));
    let delicate = small_together(questions, &people).into_iter();
    let delicate = delicate.chain(never.into_iter().map(|(_, some)| some.clone()));
    let (filters, questions): (Vec<&Filter>, Vec<Groups>) =
        order.into_iter().map(|(filter, some)| (filter, some.clone())).unzip();
    let answers = answerable(groups, &questions, delicate, SMALLEST);
    filters.into_iter().zip(answers).filter(|(_, may)| *may).map(|(filter, _)| filter.clone()).collect()
}

/// Every filter that journeys are in which no filter tells apart.
pub(super) fn filters_of(persona: &str, release: Option<&Release>, month: Option<Period>) -> Vec<Filter> {
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

/// What all the small parts of one kind of a group are together.
fn small_together(questions: &BTreeMap<Filter, Groups>, people: &dyn Fn(&Groups) -> u64) -> Vec<Groups> {
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
    small.into_values().map(together).collect()
}
