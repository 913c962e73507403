//! Durations, counts and states in plain words.

use firstlight_contract::{
    journey::StepStateView,
    markdown::{Block, Inline},
    report::TimeKind,
};
use jiff::{Timestamp, tz::TimeZone};

/// "3 h 12 min", "41 min", "22 s".
pub(crate) fn duration(seconds: u32) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) if seconds < 600 && !seconds.is_multiple_of(60) => {
            format!("{minutes} min {} s", seconds % 60)
        }
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A moment of the contract (RFC 3339) in the person's own zone, to the minute.
pub(crate) fn moment(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(
        |_| text.to_owned(),
        |at| at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// A folder as a shell would let one write it: `~` for the home.
pub(crate) fn below_home(folder: &str, home: &str) -> String {
    match folder.strip_prefix(home) {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => folder.to_owned(),
    }
}

/// "84 MB", "1.4 MB", "12 kB": a power of a thousand, and a digit more where there is only one.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes.saturating_mul(10).div_ceil(unit);
    match tenths {
        0..100 if unit > 1_000 => format!("{}.{} {name}", tenths / 10, tenths % 10),
        _ => format!("{} {name}", tenths.div_ceil(10)),
    }
}

/// "1 step", "2 steps".
pub(crate) fn count(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A sign and a word for a state: never by colour alone.
pub(crate) fn state(state: &StepStateView) -> (&'static str, &'static str) {
    match state {
        StepStateView::Pending => ("·", "to come"),
        StepStateView::Ready => ("○", "ready"),
        StepStateView::Running { .. } => ("▸", "running"),
        StepStateView::Satisfied { .. } => ("✓", "fine"),
        StepStateView::Changed { .. } => ("✓", "done"),
        StepStateView::Failed { .. } => ("✗", "failed"),
        StepStateView::Blocked { .. } => ("■", "blocked"),
        StepStateView::Waiting { .. } => ("…", "waiting"),
        StepStateView::Unknown { .. } => ("?", "unknown"),
        StepStateView::Skipped { .. } => ("–", "not needed"),
        StepStateView::Undone => ("↶", "undone"),
    }
}

/// A kind of time.
pub(crate) fn time_kind(kind: TimeKind) -> &'static str {
    match kind {
        TimeKind::Automatic => "automatic",
        TimeKind::Failing => "failing",
        TimeKind::HandsOn => "hands-on",
        TimeKind::Waiting => "waiting for others",
        TimeKind::Away => "away",
    }
}

/// Markdown blocks as plain indented text.
pub(crate) fn markdown(blocks: &[Block]) -> String {
    let mut text = String::new();
    write_blocks(blocks, "  ", &mut text);
    text
}

fn write_blocks(blocks: &[Block], indent: &str, into: &mut String) {
    for block in blocks {
        match block {
            Block::Heading { inlines, .. } => {
                push(into, indent, &format!("\u{1b}[1m{}\u{1b}[0m", plain(inlines)));
            }
            Block::Paragraph { inlines } => push(into, indent, &plain(inlines)),
            Block::Code { text, .. } => {
                text.lines().for_each(|line| push(into, indent, &format!("  {line}")));
            }
            Block::Quote { blocks } => write_blocks(blocks, &format!("{indent}| "), into),
            Block::Table { head, rows } => {
                for cells in [head].into_iter().chain(rows) {
                    let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
                    push(into, indent, &cells.join(" | "));
                }
            }
            Block::Rule => push(into, indent, "---"),
            Block::List { ordered, items } => {
                for (number, item) in items.iter().enumerate() {
                    let mark = if *ordered { format!("{}. ", number + 1) } else { "- ".to_owned() };
                    let mut inner = String::new();
                    write_blocks(item, &format!("{indent}{}", " ".repeat(mark.len())), &mut inner);
                    let rest = inner.get(indent.len() + mark.len()..).unwrap_or_default();
                    into.extend([indent, &mark, rest]);
                }
            }
        }
    }
}

fn push(into: &mut String, indent: &str, line: &str) {
    into.push_str(indent);
    into.push_str(line);
    into.push('\n');
}

fn plain(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text { text } => text.clone(),
            Inline::Code { text } => format!("`{text}`"),
            Inline::Emphasis { inlines } | Inline::Strong { inlines } => plain(inlines),
            Inline::Link { url, inlines } => format!("{} ({url})", plain(inlines)),
            Inline::DocLink { path, anchor, inlines } => {
                let anchor = anchor.as_deref().map_or_else(String::new, |anchor| format!("#{anchor}"));
                format!("{} ({path}{anchor})", plain(inlines))
            }
            Inline::StepLink { step, inlines } => format!("{} (step {step})", plain(inlines)),
            Inline::Image { path, alt, .. } => format!("[{alt}] ({path})"),
            Inline::Break => "\n".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_reads_as_text() {
        let text = |text: &str| vec![Inline::Text { text: text.to_owned() }];
        let item = |words: &str| vec![Block::Paragraph { inlines: text(words) }];
        let blocks = [
            Block::Paragraph { inlines: text("Hello") },
            Block::List { ordered: true, items: vec![item("one"), item("two")] },
            Block::Code { language: String::new(), text: "git\n".into() },
        ];
        assert_eq!(markdown(&blocks), "  Hello\n  1. one\n  2. two\n    git\n");
    }

    #[test]
    fn the_home_is_a_tilde_and_its_neighbours_are_not() {
        let said = |folder: &str| below_home(folder, "/home/ada");
        assert_eq!([said("/home/ada"), said("/home/ada/src")], ["~", "~/src"]);
        assert_eq!([said("/home/adam"), said("/opt")], ["/home/adam", "/opt"]);
    }

    #[test]
    fn durations_read_like_a_person_says_them() {
        let said: Vec<String> =
            [0, 22, 60, 95, 2_460, 11_520, 7_200, 90_000].into_iter().map(duration).collect();
        assert_eq!(said, ["0 s", "22 s", "1 min", "1 min 35 s", "41 min", "3 h 12 min", "2 h", "1 d 1 h"]);
    }
}
