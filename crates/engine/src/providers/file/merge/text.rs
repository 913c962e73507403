//! Cutting and joining texts by lines.

use std::{fmt::Write as _, ops::Range};

/// The text with something else in a place. Line ends of what is put in become those around it.
pub(super) fn splice(text: &str, place: Range<usize>, with: &str) -> String {
    let with = with.replace("\r\n", "\n").replace('\n', line_break(text, place.end));
    let (before, after) = (text.get(..place.start), text.get(place.end..));
    format!("{}{with}{}", before.unwrap_or(text), after.unwrap_or_default())
}

/// The line end that a text uses at a place: the next one, else the one before.
fn line_break(text: &str, at: usize) -> &'static str {
    let next = text.get(at..).and_then(|rest| rest.find('\n')).map(|found| at + found);
    let end = next.or_else(|| text.rfind('\n')).unwrap_or_default();
    if text.get(..end).is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
}

/// The text with the line ends of another, where that has one kind only.
pub(super) fn with_breaks_of(like: &str, text: String) -> String {
    let windows = like.contains("\r\n") && !like.replace("\r\n", "").contains('\n');
    if windows { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text }
}

/// Where the line of a place starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1)
}

/// Where the line of a place ends, before its line end.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

/// Where the line after the one of a place starts; the end of the text if there is none.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |found| at + found + 1)
}

/// The text without these lines, the last of which ends where `lines` does. The end of the line before goes too where
/// the text had no last line end, so that it has none afterwards.
pub(super) fn without_lines(text: &str, lines: Range<usize>) -> String {
    let at_end = lines.end == text.len() && !text.ends_with('\n');
    let start = if at_end {
        let before = text.get(..lines.start).unwrap_or_default();
        let before = before.strip_suffix('\n').unwrap_or(before);
        before.strip_suffix('\r').unwrap_or(before).len()
    } else {
        lines.start
    };
    splice(text, start..lines.end, "")
}

/// The whitespace a line begins with.
pub(super) fn indent(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..line_end(text, at)).unwrap_or_default();
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

/// In double quotes, as JSON, TOML and YAML all read it.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        // What JSON lets stand but a terminal or YAML does not.
        if matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') {
            let _ = write!(quoted, "\\u{:04x}", u32::from(c));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_and_cut() {
        let text = "a\r\n  b\r\nc";
        assert_eq!((line_start(text, 5), line_end(text, 5), next_line(text, 5)), (3, 6, 8));
        assert_eq!((line_start(text, 8), line_end(text, 8), next_line(text, 8)), (8, 9, 9));
        assert_eq!(indent(text, 5), "  ");
        assert_eq!(without_lines(text, 3..8), "a\r\nc");
        assert_eq!(without_lines(text, 8..9), "a\r\n  b");
        assert_eq!(splice(text, 6..6, "\nx"), "a\r\n  b\r\nx\r\nc");
        assert_eq!(quoted("a\"\n\u{85}ü"), r#""a\"\n\u0085ü""#);
    }
}
