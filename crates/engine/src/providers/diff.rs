//! What would change in a file, as people read it: a unified diff.

use std::time::Duration;

use similar::TextDiff;

use crate::provider::Context;

/// Diffs longer than this are cut: a person reads the beginning and sees how much more there is.
const MOST_LINES: usize = 400;
/// Larger files are named, not compared.
const MOST_BYTES: usize = 256 * 1024;

/// A unified diff from `old` (`None`: there is no file) to `new`. Contents that are no text, or large, are described in
/// one line.
pub(crate) fn unified(path: &str, old: Option<&[u8]>, new: &[u8]) -> String {
    let before = old.unwrap_or_default();
    let (Some(old_text), Some(new_text)) = (text(before), text(new)) else {
        return match old {
            Some(before) => format!("{path}: {} bytes become {} bytes\n", before.len(), new.len()),
            None => format!("{path}: a new file of {} bytes\n", new.len()),
        };
    };
    let from = if old.is_some() { path } else { "/dev/null" };
    let diff = TextDiff::configure().timeout(Duration::from_millis(200)).diff_lines(old_text, new_text);
    shortened(diff.unified_diff().context_radius(3).header(from, path).to_string())
}

fn shortened(diff: String) -> String {
    let lines = diff.lines().count();
    if lines <= MOST_LINES {
        return diff;
    }
    let cut: String = diff.split_inclusive('\n').take(MOST_LINES).collect();
    cut + &format!("… {} more lines\n", lines - MOST_LINES)
}

/// A unified diff in which a file goes.
pub(crate) fn removed(path: &str, old: &[u8]) -> String {
    let Some(text) = text(old) else { return format!("{path}: a file of {} bytes goes\n", old.len()) };
    let diff = TextDiff::configure().timeout(Duration::from_millis(200)).diff_lines(text, "");
    shortened(diff.unified_diff().context_radius(3).header(path, "/dev/null").to_string())
}

/// A diff without the stored credentials that stand in it or around it.
pub(crate) fn masked(cx: &Context, diff: &str) -> String {
    let mut mask = cx.host.mask(&[]);
    let mut shown = mask.push(diff.as_bytes());
    shown.extend(mask.finish());
    String::from_utf8_lossy(&shown).into_owned()
}

fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > MOST_BYTES || bytes.contains(&0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_changes_and_where() {
        let diff = unified("/a", Some(b"one\ntwo\n"), b"one\n2\n");
        assert_eq!(diff, "--- /a\n+++ /a\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
        assert_eq!(unified("/a", None, b"x\n"), "--- /dev/null\n+++ /a\n@@ -0,0 +1 @@\n+x\n");
    }

    #[test]
    fn what_cannot_be_read_is_described() {
        assert_eq!(unified("/a", Some(b"\0"), b"text"), "/a: 1 bytes become 4 bytes\n");
        assert_eq!(unified("/a", None, &[0xff]), "/a: a new file of 1 bytes\n");
        let long = "line\n".repeat(1000);
        let diff = unified("/a", None, long.as_bytes());
        assert_eq!(diff.lines().count(), MOST_LINES + 1);
        assert!(diff.ends_with("… 603 more lines\n"), "3 lines of header and 1000 of content, 400 shown");
    }
}
