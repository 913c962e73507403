//! Signing in with the organisation's identity provider: in a browser, which is sent there and comes back, and from a
//! terminal. What a browser is shown is a page; programs get the same as JSON.

mod page;

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use firstlight_contract::{
    hub::ProblemCode,
    signin::{DeviceSignin, DeviceToken, DeviceTokenRequest},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Hub, Operation, body, cookie,
    operation::JSON,
    session::{self, Begun, not_kept, shown},
    shape::{count, instant, named, object, object_with, text},
    who,
};
use crate::{
    secrets::Hash,
    signin::{self, Attempt, Identity, Key, PATIENCE, Polled, Signin, SigninError},
    store::{StoreError, sessions::Whose},
};

/// A handle holds what the provider knows a terminal by, which may be a token of its own.
const MOST_BYTES: usize = 16 << 10;

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    return_to: Option<String>,
}

/// What the provider lets the browser bring back. There may be more, of which we need to know nothing.
#[derive(Debug, Deserialize)]
struct Back {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

pub(super) fn begin_operation() -> Operation {
    Operation::gives_nothing().may_ask("query", "return_to", text()).shows_problems()
}

/// Sends the browser to the provider.
pub(super) async fn begin(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let page = page::is_wanted(request.headers());
    answer(send(&hub, &request.map(drop)).await, page)
}

async fn send(hub: &Hub, request: &Request<()>) -> Result<Response, Failure> {
    hub.signing_in.check(&who::client(hub, request))?;
    let signin = provider(hub)?;
    let Query(Begin { return_to }) = Query::try_from_uri(request.uri())
        .map_err(|_| Failure::new(ProblemCode::Malformed, "the address has `return_to` and nothing else"))?;
    let return_to = return_to.unwrap_or_else(|| "/".to_owned());
    if !signin::is_of_this_hub(&return_to) {
        let message = "`return_to` is no page of this hub, as /insights is";
        return Err(Failure::new(ProblemCode::Malformed, message));
    }
    let now = (hub.now)();
    let attempt = Attempt::begin(&return_to, now).map_err(StoreError::from)?;
    let url = signin.begin(&attempt, key(hub).await?, now).await.map_err(failed)?;
    let mut response = to(url.as_str());
    if let Some(kept) = cookie::SIGNIN.set(attempt.cookie(), PATIENCE, cookie::reached(hub, request)) {
        response.headers_mut().append(header::SET_COOKIE, kept);
    }
    Ok(response)
}

pub(super) fn callback_operation() -> Operation {
    let may_ask = |operation: Operation, name| operation.may_ask("query", name, text());
    ["code", "state", "iss", "error"].into_iter().fold(Operation::gives_nothing().shows_problems(), may_ask)
}

/// Takes the browser back from the provider.
pub(super) async fn callback(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let page = page::is_wanted(request.headers());
    let reached = cookie::reached(&hub, &request);
    let mut response = answer(take_back(&hub, &request.map(drop), page).await, page);
    // It was for this one answer.
    if let Some(cleared) = cookie::SIGNIN.clear(reached) {
        response.headers_mut().append(header::SET_COOKIE, cleared);
    }
    response
}

async fn take_back(hub: &Hub, request: &Request<()>, page: bool) -> Result<Response, Failure> {
    hub.signing_in.check(&who::client(hub, request))?;
    let signin = provider(hub)?;
    let Query(back) = Query::<Back>::try_from_uri(request.uri())
        .map_err(|_| Failure::new(ProblemCode::Malformed, "this is no answer of an identity provider"))?;
    let (now, key, reached) = ((hub.now)(), key(hub).await?, cookie::reached(hub, request));
    let kept = cookie::SIGNIN.read(request.headers(), reached);
    let attempt = kept.zip(back.state.as_deref());
    let attempt = attempt.and_then(|(kept, state)| Attempt::resume(&kept, state, key, now));
    let attempt = attempt.ok_or_else(|| {
        let message = "this sign-in was not begun in this browser, or too long ago";
        Failure::new(ProblemCode::SigninFailed, message)
    })?;
    let code = match (back.error, back.code) {
        (None, Some(code)) => code,
        (Some(error), _) => return Err(failed(SigninError::refused(&error))),
        (None, None) => {
            return Err(Failure::new(ProblemCode::Malformed, "this is no answer of an identity provider"));
        }
    };
    let identity = signin.finish(&attempt, code, back.iss.as_deref(), key, now).await.map_err(failed)?;
    let begun = begin_session(hub, identity, Some(attempt.hash())).await?.ok_or_else(|| {
        Failure::new(ProblemCode::SigninFailed, "this sign-in is over: it has made a session before")
    })?;
    let mut response = if begun.session.asker.roles.iter().next().is_some() {
        to(attempt.return_to())
    } else {
        let nothing = no_role(&hub.rules.contact);
        if page {
            page::of(&nothing, page::Next::Reload(attempt.return_to()))
        } else {
            nothing.into_response()
        }
    };
    let before = cookie::SESSION.read(request.headers(), reached);
    session::give(hub, &begun, before, reached, response.headers_mut()).await?;
    Ok(response)
}

fn no_role(contact: &str) -> Failure {
    Failure::new(ProblemCode::Forbidden, "you are signed in, and have no role on this hub yet").hint(
        &format!("Ask {contact} for one. It counts as soon as you have it; you need not sign in again."),
    )
}

pub(super) fn device_operation() -> Operation {
    Operation::gives(named("DeviceSignin"))
}

/// Begins the sign-in of a terminal.
pub(super) async fn device(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Failure> {
    hub.signing_in.check(&who::client(&hub, &request))?;
    let asked = provider(&hub)?.ask(key(&hub).await?, (hub.now)()).await.map_err(failed)?;
    let answer = DeviceSignin {
        handle: asked.handle,
        user_code: asked.user_code,
        verification_uri: asked.address.into(),
        verification_uri_complete: asked.address_with_code.map(Into::into),
        expires_at: asked.expires_at.to_string(),
        interval_seconds: asked.interval.as_secs(),
    };
    Ok(not_kept(Json(answer).into_response()))
}

pub(super) fn device_token_operation() -> Operation {
    Operation::gives(named("DeviceToken")).takes(&[JSON], named("DeviceTokenRequest"))
}

/// Tells a terminal whether the person has said yes.
pub(super) async fn device_token(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Failure> {
    hub.signing_in.check(&who::client(&hub, &request))?;
    body::check_type(request.headers(), "application/json")?;
    let signin = provider(&hub)?;
    let body = body::read(request.into_body(), MOST_BYTES, hub.rules.read_patience).await?;
    let DeviceTokenRequest { handle } = serde_json::from_slice(&body).map_err(|error| {
        Failure::new(ProblemCode::Malformed, format!("the body is not what is asked for: {error}"))
    })?;
    let polled = signin.poll(&handle, key(&hub).await?, (hub.now)()).await.map_err(failed)?;
    let over = || Failure::new(ProblemCode::SigninFailed, "this sign-in is unknown, or over");
    match polled.ok_or_else(over)? {
        Polled::Pending(wait) => {
            let answer = DeviceToken::Pending { interval_seconds: wait.as_secs() };
            Ok(not_kept((StatusCode::ACCEPTED, Json(answer)).into_response()))
        }
        Polled::Done(identity) => {
            let once = crate::secrets::hash_token(&handle);
            let Begun { token, session } =
                begin_session(&hub, identity, Some(once)).await?.ok_or_else(over)?;
            let session = shown(&session.asker, Some(session.expires_at));
            Ok(not_kept(Json(DeviceToken::SignedIn { token, session }).into_response()))
        }
    }
}

async fn begin_session(
    hub: &Hub,
    identity: Identity,
    signin: Option<Hash>,
) -> Result<Option<Begun>, Failure> {
    let Identity { name, groups } = identity;
    let of_groups = hub.rules.group_roles.iter().filter(|(_, group)| groups.contains(group));
    let roles = of_groups.map(|(grant, _)| grant.clone()).collect();
    session::begin(hub, Whose::Named { name, roles, signin }).await
}

fn provider(hub: &Hub) -> Result<&Signin, Failure> {
    hub.signin.as_ref().ok_or_else(|| {
        Failure::new(ProblemCode::NotFound, "this hub has no identity provider to sign in with")
            .hint("Sign in with an access token: `POST /v1/session`, see docs/hub.md.")
    })
}

async fn key(hub: &Hub) -> Result<&Key, Failure> {
    Ok(hub.signin_key.get_or_try_init(|| hub.store.signin_key()).await?)
}

/// What whoever signs in is told. What exactly the provider did is for the log, too.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: SigninError) -> Failure {
    let (code, hint) = match &error {
        SigninError::Unreachable(_)
        | SigninError::Answer(_)
        | SigninError::Token(_)
        | SigninError::Refused(_) => {
            tracing::warn!(%error, "nobody was signed in");
            (ProblemCode::ProviderFailed, None)
        }
        SigninError::Over => (ProblemCode::SigninFailed, None),
        SigninError::NoDeviceFlow => {
            (ProblemCode::NotFound, Some("Sign in with a browser, or with an access token."))
        }
        SigninError::Denied => (ProblemCode::Forbidden, Some("Sign in again, and agree.")),
        SigninError::Nobody(_) | SigninError::Unverified => {
            let hint = "Ask whoever runs your identity provider to have it say so.";
            (ProblemCode::Forbidden, Some(hint))
        }
    };
    let failure = Failure::new(code, error.to_string());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn answer(answer: Result<Response, Failure>, page: bool) -> Response {
    not_kept(match answer {
        Ok(response) => response,
        Err(failure) if page => page::of(&failure, page::Next::SignIn),
        Err(failure) => failure.into_response(),
    })
}

/// Somewhere else, by GET, and without telling it where from.
fn to(address: &str) -> Response {
    let mut response = (StatusCode::SEE_OTHER, Body::empty()).into_response();
    let headers: &mut HeaderMap = response.headers_mut();
    if let Ok(address) = HeaderValue::from_str(address) {
        headers.insert(header::LOCATION, address);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The shapes of these questions and answers.
pub(super) fn shapes() -> Value {
    let pending = object(json!({ "state": { "const": "pending" }, "interval_seconds": count() }));
    let signed_in = object(json!({
        "state": { "const": "signed_in" }, "token": text(), "session": named("Session"),
    }));
    json!({
        "DeviceSignin": object_with(
            json!({
                "handle": text(), "user_code": text(), "verification_uri": text(), "expires_at": instant(),
                "interval_seconds": count(),
            }),
            json!({ "verification_uri_complete": text() }),
        ),
        "DeviceTokenRequest": object(json!({ "handle": text() })),
        "DeviceToken": { "oneOf": [pending, signed_in] },
    })
}
