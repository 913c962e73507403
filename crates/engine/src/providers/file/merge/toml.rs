//! TOML.

use std::ops::Range;

use indexmap::IndexMap;
use toml_edit::{Document, InlineTable, Item, Key, Table, Value};

use super::{
    Language,
    text::{indent, line_end, line_start, next_line, quoted, splice, without_lines},
    tree::{Path, Tree},
};

pub(super) struct Toml;

impl Language for Toml {
    fn sayable(&self, fields: Tree) -> Result<Tree, String> {
        for (path, value) in fields.leaves(&Vec::new()) {
            if let Some(why) = unsayable(&value) {
                return Err(format!("`{}` {why}", path.join(".")));
            }
        }
        Ok(fields)
    }

    fn read(&self, text: &str) -> Result<Tree, String> {
        Ok(table_tree(parse(text)?.as_table()))
    }

    fn written(&self, text: &str, path: &[String]) -> Result<Option<String>, String> {
        let document = parse(text)?;
        let Some(Node::Value(value)) = at(document.as_table(), path) else { return Ok(None) };
        Ok(value.span().and_then(|span| text.get(span)).map(str::to_owned))
    }

    fn set(&self, text: &str, path: &[String], value: &Tree) -> Result<String, String> {
        let document = parse(text)?;
        let root = document.as_table();
        let (name, around) = path.split_last().ok_or("it has no name")?;
        match at(root, path) {
            Some(Node::Value(old)) => {
                let span = old.span().ok_or("it is part of another line")?;
                return Ok(splice(text, span, &inline(value)));
            }
            Some(Node::Table(_) | Node::Tables) => return Err("it is a table, not a single value".to_owned()),
            None => {}
        }
        match at(root, around) {
            Some(Node::Table(table)) if table.is_dotted() => {
                let last = last_entry(table).ok_or("it is part of another line")?;
                let start = line_start(text, last.start);
                let before = dotted_up_to(root, around, text, start)?;
                let line = format!("\n{before}{} = {}", key(name), inline(value));
                let end = line_end(text, last.end);
                Ok(splice(text, end..end, &line))
            }
            Some(Node::Table(table)) => match value {
                Tree::Fields(fields) => Ok(append(text, path, fields)),
                _ if table.is_implicit() && !around.is_empty() => {
                    let fields = IndexMap::from([(name.clone(), value.clone())]);
                    Ok(append(text, around, &fields))
                }
                _ => Ok(insert(text, root, table, name, value)),
            },
            Some(Node::Value(Value::InlineTable(table))) => insert_inline(text, table, name, value),
            Some(Node::Value(_) | Node::Tables) | None => Err("what is around it is not a table".to_owned()),
        }
    }

    fn remove(&self, text: &str, path: &[String]) -> Result<String, String> {
        let document = parse(text)?;
        let root = document.as_table();
        let (name, around) = path.split_last().ok_or("it has no name")?;
        let name_span = |table: Option<(&Key, Span)>| {
            let (key, value) = table.ok_or("it is not there")?;
            let (key, value) = key.span().zip(value).ok_or("it is part of another line")?;
            Ok::<_, String>(key.start..value.end)
        };
        match at(root, around) {
            Some(Node::Value(Value::InlineTable(table))) => {
                let entry = name_span(table.get_key_value(name).map(|(key, item)| (key, item.span())))?;
                Ok(remove_inline(text, table, entry))
            }
            Some(Node::Table(table)) => match table.get(name) {
                Some(Item::Table(inner)) if inner.is_empty() => {
                    let header = inner.span().ok_or("it is part of another line")?;
                    let start = line_start(text, header.start);
                    // So goes the empty line that was put before it.
                    let blank = start > 0
                        && indent(text, start - 1).len() + line_start(text, start - 1)
                            == line_end(text, start - 1);
                    let start = if blank { line_start(text, start - 1) } else { start };
                    Ok(without_lines(text, start..next_line(text, header.end)))
                }
                Some(Item::Table(_)) => Err("it is a table that holds something".to_owned()),
                _ => {
                    let entry = name_span(table.get_key_value(name).map(|(key, item)| (key, item.span())))?;
                    Ok(without_lines(text, line_start(text, entry.start)..next_line(text, entry.end)))
                }
            },
            Some(Node::Value(_) | Node::Tables) | None => Err("what is around it is not a table".to_owned()),
        }
    }
}

type Span = Option<Range<usize>>;

fn parse(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        let what = error.message().lines().next().unwrap_or("it cannot be read");
        line.map_or_else(|| what.to_owned(), |line| format!("line {line}: {what}"))
    })
}

/// What a path leads to.
enum Node<'a> {
    Table(&'a Table),
    /// Inline tables among them.
    Value(&'a Value),
    /// `[[…]]`.
    Tables,
}

fn at<'a>(root: &'a Table, path: &[String]) -> Option<Node<'a>> {
    path.iter().try_fold(Node::Table(root), |node, name| {
        let item = match node {
            Node::Table(table) => table.get(name)?,
            Node::Value(Value::InlineTable(table)) => return table.get(name).map(Node::Value),
            Node::Value(_) | Node::Tables => return None,
        };
        match item {
            Item::Table(table) => Some(Node::Table(table)),
            Item::Value(value) => Some(Node::Value(value)),
            Item::ArrayOfTables(_) => Some(Node::Tables),
            Item::None => None,
        }
    })
}

fn table_tree(table: &Table) -> Tree {
    let items = table.iter().map(|(name, item)| {
        let tree = match item {
            Item::None => Tree::Null,
            Item::Value(value) => value_tree(value),
            Item::Table(table) => table_tree(table),
            Item::ArrayOfTables(tables) => Tree::List(tables.iter().map(table_tree).collect()),
        };
        (name.to_owned(), tree)
    });
    Tree::Fields(items.collect())
}

fn value_tree(value: &Value) -> Tree {
    match value {
        Value::String(text) => Tree::Text(text.value().clone()),
        Value::Integer(number) => Tree::Number((*number.value()).into()),
        Value::Float(number) => match serde_json::Number::from_f64(*number.value()) {
            Some(number) => Tree::Number(number),
            None => Tree::Written(number.value().to_string()),
        },
        Value::Boolean(value) => Tree::Bool(*value.value()),
        Value::Datetime(date) => Tree::Written(date.value().to_string()),
        Value::Array(items) => Tree::List(items.iter().map(value_tree).collect()),
        Value::InlineTable(table) => {
            Tree::Fields(table.iter().map(|(name, value)| (name.to_owned(), value_tree(value))).collect())
        }
    }
}

/// The entry of a table that stands last, in it or in those its keys lead to with dots.
fn last_entry(table: &Table) -> Option<Range<usize>> {
    let entries = table.iter().filter_map(|(_, item)| match item {
        Item::Value(value) => value.span(),
        Item::Table(inner) if inner.is_dotted() => last_entry(inner),
        Item::Table(_) | Item::ArrayOfTables(_) | Item::None => None,
    });
    entries.max_by_key(|span| span.end)
}

/// What the key of a line begins with, so that it leads to the table at `path`; the line starts at `start`.
fn dotted_up_to(root: &Table, path: &[String], text: &str, start: usize) -> Result<String, String> {
    let first = (1..=path.len())
        .find(|length| {
            let table = path.get(..*length).and_then(|path| at(root, path));
            matches!(table, Some(Node::Table(table)) if table.is_dotted())
        })
        .ok_or("it is part of another line")?;
    let names: String = path.iter().skip(first - 1).flat_map(|name| [key(name), ".".to_owned()]).collect();
    Ok(format!("{}{names}", indent(text, start)))
}

/// Puts a line into a table, after its others; or below its header; or, for keys outside of tables, before the first.
fn insert(text: &str, root: &Table, table: &Table, name: &str, value: &Tree) -> String {
    let line = format!("{} = {}", key(name), inline(value));
    if let Some(last) = last_entry(table) {
        let end = line_end(text, last.end);
        let indent = indent(text, last.start);
        return splice(text, end..end, &format!("\n{indent}{line}"));
    }
    if !std::ptr::eq(root, table)
        && let Some(header) = table.span()
    {
        let end = line_end(text, header.end);
        return splice(text, end..end, &format!("\n{line}"));
    }
    let Some(mut at) = first_header(root).map(|start| line_start(text, start)) else {
        let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return splice(text, text.len()..text.len(), &format!("{line_break}{line}\n"));
    };
    // The comment above a table belongs to it.
    while at > 0
        && text
            .get(line_start(text, at - 1)..)
            .is_some_and(|line| line.trim_start_matches([' ', '\t']).starts_with('#'))
    {
        at = line_start(text, at - 1);
    }
    splice(text, at..at, &format!("{line}\n\n"))
}

fn first_header(table: &Table) -> Option<usize> {
    let headers = table.iter().filter_map(|(_, item)| match item {
        Item::Table(inner) => {
            [inner.span().map(|span| span.start), first_header(inner)].into_iter().flatten().min()
        }
        Item::ArrayOfTables(tables) => tables.span().map(|span| span.start),
        Item::Value(_) | Item::None => None,
    });
    headers.min()
}

fn insert_inline(text: &str, table: &InlineTable, name: &str, value: &Tree) -> Result<String, String> {
    let entry = format!("{} = {}", key(name), inline(value));
    if table.is_dotted() {
        return Err("it is part of another line".to_owned());
    }
    match table.iter().filter_map(|(_, value)| inline_end(value)).max() {
        Some(end) => Ok(splice(text, end..end, &format!(", {entry}"))),
        None => {
            let span = table.span().ok_or("it is part of another line")?;
            Ok(splice(text, span, &format!("{{ {entry} }}")))
        }
    }
}

fn inline_end(value: &Value) -> Option<usize> {
    match value {
        Value::InlineTable(table) if table.is_dotted() => {
            table.iter().filter_map(|(_, value)| inline_end(value)).max()
        }
        value => value.span().map(|span| span.end),
    }
}

fn remove_inline(text: &str, table: &InlineTable, entry: Range<usize>) -> String {
    if let (1, Some(span)) = (table.len(), table.span()) {
        return splice(text, span, "{}");
    }
    let after = text.get(entry.end..).unwrap_or_default();
    let comma = after.trim_start().strip_prefix(',');
    let cut = match comma {
        Some(rest) => entry.start..text.len() - rest.trim_start_matches([' ', '\t']).len(),
        None => {
            let before = text.get(..entry.start).unwrap_or_default().trim_end();
            before.strip_suffix(',').unwrap_or(before).len()..entry.end
        }
    };
    splice(text, cut, "")
}

/// Puts tables behind everything else, where they are always good.
fn append(text: &str, path: &[String], fields: &IndexMap<String, Tree>) -> String {
    let mut sections = Vec::new();
    write_sections(&path.to_vec(), fields, &mut sections);
    let sections = sections.join("\n");
    let before = if text.is_empty() {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    splice(text, text.len()..text.len(), &format!("{before}{sections}"))
}

fn write_sections(path: &Path, fields: &IndexMap<String, Tree>, sections: &mut Vec<String>) {
    let (tables, values): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, value)| value.fields().is_some());
    if !values.is_empty() || tables.is_empty() {
        let header: Vec<String> = path.iter().map(|name| key(name)).collect();
        let lines = values.iter().map(|(name, value)| format!("{} = {}\n", key(name), inline(value)));
        sections.push(format!("[{}]\n{}", header.join("."), lines.collect::<String>()));
    }
    for (name, value) in tables {
        let mut path = path.clone();
        path.push(name.clone());
        if let Some(fields) = value.fields() {
            write_sections(&path, fields, sections);
        }
    }
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { quoted(name) }
}

fn inline(value: &Tree) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Tree::Null => "\"\"".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Text(text) => quoted(text),
        Tree::Written(written) => written.clone(),
        Tree::List(items) => format!("[{}]", join(items.iter().map(inline).collect())),
        Tree::Fields(fields) if fields.is_empty() => "{}".to_owned(),
        Tree::Fields(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", join(fields.collect()))
        }
    }
}

/// Why TOML has no such value.
fn unsayable(value: &Tree) -> Option<&'static str> {
    match value {
        Tree::Null => Some("is null, which TOML does not have"),
        Tree::Number(number) if number.is_u64() && number.as_i64().is_none() => {
            Some("is larger than TOML's numbers")
        }
        Tree::List(items) => items.iter().find_map(unsayable),
        Tree::Fields(fields) => fields.values().find_map(unsayable),
        Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::Written(_) => None,
    }
}
