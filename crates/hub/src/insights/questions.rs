//! Every question there is, and which of them are answered.
//!
//! Journeys that no filter tells apart are one atom; a filter is about some atoms. Which atoms there are is settled once; who of
//! them a table is about, and so what may be told, is settled for each. Teams come after everything else, see [`teams`].
//!
//! Where only some of several may be told, those are that were about enough people first, see [`Precedence`]. If it were the
//! largest, one could be told today and another one tomorrow, and both together tell of the few beside them. What has been about
//! enough people and is about a few now counts as known: it is not told, and nothing that would follow with it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Filter, Period, SMALLEST,
    disclosure::{Groups, People, answerable, people},
    filter::{MOST_WIDE, Release},
    precedence::{Precedence, Standing},
    teams,
};

/// What filters can tell of a journey: persona, release and month.
pub(super) type Atom = (String, Option<Release>, Option<Period>);

/// Somebody's journey: its atom, their team, who they are.
pub(super) type Place = (usize, Option<usize>, u32);

/// Those who came first, with when their journeys began, in that order: no more than it takes to be enough.
#[derive(Debug, Clone, Default)]
pub(super) struct First(Vec<(i64, u32)>);

impl First {
    pub(super) fn add(&mut self, began: i64, person: u32) {
        let known = self.0.iter().position(|(_, one)| *one == person);
        if known.is_some_and(|at| self.0[at].0 <= began) {
            return;
        }
        if let Some(at) = known {
            self.0.remove(at);
        }
        let at = self.0.partition_point(|one| *one < (began, person));
        self.0.insert(at, (began, person));
        if self.0.len() as u64 > SMALLEST {
            self.0.pop();
        }
    }

    fn add_all(&mut self, others: &Self) {
        for (began, person) in &others.0 {
            self.add(*began, *person);
        }
    }

    /// When they became enough, if they are.
    fn enough_since(&self) -> Option<i64> {
        let last = self.0.last().filter(|_| self.0.len() as u64 >= SMALLEST);
        last.map(|(began, _)| *began)
    }
}

/// Some people, by the atom of their journey and by their team.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// By atom.
    pub(super) atoms: Vec<People>,
    /// Each of them, in order; nobody where nobody is of a team.
    pub(super) places: Vec<Place>,
}

impl Split {
    /// `some` come in the order of people.
    pub(super) fn of(some: impl Iterator<Item = Place>, atoms: usize) -> Self {
        let (mut split, mut has_teams) =
            (Self { atoms: vec![People::new(); atoms], places: Vec::new() }, false);
        for place @ (atom, team, person) in some {
            if let Some(group) = split.atoms.get_mut(atom).filter(|group| group.last() != Some(&person)) {
                group.push(person);
                split.places.push(place);
                has_teams |= team.is_some();
            }
        }
        if has_teams {
            split.sort();
        } else {
            split.places.clear();
        }
        split
    }

    /// Into the order of atoms, of teams in each, and of people there: counted out, since there are few of the former.
    fn sort(&mut self) {
        let teams = self.places.iter().filter_map(|(_, team, _)| *team).max().map_or(1, |most| most + 2);
        let drawer = |(atom, team, _): &Place| atom * teams + team.map_or(0, |team| team + 1);
        let mut ends = vec![0; self.atoms.len() * teams + 1];
        for place in &self.places {
            ends[drawer(place) + 1] += 1;
        }
        for index in 1..ends.len() {
            ends[index] += ends[index - 1];
        }
        let mut sorted = vec![Place::default(); self.places.len()];
        for place in &self.places {
            let end = &mut ends[drawer(place)];
            sorted[*end] = *place;
            *end += 1;
        }
        self.places = sorted;
    }
}

/// What a filter is about.
#[derive(Debug, Default)]
struct About {
    atoms: Groups,
    standing: Standing,
}

/// Every filter that is about some atoms.
#[derive(Debug, Default)]
pub(super) struct Questions {
    of: BTreeMap<Filter, About>,
    /// What filters are about that part a wider one in the same way, as all its personas do.
    lines: Vec<Vec<Groups>>,
    /// The names of teams.
    teams: Vec<String>,
    teams_stand: Vec<Standing>,
    /// Who was of enough people first.
    pub(super) precedence: Precedence,
}

impl Questions {
    /// With who came first to each atom, and to each team; `before` is what is known of which groups were first.
    pub(super) fn about<'a>(
        atoms: impl Iterator<Item = (&'a Atom, First)>,
        teams: impl Iterator<Item = (String, First)>,
        before: &Precedence,
    ) -> Self {
        let mut met: BTreeMap<Filter, (Groups, First)> = BTreeMap::new();
        for (index, (atom, first)) in atoms.enumerate() {
            for filter in filters_of(atom) {
                let (atoms, all) = met.entry(filter).or_default();
                atoms.push(index);
                all.add_all(&first);
            }
        }
        let (teams, firsts): (Vec<String>, Vec<First>) = teams.unzip();
        let of_teams: Vec<Filter> = teams.iter().map(|team| Filter::of_team(team)).collect();
        let since = met.iter().map(|(filter, (_, first))| (filter, first.enough_since()));
        let since = since.chain(of_teams.iter().zip(firsts.iter().map(First::enough_since)));
        let since: BTreeMap<&Filter, Option<i64>> = since.collect();
        let precedence = before.of_now(&since);
        let places = precedence.places();
        let stands = |filter: &Filter| Standing {
            place: places.get(filter).copied(),
            is_few: since.get(filter).is_none_or(Option::is_none),
        };
        let teams_stand = of_teams.iter().map(stands).collect();
        let stand: Vec<Standing> = met.keys().map(stands).collect();
        let of = met.into_iter().zip(stand);
        let of: BTreeMap<Filter, About> =
            of.map(|((filter, (atoms, _)), standing)| (filter, About { atoms, standing })).collect();
        // By the wider filter and what parts it; periods by how long they are.
        let mut lines: BTreeMap<(Filter, [bool; 2], usize), Vec<Groups>> = BTreeMap::new();
        for (filter, About { atoms, .. }) in &of {
            for wider in filter.wider() {
                let same = [filter.persona == wider.persona, filter.release == wider.release];
                let length = filter.period.map_or(0, |period| period.to_string().len());
                lines.entry((wider, same, length)).or_default().push(atoms.clone());
            }
        }
        Self { of, lines: lines.into_values().collect(), teams, teams_stand, precedence }
    }

    /// The atoms a filter is about.
    pub(super) fn atoms(&self, filter: &Filter) -> &[usize] {
        self.of.get(filter).map_or(&[], |about| about.atoms.as_slice())
    }

    /// The names of teams, by number.
    pub(super) fn teams(&self) -> &[String] {
        &self.teams
    }

    /// The number of the team a filter asks for.
    pub(super) fn team(&self, filter: &Filter) -> Option<usize> {
        self.teams.binary_search(filter.team.as_ref()?).ok()
    }

    /// Of the filters that may be asked, those that are answered about these people; all others are groups that must not
    /// follow from answers. What would be answered after `until` changes nothing about it, and is left out. Teams come last.
    pub(super) fn answered(
        &self,
        split: &Split,
        may_be_asked: impl Fn(&Filter) -> bool,
        until: Option<&Filter>,
    ) -> BTreeSet<Filter> {
        match until {
            // Whether a team may be told of does not hang on which of the others are: it is asked beside all of them.
            Some(until) if until.team.is_some() => {
                let others =
                    self.of.iter().filter(|(filter, _)| filter.width() <= MOST_WIDE && may_be_asked(filter));
                let others: Vec<&[usize]> = others.map(|(_, about)| about.atoms.as_slice()).collect();
                let everybody = self.atoms(&Filter::default());
                self.teams_beside(split, &others, &[everybody], may_be_asked).collect()
            }
            Some(_) => self.without_teams(split, may_be_asked, until),
            None => {
                let mut told = self.without_teams(split, &may_be_asked, None);
                let sums: Vec<&[usize]> = told.iter().map(|filter| self.atoms(filter)).collect();
                let teams: Vec<Filter> = self.teams_beside(split, &sums, &sums, may_be_asked).collect();
                told.extend(teams);
                told
            }
        }
    }

    /// The teams that are told of beside what may be (`others`) and what is (`told`).
    fn teams_beside(
        &self,
        split: &Split,
        others: &[&[usize]],
        told: &[&[usize]],
        may_be_asked: impl Fn(&Filter) -> bool,
    ) -> impl Iterator<Item = Filter> {
        let filter = |team: usize| self.teams.get(team).map(|team| Filter::of_team(team));
        let may_be_asked = |team: usize| filter(team).is_some_and(|filter| may_be_asked(&filter));
        teams::told(split, &self.teams_stand, others, told, may_be_asked).into_iter().filter_map(filter)
    }

    fn without_teams(
        &self,
        split: &Split,
        may_be_asked: impl Fn(&Filter) -> bool,
        until: Option<&Filter>,
    ) -> BTreeSet<Filter> {
        let groups = split.atoms.as_slice();
        let size = |index: &usize| groups.get(*index).map_or(0, Vec::len);
        let met =
            |atoms: &[usize]| -> Groups { atoms.iter().copied().filter(|index| size(index) > 0).collect() };
        // What has a large atom is not about a few, and most filters have one: they need no second look.
        let may_be_few = |atoms: &[usize]| atoms.iter().all(|index| (size(index) as u64) < SMALLEST);
        let may_be_asked = |filter: &Filter| filter.width() <= MOST_WIDE && may_be_asked(filter);
        let (mut order, mut never, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for (filter, About { atoms, standing }) in &self.of {
            if standing.is_known() {
                known.push(met(atoms));
            } else if atoms.iter().any(|index| size(index) > 0) && may_be_asked(filter) {
                order.push((filter, standing.order(), atoms));
            } else if may_be_few(atoms) {
                never.push(met(atoms));
            }
        }
        never.extend(teams::in_atoms(split, self.of.values().map(|about| about.atoms.as_slice())));
        // Totals before their parts, and what was about enough people first before what was later.
        let parts_of_years =
            |filter: &Filter| std::iter::successors(filter.period, |part| part.wider()).count();
        order.sort_by_key(|(filter, stands, _)| (filter.width(), parts_of_years(filter), *stands, *filter));
        let wanted = order.iter().position(|(filter, ..)| Some(*filter) == until);
        let wanted = wanted.map_or(order.len(), |at| at + 1);
        let small_together = self.lines.iter().map(|line| {
            let small = line.iter().filter(|atoms| may_be_few(atoms)).map(|atoms| met(atoms));
            let small = small.filter(|some| people(groups, some) < SMALLEST);
            let all: BTreeSet<usize> = small.flatten().collect();
            all.into_iter().collect::<Groups>()
        });
        let (filters, questions): (Vec<&Filter>, Vec<Groups>) =
            order.into_iter().map(|(filter, _, atoms)| (filter, met(atoms))).unzip();
        let answers = answerable(groups, &known, &questions, small_together.chain(never), SMALLEST);
        filters
            .into_iter()
            .zip(answers)
            .take(wanted)
            .filter(|(_, may)| *may)
            .map(|(filter, _)| filter.clone())
            .collect()
    }
}

/// Every filter an atom is in.
fn filters_of((persona, release, month): &Atom) -> Vec<Filter> {
    let months = std::iter::successors(*month, |period| period.wider());
    let periods: Vec<Option<Period>> = std::iter::once(None).chain(months.map(Some)).collect();
    let mut filters = Vec::new();
    for persona in [None, Some(persona)] {
        for release in std::iter::once(None).chain(release.as_ref().map(Some)) {
            for period in &periods {
                let (persona, release) = (persona.cloned(), release.cloned());
                filters.push(Filter { persona, release, period: *period, team: None });
            }
        }
    }
    filters
}
