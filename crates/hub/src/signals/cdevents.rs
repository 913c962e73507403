//! `CDEvents` (0.3 to 0.5), by themselves or in `CloudEvents`: merged changes, deployments, tickets. The vocabulary has nobody who
//! did it; a sender that knows says it in `customData.actor`, and a ticket is its creator's.

use jiff::Timestamp;
use serde_json::Value;

use super::{ReadSignal, Signal, SignalKind, instant, malformed, not_counted, text};
use crate::ingest::Refused;

/// Reads one event.
pub fn read(value: &Value, now: Timestamp) -> ReadSignal {
    // In structured mode the event is the data of a CloudEvent; in binary mode the attributes are headers.
    let event = if value.get("specversion").is_some() { value.get("data").unwrap_or(value) } else { value };
    let id = text(event, &["context", "id"]).map(str::to_owned);
    ReadSignal { id, signal: signal(event, now) }
}

fn signal(event: &Value, now: Timestamp) -> Result<Signal, Refused> {
    let of_context = |name: &str| {
        text(event, &["context", name]).ok_or_else(|| malformed(&format!("it has no `context.{name}`")))
    };
    let kind = of_context("type")?;
    let id = of_context("id")?;
    let at = instant(of_context("timestamp")?)
        .ok_or_else(|| malformed("its `context.timestamp` is no RFC 3339 time"))?;
    let (kind, subject) = match kind_of(kind) {
        Some(SignalKind::ChangeMerged) => (
            SignalKind::ChangeMerged,
            text(event, &["subject", "content", "repository", "id"])
                .or_else(|| text(event, &["subject", "id"])),
        ),
        Some(kind @ (SignalKind::TicketOpened | SignalKind::TicketClosed)) => (
            kind,
            text(event, &["subject", "content", "group"]).or_else(|| text(event, &["subject", "source"])),
        ),
        Some(kind) => (kind, text(event, &["subject", "id"])),
        None => return Err(not_counted(kind)),
    };
    let subject = subject.ok_or_else(|| malformed("it does not say what it is about (`subject.id`)"))?;
    let who =
        text(event, &["customData", "actor"]).or_else(|| text(event, &["subject", "content", "creator"]));
    Signal {
        // An id is its source's own.
        id: text(event, &["context", "source"])
            .map_or_else(|| id.to_owned(), |source| format!("{source} {id}")),
        kind,
        subject: subject.to_owned(),
        who: who.map(str::to_owned),
        at,
        ok: !matches!(text(event, &["subject", "content", "outcome"]), Some("failure" | "error")),
    }
    .within(now)
}

/// `dev.cdevents.change.merged.0.2.0` is a merged change, whatever its version.
fn kind_of(kind: &str) -> Option<SignalKind> {
    let mut words = kind.strip_prefix("dev.cdevents.")?.split('.');
    match (words.next()?, words.next()?) {
        ("change", "merged") => Some(SignalKind::ChangeMerged),
        ("service", "deployed" | "upgraded") => Some(SignalKind::Deployed),
        ("ticket", "created") => Some(SignalKind::TicketOpened),
        ("ticket", "closed") => Some(SignalKind::TicketClosed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use firstlight_contract::hub::Refusal;
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn merged() -> Value {
        json!({
            "context": {
                "version": "0.4.1", "id": "c-1", "source": "/forge", "type": "dev.cdevents.change.merged.0.2.0",
                "timestamp": "2026-11-26T09:00:00Z",
            },
            "subject": {
                "id": "orders!17", "type": "change", "content": { "repository": { "id": "acme/orders" } },
            },
            "customData": { "actor": "ada@acme.test" },
        })
    }

    #[test]
    fn a_merged_change_is_read_alone_and_in_a_cloud_event() {
        let alone = read(&merged(), now());
        let signal = alone.signal.clone().unwrap();
        assert_eq!((signal.kind, signal.subject.as_str()), (SignalKind::ChangeMerged, "acme/orders"));
        assert_eq!((signal.who.as_deref(), signal.ok), (Some("ada@acme.test"), true));
        let wrapped = json!({
            "specversion": "1.0", "id": "other", "source": "/forge", "type": "dev.cdevents.change.merged.0.2.0",
            "datacontenttype": "application/json", "data": merged(),
        });
        assert_eq!(read(&wrapped, now()), alone);
    }

    #[test]
    fn tickets_and_deployments_are_read_and_the_rest_is_not_counted() {
        let mut ticket = merged();
        ticket["context"]["type"] = "dev.cdevents.ticket.closed.0.1.0".into();
        ticket["customData"] = Value::Null;
        ticket["subject"]["content"] = json!({ "group": "it-helpdesk", "creator": "Ada" });
        let signal = read(&ticket, now()).signal.unwrap();
        assert_eq!((signal.kind, signal.subject.as_str()), (SignalKind::TicketClosed, "it-helpdesk"));
        assert_eq!(signal.who.as_deref(), Some("Ada"));
        let mut deployed = merged();
        deployed["context"]["type"] = "dev.cdevents.service.deployed.0.2.0".into();
        assert_eq!(read(&deployed, now()).signal.unwrap().kind, SignalKind::Deployed);
        let mut other = merged();
        other["context"]["type"] = "dev.cdevents.build.queued.0.2.0".into();
        assert_eq!(read(&other, now()).signal.unwrap_err().reason, Refusal::UnregisteredType);
        for field in ["id", "type", "timestamp"] {
            let mut without = merged();
            without["context"].as_object_mut().unwrap().remove(field);
            assert_eq!(read(&without, now()).signal.unwrap_err().reason, Refusal::Malformed, "{field}");
        }
        assert!(read(&json!("text"), now()).signal.is_err());
    }
}
