//! What becomes of each event of a group, and what it adds to the counts. Pure: a database reads the marks before and
//! writes what comes out, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::hub::{Refusal, Verdict};
use firstlight_domain::registry::EventType;
use jiff::civil::Date;
use roaring::RoaringBitmap;

use super::{DeviceKey, Progress, StoreError, Submission};
use crate::ingest::{Event, Marks, Refused, marks::Settle};

/// A group, settled.
#[derive(Debug)]
pub(super) struct Settled<'a> {
    /// One for each event of each submission.
    pub(super) verdicts: Vec<Vec<Verdict>>,
    /// What goes into the log, in order.
    pub(super) accepted: Vec<Accepted<'a>>,
    /// How far each device is now.
    pub(super) progress: BTreeMap<DeviceKey, Progress>,
    /// What the counts grow by.
    pub(super) added: Added,
}

/// An event that goes into the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted<'a> {
    pub(super) of: &'a Submission,
    pub(super) event: &'a Event,
    pub(super) day: Date,
}

/// What a group adds to the counts.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) events: BTreeMap<(Date, EventType), u64>,
    pub(super) people: BTreeMap<Date, RoaringBitmap>,
}

/// The devices of a group, each once, in the order in which every writer locks them.
pub(super) fn devices(group: &[Submission]) -> BTreeSet<DeviceKey> {
    group.iter().map(|submission| submission.device).collect()
}

/// Settles a group; `progress` is how far each of its [`devices`] was. A device that is not there any more, because it was
/// erased while what it sent was waiting, has none; what it sent is refused, and the rest of the group kept.
pub(super) fn settle(group: &[Submission], progress: BTreeMap<DeviceKey, Progress>) -> Settled<'_> {
    let mut settled = Settled {
        verdicts: Vec::with_capacity(group.len()),
        accepted: Vec::new(),
        progress,
        added: Added::default(),
    };
    for submission in group {
        let device = submission.device;
        let Some(progress) = settled.progress.get_mut(&device) else {
            settled.verdicts.push(vec![gone(); submission.events.len()]);
            continue;
        };
        let verdicts = submission.events.iter().map(|(read, day)| {
            let now = read.sequence.map(|sequence| progress.marks.settle(sequence));
            match (&read.event, now) {
                // Why it is refused is said each time; that it was refused is counted once.
                (Err(Refused { reason, message }), now) => {
                    progress.refused += u64::from(now == Some(Settle::Now));
                    Verdict::Refused { reason: *reason, message: message.clone() }
                }
                (Ok(event), Some(Settle::Now)) => {
                    progress.accepted += 1;
                    let accepted = Accepted { of: submission, event, day: *day };
                    settled.added.count(accepted);
                    settled.accepted.push(accepted);
                    Verdict::Accepted
                }
                (Ok(_), Some(Settle::Before)) => Verdict::Duplicate,
                (Ok(_), Some(Settle::TooManyGaps) | None) => Verdict::Refused {
                    reason: Refusal::TooManyGaps,
                    message: "too many events before it are missing; send those first, then this one again"
                        .to_owned(),
                },
            }
        });
        settled.verdicts.push(verdicts.collect());
    }
    settled
}

fn gone() -> Verdict {
    let message = "this device is not enrolled any more".to_owned();
    Verdict::Refused { reason: Refusal::ForeignSource, message }
}

impl Added {
    fn count(&mut self, Accepted { of, event, day }: Accepted<'_>) {
        *self.events.entry((day, event.kind)).or_default() += 1;
        if event.kind.shows_activity() {
            self.people.entry(day).or_default().insert(of.person.0);
        }
    }
}

/// A device's progress as a database keeps it.
pub(super) fn progress(
    device: DeviceKey,
    high: u64,
    gaps: &[u8],
    accepted: u64,
    refused: u64,
) -> Result<Progress, StoreError> {
    let marks = Marks::from_parts(high, gaps).ok_or_else(|| {
        StoreError::Damaged(format!("the marks of device {} are not what was written", device.0))
    })?;
    Ok(Progress { marks, accepted, refused })
}
