//! Whether a delivery was made by whoever has the secret. Comparing takes the same time however near a guess was.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// How far the time of a delivery may be from ours: whoever copied one has no longer to send it again.
const AROUND: SignedDuration = SignedDuration::from_mins(5);

/// `X-Hub-Signature-256: sha256=…`, HMAC-SHA256 of the body.
pub fn github(header: Option<&str>, secret: &SecretString, body: &[u8]) -> bool {
    let given = header.and_then(|header| header.strip_prefix("sha256=")).and_then(bytes_of_hex);
    given.is_some_and(|given| holds(secret.expose_secret().as_bytes(), &[body], &given))
}

/// The headers of Standard Webhooks.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more of `v1,` and base64, apart by spaces.
    pub signatures: &'a str,
}

/// Standard Webhooks, as GitLab signs: HMAC-SHA256 of id, time and body, the secret being base64 after `whsec_`.
pub fn standard(headers: &Headers<'_>, secret: &SecretString, body: &[u8], now: Timestamp) -> bool {
    let Headers { id, timestamp, signatures } = *headers;
    let sent = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    if sent.is_none_or(|sent| now.duration_since(sent).abs() > AROUND) {
        return false;
    }
    let Some(key) = key(secret) else { return false };
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    signatures.split(' ').any(|one| {
        let given = one.strip_prefix("v1,").and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        given.is_some_and(|given| holds(&key, &signed, &given))
    })
}

/// The same signature, of what we send: the header `webhook-signature`. None if the secret is none.
pub fn sign(id: &str, timestamp: &str, secret: &SecretString, body: &[u8]) -> Option<String> {
    // HMAC takes keys of every length.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// What a secret of Standard Webhooks stands for; none if it says to be base64 and is not.
fn key(secret: &SecretString) -> Option<Vec<u8>> {
    let secret = secret.expose_secret();
    match secret.strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok(),
        None => Some(secret.as_bytes().to_vec()),
    }
}

fn holds(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(given).is_ok()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_own_example_holds_and_nothing_else_does() {
        // The values GitHub documents for testing an implementation.
        let secret = SecretString::from("It's a Secret to Everybody");
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(github(Some(good), &secret, b"Hello, World!"));
        assert!(!github(Some(good), &secret, b"Hello, World?"));
        assert!(!github(Some(good), &SecretString::from("guess"), b"Hello, World!"));
        for header in [None, Some(""), Some("sha256="), Some("sha1=00"), Some(&good[..20]), Some("sha256=zz")]
        {
            assert!(!github(header, &secret, b"Hello, World!"), "{header:?}");
        }
    }

    #[test]
    fn a_delivery_of_standard_webhooks_holds_for_five_minutes() {
        // The example of the Standard Webhooks specification's reference libraries.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let now = Timestamp::from_second(1_614_265_330).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let headers = Headers {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signatures: "v1,wrong v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        };
        assert!(standard(&headers, &secret, body, now));
        let signed = sign(headers.id, headers.timestamp, &secret, body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign(headers.id, headers.timestamp, &SecretString::from("whsec_%"), body), None);
        assert!(!standard(&headers, &secret, b"{}", now));
        assert!(!standard(&Headers { id: "other", ..headers }, &secret, body, now));
        assert!(!standard(&Headers { timestamp: "soon", ..headers }, &secret, body, now));
        assert!(!standard(&headers, &SecretString::from("whsec_%"), body, now));
        let later = |minutes| now + SignedDuration::from_mins(minutes);
        assert!(standard(&headers, &secret, body, later(5)) && !standard(&headers, &secret, body, later(6)));
        assert!(!standard(&headers, &secret, body, later(-6)));
    }
}
