//! Identifiers. Each is its own type, so that one can never be passed for another.

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was written.
    #[error("an id cannot be empty")]
    Empty,
    /// Longer than 64 bytes.
    #[error("`{0}` is longer than 64 characters")]
    TooLong(String),
    /// Something other than `a-z 0-9 - _ .`, or not starting with a letter or digit.
    #[error("`{0}` may hold only letters, digits, `-`, `_` and `.`, and starts with a letter or digit")]
    BadCharacter(String),
}

fn checked(text: &str) -> Result<String, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > 64 {
        return Err(IdError::TooLong(text.chars().take(64).collect()));
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(fine) {
        return Err(IdError::BadCharacter(text.to_owned()));
    }
    Ok(text.to_owned())
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text: 1 to 64 of `A-Z a-z 0-9 - _ .`, starting with a letter or digit. Such a name is also
            /// safe as a file name.
            pub fn new(text: &str) -> Result<Self, IdError> {
                checked(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

name_id! {
    /// A pack's name.
    PackName,
    /// A persona of a pack.
    PersonaId,
    /// A stage of a checklist.
    StageId,
    /// A step of a pack.
    StepId,
    /// An input of a pack.
    InputName,
    /// A credential, as it is named in the keychain.
    CredentialName,
    /// A survey of a pack.
    SurveyId,
    /// A question of a survey.
    QuestionId,
    /// What can be chosen as an answer.
    ChoiceId,
    /// A team of the company.
    TeamId,
}

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

uuid_id! {
    /// One person's run through one checklist (UUIDv7).
    JourneyId,
    /// One execution of a plan (UUIDv7).
    RunId,
    /// One showing of a survey, and whatever came of it; or one feedback (UUIDv7).
    SubmissionId,
    /// One time somebody was asked for something through the hub (UUIDv7).
    RequestId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_safe_file_name() {
        assert!(StepId::new("ssh-key").is_ok());
        assert_eq!(StepId::new(""), Err(IdError::Empty));
        for bad in ["../x", "a/b", ".hidden", "-flag", "a b", "ä"] {
            assert!(matches!(StepId::new(bad), Err(IdError::BadCharacter(_))), "{bad}");
        }
        assert!(matches!(StepId::new(&"x".repeat(65)), Err(IdError::TooLong(_))));
    }
}
