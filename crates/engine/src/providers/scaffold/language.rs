//! The language of templates: nunjucks as Backstage configures it, on minijinja. `${{ }}` prints, `{% %}` controls,
//! nothing is escaped, what does not exist prints nothing.
//!
//! It refuses to know files, secrets, the machine and the time: a template sees the values it is handed and no more.

use std::collections::BTreeSet;

use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Serde, Value as Jinja, ValueKind},
};
use serde_json::{Map, Value};

use super::{dialect, filters, methods, trouble::Trouble};

/// Work one text may cause: about as many instructions, or 64 times as many bytes.
const FUEL: u64 = 2_000_000;

/// A configured language.
pub(super) struct Language {
    environment: Environment<'static>,
}

/// Names a text may use, as the language takes them.
pub(super) struct Names(Jinja);

impl Names {
    pub(super) fn new(names: &Map<String, Value>) -> Self {
        Self(Jinja::from(Serde(names)))
    }
}

impl Language {
    /// `trim_blocks`: a line break after a tag goes; `lstrip_blocks`: so do spaces before one.
    pub(super) fn new(trim_blocks: bool, lstrip_blocks: bool) -> Result<Self, Trouble> {
        let syntax = SyntaxConfig::builder()
            .variable_delimiters("${{", "}}")
            .keep_trailing_newline(true)
            .trim_blocks(trim_blocks)
            .lstrip_blocks(lstrip_blocks)
            .build()
            .map_err(|error| wrong("", &error))?;
        let mut environment = Environment::new();
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(print);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(methods::call);
        filters::add(&mut environment);
        Ok(Self { environment })
    }

    /// Renders a text.
    pub(super) fn render(&self, text: &str, names: &Names) -> Result<String, Trouble> {
        if !text.contains("${{") && !text.contains("{%") && !text.contains("{#") {
            return Ok(text.to_owned());
        }
        let text = dialect::respell(text);
        self.environment.render_str(&text, &names.0).map_err(|error| wrong(&text, &error))
    }

    /// A value of a template's own YAML: every text rendered, a text that is one expression replaced by what it gives.
    /// What does not exist is left out.
    pub(super) fn resolve(&self, value: &Value, names: &Names) -> Result<Option<Value>, Trouble> {
        Ok(Some(match value {
            Value::String(text) => match dialect::only_expression(text) {
                Some(source) => return self.evaluate(source, names),
                None => Value::String(self.render(text, names)?),
            },
            Value::Array(items) => {
                let items = items.iter().map(|item| self.resolve(item, names));
                items.filter_map(Result::transpose).collect::<Result<_, _>>()?
            }
            Value::Object(fields) => {
                let mut found = Map::new();
                for (key, item) in fields {
                    if let Some(item) = self.resolve(item, names)? {
                        found.insert(self.render(key, names)?, item);
                    }
                }
                Value::Object(found)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }))
    }

    fn evaluate(&self, source: &str, names: &Names) -> Result<Option<Value>, Trouble> {
        let code = dialect::respell_expression(source);
        let expression = self.environment.compile_expression(&code).map_err(|error| wrong(source, &error))?;
        let value = expression.eval(&names.0).map_err(|error| wrong(source, &error))?;
        if value.is_undefined() {
            return Ok(None);
        }
        json(&value).map(Some).map_err(|error| wrong(source, &error))
    }

    /// The roots of the names that a value of a template's own YAML uses; an error if one cannot be read.
    pub(super) fn roots(&self, value: &Value, found: &mut BTreeSet<String>) -> Result<(), Trouble> {
        match value {
            Value::String(text) if text.contains("${{") || text.contains("{%") => {
                let names = match dialect::only_expression(text) {
                    Some(source) => {
                        let code = dialect::respell_expression(source);
                        let expression = self.environment.compile_expression(&code);
                        expression.map_err(|error| wrong(source, &error))?.undeclared_variables(true)
                    }
                    None => {
                        let text = dialect::respell(text);
                        let template = self.environment.template_from_str(&text);
                        template.map_err(|error| wrong(&text, &error))?.undeclared_variables(true)
                    }
                };
                found.extend(names);
                Ok(())
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.roots(item, found)),
            Value::Object(fields) => fields.values().try_for_each(|item| self.roots(item, found)),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }
}

/// A value as JSON. A whole number stays one.
pub(super) fn json(value: &Jinja) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// Prints a value as JavaScript would, but for a group of fields, which nobody wants to read as `[object Object]`.
fn print(out: &mut Output, _state: &mut State, value: &Jinja) -> Result<(), Error> {
    let text = text_of(value)?;
    out.write_str(&text).map_err(|error| Error::new(ErrorKind::WriteFailure, error.to_string()))
}

/// A value as text.
pub(super) fn text_of(value: &Jinja) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => value.is_true().to_string(),
        ValueKind::Number => {
            json(value).ok().and_then(|number| whole(&number)).unwrap_or_else(|| value.to_string())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| text_of(&item));
            items.collect::<Result<Vec<_>, _>>()?.join(",")
        }
        ValueKind::Map => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "this is a group of fields: name one of them, or add `| dump`",
            ));
        }
        _ => value.to_string(),
    })
}

/// `8080.0` is printed as `8080`.
fn whole(number: &Value) -> Option<String> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() < 1e15).then(|| format!("{float:.0}"))
}

fn wrong(text: &str, error: &Error) -> Trouble {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it never comes to an end, or makes too much text".to_owned(),
        (kind, None) => kind.to_string(),
        (_, Some(detail)) => detail.to_owned(),
    };
    let line = error.line().filter(|_| text.contains('\n'));
    let near = line.and_then(|line| text.lines().nth(line.saturating_sub(1))).unwrap_or(text).trim();
    let near = if near.chars().count() > 80 {
        format!("{}…", near.chars().take(80).collect::<String>())
    } else {
        near.to_owned()
    };
    let line = line.map_or_else(String::new, |line| format!("line {line}, "));
    Trouble::new(
        format!("{line}`{near}` cannot be used: {what}"),
        "change the template, or what it is given; what is not for it can stand between `{% raw %}` and `{% endraw %}`",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let names = json!({
            "values": {
                "name": "orders", "port": 8080, "share": 1.0, "on": true, "no": false, "nothing": null,
                "list": ["a", "b"], "group": { "z": 1, "a": "b" }, "url": "git.acme.test?owner=team&repo=orders",
            },
            "parameters": { "name": "orders" },
        });
        let Value::Object(names) = names else { panic!() };
        Names::new(&names)
    }

    fn render(text: &str) -> String {
        Language::new(false, false)
            .unwrap()
            .render(text, &names())
            .unwrap_or_else(|trouble| panic!("{trouble}"))
    }

    fn refused(text: &str) -> String {
        Language::new(false, false).unwrap().render(text, &names()).unwrap_err().cause
    }

    #[test]
    fn prints_as_nunjucks_does() {
        for (template, expected) in [
            ("${{ values.name }}:${{ values.port }}\n", "orders:8080\n"),
            ("${{ values.share }} ${{ values.on }} ${{ values.nothing }}|", "1 true |"),
            ("${{ values.no.such.thing }}|", "|"),
            ("${{ values.list }} ${{ values.list.length }}", "a,b 2"),
            ("${{ values.group | dump }}", r#"{"z":1,"a":"b"}"#),
            ("${{ values.none | dump }}|", "|"),
            ("{% if values.name === 'orders' and not values.no %}y{% elseif true %}n{% endif %}", "y"),
            ("{% for k, v in values.group %}${{ k }}=${{ v }};{% endfor %}", "z=1;a=b;"),
            ("{% for x in values.list -%} ${{ loop.index }}${{ x }} {% endfor %}", "1a 2b "),
            ("{% set x = 'a' %}${{ x + '/' + values.name }}", "a/orders"),
            ("${{ 'a' if values.no }}|${{ 'a' if values.no else 'b' }}", "|b"),
            ("${{ values.name | upper | replace('O', '0') }}", "0RDERS"),
            ("${{ 'a,b'.split(',').length }} ${{ 'a,b,c'.replaceAll(',', '-') }}", "2 a-b-c"),
            (
                "${{ 'A'.toLowerCase() }}${{ values.list.includes('a') }}${{ 'ab'.startsWith('a') }}",
                "atruetrue",
            ),
            ("${{ (values.url | parseRepoUrl).owner }} ${{ values.url | projectSlug }}", "team team/orders"),
            (
                "${{ ('user:jo' | parseEntityRef).namespace }} ${{ 'group:a/b' | parseEntityRef | pick('name') }}",
                "default b",
            ),
            ("{% macro m(x) %}<${{ x }}>{% endmacro %}${{ m('a') }}", "<a>"),
            (
                "{{ not ours }} $HOME {% raw %}${{ values.name }}{% endraw %}",
                "{{ not ours }} $HOME ${{ values.name }}",
            ),
            ("a{# gone #}b", "ab"),
            ("${{ values.missing | default('x') }} ${{ values.name | truncate(3) }}", "x ord..."),
            ("${{ 'a b/c' | urlencode }} ${{ 'one two' | wordcount }}", "a%20b%2Fc 2"),
            ("${{ 'a' ~ values.list.length }}", "a2"),
            ("${{ [true, none, 1.0] | join('+') }} ${{ true | string }}", "true++1 true"),
            ("<b>${{ '<i>' }}", "<b><i>"),
        ] {
            assert_eq!(render(template), expected, "{template}");
        }
    }

    #[test]
    fn values_are_text_and_never_templates() {
        let names = json!({ "values": { "name": "${{ values.other }}{% if %}" } });
        let Value::Object(names) = names else { panic!() };
        let language = Language::new(false, false).unwrap();
        let rendered = language.render("${{ values.name }}", &Names::new(&names)).unwrap();
        assert_eq!(rendered, "${{ values.other }}{% if %}");
    }

    #[test]
    fn types_are_kept_where_a_text_is_one_expression() {
        let language = Language::new(false, false).unwrap();
        let input = json!({
            "port": "${{ values.port }}", "text": "p${{ values.port }}", "list": ["${{ values.list }}", 1],
            "flag": "${{ values.port == 8080 }}", "gone": "${{ values.missing }}", "${{ values.name }}": null,
        });
        assert_eq!(
            language.resolve(&input, &names()).unwrap().unwrap(),
            json!({ "port": 8080, "text": "p8080", "list": [["a", "b"], 1], "flag": true, "orders": null })
        );
    }

    #[test]
    fn e7_a_template_that_never_ends_is_stopped() {
        let forever = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
        assert!(refused(forever).contains("never comes to an end"), "{}", refused(forever));
        let doubling = "{% set x = 'xxxxxxxx' %}{% macro m(x, n) %}{% if n %}${{ m(x ~ x, n - 1) }}{% endif %}{% endmacro %}${{ m(x, 40) }}";
        assert!(!refused(doubling).is_empty());
        assert!(!refused("{% macro m() %}${{ m() }}{% endmacro %}${{ m() }}").is_empty());
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        assert!(
            refused("a\nb ${{ 1 + }}").contains("line 2, `b ${{ 1 + }}`"),
            "{}",
            refused("a\nb ${{ 1 + }}")
        );
        assert!(refused("${{ values.group }}").contains("name one of them"));
        assert!(refused("${{ values.name | jsonify }}").contains("jsonify"));
        assert!(refused("${{ 'x' | parseRepoUrl }}").contains("host?owner="));
        assert!(refused("{% include 'other' %}").contains("include"));
    }
}
