//! Foreign texts as one tree, whatever they are written in. Every value knows its line; scalars stay as they were
//! spelled, because `1.10` is a version here and no number.

use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions,
    ast::{ObjectPropName, Value},
    common::Ranged,
    parse_to_ast,
};
use toml_edit::{Document, Item, Table};

use crate::{
    node::{self, Data, Node},
    problem::Problems,
};

/// A value and the line it begins at.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) line: u32,
    pub(super) data: Branch,
}

#[derive(Debug, Clone)]
pub(super) enum Branch {
    Nothing,
    Text(String),
    List(Vec<Tree>),
    Fields(Vec<(String, Tree)>),
}

/// Why a text is not what its name says: where, and in words.
pub(super) type Unreadable = (u32, String);

impl Tree {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Branch::Text(text) => Some(text),
            Branch::Nothing | Branch::List(_) | Branch::Fields(_) => None,
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.data {
            Branch::List(items) => items,
            Branch::Nothing | Branch::Text(_) | Branch::Fields(_) => &[],
        }
    }

    pub(super) fn fields(&self) -> &[(String, Self)] {
        match &self.data {
            Branch::Fields(fields) => fields,
            Branch::Nothing | Branch::Text(_) | Branch::List(_) => &[],
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of a field, whatever the case of its name: PowerShell does not mind.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.fields()
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.text())
    }

    /// Refuses two fields of one name: one of them would be lost.
    fn without_doubles(self) -> Result<Self, Unreadable> {
        let mut seen = std::collections::HashSet::new();
        for (name, value) in self.fields() {
            if !seen.insert(name) {
                return Err((value.line, format!("`{name}` is written twice")));
            }
        }
        Ok(self)
    }
}

/// A text, and where its lines begin: a large file has many values.
struct Lines<'a> {
    text: &'a str,
    begins: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let begins = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { text, begins: begins.collect() }
    }

    /// The line of a place, from 1.
    fn at(&self, place: usize) -> u32 {
        u32::try_from(self.begins.partition_point(|begin| *begin <= place)).unwrap_or(u32::MAX).max(1)
    }
}

pub(super) fn yaml(text: &str) -> Result<Tree, Unreadable> {
    let mut problems = Problems::new(text);
    let root = node::parse(text, &mut problems);
    if let Some(first) = problems.found().first() {
        return Err((first.line, first.message.clone()));
    }
    let lines = Lines::of(text);
    root.map(|root| of_yaml(&root, &lines)).ok_or_else(|| (1, "there is nothing in it".to_owned()))
}

fn of_yaml(node: &Node, lines: &Lines<'_>) -> Tree {
    let data = match &node.data {
        Data::Null => Branch::Nothing,
        Data::Bool(_) | Data::Number(_) | Data::Text(_) => {
            node.as_text(lines.text).map_or(Branch::Nothing, Branch::Text)
        }
        Data::List(items) => Branch::List(items.iter().map(|item| of_yaml(item, lines)).collect()),
        Data::Map(entries) => Branch::Fields(
            entries.iter().map(|(key, value)| (key.key().to_owned(), of_yaml(value, lines))).collect(),
        ),
    };
    Tree { line: lines.at(node.span.start), data }
}

/// JSON, with comments and trailing commas.
pub(super) fn json(text: &str) -> Result<Tree, Unreadable> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let lines = Lines::of(text);
    let parsed = parse_to_ast(text, &collect, &options)
        .map_err(|error| (lines.at(error.range().start), error.kind().to_string()))?;
    let root = parsed.value.ok_or_else(|| (1, "there is nothing in it".to_owned()))?;
    of_json(&root, &lines)
}

fn of_json(value: &Value<'_>, lines: &Lines<'_>) -> Result<Tree, Unreadable> {
    let data = match value {
        Value::NullKeyword(_) => Branch::Nothing,
        Value::StringLit(value) => Branch::Text(value.value.to_string()),
        Value::NumberLit(value) => Branch::Text(value.value.to_owned()),
        Value::BooleanLit(value) => Branch::Text(value.value.to_string()),
        Value::Array(array) => {
            Branch::List(array.elements.iter().map(|item| of_json(item, lines)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            let field = |property: &jsonc_parser::ast::ObjectProp<'_>| {
                let name = match &property.name {
                    ObjectPropName::String(name) => name.value.to_string(),
                    ObjectPropName::Word(name) => name.value.to_owned(),
                };
                let mut value = of_json(&property.value, lines)?;
                value.line = lines.at(property.start());
                Ok((name, value))
            };
            Branch::Fields(object.properties.iter().map(field).collect::<Result<_, _>>()?)
        }
    };
    Tree { line: lines.at(value.start()), data }.without_doubles()
}

pub(super) fn toml(text: &str) -> Result<Tree, Unreadable> {
    let lines = Lines::of(text);
    let document = Document::parse(text)
        .map_err(|error| (lines.at(error.span().map_or(0, |span| span.start)), error.message().to_owned()))?;
    Ok(of_table(document.as_table(), &lines, 1))
}

fn of_table(table: &Table, lines: &Lines<'_>, around: u32) -> Tree {
    let line = table.span().map_or(around, |span| lines.at(span.start));
    let fields = table.iter().map(|(name, item)| {
        let line = table.key(name).and_then(toml_edit::Key::span).map_or(line, |span| lines.at(span.start));
        (name.to_owned(), Tree { line, ..of_item(item, lines, line) })
    });
    Tree { line, data: Branch::Fields(fields.collect()) }
}

fn of_item(item: &Item, lines: &Lines<'_>, around: u32) -> Tree {
    match item {
        Item::None => Tree { line: around, data: Branch::Nothing },
        Item::Value(value) => of_toml(value, lines, around),
        Item::Table(table) => of_table(table, lines, around),
        Item::ArrayOfTables(tables) => Tree {
            line: around,
            data: Branch::List(tables.iter().map(|table| of_table(table, lines, around)).collect()),
        },
    }
}

fn of_toml(value: &toml_edit::Value, lines: &Lines<'_>, around: u32) -> Tree {
    use toml_edit::Value as V;
    let span = value.span();
    let line = span.as_ref().map_or(around, |span| lines.at(span.start));
    let data = match value {
        V::String(value) => Branch::Text(value.value().clone()),
        V::Integer(_) | V::Float(_) | V::Boolean(_) | V::Datetime(_) => {
            Branch::Text(span.and_then(|span| lines.text.get(span)).unwrap_or_default().trim().to_owned())
        }
        V::Array(array) => Branch::List(array.iter().map(|item| of_toml(item, lines, line)).collect()),
        V::InlineTable(table) => Branch::Fields(
            table.iter().map(|(name, value)| (name.to_owned(), of_toml(value, lines, line))).collect(),
        ),
    };
    Tree { line, data }
}
