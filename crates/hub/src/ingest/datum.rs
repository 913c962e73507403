//! One value of an event, as far as any property has such a one.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};

/// How many values a list may have (a step is blocked by steps).
const LONGEST_LIST: usize = 256;

/// A value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Datum<'a> {
    #[default]
    Missing,
    Text(Cow<'a, str>),
    Number(Number),
    Flag(bool),
    List(Vec<Self>),
    /// `null`, an object, a list of such or of lists, or a list that is too long.
    Unfit,
}

impl Datum<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn write(&self, json: &mut String) {
        match self {
            Self::Text(text) => quote(json, text.clone()),
            other => json.push_str(&other.to_value().to_string()),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Flag(flag) => Value::Bool(*flag),
            Self::List(values) => values.iter().map(Self::to_value).collect(),
            Self::Missing | Self::Unfit => Value::Null,
        }
    }
}

/// Writes a text. One that was borrowed stood between quotes as it is.
pub(super) fn quote(json: &mut String, text: Cow<'_, str>) {
    match text {
        Cow::Borrowed(text) => json.extend(["\"", text, "\""]),
        Cow::Owned(text) => json.push_str(&Value::String(text).to_string()),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Datum<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Datum<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Datum::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Datum::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Datum::Number(number.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Datum::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Number::from_f64(number).map_or(Datum::Unfit, Datum::Number))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Datum::Flag(flag))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Datum::Unfit)
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    if matches!(value, Datum::List(_) | Datum::Unfit) || values.len() >= LONGEST_LIST {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(Datum::Unfit);
                    }
                    values.push(value);
                }
                Ok(Datum::List(values))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Datum::Unfit)
            }
        }
        deserializer.deserialize_any(Anything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_property_has_is_not_kept() {
        let long = format!("[{}0]", "0,".repeat(LONGEST_LIST));
        for json in ["null", "{}", r#"{"a":[1]}"#, "[[]]", "[null]", r#"["a",{}]"#, &long] {
            assert_eq!(serde_json::from_str::<Datum<'_>>(json).unwrap(), Datum::Unfit, "{json}");
        }
    }
}
