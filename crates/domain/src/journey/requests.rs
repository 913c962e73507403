//! What others are asked through the hub, as the journal has it.

use jiff::Timestamp;

use super::{Journey, World};
use crate::{
    event::Event,
    id::{RequestId, StepId},
    request::{RequestRecord, Requests},
    state::StepState,
};

/// Takes in that a step changed: what was answered before it went on is history when it waits again.
pub(super) fn follow(requests: &mut Requests, journey: &Journey, step: &StepId, state: &StepState) {
    let goes_on = !matches!(state, StepState::Waiting { .. });
    let of = |record: &&mut RequestRecord| record.step == *step && record.journey == journey.id;
    for record in requests.values_mut().filter(of) {
        record.over |= record.answered.is_some() && goes_on;
    }
}

impl World {
    /// Takes in an event that is about what others are asked.
    pub(super) fn ask(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::AsksAs { name } => self.asks_as.clone_from(name),
            Event::RequestMade { request, step, owner, name, .. } => {
                self.request_made(at, *request, step, owner, name.as_ref());
            }
            Event::RequestClosed { request, .. } => {
                self.requests.remove(request);
            }
            Event::RequestAnswered { request, answered } => {
                if let Some(record) = self.requests.get_mut(request) {
                    record.answered = Some(answered.clone());
                }
            }
            _ => {}
        }
    }

    /// Asked anew, an answer to what was asked before is history.
    fn request_made(
        &mut self,
        at: Timestamp,
        request: RequestId,
        step: &StepId,
        owner: &str,
        name: Option<&String>,
    ) {
        let Some(journey) = self.journey.as_ref().map(|journey| journey.id) else { return };
        self.requests
            .retain(|id, record| *id == request || record.step != *step || record.journey != journey);
        let new = RequestRecord {
            journey,
            step: step.clone(),
            owner: owner.to_owned(),
            name: None,
            made_at: at,
            answered: None,
            over: false,
        };
        self.requests.entry(request).or_insert(new).name = name.cloned();
    }

    /// What was last asked for a step of the journey at hand.
    pub fn request_for(&self, step: &StepId) -> Option<(RequestId, &RequestRecord)> {
        let journey = self.journey.as_ref()?.id;
        let of =
            |(_, record): &(&RequestId, &RequestRecord)| record.step == *step && record.journey == journey;
        self.requests.iter().find(of).map(|(id, record)| (*id, record))
    }
}
