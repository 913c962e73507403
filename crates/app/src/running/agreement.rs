//! What a run stands on: the plan that was agreed to, and the journey it belongs to.

use std::time::Instant;

use firstlight_contract::{
    commands::{Choice, Consent},
    error::Code,
};
use firstlight_domain::{
    event::{Clock, Event},
    id::JourneyId,
    release,
};
use jiff::{civil::Date, tz::TimeZone};
use uuid::Uuid;

use crate::{
    error::{AppError, Result},
    planning::Planned,
    session::{Firstlight, lock},
};

impl Firstlight {
    /// Leaves the journey at hand. It stays in the journal.
    pub fn leave_journey(&self) -> Result<()> {
        self.refuse_while_running()?;
        let journey = self.current_journey()?;
        *lock(&self.inner.planned) = None;
        self.append(&[Event::JourneyLeft { journey: journey.id }]).map(drop)
    }

    /// Leaves the journey at hand if it is not this persona's of the pack at hand. Before the plan is made: what was done on
    /// one journey is not taken as done on another.
    pub fn leave_other_journey(&self, persona: &str) -> Result<()> {
        let pack = self.pack_at_hand();
        let other = self.with_world(|world| {
            world.journey.as_ref().is_some_and(|journey| {
                journey.persona.as_str() != persona
                    || pack.as_ref().is_some_and(|pack| pack.name != journey.pack.name)
            })
        });
        if other { self.leave_journey() } else { Ok(()) }
    }

    /// The plan the person agreed to: the one shown, or the same made again. Anything else asks again.
    pub(super) async fn agreed_plan(&self, agreed: &Consent) -> Result<Planned> {
        let shown = lock(&self.inner.planned).clone();
        if let Some(planned) = shown.filter(|planned| {
            planned.consent.0 == agreed.consent && planned.persona.as_str() == agreed.choice.persona
        }) {
            return Ok(planned);
        }
        let pack =
            self.pack_at_hand().ok_or_else(|| AppError::new(Code::PackNotFound, "No pack was chosen."))?;
        let planned = self.plan_for(&pack, &agreed.choice).await?;
        if planned.consent.0 != agreed.consent {
            return Err(AppError::new(
                Code::ConsentStale,
                "What would be done has changed since you saw the plan.",
            )
            .hint("Look at the plan again and start from there."));
        }
        Ok(planned)
    }

    pub(super) fn begin_journey(&self, planned: &Planned, choice: &Choice) -> Result<()> {
        if let Some(journey) = self.with_world(|world| world.journey.clone()) {
            if journey.pack.name == planned.pack.name && journey.persona == planned.persona {
                return Ok(());
            }
            return Err(AppError::new(
                Code::StepState,
                format!("You are on the way as `{}` of the pack `{}`.", journey.persona, journey.pack.name),
            )
            .hint(
                "Leave that journey first (Settings, or `firstlight up --leave`); it stays in the journal.",
            ));
        }
        let now = self.now();
        let clock = match choice.start_date.as_deref().filter(|text| !text.is_empty()) {
            None => Clock::FirstLaunch { at: now },
            Some(text) => start_date(text, now)?,
        };
        let event = Event::JourneyStarted {
            journey: JourneyId(Uuid::now_v7()),
            pack: planned.pack.reference(),
            pack_path: planned.pack.root.display().to_string(),
            persona: planned.persona.clone(),
            inputs: planned.inputs.clone(),
            clock,
        };
        self.append(&[event]).map(drop)
    }

    /// The journey goes by another checklist from now on, if it does.
    pub(super) fn checklist_taken(&self, planned: &Planned) -> Option<Event> {
        let outline = release::outline(&planned.pack, &planned.persona);
        let goal = planned.pack.first_value(&planned.persona).map(|step| step.id.clone());
        let known = self.with_world(|world| world.journey.as_ref().is_some_and(|it| it.outline == outline));
        (!known).then_some(Event::ChecklistTaken { goal, outline })
    }

    /// What the journey at hand was agreed for. Trying again and going on need no new consent while pack, answers and
    /// machine are the same; a pack that changed does.
    pub(crate) fn planned_journey(&self) -> Result<Planned> {
        let journey = self.current_journey()?;
        let pack = self.journey_pack()?;
        let stale = || {
            AppError::new(Code::ConsentStale, "The checklist has changed since you agreed to it.")
                .hint("Look at the plan again and start from there.")
        };
        let consent = journey.consent.filter(|_| journey.pack.digest == pack.digest).ok_or_else(stale)?;
        let plan = firstlight_domain::plan::Plan {
            pack: pack.reference(),
            persona: journey.persona.clone(),
            steps: Vec::new(),
        };
        let (persona, inputs) = (journey.persona, journey.inputs);
        let (begun, recorded) = (Instant::now(), self.history().recorded());
        Ok(Planned { pack, persona, inputs, consent, plan, begun, recorded })
    }
}

/// The beginning of that day in this machine's zone. A day far away is a typing error.
fn start_date(text: &str, now: jiff::Timestamp) -> Result<Clock> {
    let invalid = |message: String| {
        AppError::new(Code::InputInvalid, message).hint("Write the first working day like 2026-11-23.")
    };
    let date: Date = text.parse().map_err(|_| invalid(format!("`{text}` is not a date.")))?;
    let at = date
        .to_zoned_datetime(TimeZone::system())
        .map_err(|_| invalid(format!("`{text}` is not a date here.")))?
        .timestamp();
    if at > now {
        return Err(invalid(format!("The first working day {text} has not come yet.")));
    }
    if now.as_second() - at.as_second() > 366 * 86_400 {
        return Err(invalid(format!("The first working day {text} is more than a year ago.")));
    }
    Ok(Clock::StartDate { date, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_date_is_a_day_that_has_come() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        assert!(matches!(start_date("2026-11-20", now), Ok(Clock::StartDate { .. })));
        for wrong in ["2026-12-24", "2020-01-01", "tomorrow", "2026-13-01"] {
            assert_eq!(start_date(wrong, now).unwrap_err().code(), Code::InputInvalid, "{wrong}");
        }
    }
}
