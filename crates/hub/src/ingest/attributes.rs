//! An event as it stands in JSON, read in one go and without a tree of values: a hub reads millions of them. What no event of
//! ours has is let go as it is read, however much of it there is.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::datum::{Datum, quote};

/// More properties than are registered.
const MOST_PROPERTIES: usize = 128;

/// Something that should be an object; nothing is known of what is none.
#[derive(Debug)]
pub struct Object<T>(pub(super) Option<T>);

/// What an object is read into.
pub(super) trait Members<'de>: Sized {
    fn take<M: MapAccess<'de>>(map: M) -> Result<Self, M::Error>;
}

/// The attributes of an event. Of two that are called the same, the last counts.
#[derive(Debug, Default)]
pub struct Attributes<'a> {
    pub(super) specversion: Datum<'a>,
    pub(super) id: Datum<'a>,
    pub(super) source: Datum<'a>,
    pub(super) kind: Datum<'a>,
    pub(super) time: Datum<'a>,
    pub(super) recorded: Datum<'a>,
    pub(super) sequence: Datum<'a>,
    pub(super) content_type: Datum<'a>,
    pub(super) data: Option<Object<Data<'a>>>,
    /// The name of the first other one.
    pub(super) unknown: Option<Cow<'a, str>>,
    /// Nothing but `id`, `source` and `sequence` could be read.
    pub(super) unreadable: bool,
}

/// An event's properties, each once, in the order in which they stand there.
#[derive(Debug, Default)]
pub(crate) struct Data<'a> {
    properties: Vec<(Cow<'a, str>, Datum<'a>)>,
    /// There are more than any event of ours has.
    pub(super) is_crowded: bool,
}

/// A name as it stands there, or with its escapes undone.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Which attribute a name is of.
enum Attribute<'a> {
    Specversion,
    Id,
    Source,
    Kind,
    Time,
    Recorded,
    Sequence,
    ContentType,
    Data,
    Unknown(Cow<'a, str>),
}

impl<'a> Attribute<'a> {
    fn named(name: &str, unknown: impl FnOnce() -> Cow<'a, str>) -> Self {
        match name {
            "specversion" => Self::Specversion,
            "id" => Self::Id,
            "source" => Self::Source,
            "type" => Self::Kind,
            "time" => Self::Time,
            "recordedtime" => Self::Recorded,
            "sequence" => Self::Sequence,
            "datacontenttype" => Self::ContentType,
            "data" => Self::Data,
            _ => Self::Unknown(unknown()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Attribute<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;
        impl<'de> Visitor<'de> for Named {
            type Value = Attribute<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Attribute::named(name, || Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Attribute::named(name, || Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Named)
    }
}

impl<'de> Members<'de> for Attributes<'de> {
    fn take<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut read = Self::default();
        while let Some(attribute) = map.next_key()? {
            let place = match attribute {
                Attribute::Specversion => &mut read.specversion,
                Attribute::Id => &mut read.id,
                Attribute::Source => &mut read.source,
                Attribute::Kind => &mut read.kind,
                Attribute::Time => &mut read.time,
                Attribute::Recorded => &mut read.recorded,
                Attribute::Sequence => &mut read.sequence,
                Attribute::ContentType => &mut read.content_type,
                Attribute::Data => {
                    read.data = Some(map.next_value()?);
                    continue;
                }
                Attribute::Unknown(name) => {
                    map.next_value::<IgnoredAny>()?;
                    read.unknown.get_or_insert(name);
                    continue;
                }
            };
            *place = map.next_value()?;
        }
        Ok(read)
    }
}

impl<'a> Attributes<'a> {
    /// Whose event it is that cannot be read otherwise, as one with a number that no JSON reader takes.
    pub(super) fn of_unreadable(json: &'a str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Label<'a> {
            #[serde(borrow, default)]
            id: Datum<'a>,
            #[serde(borrow, default)]
            source: Datum<'a>,
            #[serde(borrow, default)]
            sequence: Datum<'a>,
        }
        let Label { id, source, sequence } = serde_json::from_str(json).ok()?;
        Some(Self { id, source, sequence, unreadable: true, ..Self::default() })
    }
}

impl<'de> Members<'de> for Data<'de> {
    fn take<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut data = Self::default();
        while let Some(Name(name)) = map.next_key()? {
            if let Some((_, known)) = data.properties.iter_mut().find(|(known, _)| *known == name) {
                *known = map.next_value()?;
            } else if data.properties.len() < MOST_PROPERTIES {
                data.properties.push((name, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
                data.is_crowded = true;
            }
        }
        Ok(data)
    }
}

impl<'a> Data<'a> {
    /// That of an event as the log has it; none if it is no object.
    pub(crate) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str::<Object<Self>>(json).ok()?.0
    }

    /// The text of a property.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name)?.1.text()
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = (&str, &Datum<'a>)> {
        self.properties.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> String {
        let mut json = String::with_capacity(2 + 64 * self.properties.len());
        for (name, value) in &self.properties {
            json.push(if json.is_empty() { '{' } else { ',' });
            quote(&mut json, name.clone());
            json.push(':');
            value.write(&mut json);
        }
        json.push_str(if json.is_empty() { "{}" } else { "}" });
        json
    }

    pub(super) fn to_map(&self) -> Map<String, Value> {
        self.properties().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }
}

impl<'de, T: Members<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything<T>(PhantomData<T>);
        impl<'de, T: Members<'de>> Visitor<'de> for Anything<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                Ok(Object(Some(T::take(map)?)))
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
        deserializer.deserialize_any(Anything(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(json: &str) -> Option<Attributes<'_>> {
        serde_json::from_str::<Object<Attributes<'_>>>(json).ok()?.0
    }

    #[test]
    fn the_last_of_two_counts_and_escapes_are_undone() {
        let read = of(r#"{"id":"first","id":"l\u00e4st","\u0074ime":7,"b":{"id":"in it"},"c":1}"#).unwrap();
        assert_eq!((read.id.text(), read.source), (Some("läst"), Datum::Missing));
        assert_eq!((read.time, read.unknown.as_deref()), (Datum::Number(7.into()), Some("b")));
        for wrong in ["[]", "[[{}]]", "7", "-7", "0.5", "null", "true", r#""{}""#, "{", r#"{"id":}"#] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
        let data = Data::of(r#"{"step":"a","state":"b","step":"c"}"#).unwrap();
        assert_eq!((data.text("step"), data.text("other")), (Some("c"), None));
        assert_eq!(data.to_json(), r#"{"step":"c","state":"b"}"#);
    }

    #[test]
    fn there_are_no_more_properties_than_any_event_has() {
        let many: Vec<String> =
            (0..=MOST_PROPERTIES).map(|number| format!("\"{number}\":{number}")).collect();
        let data =
            Data::of(&format!("{{{}}}", many.join(","))).map(|data| (data.properties.len(), data.is_crowded));
        assert_eq!(data, Some((MOST_PROPERTIES, true)));
    }

    #[test]
    fn whose_event_it_is_can_be_read_where_the_rest_cannot() {
        let json = r#"{"sequence":"7","source":"ours","data":{"a":1e999},"time":"\ud800"}"#;
        assert!(of(json).is_none());
        let read = Attributes::of_unreadable(json).unwrap();
        assert_eq!(
            (read.sequence.text(), read.source.text(), read.time.text()),
            (Some("7"), Some("ours"), None)
        );
        assert!(read.unreadable && Attributes::of_unreadable("1e999").is_none());
    }

    proptest! {
        /// What is read is written, and means, what a tree of values has.
        #[test]
        fn data_is_what_the_tree_says(
            members in prop::collection::btree_map("[a-z_]{1,8}", prop_oneof![
                any::<u64>().prop_map(Value::from), any::<i64>().prop_map(Value::from), any::<bool>().prop_map(Value::from),
                ".{0,12}".prop_map(Value::from), any::<f64>().prop_map(Value::from),
                prop::collection::vec(".{0,4}", 0..4).prop_map(Value::from),
            ], 0..6)
        ) {
            let members: Map<String, Value> = members.into_iter().collect();
            let json = Value::Object(members).to_string();
            let (data, tree) = (Data::of(&json).unwrap(), serde_json::from_str::<Map<String, Value>>(&json).unwrap());
            prop_assert_eq!(&data.to_map(), &tree);
            prop_assert_eq!(data.to_json(), Value::Object(tree.clone()).to_string());
            for (name, value) in &tree {
                prop_assert_eq!(data.text(name), value.as_str());
            }
        }
    }
}
