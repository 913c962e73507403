//! Who asks.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};
use firstlight_contract::hub::ProblemCode;

use super::{Failure, Hub, session};
use crate::{
    rights::{Asker, Role},
    secrets::{Hash, hash_token},
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
    let token = bearer(request.headers()).ok_or_else(no_device)?;
    let device = hub.store.device(hash_token(token)).await?.ok_or_else(no_device)?;
    if !device.counts((hub.now)()) {
        return Err(no_device());
    }
    hub.sending.check(&device.key.0)?;
    request.extensions_mut().insert(device);
    Ok(next.run(request).await)
}

/// One answer for every reason: whether a token ever counted is nobody's business.
pub(super) fn no_device() -> Failure {
    Failure::new(ProblemCode::Unauthorized, "this needs the token of an enrolled device")
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
pub(super) fn is_local<B>(request: &Request<B>) -> bool {
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
    let shown = Shown::by(&hub, &request)?;
    let asker = shown.asker(&hub).await?.ok_or_else(|| {
        Failure::new(
            ProblemCode::Unauthorized,
            "this needs the token of somebody with a role, or to be signed in",
        )
        .hint(&format!("Ask {} for one: `firstlight-hub role token`.", hub.rules.contact))
    })?;
    hub.asking.check(&asker.person.0)?;
    if !asker.roles.include(needed) {
        let message = format!("this needs the role {} or one that includes it", needed.name());
        return Err(Failure::new(ProblemCode::Forbidden, message)
            .hint(&format!("Ask {} for it: `firstlight-hub role grant`.", hub.rules.contact)));
    }
    request.extensions_mut().insert(asker);
    Ok(next.run(request).await)
}

/// What somebody shows, to say who they are.
enum Shown {
    /// A token, made for them or of a session in a terminal; who shows one means that one.
    Token(Hash),
    /// The cookie of a session.
    Cookie(Hash),
    Nothing,
}

impl Shown {
    fn by(hub: &Hub, request: &Request) -> Result<Self, Failure> {
        if let Some(token) = bearer(request.headers()) {
            return Ok(Self::Token(hash_token(token)));
        }
        Ok(session::of_browser(hub, request)?.map_or(Self::Nothing, Self::Cookie))
    }

    /// Who that is, if it counts.
    async fn asker(self, hub: &Hub) -> Result<Option<Asker>, Failure> {
        let now = (hub.now)();
        let of_session = match self {
            Self::Nothing => return Ok(None),
            Self::Cookie(token) => token,
            Self::Token(token) => match hub.store.asker(token, now).await? {
                Some(asker) => return Ok(Some(asker)),
                None => token,
            },
        };
        Ok(hub.store.session(of_session, now).await?.map(|session| session.asker))
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
    hub.telling.check(&name)?;
    request.extensions_mut().insert(super::signals::Source(name));
    Ok(next.run(request).await)
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn peer<B>(request: &Request<B>) -> IpAddr {
    request
        .extensions()
        .get::<Peer>()
        // Every connection has one; without it, nobody is taken for somebody who is near.
        .map_or(IpAddr::from([0, 0, 0, 0]), |Peer(address)| address.to_canonical())
}

/// The address a request comes from: what a proxy that is trusted says, or else the other end of the connection. Only the
/// last entry was written by that proxy; those before it by anybody.
pub(super) fn client<B>(hub: &Hub, request: &Request<B>) -> IpAddr {
    let peer = peer(request);
    if !hub.rules.trusted_proxies.contains(&peer) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let Some(forwarded) = forwarded else { return peer };
    let last = forwarded.to_str().ok().and_then(|value| value.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok()).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}
