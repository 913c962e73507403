//! Everything that can go wrong with the keychain, told apart by what the person has to do about it.
//!
//! No variant can carry a secret: the errors of the keyring crates may (`BadEncoding` holds the raw value), so they
//! are translated in `os` and dropped there.

use std::time::Duration;

/// Why the keychain did not do what was asked. Closed: each variant asks for something different of the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Linux: there is no D-Bus session bus to talk to.
    #[error("no D-Bus session bus: {cause}")]
    NoBus {
        /// What the bus library said.
        cause: String,
    },
    /// Linux: there is a bus, but no program on it keeps secrets.
    #[error("no keychain service is running: {cause}")]
    NoDaemon {
        /// What the bus said.
        cause: String,
    },
    /// The keychain service runs but has no default collection to store into.
    #[error("the keychain has no default collection")]
    NoCollection,
    /// The keychain is locked and did not offer to unlock it.
    #[error("the keychain is locked")]
    Locked,
    /// The question to unlock the keychain was closed, or could not be shown.
    #[error("the question to unlock the keychain was dismissed")]
    PromptDismissed,
    /// The keychain did not answer in time; most often it waits for a password that nobody types.
    #[error("the keychain did not answer within {} s", after.as_secs_f32())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The value does not fit in the smallest keychain, the one of Windows.
    #[error("the value is too long: {length} UTF-16 units, at most {limit} fit in every keychain")]
    TooLong {
        /// Length of the value in UTF-16 code units.
        length: usize,
        /// The most that is stored, in the same unit.
        limit: usize,
    },
    /// The value is so short that masking it would mask ordinary words; it is not stored.
    #[error("the value is too short: at least {minimum} bytes are needed to keep it out of logs")]
    TooShort {
        /// The fewest bytes that are stored.
        minimum: usize,
    },
    /// There is no value: it is empty or only white space.
    #[error("the value is empty")]
    Empty,
    /// Nothing is stored under this name.
    #[error("no credential is stored under this name")]
    NotFound,
    /// Something is stored under this name that is not text, so it is not ours. It was left as it is.
    #[error("the stored value is not text; it was left as it is")]
    NotText,
    /// The system gave no random numbers, so no value was generated.
    #[error("the system gave no random numbers: {cause}")]
    NoRandomness {
        /// What the system said.
        cause: String,
    },
    /// Anything else the keychain said.
    #[error("the keychain refused: {cause}")]
    Other {
        /// What the keychain said; never a value.
        cause: String,
    },
}

impl VaultError {
    /// What the person can do about it, one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoBus { .. } => {
                "Start Firstlight from a desktop session, or run it under `dbus-run-session` on a machine without one."
            }
            Self::NoDaemon { .. } => {
                "Install and start a keychain service, such as gnome-keyring or KWallet, and try again; a restart of \
                 Firstlight is not needed."
            }
            Self::NoCollection => {
                "Create a default keyring (in Passwords and Keys, or by logging in on the desktop once) and try again."
            }
            Self::Locked => "Unlock the keychain and try again.",
            Self::PromptDismissed => {
                "Try again and answer the question; without a display, unlock the keychain before starting."
            }
            Self::TimedOut { .. } => {
                "Look for a window that asks to unlock the keychain, answer it and try again."
            }
            Self::TooLong { .. } => {
                "Use a token instead of a file or a key, or keep the long part in a file only you can read."
            }
            Self::TooShort { .. } => "Ask the issuer for a longer value, or let Firstlight generate one.",
            Self::Empty => "Paste or type the value.",
            Self::NotFound => "Store it first with `firstlight credential set`.",
            Self::NotText => {
                "Look at the entry of `dev.firstlight` in the system's keychain program and remove it there."
            }
            Self::NoRandomness { .. } => {
                "Try again in a moment; just after boot a machine may have none yet."
            }
            Self::Other { .. } => {
                "Look at the system's keychain program; `firstlight doctor` tests the connection."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c2_no_bus_no_collection_and_a_dismissed_prompt_differ_in_text_and_in_hint() {
        let cause = || "x".to_owned();
        let all = [
            VaultError::NoBus { cause: cause() },
            VaultError::NoDaemon { cause: cause() },
            VaultError::NoCollection,
            VaultError::Locked,
            VaultError::PromptDismissed,
            VaultError::TimedOut { after: Duration::from_secs(1) },
        ];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a.to_string(), b.to_string());
                assert_ne!(a.hint(), b.hint());
            }
        }
    }
}
