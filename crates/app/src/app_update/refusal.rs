//! Why there is no update, as it is said to a person: what happened, and the one thing to do.

use firstlight_contract::{app_update::UpdatedBy, error::Code};
use firstlight_releases::receive::ReceiveError;
use semver::Version;

use crate::error::{AppError, capital};

/// Said wherever somebody may have meant harm.
const GOES_ON: &str = "Nothing was changed: the Firstlight you have goes on working.";

/// A way in which an update is refused, or not to be had.
#[derive(Debug)]
pub(super) enum Refused {
    /// Changed after it was signed, or never signed.
    Forged { what: String },
    /// Signed by somebody else.
    WrongKey { what: String },
    /// Older than the one that runs.
    Older { have: Version, offered: Version },
    /// Said before something that was seen already.
    Replayed,
    /// Signed for another version than it is announced as.
    WrongVersion { announced: Version, signed: Option<String> },
    /// Not for this kind of machine.
    OtherPlatform { version: Version },
    /// Not what is expected at all.
    NotUnderstood { what: String, why: String },
    /// Could not be put in place.
    NotInstalled { why: String },
    /// Did not come.
    Fetch(ReceiveError),
}

impl From<ReceiveError> for Refused {
    fn from(error: ReceiveError) -> Self {
        Self::Fetch(error)
    }
}

impl From<Refused> for AppError {
    fn from(refused: Refused) -> Self {
        let tell = "Tell whoever publishes Firstlight for you.";
        let (code, message, hint) = match refused {
            Refused::Forged { what } => (
                Code::UpdateForged,
                format!("{} is not what was signed: it was changed on its way, or is forged.", capital(&what)),
                format!("{GOES_ON} {tell} A proxy that rewrites files does this as well."),
            ),
            Refused::WrongKey { what } => (
                Code::UpdateWrongKey,
                format!("{} is signed, but not with the key that this Firstlight trusts.", capital(&what)),
                format!("{GOES_ON} {tell} If their key was replaced, a version that knows the new one has to be installed by hand."),
            ),
            Refused::Older { have, offered } => (
                Code::UpdateOlder,
                format!("Only version {offered} is offered, older than {have}, which runs here."),
                format!("{GOES_ON} Firstlight never goes back: what should be taken back is published again under a higher version."),
            ),
            Refused::Replayed => (
                Code::UpdateReplayed,
                "The announcement of updates is older than one that this machine has seen already.".to_owned(),
                format!("{GOES_ON} Somebody may be holding newer versions back from you, or the server was restored from a backup: it has to be signed again."),
            ),
            Refused::WrongVersion { announced, signed: Some(signed) } => (
                Code::UpdateWrongVersion,
                format!("What is offered as version {announced} was signed for version {signed}."),
                format!("{GOES_ON} {tell} Somebody may be passing an old version off as a new one."),
            ),
            Refused::WrongVersion { announced, signed: None } => (
                Code::UpdateWrongVersion,
                format!("What is offered as version {announced} is signed for no version, so that it could be any."),
                format!("{GOES_ON} {tell} They have to sign it with its version."),
            ),
            Refused::OtherPlatform { version } => (
                Code::UpdateOtherPlatform,
                format!("Version {version} is there, but not for this kind of machine."),
                "It may follow; until then you have the newest. Who needs it now asks whoever publishes Firstlight.".to_owned(),
            ),
            Refused::NotUnderstood { what, why } => (
                Code::UpdateNotUnderstood,
                format!("{} is not understood: {}.", capital(&what), why.trim_end_matches('.')),
                "A page to sign in to this network may be in between: open any page in a browser, then try again.".to_owned(),
            ),
            Refused::NotInstalled { why } => (
                Code::UpdateNotInstalled,
                format!("The new version could not be put in place: {}.", why.trim_end_matches('.')),
                "The version you have goes on working. Free some space, or install the new one by hand.".to_owned(),
            ),
            Refused::Fetch(error) => return not_fetched(error),
        };
        Self::new(code, message).hint(hint)
    }
}

/// What kept something from arriving.
fn not_fetched(error: ReceiveError) -> AppError {
    let (code, message, hint) = match error {
        ReceiveError::NotHttps { url } => (
            Code::UpdateNotHttps,
            format!("`{url}` is not an https address."),
            "Updates are taken over https only. Tell whoever publishes Firstlight for you.",
        ),
        ReceiveError::TooLarge { what, limit } => (
            Code::UpdateTooLarge,
            format!("{} is larger than it may be ({limit}).", capital(&what)),
            "Nothing was changed. Something else than an update is served; tell whoever publishes Firstlight for you.",
        ),
        ReceiveError::Slow { what } => (
            Code::UpdateSlow,
            format!("{} did not arrive in time.", capital(&what)),
            "Nothing was changed. Try again on a better network.",
        ),
        ReceiveError::Incomplete { what } => (
            Code::UpdateIncomplete,
            format!("{} is missing or was cut off.", capital(&what)),
            "Nothing was changed. Try again in a few minutes, in case it is just being published.",
        ),
        ReceiveError::Network { url, why } => (
            Code::Network,
            format!("{url} cannot be reached: {}.", why.trim_end_matches('.')),
            "Connect to the network or the VPN and try again. Everything else works without.",
        ),
        // What is fetched whole is refused in no other way.
        other => {
            (Code::Internal, format!("The update was not fetched: {other}."), "The log has the details.")
        }
    };
    AppError::new(code, message).hint(hint)
}

/// Why the app itself is not the one to do it.
pub(super) fn elsewhere(by: &UpdatedBy) -> AppError {
    let (message, hint) = match by {
        UpdatedBy::Packages { manager } => (
            format!("This Firstlight was installed with {manager}, which updates it."),
            format!("Update it with {manager}, like everything else it installed."),
        ),
        UpdatedBy::Organisation { who } => {
            (format!("{who} updates Firstlight on this machine."), "You need to do nothing.".to_owned())
        }
        UpdatedBy::Administrator { place } => (
            format!("Firstlight lies in {place}, which you may not change."),
            "Whoever installed it there updates it.".to_owned(),
        ),
        UpdatedBy::NotConfigured => (
            "Whoever built this Firstlight named no place to ask for updates.".to_owned(),
            "Get newer versions where you got this one.".to_owned(),
        ),
        UpdatedBy::NotInstalled | UpdatedBy::Itself => (
            "This Firstlight runs as it was built; there is nothing to replace.".to_owned(),
            "Build a newer one, or install a package.".to_owned(),
        ),
    };
    AppError::new(Code::UpdateElsewhere, message).hint(hint)
}
