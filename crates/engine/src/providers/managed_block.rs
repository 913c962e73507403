//! The block of lines that is ours in a text file that is not.
//!
//! ```text
//! # >>> firstlight >>>
//! # Kept by Firstlight; changes between these two lines are lost.
//! export EDITOR='vim'   #: EDITOR
//! # <<< firstlight <<<
//! ```
//! Each line carries its key. Two notes let the block leave no trace when its last line goes: that the text before it
//! had no line end, and that there was no file.

const BEGIN: &str = "# >>> firstlight >>>";
const END: &str = "# <<< firstlight <<<";
const NOTE: &str = "# Kept by Firstlight; changes between these two lines are lost.";
const NO_FILE: &str = "# There was no file before.";
const NO_LINE_END: &str = "# The line above had no line end.";
/// Between a line and its key.
const KEY: &str = " #: ";

/// A text around the block.
struct Parts<'a> {
    before: &'a str,
    /// The lines of the block without markers; `None` if there is no whole block.
    block: Option<Vec<&'a str>>,
    after: &'a str,
    /// Whether the text ends with the block's last line, without a line end: somebody's editor took it.
    cut_short: bool,
}

/// The text with the line of this key set. `None`: there is no file yet.
pub(super) fn with_line(text: Option<&str>, key: &str, line: &str) -> String {
    let entry = format!("{line}{KEY}{key}");
    let parts = split(text.unwrap_or_default());
    let mut lines: Vec<String> = if let Some(lines) = &parts.block {
        lines.iter().map(|&line| line.to_owned()).collect()
    } else {
        let mut notes = vec![NOTE.to_owned()];
        if text.is_none() {
            notes.push(NO_FILE.to_owned());
        }
        if !parts.before.is_empty() && !parts.before.ends_with('\n') {
            notes.push(NO_LINE_END.to_owned());
        }
        notes
    };
    match lines.iter_mut().find(|line| has_key(line, key)) {
        Some(old) => *old = entry,
        None => lines.push(entry),
    }
    join(&parts, &lines)
}

/// The text without the line of this key; without the block if it was the last. `None`: without the file.
pub(super) fn without_line(text: &str, key: &str) -> Option<String> {
    let parts = split(text);
    let Some(block) = &parts.block else {
        return Some(text.to_owned());
    };
    let left: Vec<String> =
        block.iter().filter(|line| !has_key(line, key)).map(|&line| line.to_owned()).collect();
    if left.iter().any(|line| line.contains(KEY)) {
        return Some(join(&parts, &left));
    }
    let before = if left.iter().any(|line| line == NO_LINE_END) {
        parts.before.strip_suffix('\n').unwrap_or(parts.before)
    } else {
        parts.before
    };
    let rest = format!("{before}{}", parts.after);
    if rest.is_empty() && left.iter().any(|line| line == NO_FILE) { None } else { Some(rest) }
}

/// The line of this key, as it was given.
pub(super) fn line(text: &str, key: &str) -> Option<String> {
    let block = split(text).block?;
    let entry = block.into_iter().find(|line| has_key(line, key))?;
    entry.strip_suffix(key)?.strip_suffix(KEY).map(str::to_owned)
}

fn has_key(entry: &str, key: &str) -> bool {
    entry.strip_suffix(key).is_some_and(|rest| rest.ends_with(KEY))
}

fn join(parts: &Parts<'_>, lines: &[String]) -> String {
    let mut text = parts.before.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in std::iter::once(BEGIN).chain(lines.iter().map(String::as_str)).chain([END]) {
        text.push_str(line);
        text.push('\n');
    }
    if parts.cut_short {
        text.pop();
    }
    text.push_str(parts.after);
    text
}

/// Finds the block. A beginning without an end is no block: what follows it may be the person's own.
fn split(text: &str) -> Parts<'_> {
    let none = Parts { before: text, block: None, after: "", cut_short: false };
    let Some(mut begin) = line_start(text, BEGIN, 0) else {
        return none;
    };
    let Some(end) = line_start(text, END, begin) else {
        return none;
    };
    // The last beginning before the end: one further up has lost its end.
    while let Some(next) = line_start(&text[..end], BEGIN, begin + BEGIN.len() + 1) {
        begin = next;
    }
    let inside = begin + BEGIN.len() + 1;
    let after = &text[end + END.len()..];
    Parts {
        before: &text[..begin],
        block: Some(text[inside..end].lines().collect()),
        after: after.strip_prefix('\n').unwrap_or_default(),
        cut_short: after.is_empty(),
    }
}

/// Where a line that is exactly `wanted` starts, from a line start at `from` on.
fn line_start(text: &str, wanted: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        if line.strip_suffix('\n').unwrap_or(line) == wanted {
            return Some(at);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_comes_back_byte_for_byte() {
        for text in
            ["", "\n", "a", "a\n", "a\r\nb", "# >>> firstlight >>>\nmine, without an end\n", "a\n\n\n"]
        {
            let one = with_line(Some(text), "A", "export A='1'");
            assert_ne!(one, text);
            assert_eq!(without_line(&one, "A").as_deref(), Some(text), "{text:?}");
            // In either order, and after a change.
            let two = with_line(Some(&with_line(Some(&one), "B x", "b")), "A", "export A='2'");
            assert_eq!(two.matches(BEGIN).count(), one.matches(BEGIN).count(), "one block");
            let left = without_line(&two, "A").unwrap();
            assert_eq!(without_line(&left, "B x").as_deref(), Some(text), "{text:?}");
            let left = without_line(&two, "B x").unwrap();
            assert_eq!(without_line(&left, "A").as_deref(), Some(text), "{text:?}");
        }
    }

    #[test]
    fn a_file_that_we_made_goes_with_the_last_line() {
        let made = with_line(None, "B", "b");
        let made = with_line(Some(&made), "A", "a");
        let left = without_line(&made, "B").unwrap();
        assert_eq!(without_line(&left, "A"), None);
        let used = format!("{left}alias x=y\n");
        assert_eq!(without_line(&used, "A").as_deref(), Some("alias x=y\n"), "what others added stays");
    }

    #[test]
    fn the_same_line_again_changes_nothing() {
        let text = with_line(Some("a\n"), "A", "export A='1'");
        assert_eq!(with_line(Some(&text), "A", "export A='1'"), text);
        assert_eq!(line(&text, "A").as_deref(), Some("export A='1'"));
        assert_eq!(line(&text, "B"), None);
        assert_eq!(without_line(&text, "B").unwrap(), text);
        assert_eq!(without_line("a\n", "A").unwrap(), "a\n");
    }

    #[test]
    fn a_block_without_its_last_line_end_stays_without() {
        let whole = with_line(Some("a\n"), "A", "1");
        let text = whole.trim_end();
        let two = with_line(Some(text), "B", "2");
        assert_eq!(without_line(&two, "B").as_deref(), Some(text));
        assert_eq!(without_line(text, "A").as_deref(), Some("a\n"));
    }

    #[test]
    fn text_after_the_block_stays_in_place() {
        let text = format!("{}after\n", with_line(Some("before\n"), "A", "1"));
        let two = with_line(Some(&text), "B", "2");
        assert!(two.starts_with("before\n") && two.ends_with("after\n"));
        assert_eq!(without_line(&without_line(&two, "A").unwrap(), "B").unwrap(), "before\nafter\n");
    }
}
