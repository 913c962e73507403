//! Sending a company's events as its machines would: enrolled with codes, over HTTP, waiting where the hub says so.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use firstlight_contract::{
    hub::{BATCH, BatchAnswer, EnrolRequest, Enrolled, SENT_AT, Verdict},
    requests::{QueuedRequest, ReplyGiven, RequestReply},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    SimulateError,
    company::{Batch, Company},
    outside::{Merge, Outside, Use},
    requests::{Request, SOON},
};

/// How many machines speak at the same time.
const LANES: usize = 8;
/// How much other programs tell at once.
const AT_ONCE: usize = 200;
/// How often a hub may say that it is busy before that is an answer.
const PATIENCE: u32 = 600;

/// A hub.
#[derive(Debug, Clone)]
pub(super) struct Hub {
    client: Client,
    url: String,
    /// With which figures are read.
    token: SecretString,
}

/// What became of the events.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
}

impl Sent {
    pub(super) fn add(&mut self, more: Self) {
        self.accepted += more.accepted;
        self.duplicates += more.duplicates;
    }
}

/// A machine that was let in: what it calls itself, and its token.
type Machine = (String, String);

/// Machines that were let in, by number.
pub(super) type Machines = BTreeMap<usize, Machine>;

/// As GitHub signs it.
fn signed(body: &str, secret: &SecretString) -> String {
    // HMAC takes keys of every length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
    let code = mac.map(|mac| mac.chain_update(body.as_bytes()).finalize().into_bytes());
    format!("sha256={}", code.map(|code| firstlight_domain::plan::hex(&code)).unwrap_or_default())
}

impl Hub {
    pub(super) fn at(url: &str, token: &str) -> Result<Self, SimulateError> {
        let client = Client::builder()
            .build()
            .map_err(|cause| SimulateError::Unreachable { url: url.to_owned(), cause })?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token: token.into() })
    }

    /// What it says at an address.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, SimulateError> {
        // Names of personas, releases and periods of a simulation need no escape.
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let address = format!("{}{path}?{}", self.url, query.join("&"));
        self.ask(|| self.client.get(&address).bearer_auth(self.token.expose_secret()), path).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
        path: &str,
    ) -> Result<T, SimulateError> {
        let unreachable = |cause| SimulateError::Unreachable { url: self.url.clone(), cause };
        for _ in 0..PATIENCE {
            let answer = request().send().await.map_err(unreachable)?;
            let status = answer.status();
            let wait =
                answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            let text = answer.text().await.map_err(unreachable)?;
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1))).await;
                continue;
            }
            if !status.is_success() {
                return Err(SimulateError::Refused {
                    path: path.to_owned(),
                    status: status.as_u16(),
                    answer: text,
                });
            }
            return serde_json::from_str(&text)
                .map_err(|cause| SimulateError::Unreadable { path: path.to_owned(), cause });
        }
        Err(SimulateError::Busy { url: self.url.clone() })
    }

    fn json(&self, path: &str, body: String) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url));
        request.header(header::CONTENT_TYPE, "application/json").body(body)
    }

    async fn tell_as_forge(&self, body: &str, secret: &SecretString) -> Result<(), SimulateError> {
        let path = "/v1/hooks/github";
        let request = || {
            self.json(path, body.to_owned())
                .header("x-github-event", "pull_request")
                .header("x-hub-signature-256", signed(body, secret))
        };
        heard(self.ask(request, path).await?)
    }

    async fn enrol(&self, code: &str, source: &str) -> Result<String, SimulateError> {
        let body = serde_json::to_string(&EnrolRequest { code: code.to_owned(), source: source.to_owned() })
            .map_err(SimulateError::Unwritable)?;
        let path = "/v1/devices";
        let enrolled: Enrolled = self.ask(|| self.json(path, body.clone()), path).await?;
        Ok(enrolled.token)
    }

    async fn send(&self, batch: &Batch, source: &str, token: &str) -> Result<Sent, SimulateError> {
        let events: Vec<_> = batch.events.iter().map(|event| event.to_json(source)).collect();
        let body = serde_json::to_string(&events).map_err(SimulateError::Unwritable)?;
        // Sent again, it says anew what the clock shows.
        let request = || {
            let request = self.client.post(format!("{}/v1/events", self.url)).bearer_auth(token);
            let sent = Timestamp::now().as_millisecond() + batch.ahead;
            request.header(header::CONTENT_TYPE, BATCH).header(SENT_AT, sent).body(body.clone())
        };
        let answer: BatchAnswer = self.ask(request, "/v1/events").await?;
        let mut sent = Sent::default();
        for verdict in answer.verdicts {
            match verdict.verdict {
                Verdict::Accepted => sent.accepted += 1,
                Verdict::Duplicate => sent.duplicates += 1,
                Verdict::Refused { message, .. } => return Err(SimulateError::EventRefused { message }),
            }
        }
        Ok(sent)
    }

    /// Answers as the owner who is asked.
    async fn answer(&self, request: &Request, reply: RequestReply) -> Result<(), SimulateError> {
        let words =
            (reply == RequestReply::Refused).then(|| "Not before you have been here for a week.".to_owned());
        let given = ReplyGiven { reply, words, by: None };
        let body = serde_json::to_string(&given).map_err(SimulateError::Unwritable)?;
        let path = format!("/v1/requests/{}/answer", request.id);
        let token = self.token.expose_secret();
        let _: QueuedRequest = self.ask(|| self.json(&path, body.clone()).bearer_auth(token), &path).await?;
        Ok(())
    }
}

/// How other programs speak to a hub.
#[derive(Debug, Clone)]
pub struct Doors {
    /// The token of an integration.
    pub integration: String,
    /// What the forge signs with; what it would tell comes from a pipeline otherwise.
    pub github: Option<SecretString>,
}

/// Tells what other programs have to tell, some of it twice.
pub(super) async fn tell_of_outside(
    hub: &Hub,
    outside: &Outside,
    doors: &Doors,
) -> Result<(), SimulateError> {
    let merges = outside.merges.iter();
    let (forge, pipeline): (Vec<&Merge>, Vec<&Merge>) =
        merges.partition(|merge| merge.by_forge && doors.github.is_some());
    for (number, merge) in forge.into_iter().enumerate() {
        let Some(secret) = &doors.github else { break };
        let body = merge.to_github().to_string();
        for _ in 0..if number % 9 == 0 { 2 } else { 1 } {
            hub.tell_as_forge(&body, secret).await?;
        }
    }
    let told: Vec<Value> = pipeline.into_iter().map(Merge::to_cdevent).collect();
    for (number, some) in told.chunks(AT_ONCE).enumerate() {
        let (path, body) = ("/v1/signals/cdevents", Value::from(some).to_string());
        for _ in 0..if number % 3 == 0 { 2 } else { 1 } {
            let request = || hub.json(path, body.clone()).bearer_auth(&doors.integration);
            heard(hub.ask(request, path).await?)?;
        }
    }
    let used: Vec<Value> = outside.uses.iter().map(Use::to_posthog).collect();
    for (number, some) in used.chunks(AT_ONCE).enumerate() {
        let (path, body) = ("/batch/", json!({ "api_key": doors.integration, "batch": some }).to_string());
        for _ in 0..if number % 3 == 0 { 2 } else { 1 } {
            heard(hub.ask(|| hub.json(path, body.clone()), path).await?)?;
        }
    }
    Ok(())
}

fn heard(answer: BatchAnswer) -> Result<(), SimulateError> {
    for verdict in answer.verdicts {
        if let Verdict::Refused { message, .. } = verdict.verdict {
            return Err(SimulateError::EventRefused { message });
        }
    }
    Ok(())
}

/// Enrols every machine and sends everything: the batches of each machine in the order in which they arrive, what people were
/// asked at the end.
pub(super) async fn replay(
    hub: &Hub,
    company: Arc<Company>,
    codes: Vec<String>,
) -> Result<(Sent, Machines), SimulateError> {
    let mut lanes = tokio::task::JoinSet::new();
    let codes = Arc::new(codes);
    for lane in 0..LANES {
        let (hub, company, codes) = (hub.clone(), Arc::clone(&company), Arc::clone(&codes));
        lanes.spawn(async move {
            let mut machines = Vec::new();
            for (device, code) in company.devices.iter().zip(codes.iter()).skip(lane).step_by(LANES) {
                let source = format!("urn:uuid:{}", device.id);
                let token = hub.enrol(code, &source).await?;
                machines.push((source, token));
            }
            let mut sent = Sent::default();
            for batch in company.batches.iter().filter(|batch| batch.device % LANES == lane) {
                let Some((source, token)) = machines.get(batch.device / LANES) else { continue };
                sent.add(hub.send(batch, source, token).await?);
            }
            let numbered = (lane..).step_by(LANES).zip(machines);
            Ok((sent, numbered.collect::<Vec<_>>()))
        });
    }
    let mut sent = Sent::default();
    let mut machines = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        let done: Result<(Sent, Vec<(usize, Machine)>), SimulateError> =
            lane.map_err(|_| SimulateError::CutOff)?;
        let (more, some) = done?;
        sent.add(more);
        machines.extend(some);
    }
    let machines: Machines = machines.into_iter().collect();
    for batch in &company.asked {
        sent.add(send_one(hub, batch, &machines).await?);
    }
    Ok((sent, machines))
}

async fn send_one(hub: &Hub, batch: &Batch, machines: &Machines) -> Result<Sent, SimulateError> {
    let Some((source, token)) = machines.get(&batch.device) else { return Ok(Sent::default()) };
    hub.send(batch, source, token).await
}

/// Asks owners, some of them twice; lets those answer who do, if they can; says what is over; and where promises are to be
/// broken, answers after that.
pub(super) async fn ask_owners(
    hub: &Hub,
    company: &Company,
    machines: &Machines,
    answers: bool,
) -> Result<Sent, SimulateError> {
    let mut sent = Sent::default();
    for (number, batch) in company.opened.iter().enumerate() {
        for _ in 0..if number % 5 == 0 { 2 } else { 1 } {
            sent.add(send_one(hub, batch, machines).await?);
        }
    }
    let asked = Instant::now();
    let owned = || company.requests.iter().filter(|_| answers);
    for (request, reply) in owned().filter_map(|request| Some((request, request.reply()?))) {
        hub.answer(request, reply).await?;
    }
    for batch in &company.closed {
        sent.add(send_one(hub, batch, machines).await?);
    }
    if company.is_late {
        // The hub had each before it said so; a second more, should its clock be set meanwhile.
        let over = Duration::from_millis(SOON.unsigned_abs()) + Duration::from_secs(1);
        tokio::time::sleep(over.saturating_sub(asked.elapsed())).await;
    }
    for (request, reply) in owned().filter_map(|request| Some((request, request.late_reply()?))) {
        hub.answer(request, reply).await?;
    }
    Ok(sent)
}
