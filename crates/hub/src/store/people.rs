//! One person: everything a database has of them, to hand it over or to erase it.
//!
//! [`TABLES`] says of each table whose its rows are; both go by it. A test lists the tables of each database and fails for
//! one that is not there. One more table: a line in it, and in [`written`] what its columns are if no other has such.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    PersonKey, StoreError,
    columns::{Kinds, day_of, instant},
    signals::Services,
};
use crate::{
    audit::By,
    ingest::{Marks, clock::around},
    insights::{
        journey_steps::Names,
        story::{StepStory, Transition},
        written,
    },
};

/// Whose the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Of the person whose number is in the column `person`.
    OfPerson,
    /// Of the person whose device is in the column `device`.
    OfDevice,
    /// Of the person whose request is in the column `request`.
    OfRequest,
    /// The people themselves.
    People,
    /// What other programs said: of a person, or of a pseudonym of theirs.
    Signals,
    /// A set of people each, in the column `people`: somebody is in it or not.
    Sets,
    /// Acts in the hub's own log that are about somebody, or by them. What names them there goes; the acts stay.
    Acts,
    /// Sums of many, which are corrected when somebody's share goes; those in `past` and `survey_sum` are of what is forgotten
    /// and stay.
    Sums,
    /// Of nobody.
    Nobodys,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// What it is called.
    pub name: &'static str,
    /// Whose its rows are.
    pub rows: Rows,
}

const fn table(name: &'static str, rows: Rows) -> Table {
    Table { name, rows }
}

/// Every table of any database, in the order in which rows go: what others refer to comes last.
pub const TABLES: &[Table] = &[
    table("event", Rows::OfDevice),
    table("run", Rows::OfDevice),
    table("mark", Rows::OfDevice),
    table("journey", Rows::OfPerson),
    table("step_story", Rows::OfPerson),
    table("story", Rows::OfPerson),
    table("survey_exposure", Rows::OfPerson),
    table("survey_answer", Rows::OfPerson),
    table("survey_ending", Rows::OfPerson),
    table("feedback", Rows::OfPerson),
    table("request_news", Rows::OfRequest),
    table("request", Rows::OfPerson),
    table("webhook_delivery", Rows::OfPerson),
    table("signal", Rows::Signals),
    table("alias", Rows::OfPerson),
    table("role", Rows::OfPerson),
    table("session", Rows::OfPerson),
    table("access", Rows::OfPerson),
    table("audit_name", Rows::OfPerson),
    table("code", Rows::OfPerson),
    table("device", Rows::OfPerson),
    table("person", Rows::People),
    table("audit", Rows::Acts),
    table("day_people", Rows::Sets),
    table("service_month", Rows::Sets),
    table("day_events", Rows::Sums),
    table("latest", Rows::Sums),
    table("past", Rows::Sums),
    table("survey_sum", Rows::Sums),
    // Of groups that were of five people at least.
    table("precedence", Rows::Nobodys),
    table("hub", Rows::Nobodys),
    table("kind", Rows::Nobodys),
    table("integration", Rows::Nobodys),
    table("audit_log", Rows::Nobodys),
    table("audit_checkpoint", Rows::Nobodys),
    table("calendar", Rows::Nobodys),
    // Of PostgreSQL only.
    table("format", Rows::Nobodys),
];

impl Rows {
    /// The condition that rows of some people meet; `are` says it of a column with numbers of people. None where rows are not
    /// of one person each.
    pub(super) fn of(self, are: impl Fn(&str) -> String) -> Option<String> {
        let (person, key) = (are("person"), are("key"));
        match self {
            Self::OfPerson => Some(person),
            Self::OfDevice => Some(format!("device IN (SELECT key FROM device WHERE {person})")),
            Self::OfRequest => Some(format!("request IN (SELECT id FROM request WHERE {person})")),
            Self::People => Some(key),
            Self::Signals => Some(format!(
                "{person} OR who IN (SELECT pseudonym FROM alias WHERE {person}
                                     UNION SELECT pseudonym FROM person WHERE {key})"
            )),
            Self::Acts => Some(format!("seq IN (SELECT seq FROM audit_name WHERE {person})")),
            Self::Sets | Self::Sums | Self::Nobodys => None,
        }
    }

    /// The same of rows that go with the person.
    pub(super) fn gone_with(self, are: impl Fn(&str) -> String) -> Option<String> {
        if self == Self::Acts { None } else { self.of(are) }
    }
}

/// What names somebody, and tells nothing else of them.
pub(super) const NAMES: [&str; 2] = ["alias", "audit_name"];

/// The condition that a row of `person` meets of whom something else is known than their names.
pub(super) fn known_otherwise() -> String {
    let theirs = TABLES.iter().filter(|table| matches!(table.rows, Rows::OfPerson | Rows::Signals));
    let somewhere: Vec<String> = theirs
        .filter(|table| !NAMES.contains(&table.name))
        .map(|table| format!("SELECT person FROM {} WHERE person IS NOT NULL", table.name))
        .collect();
    format!("key IN ({})", somewhere.join(" UNION "))
}

/// Whom an admin means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// What names them in the company, or another name that was said to be theirs.
    Name(String),
    /// Their number here, of which `device list` tells.
    Number(PersonKey),
}

impl Whom {
    /// `#7` is a number, all else a name.
    pub fn read(text: &str) -> Self {
        let number = text.strip_prefix('#').and_then(|number| number.parse().ok());
        number.map_or_else(|| Self::Name(text.to_owned()), |number| Self::Number(PersonKey(number)))
    }
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Number(PersonKey(number)) => write!(f, "#{number}"),
        }
    }
}

/// Everything there is of a person: the rows of each table, also of those that have none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    /// The number the person has here.
    pub person: u32,
    /// By table.
    pub tables: BTreeMap<&'static str, Vec<Map<String, Value>>>,
}

/// What became of an erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasing {
    /// They are gone; how many rows were theirs.
    Done(u64),
    /// The hub has nothing of this one; so nobody was erased.
    Unknown(Whom),
}

/// What a database does with one person.
#[async_trait]
pub trait People {
    /// Everything there is of somebody; nothing if the hub has nothing of them. An act.
    async fn export(&self, by: &By, person: &Whom) -> Result<Option<Export>, StoreError>;

    /// Erases people: all of them, or none. What is left is what a hub would have that never knew them, but for sums of what
    /// was forgotten before, and numbers of surveys that were let out already. What their devices go on to send is refused.
    /// `zone` says what a quarter of surveys is. An act.
    async fn erase(&self, by: &By, people: &[Whom], zone: &TimeZone) -> Result<Erasing, StoreError>;
}

/// A value as a database has it.
#[derive(Debug)]
pub(super) enum Raw {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
}

/// Columns that are instants, in milliseconds.
const INSTANTS: &[&str] = &[
    "alone",
    "answered",
    "arrived",
    "asked",
    "at",
    "began",
    "clock",
    "due",
    "ended",
    "enrolled",
    "expires",
    "gone",
    "happened",
    "latest",
    "made",
    "next_expires",
    "nps",
    "received",
    "recorded",
    "revoked",
    "since",
    "time",
    "used",
];
/// Columns that are yes or no.
const ANSWERS: &[&str] = &["at_once", "failed", "ok", "past", "settled"];
/// Columns that are UUIDs where they are bytes.
const IDS: &[&str] = &["id", "journey", "request", "run", "submission"];

/// A value as it is handed over: the same from every database.
pub(super) fn written(column: &str, raw: Raw, kinds: &Kinds) -> Result<Value, StoreError> {
    let damaged = || StoreError::Damaged(format!("`{column}` of a person is not what was written"));
    Ok(match (column, raw) {
        (_, Raw::Null) => Value::Null,
        ("kind", Raw::Number(key)) => kinds.known(key).map_or(json!(key), |kind| json!(kind.name())),
        ("day", Raw::Number(day)) => {
            json!(day_of(i32::try_from(day).map_err(|_| damaged())?)?.to_string())
        }
        (column, Raw::Number(at)) if INSTANTS.contains(&column) => json!(instant(at)?.to_string()),
        (column, Raw::Number(number)) if ANSWERS.contains(&column) => json!(number != 0),
        // What names somebody in the hub's log.
        ("name", Raw::Text(text)) => {
            serde_json::from_str::<Map<_, _>>(&text).map_or_else(|_| json!(text), Value::Object)
        }
        ("data" | "answer" | "body", Raw::Text(text)) => {
            serde_json::from_str(&text).map_err(|_| damaged())?
        }
        ("gaps", Raw::Bytes(gaps)) => {
            json!(Marks::from_parts(u64::MAX, &gaps).ok_or_else(damaged)?.gaps())
        }
        ("around", Raw::Bytes(around)) => between(&around)?,
        ("steps", Raw::Bytes(steps)) => steps_of(&steps).ok_or_else(damaged)??,
        ("told", Raw::Bytes(told)) => transitions(&told).ok_or_else(damaged)??,
        (column, Raw::Bytes(bytes)) if IDS.contains(&column) => {
            json!(Uuid::from_slice(&bytes).map_err(|_| damaged())?)
        }
        (_, Raw::Bool(answer)) => json!(answer),
        (_, Raw::Number(number)) => json!(number),
        (_, Raw::Text(text)) => json!(text),
        (_, Raw::Bytes(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
        (_, Raw::Id(id)) => json!(id),
    })
}

/// How somebody used each service, by month.
pub(super) fn uses_of(services: &Services, person: u32) -> Vec<Map<String, Value>> {
    let mut said = Vec::new();
    for ((service, month), used) in services {
        let Some(uses) = used.people.get(&person) else { continue };
        let days = used.days(*month).filter(|(_, people)| people.contains(person));
        let days: Vec<String> = days.map(|(day, _)| day.to_string()).collect();
        let values = [
            ("service", json!(service)),
            ("month", json!(month.to_string())),
            ("days", json!(days)),
            ("uses", json!(uses.all)),
            ("failed", json!(uses.failed)),
        ];
        said.push(values.map(|(name, value)| (name.to_owned(), value)).into_iter().collect());
    }
    said
}

/// Between which moments each gap lies; nothing where that is not known.
fn between(bytes: &[u8]) -> Result<Value, StoreError> {
    let text =
        |at: Option<i64>| -> Result<_, StoreError> { at.map(|at| Ok(instant(at)?.to_string())).transpose() };
    around(bytes).map(|(after, before)| Ok(json!([text(after)?, text(before)?]))).collect()
}

/// What the steps of a journey came to.
fn steps_of(bytes: &[u8]) -> Option<Result<Value, StoreError>> {
    let steps = written::from_bytes(bytes, &mut Names::default())?;
    let text =
        |at: Option<i64>| -> Result<_, StoreError> { at.map(|at| Ok(instant(at)?.to_string())).transpose() };
    let steps = steps.iter().map(|(name, facts)| {
        let step = json!({
            "entered": text(facts.entered)?, "tried": text(facts.tried)?, "done": text(facts.done)?,
            "failures": facts.failures, "doing_ms": facts.doing, "waiting_ms": facts.waiting,
            "failing_ms": facts.failing, "phase": facts.open.map(|(phase, _)| phase.name()),
            "phase_since": text(facts.open.map(|(_, since)| since))?,
        });
        Ok((name.to_owned(), step))
    });
    Some(steps.collect::<Result<Map<_, _>, StoreError>>().map(Value::Object))
}

/// The transitions of one step.
fn transitions(bytes: &[u8]) -> Option<Result<Value, StoreError>> {
    let story = StepStory::from_bytes(bytes)?;
    let written = story.transitions().iter().map(|Transition { moment, phase }| {
        Ok(json!({
            "time": instant(moment.time)?.to_string(), "device": moment.device, "sequence": moment.sequence,
            "phase": phase.name(),
        }))
    });
    Some(written.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_by_a_name_or_a_number() {
        assert_eq!(Whom::read("#7"), Whom::Number(PersonKey(7)));
        assert_eq!(Whom::read("ada@acme.test"), Whom::Name("ada@acme.test".to_owned()));
        assert_eq!(Whom::read("#seven"), Whom::Name("#seven".to_owned()));
        assert_eq!(Whom::read("#7").to_string(), "#7");
    }

    #[test]
    fn every_table_is_named_once() {
        for table in TABLES {
            assert_eq!(TABLES.iter().filter(|other| other.name == table.name).count(), 1, "{}", table.name);
        }
    }
}
