//! One sign-in in one browser, from the way to the provider until the way back, possibly to another hub of the same
//! database.
//!
//! Nothing is kept for it. The browser holds a random seed; `state`, `nonce` and the PKCE verifier are computed from it with
//! the hub's key, so that whoever sees one of them, or the cookie, knows none of the others.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use openidconnect::{CsrfToken, Nonce, PkceCodeVerifier};
use sha2::Sha256;

use super::Key;
use crate::secrets::{Hash, NoRandomness, hash_token, random};

/// How long somebody may take at the provider.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// A path and a query of our own pages.
const MOST_OF_RETURN: usize = 512;

/// One sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    cookie: String,
    return_to: String,
}

impl Attempt {
    /// Begins one, which ends at `return_to`.
    pub fn begin(return_to: &str, now: Timestamp) -> Result<Self, NoRandomness> {
        let seed = BASE64.encode(random::<32>()?);
        let until = (now + PATIENCE).as_second();
        let cookie = format!("{seed}.{until}.{}", BASE64.encode(return_to));
        Ok(Self { cookie, return_to: return_to.to_owned() })
    }

    /// The one a browser began that shows this cookie; nothing if the provider's answer is to another one, or comes late.
    pub fn resume(cookie: &str, state: &str, key: &Key, now: Timestamp) -> Option<Self> {
        let wanted = BASE64.decode(state).ok()?;
        // Also the proof that nobody but the hub has put together what is in the cookie.
        mac(key, "state", cookie).verify_slice(&wanted).ok()?;
        let mut parts = cookie.splitn(3, '.');
        let (_seed, until, return_to) = (parts.next()?, parts.next()?, parts.next()?);
        let until = Timestamp::from_second(until.parse().ok()?).ok()?;
        let return_to = String::from_utf8(BASE64.decode(return_to).ok()?).ok()?;
        (now < until).then(|| Self { cookie: cookie.to_owned(), return_to })
    }

    /// What the browser keeps.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Where the browser goes in the end.
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    /// What it is remembered by when it has made a session, so that it makes one only.
    pub fn hash(&self) -> Hash {
        hash_token(&self.cookie)
    }

    pub(super) fn state(&self, key: &Key) -> CsrfToken {
        CsrfToken::new(self.computed(key, "state"))
    }

    pub(super) fn nonce(&self, key: &Key) -> Nonce {
        Nonce::new(self.computed(key, "nonce"))
    }

    pub(super) fn verifier(&self, key: &Key) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.computed(key, "verifier"))
    }

    fn computed(&self, key: &Key, what: &str) -> String {
        BASE64.encode(mac(key, what, &self.cookie).finalize().into_bytes())
    }
}

pub(super) fn mac(key: &Key, what: &str, of: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new(&key.block.into());
    for part in [what, "\0", of] {
        mac.update(part.as_bytes());
    }
    mac
}

/// Whether a browser may be sent there after a sign-in: only to a page of this hub.
pub fn is_of_this_hub(return_to: &str) -> bool {
    // Browsers take `//` and `/\` for the beginning of another host, and leave out white space and control characters.
    return_to.len() <= MOST_OF_RETURN
        && return_to.starts_with('/')
        && !return_to.starts_with("//")
        && return_to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-27T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn g1_an_attempt_is_resumed_by_its_own_browser_and_state_in_time_only() {
        let (key, other_key) = (Key::of(&[7; 32]), Key::of(&[8; 32]));
        let (one, other) = (Attempt::begin("/a?b=c", now()).unwrap(), Attempt::begin("/", now()).unwrap());
        let state = one.state(&key).secret().clone();
        let resumed = |cookie: &str, state: &str, key, at| Attempt::resume(cookie, state, key, at);
        assert_eq!(resumed(one.cookie(), &state, &key, now()).as_ref(), Some(&one));
        assert_eq!(resumed(other.cookie(), &state, &key, now()), None);
        assert_eq!(resumed(one.cookie(), other.state(&key).secret(), &key, now()), None);
        assert_eq!(resumed(one.cookie(), &state, &other_key, now()), None);
        assert_eq!(resumed(one.cookie(), "", &key, now()), None);
        assert_eq!(resumed(one.cookie(), &state, &key, now() + PATIENCE), None);
        // Whoever writes another end into it has no state for it.
        let (seed, _) = one.cookie().split_once('.').unwrap();
        let later = format!("{seed}.{}.{}", (now() + PATIENCE * 9).as_second(), BASE64.encode("/a?b=c"));
        assert_eq!(resumed(&later, &state, &key, now() + PATIENCE), None);
    }

    #[test]
    fn g1_state_nonce_and_verifier_tell_nothing_of_each_other() {
        let (key, attempt) = (Key::of(&[7; 32]), Attempt::begin("/", now()).unwrap());
        let (state, nonce, verifier) = (attempt.state(&key), attempt.nonce(&key), attempt.verifier(&key));
        assert_ne!(state.secret(), nonce.secret());
        assert_ne!(nonce.secret(), verifier.secret());
        assert_ne!(verifier.secret(), state.secret());
        assert_eq!(verifier.secret().len(), 43);
    }

    #[test]
    fn g1_nobody_is_sent_to_another_host() {
        for fine in ["/", "/insights?persona=backend#steps", "/v1/session", "/a//b"] {
            assert!(is_of_this_hub(fine), "{fine}");
        }
        let long = format!("/{}", "a".repeat(MOST_OF_RETURN));
        for wrong in [
            "",
            "a",
            "//evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "https://evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            " //evil.test",
            "/a b",
            "/ä",
            "javascript:alert(1)",
            &long,
        ] {
            assert!(!is_of_this_hub(wrong), "{wrong}");
        }
    }
}
