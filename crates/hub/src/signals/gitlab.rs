//! GitLab's webhooks: a merged merge request, a deployment.

use jiff::Timestamp;
use serde_json::Value;

use super::{ReadSignal, Signal, SignalKind, instant, malformed, not_counted, text};
use crate::ingest::Refused;

/// Reads one delivery.
pub fn read(body: &Value, now: Timestamp) -> ReadSignal {
    let signal = match text(body, &["object_kind"]) {
        Some("merge_request") => merged(body, now),
        Some("deployment") => deployed(body, now),
        Some(other) => Err(not_counted(other)),
        None => Err(malformed("it has no `object_kind`")),
    };
    ReadSignal { id: signal.as_ref().ok().map(|signal| signal.id.clone()), signal }
}

fn merged(body: &Value, now: Timestamp) -> Result<Signal, Refused> {
    let request = &body["object_attributes"];
    if text(request, &["action"]) != Some("merge") {
        return Err(not_counted("a merge request that was not merged"));
    }
    let project = project(body)?;
    let number = request["iid"].as_u64().ok_or_else(|| malformed("the merge request has no number"))?;
    // Who pressed the button is `user`; whose change it is, GitLab says by number only. The assignee usually made it.
    let who = body["assignees"]
        .get(0)
        .and_then(|one| text(one, &["username"]))
        .or_else(|| text(body, &["user", "username"]));
    let at = text(request, &["merged_at"]).or_else(|| text(request, &["updated_at"])).and_then(instant);
    Signal {
        id: format!("{project}!{number}"),
        kind: SignalKind::ChangeMerged,
        subject: project.to_owned(),
        who: who.map(|name| format!("gitlab:{name}")),
        at: at.ok_or_else(|| malformed("the merge request does not say when it was merged"))?,
        ok: true,
    }
    .within(now)
}

fn deployed(body: &Value, now: Timestamp) -> Result<Signal, Refused> {
    let ok = match text(body, &["status"]) {
        Some("success") => true,
        Some("failed") => false,
        _ => return Err(not_counted("a deployment that is not over")),
    };
    let project = project(body)?;
    let number = body["deployment_id"].as_u64().ok_or_else(|| malformed("the deployment has no id"))?;
    let at = text(body, &["status_changed_at"]).and_then(instant);
    Signal {
        id: format!("{project}@{number}:{ok}"),
        kind: SignalKind::Deployed,
        subject: project.to_owned(),
        who: text(body, &["user", "username"]).map(|name| format!("gitlab:{name}")),
        at: at.ok_or_else(|| malformed("the deployment does not say when it ended"))?,
        ok,
    }
    .within(now)
}

fn project(body: &Value) -> Result<&str, Refused> {
    text(body, &["project", "path_with_namespace"]).ok_or_else(|| malformed("it does not name its project"))
}

#[cfg(test)]
mod tests {
    use firstlight_contract::hub::Refusal;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_and_a_deployment_are_read_and_the_rest_is_not_counted() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let mut body = json!({
            "object_kind": "merge_request", "user": { "username": "bo" },
            "project": { "path_with_namespace": "acme/orders" }, "assignees": [{ "username": "ada" }],
            "object_attributes": { "action": "merge", "iid": 17, "updated_at": "2026-11-26 09:00:00 UTC" },
        });
        let signal = read(&body, now).signal.unwrap();
        assert_eq!((signal.id.as_str(), signal.who.as_deref()), ("acme/orders!17", Some("gitlab:ada")));
        body["assignees"] = json!([]);
        assert_eq!(read(&body, now).signal.unwrap().who.as_deref(), Some("gitlab:bo"));
        let reason = |body: &Value| read(body, now).signal.unwrap_err().reason;
        body["object_attributes"]["action"] = "open".into();
        assert_eq!(reason(&body), Refusal::UnregisteredType);
        assert_eq!(reason(&json!({ "object_kind": "push" })), Refusal::UnregisteredType);
        assert_eq!(reason(&json!([])), Refusal::Malformed);
        let deployment = json!({
            "object_kind": "deployment", "status": "success", "deployment_id": 5,
            "status_changed_at": "2026-11-26 10:00:00 +0100", "project": { "path_with_namespace": "acme/orders" },
            "user": { "username": "ada" },
        });
        let signal = read(&deployment, now).signal.unwrap();
        assert_eq!((signal.kind, signal.ok), (SignalKind::Deployed, true));
        assert_eq!(signal.at.to_string(), "2026-11-26T09:00:00Z");
    }
}
