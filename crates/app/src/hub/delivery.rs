//! Sending what waits: in batches, each settled before the next, so that whatever is cut off is sent again and counts once.

use std::time::Duration;

use firstlight_contract::{
    error::Code,
    hub::{EventVerdict, Refusal, Verdict},
};
use firstlight_journal::{OutboxRow, Settled};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{
    Joined,
    client::{Client, HubError},
    no_hub, renewal, token_name,
};
use crate::{
    error::{AppError, Result},
    releases::spread,
    session::Firstlight,
};

/// How many events go at once: half of what a hub takes.
const MOST_EVENTS: usize = 500;
/// How much text: packed it stays far below what a hub takes.
const MOST_BYTES: usize = 2 << 20;

/// How often the hub is asked when this person was asked on another device.
const COOLDOWN_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How often the hub is asked for answers, while somebody was asked for something.
const ANSWERS_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// How long a survey that is due waits for the hub to say whether the person was asked elsewhere.
const BEFORE_ASKING: Duration = Duration::from_secs(3);

/// Between two looks for something to send, while the window is open.
const BETWEEN: Duration = Duration::from_secs(15);
/// The longest time between two tries that fail.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// What came of sending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// How many events the hub has now.
    pub sent: u32,
    /// How many it did not want.
    pub refused: u32,
    /// How many answers of others were learned.
    pub answers: u32,
}

/// What is remembered between two tries.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    /// Whether the hub has said how far it got since this program was started.
    met: bool,
    /// When the hub was asked last what this person was asked elsewhere.
    cooldown_at: Option<Timestamp>,
    /// When it was asked last for a new token, in vain.
    renewal_at: Option<Timestamp>,
    /// When the hub was asked last what others answered.
    answers_at: Option<Timestamp>,
    /// How many tries failed one after the other.
    failures: u32,
}

impl Firstlight {
    /// Sends what waits and was consented to. Nothing while sharing is paused.
    pub async fn deliver(&self) -> Result<Delivered> {
        let delivered = self.try_to_deliver().await;
        let problem = delivered.as_ref().err().map(|failed| failed.error.0.clone());
        self.note_hub_problem(problem);
        Ok(delivered?)
    }

    /// Sends what waits, if there is a hub and it answers at once: for a command that is about to end. What does not go
    /// now goes next time, so nothing that goes wrong is said.
    pub async fn deliver_within(&self, patience: Duration) {
        if !self.has_something_to_say() {
            return;
        }
        match tokio::time::timeout(patience, self.deliver()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(message = error.0.message, "not delivered"),
            Err(_) => tracing::debug!("not delivered in time"),
        }
    }

    /// Learns what others answered, if somebody was asked and the hub answers at once: for a command that goes on with what
    /// waited for them.
    pub async fn learn_within(&self, patience: Duration) {
        if self.awaits_answers() {
            self.deliver_within(patience).await;
        }
    }

    /// Sends what waits as long as this is open, and waits longer after each try that fails.
    pub async fn watch_delivery(&self) {
        loop {
            tokio::time::sleep(self.look_for_delivery().await).await;
        }
    }

    /// One look; how long to wait for the next.
    async fn look_for_delivery(&self) -> Duration {
        if !self.has_something_to_say() {
            return spread(BETWEEN);
        }
        let delivered = self.try_to_deliver().await;
        if let Ok(Delivered { answers: 1.., .. }) = delivered {
            self.carry_on().await;
        }
        let mut sending = self.inner.sending.lock().await;
        match delivered {
            Ok(_) => {
                sending.failures = 0;
                self.note_hub_problem(None);
                spread(BETWEEN)
            }
            Err(HubError { error, retry_after }) => {
                sending.failures = sending.failures.saturating_add(1);
                tracing::debug!(message = error.0.message, failures = sending.failures, "not delivered");
                self.note_hub_problem(Some(error.0));
                spread(pause(sending.failures, retry_after))
            }
        }
    }

    /// Whether something waits to be sent, or an answer may wait there.
    fn has_something_to_say(&self) -> bool {
        let waits = || -> Result<bool> {
            let Some(joined) = self.joined()? else { return Ok(false) };
            if !self.asks_hub()? {
                return Ok(false);
            }
            self.make_requests()?;
            Ok(joined.is_due(self.now()) || self.history().journal()?.has_queued()? || self.awaits_answers())
        };
        // What is wrong is said where the hub is shown.
        waits().unwrap_or(false)
    }

    async fn try_to_deliver(&self) -> std::result::Result<Delivered, HubError> {
        // One at a time: two would send the same events.
        let mut sending = self.inner.sending.lock().await;
        let (joined, client, mut token) = self.client().await?;
        if !sending.met {
            let standing = client.standing(&token).await?;
            self.history().journal_mut()?.go_on_after(standing.high_water).map_err(AppError::from)?;
            if joined.renew_at.is_none() {
                self.note_renewal(&joined, renewal::instant(&standing.expires_at))?;
            }
            sending.met = true;
        }
        let now = self.now();
        if self.with_world(|world| world.sharing)
            && joined.is_due(now)
            && sending.renewal_at.is_none_or(|at| now.duration_since(at) >= renewal::AGAIN)
        {
            match self.renew_token(&client, &joined, &token).await {
                Ok(new) => token = new,
                // The old one still counts.
                Err(HubError { error, .. }) => {
                    tracing::warn!(message = error.0.message, "the hub's token was not renewed");
                    sending.renewal_at = Some(now);
                }
            }
        }
        self.make_requests()?;
        let mut delivered = Delivered::default();
        while self.with_world(|world| world.sharing) {
            let batch =
                self.history().journal()?.deliverable(MOST_EVENTS, MOST_BYTES).map_err(AppError::from)?;
            if batch.is_empty() {
                break;
            }
            let settled = send(&client, &token, self.now(), &batch).await?;
            let refused = settled.iter().filter(|settled| settled.refused.is_some()).count();
            delivered.sent += number(settled.len() - refused);
            delivered.refused += number(refused);
            let now = self.now();
            self.history().journal_mut()?.settle(now, &settled).map_err(AppError::from)?;
            if settled.len() < batch.len() {
                let message = "The hub misses too many events from before these.";
                return Err(AppError::new(Code::HubRefused, message)
                    .hint("It is tried again. Tell whoever runs the hub.")
                    .into());
            }
        }
        let now = self.now();
        // A run decides about its steps by itself; what was answered meanwhile is learned after it.
        let waits = self.awaits_answers() && !self.is_running() && self.with_world(|world| world.sharing);
        if waits && sending.answers_at.is_none_or(|at| now.duration_since(at) >= ANSWERS_EVERY) {
            let told = client.requests(&token).await?;
            sending.answers_at = Some(now);
            delivered.answers = self.learn_answers(told).await?;
        }
        // After what was sent: it may tell of a survey that was shown here. What was delivered is, whatever is said now.
        if sending.cooldown_at.is_none_or(|at| now.duration_since(at) >= COOLDOWN_EVERY)
            && let Err(error) = self.ask_for_cooldown(&mut sending, &client, &token).await
        {
            not_told(&error);
        }
        Ok(delivered)
    }

    /// Asks the hub, if there is one and it answers at once, when this person was asked on other devices.
    pub(crate) async fn hear_of_other_devices(&self) {
        let hearing = async {
            let mut sending = self.inner.sending.lock().await;
            let (_, client, token) = self.client().await?;
            self.ask_for_cooldown(&mut sending, &client, &token).await
        };
        match tokio::time::timeout(BEFORE_ASKING, hearing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => not_told(&error),
            Err(_) => tracing::debug!("not told in time when people were asked"),
        }
    }

    async fn ask_for_cooldown(
        &self,
        sending: &mut Sending,
        client: &Client,
        token: &SecretString,
    ) -> std::result::Result<(), HubError> {
        let cooldown = client.cooldown(token).await?;
        sending.cooldown_at = Some(self.now());
        Ok(self.learn_cooldown(cooldown)?)
    }

    /// The hub this device was let in by, and what it is known by there.
    async fn client(&self) -> std::result::Result<(Joined, Client, SecretString), HubError> {
        let joined = self.joined()?.ok_or_else(no_hub)?;
        if joined.device != self.history().journal()?.device() {
            return Err(
                not_known("The record of this machine was begun anew, so the hub does not know it.").into()
            );
        }
        let token = self.inner.surroundings.keychain.get(&token_name()?).await.map_err(AppError::from)?;
        let token = token.ok_or_else(|| not_known("The hub's token is not in the keychain."))?;
        let client = Client::new(&joined.address)?;
        Ok((joined, client, token))
    }
}

fn not_told(HubError { error, .. }: &HubError) {
    tracing::debug!(message = error.0.message, "not told when people were asked");
}

async fn send(
    client: &Client,
    token: &SecretString,
    now: Timestamp,
    batch: &[OutboxRow],
) -> std::result::Result<Vec<Settled>, HubError> {
    let bodies: Vec<String> = batch.iter().map(|row| row.body.clone()).collect();
    let verdicts = client.send(token, now, &bodies).await?;
    Ok(batch.iter().zip(verdicts).filter_map(|(row, verdict)| settled(row, verdict)).collect())
}

/// What became of an event, if that is final.
fn settled(row: &OutboxRow, EventVerdict { verdict, .. }: EventVerdict) -> Option<Settled> {
    let refused = match verdict {
        Verdict::Accepted | Verdict::Duplicate => None,
        Verdict::Refused { reason: Refusal::TooManyGaps, .. } => return None,
        Verdict::Refused { message, .. } => Some(message),
    };
    Some(Settled { sequence: row.sequence?, refused })
}

fn not_known(message: &str) -> AppError {
    AppError::new(Code::HubRefused, message)
        .hint("Join it again, with a new code: `firstlight hub join ADDRESS`.")
}

/// Twice as long after each failure, and never shorter than the hub asks for.
fn pause(failures: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = BETWEEN.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    // `spread` may take a quarter away.
    doubled.min(LONGEST).max(retry_after.unwrap_or_default().saturating_mul(4) / 3).min(2 * LONGEST)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<AppError> for HubError {
    fn from(error: AppError) -> Self {
        Self { error, retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_does_not_answer_is_asked_less_and_less() {
        let pauses: Vec<u64> = (1..=9).map(|failures| pause(failures, None).as_secs()).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
        assert_eq!(pause(u32::MAX, None), LONGEST);
        let asked = Duration::from_secs(600);
        assert!(spread(pause(1, Some(asked))) >= asked);
        // Whatever answers in the hub's place may say anything.
        assert_eq!(pause(1, Some(Duration::from_secs(u64::MAX))), 2 * LONGEST);
    }
}
