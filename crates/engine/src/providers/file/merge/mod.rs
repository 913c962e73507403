//! Fields set in a file of settings, and everything else in it left byte for byte.
//!
//! Each format ([`json`], [`toml`], [`yaml`], [`ini`]) knows where in a text the value of a field stands, and splices. The
//! text is read again afterwards: if it does not say exactly what it should, nothing is written.
//!
//! One more format: a file beside those, with a [`Language`], and its name in [`Format`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::{
    text::with_breaks_of,
    tree::{Path, Tree, dotted},
};

mod ini;
mod json;
#[cfg(test)]
mod properties;
mod text;
mod toml;
mod tree;
mod yaml;

/// Larger files are not settings; they would be read once for each field.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// JSON, with comments and trailing commas where the file has them.
    Json,
    /// TOML.
    Toml,
    /// YAML, one document.
    Yaml,
    /// Sections of `key = value` lines: `.ini`, `.npmrc`, `.editorconfig`.
    Ini,
}

impl Format {
    /// What the name of a file tells.
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
        let (_, ending) = name.rsplit_once('.')?;
        match ending {
            "json" | "jsonc" | "code-workspace" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "ini" | "cfg" | "npmrc" | "editorconfig" | "pypirc" => Some(Self::Ini),
            _ if name == "pip.conf" => Some(Self::Ini),
            _ => None,
        }
    }

    fn language(self) -> &'static dyn Language {
        match self {
            Self::Json => &json::Json,
            Self::Toml => &toml::Toml,
            Self::Yaml => &yaml::Yaml,
            Self::Ini => &ini::Ini,
        }
    }
}

/// What is done to a text in one format. Errors say what is wrong with the text, or why it cannot be done to it.
trait Language {
    /// Whether the format has these fields. Gives them as a file would say them.
    fn sayable(&self, fields: Tree) -> Result<Tree, String>;

    /// What a text says. An empty text says no fields.
    fn read(&self, text: &str) -> Result<Tree, String>;

    /// How the value at a path is written, so that it can be given back as [`Tree::Written`].
    fn written(&self, text: &str, path: &[String]) -> Result<Option<String>, String>;

    /// The text with this value at a path; what is around it is there.
    fn set(&self, text: &str, path: &[String], value: &Tree) -> Result<String, String>;

    /// The text without the field at a path, which is there; its value has no fields.
    fn remove(&self, text: &str, path: &[String]) -> Result<String, String>;
}

/// Fields that a file shall have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Merge {
    format: Format,
    fields: Map<String, Value>,
}

impl Merge {
    /// Error: the format cannot say them.
    pub(super) fn new(format: Format, fields: Map<String, Value>) -> Result<Self, String> {
        if fields.is_empty() {
            return Err("names no field".to_owned());
        }
        format.language().sayable(Tree::from(&fields))?;
        Ok(Self { format, fields })
    }

    /// The text with these fields in it.
    pub(super) fn within(&self, now: Option<&str>) -> Result<String, String> {
        let language = self.format.language();
        let (mark, now) = without_mark(now.unwrap_or_default())?;
        let fields = language.sayable(Tree::from(&self.fields))?;
        let mut says = read(language, now)?;
        let mut text = now.to_owned();
        for (path, value) in says.missing(&fields) {
            text = language.set(&text, &path, &value).map_err(|why| at(&path, &why))?;
            says.set(&path, value);
        }
        let text = with_breaks_of(now, text);
        verify(language, &text, &says)?;
        Ok(format!("{mark}{text}"))
    }

    /// A text that others changed, without these fields: each has the value it had `before`, or goes, and what was made
    /// around it goes too. None if nothing is left of a file that was made for it. And the fields that others changed,
    /// which stay.
    pub(super) fn take_out(
        &self,
        before: Option<&str>,
        now: &str,
    ) -> Result<(Option<String>, Vec<String>), String> {
        let language = self.format.language();
        let (mark, now) = without_mark(now)?;
        let (_, was) = without_mark(before.unwrap_or_default())?;
        let fields = language.sayable(Tree::from(&self.fields))?;
        let (had, mut says) = (read(language, was)?, read(language, now)?);
        let mut text = now.to_owned();
        let mut left = Vec::new();
        for (path, ours) in set_by_us(&had, &fields).into_iter().rev() {
            let (is, was_there) = (says.at(&path), had.at(&path));
            if is == was_there {
                continue;
            }
            if is != Some(&ours) {
                left.push(format!("`{}`", dotted(&path)));
                continue;
            }
            match was_there {
                Some(value) => {
                    text = give_back(language, &text, &says, was, &path, value)?;
                    says.set(&path, value.clone());
                }
                None => text = remove(language, &text, &mut says, &had, path)?,
            }
        }
        left.reverse();
        let text = with_breaks_of(now, text);
        verify(language, &text, &says)?;
        let empty = says == Tree::Fields(indexmap::IndexMap::new());
        // A comment that somebody wrote into it is not ours to remove.
        let gone = before.is_none() && empty && matches!(text.trim(), "" | "{}");
        Ok(((!gone).then(|| format!("{mark}{text}")), left))
    }

    /// What is set, a field a line.
    pub(super) fn shown(&self) -> String {
        let leaves = Tree::from(&self.fields).leaves(&Vec::new());
        let line = |(path, _): (Path, Tree)| {
            let value = path.iter().try_fold(&Value::Null, |at, name| match at {
                Value::Null => self.fields.get(name),
                _ => at.get(name),
            });
            format!("{} = {}\n", dotted(&path), value.unwrap_or(&Value::Null))
        };
        leaves.into_iter().map(line).collect()
    }
}

/// What was set in a text that said `had`: single values, where there was nothing, so that each can go by itself.
fn set_by_us(had: &Tree, fields: &Tree) -> Vec<(Path, Tree)> {
    had.missing(fields)
        .into_iter()
        .flat_map(|(path, value)| match had.at(&path) {
            Some(_) => vec![(path, value)],
            None => value.leaves(&path),
        })
        .collect()
}

/// Puts back the value that was there, as it was written there; or at least the value, where it no longer fits as it was
/// written.
fn give_back(
    language: &dyn Language,
    text: &str,
    says: &Tree,
    was: &str,
    path: &[String],
    value: &Tree,
) -> Result<String, String> {
    let mut wanted = says.clone();
    wanted.set(path, value.clone());
    let written = language.written(was, path)?.and_then(|written| {
        let text = language.set(text, path, &Tree::Written(written)).ok()?;
        verify(language, &text, &wanted).ok().map(|()| text)
    });
    match written {
        Some(text) => Ok(text),
        None => language.set(text, path, value).map_err(|why| at(path, &why)),
    }
}

/// Removes a field, and those around it that were made for it and hold nothing now.
fn remove(
    language: &dyn Language,
    text: &str,
    says: &mut Tree,
    had: &Tree,
    mut path: Path,
) -> Result<String, String> {
    let mut text = language.remove(text, &path).map_err(|why| at(&path, &why))?;
    says.remove(&path);
    while path.pop().is_some() && !path.is_empty() {
        let empty = says.at(&path).and_then(Tree::fields).is_some_and(indexmap::IndexMap::is_empty);
        // Some formats have no empty fields: then they went with their last one.
        let is_there = read(language, &text)?.at(&path).is_some();
        if !empty || is_there && had.at(&path).is_some() {
            break;
        }
        if is_there {
            text = language.remove(&text, &path).map_err(|why| at(&path, &why))?;
        }
        says.remove(&path);
    }
    Ok(text)
}

fn read(language: &dyn Language, text: &str) -> Result<Tree, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it is larger than {} MB", MOST_BYTES >> 20));
    }
    match language.read(text)? {
        tree @ Tree::Fields(_) => Ok(tree),
        _ => Err("what it holds is not fields with names".to_owned()),
    }
}

/// Refuses a text that does not say exactly what it should.
fn verify(language: &dyn Language, text: &str, wanted: &Tree) -> Result<(), String> {
    match language.read(text) {
        Ok(says) if says == *wanted => Ok(()),
        Ok(_) => Err("it is written in a way that cannot be changed without changing more of it".to_owned()),
        Err(why) => Err(format!("it is written in a way that cannot be changed ({why})")),
    }
}

fn at(path: &[String], why: &str) -> String {
    format!("`{}` cannot be changed: {why}", dotted(path))
}

/// The byte order mark that some editors put before a text, and the text.
fn without_mark(text: &str) -> Result<(&str, &str), String> {
    let (mark, text) = text.split_at(if text.starts_with('\u{feff}') { 3 } else { 0 });
    if text.starts_with('\u{feff}') {
        return Err("it starts with two byte order marks".to_owned());
    }
    Ok((mark, text))
}
