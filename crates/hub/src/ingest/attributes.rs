//! The members of a JSON object, each still text: a hub reads millions of small ones, and most of them hold what needs no
//! tree of values to be looked at.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// More digits than these may be written otherwise than they are read.
const MOST_DIGITS: usize = 15;

/// Name and value of each member, in the order in which they stand there. Of two that are called the same, the last counts.
#[derive(Debug)]
pub struct Attributes<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// Something that should be an object; nothing is known of what is none.
#[derive(Debug)]
pub struct Object<'a>(pub(super) Option<Attributes<'a>>);

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::with_capacity(9);
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Object(Some(Attributes(members))))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Object(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Object(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Object(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Object(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Object(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Object(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Object(None))
            }
        }
        deserializer.deserialize_any(Anything)
    }
}

impl<'a> Attributes<'a> {
    /// Those of an object; none if it is something else.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str::<Object<'a>>(json).ok()?.0
    }

    /// What is called so.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The text that is called so.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text(self.get(name)?)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// Each member, if all of them are plain and none is there twice.
    pub(super) fn plain(&self) -> Option<impl Iterator<Item = (&str, Plain<'a>)>> {
        let mut others = self.0.as_slice();
        while let [(name, value), rest @ ..] = others {
            if matches!(name, Cow::Owned(_))
                || plain(value).is_none()
                || rest.iter().any(|(other, _)| other == name)
            {
                return None;
            }
            others = rest;
        }
        Some(self.0.iter().filter_map(|(name, value)| Some((name.as_ref(), plain(value)?))))
    }
}

/// A value that is read as it is written: nothing in it is escaped, and writing it again gives the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    /// As it is written.
    pub(super) json: &'a str,
    /// What it says, if it is a text.
    pub(super) text: Option<&'a str>,
}

fn plain(value: &RawValue) -> Option<Plain<'_>> {
    let json = value.get();
    if let Some(text) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return (!text.contains('\\')).then_some(Plain { json, text: Some(text) });
    }
    let digits = json.len() <= MOST_DIGITS && json.bytes().all(|byte| byte.is_ascii_digit());
    // JSON has no number with a zero before it.
    (digits || json == "true" || json == "false").then_some(Plain { json, text: None })
}

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    match plain(value) {
        Some(Plain { text, .. }) => text.map(Cow::Borrowed),
        None => serde_json::from_str(value.get()).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn of(json: &str) -> Attributes<'_> {
        Attributes::of(json).unwrap()
    }

    #[test]
    fn the_last_of_two_counts_and_escapes_are_undone() {
        let read = of(r#"{"a":"first","a":"l\u00e4st","\u0062":7}"#);
        assert_eq!((read.text("a").as_deref(), read.text("b")), (Some("läst"), None));
        assert_eq!(read.get("b").unwrap().get(), "7");
        assert_eq!(read.names().collect::<Vec<_>>(), ["a", "a", "b"]);
        assert!(read.plain().is_none());
        for wrong in ["[]", "[[{}]]", "7", "-7", "0.5", "null", "true", r#""{}""#, "{", r#"{"a":}"#] {
            assert!(Attributes::of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_plain_is_told_from_what_is_not() {
        for json in [r#""git""#, r#""""#, "0", "7", "123456789012345", "true", "false", "\"ü 🌅\""] {
            let object = format!("{{\"a\":{json}}}");
            assert!(of(&object).plain().is_some(), "{json}");
        }
        for json in ["null", "-7", "1.0", "1e3", "1234567890123456", "[]", "{}", r#""\n""#, r#""\u0000""#] {
            let object = format!("{{\"a\":{json}}}");
            assert!(of(&object).plain().is_none(), "{json}");
        }
    }

    proptest! {
        /// What is plain means, and is written, as the tree of values has it.
        #[test]
        fn plain_is_what_the_tree_says(
            members in prop::collection::btree_map("[a-z_]{1,8}", prop_oneof![
                any::<u64>().prop_map(Value::from), any::<bool>().prop_map(Value::from), ".{0,12}".prop_map(Value::from),
                any::<f64>().prop_map(Value::from), Just(Value::Null),
            ], 0..6)
        ) {
            let tree: Map<String, Value> = members.into_iter().collect();
            let json = Value::Object(tree.clone()).to_string();
            let read = of(&json);
            for (name, value) in &tree {
                let text = read.text(name);
                prop_assert_eq!(text.as_deref(), value.as_str());
            }
            let Some(plain) = read.plain() else { return Ok(()) };
            let again: Vec<String> = plain.map(|(name, value)| format!("\"{name}\":{}", value.json)).collect();
            prop_assert_eq!(format!("{{{}}}", again.join(",")), json);
        }
    }
}
