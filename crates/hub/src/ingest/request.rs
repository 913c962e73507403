//! What an event says of something that somebody else is asked for. Pure.

use firstlight_domain::{id::StepId, registry::EventType, request::Closing};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Something that is said of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Which request.
    pub request: Uuid,
    /// What.
    pub what: What,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Somebody is asked.
    Opened(Opened),
    /// Nobody has to answer any more.
    Closed(Closing),
}

/// What somebody is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
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
    /// The name of whoever asks, if they give it.
    pub name: Option<String>,
}

/// What an event of this type with this data says; none if it is about something else. Error: what it lacks.
pub fn said(kind: EventType, data: &Map<String, Value>) -> Result<Option<Said>, &'static str> {
    let text_of =
        |name: &str| data.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let id_of = |name: &str| text_of(name).and_then(|id| Uuid::try_parse(id).ok());
    let what = match kind {
        EventType::RequestOpened => What::Opened(Opened {
            journey: id_of("journey").ok_or("its `journey` is no UUID")?,
            step: text_of("step").and_then(|step| StepId::new(step).ok()).ok_or("it has no `step`")?,
            title: text_of("title").ok_or("it has no `title`")?.to_owned(),
            owner: text_of("owner").ok_or("it has no `owner`")?.to_owned(),
            sla: text_of("sla").map(str::to_owned),
            name: text_of("signed_name").map(str::to_owned),
        }),
        EventType::RequestClosed => {
            What::Closed(text_of("end").and_then(Closing::named).ok_or("its `end` is none of a request")?)
        }
        _ => return Ok(None),
    };
    Ok(Some(Said { request: id_of("request").ok_or("its `request` is no UUID")?, what }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: EventType, change: (&str, Value)) -> Result<Option<Said>, &'static str> {
        let mut data = json!({
            "request": Uuid::nil(), "journey": Uuid::max(), "step": "vpn", "title": "Ask for VPN", "owner": "it-helpdesk",
            "sla": "4 business hours", "end": "granted",
        });
        data[change.0] = change.1;
        said(kind, data.as_object().unwrap())
    }

    #[test]
    fn what_is_asked_is_read() {
        let opened = Opened {
            journey: Uuid::max(),
            step: StepId::new("vpn").unwrap(),
            title: "Ask for VPN".to_owned(),
            owner: "it-helpdesk".to_owned(),
            sla: Some("4 business hours".to_owned()),
            name: Some("Ada".to_owned()),
        };
        let is = |kind, change, what| {
            assert_eq!(read(kind, change), Ok(Some(Said { request: Uuid::nil(), what })));
        };
        is(EventType::RequestOpened, ("signed_name", json!(" Ada ")), What::Opened(opened.clone()));
        let nameless = Opened { name: None, sla: None, ..opened };
        is(EventType::RequestOpened, ("sla", json!(" ")), What::Opened(nameless));
        is(EventType::RequestClosed, ("end", json!("withdrawn")), What::Closed(Closing::Withdrawn));
        assert_eq!(read(EventType::StepChanged, ("step", json!("vpn"))), Ok(None));
    }

    #[test]
    fn what_lacks_something_is_refused() {
        use EventType::{RequestClosed, RequestOpened};
        for (kind, field, value) in [
            (RequestOpened, "request", json!("vpn")),
            (RequestOpened, "journey", json!(7)),
            (RequestOpened, "step", json!("a b")),
            (RequestOpened, "title", json!("  ")),
            (RequestOpened, "owner", json!(null)),
            (RequestClosed, "request", json!("")),
            (RequestClosed, "end", json!("completed")),
        ] {
            assert!(read(kind, (field, value.clone())).is_err(), "{kind:?} {field} {value}");
        }
    }
}
