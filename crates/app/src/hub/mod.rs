//! The hub this machine sends to: joining, leaving, and how it stands. Without one nothing leaves.
//!
//! Where it is stands in a small file, its token in the keychain. What is sent, and when, is [`delivery`]'s;
//! [`renewal`] sees that the token goes on counting; what others are asked and what they answer is [`requests`]'.

mod client;
mod delivery;
mod figures;
mod renewal;
mod requests;

use firstlight_contract::{
    error::{Code, ErrorBody},
    privacy::{HubAsked, HubStanding, HubView, PrivacyView},
};
use firstlight_domain::id::CredentialName;
use firstlight_vault::VaultError;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use self::client::Client;
pub use self::delivery::Delivered;
pub(crate) use self::{delivery::Sending, figures::access_name};
use crate::{
    error::{AppError, Result},
    journal_commands,
    session::{Firstlight, lock},
};

/// The hub's token in the keychain.
const TOKEN: &str = "firstlight-hub-token";

/// The file that says where the hub is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Joined {
    /// Its address, without a slash at the end.
    address: Url,
    /// The device it let in. A journal that was begun anew is another device.
    device: String,
    /// When.
    at: String,
    /// When its token has to be renewed; nothing while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renew_at: Option<Timestamp>,
}

pub(crate) fn token_name() -> Result<CredentialName> {
    journal_commands::name(TOKEN)
}

impl Firstlight {
    /// Sends to this hub from now on. Nothing is sent before the person lets events be shared.
    pub async fn join_hub(&self, asked: &HubAsked) -> Result<HubView> {
        let address = client::address(&asked.address)?;
        let device = self.history().journal()?.device().to_owned();
        // Before the code is used up: it counts only once.
        self.inner.surroundings.keychain.probe().await?;
        let enrolled = Client::new(&address)?.enrol(asked.code.trim(), &device).await?;
        let token = SecretString::from(enrolled.token);
        self.inner.surroundings.keychain.set(&token_name()?, &token).await?;
        let now = self.now();
        let renew_at = renewal::instant(&enrolled.expires_at).map(|expires| renewal::renew_at(now, expires));
        let joined = Joined { address, device, at: now.to_string(), renew_at };
        self.home().keep(&self.home().hub(), &joined)?;
        *self.inner.sending.lock().await = Sending::default();
        *lock(&self.inner.hub_problem) = None;
        self.forget_requests()?;
        self.hub()?.ok_or_else(no_hub)
    }

    /// Sends to no hub any more. What it has stays there; whoever runs it can shut the device out.
    pub async fn leave_hub(&self) -> Result<()> {
        match self.inner.surroundings.keychain.delete(&token_name()?).await {
            Ok(()) | Err(VaultError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        *lock(&self.inner.hub_problem) = None;
        self.home().forget(&self.home().hub())?;
        self.forget_requests()
    }

    /// The hub this machine sends to, and how it stands with it; asks nobody.
    pub fn hub(&self) -> Result<Option<HubView>> {
        let Some(joined) = self.joined()? else { return Ok(None) };
        let last_sent_at = self.history().journal()?.last_sent()?;
        Ok(Some(HubView {
            address: shown(&joined.address),
            joined_at: joined.at,
            last_sent_at: last_sent_at.map(|at| at.to_string()),
            problem: lock(&self.inner.hub_problem).clone(),
        }))
    }

    /// Where events go, and how many.
    pub fn hub_standing(&self) -> Result<HubStanding> {
        let PrivacyView { sharing, hub, queued, sent, asks_as, .. } = self.privacy()?;
        let number = |events: Vec<_>| u32::try_from(events.len()).unwrap_or(u32::MAX);
        Ok(HubStanding { sharing, hub, waiting: number(queued), sent: number(sent), asks_as })
    }

    fn joined(&self) -> Result<Option<Joined>> {
        let path = self.home().hub();
        let damaged = |why: String| {
            AppError::new(Code::HubRefused, format!("{} cannot be read: {why}.", path.display()))
                .hint("Join the hub again, with a new code.")
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| damaged(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    /// What goes wrong in the background is shown where the hub is shown.
    fn note_hub_problem(&self, problem: Option<ErrorBody>) {
        *lock(&self.inner.hub_problem) = problem;
    }
}

fn no_hub() -> AppError {
    AppError::new(Code::NoHub, "This machine sends to no hub.")
        .hint("Ask whoever runs the hub for a code: `firstlight hub join ADDRESS`.")
}

fn shown(address: &Url) -> String {
    address.as_str().trim_end_matches('/').to_owned()
}
