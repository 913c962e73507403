//! What is wrong with a template or with what it is given: said when a pack is linted and when a step is planned.

use firstlight_domain::{kind::WithError, state::Failure};

/// What is wrong, where in `with`, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub(super) struct Trouble {
    /// What is wrong.
    pub(super) cause: String,
    /// What to do.
    pub(super) hint: String,
    /// The parameter of the step it comes from.
    pub(super) field: &'static str,
}

impl Trouble {
    /// Something wrong with the template.
    pub(super) fn new(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { cause: cause.into(), hint: hint.into(), field: "template" }
    }

    /// The same, said of another parameter.
    pub(super) fn of(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The same, with the place it was found at first.
    pub(super) fn at(self, place: &str) -> Self {
        Self { cause: format!("{place}: {}", self.cause), ..self }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self { cause: trouble.cause, last_lines: Vec::new(), hint: Some(trouble.hint) }
    }
}

impl From<Trouble> for WithError {
    fn from(trouble: Trouble) -> Self {
        let Trouble { cause, hint, field } = trouble;
        Self { path: field.to_owned(), message: format!("`{field}`: {cause}; {hint}") }
    }
}
