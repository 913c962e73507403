//! Credentials, without ever a value.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is known of a credential outside the keychain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CredentialView {
    /// Its name.
    pub name: String,
    /// What to call it.
    pub title: String,
    /// Who issues it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub issuer: Option<String>,
    /// Whether the keychain holds a value.
    pub present: bool,
    /// When it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub stored_at: Option<String>,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expires_at: Option<String>,
    /// When it was last tried, and with what result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last_test: Option<CredentialTest>,
    /// The steps that use it.
    pub used_by: Vec<String>,
    /// Whether Firstlight can make a value.
    pub can_generate: bool,
}

/// The result of trying a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CredentialTest {
    /// When.
    pub at: String,
    /// Whether it was accepted.
    pub ok: bool,
    /// Why not, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// How the output of the test ended, masked. Only in the answer to the trial itself: it is not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub last_lines: Vec<String>,
}
