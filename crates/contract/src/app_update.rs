//! The app's own updates.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{error::ErrorBody, markdown::Block};

/// Which version this is, who brings newer ones, and whether there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AppUpdateView {
    /// The version that runs.
    pub version: String,
    /// Who brings newer ones.
    pub by: UpdatedBy,
    /// When it was last asked for one, successfully.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last_check: Option<String>,
    /// How it stands.
    pub state: AppUpdateState,
}

/// Who brings newer versions of the app to this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum UpdatedBy {
    /// The app, when the person says so.
    Itself,
    /// The package manager it was installed with.
    Packages {
        /// Its name: `apt`, `dnf`.
        manager: String,
    },
    /// Whoever manages this machine.
    Organisation {
        /// In their own words.
        who: String,
    },
    /// Whoever installed it where this person may not write.
    Administrator {
        /// Where that is.
        place: String,
    },
    /// Nobody: whoever built this app named no place that it could ask.
    NotConfigured,
    /// Nobody: it runs as it was built, and was not installed.
    NotInstalled,
}

/// How it stands with a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum AppUpdateState {
    /// Nobody has asked since the app was started.
    NotAsked,
    /// There is none.
    Newest,
    /// There is one; nothing of it is here yet.
    Available {
        /// What it is.
        offer: AppUpdateOffer,
    },
    /// It is on its way.
    Downloading {
        /// What it is.
        offer: AppUpdateOffer,
        /// How many bytes are here.
        received: u32,
        /// Of how many, if that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        total: Option<u32>,
    },
    /// It is in place; the next start is the new version.
    Installed {
        /// The new version.
        version: String,
    },
    /// What is offered, or how, was refused, or could not be had. The app goes on as it is.
    Refused {
        /// Why.
        error: ErrorBody,
    },
}

/// A newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AppUpdateOffer {
    /// Its version.
    pub version: String,
    /// What changes, in the words of whoever published it.
    pub notes: Vec<Block>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub published_at: Option<String>,
}

/// The person's yes to a newer version of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AppUpdateConsent {
    /// The version that was shown.
    pub version: String,
}
