//! Telling other programs what happens to requests: signed after Standard Webhooks, at least once, in whatever order, from a
//! queue in the database; of several hubs, one sends each.
//!
//! ```text
//! append, answer ─> request_news ─> (a body for each target) ─> webhook_delivery ─> their address
//! ```
//!
//! One more shape: a variant of [`Template`], its body in `bodies.rs`.

mod bodies;
mod reach;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use reqwest::{StatusCode, Url, header};
use secrecy::SecretString;
use uuid::Uuid;

pub use reach::{NotReachable, checked};

use crate::{
    requests::{Calendars, calendars, due, promise, queued},
    secrets,
    signals::signature,
    store::{
        Store, StoreError,
        requests::Which,
        webhooks::{Delivery, News},
    },
};

/// How often it is looked for something to tell.
const BETWEEN: Duration = Duration::from_secs(2);
/// How many are told at once.
const AT_ONCE: usize = 8;
/// How many are taken from the queue at once, and by nobody else for as long as [`LEASE`].
const CLAIMED: u32 = 64;
/// Longer than sending so many takes, however slow others are.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// How long somebody may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest time between two tries.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// How long it is tried.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Something that happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happening {
    /// Somebody is asked.
    Opened,
    /// They answered.
    Answered,
    /// They did not in the time they promised.
    Breached,
}

impl Happening {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Opened, Self::Answered, Self::Breached];

    /// Its name, in settings, databases and bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Answered => "answered",
            Self::Breached => "breached",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|happening| happening.name() == name)
    }
}

/// The shape of what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// A CloudEvent with the request as those see it who answer.
    CloudEvents,
    /// A message of Slack's incoming webhooks.
    Slack,
    /// An issue as Jira's REST API and its automation rules take it.
    Jira {
        /// The key of the project.
        project: Option<String>,
    },
}

/// Somebody who is told.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is called here.
    pub name: String,
    /// Where it listens. The address of a chat is a secret by itself: it is in no log.
    pub url: Url,
    /// What deliveries are signed with.
    pub secret: SecretString,
    /// In which shape.
    pub template: Template,
    /// Of what.
    pub on: Vec<Happening>,
}

/// Tells targets what happens.
#[derive(Debug)]
pub struct Teller {
    store: Arc<dyn Store>,
    targets: Vec<Target>,
    private_hosts: Vec<String>,
    now: fn() -> Timestamp,
}

/// Why a delivery did not arrive.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error(transparent)]
    NotReachable(#[from] NotReachable),
    #[error("the secret cannot be signed with")]
    Unsigned,
    #[error("no connection, or no answer in time")]
    Network,
    #[error("the answer is {0}")]
    Answer(StatusCode),
}

impl Teller {
    /// For these targets. Hosts that are not of the public internet are reached only if they are listed.
    pub fn new(
        store: Arc<dyn Store>,
        targets: Vec<Target>,
        private_hosts: Vec<String>,
        now: fn() -> Timestamp,
    ) -> Self {
        Self { store, targets, private_hosts, now }
    }

    /// Tells for as long as the program runs.
    pub async fn keep(self) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "webhooks wait for the database");
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let calendars = calendars(self.store.as_ref()).await?;
        self.note_breaches(&calendars).await?;
        self.pass_on(&calendars).await?;
        loop {
            let now = (self.now)();
            let claimed = self.store.claim_webhooks(now, now + LEASE, CLAIMED).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            let settled: Vec<Result<(), StoreError>> = stream::iter(claimed)
                .map(|delivery| self.deliver(delivery))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            settled.into_iter().collect::<Result<(), _>>()?;
        }
    }

    async fn note_breaches(&self, calendars: &Calendars) -> Result<(), StoreError> {
        use firstlight_contract::requests::PromiseView;
        let now = (self.now)();
        let open = self.store.requests(Which::Open).await?;
        let late = open.iter().filter(|one| promise(one, due(one, calendars), now) == PromiseView::Breached);
        let late: Vec<Uuid> = late.map(|request| request.id).collect();
        if late.is_empty() { Ok(()) } else { self.store.note_breaches(&late, now).await }
    }

    /// Makes what happened into deliveries, one for each target that wants to know.
    async fn pass_on(&self, calendars: &Calendars) -> Result<(), StoreError> {
        let now = (self.now)();
        for News { request, happening, at } in self.store.news().await? {
            // What was answered before it could be told is told as answered.
            let is_news = happening == Happening::Answered || request.is_open();
            let told = queued(&request, calendars, now);
            let wanted = self.targets.iter().filter(|target| is_news && target.on.contains(&happening));
            let deliveries = wanted.map(|target| {
                let id = Uuid::now_v7();
                Delivery {
                    id,
                    target: target.name.clone(),
                    request: request.id,
                    person: request.person,
                    body: bodies::body(&target.template, happening, &told, id, at),
                    made: now,
                    attempts: 0,
                }
            });
            self.store.queue_webhooks(request.id, happening, deliveries.collect()).await?;
        }
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery) -> Result<(), StoreError> {
        let Delivery { id, target, made, attempts, .. } = &delivery;
        let Some(target) = self.targets.iter().find(|known| known.name == *target) else {
            tracing::warn!(target, "a webhook is not set any more; what it was to be told is dropped");
            return self.store.webhook_done(*id).await;
        };
        let error = match self.tell(target, &delivery).await {
            Ok(()) => return self.store.webhook_done(*id).await,
            Err(error) => error,
        };
        let now = (self.now)();
        if now.duration_since(*made) > GIVEN_UP_AFTER {
            tracing::error!(target = target.name, %id, %error, "a webhook could not be told for three days, and is dropped");
            return self.store.webhook_done(*id).await;
        }
        let again = now + pause(*attempts)?;
        tracing::warn!(target = target.name, %id, %error, attempts, %again, "a webhook is told later");
        self.store.webhook_again(*id, again).await
    }

    async fn tell(&self, target: &Target, delivery: &Delivery) -> Result<(), NotTold> {
        let client = reach::client(&target.url, &self.private_hosts, PATIENCE).await?;
        let (id, timestamp) = (format!("msg_{}", delivery.id.simple()), (self.now)().as_second().to_string());
        let signature = signature::sign(&id, &timestamp, &target.secret, delivery.body.as_bytes());
        let kind = match target.template {
            Template::CloudEvents => "application/cloudevents+json; charset=utf-8",
            Template::Slack | Template::Jira { .. } => "application/json; charset=utf-8",
        };
        let answer = client
            .post(target.url.clone())
            .header(header::CONTENT_TYPE, kind)
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature.ok_or(NotTold::Unsigned)?)
            .body(delivery.body.clone())
            .send()
            .await
            .map_err(|_| NotTold::Network)?;
        // What else the answer says is nobody's business; it is not even read.
        if answer.status().is_success() { Ok(()) } else { Err(NotTold::Answer(answer.status())) }
    }
}

/// Twice as long after each try, half of it by chance, so that those who fail together do not come again together.
fn pause(attempts: u32) -> Result<SignedDuration, StoreError> {
    let doubled = SignedDuration::from_secs(4 << attempts.min(16)).min(LONGEST);
    let [chance] = secrets::random::<1>()?;
    let half = doubled / 2;
    Ok(half + half * i32::from(chance) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_told_less_and_less_often() {
        for (attempts, longest) in [(0, 4), (1, 8), (5, 128), (9, 2_048), (10, 3_600), (u32::MAX, 3_600)] {
            for _ in 0..32 {
                let pause = pause(attempts).unwrap().as_secs();
                assert!((longest / 2..=longest).contains(&pause), "{attempts}: {pause}");
            }
        }
    }
}
