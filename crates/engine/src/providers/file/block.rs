//! A block of lines in a text that is somebody else's, between two lines that name it.
//!
//! ```text
//! # >>> firstlight: proxy >>>
//! Host *.acme.test
//!   ProxyJump bastion.acme.test
//! # <<< firstlight: proxy <<<
//! ```

use firstlight_domain::kind::WithError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::providers::with::wrong;

/// What begins a comment in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum Comment {
    /// shells, YAML, ssh, most settings.
    #[default]
    #[serde(rename = "#")]
    Hash,
    /// JavaScript and its kin.
    #[serde(rename = "//")]
    Slashes,
    /// INI, Lisp.
    #[serde(rename = ";")]
    Semicolon,
    /// SQL, Lua, Haskell.
    #[serde(rename = "--")]
    Dashes,
}

impl Comment {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hash => "#",
            Self::Slashes => "//",
            Self::Semicolon => ";",
            Self::Dashes => "--",
        }
    }
}

/// A block with its name and its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    comment: Comment,
    name: String,
    text: String,
}

/// Whether a text can be a block.
pub(super) fn check_text(text: &str) -> Result<(), WithError> {
    if text.is_empty() {
        return Err(wrong("block", "is empty"));
    }
    if text.lines().any(|line| line.contains(">>> firstlight") || line.contains("<<< firstlight")) {
        return Err(wrong("block", "holds a line that looks like the markers around a block"));
    }
    Ok(())
}

/// A text around a block.
struct Parts<'a> {
    before: &'a str,
    /// With its markers and line ends; `None` if there is no whole block.
    block: Option<&'a str>,
    after: &'a str,
}

impl Block {
    pub(super) fn new(comment: Comment, name: &str, text: &str) -> Self {
        Self { comment, name: name.to_owned(), text: text.to_owned() }
    }

    /// The text with this block in it: in its place, or at the end.
    pub(super) fn within(&self, now: Option<&str>) -> String {
        let now = now.unwrap_or_default();
        let line_end = line_end(now);
        let Parts { before, block, after } = self.split(now);
        let lines = self.lines(line_end);
        match block {
            // Whatever their line ends: somebody's editor may have changed those.
            Some(block) if block.lines().eq(lines.lines()) => now.to_owned(),
            Some(_) => format!("{before}{lines}{after}"),
            None if before.is_empty() || before.ends_with('\n') => format!("{before}{lines}"),
            None => format!("{before}{line_end}{lines}"),
        }
    }

    /// A text that others changed, without this block, or with the block that was there `before`; none if nothing is
    /// left of a file that was made for it. And what of it was changed, so that it stays.
    pub(super) fn take_out(&self, before: Option<&str>, now: &str) -> (Option<String>, Vec<String>) {
        let parts = self.split(now);
        let previous = before.and_then(|before| self.split(before).block);
        let Some(block) = parts.block.filter(|block| Some(*block) != previous) else {
            return (Some(now.to_owned()), Vec::new());
        };
        if self.within(Some(now)) != now {
            return (Some(now.to_owned()), vec![format!("the block `{}`", self.name)]);
        }
        if let Some(previous) = previous {
            let previous = previous.trim_end_matches(['\r', '\n']);
            let end = &block[block.trim_end_matches(['\r', '\n']).len()..];
            return (Some(format!("{}{previous}{end}{}", parts.before, parts.after)), Vec::new());
        }
        // The line end that was added for the block goes with it, where it still stands between the two.
        let had_end = before.is_none_or(|before| before.is_empty() || before.ends_with('\n'));
        let start = match parts.before.strip_suffix('\n') {
            Some(start) if !had_end && parts.after.is_empty() => start.strip_suffix('\r').unwrap_or(start),
            Some(_) | None => parts.before,
        };
        let rest = format!("{start}{}", parts.after);
        ((before.is_some() || !rest.is_empty()).then_some(rest), Vec::new())
    }

    /// The lines of the block with its markers.
    pub(super) fn lines(&self, line_end: &str) -> String {
        let (begin, end) = self.markers();
        std::iter::once(begin.as_str())
            .chain(self.text.lines())
            .chain([end.as_str()])
            .flat_map(|line| [line, line_end])
            .collect()
    }

    fn markers(&self) -> (String, String) {
        let (comment, name) = (self.comment.as_str(), &self.name);
        (format!("{comment} >>> firstlight: {name} >>>"), format!("{comment} <<< firstlight: {name} <<<"))
    }

    /// Finds the block. A beginning without an end is no block: what follows it may be the person's own.
    fn split<'a>(&self, text: &'a str) -> Parts<'a> {
        let (begin, end) = self.markers();
        let mut start = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let after = at + line.len();
            let line = line.trim_end_matches(['\r', '\n']);
            if line == begin {
                // The last beginning before the end: one further up has lost its end.
                start = Some(at);
            } else if let (true, Some(start)) = (line == end, start) {
                return Parts {
                    before: &text[..start],
                    block: Some(&text[start..after]),
                    after: &text[after..],
                };
            }
            at = after;
        }
        Parts { before: text, block: None, after: "" }
    }
}

/// The line end that a text uses.
fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        Some(_) | None => "\n",
    }
}
