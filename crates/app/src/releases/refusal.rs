//! Why nothing was received, as it is said to a person: what happened, and the one thing to do.

use firstlight_contract::error::Code;
use firstlight_releases::receive::ReceiveError;
use jiff::{Timestamp, tz::TimeZone};

use crate::error::{AppError, capital, sentence};

/// Said wherever somebody may have meant harm.
pub(super) const GOES_ON: &str = "Nothing was changed: the pack you have goes on working.";

impl From<ReceiveError> for AppError {
    #[expect(clippy::too_many_lines, reason = "one row for each way to be refused, with its words")]
    fn from(error: ReceiveError) -> Self {
        let told = sentence(&error.to_string());
        let (code, message, hint) = match error {
            ReceiveError::Forged { what } => (
                Code::ReleaseForged,
                format!("{} is not what was signed: it was changed on its way, or is forged.", capital(&what)),
                format!("{GOES_ON} Tell whoever publishes your packs; a proxy that rewrites files does this as well."),
            ),
            ReceiveError::WrongKey { role } => (
                Code::ReleaseWrongKey,
                format!("`{role}` is signed, but with no key that may sign it."),
                format!("{GOES_ON} Tell whoever publishes your packs: somebody else publishes in their name, or their keys were replaced without a new root."),
            ),
            ReceiveError::TooFewSignatures { role, found, needed } => (
                Code::ReleaseUnderSigned,
                format!("`{role}` is signed by {found} of the {needed} people it needs."),
                format!("{GOES_ON} The second person has to sign as well: `firstlight pack sign`."),
            ),
            ReceiveError::Replayed { what, seen, offered } => (
                Code::ReleaseReplayed,
                format!("The repository offers version {offered} of `{what}`; this machine has seen version {seen} already."),
                format!("{GOES_ON} Somebody may be passing old releases off as new, or the server was restored from a backup: publish again, so that versions are higher."),
            ),
            ReceiveError::Frozen { since } => (
                Code::ReleaseFrozen,
                format!("The repository has said nothing new since {}; newer releases may be held back from you.", day(since)),
                format!("{GOES_ON} Whoever publishes has to refresh the timestamp, or somebody between you and them keeps it back. Check this machine's clock, too."),
            ),
            ReceiveError::Expired { role, since } => (
                Code::ReleaseExpired,
                format!("What was signed as `{role}` was good until {}.", day(since)),
                format!("{GOES_ON} Whoever publishes has to sign it again. Check this machine's clock, too."),
            ),
            ReceiveError::Mixed { what } => (
                Code::ReleaseMixed,
                format!("The repository's parts do not belong together: {what}."),
                format!("{GOES_ON} Try again in a few minutes, in case it is just being published; if it stays, tell whoever publishes your packs."),
            ),
            ReceiveError::TooLarge { what, limit } => (
                Code::ReleaseTooLarge,
                format!("{} is larger than it may be ({limit}).", capital(&what)),
                format!("{GOES_ON} Data and programs do not belong into a pack: a step can fetch them."),
            ),
            ReceiveError::Slow { what } => (
                Code::ReleaseSlow,
                format!("{} did not arrive in time.", capital(&what)),
                format!("{GOES_ON} Try again on a better network; what has arrived is kept. If it stays, the server holds it back."),
            ),
            ReceiveError::Incomplete { what } => (
                Code::ReleaseIncomplete,
                format!("The repository is not whole: {what} is missing or cut off."),
                format!("{GOES_ON} Try again in a few minutes, in case it is just being published."),
            ),
            ReceiveError::Downgrade { have, offered } => (
                Code::ReleaseDowngrade,
                format!("Only release {offered} is offered, older than {have}, which you have."),
                format!("{GOES_ON} Firstlight never goes back: what should be taken back is published again under a higher version."),
            ),
            ReceiveError::Changed { version } => (
                Code::ReleaseChanged,
                format!("Release {version} is not what it was when you received it."),
                format!("{GOES_ON} A release is never changed: publish the change under a higher version."),
            ),
            ReceiveError::UnsafePath { why } => (
                Code::ReleaseUnsafe,
                format!("The release has a file that no pack may have: {why}."),
                format!("{GOES_ON} `firstlight pack lint` names such files before they are published."),
            ),
            ReceiveError::NotPublished { pack } => (
                Code::ReleaseNotPublished,
                format!("The repository publishes no release of `{pack}`."),
                "Check the name of the pack and the address of the repository.".to_owned(),
            ),
            ReceiveError::NotUnderstood { what, why } => (
                Code::ReleaseNotUnderstood,
                format!("{} is not understood: {}.", capital(&what), why.trim_end_matches('.')),
                "Check the address; a page to sign in to this network may be in between. A newer Firstlight may understand it.".to_owned(),
            ),
            ReceiveError::BadRoot { why } => (
                Code::ReleaseRootRefused,
                format!("The root cannot be trusted: {}.", why.trim_end_matches('.')),
                "Ask whoever publishes your packs for `root.json` or its fingerprint, and enrol again with `firstlight enroll`.".to_owned(),
            ),
            ReceiveError::FloorNotWritten { .. } => (
                Code::ReleaseFloorNotWritten,
                told,
                "Nothing was received, because what was seen could not be remembered. Free some space or make the folder writable, then try again.".to_owned(),
            ),
            ReceiveError::FloorDamaged { path } => (
                Code::ReleaseFloorDamaged,
                format!("What this machine has seen of the repository is damaged: {} cannot be read, and neither can its copy.", path.display()),
                "Nothing older could be told from something new. Enrol again with `firstlight enroll`; the pack you have goes on working.".to_owned(),
            ),
            ReceiveError::NotWritable { ref source, .. } if source.kind() == std::io::ErrorKind::StorageFull => (
                Code::DiskFull,
                told,
                "Free some space and try again; what has arrived is kept.".to_owned(),
            ),
            ReceiveError::NotWritable { .. } => (
                Code::HomeNotWritable,
                told,
                "Make the folder writable, or set FIRSTLIGHT_HOME to another one.".to_owned(),
            ),
            ReceiveError::NotHttps { url } => (
                Code::ReleaseNotHttps,
                format!("`{url}` is not an https address."),
                "Releases are received over https only.".to_owned(),
            ),
            ReceiveError::Network { url, why } => (
                Code::Network,
                format!("{url} cannot be reached: {}.", why.trim_end_matches('.')),
                "Connect to the network or the VPN and try again; `firstlight doctor` says what is missing.".to_owned(),
            ),
        };
        Self::new(code, message).hint(hint)
    }
}

fn day(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io, path::PathBuf};

    use semver::Version;

    use super::*;

    /// One of each. A new variant makes `number` not compile, and has to come in here.
    fn each() -> Vec<ReceiveError> {
        let (role, what, why) =
            ("acme".to_owned(), "acme/1.0.0/pack.yaml".to_owned(), "it is odd".to_owned());
        let (url, path) = ("http://example.com".to_owned(), PathBuf::from("/floor"));
        let since = Timestamp::UNIX_EPOCH;
        let version = Version::new(1, 0, 0);
        vec![
            ReceiveError::Forged { what: what.clone() },
            ReceiveError::WrongKey { role: role.clone() },
            ReceiveError::TooFewSignatures { role: role.clone(), found: 1, needed: 2 },
            ReceiveError::Replayed { what: role.clone(), seen: 5, offered: 3 },
            ReceiveError::Frozen { since },
            ReceiveError::Expired { role: role.clone(), since },
            ReceiveError::Mixed { what: why.clone() },
            ReceiveError::TooLarge { what: what.clone(), limit: "3 bytes".to_owned() },
            ReceiveError::Slow { what: what.clone() },
            ReceiveError::Incomplete { what },
            ReceiveError::Downgrade { have: Version::new(2, 0, 0), offered: version.clone() },
            ReceiveError::Changed { version },
            ReceiveError::UnsafePath { why: why.clone() },
            ReceiveError::NotPublished { pack: role },
            ReceiveError::NotUnderstood { what: "timestamp.json".to_owned(), why: why.clone() },
            ReceiveError::BadRoot { why: why.clone() },
            ReceiveError::FloorNotWritten {
                path: path.clone(),
                source: io::ErrorKind::ReadOnlyFilesystem.into(),
            },
            ReceiveError::FloorDamaged { path: path.clone() },
            ReceiveError::NotWritable { path, source: io::ErrorKind::PermissionDenied.into() },
            ReceiveError::NotHttps { url: url.clone() },
            ReceiveError::Network { url, why },
        ]
    }

    fn number(error: &ReceiveError) -> usize {
        match error {
            ReceiveError::Forged { .. } => 0,
            ReceiveError::WrongKey { .. } => 1,
            ReceiveError::TooFewSignatures { .. } => 2,
            ReceiveError::Replayed { .. } => 3,
            ReceiveError::Frozen { .. } => 4,
            ReceiveError::Expired { .. } => 5,
            ReceiveError::Mixed { .. } => 6,
            ReceiveError::TooLarge { .. } => 7,
            ReceiveError::Slow { .. } => 8,
            ReceiveError::Incomplete { .. } => 9,
            ReceiveError::Downgrade { .. } => 10,
            ReceiveError::Changed { .. } => 11,
            ReceiveError::UnsafePath { .. } => 12,
            ReceiveError::NotPublished { .. } => 13,
            ReceiveError::NotUnderstood { .. } => 14,
            ReceiveError::BadRoot { .. } => 15,
            ReceiveError::FloorNotWritten { .. } => 16,
            ReceiveError::FloorDamaged { .. } => 17,
            ReceiveError::NotWritable { .. } => 18,
            ReceiveError::NotHttps { .. } => 19,
            ReceiveError::Network { .. } => 20,
        }
    }

    #[test]
    fn each_way_to_be_refused_has_a_code_a_message_and_a_hint_of_its_own() {
        let (mut codes, mut messages) = (BTreeMap::new(), BTreeMap::new());
        for (at, error) in each().into_iter().enumerate() {
            assert_eq!(number(&error), at);
            let told = AppError::from(error).0;
            let code = format!("{:?}", told.code);
            let hint = told.hint.unwrap();
            assert!(told.message.ends_with('.') && hint.ends_with('.'), "{}: {hint}", told.message);
            assert_eq!(codes.insert(code.clone(), at), None, "{code} twice");
            assert_eq!(messages.insert(told.message.clone(), at), None, "{} twice", told.message);
        }
    }
}
