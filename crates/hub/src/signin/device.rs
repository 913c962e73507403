//! Signing in from a terminal (RFC 8628): the person types a short code in a browser, on whatever machine, while the terminal
//! asks again and again. What the provider knows the terminal by stays between the hub and the provider: the terminal keeps
//! a handle that only the hubs of one database take.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::Mac as _;
use jiff::{SignedDuration, Timestamp};
use openidconnect::{Scope, core::CoreDeviceAuthorizationResponse, url::Url};
use serde_json::json;
use tokio::sync::watch;

use super::{Identity, Key, Signin, SigninError, attempt::mac, fault};

/// No provider lets codes count for longer.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// What a terminal shows, and what it asks again with.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it asks again with.
    pub handle: String,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub address: Url,
    /// The same address with the code in it.
    pub address_with_code: Option<Url>,
    /// Until when.
    pub expires_at: Timestamp,
    /// How long to wait before asking again.
    pub interval: Duration,
}

/// What came of asking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// The person has not said yes or no; ask again after so long.
    Pending(Duration),
    /// That is who it is.
    Done(Identity),
}

impl Signin {
    /// Asks for a code for a terminal.
    pub async fn ask(&self, key: &Key, now: Timestamp) -> Result<Asked, SigninError> {
        let found = self.provider.found(now).await?;
        let client = found.for_terminals()?;
        let scopes = self.settings().scopes.iter().cloned().map(Scope::new);
        let request = client.exchange_device_code().add_scopes(scopes);
        let said: CoreDeviceAuthorizationResponse =
            request.request_async(self.provider.web()).await.map_err(fault::of_token_request)?;
        let address = said.verification_uri().url().clone();
        let address_with_code = said.verification_uri_complete().map(|url| Url::parse(url.secret()));
        let address_with_code = address_with_code.transpose();
        let address_with_code = address_with_code.map_err(|error| SigninError::Answer(error.to_string()))?;
        // A terminal may open it.
        if let Some(odd) = [Some(&address), address_with_code.as_ref()]
            .into_iter()
            .flatten()
            .find(|url| !self.provider.web().may_ask(url))
        {
            return Err(SigninError::Answer(format!("{odd} is not https")));
        }
        let life = SignedDuration::try_from(said.expires_in()).unwrap_or(LONGEST).min(LONGEST);
        let expires_at = now + life;
        let interval = said.interval();
        let handle = Handle { code: said.device_code().secret().clone(), expires_at, interval };
        Ok(Asked {
            handle: handle.sealed(key),
            user_code: said.user_code().secret().clone(),
            address,
            address_with_code,
            expires_at,
            interval,
        })
    }

    /// Whether the person has said yes; nothing if the handle is none of ours, or counts no longer.
    pub async fn poll(&self, handle: &str, key: &Key, now: Timestamp) -> Result<Option<Polled>, SigninError> {
        let Some(handle) = Handle::opened(handle, key).filter(|handle| now < handle.expires_at) else {
            return Ok(None);
        };
        let found = self.provider.found(now).await?;
        // Of what the library wants to know, the provider is told the code only.
        let code: CoreDeviceAuthorizationResponse = serde_json::from_value(json!({
            "device_code": handle.code, "user_code": "", "verification_uri": self.settings().public_url,
            "expires_in": 60, "interval": handle.interval.as_secs(),
        }))
        .map_err(|error| SigninError::Answer(error.to_string()))?;
        // The library would wait and ask again by itself; here that is the terminal's to do. So its first wait ends it.
        let (tell, mut told) = watch::channel(None);
        let wait = |wait| {
            tell.send_replace(Some(wait));
            std::future::pending()
        };
        let request = found.client.exchange_device_access_token(&code).map_err(fault::of_configuration)?;
        let request = request.request_async(self.provider.web(), wait, None);
        let answer = tokio::select! {
            answer = request => answer,
            Ok(wait) = told.wait_for(Option::is_some) => {
                return Ok(Some(Polled::Pending(wait.unwrap_or(handle.interval))));
            }
        };
        match answer {
            Ok(token) => Ok(Some(Polled::Done(self.provider.identity(found, &token, None, now).await?))),
            Err(error) => Err(fault::of_token_request(error)),
        }
    }
}

/// What a terminal was given: the provider's code for it, and until when.
#[derive(Clone, PartialEq, Eq)]
struct Handle {
    code: String,
    expires_at: Timestamp,
    interval: Duration,
}

impl Handle {
    fn sealed(&self, key: &Key) -> String {
        let code = BASE64.encode(&self.code);
        let said = format!("{}.{}.{code}", self.expires_at.as_second(), self.interval.as_secs());
        let seal = BASE64.encode(mac(key, "device", &said).finalize().into_bytes());
        format!("{said}.{seal}")
    }

    fn opened(text: &str, key: &Key) -> Option<Self> {
        let (said, seal) = text.rsplit_once('.')?;
        mac(key, "device", said).verify_slice(&BASE64.decode(seal).ok()?).ok()?;
        let mut parts = said.splitn(3, '.');
        let (until, interval, code) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            code: String::from_utf8(BASE64.decode(code).ok()?).ok()?,
            expires_at: Timestamp::from_second(until.parse().ok()?).ok()?,
            interval: Duration::from_secs(interval.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_a_handle_is_opened_by_those_hubs_only_that_gave_it_out() {
        let key = Key::of(&[7; 32]);
        let until = Timestamp::from_second(1_800_000_000).unwrap();
        let handle = Handle { code: "a.b/c".to_owned(), expires_at: until, interval: Duration::from_secs(5) };
        let sealed = handle.sealed(&key);
        assert!(Handle::opened(&sealed, &key) == Some(handle));
        assert!(Handle::opened(&sealed, &Key::of(&[8; 32])).is_none());
        let later = sealed.replacen("18", "19", 1);
        assert!(later != sealed && Handle::opened(&later, &key).is_none());
        for wrong in ["", ".", "a.b.c.d", &sealed[1..], &sealed[..sealed.len() - 1]] {
            assert!(Handle::opened(wrong, &key).is_none(), "{wrong}");
        }
    }
}
