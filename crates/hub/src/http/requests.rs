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

use super::{
    Failure, Hub, Operation, body,
    operation::JSON,
    shape::{count, instant, list, named, object, object_with, one_of, or_null, text},
};
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
/// Patterns of what may be said, as ECMA 262 has them.
const NO_NUL: &str = "^[^\\u0000]*$";
const NO_CONTROL: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
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

pub(super) fn queue_operation() -> Operation {
    Operation::gives(named("RequestQueue")).may_ask("query", "owner", text()).may_ask(
        "query",
        "state",
        one_of(&["open", "all"]),
    )
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

pub(super) fn answer_one_operation() -> Operation {
    let id = json!({ "type": "string", "format": "uuid" });
    Operation::gives(named("QueuedRequest")).asks("path", "id", id).takes(&[JSON], named("ReplyGiven"))
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

pub(super) fn of_device_operation() -> Operation {
    Operation::gives(named("DeviceRequests"))
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

/// The shapes of these questions and answers.
pub(super) fn shapes() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let reply = one_of(&["done", "refused"]);
    // White space says nothing.
    let words = json!({ "type": "string", "pattern": NO_NUL, "maxLength": LONGEST_COMMENT });
    let reason = json!({ "type": "string", "pattern": "[^\\s\\u0085]" });
    let by = json!({ "type": "string", "pattern": NO_CONTROL, "maxLength": LONGEST_TEXT });
    let mut given =
        object_with(json!({ "reply": reply }), json!({ "words": or_null(&words), "by": or_null(&by) }));
    given["anyOf"] = json!([
        { "properties": { "reply": { "const": "done" } } },
        { "required": ["words"], "properties": { "words": reason } },
    ]);
    json!({
        "ReplyGiven": given,
        "RequestAnswer": object(json!({ "reply": reply, "words": text(), "by": text(), "at": instant() })),
        "QueuedRequest": object_with(
            json!({
                "id": id, "owner": text(), "title": text(), "step": text(), "person": count(), "asked_at": instant(),
                "received_at": instant(), "promise": one_of(&["none", "open", "met", "breached"]),
                "state": one_of(&["open", "answered", "granted", "withdrawn"]),
            }),
            json!({
                "name": text(), "sla": text(), "due_at": instant(), "calendar": count(),
                "left_seconds": { "type": "integer" }, "settled_at": instant(), "answer": named("RequestAnswer"),
            }),
        ),
        "RequestQueue": object(json!({
            "as_of": instant(), "requests": list(&named("QueuedRequest")), "total": count(),
        })),
        "DeviceRequest": object(json!({ "request": text(), "answer": named("RequestAnswer") })),
        "DeviceRequests": object(json!({ "answered": list(&named("DeviceRequest")) })),
    })
}
