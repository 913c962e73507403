//! The routes: who may use each, and what each may answer. Whatever is not in [`ROUTES`] does not exist.

mod answer;
mod audit;
mod body;
mod cookie;
mod devices;
mod events;
mod health;
mod insights;
mod limits;
mod metrics;
mod openapi;
mod operation;
mod page;
mod releases;
mod repository;
pub(crate) mod requests;
mod routes;
mod session;
mod shape;
mod signals;
mod signin;
mod surveys;
mod who;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicI64},
};

use axum::{Router, extract::Request, middleware, response::Response, routing::MethodRouter};
use firstlight_contract::hub::ProblemCode;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub use answer::Failure;
pub use insights::keep_figures;
use operation::Operation;
pub use page::has_page;
pub use routes::ROUTES;
pub use signals::HookSecrets;
pub use who::Peer;

use crate::{
    ingest::queue::Queue,
    requests::calendar::WorkingHours,
    rights::{Grant, Role},
    signin::{Key, Signin},
    store::Store,
};

/// How many batches are inflated and read at the same time.
const READ_AT_ONCE: usize = 8;

/// What every route needs.
#[derive(Debug)]
pub struct Hub {
    store: Arc<dyn Store>,
    queue: Queue,
    rules: Rules,
    enrolling: limits::Limit<IpAddr>,
    sending: limits::Limit<i64>,
    asking: limits::Limit<u32>,
    /// Other programs, by name.
    telling: limits::Limit<String>,
    /// Git hosts, which have no token: by address.
    delivering: limits::Limit<IpAddr>,
    signing_in: limits::Limit<IpAddr>,
    /// The organisation's identity provider, if there is one.
    signin: Option<Signin>,
    signin_key: tokio::sync::OnceCell<Key>,
    /// Inflated batches are large: a flood of them waits here, not in memory.
    reading: tokio::sync::Semaphore,
    figures: metrics::Figures,
    figured: insights::Last,
    quarters: insights::Quarters,
    /// Until when machines take a repository of releases as fresh, in seconds since 1970, if the hub keeps one so.
    fresh_until: Option<Arc<AtomicI64>>,
    now: fn() -> Timestamp,
}

/// What an operator may set.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The organisation's zone: what a day is.
    pub zone: TimeZone,
    /// How long a device's token counts.
    pub token_life: SignedDuration,
    /// How long a body may take to arrive.
    pub read_patience: std::time::Duration,
    /// How often an address may try a code, a minute.
    pub enrolments_per_minute: std::num::NonZeroU32,
    /// How often a device, another program, the address of a Git host or somebody with a role may ask, a minute.
    pub requests_per_minute: std::num::NonZeroU32,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The bearer token that reads `/metrics` from elsewhere.
    pub metrics_token: Option<crate::secrets::Hash>,
    /// What Git hosts sign with.
    pub hooks: HookSecrets,
    /// The folder of a repository that machines receive releases from, if the hub gives it.
    pub releases: Option<std::path::PathBuf>,
    /// When people work who are asked for something.
    pub working_hours: WorkingHours,
    /// What people type to reach the hub, where that is known.
    pub public_url: Option<openidconnect::url::Url>,
    /// Whether the hub encrypts by itself.
    pub encrypts: bool,
    /// How often an address may try to sign in, a minute.
    pub signins_per_minute: std::num::NonZeroU32,
    /// For how long people stay signed in.
    pub session_life: SignedDuration,
    /// Whom people ask for a role, as it goes into a sentence.
    pub contact: String,
    /// The organisation's identity provider.
    pub oidc: Option<crate::signin::Settings>,
    /// What groups of that provider give people.
    pub group_roles: Vec<(Grant, String)>,
}

impl Hub {
    /// Puts everything together.
    pub fn new(
        store: Arc<dyn Store>,
        queue: Queue,
        rules: Rules,
        fresh_until: Option<Arc<AtomicI64>>,
        now: fn() -> Timestamp,
    ) -> Arc<Self> {
        let enrolling = limits::Limit::new(rules.enrolments_per_minute);
        let sending = limits::Limit::new(rules.requests_per_minute);
        let asking = limits::Limit::new(rules.requests_per_minute);
        let telling = limits::Limit::new(rules.requests_per_minute);
        let delivering = limits::Limit::new(rules.requests_per_minute);
        let signing_in = limits::Limit::new(rules.signins_per_minute);
        let signin = rules.oidc.clone().map(Signin::new);
        let reading = tokio::sync::Semaphore::new(READ_AT_ONCE);
        Arc::new(Self {
            store,
            queue,
            rules,
            enrolling,
            sending,
            asking,
            telling,
            delivering,
            signing_in,
            signin,
            signin_key: tokio::sync::OnceCell::new(),
            reading,
            figures: metrics::Figures::default(),
            figured: insights::Last::default(),
            quarters: insights::Quarters::default(),
            fresh_until,
            now,
        })
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever can reach the hub.
    Anyone,
    /// A device, about itself, with its token.
    Device,
    /// Somebody who watches the hub itself, never people: on its own machine, or with the metrics token.
    Operator,
    /// Somebody with this role or one that includes it; handlers find the [`Asker`](crate::rights::Asker) in the
    /// extensions.
    Role(Role),
    /// Another program, with its token.
    Integration,
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Every status it may answer with.
    pub answers: &'static [u16],
    /// What it asks for, takes and gives.
    operation: fn() -> Operation,
    handler: fn() -> MethodRouter<Arc<Hub>>,
}

/// The whole service.
pub fn router(hub: Arc<Hub>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = (route.handler)();
        let handler = match route.who {
            Who::Anyone => handler,
            Who::Device => handler.layer(middleware::from_fn_with_state(Arc::clone(&hub), who::device)),
            Who::Operator => handler.layer(middleware::from_fn_with_state(Arc::clone(&hub), who::operator)),
            Who::Role(role) => {
                handler.layer(middleware::from_fn_with_state((Arc::clone(&hub), role), who::role))
            }
            Who::Integration => {
                handler.layer(middleware::from_fn_with_state(Arc::clone(&hub), who::integration))
            }
        };
        router = router.route(route.path, handler);
    }
    router
        .fallback(async || Failure::new(ProblemCode::NotFound, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            Failure::new(ProblemCode::MethodNotAllowed, "this address is not for that method")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&hub), count))
        .with_state(hub)
}

async fn count(
    axum::extract::State(hub): axum::extract::State<Arc<Hub>>,
    request: Request,
    next: middleware::Next,
) -> Response {
    let response = next.run(request).await;
    hub.figures.answered(response.status());
    response
}
