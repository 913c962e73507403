//! The identity provider: what it says of itself, and what its tokens say of people.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthType, Client, ClientSecret,
    DeviceAuthorizationUrl, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken,
    IdTokenFields, IdTokenVerifier, JsonWebKeySet, Nonce, NonceVerifier as _, OAuth2TokenResponse as _,
    ProviderMetadata, StandardErrorResponse, StandardTokenResponse, TokenResponse as _, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
        CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
        CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{Identity, Settings, SigninError, TokenFault, fault, web::Web};

/// For how long what the provider says of itself is believed.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);
/// How far the provider's clock may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);

/// Signatures that count: those of a key only the provider has. With an HMAC, whoever knows the client's secret could
/// make tokens, and so could whoever makes the hub take a public key for one.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims that the library has no field for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Rest(Map<String, Value>);

impl AdditionalClaims for Rest {}

/// What the library leaves of what a provider says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Beside {
    device_authorization_endpoint: Option<DeviceAuthorizationUrl>,
    /// Whether its answers to browsers always name it (RFC 9207).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Beside {}

type Metadata = ProviderMetadata<
    Beside,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type Claimed = IdToken<Rest, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type Token = StandardTokenResponse<
    IdTokenFields<
        Rest,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type HubClient<Device> = Client<
    Rest,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Token,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    Device,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What a provider said of itself, and when.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) client: HubClient<EndpointNotSet>,
    keys: JsonWebKeySet<CoreJsonWebKey>,
    beside: Beside,
    at: Timestamp,
}

impl Found {
    /// Whether an answer that says to come from `issuer` does: of two providers, one must not pass on the other's codes.
    pub(super) fn check_issuer(&self, issuer: Option<&str>, settings: &Settings) -> Result<(), SigninError> {
        match issuer {
            Some(issuer) if issuer == settings.issuer.as_str() => Ok(()),
            None if !self.beside.authorization_response_iss_parameter_supported => Ok(()),
            _ => Err(TokenFault::Issuer.into()),
        }
    }

    /// The client for terminals, if the provider has a way for them.
    pub(super) fn for_terminals(&self) -> Result<HubClient<EndpointSet>, SigninError> {
        let url = self.beside.device_authorization_endpoint.clone().ok_or(SigninError::NoDeviceFlow)?;
        Ok(self.client.clone().set_device_authorization_url(url))
    }
}

#[derive(Debug)]
pub(super) struct Provider {
    settings: Settings,
    web: Web,
    found: Mutex<Option<Arc<Found>>>,
}

impl Provider {
    pub(super) fn new(settings: Settings) -> Self {
        let web = Web::new(settings.issuer.url(), settings.patience);
        Self { settings, web, found: Mutex::default() }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn web(&self) -> &Web {
        &self.web
    }

    /// What the provider says of itself. Whoever comes while it is asked waits for that answer.
    pub(super) async fn found(&self, now: Timestamp) -> Result<Arc<Found>, SigninError> {
        let mut found = self.found.lock().await;
        match &*found {
            Some(found) if now < found.at + BELIEVED => Ok(Arc::clone(found)),
            _ => Ok(Arc::clone(found.insert(self.discover(now).await?))),
        }
    }

    /// The same again, unless somebody else has asked since `old`.
    async fn found_again(&self, old: &Arc<Found>, now: Timestamp) -> Result<Arc<Found>, SigninError> {
        let mut found = self.found.lock().await;
        match &*found {
            Some(newer) if !Arc::ptr_eq(newer, old) => Ok(Arc::clone(newer)),
            _ => Ok(Arc::clone(found.insert(self.discover(now).await?))),
        }
    }

    async fn discover(&self, now: Timestamp) -> Result<Arc<Found>, SigninError> {
        let metadata = Metadata::discover_async(self.settings.issuer.clone(), &self.web)
            .await
            .map_err(fault::of_discovery)?;
        // The others are asked by `web`, which looks itself; this one, by the person's browser.
        let login = metadata.authorization_endpoint().url();
        if !self.web.may_ask(login) {
            return Err(SigninError::Answer(format!("{login} is not https")));
        }
        let keys = metadata.jwks().clone();
        let beside = metadata.additional_metadata().clone();
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_header =
            methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client = Client::from_provider_metadata(metadata, self.settings.client_id.clone(), secret)
            .set_auth_type(if in_header { AuthType::BasicAuth } else { AuthType::RequestBody });
        Ok(Arc::new(Found { client, keys, beside, at: now }))
    }

    /// Who a token is about, once everything about it was found to be right.
    pub(super) async fn identity(
        &self,
        mut found: Arc<Found>,
        token: &Token,
        nonce: Option<&Nonce>,
        now: Timestamp,
    ) -> Result<Identity, SigninError> {
        let id_token = token.id_token().ok_or(TokenFault::Missing)?;
        let mut believed = self.believed(&found, token, id_token, nonce, now);
        if believed.as_ref().is_err_and(TokenFault::is_about_keys) {
            // It may have made new keys since it was asked for them.
            found = self.found_again(&found, now).await?;
            believed = self.believed(&found, token, id_token, nonce, now);
        }
        let mut claims = believed?;
        if !Identity::is_known_from(&claims, &self.settings) {
            claims.extend(self.details(&found, token, &claims).await?);
        }
        Identity::read(&claims, &self.settings)
    }

    fn believed(
        &self,
        found: &Found,
        token: &Token,
        id_token: &Claimed,
        nonce: Option<&Nonce>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, TokenFault> {
        let (client_id, issuer) = (self.settings.client_id.clone(), self.settings.issuer.clone());
        let verifier = IdTokenVerifier::new_public_client(client_id, issuer, found.keys.clone())
            .set_allowed_algs(ALGORITHMS);
        // A terminal's sign-in has none: its code is known to nobody but the hub and the provider.
        let same = |given: Option<&Nonce>| nonce.map_or(Ok(()), |nonce| nonce.verify(given));
        let claims = id_token.claims(&verifier, same)?;
        // The library leaves these three to us.
        if claims.authorized_party().is_some_and(|party| *party != self.settings.client_id) {
            return Err(TokenFault::Party);
        }
        let latest = (now + AHEAD).as_second();
        let not_before = claims.additional_claims().0.get("nbf").and_then(Value::as_f64);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are few")]
        if claims.issue_time().timestamp() > latest || not_before.is_some_and(|at| at > latest as f64) {
            return Err(TokenFault::NotYet);
        }
        if let Some(hash) = claims.access_token_hash() {
            let (algorithm, key) = (id_token.signing_alg()?, id_token.signing_key(&verifier)?);
            let actual = AccessTokenHash::from_token(token.access_token(), algorithm, key);
            if actual.map_err(|error| TokenFault::Other(error.to_string()))? != *hash {
                return Err(TokenFault::AccessToken);
            }
        }
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(TokenFault::Other("its claims cannot be read".to_owned())),
        }
    }

    /// What the provider says of the person beside the token.
    async fn details(
        &self,
        found: &Found,
        token: &Token,
        claims: &Map<String, Value>,
    ) -> Result<Map<String, Value>, SigninError> {
        let subject = claims
            .get("sub")
            .and_then(Value::as_str)
            .map(|sub| openidconnect::SubjectIdentifier::new(sub.to_owned()));
        let Ok(request) = found.client.user_info(token.access_token().clone(), subject) else {
            // It has no such place; then what there is has to do.
            return Ok(Map::new());
        };
        let details: UserInfoClaims<Rest, CoreGenderClaim> =
            request.request_async(&self.web).await.map_err(fault::of_user_info)?;
        match serde_json::to_value(details) {
            Ok(Value::Object(details)) => Ok(details),
            _ => Err(SigninError::Answer("the person's details cannot be read".to_owned())),
        }
    }
}
