//! Reading a body: of the right type, no longer and no slower than it may be.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use firstlight_contract::hub::ProblemCode;
use http_body_util::BodyExt as _;

use super::Failure;
use crate::ingest::batch::Encoding;

/// Whether the body says to be of `wanted` type; parameters (`charset`) aside.
pub(super) fn check_type(headers: &HeaderMap, wanted: &str) -> Result<(), Failure> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Failure::new(ProblemCode::UnsupportedMedia, format!("the body is not said to be {wanted}")))
}

/// How the body says to be compressed.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let Some(given) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    match given.to_str().map(str::to_ascii_lowercase).as_deref() {
        Ok("identity") => Ok(Encoding::Identity),
        Ok("gzip") => Ok(Encoding::Gzip),
        Ok("zstd") => Ok(Encoding::Zstd),
        _ => Err(Failure::new(
            ProblemCode::UnsupportedMedia,
            "the body is compressed in a way that is not read",
        )),
    }
}

/// The whole body.
pub(super) async fn read(body: Body, most: usize, patience: Duration) -> Result<Bytes, Failure> {
    match tokio::time::timeout(patience, collect(body, most)).await {
        Ok(read) => read,
        Err(_) => Err(Failure::new(ProblemCode::TooSlow, "the body took too long to arrive")),
    }
}

async fn collect(mut body: Body, most: usize) -> Result<Bytes, Failure> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Failure::new(ProblemCode::Malformed, "the body ended before it was whole"))?;
        // Anything but data is a trailer, which says nothing here.
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > most {
            return Err(Failure::new(ProblemCode::TooLarge, format!("the body has more than {most} bytes")));
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}
