//! What is known of a release: the counts by which it is halted.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use firstlight_contract::hub::ProblemCode;
use firstlight_releases::publish::{Counts, Signal};
use semver::Version;
use serde::Deserialize;

use super::{Failure, Hub};

/// Which release, and which one it is compared with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pack: String,
    release: Version,
    before: Version,
}

/// As `firstlight pack rollout watch --signal` reads it.
pub(super) async fn signal(
    State(hub): State<Arc<Hub>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Signal>, Failure> {
    let Query(Asked { pack, release, before }) = asked.map_err(|_| {
        let message = "the address does not say `pack`, `release` and `before`, the two as versions";
        Failure::new(ProblemCode::Malformed, message)
    })?;
    let counts = async |version: Version| {
        let runs = hub.store.runs(&pack, &version.to_string()).await?;
        Ok::<_, Failure>(Counts { version, started: runs.started, failed: runs.failed })
    };
    let (release, before) = (counts(release).await?, counts(before).await?);
    Ok(Json(Signal { pack, release, before }))
}
