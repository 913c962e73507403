//! The audit log, for those who watch over the hub: what was done, and checkpoints to keep elsewhere.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use firstlight_contract::{
    audit::{AuditPage, AuditedAct},
    hub::ProblemCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Hub, Operation,
    shape::{self, instant, named, object_with, text},
};
use crate::audit::{Record, Unreadable};

/// How many acts one answer has at most.
const MOST: usize = 500;

/// From where on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    after: u64,
}

pub(super) fn list_operation() -> Operation {
    let after = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
    Operation::gives(named("AuditPage")).may_ask("query", "after", after)
}

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<impl IntoResponse, Failure> {
    let Query(Asked { after }) = asked.map_err(|_| {
        Failure::new(ProblemCode::Malformed, "`after` is the number of an act, and there is nothing else")
    })?;
    let log = hub.store.audit_log().await?;
    let mut acts = log.records().into_iter().map(act).filter(|act| act.seq > after);
    let page: Vec<_> = acts.by_ref().take(MOST).collect();
    let next = acts.next().and_then(|_| page.last().map(|last| last.seq));
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(AuditPage { acts: page, next })))
}

fn act(read: Result<Record, Unreadable>) -> AuditedAct {
    match read {
        Ok(Record { seq, at, by, act }) => {
            AuditedAct { seq, at: Some(at.to_string()), who: by.to_string(), what: act.to_string() }
        }
        Err(unreadable) => AuditedAct {
            seq: unreadable.seq,
            at: None,
            who: "somebody".to_owned(),
            what: unreadable.to_string(),
        },
    }
}

/// The log as it is now, signed.
pub(super) async fn checkpoint(State(hub): State<Arc<Hub>>) -> Result<impl IntoResponse, Failure> {
    let checkpoint = hub.store.checkpoint((hub.now)()).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], checkpoint.note))
}

/// The shapes of these answers.
pub(super) fn shapes() -> Value {
    let place = json!({ "type": "integer", "minimum": 1 });
    json!({
        "AuditPage": object_with(json!({ "acts": shape::list(&named("AuditedAct")) }), json!({ "next": place })),
        "AuditedAct": object_with(
            json!({ "seq": place, "who": text(), "what": text() }),
            json!({ "at": instant() }),
        ),
    })
}
