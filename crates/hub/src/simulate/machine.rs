//! A machine: what it writes down by a clock that may be wrong, and in which batches it sends that.

use uuid::Uuid;

use super::{
    chance::Chance,
    company::{Batch, DAY, Device, Event, HOUR, MINUTE, What, uuid},
};

/// How many events a machine sends at once, at most.
const BATCH: i64 = 120;

/// A machine and what it has written down.
pub(super) struct Machine {
    person: usize,
    pub(super) device: usize,
    /// Seconds by which its clock is always off. They are less than a request may take, so they stay in what the hub knows.
    pub(super) seconds: i64,
    /// Minutes, hours, or a year by which it is ahead…
    ahead: i64,
    /// …until it is set right.
    set_at: i64,
    pub(super) written: Vec<Event>,
}

impl Machine {
    pub(super) fn new(
        devices: &mut Vec<Device>,
        person: usize,
        opened: i64,
        end: i64,
        chance: &mut Chance,
    ) -> Self {
        let device = devices.len();
        devices.push(Device { id: uuid(chance), person });
        let ahead = match chance.below(20) {
            0 => chance.between(-180, 20) * MINUTE,
            1 => 365 * DAY,
            2 => -365 * DAY,
            _ => 0,
        };
        let set_at = if chance.in_a_thousand(400) { opened + chance.below(end - opened) } else { i64::MAX };
        let seconds = chance.between(-5_000, 5_000);
        Self { person, device, seconds, ahead, set_at, written: Vec::new() }
    }

    /// Writes something down; when it happened, as the hub has to take it.
    pub(super) fn write(&mut self, at: i64, journey: Uuid, what: What, chance: &mut Chance) -> i64 {
        let sequence = self.written.len() as u64 + 1;
        let (person, device, time) = (self.person, self.device, at + self.seconds);
        let ahead = if at < self.set_at { self.ahead } else { 0 };
        self.written.push(Event { person, device, sequence, time, ahead, journey, what, id: uuid(chance) });
        time
    }

    /// Numbers what was written in the order in which it happened, and takes out what people were asked and said, what they asked
    /// for, and that it is over, in batches that tell of the clock each was written by.
    pub(super) fn set_aside(&mut self) -> [Vec<Batch>; 3] {
        self.written.sort_by_key(|event| event.time);
        for (sequence, event) in (1..).zip(&mut self.written) {
            event.sequence = sequence;
        }
        let mut aside = [const { Vec::new() }; 3];
        let [asked, opened, closed] = &mut aside;
        for event in std::mem::take(&mut self.written) {
            match event.what {
                What::Shown { .. } | What::Answered { .. } | What::Ended { .. } => asked.push(event),
                What::Opened { .. } => opened.push(event),
                What::Closed { .. } => closed.push(event),
                _ => self.written.push(event),
            }
        }
        aside.map(|events| self.batches_of(&events))
    }

    fn batches_of(&self, events: &[Event]) -> Vec<Batch> {
        let batch = |events: &[Event]| {
            let ahead = events.first().map_or(0, |event| event.ahead) + self.seconds;
            Batch { device: self.device, ahead, events: events.to_vec() }
        };
        events.chunk_by(|one, next| one.ahead == next.ahead).map(batch).collect()
    }

    /// Cuts what was written into batches: some are lost with a disk, some come weeks later, some twice. Whoever sets a clock has
    /// sent what was written before.
    pub(super) fn send(self, end: i64, chance: &mut Chance, on_the_way: &mut Vec<(i64, Batch)>) {
        let mut left = self.written;
        left.retain(|_| !chance.in_a_thousand(3));
        while !left.is_empty() {
            let some = usize::try_from(chance.between(1, BATCH)).unwrap_or(1).min(left.len());
            let ahead = left.first().map_or(0, |event| event.ahead);
            let set = left.iter().position(|event| event.ahead != ahead).unwrap_or(left.len());
            let events: Vec<Event> = left.drain(..some.min(set)).collect();
            let written = events.last().map_or(end, |event| event.time);
            let offline = if chance.in_a_thousand(120) { chance.below(21 * DAY) } else { chance.below(HOUR) };
            let batch = Batch { device: self.device, ahead: ahead + self.seconds, events };
            if chance.in_a_thousand(80) {
                on_the_way.push((written + offline + chance.between(1, 5 * DAY), batch.clone()));
            }
            on_the_way.push((written + offline, batch));
        }
    }
}
