//! What is known of a release: the counts by which it is halted.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use firstlight_contract::hub::ProblemCode;
use firstlight_domain::id::PackName;
use firstlight_releases::publish::{Counts, Signal};
use semver::Version;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Hub, Operation,
    operation::{name, version},
    shape::{count, named, object, text},
};

/// Which release, and which one it is compared with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pack: PackName,
    release: Version,
    before: Version,
}

pub(super) fn signal_operation() -> Operation {
    Operation::gives(named("Signal")).asks("query", "pack", name()).asks("query", "release", version()).asks(
        "query",
        "before",
        version(),
    )
}

/// As `firstlight pack rollout watch --signal` reads it.
pub(super) async fn signal(
    State(hub): State<Arc<Hub>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Signal>, Failure> {
    let Query(Asked { pack, release, before }) = asked.map_err(|_| {
        let message = "the address does not say `pack` by its name, `release` and `before` as versions, and nothing else";
        Failure::new(ProblemCode::Malformed, message)
    })?;
    let counts = async |version: Version| {
        let runs = hub.store.runs(pack.as_str(), &version.to_string()).await?;
        Ok::<_, Failure>(Counts { version, started: runs.started, failed: runs.failed })
    };
    let (release, before) = (counts(release).await?, counts(before).await?);
    Ok(Json(Signal { pack: pack.into(), release, before }))
}

/// The shapes of this answer.
pub(super) fn shapes() -> Value {
    json!({
        "Signal": object(json!({ "pack": text(), "release": named("Counts"), "before": named("Counts") })),
        "Counts": object(json!({ "version": text(), "started": count(), "failed": count() })),
    })
}
