//! How people sign in at a hub: in a browser (`GET /v1/signin`, then a cookie), from a terminal (`POST /v1/signin/device`),
//! or with an access token (`POST /v1/session`).

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `POST /v1/session`: an access token, to be exchanged for a session's cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SessionRequest {
    /// As `firstlight-hub role token` printed it.
    pub token: String,
}

/// `GET /v1/session`: who asks, and how to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SessionAnswer {
    /// Who asks; nobody known if there is none.
    pub session: Option<Session>,
    /// Whether the organisation's identity provider can be used (`GET /v1/signin`).
    pub oidc: bool,
    /// Whom to ask for a role.
    pub contact: String,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Session {
    /// Their number in this hub, which keeps no name.
    pub person: u32,
    /// What they may: `viewer`, `step-owner:it-helpdesk`, …; empty until somebody gives them a role.
    pub roles: Vec<String>,
    /// Until when; nothing where an access token was shown instead of a session.
    pub expires_at: Option<String>,
}

/// The answer to `POST /v1/signin/device`: what a terminal shows and asks again with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSignin {
    /// What to send to `POST /v1/signin/device/token`.
    pub handle: String,
    /// What the person types.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same address with the code in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Until when.
    pub expires_at: String,
    /// How long to wait before asking, and between asking again.
    pub interval_seconds: u64,
}

/// `POST /v1/signin/device/token`: whether the person has said yes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceTokenRequest {
    /// From [`DeviceSignin`].
    pub handle: String,
}

/// The answer to [`DeviceTokenRequest`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeviceToken {
    /// Not yet; ask again after so long, and not sooner from now on (202).
    Pending {
        /// How long.
        interval_seconds: u64,
    },
    /// They have (200).
    SignedIn {
        /// A bearer token for the hub's routes, in this answer only.
        token: String,
        /// Who, and until when.
        session: Session,
    },
}
