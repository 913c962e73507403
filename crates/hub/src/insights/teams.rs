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

use roaring::RoaringBitmap;

use super::{SMALLEST, disclosure::Groups, questions::Split};

/// Which teams are told of beside sums over these atoms.
pub(super) fn told(
    split: &Split,
    sums: &[&[usize]],
    may_be_asked: impl Fn(usize) -> bool,
) -> BTreeSet<usize> {
    let graph = Graph::of(split);
    let sums: Vec<BTreeSet<usize>> =
        sums.iter().map(|sum| sum.iter().copied().filter(|atom| graph.has(*atom)).collect()).collect();
    let mut told: BTreeSet<usize> = graph
        .teams
        .keys()
        .copied()
        .filter(|team| may_be_asked(*team) && graph.stands_apart(*team, &sums))
        .collect();
    loop {
        let mut tells = graph.too_near_the_ground(&told, &sums);
        if tells.is_empty() {
            tells = told.iter().copied().filter(|team| graph.is_a_hinge(*team, &told)).collect();
        }
        if tells.is_empty() {
            return told;
        }
        told.retain(|team| !tells.contains(team));
    }
}

/// The groups that a team has in some atoms where these have nobody else: there they are sums over atoms by themselves.
pub(super) fn in_atoms<'a>(split: &Split, sums: impl Iterator<Item = &'a [usize]>) -> Vec<Groups> {
    let graph = Graph::of(split);
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
type Edge<'a> = (usize, &'a RoaringBitmap);

struct Graph<'a> {
    /// The atoms of each team.
    teams: BTreeMap<usize, Vec<Edge<'a>>>,
    /// The teams of each atom; those of no team are one.
    atoms: BTreeMap<usize, Vec<(Option<usize>, &'a RoaringBitmap)>>,
}

impl<'a> Graph<'a> {
    fn of(split: &'a Split) -> Self {
        let mut graph = Self { teams: BTreeMap::new(), atoms: BTreeMap::new() };
        for ((atom, team), people) in &split.teams {
            graph.atoms.entry(*atom).or_default().push((*team, people));
            if let Some(team) = team {
                graph.teams.entry(*team).or_default().push((*atom, people));
            }
        }
        graph
    }

    fn has(&self, atom: usize) -> bool {
        self.atoms.contains_key(&atom)
    }

    fn is_of_one_team(&self, atom: usize) -> bool {
        self.atoms.get(&atom).is_some_and(|teams| teams.len() == 1)
    }

    /// The people of a team.
    fn size(&self, team: usize) -> u64 {
        count(self.teams.get(&team).into_iter().flatten().map(|(_, people)| *people))
    }

    fn smallest<'b>(&self, teams: impl Iterator<Item = &'b usize>) -> Option<usize> {
        teams.copied().min_by_key(|team| (self.size(*team), *team))
    }

    /// Whether a team is large enough, and nothing small remains of it or of a sum without the other.
    fn stands_apart(&self, team: usize, sums: &[BTreeSet<usize>]) -> bool {
        let edges = self.teams.get(&team).map(Vec::as_slice).unwrap_or_default();
        let remains_small = |sum: &BTreeSet<usize>| {
            if edges.iter().all(|(atom, _)| sum.contains(atom)) {
                return few(count(self.of_others(sum, |of| of == Some(team))));
            }
            let lies_in_team = sum.iter().all(|atom| {
                self.is_of_one_team(*atom) && edges.binary_search_by_key(atom, |edge| edge.0).is_ok()
            });
            let rest = edges.iter().filter(|(atom, _)| !sum.contains(atom)).map(|(_, people)| *people);
            lies_in_team && few(count(rest))
        };
        self.size(team) >= SMALLEST && !sums.iter().any(remains_small)
    }

    /// The people in some atoms who are of none of these teams.
    fn of_others<'b>(
        &'b self,
        atoms: &'b BTreeSet<usize>,
        is_one: impl Fn(Option<usize>) -> bool + 'b,
    ) -> impl Iterator<Item = &'a RoaringBitmap> + 'b {
        let edges = atoms.iter().filter_map(|atom| self.atoms.get(atom)).flatten();
        edges.filter(move |(team, _)| !is_one(*team)).map(|(_, people)| *people)
    }

    /// The smallest team of each part that too few people tie to the ground. Parts hang together by teams that are told of.
    fn too_near_the_ground(&self, told: &BTreeSet<usize>, sums: &[BTreeSet<usize>]) -> BTreeSet<usize> {
        let is_told = |team: Option<usize>| team.is_some_and(|team| told.contains(&team));
        let all: BTreeSet<usize> = self.atoms.keys().copied().collect();
        if few(count(self.of_others(&all, is_told))) {
            return self.smallest(told.iter()).into_iter().collect();
        }
        let mut parts = Parts::of(self.atoms.keys());
        self.join(&mut parts, told, None);
        let mut of_part: BTreeMap<usize, (BTreeSet<usize>, BTreeSet<usize>)> = BTreeMap::new();
        for atom in self.atoms.keys() {
            of_part.entry(parts.root(*atom)).or_default().0.insert(*atom);
        }
        for team in told {
            let first = self.teams.get(team).and_then(|edges| edges.first());
            if let Some(part) = first.and_then(|(atom, _)| of_part.get_mut(&parts.root(*atom))) {
                part.1.insert(*team);
            }
        }
        let tells = |(atoms, teams): &(BTreeSet<usize>, BTreeSet<usize>)| {
            let ground = count(self.of_others(atoms, is_told));
            let is_told_anyway = ground == 0 && sums.contains(atoms);
            (ground < SMALLEST && !is_told_anyway).then(|| self.smallest(teams.iter())).flatten()
        };
        of_part.values().filter_map(tells).collect()
    }

    /// Whether what a team holds together would fall apart without it, or is too few of it.
    fn is_a_hinge(&self, team: usize, told: &BTreeSet<usize>) -> bool {
        let edges = self.teams.get(&team).into_iter().flatten();
        let shared: Vec<&Edge<'_>> = edges.filter(|(atom, _)| !self.is_of_one_team(*atom)).collect();
        if count(shared.iter().map(|(_, people)| *people)) < SMALLEST {
            return true;
        }
        let mut parts = Parts::of(self.atoms.keys());
        let ground = parts.add();
        self.join(&mut parts, told, Some(team));
        for (atom, teams) in &self.atoms {
            if teams.iter().any(|(team, _)| !team.is_some_and(|team| told.contains(&team))) {
                parts.unite(*atom, ground);
            }
        }
        let roots: BTreeSet<usize> = shared.iter().map(|(atom, _)| parts.root(*atom)).collect();
        roots.len() > 1
    }

    fn join(&self, parts: &mut Parts, told: &BTreeSet<usize>, without: Option<usize>) {
        for team in told.iter().filter(|team| Some(**team) != without) {
            for pair in self.teams.get(team).map(Vec::as_slice).unwrap_or_default().windows(2) {
                if let [(one, _), (other, _)] = pair {
                    parts.unite(*one, *other);
                }
            }
        }
    }
}

fn few(people: u64) -> bool {
    (1..SMALLEST).contains(&people)
}

fn count<'a>(some: impl Iterator<Item = &'a RoaringBitmap>) -> u64 {
    some.fold(RoaringBitmap::new(), |all, people| all | people).len()
}

/// What hangs together: a forest whose roots stand for the parts.
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
        told(&split(edges), sums, |_| true).into_iter().collect()
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
