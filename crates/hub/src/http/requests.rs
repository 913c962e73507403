//! The queue of those who are asked for something, their answers, and how a device learns of them. Devices ask through their
//! events.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, Request, State, rejection::PathRejection, rejection::QueryRejection},
};
use firstlight_contract::{
    hub::ProblemCode,
    requests::{DeviceRequest, DeviceRequests, QueuedRequest, ReplyGiven, RequestQueue},
};
use firstlight_domain::registry::{LONGEST_COMMENT, LONGEST_TEXT};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failure, Hub, body};
use crate::{
    audit::By,
    requests::{Calendars, answer, answered, by_urgency, queued},
    rights::Asker,
    store::{
        Device,
        requests::{Answering, Which},
    },
};

/// How many requests are told at once.
const MOST: usize = 500;
/// How far back: as long as anything is kept.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// An answer is short.
const MOST_BYTES: usize = 16 << 10;

/// Which requests.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    owner: Option<String>,
    #[serde(default)]
    state: Wanted,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    #[default]
    Open,
    All,
}

pub(super) async fn queue(
    State(hub): State<Arc<Hub>>,
    Extension(asker): Extension<Asker>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<RequestQueue>, Failure> {
    let Query(Asked { owner, state }) =
        query.map_err(|rejection| Failure::new(ProblemCode::Malformed, rejection.body_text()))?;
    let now = (hub.now)();
    let which = match state {
        Wanted::Open => Which::Open,
        Wanted::All => Which::Since(now - KEPT),
    };
    let calendars = calendars(&hub).await?;
    let mut requests: Vec<QueuedRequest> = hub
        .store
        .requests(which)
        .await?
        .iter()
        .filter(|request| asker.roles.answer_for(&request.owner))
        .filter(|request| owner.as_ref().is_none_or(|owner| request.owner == *owner))
        .map(|request| queued(request, &calendars, now))
        .collect();
    requests.sort_by(by_urgency);
    let total = u32::try_from(requests.len()).unwrap_or(u32::MAX);
    requests.truncate(MOST);
    Ok(Json(RequestQueue { as_of: now.to_string(), requests, total }))
}

pub(super) async fn answer_one(
    State(hub): State<Arc<Hub>>,
    Extension(asker): Extension<Asker>,
    id: Result<Path<Uuid>, PathRejection>,
    request: Request,
) -> Result<Json<QueuedRequest>, Failure> {
    // The same for what is not there and what is somebody else's: nobody learns of other queues.
    let unknown = || {
        Failure::new(ProblemCode::NotFound, "there is no such request, or it is not yours to answer")
            .hint("See /v1/requests for what is.")
    };
    let Path(id) = id.map_err(|_| unknown())?;
    body::check_type(request.headers(), "application/json")?;
    let body = body::read(request.into_body(), MOST_BYTES, hub.rules.read_patience).await?;
    let given: ReplyGiven = serde_json::from_slice(&body)
        .map_err(|error| Failure::new(ProblemCode::Malformed, format!("the body is no answer: {error}")))?;
    let known = hub.store.request(id).await?.filter(|request| asker.roles.answer_for(&request.owner));
    let known = known.ok_or_else(unknown)?;
    let now = (hub.now)();
    let answered =
        answered(given, &known.owner, now).map_err(|wrong| Failure::new(ProblemCode::Malformed, wrong))?;
    match hub.store.answer_request(&By::asker(&asker, now), id, &answered).await? {
        Answering::Done(request) => Ok(Json(queued(&request, &calendars(&hub).await?, now))),
        Answering::NoSuch => Err(unknown()),
        Answering::Settled => Err(Failure::new(
            ProblemCode::AlreadySettled,
            "this request was answered, granted or withdrawn before",
        )),
    }
}

pub(super) async fn of_device(
    State(hub): State<Arc<Hub>>,
    Extension(device): Extension<Device>,
) -> Result<Json<DeviceRequests>, Failure> {
    let answered = hub.store.answered_requests(device.key).await?;
    let told = answered.into_iter().filter_map(|request| {
        let answer = request.answered.as_ref().map(answer)?;
        Some(DeviceRequest { request: request.id.to_string(), answer })
    });
    Ok(Json(DeviceRequests { answered: told.collect() }))
}

pub(super) async fn calendars(hub: &Hub) -> Result<Calendars, Failure> {
    Ok(crate::requests::calendars(hub.store.as_ref()).await?)
}

/// What may be said in the address, for the description.
pub(super) fn parameters(method: &str, path: &str) -> Vec<Value> {
    match (method, path) {
        ("GET", "/v1/requests") => vec![
            json!({ "name": "owner", "in": "query", "schema": { "type": "string" } }),
            json!({ "name": "state", "in": "query", "schema": { "enum": ["open", "all"] } }),
        ],
        ("POST", "/v1/requests/{id}/answer") => vec![json!({
            "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" },
        })],
        _ => Vec::new(),
    }
}

/// The shapes of these answers, for the description.
pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let instant = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let reply = json!({ "enum": ["done", "refused"] });
    let object = |required: &[&str], properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    let to = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let list = |of: &Value| json!({ "type": "array", "items": of });
    json!({
        "RequestAnswer": object(
            &["reply", "words", "by", "at"],
            json!({ "reply": reply, "words": text, "by": text, "at": instant }),
        ),
        "ReplyGiven": {
            "type": "object", "required": ["reply"], "additionalProperties": false,
            "properties": {
                "reply": reply,
                "words": { "type": ["string", "null"], "maxLength": LONGEST_COMMENT },
                "by": { "type": ["string", "null"], "maxLength": LONGEST_TEXT },
            },
        },
        "QueuedRequest": object(
            &["id", "owner", "title", "step", "person", "asked_at", "received_at", "promise", "state"],
            json!({
                "id": { "type": "string", "format": "uuid" }, "owner": text, "title": text, "step": text, "name": text,
                "person": count, "asked_at": instant, "received_at": instant, "sla": text, "due_at": instant,
                "calendar": count, "left_seconds": { "type": "integer" },
                "promise": { "enum": ["none", "open", "met", "breached"] },
                "state": { "enum": ["open", "answered", "granted", "withdrawn"] }, "settled_at": instant,
                "answer": to("RequestAnswer"),
            }),
        ),
        "RequestQueue": object(
            &["as_of", "requests", "total"],
            json!({ "as_of": instant, "requests": list(&to("QueuedRequest")), "total": count }),
        ),
        "DeviceRequest": object(&["request", "answer"], json!({ "request": text, "answer": to("RequestAnswer") })),
        "DeviceRequests": object(&["answered"], json!({ "answered": list(&to("DeviceRequest")) })),
    })
}
