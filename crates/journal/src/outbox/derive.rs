//! Which events become part of the outbox, and what they carry. Pure.

use std::collections::BTreeMap;

use firstlight_domain::{
    event::{Clock, Event, Happened, RunEnd},
    id::{JourneyId, RunId, StepId, SubmissionId, SurveyId},
    registry::{EventType, Property},
    state::{StepState, WaitsOn},
    survey::{About, Answer},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What has to be remembered of earlier events to say how long something took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// The last record taken in.
    pub(crate) seen: u64,
    /// Whether events may be sent.
    pub(crate) sharing: bool,
    journey: Option<(JourneyId, Timestamp)>,
    run: Option<(RunId, Timestamp)>,
    running: BTreeMap<StepId, Timestamp>,
}

/// An event for the outbox, not yet numbered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outgoing {
    /// Its type.
    pub(crate) kind: EventType,
    /// Its `data`.
    pub(crate) data: Vec<(Property, Value)>,
}

impl Context {
    /// Takes in an event. It does not move `seen`.
    pub(crate) fn apply(&mut self, happened: &Happened) {
        let at = happened.at;
        match &happened.event {
            Event::JourneyStarted { journey, clock, .. } => {
                self.journey = Some((*journey, clock.start()));
                self.running.clear();
            }
            Event::JourneyLeft { journey } => {
                self.journey.take_if(|(current, _)| current == journey);
            }
            Event::RunStarted { run, .. } => self.run = Some((*run, at)),
            Event::RunFinished { run, .. } => {
                self.run.take_if(|(current, _)| current == run);
            }
            Event::StepChanged { step, state: StepState::Running, .. } => {
                self.running.insert(step.clone(), at);
            }
            Event::StepChanged { step, .. } => {
                self.running.remove(step);
            }
            // What ran did not go on meanwhile: as if it had begun so much later.
            Event::MachineSlept { from } => {
                let begun = self.run.iter_mut().map(|(_, begun)| begun).chain(self.running.values_mut());
                begun.for_each(|begun| *begun = later(*begun, (*from).max(*begun), at));
            }
            Event::SharingChanged { on } => self.sharing = *on,
            Event::ChecklistTaken { .. }
            | Event::ReceiptKept { .. }
            | Event::FollowUpDue { .. }
            | Event::FollowUpDone { .. }
            | Event::FirstValueReached { .. }
            | Event::CredentialStored { .. }
            | Event::CredentialTested { .. }
            | Event::CredentialRemoved { .. }
            | Event::FixAgreed { .. }
            | Event::FixReceiptKept { .. }
            | Event::FixEnded { .. }
            | Event::FixUndone { .. }
            | Event::ReleaseReceived { .. }
            | Event::ReleaseRefused { .. }
            | Event::ReleasesFine
            | Event::FindingAppeared { .. }
            | Event::FindingGone { .. }
            | Event::FindingAccepted { .. }
            | Event::SurveyShown { .. }
            | Event::SurveyAnswered { .. }
            | Event::SurveyEnded { .. }
            | Event::ExposuresLearned { .. }
            | Event::FeedbackGiven { .. }
            | Event::AsksAs { .. }
            | Event::RequestMade { .. }
            | Event::RequestClosed { .. }
            | Event::RequestAnswered { .. } => {}
        }
    }
}

/// What `event`, which happened at `at` after everything in `context`, says outside; none if it stays here.
pub(crate) fn derive(context: &Context, at: Timestamp, event: &Event) -> Option<Outgoing> {
    let outgoing = |kind, data| Some(Outgoing { kind, data });
    let journey = || context.journey.map(|(id, _)| (Property::Journey, json!(id)));
    let took = |from: Timestamp| (Property::DurationMs, json!(milliseconds(from, at)));
    match event {
        Event::JourneyStarted { journey, pack, persona, clock, pack_path: _, inputs: _ } => {
            let data = vec![
                (Property::Journey, json!(journey)),
                (Property::PackName, json!(pack.name)),
                (Property::PackVersion, json!(pack.version)),
                (Property::Persona, json!(persona)),
                (Property::ClockKind, json!(started_by(clock))),
                (Property::ClockStart, json!(clock.start())),
            ];
            outgoing(EventType::JourneyStarted, data)
        }
        Event::JourneyLeft { journey } => {
            outgoing(EventType::JourneyLeft, vec![(Property::Journey, json!(journey))])
        }
        Event::RunStarted { run, pack, consent: _, pack_path: _, inputs: _ } => {
            let mut data: Vec<_> = journey().into_iter().collect();
            data.push((Property::Run, json!(run)));
            data.push((Property::PackName, json!(pack.name)));
            data.push((Property::PackVersion, json!(pack.version)));
            outgoing(EventType::RunStarted, data)
        }
        Event::StepChanged { step, run, state, done: _ } => {
            let mut data: Vec<_> = journey().into_iter().collect();
            data.extend(run.map(|run| (Property::Run, json!(run))));
            data.push((Property::Step, json!(step)));
            data.push((Property::State, json!(state.name())));
            data.extend(of_state(state));
            if *state != StepState::Running {
                data.extend(context.running.get(step).map(|from| took(*from)));
            }
            outgoing(EventType::StepChanged, data)
        }
        Event::FirstValueReached { step } => {
            let mut data: Vec<_> = journey().into_iter().collect();
            data.push((Property::Step, json!(step)));
            data.extend(
                context.journey.map(|(_, start)| (Property::Seconds, json!(milliseconds(start, at) / 1_000))),
            );
            outgoing(EventType::FirstValueReached, data)
        }
        Event::RunFinished { run, end } => {
            let end = match end {
                RunEnd::Completed => "completed",
                RunEnd::Failed => "failed",
                RunEnd::Cancelled => "cancelled",
                RunEnd::Interrupted => "interrupted",
            };
            let mut data: Vec<_> = journey().into_iter().collect();
            data.push((Property::Run, json!(run)));
            data.push((Property::End, json!(end)));
            data.extend(context.run.filter(|(id, _)| id == run).map(|(_, from)| took(from)));
            outgoing(EventType::RunFinished, data)
        }
        Event::CredentialStored { name, issuer: _, expires_at: _ } => {
            outgoing(EventType::CredentialStored, vec![(Property::Credential, json!(name))])
        }
        Event::CredentialTested { name, ok, reason: _ } => outgoing(
            EventType::CredentialTested,
            vec![(Property::Credential, json!(name)), (Property::Accepted, json!(ok))],
        ),
        Event::CredentialRemoved { name } => {
            outgoing(EventType::CredentialRemoved, vec![(Property::Credential, json!(name))])
        }
        Event::ReleaseReceived { pack, pack_path: _ } => {
            let data =
                vec![(Property::PackName, json!(pack.name)), (Property::PackVersion, json!(pack.version))];
            outgoing(EventType::ReleaseReceived, data)
        }
        Event::SharingChanged { on } => {
            outgoing(EventType::SharingChanged, vec![(Property::Sharing, json!(on))])
        }
        Event::SurveyShown { .. }
        | Event::SurveyAnswered { .. }
        | Event::SurveyEnded { .. }
        | Event::FeedbackGiven { .. } => of_survey(context, event),
        Event::RequestMade { .. } | Event::RequestClosed { .. } => of_request(context, event),
        // Who asks is told with each request; what was answered came from there.
        Event::AsksAs { name: _ }
        | Event::RequestAnswered { request: _, answered: _ }
        | Event::ExposuresLearned { exposures: _ }
        | Event::ChecklistTaken { goal: _, outline: _ }
        | Event::ReceiptKept { step: _, run: _, receipt: _ }
        | Event::FollowUpDue { step: _, texts: _ }
        | Event::FollowUpDone { step: _ }
        | Event::MachineSlept { from: _ }
        | Event::FixAgreed { consent: _ }
        | Event::FixReceiptKept { fix: _, receipt: _ }
        | Event::FixEnded { fix: _, failure: _ }
        | Event::FixUndone { fix: _ }
        | Event::ReleaseRefused { code: _, message: _, hint: _ }
        | Event::ReleasesFine
        | Event::FindingAppeared { finding: _ }
        | Event::FindingGone { finding: _ }
        | Event::FindingAccepted { finding: _, accepted: _ } => None,
    }
}

/// What started a clock.
fn started_by(clock: &Clock) -> &'static str {
    match clock {
        Clock::StartDate { .. } => "start_date",
        Clock::FirstLaunch { .. } => "first_launch",
    }
}

/// What surveys and feedback say outside.
fn of_survey(context: &Context, event: &Event) -> Option<Outgoing> {
    let outgoing = |kind, data| Some(Outgoing { kind, data });
    match event {
        Event::SurveyShown { submission, survey, asks_nps, sooner } => {
            let mut data = of_submission(*submission, Some(survey));
            data.push((Property::AsksNps, json!(asks_nps)));
            data.extend(sooner.is_some().then_some((Property::Sooner, json!(true))));
            data.extend(context.journey.map(|(id, _)| (Property::Journey, json!(id))));
            outgoing(EventType::SurveyShown, data)
        }
        Event::SurveyAnswered { submission, survey, question, answer } => {
            let mut data = of_submission(*submission, Some(survey));
            data.push((Property::Question, json!(question)));
            data.extend(of_answer(answer));
            outgoing(EventType::SurveyAnswered, data)
        }
        Event::SurveyEnded { submission, survey, ending } => {
            let mut data = of_submission(*submission, Some(survey));
            data.push((Property::Ending, json!(ending.name())));
            outgoing(EventType::SurveyEnded, data)
        }
        Event::FeedbackGiven { submission, text, name, about } => {
            let mut data = of_submission(*submission, None);
            data.push((Property::Comment, json!(text)));
            data.extend(name.as_ref().map(|name| (Property::SignedName, json!(name))));
            data.extend(about.as_ref().map(|about| match about {
                About::Screen { screen } => (Property::Screen, json!(screen.name())),
                About::Step { step } => (Property::Step, json!(step)),
            }));
            outgoing(EventType::FeedbackGiven, data)
        }
        _ => None,
    }
}

/// What is asked of others, and that it is not any more.
fn of_request(context: &Context, event: &Event) -> Option<Outgoing> {
    match event {
        Event::RequestMade { request, step, title, owner, sla, name } => {
            let journey = context.journey.map(|(id, _)| (Property::Journey, json!(id)));
            let data = [
                (Property::Request, json!(request)),
                (Property::Step, json!(step)),
                (Property::Title, json!(title)),
                (Property::Owner, json!(owner)),
            ];
            let sla = sla.as_ref().map(|sla| (Property::Sla, json!(sla)));
            let name = name.as_ref().map(|name| (Property::SignedName, json!(name)));
            let data = journey.into_iter().chain(data).chain(sla).chain(name).collect();
            Some(Outgoing { kind: EventType::RequestOpened, data })
        }
        Event::RequestClosed { request, closing } => Some(Outgoing {
            kind: EventType::RequestClosed,
            data: vec![(Property::Request, json!(request)), (Property::End, json!(closing.name()))],
        }),
        _ => None,
    }
}

fn of_submission(submission: SubmissionId, survey: Option<&SurveyId>) -> Vec<(Property, Value)> {
    let survey = survey.map(|survey| (Property::Survey, json!(survey)));
    [(Property::Submission, json!(submission))].into_iter().chain(survey).collect()
}

/// What a person answered and sent, with the audience before their eyes.
fn of_answer(answer: &Answer) -> [(Property, Value); 2] {
    let kind = |name: &str| (Property::QuestionKind, json!(name));
    match answer {
        Answer::Score { kind: scale, score } => [kind(scale.name()), (Property::Score, json!(score))],
        Answer::Choice { chosen } => [kind("choice"), (Property::Chosen, json!(chosen))],
        Answer::Text { text } => [kind("text"), (Property::Comment, json!(text))],
    }
}

/// What a state says outside beyond its name: never its words.
fn of_state(state: &StepState) -> Option<(Property, Value)> {
    match state {
        StepState::Waiting { on: WaitsOn::You } => Some((Property::WaitsOn, json!("you"))),
        StepState::Waiting { on: WaitsOn::Restart(_) } => Some((Property::WaitsOn, json!("restart"))),
        StepState::Waiting { on: WaitsOn::Owner(_) } => Some((Property::WaitsOn, json!("owner"))),
        StepState::Blocked { by, reason: _ } => Some((Property::BlockedBy, json!(by))),
        StepState::Pending
        | StepState::Ready
        | StepState::Running
        | StepState::Satisfied { outputs: _ }
        | StepState::Changed { outputs: _ }
        | StepState::Failed(_)
        | StepState::Unknown { why: _ }
        | StepState::Skipped { why: _ }
        | StepState::Undone => None,
    }
}

/// A moment, later by the time from `from` to `to`.
fn later(moment: Timestamp, from: Timestamp, to: Timestamp) -> Timestamp {
    let milliseconds = moment.as_millisecond().saturating_add(milliseconds(from, to));
    Timestamp::from_millisecond(milliseconds).unwrap_or(moment)
}

/// Never negative: a clock that was set back took no time.
fn milliseconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond().saturating_sub(from.as_millisecond()).max(0)
}
