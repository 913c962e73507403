//! The protocol, version 1: one request as a line of JSON, one answer as a line of JSON.
//!
//! What comes from the program is read strictly: what is not known here is an error, because a program that believes it
//! said something must not be ignored.

use std::collections::BTreeMap;

use firstlight_domain::facts::Facts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::providers::with::friendly;

/// The version spoken here.
pub(super) const VERSION: u64 = 1;

/// What a program is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// What it is and takes. Without `values`.
    Describe,
    /// Whether what the step is for holds.
    Check,
    /// What it would change.
    Plan,
    /// To do it.
    Apply,
    /// To take it back.
    Undo,
}

impl Action {
    /// Its name, which is also the program's only argument.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Check => "check",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Undo => "undo",
        }
    }

    /// Whether it may change what the step declares.
    pub(super) fn changes(self) -> bool {
        matches!(self, Self::Apply | Self::Undo)
    }
}

/// The request.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) protocol: u64,
    pub(super) action: Action,
    pub(super) step: &'a str,
    pub(super) values: &'a Map<String, Value>,
    pub(super) facts: &'a Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receipt: Option<&'a Value>,
}

/// The answer to `describe`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// Told apart before.
    #[serde(rename = "protocol")]
    _protocol: u64,
    pub(super) name: String,
    pub(super) version: String,
    #[serde(rename = "summary")]
    _summary: String,
    /// JSON Schema of `values`.
    #[serde(default)]
    pub(super) schema: Value,
    #[serde(default)]
    pub(super) outputs: Vec<String>,
    #[serde(default)]
    pub(super) can_undo: bool,
}

/// The answer to `check`.
#[derive(Debug, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum State {
    Satisfied {
        #[serde(default)]
        outputs: BTreeMap<String, String>,
    },
    Needed {
        what: String,
    },
    /// Only a person can go on: `who`, or the step's owner.
    Person {
        what: String,
        who: Option<String>,
    },
    Unknown {
        why: String,
    },
    Blocked {
        why: String,
        hint: Option<String>,
    },
}

/// The answer to `plan`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Planned {
    pub(super) what: Option<String>,
    #[serde(default)]
    pub(super) files: Vec<PlannedFile>,
}

/// A file it would write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedFile {
    pub(super) path: String,
    /// All of it; absent if it is no text or cannot be known before.
    pub(super) content: Option<String>,
}

/// The answer to `apply` and `undo`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    pub(super) done: bool,
}

/// In `apply`, any number of times before the answer: what `undo` will need. It waits for [`KEPT`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    receipt: Value,
}

/// What is said once a receipt is in the journal.
pub(super) const KEPT: &[u8] = b"{\"kept\":true}\n";

/// What any action may answer instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    error: Error,
}

/// Why it could not be done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Error {
    pub(super) cause: String,
    pub(super) hint: Option<String>,
}

/// A line of a program.
#[derive(Debug)]
pub(super) enum Line {
    Receipt(Value),
    Error(Error),
    Answer(Value),
}

/// Reads a line. Error: what is wrong with it, to go on from "the program".
pub(super) fn line(line: &[u8]) -> Result<Line, String> {
    let value: Value = serde_json::from_slice(line).map_err(|_| {
        let start: String = String::from_utf8_lossy(line).chars().take(60).collect();
        format!("printed what is not one JSON object on one line: {start}")
    })?;
    let Value::Object(fields) = &value else {
        return Err("printed JSON that is not an object".to_owned());
    };
    match fields.get("protocol") {
        Some(version) if *version != VERSION => {
            return Err(format!(
                "speaks version {version} of the protocol, and this Firstlight speaks {VERSION}"
            ));
        }
        Some(_) | None => {}
    }
    if fields.contains_key("receipt") {
        return answer::<Keep>("apply", value).map(|keep| Line::Receipt(keep.receipt));
    }
    if fields.contains_key("error") {
        return answer::<Wrong>("error", value).map(|wrong| Line::Error(wrong.error));
    }
    Ok(Line::Answer(value))
}

/// Reads the answer to an action. Error: as in [`line`].
pub(super) fn answer<T: DeserializeOwned>(action: &str, value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(" in `{path}`") };
        format!("gave no good answer to `{action}`{place}: {}", friendly(&error.into_inner().to_string()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(text: &str) -> String {
        line(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn lines_are_told_apart() {
        assert!(
            matches!(line(br#"{"receipt":{"a":1}}"#), Ok(Line::Receipt(receipt)) if receipt == json!({ "a": 1 }))
        );
        assert!(matches!(line(br#"{"error":{"cause":"no"}}"#), Ok(Line::Error(Error { hint: None, .. }))));
        assert!(matches!(line(br#"{"done":true}"#), Ok(Line::Answer(_))));
        assert!(wrong("hello\u{1b}[2J").starts_with("printed what is not one JSON object"));
        assert!(wrong("[1]").contains("not an object"));
        assert!(wrong(r#"{"protocol":2}"#).contains("speaks version 2"));
        assert!(wrong(r#"{"receipt":1,"done":true}"#).contains("`done` is not known here"));
    }

    #[test]
    fn answers_are_read_strictly() {
        let state = |value: Value| answer::<State>("check", value);
        assert!(
            matches!(state(json!({ "state": "satisfied" })), Ok(State::Satisfied { outputs }) if outputs.is_empty())
        );
        assert!(
            state(json!({ "state": "satisfied", "output": {} }))
                .unwrap_err()
                .contains("`output` is not known")
        );
        assert!(state(json!({ "state": "needed" })).unwrap_err().contains("`what` is missing"));
        assert!(state(json!({ "state": "fine" })).unwrap_err().contains("fine"));
        assert!(state(json!({ "state": "satisfied", "outputs": { "a": 1 } })).is_err(), "outputs are texts");
        assert!(answer::<Done>("apply", json!({})).unwrap_err().contains("`done` is missing"));
    }
}
