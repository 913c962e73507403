//! What needs what: steps that are not there, and steps that need each other.

use std::collections::{HashMap, VecDeque};

use firstlight_domain::id::StepId;
use petgraph::{
    algo::kosaraju_scc,
    graph::{DiGraph, NodeIndex},
};

use crate::{
    names,
    problem::{ProblemCode, Problems},
    read::Draft,
};

/// The needs of all steps of the pack, by position. Kept apart from the domain's graph, which refuses what is reported
/// here.
pub(super) struct Needs<'d> {
    index: HashMap<&'d StepId, usize>,
    needs: Vec<Vec<usize>>,
}

impl Needs<'_> {
    pub(super) fn position(&self, step: &StepId) -> Option<usize> {
        self.index.get(step).copied()
    }

    /// Whether `step` comes after `other` in every run.
    pub(super) fn is_after(&self, step: usize, other: usize) -> bool {
        let mut seen = vec![false; self.needs.len()];
        let mut open = vec![step];
        while let Some(at) = open.pop() {
            for &need in &self.needs[at] {
                if need == other {
                    return true;
                }
                if !std::mem::replace(&mut seen[need], true) {
                    open.push(need);
                }
            }
        }
        false
    }

    /// Which steps must come before this one, itself included.
    pub(super) fn closure(&self, step: usize) -> Vec<bool> {
        let mut seen = vec![false; self.needs.len()];
        seen[step] = true;
        let mut open = vec![step];
        while let Some(at) = open.pop() {
            for &need in &self.needs[at] {
                if !std::mem::replace(&mut seen[need], true) {
                    open.push(need);
                }
            }
        }
        seen
    }
}

pub(super) fn check<'d>(draft: &'d Draft<'_, '_>, problems: &mut Problems<'_>) -> Needs<'d> {
    let index: HashMap<&StepId, usize> = draft.steps.keys().enumerate().map(|(at, id)| (id, at)).collect();
    let known: Vec<&str> = draft.steps.keys().map(StepId::as_str).collect();
    let mut needs = Vec::with_capacity(draft.steps.len());
    for step in draft.steps.values() {
        let mut found = Vec::with_capacity(step.needs.len());
        for (need, span) in &step.needs {
            match index.get(need) {
                Some(&at) => found.push(at),
                None if draft.unreadable.contains(need) => {}
                None => drop(
                    problems
                        .error(ProblemCode::MissingStep, span.clone(), format!("there is no step `{need}`"))
                        .help(names::did_you_mean(need.as_str(), &known, "steps")),
                ),
            }
        }
        needs.push(found);
    }
    for list in draft.checklists.values() {
        let is_there = |step| index.contains_key(step) || draft.unreadable.contains(step);
        for (step, span) in list.steps.iter().filter(|(step, _)| !is_there(step)) {
            problems
                .error(ProblemCode::MissingStep, span.clone(), format!("there is no step `{step}`"))
                .help(names::did_you_mean(step.as_str(), &known, "steps"));
        }
    }
    let needs = Needs { index, needs };
    cycles(draft, &needs, problems);
    needs
}

fn cycles(draft: &Draft<'_, '_>, needs: &Needs<'_>, problems: &mut Problems<'_>) {
    let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(needs.needs.len(), needs.needs.len());
    let nodes: Vec<NodeIndex> = needs.needs.iter().map(|_| graph.add_node(())).collect();
    for (from, found) in needs.needs.iter().enumerate() {
        for &to in found {
            graph.update_edge(nodes[from], nodes[to], ());
        }
    }
    // Kosaraju's, because petgraph's Tarjan recurses as deep as the longest chain.
    for members in kosaraju_scc(&graph) {
        let Some(start) = members.iter().map(|node| node.index()).min() else { continue };
        if members.len() == 1 && !needs.needs[start].contains(&start) {
            continue;
        }
        let path = shortest_way_back(start, needs);
        let names: Vec<&str> = path.iter().chain([&start]).map(|&at| name(draft, at)).collect();
        let place = |at: usize, to: usize| {
            let step = &draft.steps[at];
            let to = name(draft, to);
            step.needs
                .iter()
                .find(|(need, _)| need.as_str() == to)
                .map_or(step.span.clone(), |(_, span)| span.clone())
        };
        let next = |position: usize| path.get(position + 1).copied().unwrap_or(start);
        let message = match path.as_slice() {
            [one] => format!("`{}` needs itself", name(draft, *one)),
            _ => format!("these steps need each other: {}", names.join(" → ")),
        };
        let mut problem = problems
            .error(ProblemCode::Cycle, place(start, next(0)), message)
            .help("remove one of these needs; none of these steps can ever start");
        for (position, &at) in path.iter().enumerate().skip(1) {
            problem = problem.label(place(at, next(position)), format!("needed by `{}`", name(draft, at)));
        }
    }
}

fn name<'d>(draft: &'d Draft<'_, '_>, at: usize) -> &'d str {
    draft.steps.get_index(at).map_or("", |(id, _)| id.as_str())
}

/// The steps of a shortest cycle through `start`, which is first.
fn shortest_way_back(start: usize, needs: &Needs<'_>) -> Vec<usize> {
    let mut came_from: HashMap<usize, usize> = HashMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for &next in &needs.needs[at] {
            if next == start {
                let mut path = vec![at];
                while let Some(&before) = came_from.get(path.last().unwrap_or(&start)) {
                    path.push(before);
                }
                path.reverse();
                return path;
            }
            if next != start && !came_from.contains_key(&next) {
                came_from.insert(next, at);
                open.push_back(next);
            }
        }
    }
    vec![start]
}
