//! The bytes of a batch: inflated as far as it may go, and cut into events.

use std::{borrow::Cow, io::Read as _};

use serde_json::value::RawValue;

use super::attributes::Object;

/// How many bytes a batch may have as it comes over the network.
pub const MOST_BYTES: usize = 1 << 20;
/// How many bytes it may have when it is inflated.
pub const MOST_INFLATED: usize = 8 << 20;
/// How many events.
pub const MOST_EVENTS: usize = 1_000;

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

/// Cuts a batch into events, their values still text: one that is wrong does not spoil the others.
pub fn split(body: &[u8]) -> Result<Vec<Object<'_>>, BatchError> {
    // Looked at as a whole, and not value by value.
    let events = match str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text).or_else(|_| one_by_one(text)),
        Err(_) => serde_json::from_slice(body),
    };
    let events: Vec<Object<'_>> = events.map_err(BatchError::NoArray)?;
    if events.len() > MOST_EVENTS { Err(BatchError::TooLarge) } else { Ok(events) }
}

/// The same where something is JSON and cannot be read, as a number without a value (`1e999`) or half a character.
fn one_by_one(text: &str) -> serde_json::Result<Vec<Object<'_>>> {
    let events: Vec<&RawValue> = serde_json::from_str(text)?;
    Ok(events.into_iter().map(|event| serde_json::from_str(event.get()).unwrap_or(Object(None))).collect())
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
        let read: Vec<bool> = split(body).unwrap().iter().map(|event| event.0.is_some()).collect();
        assert_eq!(read, [true, false, false, false, true]);
        for broken in ["[{},1e]", "[{}", "[{}]]", "1e999", "{\"a\":1e999}"] {
            assert!(matches!(split(broken.as_bytes()), Err(BatchError::NoArray(_))), "{broken}");
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
        assert_eq!(
            split(text).unwrap().iter().map(|event| event.0.is_some()).collect::<Vec<_>>(),
            [true, false]
        );
        assert!(matches!(split(b"[\"\xff\"]"), Err(BatchError::NoArray(_))));
        assert!(matches!(split(b"{}"), Err(BatchError::NoArray(_))));
        let many = format!("[{}1]", "1,".repeat(MOST_EVENTS));
        assert!(matches!(split(many.as_bytes()), Err(BatchError::TooLarge)));
    }
}
