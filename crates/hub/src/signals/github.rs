//! GitHub's webhooks, and those of forges that speak like it: a merged pull request, a deployment.

use jiff::Timestamp;
use serde_json::Value;

use super::{ReadSignal, Signal, SignalKind, instant, malformed, not_counted, text};
use crate::ingest::Refused;

/// Reads one delivery. `event` is what `X-GitHub-Event` says.
pub fn read(event: &str, body: &Value, now: Timestamp) -> ReadSignal {
    let signal = match event {
        "pull_request" => merged(body, now),
        "deployment_status" => deployed(body, now),
        other => Err(not_counted(other)),
    };
    ReadSignal { id: signal.as_ref().ok().map(|signal| signal.id.clone()), signal }
}

fn merged(body: &Value, now: Timestamp) -> Result<Signal, Refused> {
    let request = &body["pull_request"];
    if text(body, &["action"]) != Some("closed") || request["merged"] != Value::Bool(true) {
        return Err(not_counted("a pull request that was not merged"));
    }
    let repository = repository(body)?;
    let number = request["number"].as_u64().ok_or_else(|| malformed("the pull request has no number"))?;
    let at = text(request, &["merged_at"]).and_then(instant);
    Signal {
        // A delivery that is sent again has another id of its own; the change is the same.
        id: format!("{repository}#{number}"),
        kind: SignalKind::ChangeMerged,
        subject: repository.to_owned(),
        who: text(request, &["user", "login"]).map(|login| format!("github:{login}")),
        at: at.ok_or_else(|| malformed("the pull request does not say when it was merged"))?,
        ok: true,
    }
    .within(now)
}

fn deployed(body: &Value, now: Timestamp) -> Result<Signal, Refused> {
    let status = &body["deployment_status"];
    let ok = match text(status, &["state"]) {
        Some("success") => true,
        Some("failure" | "error") => false,
        _ => return Err(not_counted("a deployment that is not over")),
    };
    let repository = repository(body)?;
    let number = body["deployment"]["id"].as_u64().ok_or_else(|| malformed("the deployment has no id"))?;
    let at = text(status, &["created_at"]).and_then(instant);
    Signal {
        id: format!("{repository}@{number}:{ok}"),
        kind: SignalKind::Deployed,
        subject: repository.to_owned(),
        who: text(body, &["deployment", "creator", "login"]).map(|login| format!("github:{login}")),
        at: at.ok_or_else(|| malformed("the deployment does not say when it ended"))?,
        ok,
    }
    .within(now)
}

fn repository(body: &Value) -> Result<&str, Refused> {
    text(body, &["repository", "full_name"]).ok_or_else(|| malformed("it does not name its repository"))
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
            "action": "closed", "repository": { "full_name": "acme/orders" },
            "pull_request": {
                "number": 17, "merged": true, "merged_at": "2026-11-26T09:00:00Z", "user": { "login": "ada-l" },
            },
        });
        let signal = read("pull_request", &body, now).signal.unwrap();
        assert_eq!((signal.id.as_str(), signal.who.as_deref()), ("acme/orders#17", Some("github:ada-l")));
        body["pull_request"]["merged"] = false.into();
        let reason = |event: &str, body: &Value| read(event, body, now).signal.unwrap_err().reason;
        assert_eq!(reason("pull_request", &body), Refusal::UnregisteredType);
        assert_eq!(reason("push", &body), Refusal::UnregisteredType);
        let mut deployment = json!({
            "repository": { "full_name": "acme/orders" },
            "deployment": { "id": 5, "creator": { "login": "ada-l" } },
            "deployment_status": { "state": "failure", "created_at": "2026-11-26T09:00:00Z" },
        });
        let signal = read("deployment_status", &deployment, now).signal.unwrap();
        assert_eq!((signal.kind, signal.ok), (SignalKind::Deployed, false));
        deployment["deployment_status"]["state"] = "pending".into();
        assert_eq!(reason("deployment_status", &deployment), Refusal::UnregisteredType);
        assert_eq!(
            reason("pull_request", &json!({ "action": "closed", "pull_request": { "merged": true } })),
            Refusal::Malformed
        );
    }
}
