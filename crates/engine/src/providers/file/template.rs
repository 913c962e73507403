//! Templates: minijinja, with the delimiters expressions have everywhere in a pack, and strict.
//!
//! It refuses to know files, secrets, the machine and the time: a template sees the values it is handed and no more.

use firstlight_domain::kind::WithError;
use minijinja::{
    AutoEscape, Environment, Error, Template, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Serde, Value as Jinja},
};
use serde_json::{Map, Value};

use crate::providers::with::wrong;

/// Work a template may cause: about as many instructions, or 64 times as many bytes.
const FUEL: u64 = 200_000;
/// What a template may give: more is nobody's settings.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Renders a template. Error: what is wrong with it, for people.
pub(super) fn render(template: &[u8], values: &Map<String, Value>) -> Result<String, String> {
    let environment = environment().map_err(|error| describe(&error))?;
    let template = read(&environment, template, values)?;
    let rendered = template.render(Jinja::from(Serde(values))).map_err(|error| describe(&error))?;
    if rendered.len() > MOST_BYTES {
        return Err(format!("it gives more than {} MB", MOST_BYTES >> 20));
    }
    Ok(rendered)
}

/// Whether a template can be read and names only what it is handed. Error: what is wrong, for people.
pub(super) fn inspect(template: &[u8], values: &Map<String, Value>) -> Result<(), String> {
    let environment = environment().map_err(|error| describe(&error))?;
    read(&environment, template, values).map(drop)
}

fn read<'e>(
    environment: &'e Environment<'static>,
    template: &'e [u8],
    values: &Map<String, Value>,
) -> Result<Template<'e, 'e>, String> {
    let text = std::str::from_utf8(template).map_err(|_| "it is not text (UTF-8)".to_owned())?;
    let template = environment.template_from_str(text).map_err(|error| describe(&error))?;
    let known =
        |name: &str| values.contains_key(name) || environment.globals().any(|(global, _)| global == name);
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|name| !known(name)).collect();
    unknown.sort();
    match unknown.first() {
        Some(name) => Err(format!("`{name}` is not among `values`")),
        None => Ok(template),
    }
}

/// Whether a template can write these names.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), WithError> {
    for name in names {
        let fine = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fine {
            return Err(wrong(
                &format!("values.{name}"),
                format!("`{name}` is no name a template can use; use letters, digits and `_`"),
            ));
        }
    }
    Ok(())
}

fn environment() -> Result<Environment<'static>, Error> {
    let syntax = SyntaxConfig::builder()
        .variable_delimiters("${{", "}}")
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    Ok(environment)
}

fn describe(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str, values: Value) -> Result<String, String> {
        let Value::Object(values) = values else { panic!("fields") };
        render(template.as_bytes(), &values)
    }

    #[test]
    fn prints_its_values_and_controls() {
        let template =
            "port = ${{ port }}\n{% for host in hosts %}\nhost = ${{ host }}\n{% endfor %}\n# {{ kept }}\n";
        let values = json!({ "port": 80, "hosts": ["a<b", "c"] });
        assert_eq!(rendered(template, values).unwrap(), "port = 80\nhost = a<b\nhost = c\n# {{ kept }}\n");
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_line() {
        let error = rendered("a\n${{ nope }}\n", json!({})).unwrap_err();
        assert_eq!(error, "`nope` is not among `values`");
        let error = rendered("a\n${{ a.nope }}\n", json!({ "a": {} })).unwrap_err();
        assert!(error.starts_with("line 2"), "{error}");
        assert!(rendered("{% include '/etc/passwd' %}", json!({})).is_err());
        assert!(rendered("${{ a.b }}", json!({ "a": {} })).is_err());
        assert!(render(&[0xff], &Map::new()).is_err());
        let names = |text: &str| inspect(text.as_bytes(), &Map::new());
        assert_eq!(names("${{ nope }}"), Err("`nope` is not among `values`".to_owned()));
        assert_eq!(names("{% for i in range(3) %}${{ i }}{% endfor %}"), Ok(()));
        assert!(names("{% if %}").is_err());
    }

    #[test]
    fn what_it_costs_is_bounded() {
        let endless = "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}";
        assert!(rendered(endless, json!({})).is_err());
        assert!(rendered("${{ 'x' * 100000000 }}", json!({})).is_err());
    }
}
