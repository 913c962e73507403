//! What the library refused, told apart as people need it: who signed, too few, too old, not belonging together.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sigstore_tuf::{Error, TrustedMetadataSet};

use super::{error::ReceiveError, fetch::FetchError, repository::Published};

/// Why `error` was no refusal of another kind.
pub(super) fn of(error: Error, trusted: &TrustedMetadataSet, published: &Published) -> ReceiveError {
    match error {
        Error::ThresholdNotMet { role, found: 0, threshold: _ } => unsigned(role, trusted, published),
        Error::ThresholdNotMet { role, found, threshold } => {
            ReceiveError::TooFewSignatures { role, found, needed: threshold }
        }
        // One key twice is one key.
        Error::DuplicateSignature { role, key_id: _ } => {
            let needed = authorized(&role, trusted).map_or(2, |(_, needed)| needed);
            ReceiveError::TooFewSignatures { role, found: 1, needed }
        }
        Error::Rollback { role, trusted, new } => {
            // `acme.json (via snapshot)` is the version of acme.
            let what = role.split(' ').next().unwrap_or_default().trim_end_matches(".json").to_owned();
            ReceiveError::Replayed { what, seen: trusted, offered: new }
        }
        Error::Expired { role, expires } => {
            // Both calendars begin and end with the same years.
            let since = Timestamp::from_nanosecond(expires.as_nanosecond()).unwrap_or(Timestamp::MIN);
            if role == "timestamp" {
                ReceiveError::Frozen { since }
            } else {
                ReceiveError::Expired { role, since }
            }
        }
        Error::IntegrityMismatch(what) => ReceiveError::Mixed { what },
        Error::BadRootVersion { trusted, new } => {
            ReceiveError::Mixed { what: format!("root {new} stands where root {} belongs", trusted + 1) }
        }
        // A file that ends in the middle is being written, or was cut off while it was.
        Error::Json(error) if error.is_eof() => {
            ReceiveError::Incomplete { what: "a file of the repository's metadata".to_owned() }
        }
        Error::Transport { message, source } => {
            match source.map(<dyn std::error::Error + Send + Sync>::downcast::<FetchError>) {
                Some(Ok(error)) => (*error).into(),
                Some(Err(error)) => ReceiveError::NotUnderstood { what: message, why: error.to_string() },
                None => match message.strip_suffix(" not found") {
                    Some("timestamp.json") => ReceiveError::NotUnderstood {
                        what: "the address".to_owned(),
                        why: "there is no repository, it has no timestamp.json".to_owned(),
                    },
                    Some(file) => ReceiveError::Incomplete { what: file.to_owned() },
                    None => ReceiveError::NotUnderstood { what: "the repository".to_owned(), why: message },
                },
            }
        }
        error => {
            ReceiveError::NotUnderstood { what: "the repository's metadata".to_owned(), why: in_full(&error) }
        }
    }
}

/// No signature holds: nobody signed who may, or what they signed was changed since.
fn unsigned(role: String, trusted: &TrustedMetadataSet, published: &Published) -> ReceiveError {
    let may = authorized(&role, trusted).map(|(keys, _)| keys).unwrap_or_default();
    let content = published.came(&role).unwrap_or_default();
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
    let mut signers = content["signatures"].as_array().into_iter().flatten();
    if signers.any(|signature| signature["keyid"].as_str().is_some_and(|key| may.contains(key))) {
        ReceiveError::Forged { what: format!("what is said as `{role}`") }
    } else {
        ReceiveError::WrongKey { role }
    }
}

/// Who may sign as a role, and how many have to.
fn authorized(role: &str, trusted: &TrustedMetadataSet) -> Option<(BTreeSet<String>, usize)> {
    if let Some(keys) = trusted.root().role(role) {
        return Some((keys.keyids.iter().cloned().collect(), keys.threshold));
    }
    let delegations = trusted.targets_role("targets")?.delegations.as_ref()?;
    let delegated = delegations.roles.iter().find(|delegated| delegated.name == role)?;
    Some((delegated.keyids.iter().cloned().collect(), delegated.threshold))
}

/// An error with its causes.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
