//! What may be a stored value: the limits, and values made here.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::VaultError;

/// The most UTF-16 code units a value may have. The credential manager of Windows keeps 2,560 bytes
/// (`CRED_MAX_CREDENTIAL_BLOB_SIZE`, 5 × 512) and stores text as UTF-16; the same limit holds on every system so that
/// a pack that works on one works on all.
pub const MAX_UTF16_UNITS: usize = 1_280;

/// The fewest bytes a value must have, white space around it not counted. A shorter one would be masked inside
/// ordinary words, or not masked at all.
pub const MIN_BYTES: usize = 8;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Whether this value may be stored: `Empty`, `TooShort` or `TooLong` if not. Every [`Keychain`](crate::Keychain)
/// asks this before it stores; a form can ask it earlier.
pub fn check_value(value: &SecretString) -> Result<(), VaultError> {
    let value = value.expose_secret();
    let core = value.trim();
    if core.is_empty() {
        return Err(VaultError::Empty);
    }
    if core.len() < MIN_BYTES {
        return Err(VaultError::TooShort { minimum: MIN_BYTES });
    }
    let length = value.encode_utf16().count();
    if length > MAX_UTF16_UNITS {
        return Err(VaultError::TooLong { length, limit: MAX_UTF16_UNITS });
    }
    Ok(())
}

/// A new value of `length` letters and digits, each equally likely, from the system's randomness.
///
/// Errors: `TooShort` and `TooLong` for lengths that could not be stored, `NoRandomness`.
pub fn generate(length: usize) -> Result<SecretString, VaultError> {
    generate_from(length, |bytes| {
        getrandom::fill(bytes).map_err(|error| VaultError::NoRandomness { cause: error.to_string() })
    })
}

fn generate_from(
    length: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), VaultError>,
) -> Result<SecretString, VaultError> {
    if length < MIN_BYTES {
        return Err(VaultError::TooShort { minimum: MIN_BYTES });
    }
    if length > MAX_UTF16_UNITS {
        return Err(VaultError::TooLong { length, limit: MAX_UTF16_UNITS });
    }
    // Full capacity from the start: growing would leave unwiped copies behind.
    let mut value = Zeroizing::new(String::with_capacity(length));
    let mut random = Zeroizing::new([0_u8; 64]);
    while value.len() < length {
        fill(&mut random[..])?;
        // 248 = 4 × 62: bytes above are thrown away, otherwise the first letters would come up more often.
        for byte in random.iter().filter(|byte| usize::from(**byte) < 4 * ALPHABET.len()) {
            if value.len() < length {
                value.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
            }
        }
    }
    Ok(SecretString::from(value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str) -> Result<(), VaultError> {
        check_value(&SecretString::from(value))
    }

    #[test]
    fn c3_the_windows_limit_holds_everywhere_and_counts_utf16() {
        assert_eq!(check(&"a".repeat(1_280)), Ok(()));
        assert_eq!(check(&"a".repeat(1_281)), Err(VaultError::TooLong { length: 1_281, limit: 1_280 }));
        // One UTF-16 unit, two or three bytes in UTF-8: what counts is what Windows stores.
        assert_eq!(check(&"ü".repeat(1_280)), Ok(()));
        assert_eq!(check(&"€".repeat(1_280)), Ok(()));
        // Outside the basic plane one character is two units.
        assert_eq!(check(&"🔑".repeat(640)), Ok(()));
        assert_eq!(check(&"🔑".repeat(641)), Err(VaultError::TooLong { length: 1_282, limit: 1_280 }));
    }

    #[test]
    fn c4_very_short_and_empty_values_are_refused() {
        assert_eq!(check(""), Err(VaultError::Empty));
        assert_eq!(check(" \n\t "), Err(VaultError::Empty));
        assert_eq!(check("1234567"), Err(VaultError::TooShort { minimum: 8 }));
        assert_eq!(check("1234567\n\n\n"), Err(VaultError::TooShort { minimum: 8 }));
        assert_eq!(check("12345678"), Ok(()));
    }

    #[test]
    fn generated_values_can_be_stored_and_differ() {
        for length in [8, 32, 63, 64, 65, 1_280] {
            let value = generate(length).unwrap();
            assert_eq!(value.expose_secret().len(), length);
            assert!(value.expose_secret().bytes().all(|b| b.is_ascii_alphanumeric()));
            assert_eq!(check_value(&value), Ok(()));
        }
        assert_ne!(generate(32).unwrap().expose_secret(), generate(32).unwrap().expose_secret());
        assert_eq!(generate(7).err(), Some(VaultError::TooShort { minimum: 8 }));
        assert_eq!(generate(1_281).err(), Some(VaultError::TooLong { length: 1_281, limit: 1_280 }));
    }

    #[test]
    fn generated_values_are_unbiased() {
        // Every byte value equally often: then every letter must come up equally often, to the letter.
        let mut next = 0_u8;
        let value = generate_from(248 * 5, |bytes| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
            Ok(())
        })
        .unwrap();
        for letter in ALPHABET {
            assert_eq!(value.expose_secret().bytes().filter(|b| b == letter).count(), 20);
        }
    }

    #[test]
    fn no_randomness_is_an_error_not_a_weak_value() {
        let gone = VaultError::NoRandomness { cause: "gone".into() };
        assert_eq!(generate_from(32, |_| Err(gone.clone())).err(), Some(gone));
    }
}
