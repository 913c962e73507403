//! What becomes of each event of a group, and what it adds to the counts. Pure: a database reads the marks before and
//! writes what comes out, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::hub::{Refusal, Verdict};
use firstlight_domain::registry::EventType;
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::{DeviceKey, Progress, StoreError, Submission};
use crate::{
    ingest::{Event, Handshake, Marks, Refused, clock::Course, event::in_time, marks::Settle},
    insights::story::{Moment, Told},
};

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
    /// When it happened, by our clock.
    pub(super) at: Timestamp,
    /// The day of that, in the organisation's zone.
    pub(super) day: Date,
}

impl Accepted<'_> {
    /// Its place in time, among all events.
    pub(super) fn moment(&self) -> Moment {
        let Self { of, event, at, .. } = self;
        Moment { time: at.as_millisecond(), device: of.device.0, sequence: event.sequence }
    }

    /// How much later it happened than its device's clock said, in milliseconds.
    pub(super) fn moved(&self) -> i64 {
        self.at.as_millisecond() - self.event.time.as_millisecond()
    }

    /// What it tells of which journey, if it does.
    pub(super) fn told(&self) -> Option<(Uuid, Told)> {
        let (journey, said) = self.event.said.as_ref()?;
        Some((*journey, said.clone().at(self.moment(), self.moved())))
    }

    /// When it happened, for the log, which has what the device's clock said beside it; nothing if that is the same.
    pub(super) fn happened(&self) -> Option<i64> {
        (self.moved() != 0).then(|| self.at.as_millisecond())
    }
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
        let happened = happened(submission, progress);
        let before = progress.accepted + progress.refused;
        let verdicts = submission.events.iter().zip(happened).map(|(read, happened)| {
            let at = happened.as_ref().ok().map(|(_, at)| at.as_millisecond());
            let now = read.sequence.map(|sequence| progress.settle(sequence, at));
            match (happened, now) {
                // Why it is refused is said each time; that it was refused is counted once.
                (Err(Refused { reason, message }), now) => {
                    progress.refused += u64::from(now == Some(Settle::Now));
                    Verdict::Refused { reason, message }
                }
                (Ok((event, at)), Some(Settle::Now)) => {
                    progress.accepted += 1;
                    let day = submission.zone.to_datetime(at).date();
                    let accepted = Accepted { of: submission, event, at, day };
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
        // What was settled before may have been held up on its way, and then says nothing of a clock.
        if let Some(handshake) =
            handshake(submission).filter(|_| progress.accepted + progress.refused > before)
        {
            progress.course.heard(handshake);
        }
    }
    settled
}

fn handshake(submission: &Submission) -> Option<Handshake> {
    let sent = submission.sent?.as_millisecond();
    Some(Handshake { sent, arrived: submission.received.as_millisecond() })
}

/// Each event and when it happened, or why it is refused. A device that says nothing of its clock is believed.
fn happened<'a>(
    submission: &'a Submission,
    progress: &Progress,
) -> Vec<Result<(&'a Event, Timestamp), Refused>> {
    let told = || -> Vec<(u64, i64)> {
        let events = submission.events.iter().filter_map(|read| read.event.as_ref().ok());
        events.map(|event| (event.sequence, event.time.as_millisecond())).collect()
    };
    let placed =
        handshake(submission).map(|handshake| progress.course.place(&progress.marks, handshake, &told()));
    let mut placed = placed.map(Vec::into_iter);
    let happened = submission.events.iter().map(|read| {
        let event = read.event.as_ref().map_err(Clone::clone)?;
        let at = match placed.as_mut().map(Iterator::next) {
            None => event.time,
            Some(Some(Some(at))) => Timestamp::from_millisecond(at).unwrap_or(Timestamp::MIN),
            // It was settled before, so it does not matter when it happened.
            Some(_) => return Ok((event, event.time)),
        };
        in_time(at, submission.received)?;
        Ok((event, at))
    });
    happened.collect()
}

impl Progress {
    /// Settles a sequence; `at` is when it happened, in milliseconds, unless it is refused.
    fn settle(&mut self, sequence: u64, at: Option<i64>) -> Settle {
        let place = self.marks.place(sequence);
        let settled = self.marks.settle(sequence);
        if settled == Settle::Now {
            self.course.follow(place, at);
        }
        settled
    }
}

fn gone() -> Verdict {
    let message = "this device is not enrolled any more".to_owned();
    Verdict::Refused { reason: Refusal::ForeignSource, message }
}

impl Added {
    fn count(&mut self, Accepted { of, event, day, .. }: Accepted<'_>) {
        *self.events.entry((day, event.kind)).or_default() += 1;
        if event.kind.shows_activity() {
            self.people.entry(day).or_default().insert(of.person.0);
        }
    }
}

/// A device's progress as a database keeps it.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) device: DeviceKey,
    pub(super) high: u64,
    pub(super) gaps: &'a [u8],
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) skew: Option<i64>,
    pub(super) latest: Option<i64>,
    pub(super) around: Option<&'a [u8]>,
}

impl Row<'_> {
    pub(super) fn progress(self) -> Result<Progress, StoreError> {
        let Self { device, high, gaps, accepted, refused, skew, latest, around } = self;
        let marks = Marks::from_parts(high, gaps).ok_or_else(|| {
            StoreError::Damaged(format!("the marks of device {} are not what was written", device.0))
        })?;
        let course = Course::from_parts(&marks, skew, latest, around.unwrap_or_default());
        Ok(Progress { marks, accepted, refused, course })
    }
}
