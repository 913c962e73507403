//! Whether a survey may be asked now, and which. Pure: who asks brings the clock and everything else.
//!
//! Rules hold per person, across surveys and devices, and count from when the person was last asked, not from when they
//! should have been: two weeks between any two, a quarter for the question about recommending, one in a session, none while
//! something needs the person. A pack may lift the first of these for a survey, with a reason; what it lifts is recorded.

use jiff::{SignedDuration, Timestamp};

use super::{Asked, Survey, Trigger};
use crate::{
    id::StepId,
    journey::Journey,
    pack::{Checklist, Pack},
    state::StepState,
};

/// Between any two surveys.
pub const BETWEEN_ANY: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Between two that ask how likely one is to recommend it.
pub const BETWEEN_NPS: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long after its moment a survey is still worth asking: longer than [`BETWEEN_ANY`], so that one that had to wait for
/// another has its turn.
pub const WORTH_ASKING: SignedDuration = SignedDuration::from_hours(28 * 24);

/// How it stands as somebody wonders whether to ask.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Now.
    pub now: Timestamp,
    /// What was asked before.
    pub asked: &'a Asked,
    /// Whether anything was asked since the program was opened.
    pub in_this_session: bool,
    /// Whether a step runs, failed or is blocked.
    pub busy: bool,
}

/// A survey, and the moment that made it due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Due<'a> {
    /// Which.
    pub survey: &'a Survey,
    /// Since when.
    pub since: Timestamp,
}

/// A survey to ask now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask<'a> {
    /// Which.
    pub survey: &'a Survey,
    /// Why it is asked although the person was asked lately; none if they were not.
    pub sooner: Option<&'a str>,
}

/// The survey to ask now; none for none. Of several, the one that has been due for longest, then as the pack has them.
pub fn now<'a>(due: &[Due<'a>], situation: Situation<'_>) -> Option<Ask<'a>> {
    let Situation { now, asked, in_this_session, busy } = situation;
    if in_this_session || busy || asked.open.is_some() {
        return None;
    }
    let rested = |last: Option<Timestamp>, rest| last.is_none_or(|last| now.duration_since(last) >= rest);
    let is_rested = rested(asked.exposures.any, BETWEEN_ANY);
    let candidates = due.iter().filter(|due| {
        let age = now.duration_since(due.since);
        let unseen = asked.shown.get(&due.survey.id).is_none_or(|shown| *shown < due.since);
        unseen
            && (SignedDuration::ZERO..WORTH_ASKING).contains(&age)
            && (is_rested || due.survey.sooner.is_some())
            && (!due.survey.asks_nps() || rested(asked.exposures.nps, BETWEEN_NPS))
    });
    candidates
        .min_by_key(|due| due.since)
        .map(|Due { survey, .. }| Ask { survey, sooner: survey.sooner.as_deref().filter(|_| !is_rested) })
}

/// Everything that became due on a journey, whenever; `applies` tells whether a survey's condition holds.
pub fn due<'a>(pack: &'a Pack, journey: &Journey, applies: impl Fn(&Survey) -> bool) -> Vec<Due<'a>> {
    let for_persona = |survey: &&Survey| survey.is_for(&journey.persona) && applies(survey);
    let moments = |survey: &'a Survey| {
        let moments = survey.triggers.iter().filter_map(|trigger| moment(trigger, journey));
        moments.map(move |since| Due { survey, since }).collect::<Vec<_>>()
    };
    pack.surveys.values().filter(for_persona).flat_map(moments).collect()
}

/// When a trigger fired; a day that is yet to come is one in the future.
fn moment(trigger: &Trigger, journey: &Journey) -> Option<Timestamp> {
    match trigger {
        Trigger::After(step) => first_done(journey, step),
        Trigger::FirstValue => journey.reached.as_ref().map(|(at, _)| *at),
        Trigger::Day(day) => {
            journey.clock.start().checked_add(SignedDuration::from_hours(i64::from(*day) * 24)).ok()
        }
        Trigger::OnDemand => None,
    }
}

fn first_done(journey: &Journey, step: &StepId) -> Option<Timestamp> {
    let record = journey.steps.get(step)?;
    record.moments.iter().find(|(_, state)| state.is_done()).map(|(at, _)| *at)
}

/// Whether anything of a journey needs the person or the machine: a step runs, failed or is blocked.
pub fn is_busy(pack: &Pack, journey: &Journey) -> bool {
    let steps = pack.checklists.get(&journey.persona).into_iter().flat_map(Checklist::steps);
    let troubled = |step: &StepId| {
        matches!(
            journey.state(step),
            Some(StepState::Running | StepState::Failed(_) | StepState::Blocked { .. })
        )
    };
    journey.run.is_some() || steps.into_iter().any(troubled)
}
