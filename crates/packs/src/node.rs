//! The YAML text as a tree whose every node knows where it was written.
//!
//! Limits are tight: a pack is written by hand. Aliases and merge keys may be used within them.

use std::{collections::HashMap, ops::Range};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, Options, Spanned};

use crate::problem::{ProblemCode, Problems};

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) data: Data,
    /// Where it is used: for an alias, the alias.
    pub(crate) span: Range<usize>,
    /// Where it is defined: for an alias, what it stands for.
    written: Range<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// Keys are texts once [`parse`] returned.
    Map(Vec<(Node, Node)>),
}

/// Reads a text. `None`: it could not be read at all, and the problem says why. Duplicate keys are problems; the first
/// of them is kept, so that the rest can be looked at too.
pub(crate) fn parse(text: &str, problems: &mut Problems<'_>) -> Option<Node> {
    match serde_saphyr::from_str_with_options::<Node>(text, options()) {
        Ok(mut root) => {
            settle_keys(&mut root, text, problems);
            Some(root)
        }
        Err(error) => {
            report(&error, text, problems);
            None
        }
    }
}

/// A pack of 10,000 steps stays within these.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 600_000,
            max_nodes: 250_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: 5_000,
            max_recorded_anchor_bytes: 1024 * 1024,
            max_depth: 24,
            flow_nesting_limit: 24,
            max_documents: 2,
            max_merge_keys: 500,
            max_total_scalar_bytes: 4 * 1024 * 1024,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 5_000,
            max_replay_stack_depth: 8,
        },
        // Passed through, so that every one is reported, with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // YAML 1.2: `no` and `on` are texts.
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    }
}

fn report(error: &serde_saphyr::Error, text: &str, problems: &mut Problems<'_>) {
    use serde_saphyr::Error as E;
    let span = error.location().map_or(0..0, |location| place(&location, text));
    match error.without_snippet() {
        E::Budget { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. }
        | E::AliasReplayCounterOverflow { .. } => problems
            .error(
                ProblemCode::TooComplex,
                span,
                "this YAML is nested too deeply, or repeats itself too much",
            )
            .help("a pack may be nested 24 deep and hold 250,000 values, aliases included"),
        E::MultipleDocuments { .. } => problems
            .error(ProblemCode::BadYaml, span, "a pack is one YAML document")
            .help("remove the `---` and what follows it"),
        other => problems.error(ProblemCode::BadYaml, span, format!("this is not YAML: {}", plain(other))),
    };
}

/// The parser's words on one line, without the position that the report shows anyway.
fn plain(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.find(" at line ").map_or(line, |end| &line[..end]);
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.trim_end_matches(':').to_owned()
}

/// The range of a location; the scanner's errors know only line and column.
fn place(location: &Location, text: &str) -> Range<usize> {
    if location.span().byte_offset().is_some() {
        return range(location);
    }
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    let start = before + rest.chars().take(column - 1).map(char::len_utf8).sum::<usize>();
    start..start + text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

fn range(location: &Location) -> Range<usize> {
    let span = location.span();
    let start = span.byte_offset().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let length = span.byte_len().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    start..start.saturating_add(length)
}

/// Makes every key a text and removes those that cannot be, and duplicates.
fn settle_keys(node: &mut Node, text: &str, problems: &mut Problems<'_>) {
    match &mut node.data {
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Text(_) => {}
        Data::List(items) => items.iter_mut().for_each(|item| settle_keys(item, text, problems)),
        Data::Map(entries) => {
            entries.retain_mut(|(key, _)| {
                if matches!(key.data, Data::Text(_)) {
                    return true;
                }
                let Some(name) = key.as_text(text) else {
                    problems.error(ProblemCode::BadValue, key.span.clone(), "a key is a text here");
                    return false;
                };
                key.data = Data::Text(name);
                true
            });
            let doubles = doubles(entries);
            for (first, again) in &doubles {
                let (first, again) = (&entries[*first].0, &entries[*again].0);
                problems
                    .error(
                        ProblemCode::DuplicateId,
                        again.span.clone(),
                        format!("`{}` is written twice", again.key()),
                    )
                    .label(first.span.clone(), "first here")
                    .help("rename or remove one of them");
            }
            let mut again = doubles.iter().map(|(_, again)| *again).peekable();
            let mut places = 0..;
            entries.retain(|_| {
                let place = places.next();
                again.next_if(|again| Some(*again) == place).is_none()
            });
            for (_, value) in entries {
                settle_keys(value, text, problems);
            }
        }
    }
}

/// The entries whose key was there before, each with the first of that key; in order.
fn doubles(entries: &[(Node, Node)]) -> Vec<(usize, usize)> {
    /// Up to here comparing each with each is quicker than hashing; a step has fewer fields.
    const FEW: usize = 12;
    let mut doubles = Vec::new();
    let mut seen = HashMap::new();
    for (index, (key, _)) in entries.iter().enumerate() {
        let first = if entries.len() <= FEW {
            entries[..index].iter().position(|(other, _)| other.key() == key.key())
        } else {
            Some(*seen.entry(key.key()).or_insert(index)).filter(|first| *first != index)
        };
        doubles.extend(first.map(|first| (first, index)));
    }
    doubles
}

impl Node {
    /// A scalar as it was written: `20`, `1.10` and `true` may be meant as text. `None` for null, lists and maps.
    pub(crate) fn as_text(&self, source: &str) -> Option<String> {
        match &self.data {
            Data::Text(text) => Some(text.clone()),
            Data::Bool(value) => Some(self.spelling(source).unwrap_or_else(|| value.to_string())),
            Data::Number(value) => Some(self.spelling(source).unwrap_or_else(|| value.to_string())),
            Data::Null | Data::List(_) | Data::Map(_) => None,
        }
    }

    fn spelling(&self, source: &str) -> Option<String> {
        let text = source.get(self.written.clone())?.trim();
        (!text.is_empty() && !text.contains(char::is_whitespace)).then(|| text.to_owned())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "true or false",
            Data::Number(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a group of fields",
        }
    }

    /// The entries of a map; empty for anything else.
    pub(crate) fn entries(&self) -> &[(Node, Node)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|(key, _)| key.key() == name).map(|(_, value)| value)
    }

    /// The text of a key.
    pub(crate) fn key(&self) -> &str {
        match &self.data {
            Data::Text(text) => text,
            _ => "",
        }
    }

    /// The value as JSON, numbers and booleans as such.
    pub(crate) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(value.clone()),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Data::Map(entries) => {
                entries.iter().map(|(key, value)| (key.key().to_owned(), value.to_json())).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Data>::deserialize(deserializer)?;
        Ok(Self { data: spanned.value, span: range(&spanned.referenced), written: range(&spanned.defined) })
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_none<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
        Ok(Number::from_f64(value).map_or_else(|| Data::Text(value.to_string()), Data::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Data, E> {
        Ok(Data::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Data, E> {
        Ok(Data::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Data::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_key_stays_however_many_there_are() {
        for others in [0, 30] {
            let keys = (0..others)
                .map(|n| format!("k{n}"))
                .chain(["a", "b", "a", "1", "c", "b", "a", "1"].map(str::to_owned));
            let lines: Vec<String> = keys.enumerate().map(|(n, key)| format!("{key}: {n}")).collect();
            let text = lines.join("\n");
            let mut problems = Problems::new(&text);
            let root = parse(&text, &mut problems).unwrap();
            let kept = root.entries().iter().skip(others).map(|(key, value)| (key.key(), value.to_json()));
            let first = |n: usize| Value::from(others + n);
            assert!(
                kept.eq([("a", first(0)), ("b", first(1)), ("1", first(3)), ("c", first(4))]),
                "{root:?}"
            );
            assert_eq!(problems.count(), 4);
        }
    }
}
