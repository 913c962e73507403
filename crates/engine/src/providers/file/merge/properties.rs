//! What holds for every file, tried on generated ones: with comments, in each format's ways to write a thing.

use std::fmt::Write as _;

use indexmap::IndexMap;
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use super::{Format, Merge, read, text::quoted, tree::Tree};

/// A file with fields: how it is written is drawn along with it.
#[derive(Debug, Clone)]
struct File {
    fields: Vec<Field>,
    windows: bool,
    no_last_line_end: bool,
    step: usize,
}

#[derive(Debug, Clone)]
struct Field {
    name: &'static str,
    value: Content,
    comment_above: bool,
    comment_behind: bool,
    empty_line_above: bool,
    /// One of the ways a format has.
    way: u8,
}

#[derive(Debug, Clone)]
enum Content {
    Single(Value),
    List(Vec<Value>),
    Fields(Vec<Field>),
}

fn single() -> impl Strategy<Value = Value> {
    prop_oneof![
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

fn file(depth: u32) -> impl Strategy<Value = File> {
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
fn patch(depth: u32) -> impl Strategy<Value = Map<String, Value>> {
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
fn compatible(patch: &Map<String, Value>, file: &[Field]) -> Map<String, Value> {
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
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
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

/// What INI can say of it.
fn flat(fields: &Map<String, Value>, deep: bool) -> Map<String, Value> {
    let kept = fields.iter().filter_map(|(name, value)| match value {
        Value::Object(inner) if deep => Some((name.clone(), flat(inner, false).into())),
        Value::Object(_) | Value::Array(_) | Value::Null => None,
        Value::String(text) => Some((name.clone(), text.replace('#', "x").into())),
        Value::Bool(_) | Value::Number(_) => Some((name.clone(), value.clone())),
    });
    kept.collect()
}

fn written(file: &File, format: Format) -> (String, usize) {
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

fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.get(line.find("comment ")?..)?.trim_end().to_owned()))
        .collect();
    found.sort();
    found
}

fn says(format: Format, text: &str) -> Tree {
    read(format.language(), text).unwrap()
}

fn set(tree: &mut Tree, wanted: &Tree) {
    for (path, value) in tree.missing(wanted) {
        tree.set(&path, value);
    }
}

/// Everything that should hold of one merge into one text.
fn holds(format: Format, text: &str, fields: Map<String, Value>) -> Result<(), TestCaseError> {
    let merge = Merge::new(format, fields).unwrap();
    let before = says(format, text);
    let merged = merge.within(Some(text));
    let merged = merged.map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
    let mut wanted = before.clone();
    set(&mut wanted, &format.language().sayable(Tree::from(&merge.fields)).unwrap());
    prop_assert_eq!(says(format, &merged), wanted.clone(), "{}\n→\n{}", text, merged);
    prop_assert_eq!(comments(text), comments(&merged), "{}\n→\n{}", text, merged);
    prop_assert_eq!(merge.within(Some(&merged)).unwrap(), merged.clone(), "twice is once");
    if text.contains("\r\n") && text.matches('\n').count() == text.matches("\r\n").count() {
        prop_assert!(!merged.replace("\r\n", "").contains('\n'), "line ends stay: {merged:?}");
    }
    let (undone, left) = merge.take_out(Some(text), &merged).unwrap();
    let undone = undone.unwrap();
    prop_assert!(left.is_empty());
    prop_assert_eq!(says(format, &undone), before.clone(), "{}\n→\n{}\n→\n{}", text, merged, undone);
    prop_assert_eq!(comments(text), comments(&undone));
    // Somebody adds a field of their own meanwhile.
    let theirs = Merge::new(format, json!({ "theirs": "x" }).as_object().unwrap().clone()).unwrap();
    let shared = theirs.within(Some(&merged)).unwrap();
    let (undone, left) = merge.take_out(Some(text), &shared).unwrap();
    prop_assert!(left.is_empty());
    let mut expected = before;
    expected.set(&["theirs".to_owned()], Tree::Text("x".to_owned()));
    prop_assert_eq!(says(format, &undone.unwrap()), expected, "{}\n→\n{}", text, shared);
    Ok(())
}

fn tried(format: Format, file: &File, fields: &Map<String, Value>) -> Result<(), TestCaseError> {
    let (text, count) = written(file, format);
    let fields = compatible(fields, &file.fields);
    let fields = if format == Format::Ini { flat(&fields, true) } else { fields };
    prop_assume!(!fields.is_empty());
    prop_assert_eq!(comments(&text).len(), count);
    holds(format, &text, fields)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e6_merging_json_keeps_everything_else(file in file(2), fields in patch(2)) {
        tried(Format::Json, &file, &fields)?;
    }

    #[test]
    fn e6_merging_yaml_keeps_everything_else(file in file(2), fields in patch(2)) {
        tried(Format::Yaml, &file, &fields)?;
    }

    #[test]
    fn e6_merging_toml_keeps_everything_else(file in file(2), fields in patch(2)) {
        tried(Format::Toml, &file, &fields)?;
    }

    #[test]
    fn e6_merging_ini_keeps_everything_else(file in file(1), fields in patch(1)) {
        tried(Format::Ini, &file, &fields)?;
    }

    #[test]
    fn e6_any_text_is_merged_into_or_left(text in "([a-c]|: |=|\\{|\\}|\\[|\\]|- |\n|  |\"|'|#|,|1|\\||>|&a |\\*a|\t|\\?|\r\n){0,30}") {
        for format in [Format::Json, Format::Yaml, Format::Toml, Format::Ini] {
            let merge = Merge::new(format, json!({ "a": "x" }).as_object().unwrap().clone()).unwrap();
            if let Ok(merged) = merge.within(Some(&text)) {
                prop_assert_eq!(merge.within(Some(&merged)).unwrap(), merged.clone());
                if let Ok((Some(undone), _)) = merge.take_out(Some(&text), &merged) {
                    prop_assert_eq!(says(format, &undone), says(format, &text), "{:?} {}", format, text);
                }
            }
        }
    }
}

#[test]
fn nothing_is_left_of_a_file_made_for_it() {
    for format in [Format::Json, Format::Yaml, Format::Toml, Format::Ini] {
        let fields = json!({ "a": { "b": 1, "c": "x" }, "d": true });
        let merge = Merge::new(format, fields.as_object().unwrap().clone()).unwrap();
        let made = merge.within(None).unwrap();
        assert_eq!(merge.take_out(None, &made), Ok((None, Vec::new())), "{format:?}: {made}");
        let empty = merge.within(Some("")).unwrap();
        let (rest, _) = merge.take_out(Some(""), &empty).unwrap();
        assert_eq!(says(format, &rest.unwrap()), Tree::Fields(IndexMap::new()));
    }
}
