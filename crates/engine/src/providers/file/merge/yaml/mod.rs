//! YAML, one document. Blocks get blocks, `{}` and `[]` stay what they are.

use std::ops::Range;

use indexmap::IndexMap;

use self::read::{Kind, Node, block_start, colon, document};
use super::{
    Language,
    text::{indent, line_end, line_start, next_line, quoted, splice, without_lines},
    tree::Tree,
};

mod read;
mod write;

pub(super) struct Yaml;

const TIED: &str = "an anchor, an alias or a tag ties it to other places";

impl Language for Yaml {
    fn sayable(&self, fields: Tree) -> Result<Tree, String> {
        Ok(fields)
    }

    fn read(&self, text: &str) -> Result<Tree, String> {
        match document(text)? {
            Some(root) => root.tree(text),
            None => Ok(Tree::Fields(IndexMap::new())),
        }
    }

    fn written(&self, text: &str, path: &[String]) -> Result<Option<String>, String> {
        let Some(root) = document(text)? else { return Ok(None) };
        let Some((name, around)) = path.split_last() else { return Ok(None) };
        let Ok(around) = at(&root, around) else { return Ok(None) };
        let Some((key, value)) = around.field(name) else { return Ok(None) };
        let lines = |value: &Node| {
            let start = block_start(text, colon(text, key)?, value.place.end);
            Some(format!("\n{}", text.get(start..line_end(text, value.place.end))?))
        };
        Ok(if value.is_block() { lines(value) } else { text.get(value.place.clone()).map(str::to_owned) })
    }

    fn set(&self, text: &str, path: &[String], value: &Tree) -> Result<String, String> {
        let (name, around) = path.split_last().ok_or("it has no name")?;
        let Some(root) = document(text)? else {
            let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let field = write::field(name, value, 0, 2);
            return Ok(splice(text, text.len()..text.len(), &format!("{line_break}{field}\n")));
        };
        let around = at(&root, around)?;
        let step = step(text, &root);
        match around.field(name) {
            Some((key, old)) if around.flow => set_in_flow(text, key, old, value),
            Some((key, old)) => replace(text, key, old, value, step),
            None if around.flow => insert_in_flow(text, around, name, value),
            None => insert(text, around, name, value, step),
        }
    }

    fn remove(&self, text: &str, path: &[String]) -> Result<String, String> {
        let (name, outer) = path.split_last().ok_or("it has no name")?;
        let root = document(text)?.ok_or("it is not there")?;
        let around = at(&root, outer)?;
        let (key, value) = around.field(name).ok_or("it is not there")?;
        if key.special || value.is_tied() {
            return Err(TIED.to_owned());
        }
        let Kind::Fields(fields) = &around.kind else { return Err("it is not there".to_owned()) };
        if around.flow {
            return Ok(remove_in_flow(
                text,
                around,
                key.place.start..value.place.end.max(key.place.end),
                fields.len(),
            ));
        }
        let end = line_end(text, value.place.end.max(key.place.end));
        let text_after = without_lines(text, line_start(text, key.place.start)..next_line(text, end));
        match outer.split_last() {
            // A key with nothing below it would say null.
            Some((name, outer)) if fields.len() == 1 => {
                let (key, _) = at(&root, outer)?.field(name).ok_or("it is not there")?;
                let colon = colon(text, key).ok_or("it is written with `?`")?;
                Ok(splice(&text_after, colon..colon, " {}"))
            }
            Some(_) | None => Ok(text_after),
        }
    }
}

/// The fields at a path.
fn at<'a>(root: &'a Node, path: &[String]) -> Result<&'a Node, String> {
    let mut node = root;
    for name in path {
        if node.special {
            return Err(TIED.to_owned());
        }
        let (key, value) = node.field(name).ok_or("what is around it is not there")?;
        if key.special {
            return Err(TIED.to_owned());
        }
        node = value;
    }
    match node.kind {
        _ if node.special => Err(TIED.to_owned()),
        Kind::Fields(_) => Ok(node),
        Kind::Scalar { .. } | Kind::List(_) | Kind::Alias => {
            Err("what is around it has no fields".to_owned())
        }
    }
}

/// What one level is indented by, as far as the text shows.
fn step(text: &str, root: &Node) -> usize {
    let Kind::Fields(fields) = &root.kind else { return 2 };
    let column = |node: &Node| node.place.start - line_start(text, node.place.start);
    let inner =
        fields.iter().filter(|(_, value)| value.is_block()).find_map(|(key, value)| match &value.kind {
            Kind::Fields(inner) => Some(column(&inner.first()?.0).saturating_sub(column(key))),
            Kind::Scalar { .. } | Kind::List(_) | Kind::Alias => None,
        });
    inner.filter(|step| *step > 0).unwrap_or(2)
}

fn replace(text: &str, key: &Node, old: &Node, value: &Tree, step: usize) -> Result<String, String> {
    if key.special || old.is_tied() {
        return Err(TIED.to_owned());
    }
    let colon = colon(text, key).ok_or("it is written with `?`")?;
    let column = key.place.start - line_start(text, key.place.start);
    let new = match value {
        Tree::Written(written) => written.clone(),
        _ => write::value(value, column + step, step),
    };
    let block = new.strip_prefix('\n');
    let end = line_end(text, old.place.end);
    if old.is_block() {
        let start = block_start(text, colon, old.place.end);
        return Ok(match block {
            Some(lines) => splice(text, start..end, lines),
            None => {
                let text = without_lines(text, start..next_line(text, end));
                splice(&text, colon..colon, &format!(" {new}"))
            }
        });
    }
    // An empty value stands nowhere; it is put behind the colon.
    let place = if old.place.is_empty() { colon..colon } else { old.place.clone() };
    Ok(match block {
        None if place.is_empty() => splice(text, place, &format!(" {new}")),
        None => splice(text, place, &new),
        Some(_) if old.is_block_scalar() => splice(text, colon..place.end, &new),
        Some(_) => {
            let end = line_end(text, place.end);
            let text = splice(text, end..end, &new);
            splice(&text, colon..place.end, "")
        }
    })
}

/// Puts a field behind the others.
fn insert(text: &str, around: &Node, name: &str, value: &Tree, step: usize) -> Result<String, String> {
    let Kind::Fields(fields) = &around.kind else { return Err("what is around it has no fields".to_owned()) };
    let (first, last) = fields.first().zip(fields.last()).ok_or("what is around it has no fields")?;
    let start = line_start(text, first.0.place.start);
    let column = indent(text, start).len();
    if start + column != first.0.place.start {
        return Err("it is written with `?`".to_owned());
    }
    let field = write::field(name, value, column, step);
    let end = last.1.place.end.max(last.0.place.end);
    // A block scalar that keeps its empty last lines ends with them.
    if end > 0 && text.get(end - 1..end) == Some("\n") {
        return Ok(splice(text, end..end, &format!("{field}\n")));
    }
    let end = line_end(text, end);
    Ok(splice(text, end..end, &format!("\n{field}")))
}

fn set_in_flow(text: &str, key: &Node, old: &Node, value: &Tree) -> Result<String, String> {
    if key.special || old.is_tied() {
        return Err(TIED.to_owned());
    }
    if !old.place.is_empty() {
        return Ok(splice(text, old.place.clone(), &write::inline(value)));
    }
    let colon = colon(text, key).ok_or("it has no value")?;
    Ok(splice(text, colon..colon, &format!(" {}", write::inline(value))))
}

fn insert_in_flow(text: &str, around: &Node, name: &str, value: &Tree) -> Result<String, String> {
    let Kind::Fields(fields) = &around.kind else { return Err("what is around it has no fields".to_owned()) };
    let quotes = fields
        .first()
        .is_some_and(|(key, _)| text.get(key.place.clone()).is_some_and(|key| key.starts_with('"')));
    let name = if quotes { quoted(name) } else { write::scalar(name) };
    let field = format!("{name}: {}", write::inline(value));
    Ok(match fields.last() {
        Some((key, value)) => {
            let end = if value.place.is_empty() {
                colon(text, key).unwrap_or(key.place.end)
            } else {
                value.place.end
            };
            splice(text, end..end, &format!(", {field}"))
        }
        None => {
            let inside = around.place.start + 1;
            splice(text, inside..inside, &field)
        }
    })
}

fn remove_in_flow(text: &str, around: &Node, field: Range<usize>, fields: usize) -> String {
    if fields == 1 {
        return splice(text, around.place.clone(), "{}");
    }
    let after = text.get(field.end..).unwrap_or_default();
    let cut = match after.trim_start().strip_prefix(',') {
        Some(rest) => field.start..text.len() - rest.trim_start_matches([' ', '\t']).len(),
        None => {
            let before = text.get(..field.start).unwrap_or_default().trim_end();
            before.strip_suffix(',').unwrap_or(before).len()..field.end
        }
    };
    splice(text, cut, "")
}
