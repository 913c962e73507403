//! Going on without being asked, within what was agreed to: what has become possible and was not tried yet.

use std::collections::BTreeSet;

use firstlight_contract::commands::Notice;
use firstlight_domain::{graph::Graph, id::StepId, state::StepState};

use super::Asked;
use crate::{planning, session::Firstlight};

impl Firstlight {
    /// Goes on by itself with what has become possible, within what was agreed to; does nothing otherwise.
    pub(crate) async fn carry_on(&self) {
        if !self.inner.carry_on || self.is_running() {
            return;
        }
        // Without an agreement there is nothing to go on with; the person is asked at the next Start.
        let Ok(planned) = self.planned_journey() else { return };
        let Ok(graph) = planning::graph(&planned.pack, &planned.persona) else { return };
        let untried = self.untried(&graph);
        if untried.is_empty() {
            return;
        }
        // What also needs a step that failed waits with it: a run takes up everything its steps need.
        let has_failed = |id: &StepId| {
            self.with_world(|world| {
                matches!(
                    world.journey.as_ref().and_then(|journey| journey.state(id)),
                    Some(StepState::Failed(_))
                )
            })
        };
        let follows = untried
            .iter()
            .flat_map(|id| graph.descendants(id))
            .filter(|id| !graph.ancestors(id).iter().any(has_failed));
        let only: BTreeSet<StepId> = untried.iter().cloned().chain(follows).collect();
        self.load_secrets(&planned.pack).await;
        let asked = Asked { only: Some(only), ..Asked::default() };
        if let Err(error) = self.run(&planned, asked) {
            self.tell(Notice::Problem { error: error.0 });
        }
    }

    /// The steps that could be taken up now and have not been tried: a step that failed, or that the machine cannot
    /// do, waits for a person to say so.
    pub(super) fn untried(&self, graph: &Graph) -> BTreeSet<StepId> {
        self.with_world(|world| {
            let Some(journey) = &world.journey else { return BTreeSet::new() };
            let done = |id: &StepId| journey.state(id).is_some_and(StepState::is_done);
            let open = |id: &&StepId| match journey.state(id) {
                None | Some(StepState::Pending | StepState::Ready) => true,
                Some(StepState::Blocked { by, .. }) => !by.is_empty(),
                Some(_) => false,
            };
            graph.order().iter().filter(open).filter(|id| graph.needs(id).all(done)).cloned().collect()
        })
    }
}
