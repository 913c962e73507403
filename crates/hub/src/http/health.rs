//! Whether the hub lives, and whether it can do its work.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use firstlight_contract::hub::ProblemCode;

use super::{Failure, Hub};

/// Whoever asks has to decide, so no answer is one too.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(State(hub): State<Arc<Hub>>) -> Result<&'static str, Failure> {
    match tokio::time::timeout(PATIENCE, hub.store.check_writable()).await {
        Ok(Ok(())) => return Ok("ready\n"),
        Ok(Err(error)) => tracing::error!(%error, "the database cannot be written to"),
        Err(_) => tracing::error!("the database cannot be written to in time"),
    }
    Err(Failure::new(ProblemCode::Busy, "the database cannot be written to").after(5))
}
