//! The checklist as a graph: what needs what, cycles, order, the way to first value.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use petgraph::{
    algo::{tarjan_scc, toposort},
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};

use crate::{
    id::{PersonaId, StepId},
    pack::{Checklist, Pack},
};

/// The steps of one checklist and their needs. Edges go from what is needed to what needs it.
#[derive(Debug, Clone)]
pub struct Graph {
    inner: DiGraph<StepId, ()>,
    index: BTreeMap<StepId, NodeIndex>,
    order: Vec<StepId>,
}

/// Why steps are not a graph that can be walked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Steps that need each other.
    #[error("these steps need each other: {}", join(.0))]
    Cycle(Vec<StepId>),
    /// A step needs one that is not there.
    #[error("`{step}` needs `{missing}`, which is not in this checklist")]
    Missing {
        /// The step.
        step: StepId,
        /// What it needs.
        missing: StepId,
    },
}

fn join(ids: &[StepId]) -> String {
    ids.iter().map(StepId::as_str).collect::<Vec<_>>().join(" → ")
}

impl Graph {
    /// The graph of a persona's checklist; an unknown persona has an empty one.
    pub fn of(pack: &Pack, persona: &PersonaId) -> Result<Self, GraphError> {
        let steps = pack.checklists.get(persona).into_iter().flat_map(Checklist::steps);
        let nodes: Vec<(StepId, Vec<StepId>)> = steps
            .filter_map(|id| pack.steps.get(id))
            .map(|step| (step.id.clone(), step.needs.clone()))
            .collect();
        Self::new(&nodes)
    }

    /// From steps and their needs, in checklist order.
    pub fn new(nodes: &[(StepId, Vec<StepId>)]) -> Result<Self, GraphError> {
        let mut inner = DiGraph::with_capacity(nodes.len(), nodes.len());
        let mut index = BTreeMap::new();
        for (id, _) in nodes {
            index.entry(id.clone()).or_insert_with(|| inner.add_node(id.clone()));
        }
        for (id, needs) in nodes {
            for need in needs {
                let from = *index
                    .get(need)
                    .ok_or_else(|| GraphError::Missing { step: id.clone(), missing: need.clone() })?;
                inner.update_edge(from, index[id], ());
            }
        }
        let order = order(&inner, &index, nodes)?;
        Ok(Self { inner, index, order })
    }

    /// Every step after what it needs; among those that could come next, in checklist order.
    pub fn order(&self) -> &[StepId] {
        &self.order
    }

    /// What a step needs directly.
    pub fn needs<'a>(&'a self, step: &StepId) -> impl Iterator<Item = &'a StepId> + use<'a> {
        self.neighbours(step, petgraph::Direction::Incoming)
    }

    /// What waits for a step directly.
    pub fn dependents<'a>(&'a self, step: &StepId) -> impl Iterator<Item = &'a StepId> + use<'a> {
        self.neighbours(step, petgraph::Direction::Outgoing)
    }

    fn neighbours<'a>(
        &'a self,
        step: &StepId,
        direction: petgraph::Direction,
    ) -> impl Iterator<Item = &'a StepId> + use<'a> {
        let node = self.index.get(step).copied();
        node.into_iter()
            .flat_map(move |node| self.inner.neighbors_directed(node, direction))
            .map(|n| &self.inner[n])
    }

    /// Everything a step needs, directly or not, itself excluded.
    pub fn ancestors(&self, step: &StepId) -> BTreeSet<StepId> {
        self.reach(step, petgraph::Direction::Incoming)
    }

    /// Everything that waits for a step, directly or not, itself excluded.
    pub fn descendants(&self, step: &StepId) -> BTreeSet<StepId> {
        self.reach(step, petgraph::Direction::Outgoing)
    }

    fn reach(&self, step: &StepId, direction: petgraph::Direction) -> BTreeSet<StepId> {
        let mut found = BTreeSet::new();
        let mut open: Vec<NodeIndex> = self.index.get(step).copied().into_iter().collect();
        while let Some(node) = open.pop() {
            for next in self.inner.neighbors_directed(node, direction) {
                if found.insert(self.inner[next].clone()) {
                    open.push(next);
                }
            }
        }
        found
    }

    /// The longest path by `cost` that ends at `to`, over steps not `done`, first step first. Empty once `to` is done.
    pub fn critical_path(
        &self,
        to: &StepId,
        done: impl Fn(&StepId) -> bool,
        cost: impl Fn(&StepId) -> Duration,
    ) -> Vec<StepId> {
        let mut best: BTreeMap<&StepId, (Duration, Option<&StepId>)> = BTreeMap::new();
        for id in self.order.iter().filter(|id| !done(id)) {
            let before = self
                .inner
                .edges_directed(self.index[id], petgraph::Direction::Incoming)
                .map(|edge| &self.inner[edge.source()])
                .filter_map(|need| best.get(need).map(|(length, _)| (*length, need)))
                .max_by_key(|(length, _)| *length);
            let length = before.map_or(Duration::ZERO, |(length, _)| length) + cost(id);
            best.insert(id, (length, before.map(|(_, need)| need)));
        }
        let mut path = Vec::new();
        let mut at = best.get_key_value(to).map(|(id, _)| *id);
        while let Some(id) = at {
            path.push(id.clone());
            at = best.get(id).and_then(|(_, before)| *before);
        }
        path.reverse();
        path
    }
}

/// Kahn's order with the checklist's own order as tie-breaker; a cycle is named by its members.
fn order(
    graph: &DiGraph<StepId, ()>,
    index: &BTreeMap<StepId, NodeIndex>,
    nodes: &[(StepId, Vec<StepId>)],
) -> Result<Vec<StepId>, GraphError> {
    if toposort(graph, None).is_err() {
        let cycle = tarjan_scc(graph)
            .into_iter()
            .find(|part| part.len() > 1 || part.first().is_some_and(|&n| graph.contains_edge(n, n)))
            .unwrap_or_default();
        return Err(GraphError::Cycle(cycle.into_iter().rev().map(|node| graph[node].clone()).collect()));
    }
    let rank: BTreeMap<NodeIndex, usize> =
        nodes.iter().enumerate().rev().map(|(rank, (id, _))| (index[id], rank)).collect();
    let mut missing: BTreeMap<NodeIndex, usize> = graph
        .node_indices()
        .map(|node| (node, graph.neighbors_directed(node, petgraph::Direction::Incoming).count()))
        .collect();
    let mut ready: BTreeSet<(usize, NodeIndex)> =
        missing.iter().filter(|(_, count)| **count == 0).map(|(node, _)| (rank[node], *node)).collect();
    let mut found = Vec::with_capacity(nodes.len());
    while let Some((_, node)) = ready.pop_first() {
        found.push(graph[node].clone());
        for next in graph.neighbors_directed(node, petgraph::Direction::Outgoing) {
            if let Some(count) = missing.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    ready.insert((rank[&next], next));
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> StepId {
        StepId::new(text).unwrap()
    }

    fn graph(nodes: &[(&str, &[&str])]) -> Result<Graph, GraphError> {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|(step, needs)| (id(step), needs.iter().map(|need| id(need)).collect()))
            .collect();
        Graph::new(&nodes)
    }

    #[test]
    fn order_follows_needs_and_then_the_checklist() {
        let graph =
            graph(&[("serve", &["build"]), ("docs", &[]), ("build", &["clone"]), ("clone", &[])]).unwrap();
        let order: Vec<_> = graph.order().iter().map(StepId::as_str).collect();
        assert_eq!(order, ["docs", "clone", "build", "serve"]);
        assert_eq!(graph.ancestors(&id("serve")), BTreeSet::from([id("build"), id("clone")]));
        assert_eq!(graph.descendants(&id("clone")), BTreeSet::from([id("build"), id("serve")]));
    }

    #[test]
    fn a_cycle_names_its_members() {
        let Err(GraphError::Cycle(members)) =
            graph(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"]), ("d", &[])])
        else {
            panic!("a cycle was accepted");
        };
        assert_eq!(members.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([id("a"), id("b"), id("c")]));
        assert!(matches!(graph(&[("a", &["a"])]), Err(GraphError::Cycle(_))));
        assert!(matches!(graph(&[("a", &["x"])]), Err(GraphError::Missing { .. })));
    }

    #[test]
    fn the_critical_path_is_the_longest_and_forgets_what_is_done() {
        let graph = graph(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["c"])]).unwrap();
        let cost = |step: &StepId| Duration::from_secs(if step.as_str() == "b" { 60 } else { 1 });
        assert_eq!(graph.critical_path(&id("d"), |_| false, cost), [id("b"), id("c"), id("d")]);
        assert_eq!(graph.critical_path(&id("d"), |s| s.as_str() == "b", cost), [id("a"), id("c"), id("d")]);
        assert!(graph.critical_path(&id("d"), |s| s.as_str() == "d", cost).is_empty());
    }
}
