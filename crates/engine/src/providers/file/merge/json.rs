//! JSON, with comments and trailing commas where the file has them. Nothing else is taken for JSON.

use std::ops::Range;

use indexmap::IndexMap;
use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions,
    ast::{Object, Value},
    common::Ranged,
    parse_to_ast,
    tokens::{Token, TokenAndRange},
};

use super::{
    Language,
    text::{indent, line_end, line_start, next_line, quoted, splice},
    tree::Tree,
};

pub(super) struct Json;

impl Language for Json {
    fn sayable(&self, fields: Tree) -> Result<Tree, String> {
        Ok(fields)
    }

    fn read(&self, text: &str) -> Result<Tree, String> {
        match Parsed::of(text)?.root {
            Some(root) => tree(&root),
            None => Ok(Tree::Fields(IndexMap::new())),
        }
    }

    fn written(&self, text: &str, path: &[String]) -> Result<Option<String>, String> {
        let parsed = Parsed::of(text)?;
        Ok(parsed.at(path).and_then(|value| text.get(range(value))).map(str::to_owned))
    }

    fn set(&self, text: &str, path: &[String], value: &Tree) -> Result<String, String> {
        let parsed = Parsed::of(text)?;
        let unit = parsed.unit(text);
        if parsed.root.is_none() {
            let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let with_root = splice(text, text.len()..text.len(), &format!("{line_end}{{}}\n"));
            return self.set(&with_root, path, value);
        }
        if let Some(old) = parsed.at(path) {
            let place = range(old);
            let style = Style::at(text, place.start, &unit, parsed.is_one_line(text));
            return Ok(splice(text, place, &style.write(value)));
        }
        let (object, name) = parsed.around(path)?;
        Ok(insert(text, &parsed, object, &unit, name, value))
    }

    fn remove(&self, text: &str, path: &[String]) -> Result<String, String> {
        let parsed = Parsed::of(text)?;
        let (object, name) = parsed.around(path)?;
        let found = object.properties.iter().position(|property| property.name.as_str() == name);
        let index = found.ok_or("it is not there")?;
        Ok(remove(text, &parsed, object, index))
    }
}

struct Parsed<'a> {
    root: Option<Value<'a>>,
    /// Comments among them.
    tokens: Vec<TokenAndRange<'a>>,
}

impl<'a> Parsed<'a> {
    fn of(text: &'a str) -> Result<Self, String> {
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
        let collect = CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
        let parsed = parse_to_ast(text, &collect, &options)
            .map_err(|error| format!("line {}: {}", error.line_display(), error.kind()))?;
        Ok(Self { root: parsed.value, tokens: parsed.tokens.unwrap_or_default() })
    }

    fn at(&self, path: &[String]) -> Option<&Value<'a>> {
        path.iter().try_fold(self.root.as_ref()?, |value, name| {
            let properties = &value.as_object()?.properties;
            properties.iter().find(|property| property.name.as_str() == name).map(|property| &property.value)
        })
    }

    /// The object that a field is or would be in, and its name.
    fn around<'p>(&self, path: &'p [String]) -> Result<(&Object<'a>, &'p str), String> {
        let (name, around) = path.split_last().ok_or("it has no name")?;
        let object =
            self.at(around).and_then(Value::as_object).ok_or("what is around it is not an object")?;
        Ok((object, name))
    }

    fn comments(&self, within: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.tokens
            .iter()
            .filter(|token| matches!(token.token, Token::CommentLine(_) | Token::CommentBlock(_)))
            .map(|token| token.range.start..token.range.end)
            .filter(move |range| within.contains(&range.start))
    }

    fn comma(&self, within: Range<usize>) -> Option<Range<usize>> {
        let mut tokens = self.tokens.iter().filter(|token| within.contains(&token.range.start));
        let comma = tokens.find(|token| token.token == Token::Comma)?;
        Some(comma.range.start..comma.range.end)
    }

    /// Past the comments that begin on the line of a place.
    fn past_comments(&self, text: &str, mut at: usize, end: usize) -> usize {
        for comment in self.comments(at..end) {
            if comment.start < line_end(text, at) {
                at = comment.end;
            }
        }
        at
    }

    fn is_one_line(&self, text: &str) -> bool {
        self.root.as_ref().and_then(|root| text.get(range(root))).is_some_and(|root| !root.contains('\n'))
    }

    /// What one level is indented by.
    fn unit(&self, text: &str) -> String {
        let first = self.root.as_ref().and_then(Value::as_object).and_then(|root| root.properties.first());
        let first = first.map(|first| first.range.start);
        let unit = first.filter(|at| starts_line(text, *at)).map(|at| indent(text, at));
        unit.filter(|unit| !unit.is_empty()).unwrap_or("  ").to_owned()
    }
}

fn range(value: &impl Ranged) -> Range<usize> {
    value.range().start..value.range().end
}

/// Whether only whitespace is before a place on its line.
fn starts_line(text: &str, at: usize) -> bool {
    line_start(text, at) + indent(text, at).len() == at
}

fn tree(value: &Value<'_>) -> Result<Tree, String> {
    Ok(match value {
        Value::NullKeyword(_) => Tree::Null,
        Value::BooleanLit(value) => Tree::Bool(value.value),
        Value::StringLit(value) => Tree::Text(value.value.to_string()),
        Value::NumberLit(value) => match value.value.parse() {
            Ok(number) => Tree::Number(number),
            // Too large for any program that reads it as one.
            Err(_) => Tree::Written(value.value.to_owned()),
        },
        Value::Array(array) => Tree::List(array.elements.iter().map(tree).collect::<Result<_, _>>()?),
        Value::Object(object) => {
            let mut fields = IndexMap::new();
            for property in &object.properties {
                let name = property.name.as_str();
                if fields.insert(name.to_owned(), tree(&property.value)?).is_some() {
                    return Err(format!("`{name}` is there twice"));
                }
            }
            Tree::Fields(fields)
        }
    })
}

fn insert(
    text: &str,
    parsed: &Parsed<'_>,
    object: &Object<'_>,
    unit: &str,
    name: &str,
    value: &Tree,
) -> String {
    let whole = range(object);
    let outer = indent(text, whole.start);
    let Some((first, last)) = object.properties.first().zip(object.properties.last()) else {
        let inner = format!("{outer}{unit}");
        let field = Style { indent: &inner, unit, one_line: false }.field(name, value);
        let close = whole.end.saturating_sub(1);
        let commented = parsed.comments(whole.clone()).next().is_some();
        return if !commented {
            splice(text, whole, &format!("{{\n{inner}{field}\n{outer}}}"))
        } else if starts_line(text, close) {
            let at = line_start(text, close);
            splice(text, at..at, &format!("{inner}{field}\n"))
        } else {
            splice(text, close..close, &format!(" {field} "))
        };
    };
    let (end, comma) = (last.range.end, parsed.comma(last.range.end..whole.end));
    if !starts_line(text, first.range.start) {
        let field = Style { indent: outer, unit, one_line: true }.field(name, value);
        return splice(text, end..end, &format!(", {field}"));
    }
    let inner = indent(text, first.range.start);
    let field = Style { indent: inner, unit, one_line: false }.field(name, value);
    let after = comma.as_ref().map_or(end, |comma| comma.end);
    let at = parsed.past_comments(text, after, whole.end);
    let trailing = if comma.is_some() { "," } else { "" };
    let text = splice(text, at..at, &format!("\n{inner}{field}{trailing}"));
    if comma.is_some() { text } else { splice(&text, end..end, ",") }
}

fn remove(text: &str, parsed: &Parsed<'_>, object: &Object<'_>, index: usize) -> String {
    let whole = range(object);
    let Some(property) = object.properties.get(index) else { return text.to_owned() };
    if object.properties.len() == 1 && parsed.comments(whole.clone()).next().is_none() {
        return splice(text, whole, "{}");
    }
    let (start, mut end) = (property.range.start, property.range.end);
    let next = object.properties.get(index + 1).map_or(whole.end, |next| next.range.start);
    let comma = parsed.comma(end..next);
    if let Some(comma) = &comma {
        end = comma.end;
    }
    let before = index.checked_sub(1).and_then(|index| object.properties.get(index));
    // Of the one before it, which may be the last now.
    let comma_before = before.and_then(|before| parsed.comma(before.range.end..start));
    let comma_before = comma_before.filter(|_| comma.is_none() && index + 1 == object.properties.len());
    let past = parsed.past_comments(text, end, whole.end);
    let rest = text.get(past..line_end(text, past)).unwrap_or_default();
    let cut = if starts_line(text, start) && rest.trim().is_empty() && past < whole.end {
        line_start(text, start)..next_line(text, past)
    } else if let (Some(before), Some(comma)) = (before, &comma_before)
        && parsed.comments(comma.end..start).next().is_none()
    {
        return splice(text, before.range.end..end, "");
    } else {
        let spaces = text.get(end..).unwrap_or_default();
        let spaces = spaces.len() - spaces.trim_start_matches([' ', '\t']).len();
        start..end + if comma.is_some() { spaces } else { 0 }
    };
    let text = splice(text, cut, "");
    match comma_before {
        Some(comma) => splice(&text, comma, ""),
        None => text,
    }
}

/// How a value is laid out.
struct Style<'a> {
    /// What its lines are indented by.
    indent: &'a str,
    /// What those of its fields are indented by in addition.
    unit: &'a str,
    one_line: bool,
}

impl<'a> Style<'a> {
    fn at(text: &'a str, at: usize, unit: &'a str, one_line: bool) -> Self {
        Self { indent: indent(text, at), unit, one_line }
    }

    fn field(&self, name: &str, value: &Tree) -> String {
        format!("{}: {}", quoted(name), self.write(value))
    }

    fn write(&self, value: &Tree) -> String {
        match value {
            Tree::Null => "null".to_owned(),
            Tree::Bool(value) => value.to_string(),
            Tree::Number(value) => value.to_string(),
            Tree::Text(text) => quoted(text),
            Tree::Written(written) => written.clone(),
            Tree::List(items) => {
                self.group("[", items.iter().map(|item| self.deeper(|style| style.write(item))), "]")
            }
            Tree::Fields(fields) => {
                let fields = fields.iter().map(|(name, value)| self.deeper(|style| style.field(name, value)));
                self.group("{", fields, "}")
            }
        }
    }

    fn deeper(&self, write: impl Fn(&Style<'_>) -> String) -> String {
        let inner = format!("{}{}", self.indent, self.unit);
        write(&Style { indent: &inner, unit: self.unit, one_line: self.one_line })
    }

    fn group(&self, open: &str, parts: impl Iterator<Item = String>, close: &str) -> String {
        let Self { indent, unit, one_line } = self;
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() {
            format!("{open}{close}")
        } else if *one_line {
            format!("{open}{}{close}", parts.join(", "))
        } else {
            let parts = parts.join(&format!(",\n{indent}{unit}"));
            format!("{open}\n{indent}{unit}{parts}\n{indent}{close}")
        }
    }
}
