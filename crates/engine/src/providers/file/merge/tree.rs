//! What a file says, whatever it is written in: enough to tell whether a field has a value, and that nothing else
//! changed.

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    /// Equal whatever their order.
    Fields(IndexMap<String, Tree>),
    /// As it is written in the file: what the others cannot say (a date, an alias), or a value that is given back.
    Written(String),
}

/// A way to a value, from the outermost field on.
pub(super) type Path = Vec<String>;

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => Self::Number(value.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => Self::from(fields),
        }
    }
}

impl From<&Map<String, Value>> for Tree {
    fn from(fields: &Map<String, Value>) -> Self {
        Self::Fields(fields.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
    }
}

impl Tree {
    pub(super) fn fields(&self) -> Option<&IndexMap<String, Self>> {
        match self {
            Self::Fields(fields) => Some(fields),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Written(_) => None,
        }
    }

    /// The value at a path.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, name| tree.fields()?.get(name))
    }

    /// Sets the value at a path; fields on the way are made.
    pub(super) fn set(&mut self, path: &[String], value: Self) {
        let Some((name, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if self.fields().is_none() {
            *self = Self::Fields(IndexMap::new());
        }
        if let Self::Fields(fields) = self {
            fields.entry(name.clone()).or_insert(Self::Null).set(rest, value);
        }
    }

    /// Removes the value at a path.
    pub(super) fn remove(&mut self, path: &[String]) {
        match (self, path) {
            (Self::Fields(fields), [name]) => {
                fields.shift_remove(name);
            }
            (Self::Fields(fields), [name, rest @ ..]) => {
                if let Some(inner) = fields.get_mut(name) {
                    inner.remove(rest);
                }
            }
            _ => {}
        }
    }

    /// What has to be set so that this holds `wanted` too: whole values where there is nothing, and where there is
    /// something else than fields.
    pub(super) fn missing(&self, wanted: &Self) -> Vec<(Path, Self)> {
        let mut found = Vec::new();
        self.missing_below(wanted, &mut Vec::new(), &mut found);
        found
    }

    fn missing_below(&self, wanted: &Self, path: &mut Path, found: &mut Vec<(Path, Self)>) {
        match (self, wanted) {
            (Self::Fields(are), Self::Fields(fields)) => {
                for (name, value) in fields {
                    path.push(name.clone());
                    match are.get(name) {
                        Some(is) => is.missing_below(value, path, found),
                        None => found.push((path.clone(), value.clone())),
                    }
                    path.pop();
                }
            }
            _ if self == wanted => {}
            _ => found.push((path.clone(), wanted.clone())),
        }
    }

    /// The single values of fields: what is neither fields nor empty fields, each with its path.
    pub(super) fn leaves(&self, path: &Path) -> Vec<(Path, Self)> {
        match self.fields() {
            Some(fields) if !fields.is_empty() => fields
                .iter()
                .flat_map(|(name, value)| {
                    let mut path = path.clone();
                    path.push(name.clone());
                    value.leaves(&path)
                })
                .collect(),
            Some(_) | None => vec![(path.clone(), self.clone())],
        }
    }
}

/// A path as people write it.
pub(super) fn dotted(path: &[String]) -> String {
    path.join(".")
}
