//! What is shown once and kept only as a hash: enrolment codes and device tokens; and the pseudonyms of people.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// SHA-256. Enough for what is random and long: nobody tries 2^100 values, so it need not be slow.
pub type Hash = [u8; 32];

/// No random numbers are to be had from the system.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

/// Random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// A new bearer token of a device. The prefix lets scanners for leaked secrets find it.
pub fn new_token() -> Result<String, NoRandomness> {
    Ok(format!("flh_{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// A new access token of somebody with a role.
pub fn new_access_token() -> Result<String, NoRandomness> {
    Ok(format!("flr_{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// What a session is known by: in a browser's cookie, or as a terminal's bearer token.
pub fn new_session_token() -> Result<String, NoRandomness> {
    Ok(format!("fls_{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// Letters and digits that nobody confuses when reading them out (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A new enrolment code: 100 random bits in four groups.
pub fn new_code() -> Result<String, NoRandomness> {
    let mut code = String::with_capacity(23);
    for (index, byte) in random::<20>()?.into_iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code)
}

/// The hash a token is kept as.
pub fn hash_token(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// The hash a code is kept as: however it was typed, with or without dashes, in small letters, `O` for `0`.
pub fn hash_code(typed: &str) -> Hash {
    let mut hash = Sha256::new();
    for letter in typed.chars().filter(|letter| letter.is_alphanumeric()) {
        let letter = match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        hash.update(letter.encode_utf8(&mut [0; 4]));
    }
    hash.finalize().into()
}

/// What the hub knows somebody by: the same for the same name, and of no use without the hub's own `salt`.
pub fn pseudonym(salt: &[u8], name: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(name.trim().to_lowercase().as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_codes_and_tokens_are_long_random_and_typed_leniently() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), 23, "{code}");
        assert_ne!(code, new_code().unwrap());
        let typed = code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(hash_code(&typed), hash_code(&code));
        assert_ne!(hash_code("0000"), hash_code("0001"));
        assert!(new_token().unwrap().len() > 40);
        assert_ne!(hash_token("a"), hash_token("b"));
    }

    #[test]
    fn a_pseudonym_is_the_hubs_own() {
        assert_eq!(pseudonym(b"here", "Ada@acme.test "), pseudonym(b"here", "ada@acme.test"));
        assert_ne!(pseudonym(b"here", "ada@acme.test"), pseudonym(b"there", "ada@acme.test"));
    }
}
