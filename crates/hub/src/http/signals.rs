//! Taking in what other programs say. A program has a token of its own; a Git host signs what it sends instead.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Request, State},
    http::HeaderMap,
};
use firstlight_contract::hub::{BatchAnswer, EventVerdict, ProblemCode, Verdict};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{
    Failure, Hub, Operation, body, events,
    operation::JSON,
    shape::{list, named, object, text},
    who,
};
use crate::{
    ingest::batch,
    secrets::hash_token,
    signals::{MOST_SIGNALS, ReadSignal, cdevents, github, gitlab, posthog, signature},
};

/// The secrets that Git hosts sign with.
#[derive(Debug, Clone, Default)]
pub struct HookSecrets {
    /// GitHub's.
    pub github: Option<SecretString>,
    /// GitLab's.
    pub gitlab: Option<SecretString>,
}

/// The types a body of `CDEvents` may have.
const CDEVENTS: &[&str] = &[JSON, "application/cloudevents+json", "application/cloudevents-batch+json"];

/// The program that asks, by its name.
#[derive(Debug, Clone)]
pub(super) struct Source(pub(super) String);

pub(super) fn cdevents_operation() -> Operation {
    Operation::gives(named("BatchAnswer")).takes(CDEVENTS, named("CDEvents"))
}

pub(super) async fn cdevents(
    State(hub): State<Arc<Hub>>,
    Extension(Source(source)): Extension<Source>,
    request: Request,
) -> Result<Json<BatchAnswer>, Failure> {
    if !CDEVENTS.iter().any(|kind| body::check_type(request.headers(), kind).is_ok()) {
        return Err(Failure::new(
            ProblemCode::UnsupportedMedia,
            "the body is not said to be JSON or CloudEvents",
        ));
    }
    let events = match json_of(&read(&hub, request).await?)? {
        Value::Array(events) => events,
        event @ Value::Object(_) => vec![event],
        _ => return Err(Failure::new(ProblemCode::Malformed, "the body is neither an event nor a list")),
    };
    let now = (hub.now)();
    // Each shape has ids of its own.
    let source = format!("cdevents/{source}");
    take(&hub, &source, events.iter().map(|event| cdevents::read(event, now)).collect()).await
}

pub(super) fn posthog_operation() -> Operation {
    Operation::gives(named("PostHogAnswer")).takes(&[JSON], named("PostHogBatch"))
}

/// As `PostHog` answers: with `status`, which its libraries look at, and our verdicts beside it.
pub(super) async fn posthog(State(hub): State<Arc<Hub>>, request: Request) -> Result<Json<Value>, Failure> {
    let bytes = read(&hub, request).await?;
    let posthog::Batch { api_key, batch } = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new(ProblemCode::Malformed, format!("the body is no PostHog batch: {error}"))
    })?;
    let refused = || Failure::new(ProblemCode::Unauthorized, "`api_key` is not the token of an integration");
    let source = hub.store.integration(hash_token(&api_key)).await?.ok_or_else(refused)?;
    hub.telling.check(&source)?;
    let now = (hub.now)();
    let read = batch.iter().map(|event| posthog::read(event, &source, now)).collect();
    let Json(BatchAnswer { verdicts }) = take(&hub, &format!("posthog/{source}"), read).await?;
    Ok(Json(json!({ "status": 1, "verdicts": verdicts })))
}

pub(super) fn github_operation() -> Operation {
    Operation::gives(named("BatchAnswer"))
        .takes(&[JSON], named("Delivery"))
        .may_ask("header", "X-GitHub-Event", text())
        .vouched(&["github_signature"])
}

pub(super) async fn github(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<BatchAnswer>, Failure> {
    hub.delivering.check(&who::client(&hub, &request))?;
    let secret = secret(hub.rules.hooks.github.as_ref())?;
    body::check_type(request.headers(), "application/json")?;
    let headers = request.headers().clone();
    let bytes = read_signed(&hub, request).await?;
    if !signature::github(header(&headers, "x-hub-signature-256"), &secret, &bytes) {
        return Err(not_signed());
    }
    let event = header(&headers, "x-github-event").unwrap_or_default();
    let read = github::read(event, &delivery(&bytes)?, (hub.now)());
    take(&hub, "github", vec![read]).await
}

pub(super) fn gitlab_operation() -> Operation {
    Operation::gives(named("BatchAnswer")).takes(&[JSON], named("Delivery")).vouched(&[
        "gitlab_id",
        "gitlab_timestamp",
        "gitlab_signature",
    ])
}

pub(super) async fn gitlab(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<BatchAnswer>, Failure> {
    hub.delivering.check(&who::client(&hub, &request))?;
    let secret = secret(hub.rules.hooks.gitlab.as_ref())?;
    body::check_type(request.headers(), "application/json")?;
    let headers = request.headers().clone();
    let bytes = read_signed(&hub, request).await?;
    let now = (hub.now)();
    let signed = signature::Headers {
        id: header(&headers, "webhook-id").unwrap_or_default(),
        timestamp: header(&headers, "webhook-timestamp").unwrap_or_default(),
        signatures: header(&headers, "webhook-signature").unwrap_or_default(),
    };
    if !signature::standard(&signed, &secret, &bytes, now) {
        return Err(not_signed());
    }
    take(&hub, "gitlab", vec![gitlab::read(&delivery(&bytes)?, now)]).await
}

/// The body, inflated. As for events of machines, few at a time: whoever sends a flood of large ones waits here.
async fn read(hub: &Hub, request: Request) -> Result<Bytes, Failure> {
    let encoding = body::encoding(request.headers())?;
    let bytes = body::read(request.into_body(), batch::MOST_BYTES, hub.rules.read_patience).await?;
    if encoding == batch::Encoding::Identity {
        return Ok(bytes);
    }
    // Never closed, so this only waits.
    let _permit = hub.reading.acquire().await;
    let inflate = move || batch::inflate(&bytes, encoding).map(std::borrow::Cow::into_owned);
    match tokio::task::spawn_blocking(inflate).await {
        Ok(inflated) => inflated.map(Bytes::from).map_err(|error| events::failure(&error)),
        Err(_) => Err(Failure::new(ProblemCode::Internal, "the body could not be read")),
    }
}

/// The body of a delivery as it was signed. A Git host does not compress, and nothing is inflated for nobody in particular.
async fn read_signed(hub: &Hub, request: Request) -> Result<Bytes, Failure> {
    if body::encoding(request.headers())? != batch::Encoding::Identity {
        return Err(Failure::new(ProblemCode::UnsupportedMedia, "a delivery is not compressed"));
    }
    body::read(request.into_body(), batch::MOST_BYTES, hub.rules.read_patience).await
}

/// Keeps what could be read, and says of each what became of it.
async fn take(hub: &Hub, source: &str, read: Vec<ReadSignal>) -> Result<Json<BatchAnswer>, Failure> {
    if read.len() > MOST_SIGNALS {
        let message = format!("there are more than {MOST_SIGNALS} events in one request");
        return Err(Failure::new(ProblemCode::TooLarge, message));
    }
    let zone = &hub.rules.zone;
    let good = read.iter().filter_map(|read| read.signal.as_ref().ok());
    let good = good.map(|signal| (signal.clone(), zone.to_datetime(signal.at).date())).collect();
    let mut new = hub.store.take_signals(source, good, (hub.now)()).await?.into_iter();
    let verdicts = read.into_iter().map(|ReadSignal { id, signal }| {
        let verdict = match signal {
            Err(refused) => Verdict::Refused { reason: refused.reason, message: refused.message },
            Ok(_) if new.next() == Some(true) => Verdict::Accepted,
            Ok(_) => Verdict::Duplicate,
        };
        EventVerdict { id, verdict }
    });
    Ok(Json(BatchAnswer { verdicts: verdicts.collect() }))
}

fn json_of(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::new(ProblemCode::Malformed, format!("the body is no JSON: {error}")))
}

/// What a Git host tells: always an object.
fn delivery(bytes: &[u8]) -> Result<Value, Failure> {
    let told: Result<Map<String, Value>, _> = serde_json::from_slice(bytes);
    told.map(Value::Object)
        .map_err(|error| Failure::new(ProblemCode::Malformed, format!("the body is no JSON object: {error}")))
}

/// Without a secret nobody can have signed anything.
fn secret(configured: Option<&SecretString>) -> Result<SecretString, Failure> {
    configured.cloned().ok_or_else(not_signed)
}

/// One answer for every reason, also for a hub that has no secret for this host.
fn not_signed() -> Failure {
    Failure::new(ProblemCode::Forbidden, "this is not signed with the secret that the hub has for this host")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The shapes of what is taken; the verdicts are those of events.
pub(super) fn shapes() -> Value {
    let change = json!({
        "context": {
            "version": "0.4.1", "id": "271069a8", "source": "/forge", "type": "dev.cdevents.change.merged.0.2.0",
            "timestamp": "2026-11-26T09:00:00Z",
        },
        "subject": { "id": "acme/orders!17", "type": "change", "content": { "repository": { "id": "acme/orders" } } },
        "customData": { "actor": "ada@acme.test" },
    });
    let used = json!({
        "event": "query", "distinct_id": "ada@acme.test", "timestamp": "2026-11-26T09:00:00Z",
        "properties": { "service": "warehouse" },
    });
    json!({
        "CDEvents": {
            "description": "One CDEvent or a list of them, each alone or as the data of a CloudEvent.",
            "anyOf": [{ "type": "object" }, { "type": "array", "maxItems": MOST_SIGNALS }], "examples": [[change]],
        },
        "PostHogBatch": {
            "type": "object", "required": ["api_key", "batch"],
            "properties": { "api_key": text(), "batch": { "type": "array", "maxItems": MOST_SIGNALS } },
            "examples": [{ "api_key": "the token of an integration", "batch": [used] }],
        },
        "PostHogAnswer": object(json!({ "status": { "const": 1 }, "verdicts": list(&named("EventVerdict")) })),
        "Delivery": { "type": "object", "description": "As the host sends it." },
    })
}
