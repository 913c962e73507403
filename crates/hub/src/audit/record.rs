//! The text of a record, in which names are sealed.

use std::collections::BTreeMap;

use firstlight_domain::plan::hex;
use firstlight_tlog::{Hash, commitment};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Act, Actor, By, Record};
use crate::{
    secrets,
    store::{PersonKey, StoreError},
};

/// What marks a name before it is sealed (the tag of [`Named`](super::Named)), and in its place afterwards.
const NAMED: &str = "named";
const SEALED: &str = "sealed";

/// A record on its way into a database.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) body: String,
    pub(crate) salt: Hash,
    pub(crate) leaf: Hash,
    pub(crate) names: Vec<Sealed>,
}

/// A name that a record has a commitment of, as it is kept beside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The record.
    pub(crate) seq: u64,
    /// What it has instead.
    pub(crate) seal: Vec<u8>,
    pub(crate) salt: Vec<u8>,
    /// The name.
    pub(crate) name: String,
    /// Whom it names.
    pub(crate) person: PersonKey,
}

/// A record that is intact and not understood: a newer hub wrote it.
#[derive(Debug, thiserror::Error)]
#[error("record {seq} of the audit log is not understood: {cause}; is it of a newer hub?")]
pub struct Unreadable {
    /// Which.
    pub seq: u64,
    /// Why.
    pub cause: serde_json::Error,
}

/// `seq` comes first: it is what says where a record belongs.
#[derive(Serialize)]
struct Written<'a> {
    seq: u64,
    at: Timestamp,
    by: &'a Actor,
    act: &'a Act,
}

#[derive(Deserialize)]
struct Read {
    at: Timestamp,
    by: Actor,
    act: Act,
}

/// What is to be kept of an act at the place `seq`.
pub(crate) fn entry(seq: u64, by: &By, act: &Act) -> Result<Entry, StoreError> {
    let written = Written { seq, at: by.at, by: &by.actor, act };
    let mut value = serde_json::to_value(written).map_err(|error| StoreError::Database(Box::new(error)))?;
    let mut names = Vec::new();
    seal(seq, &mut value, &mut names)?;
    let (body, salt) = (value.to_string(), secrets::random()?);
    let leaf = commitment(&salt, body.as_bytes());
    Ok(Entry { body, salt, leaf, names })
}

fn seal(seq: u64, value: &mut Value, names: &mut Vec<Sealed>) -> Result<(), StoreError> {
    match value {
        Value::Object(fields) if fields.contains_key(NAMED) => {
            let person = fields.get("key").and_then(Value::as_u64).and_then(|key| u32::try_from(key).ok());
            // Who was erased has nothing to seal.
            let Some(person) = person.map(PersonKey) else { return Ok(()) };
            let (name, salt) = (value.to_string(), secrets::random::<32>()?);
            let seal = commitment(&salt, name.as_bytes());
            *value = json!({ SEALED: hex(&seal) });
            names.push(Sealed { seq, seal: seal.into(), salt: salt.into(), name, person });
        }
        Value::Object(fields) => {
            for (_, value) in fields.iter_mut() {
                seal(seq, value, names)?;
            }
        }
        Value::Array(values) => {
            for value in values {
                seal(seq, value, names)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// The names that are kept, by what records have instead.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(BTreeMap<String, &'a Sealed>);

impl<'a> Names<'a> {
    pub(super) fn of(sealed: &'a [Sealed]) -> Self {
        Self(sealed.iter().map(|sealed| (hex(&sealed.seal), sealed)).collect())
    }

    /// Puts names back in their places; how many were erased.
    pub(super) fn open(&self, value: &mut Value) -> usize {
        match value {
            Value::Object(fields) => match fields.get(SEALED).and_then(Value::as_str) {
                Some(seal) => {
                    let name = self.0.get(seal).and_then(|sealed| serde_json::from_str(&sealed.name).ok());
                    let erased = usize::from(name.is_none());
                    *value = name.unwrap_or_else(|| json!({ NAMED: "erased" }));
                    erased
                }
                None => fields.iter_mut().map(|(_, value)| self.open(value)).sum(),
            },
            Value::Array(values) => values.iter_mut().map(|value| self.open(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }

    pub(super) fn read(&self, seq: u64, body: &[u8]) -> Result<Record, Unreadable> {
        let unreadable = |cause| Unreadable { seq, cause };
        let mut value: Value = serde_json::from_slice(body).map_err(unreadable)?;
        self.open(&mut value);
        let Read { at, by, act } = serde_json::from_value(value).map_err(unreadable)?;
        Ok(Record { seq, at, by, act })
    }
}

/// Whether a name is the one its record has a commitment of.
pub(super) fn holds(sealed: &Sealed, body: &[u8]) -> bool {
    let seal = hex(&sealed.seal);
    commitment(&sealed.salt, sealed.name.as_bytes())[..] == sealed.seal[..]
        && body.windows(seal.len()).any(|window| window == seal.as_bytes())
        && whom(&sealed.name) == Some(sealed.person)
}

fn whom(name: &str) -> Option<PersonKey> {
    let named: super::Named = serde_json::from_str(name).ok()?;
    named.person()
}
