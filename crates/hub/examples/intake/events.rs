//! The events everybody is measured with: the same for the same place in the row, whoever asks.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

/// How many machines send.
pub(crate) const DEVICES: usize = 200;
/// Events in a batch, and how many of them were sent before: 5 %.
pub(crate) const BATCH: u64 = 1_000;
pub(crate) const AGAIN: u64 = 50;
const NEW: u64 = BATCH - AGAIN;
/// One of so many happened days before it arrives: 2 %.
const LATE: u64 = 50;
const SEED: u64 = 0x00f1_5e11_6874;

const STEPS: [&str; 8] =
    ["git", "vpn", "ssh-key", "first-build", "database", "chat", "security-training", "browser"];
const STATES: [&str; 4] = ["running", "done", "failed", "waiting"];

/// An event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) device: usize,
    pub(crate) sequence: u64,
    pub(crate) id: Uuid,
    pub(crate) time: Timestamp,
    pub(crate) day: Date,
    step: &'static str,
    state: &'static str,
}

/// All of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Events {
    pub(crate) now: Timestamp,
    /// How many batches each device sends.
    pub(crate) rounds: u64,
}

/// Mixes a number (splitmix64): what looks like chance and comes out the same.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(SEED).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Events {
    /// At least so many events, in whole batches of every device.
    pub(crate) fn at_least(events: u64, now: Timestamp) -> Self {
        Self { now, rounds: events.div_ceil(BATCH * DEVICES as u64).max(1) }
    }

    /// How many are sent, and how many of these for the first time.
    pub(crate) fn sent(&self) -> (u64, u64) {
        let batches = self.rounds * DEVICES as u64;
        (batches * BATCH, batches * NEW)
    }

    /// What a device sends in one round.
    pub(crate) fn batch(&self, device: usize, round: u64) -> Vec<Event> {
        let new = round * NEW + 1..=(round + 1) * NEW;
        let again =
            (0..AGAIN).map(|one| 1 + mixed(round << 32 | (device as u64) << 8 | one) % ((round + 1) * NEW));
        new.chain(again).map(|sequence| self.event(device, sequence)).collect()
    }

    fn event(&self, device: usize, sequence: u64) -> Event {
        let chance = mixed((device as u64) << 40 | sequence);
        let late = if chance.is_multiple_of(LATE) { 24 * i64::from(chance.to_le_bytes()[3] % 21) } else { 0 };
        let minutes = i64::from(u16::from_le_bytes([chance.to_le_bytes()[1], chance.to_le_bytes()[2]]) % 600);
        let time = self.now - SignedDuration::from_hours(late) - SignedDuration::from_mins(minutes);
        let pick = |of: usize| usize::from(chance.to_le_bytes()[4 + of]);
        Event {
            device,
            sequence,
            id: Uuid::from_u64_pair(chance, mixed(chance)),
            time,
            day: TimeZone::UTC.to_datetime(time).date(),
            step: STEPS[pick(0) % STEPS.len()],
            state: STATES[pick(1) % STATES.len()],
        }
    }
}

impl Event {
    pub(crate) fn data(&self) -> String {
        format!(r#"{{"step":"{}","state":"{}"}}"#, self.step, self.state)
    }
}

/// A batch as a device that calls itself `source` sends it.
pub(crate) fn body(events: &[Event], source: Uuid) -> String {
    let mut body = String::with_capacity(events.len() * 340);
    for (index, event) in events.iter().enumerate() {
        body.push(if index == 0 { '[' } else { ',' });
        // Writing to a text never fails.
        let _ = write!(
            body,
            r#"{{"specversion":"1.0","id":"{}","source":"urn:uuid:{source}","type":"dev.firstlight.step.changed","time":"{}","recordedtime":"{}","sequence":"{:016}","datacontenttype":"application/json","data":{}}}"#,
            event.id,
            event.time,
            event.time,
            event.sequence,
            event.data()
        );
    }
    body.push(']');
    body
}
