//! Taking events in.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::HeaderMap,
};
use firstlight_contract::hub::{BATCH, BatchAnswer, EventVerdict, ProblemCode, SENT_AT};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Failure, Hub, Operation, body,
    shape::{list, matching, named, object, object_with, one_of, text},
};
use crate::{
    ingest::{
        Read,
        batch::{self, BatchError, Encoding},
        event,
        queue::NotWritten,
    },
    store::{Device, Submission},
};

pub(super) fn take_operation() -> Operation {
    Operation::gives(named("BatchAnswer")).takes(&[BATCH], named("Batch")).may_ask(
        "header",
        SENT_AT,
        matching("^[0-9]{1,13}$"),
    )
}

pub(super) async fn take(
    State(hub): State<Arc<Hub>>,
    Extension(device): Extension<Device>,
    request: Request,
) -> Result<Json<BatchAnswer>, Failure> {
    // As soon as the head is there: how wrong the device's clock is should not hang on how long the body takes.
    let received = (hub.now)();
    let sent = sent(request.headers())?;
    body::check_type(request.headers(), BATCH)?;
    let encoding = body::encoding(request.headers())?;
    let bytes = body::read(request.into_body(), batch::MOST_BYTES, hub.rules.read_patience).await?;
    // Never closed, so this only waits.
    let permit = hub.reading.acquire().await;
    let source = device.source();
    // Inflating and reading take milliseconds of a processor, which other requests should not wait for.
    let read = tokio::task::spawn_blocking(move || read(&bytes, encoding, &source));
    let mut events = match read.await {
        Ok(events) => events.map_err(|error| failure(&error))?,
        Err(_) => return Err(Failure::new(ProblemCode::Internal, "the batch could not be read")),
    };
    drop(permit);
    let ids: Vec<Option<String>> = events.iter_mut().map(|read| read.id.take()).collect();
    let Device { key: device, person, .. } = device;
    let submission = Submission { device, person, sent, received, zone: hub.rules.zone.clone(), events };
    let verdicts = match hub.queue.write(submission).await {
        Ok(verdicts) => verdicts,
        Err(NotWritten::Full) => {
            return Err(Failure::new(ProblemCode::Busy, "more events wait than the hub can take").after(1));
        }
        Err(NotWritten::Failed) => {
            return Err(Failure::new(ProblemCode::Internal, "the events could not be written"));
        }
    };
    hub.figures.settled(&verdicts);
    let verdicts = ids.into_iter().zip(verdicts).map(|(id, verdict)| EventVerdict { id, verdict });
    Ok(Json(BatchAnswer { verdicts: verdicts.collect() }))
}

fn read(bytes: &[u8], encoding: Encoding, source: &str) -> Result<Vec<Read>, BatchError> {
    let bytes = batch::inflate(bytes, encoding)?;
    batch::read(&bytes, |object| event::of_object(object, source))
}

/// What the device's clock showed as it sent, if it says so.
fn sent(headers: &HeaderMap) -> Result<Option<Timestamp>, Failure> {
    let Some(said) = headers.get(SENT_AT) else { return Ok(None) };
    let digits =
        said.to_str().ok().filter(|said| said.len() <= 13 && said.bytes().all(|byte| byte.is_ascii_digit()));
    let sent = digits.and_then(|said| Timestamp::from_millisecond(said.parse().ok()?).ok());
    let malformed = || format!("`{SENT_AT}` is not milliseconds since 1970");
    sent.map(Some).ok_or_else(|| Failure::new(ProblemCode::Malformed, malformed()))
}

/// The shapes of a batch and of its verdicts.
pub(super) fn shapes() -> Value {
    let event = json!({
        "specversion": "1.0", "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "source": "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8058", "type": "dev.firstlight.step.changed",
        "time": "2026-11-26T11:00:00Z", "recordedtime": "2026-11-26T11:00:00Z", "sequence": "0000000000000007",
        "datacontenttype": "application/json", "data": { "step": "git", "state": "running" },
    });
    json!({
        "Batch": {
            "type": "array", "maxItems": batch::MOST_EVENTS, "examples": [[event]],
            "description": "CloudEvents 1.0. Each has its own verdict: one that is wrong does not spoil the others.",
        },
        "BatchAnswer": object(json!({ "verdicts": list(&named("EventVerdict")) })),
        "EventVerdict": object_with(
            json!({ "verdict": one_of(&["accepted", "duplicate", "refused"]) }),
            json!({
                "id": text(), "message": text(),
                "reason": one_of(&[
                    "malformed", "foreign_source", "unregistered_type", "unregistered_property", "sensitive", "too_old",
                    "in_the_future", "too_many_gaps",
                ]),
            }),
        ),
    })
}

pub(super) fn failure(error: &BatchError) -> Failure {
    let code = match error {
        BatchError::TooLarge => ProblemCode::TooLarge,
        BatchError::Damaged(_) | BatchError::NoArray(_) => ProblemCode::Malformed,
    };
    Failure::new(code, error.to_string())
}
