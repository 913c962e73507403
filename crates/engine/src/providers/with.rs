//! Parameters of a step (`with`): read once, with errors that name the field and say what to write instead.

use firstlight_domain::{kind::WithError, state::Failure};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure_with;
use crate::provider::Rendered;

/// The parameters of one kind of step. Shape comes from `Deserialize`; what the shape cannot say, from
/// [`Parameters::consistent`].
pub(crate) trait Parameters: DeserializeOwned + JsonSchema {
    /// What the types alone cannot say: fields that exclude each other, texts with a grammar. Called on what a pack
    /// says (expressions unresolved, see [`is_unresolved`]) and again on what is run.
    fn consistent(&self) -> Result<(), WithError> {
        Ok(())
    }
}

/// Whether a step with these parameters can be read: for [`firstlight_domain::kind::Kind::accepts`].
pub(crate) fn accepts<W: Parameters>(with: &Value) -> Result<(), WithError> {
    read::<W>(with).map(drop)
}

/// Reads parameters, or says which field is wrong and how.
pub(crate) fn read<W: Parameters>(with: &Value) -> Result<W, WithError> {
    let with: W = super::read(with)?;
    with.consistent()?;
    Ok(with)
}

/// Reads the parameters of a step that is about to be looked at.
pub(crate) fn parameters<W: Parameters>(step: &Rendered<'_>) -> Result<W, Failure> {
    read(&step.with).map_err(|error| {
        let place = if error.path.is_empty() { "with".to_owned() } else { format!("with.{}", error.path) };
        failure_with(
            format!("`{place}` of step `{}`: {}", step.step.id, error.message),
            "change the pack, or the answer this came from",
        )
    })
}

/// An error about one field; an empty path is `with` itself.
pub(crate) fn wrong(path: &str, message: impl Into<String>) -> WithError {
    WithError { path: path.to_owned(), message: message.into() }
}

/// Whether a text still holds an expression: then only what is known of it can be checked.
pub(crate) fn is_unresolved(text: &str) -> bool {
    text.contains("${{")
}

/// Refuses a text that a program would take for an option, or that has characters no terminal should see.
pub(crate) fn plain_word(field: &str, text: &str) -> Result<(), WithError> {
    if text.is_empty() {
        return Err(wrong(field, "is empty"));
    }
    if text.starts_with('-') {
        return Err(wrong(
            field,
            format!("`{text}` starts with `-`: the program would take it for an option"),
        ));
    }
    one_line(field, text)
}

/// Refuses line breaks and other control characters.
pub(crate) fn one_line(field: &str, text: &str) -> Result<(), WithError> {
    if text.chars().any(char::is_control) {
        return Err(wrong(field, "may not hold line breaks or other control characters"));
    }
    Ok(())
}

/// Refuses what is not the name of an environment variable.
pub(crate) fn variable(field: &str, name: &str) -> Result<(), WithError> {
    let fine = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fine || is_unresolved(name) {
        return Ok(());
    }
    Err(wrong(field, format!("`{name}` is not the name of a variable")))
}

/// serde's words for programmers, turned into words for authors of packs.
pub(crate) fn friendly(message: &str) -> String {
    if let Some(field) = between(message, "missing field `", "`") {
        return format!("`{field}` is missing");
    }
    if let Some(field) = between(message, "unknown field `", "`") {
        let known = message.split_once(", expected ").map_or("", |(_, rest)| rest);
        let known = known.strip_prefix("one of ").unwrap_or(known);
        return if known.is_empty() || known.starts_with("there are no") {
            format!("`{field}` is not known here")
        } else {
            format!("`{field}` is not known here; known are {known}")
        };
    }
    if let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        return format!("should be {expected}, but is {found}");
    }
    message.to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split_once(after).map(|(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    /// Parameters.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct With {
        /// A name.
        first_name: String,
        /// How many.
        #[serde(default)]
        count: Option<u32>,
    }

    impl Parameters for With {
        fn consistent(&self) -> Result<(), WithError> {
            if self.count == Some(0) {
                return Err(wrong("count", "should be 1 or more"));
            }
            plain_word("first-name", &self.first_name)
        }
    }

    #[test]
    fn errors_name_the_field_and_say_what_to_write() {
        let error = |with| accepts::<With>(&with).unwrap_err();
        assert_eq!(error(json!({})), wrong("", "`first-name` is missing"));
        assert_eq!(error(Value::Null), wrong("", "`first-name` is missing"));
        assert_eq!(
            error(json!({ "first-name": "a", "cuont": 1 })),
            wrong("cuont", "`cuont` is not known here; known are `first-name` or `count`")
        );
        assert_eq!(
            error(json!({ "first-name": 3 })),
            wrong("first-name", "should be a string, but is integer `3`")
        );
        assert_eq!(error(json!({ "first-name": "--flag" })).path, "first-name");
        assert_eq!(error(json!({ "first-name": "a", "count": 0 })), wrong("count", "should be 1 or more"));
    }

    #[test]
    fn the_schema_describes_every_field_and_allows_no_other() {
        let schema = crate::providers::schema::<With>();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["first-name"]["description"], "A name.");
    }
}
