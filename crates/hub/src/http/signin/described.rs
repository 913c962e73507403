//! What `/openapi.json` says of signing in.

use serde_json::{Value, json};

use crate::http::openapi::object;

pub(in crate::http) fn parameters(path: &str) -> Vec<Value> {
    let text = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    match path {
        "/v1/signin" => vec![text("return_to")],
        "/v1/signin/callback" => ["code", "state", "iss", "error"].map(text).into(),
        _ => Vec::new(),
    }
}

pub(in crate::http) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let instant = json!({ "type": "string", "format": "date-time" });
    let seconds = json!({ "type": "integer", "minimum": 0 });
    let session = json!({ "$ref": "#/components/schemas/Session" });
    json!({
        "SessionRequest": object(&["token"], &json!({ "token": text })),
        "SessionAnswer": object(&["session", "oidc", "contact"], &json!({
            "session": { "anyOf": [session, { "type": "null" }] }, "oidc": { "type": "boolean" }, "contact": text,
        })),
        "Session": object(&["person", "roles", "expires_at"], &json!({
            "person": { "type": "integer", "minimum": 0 },
            "roles": { "type": "array", "items": text },
            "expires_at": { "anyOf": [instant, { "type": "null" }] },
        })),
        "DeviceSignin": object(
            &["handle", "user_code", "verification_uri", "expires_at", "interval_seconds"],
            &json!({
                "handle": text, "user_code": text, "verification_uri": text, "verification_uri_complete": text,
                "expires_at": instant, "interval_seconds": seconds,
            }),
        ),
        "DeviceTokenRequest": object(&["handle"], &json!({ "handle": text })),
        "DeviceToken": { "oneOf": [
            object(&["state", "interval_seconds"], &json!({
                "state": { "const": "pending" }, "interval_seconds": seconds,
            })),
            object(&["state", "token", "session"], &json!({
                "state": { "const": "signed_in" }, "token": text, "session": session,
            })),
        ] },
    })
}
