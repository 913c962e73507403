//! Sending a company's events as its machines would: enrolled with codes, over HTTP, waiting where the hub says so.

use std::{sync::Arc, time::Duration};

use firstlight_contract::hub::{BATCH, BatchAnswer, EnrolRequest, Enrolled, SENT_AT, Verdict};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::{
    SimulateError,
    company::{Batch, Company},
};

/// How many machines speak at the same time.
const LANES: usize = 8;
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

    async fn enrol(&self, code: &str, source: &str) -> Result<String, SimulateError> {
        let body = serde_json::to_string(&EnrolRequest { code: code.to_owned(), source: source.to_owned() })
            .map_err(SimulateError::Unwritable)?;
        let request = || {
            let request = self.client.post(format!("{}/v1/devices", self.url));
            request.header(header::CONTENT_TYPE, "application/json").body(body.clone())
        };
        let enrolled: Enrolled = self.ask(request, "/v1/devices").await?;
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
}

/// Enrols every machine and sends everything: the batches of each machine in the order in which they arrive.
pub(super) async fn replay(
    hub: &Hub,
    company: Arc<Company>,
    codes: Vec<String>,
) -> Result<Sent, SimulateError> {
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
                let more = hub.send(batch, source, token).await?;
                sent.accepted += more.accepted;
                sent.duplicates += more.duplicates;
            }
            Ok(sent)
        });
    }
    let mut sent = Sent::default();
    while let Some(lane) = lanes.join_next().await {
        let more: Result<Sent, SimulateError> = lane.map_err(|_| SimulateError::CutOff)?;
        let more = more?;
        sent.accepted += more.accepted;
        sent.duplicates += more.duplicates;
    }
    Ok(sent)
}
