//! Generated files and what is merged into them, in each format's ways to write a thing, with numbered comments.

use std::fmt::Write as _;

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value};

use crate::providers::file::merge::{Format, text::quoted};

/// A file with fields: how it is written is drawn along with it.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) fields: Vec<Field>,
    windows: bool,
    no_last_line_end: bool,
    step: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    name: &'static str,
    value: Content,
    comment_above: bool,
    comment_behind: bool,
    empty_line_above: bool,
    /// One of the ways a format has.
    way: u8,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Single(Value),
    List(Vec<Value>),
    Fields(Vec<Field>),
}

fn single() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,6}".prop_map(Value::from),
        proptest::sample::select(vec![
            "yes",
            "a: b",
            "#x",
            "it's \"q\"",
            "ümläut",
            "1.50",
            "a,b",
            "[x]",
            "http://a.test/b"
        ])
        .prop_map(Value::from),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["a", "b", "c-d", "e", "f_g", "h1"])
}

fn field(depth: u32) -> BoxedStrategy<Field> {
    let content = if depth == 0 {
        prop_oneof![3 => single().prop_map(Content::Single), 1 => vec(single(), 0..3).prop_map(Content::List)]
            .boxed()
    } else {
        prop_oneof![
            3 => single().prop_map(Content::Single),
            1 => vec(single(), 0..3).prop_map(Content::List),
            2 => vec(field(depth - 1), 0..4).prop_map(Content::Fields),
        ]
        .boxed()
    };
    (name(), content, any::<(bool, bool, bool)>(), 0..4_u8)
        .prop_map(|(name, value, (comment_above, comment_behind, empty_line_above), way)| Field {
            name,
            value,
            comment_above,
            comment_behind,
            empty_line_above,
            way,
        })
        .boxed()
}

pub(super) fn file(depth: u32) -> impl Strategy<Value = File> {
    (vec(field(depth), 0..5), any::<(bool, bool)>(), 1..5_usize).prop_map(
        |(fields, (windows, no_last_line_end), step)| File {
            fields: unique(fields),
            windows,
            no_last_line_end,
            step,
        },
    )
}

/// Each name once.
fn unique(fields: Vec<Field>) -> Vec<Field> {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for mut field in fields {
        if !seen.contains(&field.name) {
            seen.push(field.name);
            if let Content::Fields(inner) = field.value {
                field.value = Content::Fields(unique(inner));
            }
            kept.push(field);
        }
    }
    kept
}

/// Fields to set: values of the same names, as deep.
pub(super) fn patch(depth: u32) -> impl Strategy<Value = Map<String, Value>> {
    vec(field(depth), 1..4).prop_map(|fields| values(&unique(fields)))
}

fn values(fields: &[Field]) -> Map<String, Value> {
    fields.iter().map(|field| (field.name.to_owned(), value(&field.value))).collect()
}

fn value(content: &Content) -> Value {
    match content {
        Content::Single(value) => value.clone(),
        Content::List(items) => items.clone().into(),
        Content::Fields(fields) => values(fields).into(),
    }
}

/// Without what would put a single value in the place of fields, or fields in that of a value: the comments in there go
/// with it.
pub(super) fn compatible(patch: &Map<String, Value>, file: &[Field]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in patch {
        match (value, file.iter().find(|field| field.name == name).map(|field| &field.value)) {
            (Value::Object(inner), Some(Content::Fields(fields))) => {
                kept.insert(name.clone(), compatible(inner, fields).into());
            }
            (Value::Object(_), Some(_)) | (_, Some(Content::Fields(_))) => {}
            (_, Some(_) | None) => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    kept
}

/// Writes files; numbers their comments.
struct Writer {
    out: String,
    comments: usize,
    step: usize,
}

impl Writer {
    fn comment(&mut self, sign: &str) -> String {
        self.comments += 1;
        format!("{sign} comment {} ends here", self.comments)
    }

    fn above(&mut self, field: &Field, indent: usize, sign: &str) {
        if field.empty_line_above {
            self.out.push('\n');
        }
        if field.comment_above {
            let comment = self.comment(sign);
            let _ = writeln!(self.out, "{:indent$}{comment}", "");
        }
    }

    fn behind(&mut self, field: &Field, sign: &str) {
        if field.comment_behind {
            let comment = self.comment(sign);
            let _ = write!(self.out, "  {comment}");
        }
        self.out.push('\n');
    }

    fn json(&mut self, fields: &[Field], indent: usize) {
        self.out.push('{');
        if !fields.is_empty() {
            self.out.push('\n');
        }
        let inner = indent + self.step;
        for (index, field) in fields.iter().enumerate() {
            self.above(field, inner, "//");
            let _ = write!(self.out, "{:inner$}{}: ", "", quoted(field.name));
            match &field.value {
                Content::Fields(fields) if field.way == 0 => {
                    let _ = write!(self.out, "{}", Value::from(values(fields)));
                }
                Content::Fields(fields) => self.json(fields, inner),
                Content::List(items) => {
                    let _ = write!(self.out, "{}", Value::from(items.clone()));
                }
                Content::Single(value) => {
                    let _ = write!(self.out, "{value}");
                }
            }
            if index + 1 < fields.len() || field.way == 1 {
                self.out.push(',');
            }
            self.behind(field, if field.way == 2 { "/* */ //" } else { "//" });
        }
        if !fields.is_empty() {
            let _ = write!(self.out, "{:indent$}", "");
        }
        self.out.push('}');
    }

    fn yaml(&mut self, fields: &[Field], indent: usize) {
        for field in fields {
            self.above(field, indent, "#");
            let name = if field.way == 1 { quoted(field.name) } else { field.name.to_owned() };
            let _ = write!(self.out, "{:indent$}{name}:", "");
            let inner = indent + self.step;
            match &field.value {
                Content::Fields(fields) if field.way == 2 || fields.is_empty() => {
                    let _ = write!(self.out, " {}", Value::from(values(fields)));
                    self.behind(field, "#");
                }
                Content::Fields(fields) => {
                    self.behind(field, "#");
                    self.yaml(fields, inner);
                }
                Content::List(items) if field.way == 2 || items.is_empty() => {
                    let _ = write!(self.out, " {}", Value::from(items.clone()));
                    self.behind(field, "#");
                }
                Content::List(items) => {
                    self.behind(field, "#");
                    let inner = if field.way == 3 { indent } else { inner };
                    for item in items {
                        let _ = writeln!(self.out, "{:inner$}- {}", "", yaml_scalar(item));
                    }
                }
                Content::Single(Value::String(text))
                    if field.way == 3 && !text.is_empty() && !text.starts_with('#') =>
                {
                    let _ = writeln!(self.out, " |-\n{:inner$}{text}", "");
                }
                Content::Single(Value::String(text)) if field.way == 0 && !text.contains('\'') => {
                    let _ = write!(self.out, " '{text}'");
                    self.behind(field, "#");
                }
                Content::Single(value) => {
                    let _ = write!(self.out, "   {}", yaml_scalar(value));
                    self.behind(field, "#");
                }
            }
        }
    }

    fn toml(&mut self, fields: &[Field], path: &[&str]) {
        let is_table = |field: &Field| matches!(&field.value, Content::Fields(inner) if field.way > 1 || inner.is_empty() && field.way == 1);
        for field in fields.iter().filter(|field| !is_table(field)) {
            self.above(field, 0, "#");
            match &field.value {
                // With dots in the key; with no field there would be nothing to write.
                Content::Fields(inner)
                    if field.way == 0
                        && inner.iter().all(|inner| matches!(inner.value, Content::Single(_)))
                        && !inner.is_empty() =>
                {
                    for one in inner {
                        let _ =
                            writeln!(self.out, "{}.{} = {}", field.name, one.name, toml(&value(&one.value)));
                    }
                    continue;
                }
                content => {
                    let _ = write!(self.out, "{} = {}", field.name, toml(&value(content)));
                }
            }
            self.behind(field, "#");
        }
        for field in fields.iter().filter(|field| is_table(field)) {
            let Content::Fields(inner) = &field.value else { continue };
            self.above(field, 0, "#");
            let path = [path, &[field.name]].concat();
            let _ = write!(self.out, "[{}]", path.join("."));
            self.behind(field, "#");
            self.toml(inner, &path);
        }
    }

    fn ini(&mut self, fields: &[Field], below: bool) {
        for field in fields {
            match &field.value {
                Content::Single(value) => {
                    let sign = ["=", " = ", ": ", "= "][usize::from(field.way)];
                    self.above(field, 0, if field.way == 0 { "#" } else { ";" });
                    let _ = writeln!(self.out, "{}{sign}{}", field.name, ini(value));
                }
                Content::Fields(_) | Content::List(_) => {}
            }
        }
        for field in fields.iter().filter(|_| !below) {
            if let Content::Fields(inner) = &field.value {
                self.above(field, 0, "#");
                let _ = writeln!(self.out, "[{}]", field.name);
                self.ini(inner, true);
            }
        }
    }
}

fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} = {}", toml(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        // TOML has none.
        Value::Null => quoted(""),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn yaml_scalar(value: &Value) -> String {
    match value.as_str() {
        // No word that YAML knows is as long.
        Some(word) if word.len() == 6 && word.chars().all(|c| c.is_ascii_lowercase()) => word.to_owned(),
        _ => value.to_string(),
    }
}

fn ini(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.replace('#', "x"))
}

/// What a format without null can say of it.
pub(super) fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name.clone(), without_null(value))).collect()
        }
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(without_null).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What INI can say of it.
pub(super) fn flat(fields: &Map<String, Value>, deep: bool) -> Map<String, Value> {
    let kept = fields.iter().filter_map(|(name, value)| match value {
        Value::Object(inner) if deep => Some((name.clone(), flat(inner, false).into())),
        Value::Object(_) | Value::Array(_) | Value::Null => None,
        Value::String(text) => Some((name.clone(), text.replace('#', "x").into())),
        Value::Bool(_) | Value::Number(_) => Some((name.clone(), value.clone())),
    });
    kept.collect()
}

pub(super) fn written(file: &File, format: Format) -> (String, usize) {
    let mut writer = Writer { out: String::new(), comments: 0, step: file.step };
    match format {
        Format::Json => {
            writer.json(&file.fields, 0);
            writer.out.push('\n');
        }
        Format::Yaml => writer.yaml(&file.fields, 0),
        Format::Toml => writer.toml(&file.fields, &[]),
        Format::Ini => writer.ini(&file.fields, false),
    }
    let mut text = writer.out;
    if file.no_last_line_end {
        text.truncate(text.trim_end().len());
    }
    if file.windows {
        text = text.replace('\n', "\r\n");
    }
    (text, writer.comments)
}
