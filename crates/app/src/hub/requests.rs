//! What others are asked through the hub, and what they answer. Requests follow from the states of steps: whenever something
//! may be sent, what is asked is brought in line with what waits. What a hub answers is believed as far as a person's word is:
//! a probe that says otherwise is right, and words are words.

use std::collections::BTreeSet;

use firstlight_contract::{
    error::Code,
    privacy::PrivacyView,
    requests::{AskingName, DeviceRequest, DeviceRequests, RequestAnswer, RequestReply},
};
use firstlight_domain::{
    event::Event,
    id::{RequestId, StepId},
    journey::{StepRecord, World},
    pack::Step,
    registry::{LONGEST_COMMENT, LONGEST_TEXT},
    request::{Answered, Closing, Reply},
    state::{StepState, WaitsOn},
};
use firstlight_engine::provider::Check;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    planning::Planned,
    session::Firstlight,
};

impl Firstlight {
    /// Sets the name those see who are asked for something; they are told again of what is open.
    pub fn ask_as(&self, asking: &AskingName) -> Result<PrivacyView> {
        let name = asking.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.chars().count() > LONGEST_TEXT || name.contains(char::is_control)) {
            let message = format!("A name has {LONGEST_TEXT} characters at most, on one line.");
            return Err(AppError::new(Code::InputInvalid, message).hint("Nothing was changed."));
        }
        let name = name.map(str::to_owned);
        if self.with_world(|world| world.asks_as != name) {
            self.append(&[Event::AsksAs { name }])?;
        }
        self.privacy()
    }

    /// Whether the hub may be spoken with: there is one, and the person shares.
    pub(super) fn asks_hub(&self) -> Result<bool> {
        Ok(self.joined()?.is_some() && self.with_world(|world| world.sharing))
    }

    /// Whether somebody was asked for something and has not answered.
    pub(super) fn awaits_answers(&self) -> bool {
        self.with_world(|world| world.requests.values().any(|record| record.answered.is_none()))
    }

    /// Brings what is asked of others in line with what waits for them.
    pub(super) fn make_requests(&self) -> Result<()> {
        if !self.asks_hub()? {
            return Ok(());
        }
        let (on_journey, anything) = self.with_world(|world| {
            let waits = |record: &StepRecord| {
                matches!(record.now(), Some((_, StepState::Waiting { on: WaitsOn::Owner(_) })))
            };
            let journey = world.journey.as_ref();
            let waiting = journey.is_some_and(|journey| journey.steps.values().any(waits));
            (journey.is_some(), waiting || !world.requests.is_empty())
        });
        if !anything {
            return Ok(());
        }
        let pack = if on_journey {
            // Without its pack nobody knows what a journey waits for: what is asked stays so.
            let Ok(pack) = self.walked_pack() else { return Ok(()) };
            Some(pack)
        } else {
            None
        };
        let events = self.with_world(|world| {
            let waiting: Vec<(&Step, &str)> = pack
                .as_deref()
                .into_iter()
                .flat_map(|pack| pack.steps.values().map(|step| (step, pack.owner.as_deref())))
                .filter(|(step, _)| waits_for_its_owner(world, step))
                .filter_map(|(step, of_pack)| Some((step, step.owner.as_deref().or(of_pack)?)))
                .collect();
            let steps: BTreeSet<&StepId> = waiting.iter().map(|(step, _)| &step.id).collect();
            let closed = world.requests.iter().filter_map(|(request, record)| {
                let here = world.journey.as_ref().is_some_and(|journey| journey.id == record.journey);
                let wanted = here && steps.contains(&record.step);
                (record.answered.is_none() && !wanted).then(|| Event::RequestClosed {
                    request: *request,
                    closing: if here { closing(world, &record.step) } else { Closing::Withdrawn },
                })
            });
            let made = waiting.iter().filter_map(|(step, owner)| {
                let request = match world.request_for(&step.id) {
                    // It goes on; only who asks may be new.
                    Some((request, record)) if !record.over => {
                        let same = record.answered.is_some() || record.name == world.asks_as;
                        (!same).then_some(request)?
                    }
                    Some(_) | None => RequestId(Uuid::now_v7()),
                };
                Some(Event::RequestMade {
                    request,
                    step: step.id.clone(),
                    title: shortened(&step.title),
                    owner: shortened(owner),
                    sla: step.sla.as_deref().map(shortened),
                    name: world.asks_as.clone(),
                })
            });
            closed.chain(made).collect::<Vec<_>>()
        });
        self.append(&events).map(drop)
    }

    /// Asks anew what was refused: the answer is history then.
    pub(crate) fn ask_anew<'a>(&self, steps: impl IntoIterator<Item = &'a StepId>) -> Result<()> {
        let events: Vec<Event> = self.with_world(|world| {
            let refused = |step| world.request_for(step).filter(|(_, record)| record.refusal().is_some());
            let asked = steps.into_iter().filter_map(refused);
            asked.map(|(request, _)| Event::RequestClosed { request, closing: Closing::Withdrawn }).collect()
        });
        self.append(&events).map(drop)
    }

    /// Takes note that nobody at another hub, or at none, answers what was asked at the one before.
    pub(super) fn forget_requests(&self) -> Result<()> {
        let events: Vec<Event> = self.with_world(|world| {
            let open = world.requests.iter().filter(|(_, record)| record.answered.is_none());
            open.map(|(request, _)| Event::RequestClosed { request: *request, closing: Closing::Withdrawn })
                .collect()
        });
        self.append(&events).map(drop)
    }

    /// Takes in what was answered to what this machine asked; how many answers were new.
    pub(super) async fn learn_answers(&self, told: DeviceRequests) -> Result<u32> {
        let mut learned = 0;
        for DeviceRequest { request, answer } in told.answered {
            let Ok(request) = Uuid::try_parse(&request).map(RequestId) else { continue };
            let open = self.with_world(|world| {
                let record = world.requests.get(&request).filter(|record| record.answered.is_none())?;
                let here = world.journey.as_ref().is_some_and(|journey| journey.id == record.journey);
                Some(here.then(|| record.step.clone()))
            });
            if let Some(step) = open {
                self.learn(request, step, answered(answer, self.now())).await?;
                learned += 1;
            }
        }
        Ok(learned)
    }

    /// `step`: what waited for it, if that is of the journey at hand.
    async fn learn(&self, request: RequestId, step: Option<StepId>, answered: Answered) -> Result<()> {
        let planned = self.planned_journey();
        let waiting = step.zip(planned.ok()).and_then(|(id, planned)| {
            let found = planned.pack.steps.get(&id).cloned()?;
            self.with_world(|world| waits_for_its_owner(world, &found)).then_some((found, planned))
        });
        let owner = self.with_world(|world| world.requests.get(&request).map(|record| record.owner.clone()));
        let refusal = owner.and_then(|owner| answered.refusal(&owner));
        let mut events = vec![Event::RequestAnswered { request, answered }];
        if let Some((step, planned)) = waiting {
            let state = match refusal {
                Some(refusal) => Some(StepState::Failed(refusal)),
                None => self.granted(&planned, &step).await,
            };
            events.extend(state.into_iter().flat_map(|state| match state {
                StepState::Failed(_) => {
                    vec![Event::StepChanged { step: step.id.clone(), run: None, state, done: None }]
                }
                state => self.done_events(&planned, &step.id, state, None),
            }));
        }
        let happened = self.append(&events)?;
        self.tell_of_all(&happened);
        Ok(())
    }

    /// What a step is whose owner says that it is done. Where a probe can tell, only it does: what it does not see yet it is
    /// asked for again later.
    async fn granted(&self, planned: &Planned, step: &Step) -> Option<StepState> {
        if step.probe.is_none() {
            return Some(StepState::Satisfied { outputs: std::collections::BTreeMap::new() });
        }
        let host = std::sync::Arc::new(AppHost::new(self, None));
        match self.inner.engine.check_step(&planned.pack, step, &self.scope_of(planned), host).await {
            Ok(Check::Satisfied { outputs }) => Some(StepState::Satisfied { outputs }),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Whether it is a request, and the turn of whoever was asked.
fn waits_for_its_owner(world: &World, step: &Step) -> bool {
    let state = world.journey.as_ref().and_then(|journey| journey.state(&step.id));
    step.uses == "request" && matches!(state, Some(StepState::Waiting { on: WaitsOn::Owner(_) }))
}

/// Why a step does not wait any more.
fn closing(world: &World, step: &StepId) -> Closing {
    let state = world.journey.as_ref().and_then(|journey| journey.state(step));
    match state {
        Some(StepState::Satisfied { .. } | StepState::Changed { .. }) => Closing::Granted,
        _ => Closing::Withdrawn,
    }
}

/// What a hub said, within bounds: plain text, no longer than anybody may write, and not of the future.
fn answered(answer: RequestAnswer, now: Timestamp) -> Answered {
    let RequestAnswer { reply, words, by, at } = answer;
    Answered {
        reply: match reply {
            RequestReply::Done => Reply::Done,
            RequestReply::Refused => Reply::Refused,
        },
        words: plain(&words, LONGEST_COMMENT),
        by: plain(&by, LONGEST_TEXT),
        at: at.parse().ok().filter(|at| *at <= now).unwrap_or(now),
    }
}

/// Text without what would do something to a terminal, or change the direction of the text around it.
fn plain(text: &str, most: usize) -> String {
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c });
    let text: String = spaced.filter(harmless).take(most).collect();
    text.trim().to_owned()
}

/// What a pack says, as long as the registry lets it be.
fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hub_says_is_words_within_bounds() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let answer = |words: &str, at: &str| RequestAnswer {
            reply: RequestReply::Refused,
            words: words.to_owned(),
            by: "Grace\u{202e} \u{1b}[2J".to_owned(),
            at: at.to_owned(),
        };
        let told = answered(answer("No\u{7}.\nAsk\tnext\u{0} week.", "2026-11-27T11:00:00Z"), now);
        assert_eq!((told.words.as_str(), told.by.as_str()), ("No. Ask next week.", "Grace [2J"));
        assert_eq!(told.at.to_string(), "2026-11-27T11:00:00Z");
        for at in ["2027-01-01T00:00:00Z", "soon"] {
            assert_eq!(answered(answer("No.", at), now).at, now);
        }
        let long = answered(answer(&"ü".repeat(1 << 20), "soon"), now);
        assert_eq!(long.words.chars().count(), LONGEST_COMMENT);
    }
}
