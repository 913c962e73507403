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
mod page;
mod releases;
mod repository;
pub(crate) mod requests;
mod session;
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
pub use page::has_page;
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
    signing_in: limits::Limit<IpAddr>,
    /// The organisation's identity provider, if there is one.
    signin: Option<Signin>,
    signin_key: tokio::sync::OnceCell<Key>,
    /// Inflated batches are large: a flood of them waits here, not in memory.
    reading: tokio::sync::Semaphore,
    figures: metrics::Figures,
    figured: insights::Last,
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
    /// How often a device may send, a minute.
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
            signing_in,
            signin,
            signin_key: tokio::sync::OnceCell::new(),
            reading,
            figures: metrics::Figures::default(),
            figured: insights::Last::default(),
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
    handler: fn() -> MethodRouter<Arc<Hub>>,
}

/// Every route.
pub const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/v1/devices",
        who: Who::Anyone,
        summary: "Lets a device in that shows a single-use code, and gives it its token.",
        answers: &[201, 400, 403, 408, 409, 413, 415, 429, 500],
        handler: || axum::routing::post(devices::enrol),
    },
    Route {
        method: "GET",
        path: "/v1/devices/self",
        who: Who::Device,
        summary: "Says how far the hub has got with the events of this device.",
        answers: &[200, 401, 429, 500],
        handler: || axum::routing::get(devices::standing),
    },
    Route {
        method: "POST",
        path: "/v1/devices/self/token",
        who: Who::Device,
        summary: "Gives this device a new token. The old one counts until the new one is used first.",
        answers: &[201, 401, 429, 500],
        handler: || axum::routing::post(devices::renew),
    },
    Route {
        method: "POST",
        path: "/v1/events",
        who: Who::Device,
        summary: "Takes in a batch of events; durable and counted when it answers.",
        answers: &[200, 400, 401, 408, 413, 415, 429, 500, 503],
        handler: || axum::routing::post(events::take),
    },
    Route {
        method: "GET",
        path: "/v1/releases/signal",
        who: Who::Operator,
        summary: "Says how many runs of a release (?pack=acme&release=3.2.0&before=3.1.0) began and failed, and of the one before.",
        answers: &[200, 400, 403, 500],
        handler: || axum::routing::get(releases::signal),
    },
    Route {
        method: "POST",
        path: "/v1/signals/cdevents",
        who: Who::Integration,
        summary: "Takes in CDEvents (merged changes, deployments, tickets), one or a list, also in CloudEvents.",
        answers: &[200, 400, 401, 408, 413, 415, 500],
        handler: || axum::routing::post(signals::cdevents),
    },
    Route {
        method: "POST",
        path: "/batch",
        who: Who::Anyone,
        summary: "Takes in the use of services as PostHog's libraries send it; `api_key` is the token of an integration.",
        answers: &[200, 400, 401, 408, 413, 415, 500],
        handler: || axum::routing::post(signals::posthog),
    },
    Route {
        method: "POST",
        path: "/batch/",
        who: Who::Anyone,
        summary: "The same; some libraries write the address so.",
        answers: &[200, 400, 401, 408, 413, 415, 500],
        handler: || axum::routing::post(signals::posthog),
    },
    Route {
        method: "POST",
        path: "/v1/hooks/github",
        who: Who::Anyone,
        summary: "Takes in GitHub's webhooks `pull_request` and `deployment_status`, signed with the hub's secret for it.",
        answers: &[200, 400, 403, 408, 413, 415, 500],
        handler: || axum::routing::post(signals::github),
    },
    Route {
        method: "POST",
        path: "/v1/hooks/gitlab",
        who: Who::Anyone,
        summary: "Takes in GitLab's webhooks for merge requests and deployments, signed with the hub's signing token.",
        answers: &[200, 400, 403, 408, 413, 415, 500],
        handler: || axum::routing::post(signals::gitlab),
    },
    Route {
        method: "GET",
        path: "/healthz",
        who: Who::Anyone,
        summary: "Answers while the program runs.",
        answers: &[200],
        handler: || axum::routing::get(health::alive),
    },
    Route {
        method: "GET",
        path: "/readyz",
        who: Who::Anyone,
        summary: "Answers 200 while the database can be written to.",
        answers: &[200, 503],
        handler: || axum::routing::get(health::ready),
    },
    Route {
        method: "GET",
        path: "/metrics",
        who: Who::Operator,
        summary: "How the hub is doing, as Prometheus reads it.",
        answers: &[200, 403],
        handler: || axum::routing::get(metrics::show),
    },
    Route {
        method: "GET",
        path: "/openapi.json",
        who: Who::Anyone,
        summary: "This description.",
        answers: &[200],
        handler: || axum::routing::get(openapi::show),
    },
    Route {
        method: "GET",
        path: "/releases/{*path}",
        who: Who::Anyone,
        summary: "A file of the repository of releases, where the hub gives one: `metadata/…` and `targets/…`.",
        answers: &[200, 404, 500],
        handler: || axum::routing::get(repository::file),
    },
    Route {
        method: "GET",
        path: "/insights",
        who: Who::Anyone,
        summary: "The page that shows the figures; who may see them is settled where it asks for them.",
        answers: &[200, 404],
        handler: || axum::routing::get(page::show),
    },
    Route {
        method: "GET",
        path: "/insights/{file}",
        who: Who::Anyone,
        summary: "What the page is made of: scripts, styles, letters.",
        answers: &[200, 404],
        handler: || axum::routing::get(page::file),
    },
    Route {
        method: "GET",
        path: "/v1/signin",
        who: Who::Anyone,
        summary: "Sends a browser to the organisation's identity provider; it comes back to ?return_to=/page.",
        answers: &[303, 400, 404, 429, 500, 502],
        handler: || axum::routing::get(signin::begin),
    },
    Route {
        method: "GET",
        path: "/v1/signin/callback",
        who: Who::Anyone,
        summary: "Takes a browser back from the identity provider, and gives it the cookie of a session.",
        answers: &[303, 400, 403, 404, 429, 500, 502],
        handler: || axum::routing::get(signin::callback),
    },
    Route {
        method: "POST",
        path: "/v1/signin/device",
        who: Who::Anyone,
        summary: "Begins the sign-in of a terminal: says what to type where.",
        answers: &[200, 400, 403, 404, 429, 500, 502],
        handler: || axum::routing::post(signin::device),
    },
    Route {
        method: "POST",
        path: "/v1/signin/device/token",
        who: Who::Anyone,
        summary: "Gives a terminal its token once the person has said yes; 202 before that.",
        answers: &[200, 202, 400, 403, 404, 408, 413, 415, 429, 500, 502],
        handler: || axum::routing::post(signin::device_token),
    },
    Route {
        method: "POST",
        path: "/v1/session",
        who: Who::Anyone,
        summary: "Exchanges an access token for the cookie of a session.",
        answers: &[201, 400, 401, 403, 408, 413, 415, 429, 500],
        handler: || axum::routing::post(session::exchange),
    },
    Route {
        method: "GET",
        path: "/v1/session",
        who: Who::Anyone,
        summary: "Says who asks, what they may, and how to sign in.",
        answers: &[200, 500],
        handler: || axum::routing::get(session::show),
    },
    Route {
        method: "POST",
        path: "/v1/session/end",
        who: Who::Anyone,
        summary: "Signs out.",
        answers: &[204, 403, 500],
        handler: || axum::routing::post(session::end),
    },
    Route {
        method: "GET",
        path: "/v1/insights/filters",
        who: Who::Role(Role::Viewer),
        summary: "Says which personas, releases and periods can be asked for.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::filters),
    },
    Route {
        method: "GET",
        path: "/v1/insights/summary",
        who: Who::Role(Role::Viewer),
        summary: "The cards: adoption, time to first value, who is active, how often steps fail.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::summary),
    },
    Route {
        method: "GET",
        path: "/v1/insights/ttfv",
        who: Who::Role(Role::Viewer),
        summary: "Curves of the time to first value, by persona or by release, with numbers at risk.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::ttfv),
    },
    Route {
        method: "GET",
        path: "/v1/insights/steps",
        who: Who::Role(Role::Viewer),
        summary: "What each step costs: times, failures, waiting, days lost.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::steps),
    },
    Route {
        method: "GET",
        path: "/v1/insights/funnel",
        who: Who::Role(Role::Viewer),
        summary: "How far people get in 30 days.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::funnel),
    },
    Route {
        method: "GET",
        path: "/v1/insights/activity",
        who: Who::Role(Role::Viewer),
        summary: "Who is active, day by day.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::activity),
    },
    Route {
        method: "GET",
        path: "/v1/insights/retrospective",
        who: Who::Role(Role::Viewer),
        summary: "Whether a release (?pack=acme&release=3.2.0&before=3.1.0) helped.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::retrospective),
    },
    Route {
        method: "GET",
        path: "/v1/insights/completeness",
        who: Who::Role(Role::Viewer),
        summary: "How much of what happened the hub knows.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::completeness),
    },
    Route {
        method: "GET",
        path: "/v1/insights/sla",
        who: Who::Role(Role::Viewer),
        summary: "Whether those who are asked for something keep what they promise, by owner.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(insights::sla),
    },
    Route {
        method: "GET",
        path: "/v1/surveys/cooldown",
        who: Who::Device,
        summary: "Says when the person whose device this is was last asked, on any of their devices.",
        answers: &[200, 401, 429, 500],
        handler: || axum::routing::get(surveys::cooldown),
    },
    Route {
        method: "GET",
        path: "/v1/surveys/results",
        who: Who::Role(Role::Viewer),
        summary: "What people answered in a quarter (?quarter=2026-Q4, &format=csv), of groups that are large enough.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(surveys::show),
    },
    Route {
        method: "GET",
        path: "/v1/devices/self/requests",
        who: Who::Device,
        summary: "Says what was answered to what this device asked others for.",
        answers: &[200, 401, 429, 500],
        handler: || axum::routing::get(requests::of_device),
    },
    Route {
        method: "GET",
        path: "/v1/requests",
        who: Who::Role(Role::StepOwner),
        summary: "The queue of the owners somebody answers for (?owner=it-helpdesk&state=all), what is due first at the top.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(requests::queue),
    },
    Route {
        method: "POST",
        path: "/v1/requests/{id}/answer",
        who: Who::Role(Role::StepOwner),
        summary: "Answers a request, once: it is done, or refused with words.",
        answers: &[200, 400, 401, 403, 404, 408, 409, 413, 415, 429, 500],
        handler: || axum::routing::post(requests::answer_one),
    },
    Route {
        method: "GET",
        path: "/v1/audit",
        who: Who::Role(Role::SecurityReviewer),
        summary: "What was done at the hub (?after=17), and by whom.",
        answers: &[200, 400, 401, 403, 429, 500],
        handler: || axum::routing::get(audit::list),
    },
    Route {
        method: "GET",
        path: "/v1/audit/checkpoint",
        who: Who::Role(Role::SecurityReviewer),
        summary: "The audit log as it is now, signed (C2SP): keep it elsewhere.",
        answers: &[200, 401, 403, 429, 500],
        handler: || axum::routing::get(audit::checkpoint),
    },
];

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
