//! One event: read, and refused unless every part of it is registered. Pure.

use firstlight_contract::hub::Refusal;
use firstlight_domain::registry::{Classification, EventType, KEPT_DAYS, LONGEST_TEXT, Registered};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    attributes::{Attributes, Data, Object},
    datum::Datum,
};
use crate::insights::story;

/// How long ago an event may have happened: as long as anything is kept.
const OLDEST: SignedDuration = SignedDuration::from_hours(KEPT_DAYS as i64 * 24);
/// How much later than now: whatever zone a clock was set in by mistake, and then some.
const NEWEST: SignedDuration = SignedDuration::from_hours(48);

/// An event as it goes into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place among the events of its device, from 1.
    pub sequence: u64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: EventType,
    /// When it happened, by the device's clock.
    pub time: Timestamp,
    /// When the device wrote it down.
    pub recorded: Timestamp,
    /// Who began which journey as what; for [`EventType::JourneyStarted`] only.
    pub began: Option<Began>,
    /// Which run began or ended; for [`EventType::RunStarted`] and [`EventType::RunFinished`] only.
    pub run: Option<Run>,
    /// What it says of which journey, if it does.
    pub said: Option<(Uuid, story::Said)>,
    /// Its `data`, registered properties only, as JSON text.
    pub data: String,
}

/// The beginning of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Began {
    /// The journey's id.
    pub journey: Uuid,
    /// The kind of engineer it is for.
    pub persona: String,
}

/// What an event says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The run's id.
    pub id: Uuid,
    /// Whether it began or ended.
    pub part: RunPart,
}

/// One of the two ends of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPart {
    /// It began, with this release.
    Began {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
    },
    /// It ended.
    Ended {
        /// Whether a step failed that should not have.
        failed: bool,
    },
}

/// What an event of this type with this data says of a run. Error: it should say something, and does not.
pub(crate) fn run(kind: EventType, data: &Map<String, Value>) -> Result<Option<Run>, Refused> {
    let text_of = |name: &str| data.get(name).and_then(Value::as_str);
    let part = match kind {
        EventType::RunStarted => text_of("pack")
            .zip(text_of("pack_version"))
            .map(|(pack, version)| RunPart::Began { pack: pack.to_owned(), version: version.to_owned() }),
        EventType::RunFinished => text_of("end").map(|end| RunPart::Ended { failed: end == "failed" }),
        _ => return Ok(None),
    };
    let id = text_of("run").and_then(|run| Uuid::try_parse(run).ok());
    match (id, part) {
        (Some(id), Some(part)) => Ok(Some(Run { id, part })),
        _ => Err(malformed(
            "a run begins without `run` (a UUID), `pack` or `pack_version`, or ends without `end`",
        )),
    }
}

/// Why an event does not go into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// For programs.
    pub reason: Refusal,
    /// For people.
    pub message: String,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The event's `id`, if it could be read.
    pub id: Option<String>,
    /// Its sequence, if it could be read and is the device's own: also a refused event is settled.
    pub sequence: Option<u64>,
    /// The event.
    pub event: Result<Event, Refused>,
}

/// Reads one event of the device that calls itself `source`. When it happened is judged by [`in_time`].
pub fn read(text: &str, source: &str) -> Read {
    of_object(&serde_json::from_str(text).unwrap_or(Object(None)), source)
}

/// The same of an event that was cut out of a batch.
pub fn of_object(object: &Object<Attributes<'_>>, source: &str) -> Read {
    let Some(attributes) = &object.0 else {
        let event = Err(malformed("it is no JSON object"));
        return Read { id: None, sequence: None, event };
    };
    let id = attributes.id.text().filter(|id| id.len() <= LONGEST_TEXT).map(str::to_owned);
    if attributes.source.text() != Some(source) {
        let message = format!("its `source` is not `{source}`, which is all this token may speak for");
        let event = Err(Refused { reason: Refusal::ForeignSource, message });
        return Read { id, sequence: None, event };
    }
    let sequence = attributes.sequence.text().and_then(number);
    let event = match sequence {
        Some(sequence) => of_attributes(attributes, sequence),
        None => Err(malformed("its `sequence` is not 16 digits, from 0000000000000001")),
    };
    Read { id, sequence, event }
}

fn malformed(message: &str) -> Refused {
    Refused { reason: Refusal::Malformed, message: message.to_owned() }
}

fn number(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

fn of_attributes(attributes: &Attributes<'_>, sequence: u64) -> Result<Event, Refused> {
    if attributes.unreadable {
        return Err(malformed("a number or a text in it is none that can be read"));
    }
    if let Some(unknown) = &attributes.unknown {
        let message = format!("the attribute `{}` is not registered", shortened(unknown));
        return Err(Refused { reason: Refusal::UnregisteredProperty, message });
    }
    let Attributes { specversion, id, kind, time, recorded, content_type, data, .. } = attributes;
    if text_of("specversion", specversion)? != "1.0" {
        return Err(malformed("its `specversion` is not 1.0"));
    }
    if *content_type != Datum::Missing && content_type.text() != Some("application/json") {
        return Err(malformed("its `datacontenttype` is not application/json"));
    }
    let id = Uuid::try_parse(text_of("id", id)?).map_err(|_| malformed("its `id` is no UUID"))?;
    let instant = |name, attribute| {
        let at = text_of(name, attribute)?.parse::<Timestamp>();
        at.map_err(|_| malformed(&format!("its `{name}` is no RFC 3339 time")))
    };
    // Machines write down what happens as it happens.
    let at_once = recorded == time;
    let time = instant("time", time)?;
    let recorded = if at_once { time } else { instant("recordedtime", recorded)? };
    let name = text_of("type", kind)?;
    let kind = EventType::named(name).ok_or_else(|| Refused {
        reason: Refusal::UnregisteredType,
        message: format!("the type `{}` is not registered", shortened(name)),
    })?;
    let data =
        data.as_ref().and_then(|data| data.0.as_ref()).ok_or_else(|| malformed("its `data` is no object"))?;
    let (began, run) = look_at(kind, data)?;
    let said = story::said(kind, |name| data.text(name));
    Ok(Event { sequence, id, kind, time, recorded, began, run, said, data: data.to_json() })
}

/// The text of an attribute that has to be there.
fn text_of<'a>(name: &str, attribute: &'a Datum<'_>) -> Result<&'a str, Refused> {
    attribute.text().ok_or_else(|| malformed(&format!("it has no `{name}`")))
}

/// Looks whether data is all it has to be, and what it begins.
fn look_at(kind: EventType, data: &Data<'_>) -> Result<(Option<Began>, Option<Run>), Refused> {
    if data.is_crowded {
        return Err(malformed("its `data` has more properties than there are"));
    }
    for (name, value) in data.properties() {
        check(name, value)?;
    }
    // Nearly all events are of steps, which say nothing else that has to be looked at.
    if kind == EventType::StepChanged {
        return Ok((None, None));
    }
    let data = data.to_map();
    let began = if kind == EventType::JourneyStarted { Some(began(&data)?) } else { None };
    let run = run(kind, &data)?;
    super::survey::said(kind, &data).map_err(malformed)?;
    super::request::said(kind, &data).map_err(malformed)?;
    Ok((began, run))
}

/// The row of a property that is registered and may leave a machine.
fn registered(name: &str) -> Result<&'static Registered, Refused> {
    let Some(row) = Registered::named(name) else {
        let message = format!("the property `{}` is not registered", shortened(name));
        return Err(Refused { reason: Refusal::UnregisteredProperty, message });
    };
    if row.classification >= Classification::Sensitive {
        let message = format!("the property `{name}` may never leave a machine");
        return Err(Refused { reason: Refusal::Sensitive, message });
    }
    Ok(row)
}

/// Whether a text is as short as such a property is. No text has a NUL in it; some databases keep none that does, and the rest
/// of its group would be lost with it.
fn is_short(text: &str, row: &Registered) -> bool {
    let longest = row.property.longest_text();
    (text.len() <= longest || text.chars().count() <= longest) && !text.contains('\0')
}

/// A property that is registered, may leave a machine, and is as short as such a property is.
fn check(name: &str, value: &Datum<'_>) -> Result<(), Refused> {
    let row = registered(name)?;
    let short = |value: &Datum<'_>| match value {
        Datum::Text(text) => is_short(text, row),
        Datum::Number(_) | Datum::Flag(_) => true,
        Datum::Missing | Datum::List(_) | Datum::Unfit => false,
    };
    let fits = match value {
        Datum::List(values) => values.iter().all(short),
        value => short(value),
    };
    if fits { Ok(()) } else { Err(malformed(&format!("`{name}` is no short value, nor a list of such"))) }
}

/// Whether something may have happened then, by our clock, that arrived `now`.
pub(crate) fn in_time(time: Timestamp, now: Timestamp) -> Result<(), Refused> {
    let refused = |reason, message: &str| Err(Refused { reason, message: message.to_owned() });
    let ago = now.duration_since(time);
    if ago > OLDEST {
        return refused(Refusal::TooOld, "it happened more than 400 days ago");
    }
    if ago < -NEWEST {
        return refused(Refusal::InTheFuture, "it says to happen more than 48 hours from now");
    }
    Ok(())
}

fn began(data: &Map<String, Value>) -> Result<Began, Refused> {
    let text_of = |name: &str| data.get(name).and_then(Value::as_str);
    let journey = text_of("journey").and_then(|journey| Uuid::try_parse(journey).ok());
    match (journey, text_of("persona")) {
        (Some(journey), Some(persona)) => Ok(Began { journey, persona: persona.to_owned() }),
        _ => Err(malformed("a journey begins without `journey` (a UUID) or `persona`")),
    }
}

/// What somebody sent is said back, but not pages of it.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SOURCE: &str = "urn:uuid:00000000-0000-0000-0000-000000000001";

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn event() -> Value {
        json!({
            "specversion": "1.0", "id": "01890a5d-ac96-774b-bcce-b302099a8057", "source": SOURCE,
            "type": "dev.firstlight.step.changed", "time": "2026-11-26T11:00:00Z",
            "recordedtime": "2026-11-26T11:00:00Z", "sequence": "0000000000000007",
            "datacontenttype": "application/json", "data": { "step": "git", "state": "running" },
        })
    }

    #[test]
    fn an_event_of_the_outbox_is_read() {
        let read = read(&event().to_string(), SOURCE);
        assert_eq!((read.sequence, read.id.as_deref()), (Some(7), event()["id"].as_str()));
        let event = read.event.unwrap();
        assert_eq!(event.kind, EventType::StepChanged);
        assert_eq!(event.data, r#"{"step":"git","state":"running"}"#);
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_reason() {
        let far = ["2025-10-01T00:00:00Z", "2026-11-28T12:00:01Z"];
        let wrong = [
            ("source", json!("urn:uuid:other"), Refusal::ForeignSource),
            ("sequence", json!("7"), Refusal::Malformed),
            ("sequence", json!("0000000000000000"), Refusal::Malformed),
            ("sequence", json!("+000000000000001"), Refusal::Malformed),
            ("sequence", json!(7), Refusal::Malformed),
            ("id", json!("7"), Refusal::Malformed),
            ("specversion", json!("0.3"), Refusal::Malformed),
            ("datacontenttype", json!("text/plain"), Refusal::Malformed),
            ("time", json!("yesterday"), Refusal::Malformed),
            ("recordedtime", json!(null), Refusal::Malformed),
            ("data", json!([]), Refusal::Malformed),
            ("data", json!({ "step": "x".repeat(257) }), Refusal::Malformed),
            ("data", json!({ "step": "git\0" }), Refusal::Malformed),
            ("data", json!({ "step": { "deep": 1 } }), Refusal::Malformed),
            ("data", json!({ "blocked_by": [["deep"]] }), Refusal::Malformed),
            ("data", json!({ "shoe_size": 43 }), Refusal::UnregisteredProperty),
            ("hostname", json!("ada-laptop"), Refusal::UnregisteredProperty),
            ("data", json!({ "pack_path": "/home/ada" }), Refusal::Sensitive),
            ("type", json!("dev.firstlight.keystroke"), Refusal::UnregisteredType),
            ("type", json!("dev.firstlight.journey.started"), Refusal::Malformed),
            ("type", json!("dev.firstlight.run.started"), Refusal::Malformed),
            ("type", json!("dev.firstlight.run.finished"), Refusal::Malformed),
            ("type", json!("dev.firstlight.survey.answered"), Refusal::Malformed),
            ("type", json!("dev.firstlight.request.opened"), Refusal::Malformed),
            ("data", json!({ "comment": "x".repeat(2_001) }), Refusal::Malformed),
            ("time", json!(far[0]), Refusal::TooOld),
            ("time", json!(far[1]), Refusal::InTheFuture),
        ];
        for (field, value, reason) in wrong {
            let mut event = event();
            event[field] = value.clone();
            let read = read(&event.to_string(), SOURCE);
            let judged = read.event.and_then(|event| in_time(event.time, now()));
            assert_eq!(judged.unwrap_err().reason, reason, "{field}: {value}");
            let settles = field != "sequence" && field != "source";
            assert_eq!(read.sequence.is_some(), settles, "{field}: {value}");
        }
        assert_eq!(read("[1]", SOURCE).event.unwrap_err().reason, Refusal::Malformed);
    }
}
