//! `${{ … }}`: expressions in a pack's strings, over inputs, facts, outputs of earlier steps and the pack's folder.
//!
//! The expression language is minijinja's (`==`, `and`, `or`, `not`, filters), without statements: a pack can compute
//! a value, not loop. An output that is not there yet is not an error but *unknown*, with the steps it waits for.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior, value::Value as Jinja};
use serde_json::Value;

use crate::{facts::Facts, id::StepId};

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// `${{` without `}}`.
    #[error("`${{{{` is never closed with `}}}}`")]
    Unclosed,
    /// It is not an expression.
    #[error("`{expression}` cannot be read: {cause}")]
    Syntax {
        /// The expression.
        expression: String,
        /// The parser's words.
        cause: String,
    },
    /// It names something that does not exist.
    #[error("`{name}` does not exist")]
    Undefined {
        /// What it names.
        name: String,
    },
    /// It was read, but cannot be computed.
    #[error("`{expression}` cannot be computed: {cause}")]
    Failed {
        /// The expression.
        expression: String,
        /// The interpreter's words.
        cause: String,
    },
}

/// What expressions may see.
#[derive(Debug, Clone)]
pub struct Scope {
    inputs: BTreeMap<String, Value>,
    facts: Facts,
    outputs: BTreeMap<StepId, BTreeMap<String, String>>,
    pack_root: String,
}

/// A string after its expressions were resolved as far as they can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
    /// Everything is known.
    Known(String),
    /// Some outputs are not there yet. `text` keeps their expressions as written.
    Unknown {
        /// Resolved as far as possible.
        text: String,
        /// Whose outputs are missing.
        waits_for: BTreeSet<StepId>,
    },
}

impl Scope {
    /// A scope without outputs.
    pub fn new(inputs: BTreeMap<String, Value>, facts: Facts, pack_root: String) -> Self {
        Self { inputs, facts, outputs: BTreeMap::new(), pack_root }
    }

    /// Makes a step's outputs visible.
    pub fn add_outputs(&mut self, step: &StepId, outputs: BTreeMap<String, String>) {
        self.outputs.insert(step.clone(), outputs);
    }

    /// The facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Resolves the expressions in a string.
    pub fn render(&self, text: &str) -> Result<Rendered, ExprError> {
        let mut out = String::with_capacity(text.len());
        let mut waits_for = BTreeSet::new();
        for part in parts(text)? {
            match part {
                Part::Text(plain) => out.push_str(plain),
                Part::Expression { source, whole } => match self.evaluate(source)? {
                    Evaluated::Value(value) => out.push_str(&value.to_string()),
                    Evaluated::WaitsFor(step) => {
                        out.push_str(whole);
                        waits_for.insert(step);
                    }
                },
            }
        }
        Ok(if waits_for.is_empty() {
            Rendered::Known(out)
        } else {
            Rendered::Unknown { text: out, waits_for }
        })
    }

    /// Resolves every string in a tree of values; the second value names the steps whose outputs are missing.
    pub fn render_value(&self, value: &Value) -> Result<(Value, BTreeSet<StepId>), ExprError> {
        let mut waits_for = BTreeSet::new();
        let value = self.render_into(value, &mut waits_for)?;
        Ok((value, waits_for))
    }

    fn render_into(&self, value: &Value, waits_for: &mut BTreeSet<StepId>) -> Result<Value, ExprError> {
        Ok(match value {
            Value::String(text) => match self.render(text)? {
                Rendered::Known(text) => Value::String(text),
                Rendered::Unknown { text, waits_for: more } => {
                    waits_for.extend(more);
                    Value::String(text)
                }
            },
            Value::Array(items) => Value::Array(
                items.iter().map(|item| self.render_into(item, waits_for)).collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), self.render_into(item, waits_for)?)))
                    .collect::<Result<_, ExprError>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    /// Whether a condition (`if:`) holds; written with or without `${{ }}`. `None`: outputs it needs are not there yet.
    pub fn holds(&self, condition: &str) -> Result<Option<bool>, ExprError> {
        let source = strip(condition);
        match self.evaluate(source)? {
            Evaluated::Value(value) => Ok(Some(value.is_true())),
            Evaluated::WaitsFor(_) => Ok(None),
        }
    }

    fn evaluate(&self, source: &str) -> Result<Evaluated, ExprError> {
        for name in names_in(source)? {
            match name {
                Name::Output { step, output } => match self.outputs.get(step.as_str()) {
                    None => match StepId::new(&step) {
                        Ok(step) => return Ok(Evaluated::WaitsFor(step)),
                        Err(_) => return Err(ExprError::Undefined { name: format!("steps.{step}") }),
                    },
                    Some(outputs) if outputs.contains_key(&output) => {}
                    Some(_) => {
                        return Err(ExprError::Undefined { name: format!("steps.{step}.outputs.{output}") });
                    }
                },
                Name::Input(input) if self.inputs.contains_key(&input) => {}
                Name::Input(input) => return Err(ExprError::Undefined { name: format!("inputs.{input}") }),
                Name::Fact(_) | Name::PackRoot => {}
                Name::Other(name) => return Err(ExprError::Undefined { name }),
            }
        }
        let steps: BTreeMap<String, Jinja> = self
            .outputs
            .iter()
            .map(|(step, outputs)| (identifier(step.as_str()), minijinja::context! { outputs => outputs }))
            .collect();
        let inputs: BTreeMap<String, &Value> =
            self.inputs.iter().map(|(name, value)| (identifier(name), value)).collect();
        let context = minijinja::context! {
            inputs => Jinja::from(minijinja::value::Serde(inputs)), facts => Jinja::from(minijinja::value::Serde(&self.facts)), steps => steps,
            pack => minijinja::context! { root => self.pack_root.as_str() },
        };
        let plain = Plain::from(source);
        let environment = environment();
        let expression = environment.compile_expression(&plain.text).map_err(|e| syntax(source, &e))?;
        let value = expression
            .eval(context)
            .map_err(|e| ExprError::Failed { expression: source.to_owned(), cause: describe(&e) })?;
        if value.is_undefined() {
            return Err(ExprError::Undefined { name: source.to_owned() });
        }
        Ok(Evaluated::Value(value))
    }
}

enum Evaluated {
    Value(Jinja),
    WaitsFor(StepId),
}

/// A name an expression uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// `inputs.NAME`
    Input(String),
    /// `facts.NAME`
    Fact(String),
    /// `steps.STEP.outputs.OUTPUT`
    Output {
        /// The step.
        step: String,
        /// The output.
        output: String,
    },
    /// `pack.root`
    PackRoot,
    /// Anything else: an error, with its text.
    Other(String),
}

/// Every name used by the expressions in a string, for the linter.
pub fn names(text: &str) -> Result<BTreeSet<Name>, ExprError> {
    let mut found = BTreeSet::new();
    for part in parts(text)? {
        if let Part::Expression { source, .. } = part {
            found.extend(names_in(source)?);
        }
    }
    Ok(found)
}

/// Every name used by a condition (`if:`), which may be written without `${{ }}`.
pub fn condition_names(condition: &str) -> Result<BTreeSet<Name>, ExprError> {
    names_in(strip(condition))
}

/// The names of the facts, for the linter's suggestions.
pub const FACTS: &[&str] =
    &["os", "arch", "distribution", "home", "user", "shell", "package_manager", "elevated", "virtualisation"];

fn strip(condition: &str) -> &str {
    let text = condition.trim();
    text.strip_prefix("${{").and_then(|inner| inner.strip_suffix("}}")).unwrap_or(text).trim()
}

fn names_in(source: &str) -> Result<BTreeSet<Name>, ExprError> {
    let plain = Plain::from(source);
    let environment = environment();
    let expression = environment.compile_expression(&plain.text).map_err(|e| syntax(source, &e))?;
    Ok(expression.undeclared_variables(true).into_iter().map(|path| plain.name(&path)).collect())
}

/// An expression whose ids can be identifiers: `steps.ssh-key.outputs.path` would be a subtraction in minijinja, so a
/// dash directly between letters or digits of a name after `steps.` or `inputs.` becomes an underscore.
struct Plain {
    text: String,
    /// The id as written, by the identifier it became.
    written: BTreeMap<String, String>,
}

/// The identifier an id is known by inside an expression.
fn identifier(id: &str) -> String {
    id.replace('-', "_")
}

impl From<&str> for Plain {
    fn from(source: &str) -> Self {
        let mut text = String::with_capacity(source.len());
        let mut written = BTreeMap::new();
        let mut rest = source;
        let mut quote = None;
        while let Some(ch) = rest.chars().next() {
            let after_name = text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            let root = ["steps.", "inputs."].into_iter().find(|root| rest.starts_with(root));
            if let (Some(root), None, false) = (root, quote, after_name) {
                let tail = &rest[root.len()..];
                let length = tail
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
                    .unwrap_or(tail.len());
                let id = &tail[..length];
                text.push_str(root);
                text.push_str(&identifier(id));
                written.insert(identifier(id), id.to_owned());
                rest = &tail[length..];
                continue;
            }
            match quote {
                Some(open) if ch == open => quote = None,
                None if ch == '\'' || ch == '"' => quote = Some(ch),
                _ => {}
            }
            text.push(ch);
            rest = &rest[ch.len_utf8()..];
        }
        Self { text, written }
    }
}

impl Plain {
    fn name(&self, path: &str) -> Name {
        let original = |id: &str| self.written.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let segments: Vec<&str> = path.split('.').collect();
        match segments.as_slice() {
            ["inputs", name] => Name::Input(original(name)),
            ["facts", name] if FACTS.contains(name) => Name::Fact((*name).to_owned()),
            ["steps", step, "outputs", output] => {
                Name::Output { step: original(step), output: (*output).to_owned() }
            }
            ["pack", "root"] => Name::PackRoot,
            _ => Name::Other(path.to_owned()),
        }
    }
}

enum Part<'a> {
    Text(&'a str),
    Expression { source: &'a str, whole: &'a str },
}

/// Splits at `${{ … }}`. The first `}}` closes; a literal `}}` inside an expression is not supported.
fn parts(text: &str) -> Result<Vec<Part<'_>>, ExprError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${{") {
        let inner = &rest[start + 3..];
        let end = inner.find("}}").ok_or(ExprError::Unclosed)?;
        found.push(Part::Text(&rest[..start]));
        found
            .push(Part::Expression { source: inner[..end].trim(), whole: &rest[start..start + 3 + end + 2] });
        rest = &inner[end + 2..];
    }
    found.push(Part::Text(rest));
    Ok(found)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

fn syntax(expression: &str, error: &minijinja::Error) -> ExprError {
    ExprError::Syntax { expression: expression.to_owned(), cause: describe(error) }
}

fn describe(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Os, PackageManager};

    fn scope() -> Scope {
        let facts = Facts {
            os: Os::Linux,
            arch: "x86_64".into(),
            distribution: "debian".into(),
            home: "/home/ada".into(),
            user: "ada".into(),
            shell: "bash".into(),
            package_manager: Some(PackageManager::Apt),
            elevated: false,
            virtualisation: crate::facts::Virtualisation::None,
        };
        let inputs = BTreeMap::from([
            ("workspace".into(), Value::from("~/src")),
            ("node-version".into(), Value::from("20")),
        ]);
        Scope::new(inputs, facts, "/packs/acme".into())
    }

    #[test]
    fn resolves_inputs_facts_and_outputs() {
        let mut scope = scope();
        let step = StepId::new("ssh-key").unwrap();
        scope.add_outputs(&step, BTreeMap::from([("path".into(), "/home/ada/.ssh/id".into())]));
        let text = "${{ inputs.workspace }}/x ${{ steps.ssh-key.outputs.path }} ${{facts.os}} ${{ inputs.node-version }}";
        let expected = "~/src/x /home/ada/.ssh/id linux 20";
        assert_eq!(scope.render(text), Ok(Rendered::Known(expected.into())));
        assert_eq!(scope.holds("facts.os == 'linux' and not facts.elevated"), Ok(Some(true)));
        assert_eq!(scope.holds("${{ facts.package_manager == 'brew' }}"), Ok(Some(false)));
    }

    #[test]
    fn an_output_that_is_not_there_yet_is_unknown_and_kept_as_written() {
        let clone = StepId::new("clone").unwrap();
        let rendered = scope().render("${{ inputs.workspace }}/${{ steps.clone.outputs.path }}/x");
        assert_eq!(
            rendered,
            Ok(Rendered::Unknown {
                text: "~/src/${{ steps.clone.outputs.path }}/x".into(),
                waits_for: BTreeSet::from([clone]),
            })
        );
        assert_eq!(scope().holds("steps.clone.outputs.commit == 'x'"), Ok(None));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(scope().render("${{ inputs.x"), Err(ExprError::Unclosed));
        assert_eq!(
            scope().render("${{ inputs.nope }}"),
            Err(ExprError::Undefined { name: "inputs.nope".into() })
        );
        assert_eq!(
            scope().render("${{ secrets.x }}"),
            Err(ExprError::Undefined { name: "secrets.x".into() })
        );
        assert!(matches!(scope().render("${{ 1 + }}"), Err(ExprError::Syntax { .. })));
        assert!(matches!(scope().render("${{ facts.os / 2 }}"), Err(ExprError::Failed { .. })));
    }

    #[test]
    fn plain_text_is_left_alone() {
        let text = "curl -w '%{http_code}' {% raw %} {{ x }} $HOME";
        assert_eq!(scope().render(text), Ok(Rendered::Known(text.into())));
    }

    #[test]
    fn names_are_those_the_pack_writes() {
        let found =
            names("${{ steps.ssh-key.outputs.public_key }} 'steps.no-such' ${{ 'steps.in-quotes.x' }}");
        let expected = Name::Output { step: "ssh-key".into(), output: "public_key".into() };
        assert_eq!(found, Ok(BTreeSet::from([expected])));
    }
}
