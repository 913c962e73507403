//! A new token before the old one stops to count.
//!
//! The hub lets the old one count until the new one is used first. So what the keychain has counts at every moment: the old one
//! until the new one is in there, and then the new one, which nothing was asked with yet.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{
    Joined,
    client::{Client, HubError},
    token_name,
};
use crate::{
    error::{AppError, Result},
    session::Firstlight,
};

/// With how much time left a token is renewed.
const LEFT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long after a try that failed there is another.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// When a token that was given at a time has to be renewed. One that is short-lived anyway is at half of its time.
pub(super) fn renew_at(given: Timestamp, expires: Timestamp) -> Timestamp {
    let half = expires.duration_since(given) / 2;
    (expires - LEFT).max(given + half)
}

/// The instant a hub says; nothing made of what is none.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

impl Joined {
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }
}

impl Firstlight {
    /// Asks for a new token, and keeps it; the one to ask with from now on.
    pub(super) async fn renew_token(
        &self,
        client: &Client,
        joined: &Joined,
        token: &SecretString,
    ) -> std::result::Result<SecretString, HubError> {
        let renewed = client.renew(token).await?;
        let new = SecretString::from(renewed.token);
        // Before it is used, which is what ends the old one.
        let keychain = &self.inner.surroundings.keychain;
        keychain.set(&token_name()?, &new).await.map_err(AppError::from)?;
        self.note_renewal(joined, instant(&renewed.expires_at))?;
        Ok(new)
    }

    /// Writes down when the token in the keychain has to be renewed.
    pub(super) fn note_renewal(&self, joined: &Joined, expires: Option<Timestamp>) -> Result<()> {
        let renew_at = expires.map(|expires| renew_at(self.now(), expires));
        self.home().keep(&self.home().hub(), &Joined { renew_at, ..joined.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_in_its_last_month_or_at_half_of_its_time() {
        let given: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let days = |days: i64| given + SignedDuration::from_hours(24 * days);
        assert_eq!(renew_at(given, days(365)), days(335));
        assert_eq!(renew_at(given, days(60)), days(30));
        assert_eq!(renew_at(given, days(20)), days(10));
        assert_eq!(renew_at(given, given), given);
    }
}
