//! Who asks.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};
use firstlight_contract::hub::ProblemCode;

use super::{Failure, Hub};
use crate::{
    rights::{Asker, Role},
    secrets::hash_token,
};

/// The other end of the connection, which may be a proxy.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Lets devices in that have a token that counts; handlers find the [`Device`](crate::store::Device) in the extensions.
pub(super) async fn device(
    State(hub): State<Arc<Hub>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    // One answer for every reason: whether a token ever counted is nobody's business.
    let refused = || Failure::new(ProblemCode::Unauthorized, "this needs the token of an enrolled device");
    let token = bearer(request.headers()).ok_or_else(refused)?;
    let device = hub.store.device(hash_token(token)).await?.ok_or_else(refused)?;
    if !device.counts((hub.now)()) {
        return Err(refused());
    }
    hub.sending.check(&device.key.0)?;
    request.extensions_mut().insert(device);
    Ok(next.run(request).await)
}

/// Lets those in who sit at the hub's own machine or have the metrics token. What is behind it is about the hub and about
/// releases, never about people: a proxy on this machine that says nothing about whom it speaks for looks like somebody here.
pub(super) async fn operator(
    State(hub): State<Arc<Hub>>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let shown = bearer(request.headers());
    // Comparing hashes tells nothing about how near a guess was.
    let has_token =
        shown.zip(hub.rules.metrics_token).is_some_and(|(shown, wanted)| hash_token(shown) == wanted);
    if has_token || is_local(&request) {
        return Ok(next.run(request).await);
    }
    let code = if shown.is_some() { ProblemCode::Forbidden } else { ProblemCode::Unauthorized };
    Err(Failure::new(code, "this is for the hub's own machine, or with its metrics token"))
}

/// Whether somebody on this machine asks, and not a proxy on it for somebody else. Whatever was passed on counts as coming
/// from elsewhere, also if a proxy that is trusted says otherwise: before it there may be another one on this machine.
fn is_local(request: &Request) -> bool {
    let passed_on = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("x-forwarded") || PASSED_ON.contains(&name)
    };
    peer(request).is_loopback() && !request.headers().keys().any(passed_on)
}

/// What proxies add, besides `X-Forwarded-…`.
const PASSED_ON: &[&str] = &[
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-original-forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Lets those in who have `needed` or a role that includes it; handlers find the [`Asker`] in the extensions.
pub(super) async fn role(
    State((hub, needed)): State<(Arc<Hub>, Role)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let asker = asker(&hub, request.headers()).await?.ok_or_else(|| {
        Failure::new(ProblemCode::Unauthorized, "this needs the token of somebody with a role")
            .hint("Ask whoever runs the hub for one: `firstlight-hub role token`.")
    })?;
    hub.asking.check(&asker.person.0)?;
    if !asker.roles.include(needed) {
        let message = format!("this needs the role {} or one that includes it", needed.name());
        return Err(Failure::new(ProblemCode::Forbidden, message)
            .hint("Ask whoever runs the hub for it: `firstlight-hub role grant`."));
    }
    request.extensions_mut().insert(asker);
    Ok(next.run(request).await)
}

/// Who asks, if they show something that counts.
async fn asker(hub: &Hub, headers: &HeaderMap) -> Result<Option<Asker>, Failure> {
    match bearer(headers) {
        Some(token) => Ok(hub.store.asker(hash_token(token), (hub.now)()).await?),
        None => Ok(None),
    }
}

/// Lets other programs in that have a token; handlers find the name in the extensions.
pub(super) async fn integration(
    State(hub): State<Arc<Hub>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let refused = || Failure::new(ProblemCode::Unauthorized, "this needs the token of an integration");
    let token = bearer(request.headers()).ok_or_else(refused)?;
    let name = hub.store.integration(hash_token(token)).await?.ok_or_else(refused)?;
    request.extensions_mut().insert(super::signals::Source(name));
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn peer(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<Peer>()
        // Every connection has one; without it, nobody is taken for somebody who is near.
        .map_or(IpAddr::from([0, 0, 0, 0]), |Peer(address)| address.to_canonical())
}

/// The address a request comes from: what a proxy that is trusted says, or else the other end of the connection. Only the
/// last entry was written by that proxy; those before it by anybody.
pub(super) fn client(hub: &Hub, request: &Request) -> IpAddr {
    let peer = peer(request);
    if !hub.rules.trusted_proxies.contains(&peer) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let Some(forwarded) = forwarded else { return peer };
    let last = forwarded.to_str().ok().and_then(|value| value.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok()).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}
