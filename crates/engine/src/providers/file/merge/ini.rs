//! INI: sections of `key = value` lines, as most programs read them. Programs differ in the rest, so that what they may
//! read differently is not touched.

use std::ops::Range;

use indexmap::IndexMap;

use super::{
    Language,
    text::{line_end, line_start, next_line, splice, without_lines},
    tree::{Path, Tree},
};

pub(super) struct Ini;

impl Language for Ini {
    fn sayable(&self, fields: Tree) -> Result<Tree, String> {
        let mut found = Tree::Fields(IndexMap::new());
        for (path, value) in fields.leaves(&Vec::new()) {
            let value = match value {
                Tree::Text(text) => text,
                Tree::Number(number) => number.to_string(),
                Tree::Bool(value) => value.to_string(),
                Tree::Fields(_) if path.len() == 1 => {
                    check_section(path.first().map_or("", String::as_str))?;
                    found.set(&path, Tree::Fields(IndexMap::new()));
                    continue;
                }
                Tree::Null => return Err(format!("`{}` is null, which INI does not have", path.join("."))),
                Tree::List(_) | Tree::Fields(_) | Tree::Written(_) => {
                    return Err(format!("`{}` should be text, a number, true or false", path.join(".")));
                }
            };
            let key = match path.as_slice() {
                [key] => key,
                [section, key] => {
                    check_section(section)?;
                    key
                }
                _ => {
                    return Err(format!(
                        "`{}` is too deep: INI has sections and keys in them",
                        path.join(".")
                    ));
                }
            };
            check_key(key)?;
            check_value(&value).map_err(|why| format!("the value of `{}` {why}", path.join(".")))?;
            found.set(&path, Tree::Text(value));
        }
        Ok(found)
    }

    fn read(&self, text: &str) -> Result<Tree, String> {
        let mut tree = Tree::Fields(IndexMap::new());
        let fields = |name: &str| format!("`{name}` is a key and a section");
        for section in sections(text)? {
            let mut path: Path = section.name.into_iter().map(str::to_owned).collect();
            match tree.at(&path) {
                Some(Tree::Fields(_)) => {}
                Some(_) => return Err(fields(path.first().map_or("", String::as_str))),
                None => tree.set(&path, Tree::Fields(IndexMap::new())),
            }
            for entry in section.entries {
                path.push(entry.key.to_owned());
                let value = match (entry.touchable, tree.at(&path)) {
                    (Ok(()), None) => Tree::Text(entry.value.to_owned()),
                    // What it says depends on who reads it.
                    (Err(_), None) => Tree::Written(entry.value.to_owned()),
                    (_, Some(before)) => Tree::Written(format!("{before:?} and {}", entry.value)),
                };
                tree.set(&path, value);
                path.pop();
            }
        }
        Ok(tree)
    }

    fn written(&self, text: &str, path: &[String]) -> Result<Option<String>, String> {
        let sections = sections(text)?;
        let entry = find(&sections, path)?;
        Ok(entry.map(|entry| entry.value.to_owned()))
    }

    fn set(&self, text: &str, path: &[String], value: &Tree) -> Result<String, String> {
        let sections = sections(text)?;
        match (path, value) {
            ([section], Tree::Fields(fields)) => Ok(append(text, section, fields)),
            (_, Tree::Text(value) | Tree::Written(value)) => match find(&sections, path)? {
                Some(entry) => Ok(splice(text, entry.place.clone(), value)),
                None => insert(text, &sections, path, value),
            },
            _ => Err("INI has single values only".to_owned()),
        }
    }

    fn remove(&self, text: &str, path: &[String]) -> Result<String, String> {
        let sections = sections(text)?;
        if let Some(entry) = find(&sections, path)? {
            let at = entry.place.start;
            return Ok(without_lines(text, line_start(text, at)..next_line(text, at)));
        }
        let mut found = sections.iter().filter(|section| path == section.path().as_slice());
        match (found.next(), found.next()) {
            (Some(section), None) => {
                let start = line_start(text, section.header);
                // So goes the empty line that was put before it.
                let blank = text
                    .get(..start)
                    .is_some_and(|before| before.ends_with("\n\n") || before.ends_with("\n\r\n"));
                let start = if blank { line_start(text, start - 1) } else { start };
                Ok(without_lines(text, start..next_line(text, section.header)))
            }
            (Some(_), Some(_)) => Err("it is there twice".to_owned()),
            (None, _) => Err("it is not there".to_owned()),
        }
    }
}

/// A section; the first has no name and may be empty.
struct Section<'a> {
    name: Option<&'a str>,
    /// A place in its header's line.
    header: usize,
    entries: Vec<Entry<'a>>,
    /// Where the last line that says something ends.
    end: usize,
}

struct Entry<'a> {
    key: &'a str,
    value: &'a str,
    /// Where the value stands.
    place: Range<usize>,
    /// What is before the key and between it and the value.
    around: (&'a str, &'a str),
    /// Or why it cannot be changed.
    touchable: Result<(), &'static str>,
}

impl<'a> Section<'a> {
    /// What is around its last key.
    fn style(&self) -> Option<(&'a str, &'a str)> {
        self.entries.last().map(|entry| entry.around)
    }

    fn path(&self) -> Path {
        self.name.into_iter().map(str::to_owned).collect()
    }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, String> {
    let mut found = vec![Section { name: None, header: 0, entries: Vec::new(), end: 0 }];
    let mut at = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += whole.len();
        let line = whole.trim_end();
        let said = line.trim_start();
        let indent = &line[..line.len() - said.len()];
        let Some(section) = found.last_mut() else { break };
        if said.is_empty() || said.starts_with(['#', ';']) {
            continue;
        }
        if let Some(entry) = section.entries.last_mut()
            && indent.len() > entry.around.0.len()
        {
            entry.touchable = Err("its value goes on over more than one line");
            section.end = start + line.len();
        } else if said.starts_with('[') {
            let name = said.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            match name {
                Some((name, rest)) if rest.trim().is_empty() || rest.trim_start().starts_with(['#', ';']) => {
                    let end = start + line.len();
                    found.push(Section { name: Some(name.trim()), header: start, entries: Vec::new(), end });
                }
                _ => return Err(format!("line {}: the section cannot be read", number + 1)),
            }
        } else {
            section.entries.push(entry(line, indent, start));
            section.end = start + line.len();
        }
    }
    Ok(found)
}

fn entry<'a>(line: &'a str, indent: &'a str, start: usize) -> Entry<'a> {
    let sign = line.find('=').or_else(|| line.find(':'));
    let (key, value_at) = match sign {
        Some(sign) => {
            let value = &line[sign + 1..];
            (&line[indent.len()..sign], sign + 1 + value.len() - value.trim_start().len())
        }
        None => (&line[indent.len()..], line.len()),
    };
    let (key, value) = (key.trim_end(), &line[value_at..]);
    let touchable = if sign.is_none() {
        Err("it has no value")
    } else if check_value(value).is_err() {
        Err("its value holds what some programs take for a comment, or goes on in the next line")
    } else {
        Ok(())
    };
    let around = (indent, &line[indent.len() + key.len()..value_at]);
    Entry { key, value, place: start + value_at..start + line.len(), around, touchable }
}

/// The one entry at a path.
fn find<'s, 'a>(sections: &'s [Section<'a>], path: &[String]) -> Result<Option<&'s Entry<'a>>, String> {
    let Some((key, around)) = path.split_last() else { return Ok(None) };
    let entries =
        || sections.iter().filter(|section| section.path() == around).flat_map(|section| &section.entries);
    let mut found = entries().filter(|entry| entry.key == key);
    match (found.next(), found.next()) {
        (Some(entry), None) => entry.touchable.map(|()| Some(entry)).map_err(str::to_owned),
        (Some(_), Some(_)) => Err("it is there twice".to_owned()),
        (None, _) => {
            // For some programs this is the same key.
            let like = entries().find(|entry| {
                let colon = entry.key.split(':').next().unwrap_or_default().trim_end();
                entry.key.eq_ignore_ascii_case(key) || colon.eq_ignore_ascii_case(key)
            });
            match like {
                Some(entry) => {
                    Err(format!("some programs take `{}`, which is there, for the same", entry.key))
                }
                None => Ok(None),
            }
        }
    }
}

fn insert(text: &str, sections: &[Section<'_>], path: &[String], value: &str) -> Result<String, String> {
    let (key, around) = path.split_last().ok_or("it has no name")?;
    let section = sections.iter().rfind(|section| section.path() == around);
    let section = section.ok_or("its section is not there")?;
    let (indent, sign) = section
        .style()
        .or_else(|| sections.iter().find_map(Section::style))
        .filter(|(_, sign)| !sign.is_empty())
        .unwrap_or(("", " = "));
    let sign = if sign.trim() == sign { sign.trim().to_owned() } else { format!(" {} ", sign.trim()) };
    let line = format!("{indent}{key}{sign}{value}");
    if section.end > 0 {
        return Ok(splice(text, section.end..section.end, &format!("\n{line}")));
    }
    // Keys without a section go before the first one, and after the comment the file begins with.
    let Some(first) = sections.get(1).map(|first| first.header) else {
        let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(splice(text, text.len()..text.len(), &format!("{line_end}{line}\n")));
    };
    let mut at = first;
    while at > 0
        && text
            .get(line_start(text, at - 1)..line_end(text, at - 1))
            .is_some_and(|line| !line.trim().is_empty())
    {
        at = line_start(text, at - 1);
    }
    Ok(splice(text, at..at, &format!("{line}\n\n")))
}

fn append(text: &str, section: &str, fields: &IndexMap<String, Tree>) -> String {
    let sign = if text.contains(" = ") || !text.contains('=') { " = " } else { "=" };
    let mut lines = format!("[{section}]\n");
    for (key, value) in fields {
        if let Tree::Text(value) = value {
            lines.extend([key.as_str(), sign, value, "\n"]);
        }
    }
    let before = if text.is_empty() {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    splice(text, text.len()..text.len(), &format!("{before}{lines}"))
}

fn check_section(name: &str) -> Result<(), String> {
    let fine = !name.is_empty()
        && name.trim() == name
        && !name.contains(|c: char| c.is_control() || c == ']' || c == '[');
    if fine { Ok(()) } else { Err(format!("`{name}` cannot be the name of a section")) }
}

fn check_key(key: &str) -> Result<(), String> {
    let fine = !key.is_empty()
        && key.trim() == key
        && !key.starts_with(['#', ';', '['])
        && !key.contains(|c: char| c.is_control() || c == '=');
    if fine { Ok(()) } else { Err(format!("`{key}` cannot be a key")) }
}

/// Whether every program reads a value alike.
fn check_value(value: &str) -> Result<(), &'static str> {
    if value.contains(char::is_control) {
        return Err("may not hold line breaks or other control characters");
    }
    if value.trim() != value {
        return Err("may not begin or end with spaces");
    }
    if [" #", " ;", "\t#", "\t;"].iter().any(|sign| value.contains(sign)) {
        return Err("holds what some programs take for a comment");
    }
    if value.ends_with('\\') {
        return Err("ends with `\\`, which some programs take for a line that goes on");
    }
    Ok(())
}
