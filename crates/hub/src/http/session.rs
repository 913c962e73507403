//! Sessions: who is signed in, with a cookie that goes along with whatever the browser asks. So what changes something is
//! taken from the hub's own pages only; [`check_own_page`] is the one place that says so.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use firstlight_contract::{
    hub::ProblemCode,
    signin::{Session as Shown, SessionAnswer, SessionRequest},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Failure, Hub, Operation, body, cookie,
    operation::JSON,
    shape::{count, instant, list, named, object, or_null, text},
    who,
};
use crate::{
    rights::Asker,
    secrets::{Hash, hash_token, new_session_token},
    store::{
        StoreError,
        sessions::{NewSession, Session, Whose},
    },
};

/// A token is short.
const MOST_BYTES: usize = 4 << 10;

/// What the session of the browser that asks is known by, if it shows one.
pub(super) fn of_browser(hub: &Hub, request: &Request) -> Result<Option<Hash>, Failure> {
    let token = cookie::SESSION.read(request.headers(), cookie::reached(hub, request));
    if token.is_some() && !matches!(*request.method(), Method::GET | Method::HEAD) {
        check_own_page(hub, request.headers())?;
    }
    Ok(token.as_deref().map(hash_token))
}

/// Whether it was a page of this hub that made the browser ask. Browsers say where a request comes from in headers that no
/// page can write; what says nothing is no browser that we know, and has no business with a cookie.
fn check_own_page(hub: &Hub, headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let own = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => match &hub.rules.public_url {
            Some(url) => origin == url.origin().ascii_serialization(),
            None => origin.split_once("://").map(|(_, host)| host) == text("host"),
        },
        (None, None) => false,
    };
    if own {
        return Ok(());
    }
    Err(Failure::new(ProblemCode::Forbidden, "another site's page asked for this")
        .hint("Do it on this hub's own page."))
}

/// A session that has just begun, with what its owner shows from now on.
pub(super) struct Begun {
    pub(super) token: String,
    pub(super) session: Session,
}

/// Begins one; none if the sign-in has made one before, or the access token does not count.
pub(super) async fn begin(hub: &Hub, whose: Whose) -> Result<Option<Begun>, Failure> {
    let now = (hub.now)();
    let token = new_session_token().map_err(StoreError::from)?;
    let hash = hash_token(&token);
    let new = NewSession { token: hash, at: now, expires_at: now + hub.rules.session_life };
    if !hub.store.begin_session(whose, new).await? {
        return Ok(None);
    }
    let session = hub.store.session(hash, now).await?;
    Ok(session.map(|session| Begun { token, session }))
}

pub(super) fn show_operation() -> Operation {
    Operation::gives(named("SessionAnswer"))
}

pub(super) async fn show(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Failure> {
    let (cookie, bearer) = (of_browser(&hub, &request)?, who::bearer(request.headers()).map(hash_token));
    let session = match cookie.or(bearer) {
        Some(token) => hub.store.session(token, (hub.now)()).await?,
        None => None,
    };
    let session = match (session, bearer) {
        (Some(session), _) => Some(shown(&session.asker, Some(session.expires_at))),
        (None, Some(token)) => {
            let asker = hub.store.asker(token, (hub.now)()).await?;
            asker.map(|asker| shown(&asker, None))
        }
        (None, None) => None,
    };
    let answer = SessionAnswer { session, oidc: hub.signin.is_some(), contact: hub.rules.contact.clone() };
    Ok(not_kept(Json(answer).into_response()))
}

pub(super) fn exchange_operation() -> Operation {
    Operation::gives(named("Session")).takes(&[JSON], named("SessionRequest"))
}

/// Exchanges an access token for a session's cookie.
pub(super) async fn exchange(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Failure> {
    hub.signing_in.check(&who::client(&hub, &request))?;
    body::check_type(request.headers(), "application/json")?;
    // Whoever makes a browser sign in as somebody else sees what its owner then does.
    if request.headers().contains_key("sec-fetch-site") || request.headers().contains_key(header::ORIGIN) {
        check_own_page(&hub, request.headers())?;
    }
    let reached = cookie::reached(&hub, &request);
    let before = cookie::SESSION.read(request.headers(), reached);
    let body = body::read(request.into_body(), MOST_BYTES, hub.rules.read_patience).await?;
    let SessionRequest { token } = serde_json::from_slice(&body).map_err(|error| {
        Failure::new(ProblemCode::Malformed, format!("the body is not what is asked for: {error}"))
    })?;
    let begun = begin(&hub, Whose::Bearer(hash_token(&token))).await?.ok_or_else(|| {
        Failure::new(ProblemCode::Unauthorized, "this access token does not count")
            .hint(&format!("Ask {} for a new one.", hub.rules.contact))
    })?;
    let body = Json(shown(&begun.session.asker, Some(begun.session.expires_at)));
    let mut response = not_kept((StatusCode::CREATED, body).into_response());
    give(&hub, &begun, before, reached, response.headers_mut()).await?;
    Ok(response)
}

/// Signs out.
pub(super) async fn end(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Failure> {
    let reached = cookie::reached(&hub, &request);
    let shown = [of_browser(&hub, &request)?, who::bearer(request.headers()).map(hash_token)];
    for token in shown.into_iter().flatten() {
        hub.store.end_session(token, (hub.now)()).await?;
    }
    let mut response = not_kept(StatusCode::NO_CONTENT.into_response());
    if let Some(cleared) = cookie::SESSION.clear(reached) {
        response.headers_mut().append(header::SET_COOKIE, cleared);
    }
    Ok(response)
}

/// Lets the browser keep a session, and ends the one it had before.
pub(super) async fn give(
    hub: &Hub,
    begun: &Begun,
    before: Option<String>,
    reached: cookie::Reached,
    headers: &mut HeaderMap,
) -> Result<(), Failure> {
    if let Some(before) = before {
        hub.store.end_session(hash_token(&before), (hub.now)()).await?;
    }
    let life = begun.session.expires_at.duration_since((hub.now)());
    if let Some(kept) = cookie::SESSION.set(&begun.token, life, reached) {
        headers.append(header::SET_COOKIE, kept);
    }
    Ok(())
}

pub(super) fn shown(asker: &Asker, expires_at: Option<Timestamp>) -> Shown {
    Shown {
        person: asker.person.0,
        roles: asker.roles.iter().map(ToString::to_string).collect(),
        expires_at: expires_at.map(|at| at.to_string()),
    }
}

/// Says that nobody on the way may keep an answer.
pub(super) fn not_kept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The shapes of these questions and answers.
pub(super) fn shapes() -> Value {
    json!({
        "SessionRequest": object(json!({ "token": text() })),
        "SessionAnswer": object(json!({
            "session": or_null(&named("Session")), "oidc": { "type": "boolean" }, "contact": text(),
        })),
        "Session": object(json!({
            "person": count(), "roles": list(&text()), "expires_at": or_null(&instant()),
        })),
    })
}
