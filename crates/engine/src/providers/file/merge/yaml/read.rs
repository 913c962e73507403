//! A YAML document with the places of its values.

use std::{ops::Range, sync::LazyLock};

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};
use indexmap::IndexMap;
use regex::Regex;

use crate::providers::file::merge::{
    text::{line_end, next_line},
    tree::Tree,
};

/// A value where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// From its first character to past its last. Of what is written as a block: from its first value to past its last.
    pub(super) place: Range<usize>,
    /// Whether it has an anchor or a tag, or is an alias: then others depend on it, or it on others.
    pub(super) special: bool,
    pub(super) flow: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar { text: String, style: ScalarStyle },
    List(Vec<Node>),
    Fields(Vec<(Node, Node)>),
    Alias,
}

impl Node {
    /// The value of the field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&(Self, Self)> {
        match &self.kind {
            Kind::Fields(fields) => fields.iter().find(|(key, _)| key.name() == Some(name)),
            Kind::Scalar { .. } | Kind::List(_) | Kind::Alias => None,
        }
    }

    /// The text of a scalar.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Fields(_) | Kind::Alias => None,
        }
    }

    /// Whether it stands on lines of its own below its key.
    pub(super) fn is_block(&self) -> bool {
        matches!(self.kind, Kind::List(_) | Kind::Fields(_)) && !self.flow
    }

    pub(super) fn is_block_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. })
    }

    /// Whether something in it has an anchor or a tag, or is an alias.
    pub(super) fn is_tied(&self) -> bool {
        self.special
            || match &self.kind {
                Kind::Scalar { .. } | Kind::Alias => false,
                Kind::List(items) => items.iter().any(Self::is_tied),
                Kind::Fields(fields) => fields.iter().any(|(key, value)| key.is_tied() || value.is_tied()),
            }
    }

    pub(super) fn tree(&self, text: &str) -> Result<Tree, String> {
        let written = || Tree::Written(text.get(self.place.clone()).unwrap_or_default().to_owned());
        Ok(match &self.kind {
            Kind::Alias => written(),
            Kind::Scalar { .. } if self.special => written(),
            Kind::Scalar { text, style: ScalarStyle::Plain } => plain(text),
            Kind::Scalar { text, .. } => Tree::Text(text.clone()),
            Kind::List(items) => {
                Tree::List(items.iter().map(|item| item.tree(text)).collect::<Result<_, _>>()?)
            }
            Kind::Fields(fields) => {
                let mut found = IndexMap::new();
                for (key, value) in fields {
                    let name = match key.name() {
                        Some(name) if !key.special => name,
                        _ => text.get(key.place.clone()).unwrap_or_default(),
                    };
                    if found.insert(name.to_owned(), value.tree(text)?).is_some() {
                        return Err(format!("`{name}` is there twice"));
                    }
                }
                Tree::Fields(found)
            }
        })
    }
}

/// The only document of a text; none if it holds none, or nothing.
pub(super) fn document(text: &str) -> Result<Option<Node>, String> {
    let mut builder = Builder { text, open: Vec::new(), root: None, documents: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        builder.take(event, span)?;
    }
    let empty = |root: &Node| {
        matches!(&root.kind, Kind::Scalar { style: ScalarStyle::Plain, .. })
            && root.place.is_empty()
            && !root.special
    };
    Ok(builder.root.filter(|root| !empty(root)))
}

struct Builder<'a> {
    text: &'a str,
    /// Collections that have not ended, outermost first, with the key that waits for its value.
    open: Vec<(Node, Option<Node>)>,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        let place = span.byte_range().ok_or("it has places that cannot be found")?;
        let special = |anchor: usize, tag: Option<&Tag>| anchor != 0 || tag.is_some();
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("it holds more than one document".to_owned());
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let place = if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    self.block_scalar(place)
                } else {
                    place
                };
                let special = special(anchor, tag.as_deref());
                // An empty value has no place of its own.
                let text = if place.is_empty() { String::new() } else { text.into_owned() };
                self.add(Node { kind: Kind::Scalar { text, style }, place, special, flow: true });
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(Kind::List(Vec::new()), style, place, special(anchor, tag.as_deref()));
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(Kind::Fields(Vec::new()), style, place, special(anchor, tag.as_deref()));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((mut node, _)) = self.open.pop() {
                    if node.flow {
                        node.place.end = place.end;
                    }
                    self.add(node);
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.add(Node { kind: Kind::Alias, place, special: true, flow: true });
            }
            // Comments are not values; the rest marks beginnings and ends.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, style: StructureStyle, place: Range<usize>, special: bool) {
        let flow = style == StructureStyle::Flow;
        self.open.push((Node { kind, place, special, flow }, None));
    }

    fn add(&mut self, node: Node) {
        let Some((around, key)) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        around.place.end = around.place.end.max(node.place.end);
        match &mut around.kind {
            Kind::List(items) => items.push(node),
            Kind::Fields(fields) => match key.take() {
                Some(key) => fields.push((key, node)),
                None => *key = Some(node),
            },
            Kind::Scalar { .. } | Kind::Alias => {}
        }
    }

    /// A block scalar from its `|` or `>` to the end of its last line that says something; of one that keeps its empty
    /// last lines, to past them.
    fn block_scalar(&self, content: Range<usize>) -> Range<usize> {
        let before = self.text.get(..content.start).unwrap_or_default();
        let header_line = before.trim_end_matches([' ', '\t']).trim_end_matches(['\n', '\r']);
        let line = header_line.rfind('\n').map_or(0, |at| at + 1);
        // The sign stands behind the key's colon or the item's dash, and only a comment may come after it.
        let header = header_line.get(line..).unwrap_or_default();
        let code = header.find(" #").map_or(header, |comment| header.get(..comment).unwrap_or_default());
        let Some(sign) = code.rfind(['|', '>']) else { return content };
        let said = self.text.get(content.clone()).unwrap_or_default();
        let end = if code.get(sign..).is_some_and(|sign| sign.contains('+')) {
            content.end
        } else {
            content.start + said.trim_end().len()
        };
        line + sign..end
    }
}

/// Past the colon behind a key, if there is one on its line.
pub(super) fn colon(text: &str, key: &Node) -> Option<usize> {
    let rest = text.get(key.place.end..line_end(text, key.place.end))?;
    let spaces = rest.len() - rest.trim_start().len();
    rest.trim_start().starts_with(':').then_some(key.place.end + spaces + 1)
}

/// Where the lines of a block below its key begin: the first that is neither empty nor a comment.
pub(super) fn block_start(text: &str, colon: usize, end: usize) -> usize {
    let mut at = next_line(text, colon);
    while at < end {
        let line = text.get(at..line_end(text, at)).unwrap_or_default().trim();
        if !line.is_empty() && !line.starts_with('#') {
            break;
        }
        at = next_line(text, at);
    }
    at
}

/// What a plain scalar says. What readers of YAML 1.1 and 1.2 understand differently is left as it is written.
pub(super) fn plain(text: &str) -> Tree {
    static WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^-?(0|[1-9][0-9]*)$").ok());
    static FRACTION: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?$").ok());
    static UNSURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^([-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?", // numbers as 1.1 or 1.2 may have them
            r"|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?",
            r"|[-+]?0[xob][0-9a-fA-F_]+",
            r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", // in base 60
            r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
            r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?", // dates
            r"|y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF|<<|=)$",
        ))
        .ok()
    });
    let is =
        |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Tree::Null,
        "true" | "True" | "TRUE" => Tree::Bool(true),
        "false" | "False" | "FALSE" => Tree::Bool(false),
        _ if is(&WHOLE) || is(&FRACTION) => match text.parse() {
            Ok(number) => Tree::Number(number),
            Err(_) => Tree::Written(text.to_owned()),
        },
        _ if is(&UNSURE) => Tree::Written(text.to_owned()),
        _ => Tree::Text(text.to_owned()),
    }
}
