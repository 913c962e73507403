//! A pack in the making: steps as they are found in foreign files, and everything that could not become one.
//!
//! Whatever comes from a foreign file is data. A text that a pack would compute (`${{`), and parameters that the kind
//! of step itself would refuse, never become a step: they are listed.

use firstlight_domain::kind::Kind;
use serde_json::{Map, Value};

use crate::init::{one_line, slug};

/// At most so many steps: more is no checklist.
const MAX_STEPS: usize = 1_000;
/// At most so many bytes of a foreign entry are repeated.
const MAX_SHOWN: usize = 160;

/// Something that was not carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file it is in, as it was given.
    pub file: String,
    /// Where.
    pub line: u32,
    /// What it says, on one line, shortened.
    pub entry: String,
    /// Why not.
    pub reason: String,
}

/// A step that was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// What its id is made of.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) why: Option<String>,
    /// The kind; a command if empty.
    pub(super) uses: &'static str,
    pub(super) with: Map<String, Value>,
    /// The program and its arguments, where it is a command.
    pub(super) run: Vec<String>,
    pub(super) undo: Vec<String>,
    /// Only on this system.
    pub(super) os: Option<&'static str>,
    /// The parameter that is the project's folder.
    pub(super) project: Option<&'static str>,
    /// Steps before it, by their place.
    pub(super) needs: Vec<usize>,
}

/// A step as it will be written.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) found: Found,
}

/// What one import has found so far.
pub(super) struct Draft<'a> {
    kinds: &'a [Kind],
    file: String,
    pub(super) steps: Vec<Step>,
    pub(super) left: Vec<LeftOut>,
    /// The step that is worth the journey, if a file says so.
    pub(super) goal: Option<usize>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(kinds: &'a [Kind]) -> Self {
        Self { kinds, file: String::new(), steps: Vec::new(), left: Vec::new(), goal: None }
    }

    /// What follows comes from this file.
    pub(super) fn begin(&mut self, file: String) {
        self.file = file;
    }

    /// Takes a step, or lists its entry: the step's place.
    pub(super) fn add(&mut self, line: u32, entry: &str, found: Found) -> Option<usize> {
        if let Err(reason) = self.check(&found) {
            self.leave(line, entry, reason);
            return None;
        }
        let id = self.free_id(&found.name);
        self.steps.push(Step { id, found });
        Some(self.steps.len() - 1)
    }

    /// Lists what is not carried over.
    pub(super) fn leave(&mut self, line: u32, entry: &str, reason: impl Into<String>) {
        let entry = shortened(&one_line_of(entry));
        self.left.push(LeftOut { file: self.file.clone(), line, entry, reason: reason.into() });
    }

    fn check(&self, found: &Found) -> Result<(), String> {
        if self.steps.len() >= MAX_STEPS {
            return Err(format!("a checklist of more than {MAX_STEPS} steps is none"));
        }
        let with = found.parameters();
        let computed =
            holds_expression(&with) || found.run.iter().chain(&found.undo).any(|word| word.contains("${{"));
        if computed {
            return Err("it holds `${{`, which a pack would compute".to_owned());
        }
        let uses = found.kind();
        let kind = self.kinds.iter().find(|kind| kind.name == uses);
        let kind = kind.ok_or_else(|| format!("there is no kind of step `{uses}`"))?;
        (kind.accepts)(&with).map_err(|error| match error.path.as_str() {
            "" => format!("its step cannot be written: {}", error.message),
            path => format!("its step cannot be written: `{path}` {}", error.message),
        })
    }

    fn free_id(&self, name: &str) -> String {
        let name = slug(name).unwrap_or_else(|| "step".to_owned());
        let taken = |id: &str| id == super::write::GOAL || self.steps.iter().any(|step| step.id == id);
        if !taken(&name) {
            return name;
        }
        let short: String = name.chars().take(56).collect();
        let short = short.trim_end_matches('-');
        let mut numbered = (2..).map(|number| format!("{short}-{number}"));
        numbered.find(|id| !taken(id)).unwrap_or(name)
    }

    /// Kinds by name.
    pub(super) fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }
}

impl Found {
    pub(super) fn kind(&self) -> &'static str {
        if self.uses.is_empty() { "command" } else { self.uses }
    }

    /// What the kind is handed.
    pub(super) fn parameters(&self) -> Value {
        let mut with = self.with.clone();
        for (name, words) in [("run", &self.run), ("undo", &self.undo)] {
            if !words.is_empty() {
                with.insert(name.to_owned(), words.clone().into());
            }
        }
        if let Some(field) = self.project {
            with.insert(field.to_owned(), "~/project".into());
        }
        Value::Object(with)
    }
}

fn holds_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${{"),
        Value::Array(items) => items.iter().any(holds_expression),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains("${{") || holds_expression(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn one_line_of(text: &str) -> String {
    let plain = one_line(text);
    if text.trim().is_empty() { String::new() } else { plain }
}

fn shortened(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}
