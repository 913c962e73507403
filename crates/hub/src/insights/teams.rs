//! Which teams may be told of beside everything else that is told.
//!
//! Atoms and teams are the two sides of a graph, and people are its edges: each is of one team, in the atom of their journey.
//! What is told without teams gives each atom a number, what is told of teams gives each told team one, and those who are not
//! told of by a team none (the *ground*); whatever follows from all answers together is such a sum, along each edge that of
//! its two ends. Where the graph hangs together, numbers that cancel out along its edges are 0 everywhere, so a sum over the
//! edges between a team and some atoms cannot be made as long as another way leads from those atoms to the team. So a team is
//! told of only where
//!
//! 1. nothing small remains of it, or of what is told, without the other;
//! 2. its part of the graph has five people at least who are of no told team, or all of that part is told without teams;
//! 3. without it, all that it holds together still hangs together, by five of its people at least.
//!
//! That costs as the edges do, where the algebra of [`super::disclosure`] over atoms and teams would cost as their product's
//! square. Teams are asked for by themselves, which keeps it as simple as this.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    SMALLEST,
    disclosure::Groups,
    precedence::Standing,
    questions::{Place, Split},
};

/// Which teams are told of beside sums over some atoms that may be told, and those that are. Each team has its standing: those
/// that had enough people first come before others, and those that are known from before are told of no more, but reckoned with.
pub(super) fn told(
    split: &Split,
    standing: &[Standing],
    others: &[&[usize]],
    anyway: &[&[usize]],
    may_be_asked: impl Fn(usize) -> bool,
) -> BTreeSet<usize> {
    if split.places.is_empty() {
        return BTreeSet::new();
    }
    let graph = Graph::of(split, standing);
    let (others, anyway) = (graph.sums(others), graph.sums(anyway));
    let asked = graph.teams.keys().copied().filter(|team| may_be_asked(*team) && !graph.is_known(*team));
    let mut told: BTreeSet<usize> = asked.filter(|team| graph.stands_apart(*team, &others)).collect();
    loop {
        let mut tells = graph.too_near_the_ground(&told, &anyway);
        if tells.is_empty() {
            tells = graph.hinges(&told);
        }
        if tells.is_empty() {
            return told;
        }
        told.retain(|team| !tells.contains(team));
    }
}

/// The groups that a team has in some atoms where these have nobody else: there they are sums over atoms by themselves.
pub(super) fn in_atoms<'a>(split: &Split, sums: impl Iterator<Item = &'a [usize]>) -> Vec<Groups> {
    let one_team = |of: &[Place]| of.first().zip(of.last()).is_some_and(|(one, other)| one.1 == other.1);
    let mut of_one = split.places.chunk_by(|one, other| one.0 == other.0).filter(|of| one_team(of));
    // Mostly none.
    if !of_one.any(|of| of.iter().all(|(_, team, _)| team.is_some())) {
        return Vec::new();
    }
    let graph = Graph::of(split, &[]);
    let whole: Vec<(&Vec<Edge<'_>>, BTreeSet<usize>)> = graph
        .teams
        .values()
        .map(|edges| {
            let whole = edges.iter().map(|(atom, _)| *atom).filter(|atom| graph.is_of_one_team(*atom));
            (edges, whole.collect::<BTreeSet<usize>>())
        })
        .filter(|(_, whole)| !whole.is_empty())
        .collect();
    let mut found = BTreeSet::new();
    for sum in sums {
        for (edges, whole) in &whole {
            let met = edges.iter().map(|(atom, _)| *atom).filter(|atom| sum.binary_search(atom).is_ok());
            let met: Groups = met.collect();
            if !met.is_empty() && met.iter().all(|atom| whole.contains(atom)) {
                found.insert(met);
            }
        }
    }
    found.into_iter().collect()
}

/// Where it leads, and who is on it.
type Edge<'a> = (usize, &'a [Place]);

/// A team, or none.
type Team = Option<usize>;

struct Graph<'a> {
    /// The atoms of each team, in order.
    teams: BTreeMap<usize, Vec<Edge<'a>>>,
    /// The teams of each atom; those of no team are one.
    atoms: BTreeMap<usize, Vec<(Team, &'a [Place])>>,
    standing: &'a [Standing],
}

impl<'a> Graph<'a> {
    fn of(split: &'a Split, standing: &'a [Standing]) -> Self {
        let mut graph = Self { teams: BTreeMap::new(), atoms: BTreeMap::new(), standing };
        for people in split.places.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let Some((atom, team, _)) = people.first().copied() else { continue };
            graph.atoms.entry(atom).or_default().push((team, people));
            if let Some(team) = team {
                graph.teams.entry(team).or_default().push((atom, people));
            }
        }
        graph
    }

    /// Sums over atoms, of those that have somebody.
    fn sums(&self, sums: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        let has = |atom: &usize| self.atoms.contains_key(atom);
        sums.iter().map(|sum| sum.iter().copied().filter(has).collect()).collect()
    }

    fn is_of_one_team(&self, atom: usize) -> bool {
        self.atoms.get(&atom).is_some_and(|teams| teams.len() == 1)
    }

    fn edges(&self, team: usize) -> &[Edge<'a>] {
        self.teams.get(&team).map(Vec::as_slice).unwrap_or_default()
    }

    fn standing(&self, team: usize) -> Standing {
        self.standing.get(team).copied().unwrap_or_default()
    }

    fn is_known(&self, team: usize) -> bool {
        self.standing(team).is_known()
    }

    fn latest<'b>(&self, teams: impl Iterator<Item = &'b usize>) -> Option<usize> {
        teams.copied().max_by_key(|team| (self.standing(*team).order(), *team))
    }

    /// Those that are known from before.
    fn known(&self) -> impl Iterator<Item = &usize> {
        self.teams.keys().filter(|team| self.is_known(**team))
    }

    /// Whether a team is large enough, and nothing small remains of it or of a sum without the other.
    fn stands_apart(&self, team: usize, sums: &[BTreeSet<usize>]) -> bool {
        let edges = self.edges(team);
        let remains_small = |sum: &BTreeSet<usize>| {
            if edges.iter().all(|(atom, _)| sum.contains(atom)) {
                return up_to_enough(self.of_others(sum, |of| of == Some(team))).is_few();
            }
            let lies_in_team = sum.iter().all(|atom| {
                self.is_of_one_team(*atom) && edges.binary_search_by_key(atom, |edge| edge.0).is_ok()
            });
            let rest = edges.iter().filter(|(atom, _)| !sum.contains(atom)).map(|(_, people)| *people);
            lies_in_team && up_to_enough(rest).is_few()
        };
        up_to_enough(edges.iter().map(|(_, people)| *people)) == Crowd::Enough
            && !sums.iter().any(remains_small)
    }

    /// The people in some atoms who are of none of these teams.
    fn of_others<'b>(
        &'b self,
        atoms: &'b BTreeSet<usize>,
        is_one: impl Fn(Team) -> bool + 'b,
    ) -> impl Iterator<Item = &'a [Place]> + 'b {
        let edges = atoms.iter().filter_map(|atom| self.atoms.get(atom)).flatten();
        edges.filter(move |(team, _)| !is_one(*team)).map(|(_, people)| *people)
    }

    /// The latest team of each part that too few people tie to the ground. Parts hang together by teams that are told of.
    fn too_near_the_ground(&self, told: &BTreeSet<usize>, sums: &[BTreeSet<usize>]) -> BTreeSet<usize> {
        let is_told = |team: Team| team.is_some_and(|team| told.contains(&team) || self.is_known(team));
        let all: BTreeSet<usize> = self.atoms.keys().copied().collect();
        if up_to_enough(self.of_others(&all, is_told)).is_few() {
            return self.latest(told.iter()).into_iter().collect();
        }
        let mut parts = Parts::of(self.atoms.keys());
        self.join(&mut parts, told.iter().chain(self.known()));
        let mut of_part: BTreeMap<usize, (BTreeSet<usize>, BTreeSet<usize>)> = BTreeMap::new();
        for atom in self.atoms.keys() {
            of_part.entry(parts.root(*atom)).or_default().0.insert(*atom);
        }
        for team in told {
            let first = self.edges(*team).first();
            if let Some(part) = first.and_then(|(atom, _)| of_part.get_mut(&parts.root(*atom))) {
                part.1.insert(*team);
            }
        }
        let tells = |(atoms, teams): &(BTreeSet<usize>, BTreeSet<usize>)| {
            let is_safe = match up_to_enough(self.of_others(atoms, is_told)) {
                Crowd::Enough => true,
                Crowd::Nobody => sums.contains(atoms),
                Crowd::Few => false,
            };
            if is_safe { None } else { self.latest(teams.iter()) }
        };
        of_part.values().filter_map(tells).collect()
    }

    /// The teams without which what they hold together would fall apart, or which hold too few of their people together.
    fn hinges(&self, told: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut parts = Parts::of(self.atoms.keys());
        let ground = parts.add();
        for (atom, teams) in &self.atoms {
            let is_told = |team: Team| team.is_some_and(|team| told.contains(&team) || self.is_known(team));
            if teams.iter().any(|(team, _)| !is_told(*team)) {
                parts.unite(*atom, ground);
            }
        }
        self.join(&mut parts, self.known());
        let mut hinges = BTreeSet::new();
        let told: Vec<usize> = told.iter().copied().collect();
        self.look_for_hinges(&told, parts, &mut hinges);
        hinges
    }

    /// Looks at some teams, where all others have joined what they hold together: by halves, so that most is joined once.
    fn look_for_hinges(&self, teams: &[usize], mut parts: Parts, hinges: &mut BTreeSet<usize>) {
        match teams {
            [] => {}
            [team] => {
                let edges = self.edges(*team).iter();
                let shared: Vec<&Edge<'_>> = edges.filter(|(atom, _)| !self.is_of_one_team(*atom)).collect();
                let roots: BTreeSet<usize> = shared.iter().map(|(atom, _)| parts.root(*atom)).collect();
                let people = shared.iter().map(|(_, people)| *people);
                if roots.len() > 1 || up_to_enough(people) != Crowd::Enough {
                    hinges.insert(*team);
                }
            }
            more => {
                let (one, other) = more.split_at(more.len() / 2);
                for (inside, outside) in [(one, other), (other, one)] {
                    let mut parts = parts.clone();
                    self.join(&mut parts, outside.iter());
                    self.look_for_hinges(inside, parts, hinges);
                }
            }
        }
    }

    fn join<'b>(&self, parts: &mut Parts, teams: impl Iterator<Item = &'b usize>) {
        for team in teams {
            for pair in self.edges(*team).windows(2) {
                if let [(one, _), (other, _)] = pair {
                    parts.unite(*one, *other);
                }
            }
        }
    }
}

/// How many, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowd {
    Nobody,
    Few,
    Enough,
}

impl Crowd {
    fn is_few(self) -> bool {
        self == Self::Few
    }
}

/// Looks no further than it has to.
fn up_to_enough<'a>(some: impl Iterator<Item = &'a [Place]>) -> Crowd {
    let mut people = BTreeSet::new();
    for (.., person) in some.flatten() {
        people.insert(*person);
        if people.len() as u64 >= SMALLEST {
            return Crowd::Enough;
        }
    }
    if people.is_empty() { Crowd::Nobody } else { Crowd::Few }
}

/// What hangs together: a forest whose roots stand for the parts.
#[derive(Clone)]
struct Parts(Vec<usize>);

impl Parts {
    fn of<'a>(members: impl Iterator<Item = &'a usize>) -> Self {
        Self((0..=members.copied().max().unwrap_or(0)).collect())
    }

    /// One more, by itself.
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn root(&mut self, of: usize) -> usize {
        let mut at = of;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one] = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People by atom and team.
    fn split(edges: &[(usize, Option<usize>, u32)]) -> Split {
        let mut next = 0;
        let mut each = Vec::new();
        for (atom, team, people) in edges {
            each.extend((next..next + people).map(|person| (*atom, *team, person)));
            next += people;
        }
        Split::of(each.into_iter(), 8)
    }

    fn told_of(edges: &[(usize, Option<usize>, u32)], sums: &[&[usize]]) -> Vec<usize> {
        told(&split(edges), &[], sums, sums, |_| true).into_iter().collect()
    }

    #[test]
    fn teams_that_are_mixed_are_told_and_small_ones_are_not() {
        let edges = [
            (0, Some(0), 9),
            (1, Some(0), 8),
            (0, Some(1), 9),
            (1, Some(1), 7),
            (0, Some(2), 3),
            (1, None, 6),
        ];
        assert_eq!(told_of(&edges, &[&[0, 1], &[0], &[1]]), [0, 1]);
        // All the rest is the small one: another one goes with it.
        assert_eq!(told_of(&edges[..5], &[&[0, 1], &[0], &[1]]), [0]);
        assert_eq!(told_of(&[(0, None, 9)], &[&[0]]), [0_usize; 0]);
    }

    #[test]
    fn what_remains_of_a_persona_without_its_teams_is_not_told() {
        // Of atom 0 all but two are in teams that have nobody elsewhere.
        let edges = [(0, Some(0), 20), (0, Some(1), 20), (0, Some(2), 2), (1, Some(2), 20), (1, None, 9)];
        let sums: [&[usize]; 3] = [&[0, 1], &[0], &[1]];
        let told = told_of(&edges, &sums);
        assert!(!(told.contains(&0) && told.contains(&1)), "{told:?}");
        // A persona that is a team but for one person.
        let edges = [(0, Some(0), 20), (0, Some(1), 1), (1, Some(1), 20), (1, None, 9)];
        assert!(!told_of(&edges, &sums).contains(&0));
    }

    #[test]
    fn a_team_that_has_atoms_of_its_own_is_a_sum_over_them() {
        let split = split(&[(0, Some(0), 2), (1, Some(0), 1), (2, Some(0), 9), (2, Some(1), 9)]);
        let sums: [&[usize]; 3] = [&[0, 1, 2], &[0, 1], &[1, 2]];
        assert_eq!(in_atoms(&split, sums.into_iter()), [vec![0, 1]]);
    }
}
