//! Whether the hub lives, and whether it can do its work.

use std::sync::Arc;

use axum::extract::State;
use firstlight_contract::hub::ProblemCode;

use super::{Failure, Hub};

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(State(hub): State<Arc<Hub>>) -> Result<&'static str, Failure> {
    match hub.store.check_writable().await {
        Ok(()) => Ok("ready\n"),
        Err(error) => {
            tracing::error!(%error, "the database cannot be written to");
            Err(Failure::new(ProblemCode::Busy, "the database cannot be written to").after(5))
        }
    }
}
