//! What goes wrong between the hub and the identity provider.

use openidconnect::{
    ClaimsVerificationError, ConfigurationError, DiscoveryError, ErrorResponse, RequestTokenError,
    SignatureVerificationError, UserInfoError,
};

use super::web::WebError;

/// Why somebody is not signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigninError {
    /// The provider cannot be asked, or does not answer.
    #[error("the identity provider cannot be asked: {0}")]
    Unreachable(String),
    /// It answers what is no answer.
    #[error("the identity provider's answer cannot be used: {0}")]
    Answer(String),
    /// It says that somebody is somebody in a way that is not believed.
    #[error("the identity provider's token is not believed: {0}")]
    Token(#[from] TokenFault),
    /// It refuses the hub: with one of OAuth's words.
    #[error("the identity provider refuses: {0}")]
    Refused(String),
    /// What it gave out counts no longer, or was used.
    #[error("the identity provider says that this sign-in is over")]
    Over,
    /// The person did not agree, or may not.
    #[error("the identity provider says no")]
    Denied,
    /// It cannot sign in terminals.
    #[error("the identity provider has no way to sign in from a terminal")]
    NoDeviceFlow,
    /// It does not say who it is.
    #[error("the identity provider does not say who this is: there is no claim `{0}`")]
    Nobody(String),
    /// The address that names the person may be somebody else's.
    #[error("the identity provider has not verified this person's e-mail address")]
    Unverified,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// None came.
    #[error("there is none")]
    Missing,
    /// `iss` is not the provider.
    #[error("somebody else has issued it (iss)")]
    Issuer,
    /// `aud` is not this hub alone.
    #[error("it is for another program (aud)")]
    Audience,
    /// `azp` is not this hub.
    #[error("it was given to another program (azp)")]
    Party,
    /// `nonce` is that of another sign-in.
    #[error("it is of another sign-in (nonce)")]
    Nonce,
    /// It has no signature.
    #[error("it is not signed")]
    Unsigned,
    /// It is signed in a way that does not count.
    #[error("it is signed in a way that does not count (alg)")]
    Algorithm,
    /// The provider has no such key.
    #[error("the provider does not have the key it is signed with (kid)")]
    Key,
    /// The signature is not that key's.
    #[error("its signature is wrong")]
    Signature,
    /// It counts no longer.
    #[error("it has expired (exp)")]
    Expired,
    /// It does not count yet.
    #[error("it is of the future (iat, nbf)")]
    NotYet,
    /// The access token beside it is not the one it came with.
    #[error("the access token beside it is another one (at_hash)")]
    AccessToken,
    /// `sub` of the person's details is somebody else.
    #[error("the details are somebody else's (sub)")]
    Subject,
    /// Something that nobody should send.
    #[error("{0}")]
    Other(String),
}

impl TokenFault {
    /// Whether newer keys of the provider may help.
    pub(super) fn is_about_keys(&self) -> bool {
        matches!(self, Self::Key | Self::Signature)
    }
}

impl From<ClaimsVerificationError> for TokenFault {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::Expired(_) => Self::Expired,
            ClaimsVerificationError::InvalidAudience(_) => Self::Audience,
            ClaimsVerificationError::InvalidIssuer(_) => Self::Issuer,
            ClaimsVerificationError::InvalidNonce(_) => Self::Nonce,
            ClaimsVerificationError::InvalidSubject(_) => Self::Subject,
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<SignatureVerificationError> for TokenFault {
    fn from(error: SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoSignature => Self::Unsigned,
            SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
                Self::Algorithm
            }
            SignatureVerificationError::NoMatchingKey
            | SignatureVerificationError::AmbiguousKeyId(_)
            | SignatureVerificationError::InvalidKey(_) => Self::Key,
            SignatureVerificationError::CryptoError(_) => Self::Signature,
            other => Self::Other(other.to_string()),
        }
    }
}

impl SigninError {
    /// What the provider refuses with: a word, from which everything odd is taken.
    pub fn refused(word: &str) -> Self {
        match word {
            "access_denied" => Self::Denied,
            "invalid_grant" | "expired_token" => Self::Over,
            other => Self::Refused(other.chars().filter(char::is_ascii_graphic).take(64).collect()),
        }
    }
}

impl From<&WebError> for SigninError {
    fn from(error: &WebError) -> Self {
        match error {
            WebError::TooSlow | WebError::Failed(_) => Self::Unreachable(error.to_string()),
            WebError::TooLarge | WebError::NotEncrypted(_) => Self::Answer(error.to_string()),
        }
    }
}

pub(super) fn of_discovery(error: DiscoveryError<WebError>) -> SigninError {
    match error {
        DiscoveryError::Request(error) => (&error).into(),
        DiscoveryError::Parse(error) => SigninError::Answer(error.to_string()),
        other => SigninError::Answer(other.to_string()),
    }
}

pub(super) fn of_token_request<E: ErrorResponse>(error: RequestTokenError<WebError, E>) -> SigninError {
    match error {
        RequestTokenError::Request(error) => (&error).into(),
        RequestTokenError::ServerResponse(said) => {
            let said = serde_json::to_value(&said).unwrap_or_default();
            // Its prose is its own.
            SigninError::refused(said["error"].as_str().unwrap_or("unknown"))
        }
        // The body it could not read may hold a token, and is not repeated.
        RequestTokenError::Parse(error, _) => SigninError::Answer(error.to_string()),
        RequestTokenError::Other(text) => SigninError::Answer(text),
    }
}

pub(super) fn of_user_info(error: UserInfoError<WebError>) -> SigninError {
    match error {
        UserInfoError::Request(error) => (&error).into(),
        UserInfoError::ClaimsVerification(error) => TokenFault::from(error).into(),
        UserInfoError::Parse(error) => SigninError::Answer(error.to_string()),
        UserInfoError::Response(status, _, text) => SigninError::Answer(format!("{text} ({status})")),
        other => SigninError::Answer(other.to_string()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn of_configuration(error: ConfigurationError) -> SigninError {
    SigninError::Answer(error.to_string())
}
