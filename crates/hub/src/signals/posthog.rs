//! `PostHog`'s `/batch`: what programs that already speak it say of the use of services. An event is a use; what begins with
//! `$` is the library's own and is not, but for a page or a screen that was seen.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{ReadSignal, Signal, SignalKind, instant, malformed, not_counted, text};
use crate::ingest::Refused;

/// The body.
#[derive(Debug, Deserialize)]
pub struct Batch {
    /// What `PostHog` calls the project's key: the token of an integration here.
    pub api_key: String,
    /// The events.
    pub batch: Vec<Value>,
}

/// Reads one event. `service` is what it is about unless it says so itself (`properties.service`).
pub fn read(event: &Value, service: &str, now: Timestamp) -> ReadSignal {
    let id = text(event, &["uuid"])
        .or_else(|| text(event, &["properties", "$insert_id"]))
        .map_or_else(|| fingerprint(event), str::to_owned);
    ReadSignal { signal: signal(event, &id, service, now), id: Some(id) }
}

fn signal(event: &Value, id: &str, service: &str, now: Timestamp) -> Result<Signal, Refused> {
    let name = text(event, &["event"]).ok_or_else(|| malformed("it has no `event`"))?;
    if name.starts_with('$') && !matches!(name, "$pageview" | "$screen") {
        return Err(not_counted(name));
    }
    let who = text(event, &["distinct_id"]).or_else(|| text(event, &["properties", "distinct_id"]));
    let at = match text(event, &["timestamp"]) {
        Some(at) => instant(at).ok_or_else(|| malformed("its `timestamp` is no ISO 8601 time"))?,
        None => now,
    };
    let failed = ["success", "ok"]
        .iter()
        .any(|name| event.pointer(&format!("/properties/{name}")) == Some(&Value::Bool(false)));
    Signal {
        id: id.to_owned(),
        kind: SignalKind::ServiceUsed,
        subject: text(event, &["properties", "service"]).unwrap_or(service).to_owned(),
        who: Some(who.ok_or_else(|| malformed("it has no `distinct_id`"))?.to_owned()),
        at,
        ok: !failed,
    }
    .within(now)
}

/// Stands for an event without an id: sent again, it is the same.
fn fingerprint(event: &Value) -> String {
    firstlight_domain::plan::hex(&Sha256::digest(event.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use firstlight_contract::hub::Refusal;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_a_use_of_its_service() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let event = json!({
            "event": "search run", "distinct_id": "ada@acme.test", "timestamp": "2026-11-26T09:00:00Z",
            "uuid": "u-1", "properties": { "service": "code-search", "success": false },
        });
        let signal = read(&event, "portal", now).signal.unwrap();
        assert_eq!((signal.id.as_str(), signal.subject.as_str(), signal.ok), ("u-1", "code-search", false));
        let plain = json!({ "event": "$pageview", "distinct_id": "ada" });
        let first = read(&plain, "portal", now);
        assert_eq!(first.signal.as_ref().unwrap().subject, "portal");
        assert_eq!(first.id, read(&plain, "portal", now).id, "sent again it is the same");
        let reason = |event: Value| read(&event, "portal", now).signal.unwrap_err().reason;
        assert_eq!(reason(json!({ "event": "$identify", "distinct_id": "ada" })), Refusal::UnregisteredType);
        assert_eq!(reason(json!({ "event": "x" })), Refusal::Malformed);
        assert_eq!(reason(json!({ "distinct_id": "x" })), Refusal::Malformed);
        assert_eq!(
            reason(json!({ "event": "x", "distinct_id": "a", "timestamp": "soon" })),
            Refusal::Malformed
        );
        assert_eq!(reason(json!(7)), Refusal::Malformed);
    }
}
