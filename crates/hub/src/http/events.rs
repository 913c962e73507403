//! Taking events in.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
};
use firstlight_contract::hub::{BATCH, BatchAnswer, EventVerdict, ProblemCode};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Failure, Hub, body};
use crate::{
    ingest::{
        Read,
        batch::{self, BatchError, Encoding},
        event,
        queue::NotWritten,
    },
    store::{Device, Submission},
};

pub(super) async fn take(
    State(hub): State<Arc<Hub>>,
    Extension(device): Extension<Device>,
    request: Request,
) -> Result<Json<BatchAnswer>, Failure> {
    body::check_type(request.headers(), BATCH)?;
    let encoding = body::encoding(request.headers())?;
    let bytes = body::read(request.into_body(), batch::MOST_BYTES, hub.rules.read_patience).await?;
    // Never closed, so this only waits.
    let permit = hub.reading.acquire().await;
    let now = (hub.now)();
    let (source, zone) = (device.source(), hub.rules.zone.clone());
    // Inflating and reading take milliseconds of a processor, which other requests should not wait for.
    let read = tokio::task::spawn_blocking(move || read(&bytes, encoding, &source, &zone, now));
    let events = match read.await {
        Ok(events) => events.map_err(|error| failure(&error))?,
        Err(_) => return Err(Failure::new(ProblemCode::Internal, "the batch could not be read")),
    };
    drop(permit);
    let ids: Vec<Option<String>> = events.iter().map(|(read, _)| read.id.clone()).collect();
    let submission = Submission { device: device.key, person: device.person, received: now, events };
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

fn read(
    bytes: &[u8],
    encoding: Encoding,
    source: &str,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Vec<(Read, Date)>, BatchError> {
    let bytes = batch::inflate(bytes, encoding)?;
    let events = batch::split(&bytes)?.into_iter().map(|text| {
        let read = event::read(text.get(), source, now);
        let time = read.event.as_ref().map_or(now, |event| event.time);
        (read, zone.to_datetime(time).date())
    });
    Ok(events.collect())
}

pub(super) fn failure(error: &BatchError) -> Failure {
    let code = match error {
        BatchError::TooLarge => ProblemCode::TooLarge,
        BatchError::Damaged(_) | BatchError::NoArray(_) => ProblemCode::Malformed,
    };
    Failure::new(code, error.to_string())
}
