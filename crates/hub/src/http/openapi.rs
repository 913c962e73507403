//! The description of the routes, from the table that makes them; the shapes are those of `firstlight_contract::hub`.

use axum::Json;
use serde_json::{Map, Value, json};

use super::{ROUTES, Route, Who, insights, signin};

pub(super) async fn show() -> Json<Value> {
    Json(document())
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        // The router has a mark for what may be several folders deep; the description has none.
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Firstlight hub", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "device": { "type": "http", "scheme": "bearer", "description": "The token of an enrolled device." },
                "integration": {
                    "type": "http", "scheme": "bearer", "description": "The token of another program.",
                },
                "role": {
                    "type": "http", "scheme": "bearer", "description": "The access token of somebody with a role.",
                },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-firstlight-session",
                    "description": "The cookie of somebody with a role who is signed in.",
                },
                "operator": {
                    "type": "http", "scheme": "bearer",
                    "description": "The metrics token; not needed on the hub's own machine.",
                },
            },
            "schemas": all_schemas(),
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({ "summary": route.summary, "security": security(route.who) });
    if let Some((kind, schema)) = body(route) {
        operation["requestBody"] =
            json!({ "required": true, "content": { kind: { "schema": reference(schema) } } });
    }
    if route.path == "/v1/releases/signal" {
        operation["parameters"] = ["pack", "release", "before"]
            .map(|name| json!({ "name": name, "in": "query", "required": true, "schema": { "type": "string" } }))
            .into();
    }
    let mut parameters = insights::parameters(route.path);
    parameters.extend(super::requests::parameters(route.method, route.path));
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if route.path == "/releases/{*path}" {
        operation["parameters"] =
            json!([{ "name": "path", "in": "path", "required": true, "schema": { "type": "string" } }]);
    }
    if route.path == "/insights/{file}" {
        operation["parameters"] =
            json!([{ "name": "file", "in": "path", "required": true, "schema": { "type": "string" } }]);
    }
    if route.path == "/v1/surveys/results" {
        operation["parameters"] = json!([
            { "name": "quarter", "in": "query", "schema": { "type": "string", "pattern": "^2[0-9]{3}-Q[1-4]$" } },
            { "name": "format", "in": "query", "schema": { "enum": ["json", "csv"] } },
        ]);
    }
    let parameters = signin::described::parameters(route.path);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if route.path == "/v1/audit" {
        let after = json!({ "type": "integer", "minimum": 0 });
        operation["parameters"] = json!([{ "name": "after", "in": "query", "schema": after }]);
    }
    let mut responses = Map::new();
    for status in route.answers {
        responses.insert(status.to_string(), response(route, *status));
    }
    operation["responses"] = Value::Object(responses);
    operation
}

fn security(who: Who) -> Value {
    match who {
        Who::Anyone => json!([]),
        Who::Device => json!([{ "device": [] }]),
        Who::Integration => json!([{ "integration": [] }]),
        // What the role has to be: a scope, in the words of OpenAPI 3.1.
        Who::Role(role) => json!([{ "role": [role.name()] }, { "session": [role.name()] }]),
        Who::Operator => json!([{ "operator": [] }, {}]),
    }
}

fn body(route: &Route) -> Option<(&'static str, &'static str)> {
    match (route.method, route.path) {
        ("POST", "/v1/devices") => Some(("application/json", "EnrolRequest")),
        ("POST", "/v1/requests/{id}/answer") => Some(("application/json", "ReplyGiven")),
        ("POST", "/v1/session") => Some(("application/json", "SessionRequest")),
        ("POST", "/v1/signin/device/token") => Some(("application/json", "DeviceTokenRequest")),
        ("POST", "/v1/events") => Some((firstlight_contract::hub::BATCH, "Batch")),
        ("POST", "/v1/signals/cdevents") => Some(("application/json", "CDEvents")),
        ("POST", "/batch" | "/batch/") => Some(("application/json", "PostHogBatch")),
        ("POST", "/v1/hooks/github" | "/v1/hooks/gitlab") => Some(("application/json", "Delivery")),
        _ => None,
    }
}

fn response(route: &Route, status: u16) -> Value {
    if status >= 400 {
        let mut response = json!({ "description": words(status), "content": json_of("ProblemEnvelope") });
        if matches!(status, 429 | 503) {
            response["headers"] = json!({
                "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer" } },
            });
        }
        return response;
    }
    if matches!(status, 204 | 303) {
        return json!({ "description": words(status) });
    }
    if let Some(schema) = insights::schema(route.path) {
        let mut content = json_of(schema);
        content["text/csv"] = json!({ "schema": { "type": "string" } });
        return json!({ "description": words(status), "content": content });
    }
    let content = match (route.method, route.path) {
        ("POST", "/v1/devices" | "/v1/devices/self/token") => json_of("Enrolled"),
        ("GET", "/v1/devices/self") => json_of("Standing"),
        ("POST", "/v1/session") => json_of("Session"),
        ("GET", "/v1/session") => json_of("SessionAnswer"),
        ("POST", "/v1/signin/device") => json_of("DeviceSignin"),
        ("POST", "/v1/signin/device/token") => json_of("DeviceToken"),
        ("POST", "/batch" | "/batch/") => json_of("PostHogAnswer"),
        ("GET", "/v1/devices/self/requests") => json_of("DeviceRequests"),
        ("GET", "/v1/requests") => json_of("RequestQueue"),
        ("POST", "/v1/requests/{id}/answer") => json_of("QueuedRequest"),
        ("POST", _) => json_of("BatchAnswer"),
        ("GET", "/v1/releases/signal") => json_of("Signal"),
        ("GET", "/v1/audit") => json_of("AuditPage"),
        ("GET", "/v1/surveys/cooldown") => json_of("Cooldown"),
        ("GET", "/v1/surveys/results") => {
            let mut content = json_of("SurveyResults");
            content["text/csv"] = json!({ "schema": { "type": "string" } });
            content
        }
        ("GET", "/insights") => json!({ "text/html": { "schema": { "type": "string" } } }),
        ("GET", "/insights/{file}" | "/releases/{*path}") => json!({ "*/*": { "schema": {} } }),
        ("GET", "/openapi.json") => json!({ "application/json": { "schema": { "type": "object" } } }),
        _ => json!({ "text/plain": { "schema": { "type": "string" } } }),
    };
    json!({ "description": words(status), "content": content })
}

fn json_of(schema: &str) -> Value {
    json!({ "application/json": { "schema": reference(schema) } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn words(status: u16) -> &'static str {
    match status {
        200 => "Done.",
        201 => "What was asked for is there now.",
        202 => "Not yet; ask again.",
        204 => "Done, and there is nothing to say.",
        303 => "Go on at the address in `Location`.",
        400 => "The body or the address is not what is asked for.",
        401 => "No token, or one that does not count.",
        403 => "Not allowed.",
        408 => "The body took too long to arrive.",
        404 => "There is no such thing, or not for whoever asks.",
        409 => "The device belongs to somebody else, or somebody else was faster.",
        413 => "The body is larger than it may be.",
        415 => "The body is of a type that is not read.",
        429 => "Too often.",
        502 => "The identity provider cannot be asked, or is not believed.",
        503 => "The hub cannot take it now.",
        _ => "The hub failed; its log says why.",
    }
}

fn all_schemas() -> Value {
    let mut all = schemas();
    for more in [
        insights::schemas(),
        signin::described::schemas(),
        super::surveys::schemas(),
        super::audit::schemas(),
        super::requests::schemas(),
    ] {
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
    }
    all
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let instant = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    json!({
        "EnrolRequest": object(&["code", "source"], &json!({ "code": text, "source": {
            "type": "string", "pattern": "^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        } })),
        "Enrolled": object(&["device", "token", "expires_at"], &json!({
            "device": text, "token": text, "expires_at": instant,
        })),
        "Standing": object(&["device", "high_water", "gaps", "missing", "accepted", "refused", "expires_at"], &json!({
            "device": text, "high_water": count, "missing": count, "accepted": count, "refused": count,
            "gaps": { "type": "array", "items": { "type": "array", "prefixItems": [count, count] } },
            "received_share": { "type": "number", "minimum": 0, "maximum": 1 }, "expires_at": instant,
        })),
        "Batch": {
            "type": "array", "maxItems": crate::ingest::batch::MOST_EVENTS,
            "description": "CloudEvents 1.0. Each has its own verdict: one that is wrong does not spoil the others.",
            "items": { "type": "object" },
        },
        "BatchAnswer": object(&["verdicts"], &json!({
            "verdicts": { "type": "array", "items": reference("EventVerdict") },
        })),
        "EventVerdict": object(&["verdict"], &json!({
            "id": text,
            "verdict": { "enum": ["accepted", "duplicate", "refused"] },
            "reason": { "enum": [
                "malformed", "foreign_source", "unregistered_type", "unregistered_property", "sensitive", "too_old",
                "in_the_future", "too_many_gaps",
            ] },
            "message": text,
        })),
        "CDEvents": {
            "description": "One CDEvent or a list of them, each alone or as the data of a CloudEvent.",
            "anyOf": [{ "type": "object" }, {
                "type": "array", "items": { "type": "object" }, "maxItems": crate::signals::MOST_SIGNALS,
            }],
        },
        "PostHogBatch": object(&["api_key", "batch"], &json!({
            "api_key": text,
            "batch": { "type": "array", "items": { "type": "object" }, "maxItems": crate::signals::MOST_SIGNALS },
        })),
        "PostHogAnswer": object(&["status", "verdicts"], &json!({
            "status": { "const": 1 }, "verdicts": { "type": "array", "items": reference("EventVerdict") },
        })),
        "Delivery": { "type": "object", "description": "As the host sends it." },
        "Signal": object(&["pack", "release", "before"], &json!({
            "pack": text, "release": reference("Counts"), "before": reference("Counts"),
        })),
        "Counts": object(&["version", "started", "failed"], &json!({
            "version": text, "started": count, "failed": count,
        })),
        "ProblemEnvelope": object(&["error"], &json!({
            "error": object(&["code", "message", "hint"], &json!({
                "code": { "enum": [
                    "malformed", "unauthorized", "forbidden", "not_found", "method_not_allowed", "too_slow",
                    "already_enrolled", "already_settled", "too_large", "unsupported_media", "too_many", "internal", "busy",
                    "signin_failed", "provider_failed",
                ] },
                "message": text, "hint": text,
            })),
        })),
    })
}

pub(in crate::http) fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}
