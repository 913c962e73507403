//! The journeys that a group of submissions tells of, while they are told: what is known of each before comes from the database,
//! what changed goes back into it, in the transaction of the log.

use std::collections::{BTreeMap, btree_map::Entry};

use uuid::Uuid;

use super::{StoreError, kpis::Known, settling::Accepted};
use crate::{
    ingest::attributes::Data,
    insights::story::{Clock, Journey, MOST, Moment, StepStory, Told, said},
};

/// Whose journey, and which.
pub(super) type Key = (u32, Uuid);

/// What a database knows of a journey.
pub(super) trait Before {
    /// The journey; none if nothing was told of it.
    fn journey(&mut self, key: Key) -> Result<Option<Journey>, StoreError>;

    /// The transitions of one of its steps.
    fn step(&mut self, key: Key, step: &str) -> Result<StepStory, StoreError>;
}

/// The journeys that are told of.
#[derive(Default)]
pub(super) struct Stories {
    journeys: BTreeMap<Key, Open>,
    /// When the latest event happened, in milliseconds.
    pub(super) latest: Option<i64>,
}

/// A journey while events are told of it.
#[derive(Default)]
pub(super) struct Open {
    pub(super) journey: Journey,
    /// The steps that were told of.
    pub(super) steps: BTreeMap<String, StepStory>,
    /// Steps that are kept no longer, see [`MOST`].
    pub(super) dropped: Vec<String>,
    changed: bool,
}

impl Stories {
    pub(super) fn tell(
        &mut self,
        before: &mut impl Before,
        accepted: &Accepted<'_>,
    ) -> Result<(), StoreError> {
        let (moment, person) = (accepted.moment(), accepted.of.person.0);
        self.latest = self.latest.max(Some(moment.time));
        let Some((journey, told)) = accepted.told() else { return Ok(()) };
        let key = (person, journey);
        let open = match self.journeys.entry(key) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(new) => {
                let known = before.journey(key)?;
                // Also one of which there is nothing to say yet is known from now on.
                let changed = known.is_none();
                let journey = known.unwrap_or(Journey { person, ..Journey::default() });
                new.insert(Open { journey, changed, ..Open::default() })
            }
        };
        let Told::Step(step, transition) = told else {
            open.changed |= open.journey.tell(&told);
            return Ok(());
        };
        // Most of what comes later is about steps that were done long ago.
        let done = open.journey.steps.get(&step).and_then(|facts| facts.done);
        if done.is_some_and(|done| done < moment.time) {
            return Ok(());
        }
        let full = open.journey.steps.len() >= MOST && open.journey.steps.get(&step).is_none();
        if full && open.journey.steps.last().is_some_and(|last| *last < *step) {
            return Ok(());
        }
        let story = match open.steps.entry(step.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(before.step(key, &step)?),
        };
        story.tell(transition);
        open.journey.steps.insert(&step, story.facts());
        if full && let Some(dropped) = open.journey.steps.pop_last() {
            open.steps.remove(dropped.as_ref());
            open.dropped.push(dropped.as_ref().to_owned());
        }
        open.changed = true;
        Ok(())
    }

    /// What has to be written.
    pub(super) fn changed(&self) -> impl Iterator<Item = (Key, &Open)> {
        self.journeys.iter().filter(|(_, open)| open.changed).map(|(key, open)| (*key, open))
    }
}

/// How a clock is kept: when it started, if the machine said so, and whether it did when the journey began.
pub(super) fn clock_parts(clock: Option<Clock>) -> (Option<i64>, bool) {
    match clock {
        Some(Clock::At(at)) => (Some(at), false),
        Some(Clock::Beginning) => (None, true),
        Some(Clock::Unknown) | None => (None, false),
    }
}

/// And back.
pub(super) fn clock_from(at: Option<i64>, at_once: bool) -> Clock {
    match (at, at_once) {
        (Some(at), _) => Clock::At(at),
        (None, true) => Clock::Beginning,
        (None, false) => Clock::Unknown,
    }
}

pub(super) fn damaged() -> StoreError {
    StoreError::Damaged("the steps of a journey are not what was written".to_owned())
}

/// Telling every journey again, from nothing but the log.
#[derive(Default)]
pub(super) struct Retelling {
    known: Known,
    steps: BTreeMap<Key, BTreeMap<String, StepStory>>,
}

impl Retelling {
    /// With what the log does not say, and how many events it does not have any more.
    pub(super) fn of(mut known: Known, forgotten: u64) -> Self {
        // Marks say what was settled; what was accepted is the log itself.
        known.machines.accepted = forgotten;
        Self { known, steps: BTreeMap::new() }
    }

    /// One event of it, in whatever order.
    pub(super) fn take(&mut self, logged: &super::recount::Logged<'_>, sequence: u64) {
        let known = &mut self.known;
        known.machines.accepted += 1;
        known.latest = known.latest.max(Some(logged.time));
        let person = logged.person.0;
        if logged.kind.shows_activity() {
            known.people.entry(logged.day).or_default().insert(person);
        }
        let moment = Moment { time: logged.time.as_millisecond(), device: logged.device.0, sequence };
        let Some(data) = Data::of(logged.data) else { return };
        let Some((journey, said)) = said(logged.kind, |name| data.text(name)) else { return };
        let key = (person, journey);
        let journey = known.journeys.entry(key).or_insert(Journey { person, ..Journey::default() });
        match said.at(moment, logged.moved) {
            Told::Step(step, transition) => {
                self.steps.entry(key).or_default().entry(step).or_default().tell(transition);
            }
            told => {
                journey.tell(&told);
            }
        }
    }

    pub(super) fn done(self) -> Known {
        let Self { mut known, steps } = self;
        for (key, steps) in steps {
            let facts = steps.into_iter().take(MOST).map(|(step, story)| (step, story.facts())).collect();
            known.journeys.entry(key).or_default().steps = facts;
        }
        known
    }
}
