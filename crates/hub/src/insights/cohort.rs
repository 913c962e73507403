//! Who is in which group, and which groups may be told of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use firstlight_contract::kpis::InsightsFilters;
use firstlight_domain::id::TeamId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::{
    Filter, Period, SMALLEST, beside, bitmap,
    filter::{Release, name_of},
    precedence::Precedence,
    questions::{Atom, First, Place, Questions, Split},
    story::{Beginning, Journey, StepFacts},
};

/// A person and the id of a journey of theirs.
pub(super) type JourneyKey = (u32, Uuid);

/// A journey that has begun.
#[derive(Debug)]
pub(super) struct Member {
    id: Uuid,
    pub(super) journey: Journey,
    /// The numbers of the journey's steps, one for each.
    steps: Vec<usize>,
    pub(super) began: Beginning,
    /// When its clock started, if that is known.
    pub(super) start: Option<i64>,
    /// On which day the journey began.
    pub(super) day: Option<Date>,
    month: Option<Period>,
    /// The number of its atom.
    pub(super) atom: usize,
    /// The number of the team.
    pub(super) team: Option<usize>,
    /// When the first change was merged that counts for it.
    pub(super) merged: Option<i64>,
}

impl Member {
    fn is_in(&self, filter: &Filter) -> bool {
        filter.persona.as_ref().is_none_or(|persona| *persona == self.began.persona)
            && filter.release.as_ref().is_none_or(|release| Some(release) == self.began.release.as_ref())
            && filter.period.is_none_or(|period| self.month.is_some_and(|month| period.holds(month)))
    }

    /// Its steps, by their numbers.
    pub(super) fn steps(&self) -> impl Iterator<Item = (usize, &StepFacts)> {
        self.steps.iter().copied().zip(self.journey.steps.iter().map(|(_, facts)| facts))
    }

    /// Whose journey it is, and its id.
    pub(super) fn key(&self) -> JourneyKey {
        (self.journey.person, self.id)
    }

    /// How it counts where people are split.
    pub(super) fn place(&self) -> Place {
        (self.atom, self.team, self.journey.person)
    }

    /// The people some journeys are of.
    pub(super) fn people<'a>(members: impl IntoIterator<Item = &'a &'a Self>) -> RoaringBitmap {
        bitmap(members.into_iter().map(|member| member.journey.person))
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

/// What is known of journeys and of whose they are.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) journeys: BTreeMap<(u32, Uuid), Journey>,
    pub(super) merged: BTreeMap<(u32, Uuid), i64>,
    pub(super) teams: BTreeMap<u32, TeamId>,
}

/// Numbers for the steps of packs: names are compared once a journey, not once a figure.
#[derive(Default)]
struct Steps {
    names: Vec<(String, String)>,
    numbers: HashMap<String, HashMap<String, usize>>,
}

impl Steps {
    fn of<'a>(&mut self, pack: &str, steps: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let Self { names, numbers } = self;
        let of_pack = numbers.entry(pack.to_owned()).or_default();
        let number = |step: &str| {
            if let Some(known) = of_pack.get(step) {
                return *known;
            }
            let number = names.len();
            names.push((pack.to_owned(), step.to_owned()));
            of_pack.insert(step.to_owned(), number);
            number
        };
        steps.map(number).collect()
    }
}

/// Every journey that has begun.
#[derive(Debug)]
pub(super) struct Cohorts {
    members: Vec<Member>,
    pub(super) questions: Questions,
    pub(super) atoms: usize,
    /// The pack and the name of each step, by its number.
    pub(super) steps: Vec<(String, String)>,
    shown: BTreeSet<Filter>,
    pub(super) without_beginning: u64,
    pub(super) without_clock: u64,
}

impl Cohorts {
    pub(super) fn of(known: Told, precedence: &Precedence, zone: &TimeZone) -> Self {
        let Told { journeys, merged, teams } = known;
        let names: BTreeSet<&TeamId> = teams.values().collect();
        let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
        let numbers: BTreeMap<u32, usize> = teams
            .iter()
            .filter_map(|(person, team)| {
                Some((*person, names.binary_search_by(|name| name.as_str().cmp(team.as_str())).ok()?))
            })
            .collect();
        let (mut members, mut numbered) = (Vec::new(), Steps::default());
        let (mut without_beginning, mut without_clock) = (0, 0);
        for (key, journey) in journeys {
            let Some(began) = journey.began.clone() else {
                without_beginning += 1;
                continue;
            };
            let start = journey.clock_start();
            let day = day_of(began.moment.time, zone);
            let month = start.and_then(|start| day_of(start, zone)).map(Period::month_of);
            without_clock += u64::from(month.is_none());
            let (team, merged) = (numbers.get(&journey.person).copied(), merged.get(&key).copied());
            let pack = began.release.as_ref().map_or("", |(pack, _)| pack.as_str());
            let steps = numbered.of(pack, journey.steps.iter().map(|(name, _)| name));
            members.push(Member {
                id: key.1,
                journey,
                steps,
                began,
                start,
                day,
                month,
                atom: 0,
                team,
                merged,
            });
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
        let (mut to_atoms, mut to_teams) =
            (vec![First::default(); atoms.len()], vec![First::default(); names.len()]);
        for member in &members {
            let (began, person) = (member.began.moment.time, member.journey.person);
            let met = to_atoms.get_mut(member.atom).into_iter();
            for first in met.chain(member.team.and_then(|team| to_teams.get_mut(team))) {
                first.add(began, person);
            }
        }
        let teams = names.into_iter().zip(to_teams);
        let questions = Questions::about(atoms.keys().zip(to_atoms), teams, precedence);
        let split = Split::of(members.iter().map(Member::place), atoms.len());
        let shown = questions.answered(&split, |_| true, None);
        let (atoms, steps) = (atoms.len(), numbered.names);
        Self { members, questions, atoms, steps, shown, without_beginning, without_clock }
    }

    /// The only way to people: whom a filter is about, if they may be told of.
    pub(super) fn group(&self, filter: &Filter) -> Group<'_> {
        let team = self.questions.team(filter);
        let is_in = |member: &&Member| member.is_in(filter) && (filter.team.is_none() || member.team == team);
        // A team nobody knows has nobody, not those who are of none.
        let nobody = filter.team.is_some() && team.is_none();
        let members: Vec<&Member> = self.members.iter().filter(|_| !nobody).filter(is_in).collect();
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
        self.tells_of_these(filter, &part)
    }

    /// The same of each of so many things that members have, as a step they have met, by its number: whether something may be
    /// told of the people who have it. Of nobody nothing is.
    pub(super) fn tells_of_each<'a, Of: Iterator<Item = usize>>(
        &'a self,
        filter: &Filter,
        many: usize,
        of: impl Fn(&'a Member) -> Of,
    ) -> Vec<bool> {
        if filter.width() == 0 {
            return self.are_enough_with_each(many, of);
        }
        let mut with: Vec<Vec<&Member>> = vec![Vec::new(); many];
        for member in &self.members {
            for thing in of(member) {
                let all = &mut with[thing];
                // Somebody may have it twice.
                if all.last().is_none_or(|last| !std::ptr::eq(*last, member)) {
                    all.push(member);
                }
            }
        }
        beside::each(&with, |part| !part.is_empty() && self.tells_of_these(filter, part))
    }

    /// The same of everybody, who is told of first, whatever else is: only how many they are counts.
    fn are_enough_with_each<'a, Of: Iterator<Item = usize>>(
        &'a self,
        many: usize,
        of: impl Fn(&'a Member) -> Of,
    ) -> Vec<bool> {
        let mut people: Vec<(Option<u32>, u64)> = vec![(None, 0); many];
        for member in &self.members {
            for thing in of(member) {
                let (last, known) = &mut people[thing];
                // In the order of people.
                *known += u64::from(last.replace(member.journey.person) != Some(member.journey.person));
            }
        }
        let is_told = self.shown.contains(&Filter::default());
        people.into_iter().map(|(_, known)| is_told && known >= SMALLEST).collect()
    }

    fn tells_of_these(&self, filter: &Filter, part: &[&Member]) -> bool {
        if part.len() == self.members.len() {
            return self.shown.contains(filter);
        }
        let part = part.iter();
        if filter.width() == 0 {
            // Everybody is told of first, whatever else is: only how many they are counts.
            return self.shown.contains(filter) && is_enough(part.map(|member| member.journey.person));
        }
        let split = Split::of(part.map(|member| member.place()), self.atoms);
        let told = |filter: &Filter| self.shown.contains(filter);
        self.questions.answered(&split, told, Some(filter)).contains(filter)
    }

    /// Whether nothing may be said of a filter that has somebody.
    pub(super) fn hides(&self, filter: &Filter) -> bool {
        matches!(self.group(filter), Group::Hidden)
    }

    /// What everybody is by a day: the journey they began last; in the order of people.
    pub(super) fn roles(&self, by: Date) -> Vec<&Member> {
        let mut roles: Vec<&Member> = Vec::new();
        // In the order of people.
        for member in self.members.iter().filter(|member| member.day.is_some_and(|day| day <= by)) {
            match roles.last_mut().filter(|last| last.journey.person == member.journey.person) {
                Some(last) if last.began.moment < member.began.moment => *last = member,
                Some(_) => {}
                None => roles.push(member),
            }
        }
        roles
    }

    /// When the first clock started, in milliseconds.
    pub(super) fn first_start(&self) -> Option<i64> {
        self.members.iter().filter_map(|member| member.start).min()
    }

    /// The journeys that have begun.
    pub(super) fn keys(&self) -> HashSet<JourneyKey> {
        self.members.iter().map(Member::key).collect()
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
                Filter { persona: Some(persona), release: None, period: None, team: None } => {
                    filters.personas.push(persona.clone());
                }
                Filter { persona: None, release: Some(release), period: None, team: None } => {
                    filters.releases.push(name_of(release));
                }
                Filter { persona: None, release: None, period: Some(period), team: None } => {
                    filters.periods.push(period.to_string());
                }
                Filter { persona: None, release: None, period: None, team: Some(team) } => {
                    filters.teams.push(team.clone());
                }
                _ => {}
            }
        }
        filters.periods.sort_by(|a, b| b.cmp(a));
        filters
    }
}

/// Whether these are enough people, some of whom may come twice, one after the other.
fn is_enough(people: impl Iterator<Item = u32>) -> bool {
    let (mut last, mut many) = (None, 0);
    for person in people {
        many += u64::from(last.replace(person) != Some(person));
        if many >= SMALLEST {
            return true;
        }
    }
    false
}

fn day_of(at: i64, zone: &TimeZone) -> Option<Date> {
    Timestamp::from_millisecond(at).ok().map(|at| zone.to_datetime(at).date())
}
