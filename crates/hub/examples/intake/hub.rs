//! The program itself, spoken to over HTTP.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use firstlight_contract::hub::{BATCH as BATCH_TYPE, BatchAnswer, Verdict};
use firstlight_hub::{
    audit::By,
    secrets::{hash_code, hash_token},
    store::{Enrolling, Enrolment, Store},
};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    events::{DEVICES, Events, body},
    running::Running,
};

/// How many batches are under way at once.
const AT_ONCE: usize = 16;

/// What a hub did.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) spent: Duration,
    /// Until the first and for the last tenth of the rounds.
    pub(crate) first: Duration,
    pub(crate) last: Duration,
    /// The most memory it held, in megabytes.
    pub(crate) memory: f64,
}

/// Lets every device in, and gives their tokens.
async fn enrol(store: &dyn Store) -> Vec<(Uuid, String)> {
    let now = Timestamp::now();
    let expires_at = now + SignedDuration::from_hours(24);
    let mut devices = Vec::new();
    for device in 0..DEVICES {
        let (code, token, id) =
            (hash_code(&device.to_string()), format!("token {device}"), device as u128 + 1);
        let enrolment =
            Enrolment { code, device: Uuid::from_u128(id), token: hash_token(&token), expires_at, now };
        store.add_code(&By::account("bench", now), code, None, expires_at).await.unwrap();
        assert_eq!(store.enrol(enrolment).await.unwrap(), Enrolling::Done);
        devices.push((Uuid::from_u128(id), token));
    }
    devices
}

/// A hub that runs, and what it did so far.
pub(crate) struct Hub {
    running: Running,
    store: Arc<dyn Store>,
    devices: Vec<(Uuid, String)>,
    client: reqwest::Client,
    events: Events,
    rounds: Vec<Duration>,
    accepted: u64,
}

impl Hub {
    pub(crate) async fn start(
        program: &Path,
        folder: &Path,
        database: &str,
        store: Arc<dyn Store>,
        events: Events,
    ) -> Self {
        let devices = enrol(store.as_ref()).await;
        let running = Running::start(program, folder, database);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running, store, devices, client, events, rounds: Vec::new(), accepted: 0 }
    }

    /// Sends a batch of every device; each event is durable and counted when its batch is answered.
    pub(crate) async fn take(&mut self, round: u64) {
        // As with the databases alone, making the events is not counted.
        let batches = self.devices.iter().enumerate();
        let batches = batches
            .map(|(device, (id, token))| (body(&self.events.batch(device, round), *id), token.clone()))
            .collect::<Vec<_>>();
        // Whoever is answered sends the next one, so that as many are under way until all are sent.
        let waiting = Arc::new(Mutex::new(batches.into_iter()));
        let begun = Instant::now();
        let mut senders = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, url) = (self.client.clone(), format!("{}/v1/events", self.running.url));
            let waiting = Arc::clone(&waiting);
            let next = move || waiting.lock().unwrap().next();
            senders.spawn(async move {
                let mut answers = Vec::new();
                while let Some((body, token)) = next() {
                    let request = client.post(&url).bearer_auth(token).header("content-type", BATCH_TYPE);
                    let answer = request.body(body).send().await.unwrap().error_for_status().unwrap();
                    answers.push(answer.bytes().await.unwrap());
                }
                answers
            });
        }
        let answers = senders.join_all().await;
        self.rounds.push(begun.elapsed());
        for answer in answers.iter().flatten() {
            let answer: BatchAnswer = serde_json::from_slice(answer).unwrap();
            let new = answer.verdicts.iter().filter(|one| one.verdict == Verdict::Accepted);
            self.accepted += new.count() as u64;
        }
    }

    /// What it did, after the last round.
    pub(crate) async fn figures(self) -> Figures {
        let memory = self.running.memory();
        drop(self.running);
        assert_eq!(self.accepted, self.events.sent().1);
        let counted: u64 = self.store.rollups().await.unwrap().events.values().sum();
        assert_eq!(counted, self.events.sent().1, "each once");
        let sum = |some: &[Duration]| some.iter().sum();
        let tenth = (self.rounds.len() / 10).max(1);
        Figures {
            spent: sum(&self.rounds),
            first: sum(self.rounds.get(..tenth).unwrap()),
            last: sum(self.rounds.get(self.rounds.len() - tenth..).unwrap()),
            memory,
        }
    }
}
