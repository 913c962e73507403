//! Reading one field after another, saying what was expected where something else was found.

use std::{ops::Range, time::Duration};

use firstlight_domain::{id::IdError, span};

use crate::{
    names,
    node::{Data, Node},
    problem::{ProblemCode, Problems},
};

/// A map whose keys were checked.
pub(crate) struct Fields<'n> {
    node: &'n Node,
    /// Where something missing is reported: the key of this map.
    at: Range<usize>,
    /// What it is, for messages: "a step".
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// Checks that a node is a map with known fields. Unknown ones are reported and passed over.
    pub(crate) fn open(
        node: &'n Node,
        at: &Range<usize>,
        known: &[&str],
        what: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        if !matches!(node.data, Data::Map(_)) {
            problems
                .error(
                    ProblemCode::BadValue,
                    place(node, at),
                    format!("{what} is a group of fields, not {}", node.describe()),
                )
                .help(format!("its fields are {}", names::list(known.iter().copied())));
            return None;
        }
        for (key, _) in node.entries() {
            if !known.contains(&key.key()) {
                unknown(key, known, what, problems);
            }
        }
        Some(Self { node, at: at.clone(), what })
    }

    /// A field, if it is there and holds something.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.node.get(name).filter(|node| !node.is_null())
    }

    /// A field that has to be there.
    pub(crate) fn need(&self, name: &str, example: &str, problems: &mut Problems<'_>) -> Option<&'n Node> {
        let found = self.get(name);
        if found.is_none() {
            let empty = self.node.entries().iter().find(|(key, _)| key.key() == name);
            let (span, message) = match empty {
                Some((key, _)) => (key.span.clone(), format!("`{name}` is empty")),
                None => (self.at.clone(), format!("{} has no `{name}`", self.what)),
            };
            problems.error(ProblemCode::MissingField, span, message).help(format!("add `{name}: {example}`"));
        }
        found
    }

    pub(crate) fn text(&self, name: &str, problems: &mut Problems<'_>) -> Option<String> {
        self.get(name).and_then(|node| text(node, name, problems))
    }

    pub(crate) fn need_text(&self, name: &str, example: &str, problems: &mut Problems<'_>) -> String {
        let node = self.need(name, example, problems);
        let found = node.and_then(|node| text(node, name, problems)).unwrap_or_default();
        if let Some(node) = node
            && matches!(&node.data, Data::Text(text) if text.trim().is_empty())
        {
            problems
                .error(ProblemCode::MissingField, place(node, &self.at), format!("`{name}` is empty"))
                .help(format!("write `{name}: {example}`"));
        }
        found
    }

    pub(crate) fn flag(&self, name: &str, problems: &mut Problems<'_>) -> Option<bool> {
        let node = self.get(name)?;
        if let Data::Bool(value) = node.data {
            return Some(value);
        }
        wrong(node, name, "true or false", problems).help(format!("write `{name}: true`"));
        None
    }

    pub(crate) fn duration(&self, name: &str, problems: &mut Problems<'_>) -> Option<Duration> {
        let node = self.get(name)?;
        let text = text(node, name, problems)?;
        match span::parse(&text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                problems
                    .error(
                        ProblemCode::BadValue,
                        node.span.clone(),
                        format!("`{text}` is not a length of time"),
                    )
                    .help(duration_help(&error.0));
                None
            }
        }
    }

    /// A whole number of at most `max`.
    pub(crate) fn whole(&self, name: &str, max: u64, problems: &mut Problems<'_>) -> Option<u64> {
        let node = self.get(name)?;
        let found = match &node.data {
            Data::Number(number) => number.as_u64().filter(|number| *number <= max),
            _ => None,
        };
        if found.is_none() {
            problems
                .error(
                    ProblemCode::BadValue,
                    node.span.clone(),
                    format!("`{name}` is a whole number up to {max}"),
                )
                .help(format!("write `{name}: 1`"));
        }
        found
    }

    /// A list of texts, each with its place.
    pub(crate) fn texts(&self, name: &str, problems: &mut Problems<'_>) -> Vec<(String, Range<usize>)> {
        self.get(name).map(|node| texts(node, name, problems)).unwrap_or_default()
    }
}

fn duration_help(text: &str) -> String {
    let number: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    if number.is_empty() || number.len() > 6 {
        "write it like `30s`, `20m`, `2h` or `1d`".to_owned()
    } else {
        format!("say of what, without a space: `{number}s`, `{number}m`, `{number}h` or `{number}d`")
    }
}

/// Reports a field that is not known.
pub(crate) fn unknown(key: &Node, known: &[&str], what: &str, problems: &mut Problems<'_>) {
    let name = key.key();
    let help = match names::nearest_field(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove it".to_owned(),
        None => format!("the fields are {}", names::list(known.iter().copied())),
    };
    problems
        .error(ProblemCode::UnknownField, key.span.clone(), format!("`{name}` is not a field of {what}"))
        .help(help);
}

/// A scalar as text: `20` and `true` are taken as they were written.
pub(crate) fn text(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<String> {
    let found = node.as_text(problems.text());
    if found.is_none() {
        wrong(node, name, "a text", problems);
    }
    found
}

/// A list of texts, each with its place. One text alone is reported, and taken as a list of one.
pub(crate) fn texts(node: &Node, name: &str, problems: &mut Problems<'_>) -> Vec<(String, Range<usize>)> {
    if let Data::List(items) = &node.data {
        let each = |item: &Node| text(item, name, problems).map(|text| (text, item.span.clone()));
        return items.iter().filter_map(each).collect();
    }
    let alone = node.as_text(problems.text());
    let problem = wrong(node, name, "a list", problems);
    if let Some(alone) = &alone {
        problem.help(format!("write `{name}: [{alone}]`"));
    }
    alone.into_iter().map(|text| (text, node.span.clone())).collect()
}

fn wrong<'p>(
    node: &Node,
    name: &str,
    expected: &str,
    problems: &'p mut Problems<'_>,
) -> crate::problem::Added<'p> {
    let message = format!("`{name}` is {expected}, not {}", node.describe());
    problems.error(ProblemCode::BadValue, node.span.clone(), message)
}

/// Reads an id, reporting what is wrong with it.
pub(crate) fn id<T>(
    text: &str,
    span: &Range<usize>,
    new: impl Fn(&str) -> Result<T, IdError>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    match new(text) {
        Ok(id) => Some(id),
        Err(error) => {
            let plain: String = text
                .trim()
                .to_lowercase()
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
                .take(64)
                .collect();
            let plain = plain.trim_start_matches(['-', '_', '.']).trim_end_matches('-');
            let problem = problems.error(ProblemCode::BadId, span.clone(), error.to_string());
            if !plain.is_empty() {
                problem.help(format!("for example `{plain}`"));
            }
            None
        }
    }
}

/// Where a node is shown: itself, or its key where it has no text of its own.
pub(crate) fn place(node: &Node, key: &Range<usize>) -> Range<usize> {
    if node.span.is_empty() { key.clone() } else { node.span.clone() }
}
