//! The description of the routes, from the table that makes them and from what each says of itself. A test holds the hub to
//! it (G4).
//!
//! One more route: nothing here, but for the shapes of a file that has none in [`SHAPES`] yet.

use axum::Json;
use serde_json::{Map, Value, json};

use super::{
    Operation, ROUTES, Route, Who, answer, audit, devices, events, insights,
    operation::JSON,
    releases, requests, session,
    shape::{named, text},
    signals, signin, surveys,
};

/// What every file of routes calls the shapes it takes and gives.
const SHAPES: &[fn() -> Value] = &[
    answer::shapes,
    audit::shapes,
    devices::shapes,
    events::shapes,
    insights::shapes,
    releases::shapes,
    requests::shapes,
    session::shapes,
    signals::shapes,
    signin::shapes,
    surveys::shapes,
];

pub(super) async fn show() -> Json<Value> {
    Json(document())
}

pub(super) fn show_operation() -> Operation {
    Operation::gives(json!({ "type": "object" }))
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        // The router has a mark for what may be several folders deep; the description has none.
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = describe(route);
    }
    let mut schemas = Map::new();
    for shapes in SHAPES {
        if let Value::Object(shapes) = shapes() {
            schemas.extend(shapes);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Firstlight hub", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "securitySchemes": schemes(), "schemas": schemas },
    })
}

fn schemes() -> Value {
    let token = |words: &str| json!({ "type": "http", "scheme": "bearer", "description": words });
    let header = |name: &str, words: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": words });
    json!({
        "device": token("The token of an enrolled device."),
        "integration": token("The token of another program."),
        "role": token("The access token of somebody with a role."),
        "session": {
            "type": "apiKey", "in": "cookie", "name": "__Host-firstlight-session",
            "description": "The cookie of somebody with a role who is signed in.",
        },
        "operator": token("The metrics token; not needed on the hub's own machine."),
        "github_signature": header("X-Hub-Signature-256", "`sha256=` and the HMAC of the body, in hex."),
        "gitlab_id": header("webhook-id", "The delivery's id."),
        "gitlab_timestamp": header("webhook-timestamp", "When it was sent, in seconds since 1970."),
        "gitlab_signature": header("webhook-signature", "`v1,` and the HMAC of id, time and body, in base64."),
    })
}

/// What has to be shown. One of the list is enough; all that one of it names are needed.
fn security(who: Who, vouched: &[&str]) -> Value {
    let all = |schemes: &[&str]| schemes.iter().map(|name| (*name, json!([]))).collect::<Value>();
    match who {
        Who::Anyone if vouched.is_empty() => json!([]),
        Who::Anyone => json!([all(vouched)]),
        Who::Device => json!([all(&["device"])]),
        Who::Integration => json!([all(&["integration"])]),
        // What the role has to be: a scope, in the words of OpenAPI 3.1.
        Who::Role(role) => json!([{ "role": [role.name()] }, { "session": [role.name()] }]),
        Who::Operator => json!([all(&["operator"])]),
    }
}

fn describe(route: &Route) -> Value {
    let Operation { parameters, takes, gives, vouched, shows_problems } = (route.operation)();
    let mut described = json!({ "summary": route.summary, "security": security(route.who, vouched) });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some((kinds, shape)) = takes {
        let content: Value = kinds.iter().map(|kind| (*kind, json!({ "schema": shape }))).collect();
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    let mut refuses = vec![(JSON, named("ProblemEnvelope"))];
    if shows_problems {
        refuses.push(("text/html", text()));
    }
    let answers = route.answers.iter().map(|status| {
        let content = if *status < 400 { &gives } else { &refuses };
        (status.to_string(), response(*status, content))
    });
    described["responses"] = answers.collect();
    described
}

fn response(status: u16, gives: &[(&str, Value)]) -> Value {
    let content: Value = gives.iter().map(|(kind, shape)| (*kind, json!({ "schema": shape }))).collect();
    let mut response = json!({ "description": words(status), "content": content });
    let header =
        |words: &str, shape: Value| json!({ "description": words, "required": true, "schema": shape });
    match status {
        303 => response["headers"] = json!({ "Location": header("Where to go on.", text()) }),
        401 => {
            response["headers"] =
                json!({ "WWW-Authenticate": header("What to show.", json!({ "const": "Bearer" })) });
        }
        429 | 503 => {
            let seconds = json!({ "type": "integer", "minimum": 1 });
            response["headers"] = json!({ "Retry-After": header("Seconds to wait.", seconds) });
        }
        _ => {}
    }
    response
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
