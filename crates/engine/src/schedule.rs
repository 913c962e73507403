//! Which step is next: what is ready, the longest way to first value first, one at a time where there is one of
//! something.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use firstlight_domain::{graph::Graph, id::StepId};

use crate::{
    engine::{DEFAULT_ESTIMATE, Engine, EngineError},
    run::RunRequest,
};

/// The steps of a run that have not ended, and what keeps each.
pub(crate) struct Schedule {
    /// Not begun: what each still needs.
    waiting: BTreeMap<StepId, BTreeSet<StepId>>,
    /// Begun or ended.
    rank: BTreeMap<StepId, Rank>,
    /// Resources taken, by the step that has them.
    taken: BTreeMap<StepId, Cow<'static, str>>,
    /// Steps that found their resource taken.
    held_back: BTreeMap<StepId, Cow<'static, str>>,
    parallel: usize,
}

/// Larger is sooner: the time from a step's beginning to first value; then the checklist's order.
type Rank = (Option<Duration>, Reverse<usize>);

impl Schedule {
    /// Of the steps a run is to walk. Errors: `only` names a step that is not there.
    pub(crate) fn new(request: &RunRequest<'_>) -> Result<Self, EngineError> {
        let graph = request.graph;
        let all: BTreeSet<StepId> = graph.order().iter().cloned().collect();
        let wanted = match &request.only {
            None => all,
            Some(only) => {
                if let Some(missing) = only.iter().find(|step| !all.contains(*step)) {
                    return Err(EngineError::NoStep(missing.clone()));
                }
                only.iter().flat_map(|step| graph.ancestors(step)).chain(only.iter().cloned()).collect()
            }
        };
        let waiting =
            wanted.iter().map(|step| (step.clone(), graph.needs(step).cloned().collect())).collect();
        let parallel = request.parallel.unwrap_or_else(Engine::parallelism).max(1);
        Ok(Self {
            waiting,
            rank: ranks(request, graph),
            taken: BTreeMap::new(),
            held_back: BTreeMap::new(),
            parallel,
        })
    }

    /// The next step to begin while so many go on; it counts as begun.
    pub(crate) fn next(&mut self, going: usize) -> Option<StepId> {
        if going >= self.parallel {
            return None;
        }
        let free = |step: &StepId| {
            self.held_back
                .get(step)
                .is_none_or(|resource| !self.taken.values().any(|taken| taken == resource))
        };
        let ready = self.waiting.iter().filter(|(step, needs)| needs.is_empty() && free(step));
        let next = ready.max_by_key(|(step, _)| self.rank.get(*step)).map(|(step, _)| step.clone())?;
        self.waiting.remove(&next);
        Some(next)
    }

    /// Takes a resource for a step; if another has it, the step waits again.
    pub(crate) fn take(&mut self, step: &StepId, resource: Cow<'static, str>) -> bool {
        if self.taken.values().any(|taken| *taken == resource) {
            self.held_back.insert(step.clone(), resource);
            self.waiting.insert(step.clone(), BTreeSet::new());
            return false;
        }
        self.taken.insert(step.clone(), resource);
        true
    }

    /// What needed this step needs it no more.
    pub(crate) fn done(&mut self, step: &StepId) {
        self.taken.remove(step);
        for needs in self.waiting.values_mut() {
            needs.remove(step);
        }
    }

    /// It ended, and what needs it never becomes ready.
    pub(crate) fn not_done(&mut self, step: &StepId) {
        self.taken.remove(step);
        self.waiting.remove(step);
    }

    /// Steps of the run that have not begun and need this one, directly or not.
    pub(crate) fn behind(&self, graph: &Graph, step: &StepId) -> Vec<StepId> {
        let behind = graph.descendants(step);
        graph
            .order()
            .iter()
            .filter(|id| behind.contains(*id) && self.waiting.contains_key(*id))
            .cloned()
            .collect()
    }
}

fn ranks(request: &RunRequest<'_>, graph: &Graph) -> BTreeMap<StepId, Rank> {
    let first_value = request.pack.first_value(request.persona).map(|step| &step.id);
    let mut way: BTreeMap<&StepId, Duration> = BTreeMap::new();
    for id in graph.order().iter().rev() {
        let estimate = || request.pack.steps.get(id).and_then(|step| step.estimate);
        let own = request.took.get(id).copied().or_else(estimate).unwrap_or(DEFAULT_ESTIMATE);
        let after = graph.dependents(id).filter_map(|next| way.get(next)).max().copied();
        if let Some(rest) = after.or_else(|| (first_value == Some(id)).then_some(Duration::ZERO)) {
            way.insert(id, own + rest);
        }
    }
    let order = graph.order().iter().enumerate();
    order.map(|(place, id)| (id.clone(), (way.get(id).copied(), Reverse(place)))).collect()
}
