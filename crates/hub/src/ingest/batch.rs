//! The bytes of a batch: inflated as far as it may go, and cut into events.

use std::{borrow::Cow, fmt, io::Read as _, marker::PhantomData};

use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::attributes::{Attributes, Object};

/// How many bytes a batch may have as it comes over the network.
pub const MOST_BYTES: usize = 1 << 20;
/// How many bytes it may have when it is inflated.
pub const MOST_INFLATED: usize = 8 << 20;
/// How many events.
pub const MOST_EVENTS: usize = 1_000;
/// How many bytes an event has at least, mostly.
const USUAL_BYTES: usize = 256;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// `gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
}

/// Why a batch cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Too many bytes when inflated, or too many events.
    #[error("the batch is larger than {MOST_EVENTS} events or {MOST_INFLATED} bytes")]
    TooLarge,
    /// It is not compressed as it says.
    #[error("the body is not compressed as `Content-Encoding` says: {0}")]
    Damaged(std::io::Error),
    /// It is no JSON array.
    #[error("the body is no JSON array of events: {0}")]
    NoArray(serde_json::Error),
}

/// Undoes the compression. Memory stays within the cap, whatever the body claims.
pub fn inflate(body: &[u8], encoding: Encoding) -> Result<Cow<'_, [u8]>, BatchError> {
    let most = MOST_INFLATED as u64 + 1;
    let mut inflated = Vec::new();
    match encoding {
        // Of these there are no more than may come over the network.
        Encoding::Identity => return Ok(Cow::Borrowed(body)),
        Encoding::Gzip => {
            flate2::read::MultiGzDecoder::new(body)
                .take(most)
                .read_to_end(&mut inflated)
                .map_err(BatchError::Damaged)?;
        }
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(body).map_err(BatchError::Damaged)?;
            // 8 MB, as far back as RFC 8878 asks a decoder to look.
            decoder.window_log_max(23).map_err(BatchError::Damaged)?;
            decoder.take(most).read_to_end(&mut inflated).map_err(BatchError::Damaged)?;
        }
    }
    if inflated.len() > MOST_INFLATED { Err(BatchError::TooLarge) } else { Ok(Cow::Owned(inflated)) }
}

/// Reads a batch, each event as it is come to: one that is wrong does not spoil the others.
pub fn read<T>(body: &[u8], one: impl Fn(&Object<Attributes<'_>>) -> T) -> Result<Vec<T>, BatchError> {
    let text = str::from_utf8(body).map_err(serde_json::Error::custom).map_err(BatchError::NoArray)?;
    // Looked at twice where something is JSON and cannot be read, as a number without a value (`1e999`) or half a character.
    let at_once = each(text, |event| one(&event));
    let events = at_once.or_else(|_| {
        each(text, |event: &RawValue| {
            let unreadable = |_| Object(Attributes::of_unreadable(event.get()));
            one(&serde_json::from_str(event.get()).unwrap_or_else(unreadable))
        })
    });
    let events = events.map_err(BatchError::NoArray)?;
    if events.len() > MOST_EVENTS { Err(BatchError::TooLarge) } else { Ok(events) }
}

/// What becomes of each element of an array, up to one more than there may be.
fn each<'de, E: Deserialize<'de>, T>(text: &'de str, one: impl Fn(E) -> T) -> serde_json::Result<Vec<T>> {
    struct Each<E, F> {
        one: F,
        /// About how many there are.
        many: usize,
        of: PhantomData<E>,
    }
    impl<'de, E: Deserialize<'de>, T, F: Fn(E) -> T> Visitor<'de> for Each<E, F> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
            let mut all = Vec::with_capacity(self.many);
            while all.len() <= MOST_EVENTS {
                let Some(element) = seq.next_element()? else { return Ok(all) };
                all.push((self.one)(element));
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(all)
        }
    }
    let mut from = serde_json::Deserializer::from_str(text);
    let many = (text.len() / USUAL_BYTES).min(MOST_EVENTS);
    let all = from.deserialize_seq(Each { one, many, of: PhantomData })?;
    from.end()?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn g3_a_bomb_is_put_out_before_it_fills_memory() {
        let bomb = vec![b' '; MOST_INFLATED * 4];
        let bombs =
            [(gzip(&bomb), Encoding::Gzip), (zstd::encode_all(&bomb[..], 3).unwrap(), Encoding::Zstd)];
        for (bomb, encoding) in bombs {
            assert!(bomb.len() < MOST_BYTES / 10);
            assert!(matches!(inflate(&bomb, encoding), Err(BatchError::TooLarge)), "{encoding:?}");
        }
    }

    #[test]
    fn g3_what_no_reader_takes_does_not_spoil_the_others() {
        let body = br#"[{"a":1},1e999,"\ud800",{"\ud800":1},{"b":1e999}]"#;
        assert_eq!(read(body, |event| event.0.is_some()).unwrap(), [true, false, false, false, true]);
        for broken in ["[{},1e]", "[{}", "[{}]]", "1e999", "{\"a\":1e999}"] {
            assert!(matches!(read(broken.as_bytes(), |_| ()), Err(BatchError::NoArray(_))), "{broken}");
        }
    }

    #[test]
    fn what_was_compressed_is_read_and_what_was_not_is_an_error() {
        let text = b"[{},1]";
        let small = [
            (text.to_vec(), Encoding::Identity),
            (gzip(text), Encoding::Gzip),
            (zstd::encode_all(&text[..], 0).unwrap(), Encoding::Zstd),
        ];
        for (body, encoding) in small {
            assert_eq!(*inflate(&body, encoding).unwrap(), text[..]);
            if encoding == Encoding::Identity {
                continue;
            }
            assert!(matches!(inflate(&body[..body.len() - 3], encoding), Err(BatchError::Damaged(_))));
            assert!(matches!(inflate(text, encoding), Err(BatchError::Damaged(_))));
        }
        assert_eq!(read(text, |event| event.0.is_some()).unwrap(), [true, false]);
        assert!(matches!(read(b"[\"\xff\"]", |_| ()), Err(BatchError::NoArray(_))));
        assert!(matches!(read(b"{}", |_| ()), Err(BatchError::NoArray(_))));
        let many = format!("[{}1]", "1,".repeat(MOST_EVENTS));
        assert!(matches!(read(many.as_bytes(), |_| ()), Err(BatchError::TooLarge)));
    }
}
