//! Values as YAML writes them.

use indexmap::IndexMap;

use super::read::plain;
use crate::providers::file::merge::{text::quoted, tree::Tree};

/// A value as it follows a key's colon: on the same line, or (with a line break first) in lines of its own, indented by
/// so many spaces.
pub(super) fn value(value: &Tree, indent: usize, step: usize) -> String {
    match value {
        Tree::Fields(fields) if !fields.is_empty() => format!("\n{}", field_lines(fields, indent, step)),
        Tree::List(items) if !items.is_empty() => format!("\n{}", item_lines(items, indent, step)),
        _ => inline(value),
    }
}

/// A field in lines of its own.
pub(super) fn field(name: &str, value_: &Tree, indent: usize, step: usize) -> String {
    let text = value(value_, indent + step, step);
    let space = if text.starts_with('\n') { "" } else { " " };
    format!("{:indent$}{}:{space}{text}", "", scalar(name))
}

fn field_lines(fields: &IndexMap<String, Tree>, indent: usize, step: usize) -> String {
    let lines: Vec<String> = fields.iter().map(|(name, value)| field(name, value, indent, step)).collect();
    lines.join("\n")
}

fn item_lines(items: &[Tree], indent: usize, step: usize) -> String {
    let lines = items.iter().map(|item| {
        let text = match item {
            Tree::Fields(fields) if !fields.is_empty() => field_lines(fields, indent + 2, step),
            Tree::List(items) if !items.is_empty() => item_lines(items, indent + 2, step),
            _ => inline(item),
        };
        format!("{:indent$}- {}", "", text.trim_start())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A value on one line.
pub(super) fn inline(value: &Tree) -> String {
    match value {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Text(text) => scalar(text),
        Tree::Written(written) => written.clone(),
        Tree::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Tree::Fields(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{}: {}", scalar(name), inline(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text, without quotes where nobody can take it for anything else.
pub(super) fn scalar(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.'));
    let harmless =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '@' | ' ');
    // A colon means something before a space, and at the end.
    let colons = text.contains(": ") || text.ends_with(':');
    let simple = starts && !colons && !text.ends_with(' ') && text.chars().all(|c| harmless(c) || c == ':');
    if simple && !text.starts_with("...") && plain(text) == Tree::Text(text.to_owned()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text_for_every_reader() {
        for word in ["plain", "with space", "https://a.test/b", "a-b_c.d", "/usr/bin", "1.2.3", "v1"] {
            assert_eq!(scalar(word), word);
        }
        for word in [
            "",
            "yes",
            "No",
            "on",
            "~",
            "null",
            "true",
            "1",
            "1.5",
            "0x1F",
            "012",
            "1_000",
            "12:30",
            "2024-01-02",
            "- a",
            "a: b",
            "a:",
            "#a",
            "a #b",
            "*a",
            "&a",
            "!a",
            "@a",
            "{a",
            "[a",
            "\"a",
            "'a",
            "a\nb",
            " a",
            "a ",
            "%a",
            "...",
            "<<",
            "=",
            "1e3",
            ".5",
            ".inf",
            "a, b",
            "`a",
            "é",
        ] {
            assert_eq!(scalar(word), quoted(word), "{word}");
        }
    }
}
