//! What others are asked for, and what they answered; and the working hours promises were given under. What is asked is written
//! by [`super::Store::append`], in the same transaction as the log: a device says each thing once, in whatever order it
//! arrives, and no device says anything of another's request.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::{
    id::StepId,
    registry::EventType,
    request::{Answered, Closing},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{DeviceKey, PersonKey, StoreError};
use crate::{
    audit::By,
    ingest::request::{Opened, Said, What, said},
    requests::calendar::WorkingHours,
};

/// How many answers a device is told at once.
pub const MOST_ANSWERS: u32 = 100;

/// What somebody was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id, as its device gave it.
    pub id: Uuid,
    /// Whose device.
    pub device: DeviceKey,
    /// Who asks.
    pub person: PersonKey,
    /// In which journey.
    pub journey: Uuid,
    /// For which step.
    pub step: StepId,
    /// The step's title.
    pub title: String,
    /// Who is asked.
    pub owner: String,
    /// What they promise, as the pack writes it.
    pub sla: Option<String>,
    /// The name the person gave.
    pub name: Option<String>,
    /// Since when the person waits, by their machine's clock; not later than `received`.
    pub asked: Timestamp,
    /// When the hub heard of it.
    pub received: Timestamp,
    /// The version of the working hours that held then; none if there were none.
    pub calendar: Option<u32>,
    /// How and when it ended without an answer, or after one.
    pub ended: Option<(Closing, Timestamp)>,
    /// What was answered.
    pub answered: Option<Answered>,
}

impl Request {
    /// Whether somebody still has to answer it.
    pub fn is_open(&self) -> bool {
        self.ended.is_none() && self.answered.is_none()
    }
}

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those somebody still has to answer.
    Open,
    /// All the hub heard of since then.
    Since(Timestamp),
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answering {
    /// It counts, and this is the request now.
    Done(Box<Request>),
    /// There is no such request.
    NoSuch,
    /// It was answered, granted or withdrawn before.
    Settled,
}

/// The part of a database that has to do with requests.
#[async_trait]
pub trait Requests {
    /// Makes these the working hours that hold from now on; the version they are. The same as before are the same version.
    async fn keep_calendar(&self, hours: &WorkingHours, now: Timestamp) -> Result<u32, StoreError>;

    /// Every version of the working hours.
    async fn calendars(&self) -> Result<BTreeMap<u32, WorkingHours>, StoreError>;

    /// Requests, in the order the hub heard of them.
    async fn requests(&self, which: Which) -> Result<Vec<Request>, StoreError>;

    /// One of them.
    async fn request(&self, id: Uuid) -> Result<Option<Request>, StoreError>;

    /// Those of a device that were answered, the last first, [`MOST_ANSWERS`] at most.
    async fn answered_requests(&self, device: DeviceKey) -> Result<Vec<Request>, StoreError>;

    /// Answers a request, once. An act.
    async fn answer_request(&self, by: &By, id: Uuid, answered: &Answered) -> Result<Answering, StoreError>;

    /// All of them from nothing but the log and what was answered: slow, and equal to [`Self::requests`] of all times.
    async fn ask_again(&self) -> Result<Vec<Request>, StoreError>;
}

/// What an event of the log says of a request. What was accepted is whole; nothing is made of what is not.
pub(crate) fn said_in(kind: EventType, data: &str) -> Option<Said> {
    if !matches!(kind, EventType::RequestOpened | EventType::RequestClosed) {
        return None;
    }
    said(kind, &serde_json::from_str(data).ok()?).ok().flatten()
}

/// An event of the log that says something of a request.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) device: DeviceKey,
    pub(crate) person: PersonKey,
    pub(crate) sequence: u64,
    /// When it happened, by our clock.
    pub(crate) time: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) said: Said,
}

/// Hears the log again, one event after another.
#[derive(Debug, Default)]
pub(crate) struct Again {
    heard: BTreeMap<Uuid, Heard>,
}

#[derive(Debug)]
struct Heard {
    device: DeviceKey,
    person: PersonKey,
    /// What it is for, when it was told and heard of first, and the sequence that said the name.
    opened: Option<(Opened, Timestamp, Timestamp, u64)>,
    ended: Option<(Closing, Timestamp)>,
}

impl Again {
    pub(crate) fn hear(&mut self, logged: Logged) {
        let Logged { device, person, sequence, time, received, said } = logged;
        let time = time.min(received);
        let known =
            self.heard.entry(said.request).or_insert(Heard { device, person, opened: None, ended: None });
        if known.device != device {
            return;
        }
        match said.what {
            What::Opened(opened) => match &mut known.opened {
                Some((before, _, _, last)) => {
                    if sequence > *last {
                        before.name = opened.name;
                        *last = sequence;
                    }
                }
                None => known.opened = Some((opened, time, received, sequence)),
            },
            What::Closed(closing) => {
                known.ended.get_or_insert((closing, time));
            }
        }
    }

    /// Puts it together with the working hours (version, since when) and with what was answered.
    pub(crate) fn done(
        self,
        calendars: &BTreeMap<u32, Timestamp>,
        mut answers: BTreeMap<Uuid, Answered>,
    ) -> Vec<Request> {
        let mut all: Vec<Request> = self
            .heard
            .into_iter()
            .filter_map(|(id, Heard { device, person, opened, ended })| {
                let (opened, asked, received, _) = opened?;
                let held = calendars.iter().rev().find(|(_, since)| **since <= received);
                let Opened { journey, step, title, owner, sla, name } = opened;
                Some(Request {
                    id,
                    device,
                    person,
                    journey,
                    step,
                    title,
                    owner,
                    sla,
                    name,
                    asked,
                    received,
                    calendar: held.map(|(version, _)| *version),
                    ended,
                    answered: answers.remove(&id),
                })
            })
            .collect();
        all.sort_by_key(|request| (request.received, request.id));
        all
    }
}
