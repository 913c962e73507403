//! Who asks.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use firstlight_contract::hub::ProblemCode;

use super::{Failure, Hub};
use crate::secrets::hash_token;

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

/// Lets those in who sit at the hub's own machine or have the operator's token.
pub(super) async fn operator(
    State(hub): State<Arc<Hub>>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let shown = bearer(request.headers());
    // Comparing hashes tells nothing about how near a guess was.
    let has_token =
        shown.zip(hub.rules.metrics_token).is_some_and(|(shown, wanted)| hash_token(shown) == wanted);
    if has_token || client(&hub, &request).is_loopback() {
        return Ok(next.run(request).await);
    }
    let code = if shown.is_some() { ProblemCode::Forbidden } else { ProblemCode::Unauthorized };
    Err(Failure::new(code, "this is for the hub's own machine, or with its metrics token"))
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

/// The address a request comes from: what a proxy that is trusted says, or else the other end of the connection. Only the
/// last entry was written by that proxy; those before it by anybody.
pub(super) fn client(hub: &Hub, request: &Request) -> IpAddr {
    let peer = request
        .extensions()
        .get::<Peer>()
        // Every connection has one; without it, nobody is taken for somebody who is near.
        .map_or(IpAddr::from([0, 0, 0, 0]), |Peer(address)| address.to_canonical());
    if !hub.rules.trusted_proxies.contains(&peer) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let Some(forwarded) = forwarded else { return peer };
    let last = forwarded.to_str().ok().and_then(|value| value.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok()).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}
