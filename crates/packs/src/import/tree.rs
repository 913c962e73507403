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
        for (at, (name, value)) in self.fields().iter().enumerate() {
            if self.fields()[..at].iter().any(|(other, _)| other == name) {
                return Err((value.line, format!("`{name}` is written twice")));
            }
        }
        Ok(self)
    }
}

/// The line of a place in a text, from 1.
fn line_of(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    u32::try_from(before.iter().filter(|byte| **byte == b'\n').count() + 1).unwrap_or(u32::MAX)
}

pub(super) fn yaml(text: &str) -> Result<Tree, Unreadable> {
    let mut problems = Problems::new(text);
    let root = node::parse(text, &mut problems);
    if let Some(first) = problems.found().first() {
        return Err((first.line, first.message.clone()));
    }
    root.map(|root| of_yaml(&root, text)).ok_or_else(|| (1, "there is nothing in it".to_owned()))
}

fn of_yaml(node: &Node, text: &str) -> Tree {
    let data = match &node.data {
        Data::Null => Branch::Nothing,
        Data::Bool(_) | Data::Number(_) | Data::Text(_) => {
            node.as_text(text).map_or(Branch::Nothing, Branch::Text)
        }
        Data::List(items) => Branch::List(items.iter().map(|item| of_yaml(item, text)).collect()),
        Data::Map(entries) => Branch::Fields(
            entries.iter().map(|(key, value)| (key.key().to_owned(), of_yaml(value, text))).collect(),
        ),
    };
    Tree { line: line_of(text, node.span.start), data }
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
    let parsed = parse_to_ast(text, &collect, &options)
        .map_err(|error| (line_of(text, error.range().start), error.kind().to_string()))?;
    let root = parsed.value.ok_or_else(|| (1, "there is nothing in it".to_owned()))?;
    of_json(&root, text)
}

fn of_json(value: &Value<'_>, text: &str) -> Result<Tree, Unreadable> {
    let data = match value {
        Value::NullKeyword(_) => Branch::Nothing,
        Value::StringLit(value) => Branch::Text(value.value.to_string()),
        Value::NumberLit(value) => Branch::Text(value.value.to_owned()),
        Value::BooleanLit(value) => Branch::Text(value.value.to_string()),
        Value::Array(array) => {
            Branch::List(array.elements.iter().map(|item| of_json(item, text)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            let field = |property: &jsonc_parser::ast::ObjectProp<'_>| {
                let name = match &property.name {
                    ObjectPropName::String(name) => name.value.to_string(),
                    ObjectPropName::Word(name) => name.value.to_owned(),
                };
                let mut value = of_json(&property.value, text)?;
                value.line = line_of(text, property.start());
                Ok((name, value))
            };
            Branch::Fields(object.properties.iter().map(field).collect::<Result<_, _>>()?)
        }
    };
    Tree { line: line_of(text, value.start()), data }.without_doubles()
}

pub(super) fn toml(text: &str) -> Result<Tree, Unreadable> {
    let document = Document::parse(text).map_err(|error| {
        (line_of(text, error.span().map_or(0, |span| span.start)), error.message().to_owned())
    })?;
    Ok(of_table(document.as_table(), text, 1))
}

fn of_table(table: &Table, text: &str, around: u32) -> Tree {
    let line = table.span().map_or(around, |span| line_of(text, span.start));
    let fields = table.iter().map(|(name, item)| {
        let line =
            table.key(name).and_then(toml_edit::Key::span).map_or(line, |span| line_of(text, span.start));
        (name.to_owned(), Tree { line, ..of_item(item, text, line) })
    });
    Tree { line, data: Branch::Fields(fields.collect()) }
}

fn of_item(item: &Item, text: &str, around: u32) -> Tree {
    match item {
        Item::None => Tree { line: around, data: Branch::Nothing },
        Item::Value(value) => of_toml(value, text, around),
        Item::Table(table) => of_table(table, text, around),
        Item::ArrayOfTables(tables) => Tree {
            line: around,
            data: Branch::List(tables.iter().map(|table| of_table(table, text, around)).collect()),
        },
    }
}

fn of_toml(value: &toml_edit::Value, text: &str, around: u32) -> Tree {
    use toml_edit::Value as V;
    let span = value.span();
    let line = span.as_ref().map_or(around, |span| line_of(text, span.start));
    let data = match value {
        V::String(value) => Branch::Text(value.value().clone()),
        V::Integer(_) | V::Float(_) | V::Boolean(_) | V::Datetime(_) => {
            Branch::Text(span.and_then(|span| text.get(span)).unwrap_or_default().trim().to_owned())
        }
        V::Array(array) => Branch::List(array.iter().map(|item| of_toml(item, text, line)).collect()),
        V::InlineTable(table) => Branch::Fields(
            table.iter().map(|(name, value)| (name.to_owned(), of_toml(value, text, line))).collect(),
        ),
    };
    Tree { line, data }
}
