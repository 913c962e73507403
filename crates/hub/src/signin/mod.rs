//! Signing people in with the organisation's identity provider, as its `OpenID` Connect client.
//!
//! ```text
//! browser  ─> begin (where to go, what the browser keeps) ─> provider ─> finish (code, what the browser kept) ─> Identity
//! terminal ─> device::ask (what to type where) ─> provider, in some browser; device::poll until there is an Identity
//! ```
//!
//! The protocol is the library's; here is what it leaves to its users: which answers are too large or come from too far,
//! when keys are fetched again, which algorithms count, for whom and when a token was made, and what names the person. It
//! refuses to know sessions, roles and the hub's own routes. The provider is asked when somebody signs in and at no other
//! time: without it the hub starts, takes in events and lets those work who are signed in.

mod attempt;
mod device;
mod fault;
mod identity;
mod provider;
mod web;

use jiff::Timestamp;
use openidconnect::{
    AuthorizationCode, ClientId, IssuerUrl, PkceCodeChallenge, RedirectUrl, Scope,
    core::CoreAuthenticationFlow, url::Url,
};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

pub use attempt::{Attempt, PATIENCE, is_of_this_hub};
pub use device::{Asked, Polled};
pub use fault::{SigninError, TokenFault};
pub use identity::Identity;

use provider::Provider;
pub(crate) use web::is_this_machine;

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The provider, as it calls itself.
    pub issuer: IssuerUrl,
    /// What the provider calls this hub.
    pub client_id: ClientId,
    /// What proves that to it; without one, only PKCE does.
    pub client_secret: Option<SecretString>,
    /// What people type to reach this hub, without a path.
    pub public_url: Url,
    /// The claim that names a person, as `code new --for` does.
    pub claim: String,
    /// The claim that has their groups.
    pub groups_claim: String,
    /// Whether anything follows from groups.
    pub wants_groups: bool,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// How long the provider may take.
    pub patience: std::time::Duration,
}

/// What an operator may not set so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The provider has to be asked over an encrypted connection.
    #[error("is no https URL without a query, as https://id.acme.test is")]
    Issuer,
    /// So has this hub.
    #[error("is no https URL without a path, as https://hub.acme.test is")]
    PublicUrl,
}

impl Settings {
    /// Reads an issuer: an https URL, or one of this machine.
    pub fn issuer(text: &str) -> Result<IssuerUrl, SettingsError> {
        let issuer = IssuerUrl::new(text.to_owned()).map_err(|_| SettingsError::Issuer)?;
        let url = issuer.url();
        let fine = web::is_private(url) && url.query().is_none() && url.fragment().is_none();
        if fine { Ok(issuer) } else { Err(SettingsError::Issuer) }
    }

    /// Reads what people type to reach this hub.
    pub fn public_url(text: &str) -> Result<Url, SettingsError> {
        let url = Url::parse(text).map_err(|_| SettingsError::PublicUrl)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nobodys = url.username().is_empty() && url.password().is_none();
        if web::is_private(&url) && bare && nobodys { Ok(url) } else { Err(SettingsError::PublicUrl) }
    }
}

/// The key of all hubs that share a database, for what they give out and have to know again.
#[derive(Clone)]
pub struct Key {
    block: [u8; 64],
}

impl Key {
    /// Follows from what makes pseudonyms the hub's own, and tells nothing of it.
    pub fn of(salt: &[u8]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&Sha256::new().chain_update(b"sign-in\0").chain_update(salt).finalize());
        Self { block }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key")
    }
}

/// Signs people in.
#[derive(Debug)]
pub struct Signin {
    provider: Provider,
    redirect: RedirectUrl,
}

impl Signin {
    /// Asks nobody anything yet.
    pub fn new(settings: Settings) -> Self {
        let mut redirect = settings.public_url.clone();
        redirect.set_path("/v1/signin/callback");
        Self { provider: Provider::new(settings), redirect: RedirectUrl::from_url(redirect) }
    }

    /// What was set.
    pub fn settings(&self) -> &Settings {
        self.provider.settings()
    }

    /// Where to send the browser of this attempt.
    pub async fn begin(&self, attempt: &Attempt, key: &Key, now: Timestamp) -> Result<Url, SigninError> {
        let found = self.provider.found(now).await?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&attempt.verifier(key));
        let scopes = self.settings().scopes.iter().cloned().map(Scope::new);
        let (state, nonce) = (attempt.state(key), attempt.nonce(key));
        let request = found
            .client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect))
            .set_pkce_challenge(challenge)
            .add_scopes(scopes);
        Ok(request.url().0)
    }

    /// Who came back with this code. `issuer` is what the answer says of who gave it out.
    pub async fn finish(
        &self,
        attempt: &Attempt,
        code: String,
        issuer: Option<&str>,
        key: &Key,
        now: Timestamp,
    ) -> Result<Identity, SigninError> {
        let found = self.provider.found(now).await?;
        found.check_issuer(issuer, self.settings())?;
        let request = found
            .client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(fault::of_configuration)?
            .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect))
            .set_pkce_verifier(attempt.verifier(key));
        let token = request.request_async(self.provider.web()).await.map_err(fault::of_token_request)?;
        self.provider.identity(found, &token, Some(&attempt.nonce(key)), now).await
    }
}
