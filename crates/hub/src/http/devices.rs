//! Letting devices in, and telling them how far the hub has got.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::StatusCode,
};
use firstlight_contract::hub::{EnrolRequest, Enrolled, ProblemCode, Standing};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure, Hub, Operation, body,
    operation::JSON,
    shape::{count, instant, list, matching, named, object, object_with, pair},
    who,
};
use crate::{
    secrets::{hash_code, hash_token, new_token},
    store::{Device, Enrolling, Enrolment, StoreError},
};

/// A code and a `source` are short.
const MOST_BYTES: usize = 4 << 10;

pub(super) fn enrol_operation() -> Operation {
    Operation::gives(named("Enrolled")).takes(&[JSON], named("EnrolRequest"))
}

pub(super) async fn enrol(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<(StatusCode, Json<Enrolled>), Failure> {
    // Before anything else: whoever guesses codes gets few tries, however they look.
    hub.enrolling.check(&who::client(&hub, &request))?;
    body::check_type(request.headers(), "application/json")?;
    let body = body::read(request.into_body(), MOST_BYTES, hub.rules.read_patience).await?;
    let malformed = |message: String| Failure::new(ProblemCode::Malformed, message);
    let EnrolRequest { code, source } = serde_json::from_slice(&body)
        .map_err(|error| malformed(format!("the body is not what is asked for: {error}")))?;
    let device = source
        .strip_prefix("urn:uuid:")
        .and_then(|id| Uuid::try_parse(id).ok())
        // Spelled as the events of the device will have to spell it.
        .filter(|id| source == format!("urn:uuid:{id}"))
        .ok_or_else(|| malformed("`source` is not urn:uuid: and a UUID in small letters".to_owned()))?;
    let now = (hub.now)();
    let token = new_token().map_err(StoreError::from)?;
    let expires_at = now + hub.rules.token_life;
    let enrolment = Enrolment { code: hash_code(&code), device, token: hash_token(&token), expires_at, now };
    match hub.store.enrol(enrolment).await? {
        Enrolling::Done => {
            let device = device.to_string();
            let expires_at = expires_at.to_string();
            Ok((StatusCode::CREATED, Json(Enrolled { device, token, expires_at })))
        }
        Enrolling::NoSuchCode => {
            Err(Failure::new(ProblemCode::Forbidden, "this code is unknown, used or expired"))
        }
        Enrolling::SomebodyElses => {
            Err(Failure::new(ProblemCode::AlreadyEnrolled, "this device is enrolled for somebody else"))
        }
    }
}

pub(super) fn renew_operation() -> Operation {
    Operation::gives(named("Enrolled"))
}

/// Whatever becomes of the answer, the device has a token that counts: the one it asked with does until the new one is used.
pub(super) async fn renew(
    State(hub): State<Arc<Hub>>,
    Extension(device): Extension<Device>,
) -> Result<(StatusCode, Json<Enrolled>), Failure> {
    let token = new_token().map_err(StoreError::from)?;
    let expires_at = (hub.now)() + hub.rules.token_life;
    if !hub.store.renew_token(device.key, hash_token(&token), expires_at).await? {
        // Erased since it was let in.
        return Err(who::no_device());
    }
    let (device, expires_at) = (device.id.to_string(), expires_at.to_string());
    Ok((StatusCode::CREATED, Json(Enrolled { device, token, expires_at })))
}

pub(super) fn standing_operation() -> Operation {
    Operation::gives(named("Standing"))
}

pub(super) async fn standing(
    State(hub): State<Arc<Hub>>,
    Extension(device): Extension<Device>,
) -> Result<Json<Standing>, Failure> {
    let progress = hub.store.progress(device.key).await?;
    let high_water = progress.marks.high();
    Ok(Json(Standing {
        device: device.id.to_string(),
        high_water,
        gaps: progress.marks.gaps().to_vec(),
        missing: progress.marks.missing(),
        accepted: progress.accepted,
        refused: progress.refused,
        received_share: share(progress.accepted, high_water),
        clock_ahead_seconds: progress.course.skew().map(|skew| skew / 1_000),
        expires_at: device.expires_at.to_string(),
    }))
}

/// The shapes of these questions and answers.
pub(super) fn shapes() -> Value {
    let id = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    let device = matching(&format!("^{id}$"));
    json!({
        "EnrolRequest": object(json!({
            "code": { "type": "string", "maxLength": 64 }, "source": matching(&format!("^urn:uuid:{id}$")),
        })),
        "Enrolled": object(json!({ "device": device, "token": { "type": "string" }, "expires_at": instant() })),
        "Standing": object_with(
            json!({
                "device": device, "high_water": count(), "gaps": list(&pair(&count())), "missing": count(),
                "accepted": count(), "refused": count(), "expires_at": instant(),
            }),
            json!({
                "received_share": { "type": "number", "minimum": 0, "maximum": 1 },
                "clock_ahead_seconds": { "type": "integer" },
            }),
        ),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a device has fewer than 2^53 events")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
