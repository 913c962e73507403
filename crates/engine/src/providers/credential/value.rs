//! A value, looked at before anybody else sees it.

use firstlight_domain::state::Failure;
use regex::{Regex, RegexBuilder};
use secrecy::{ExposeSecret, SecretString};

use super::With;
use crate::providers::{failure, failure_with};

/// The fewest bytes of a value: a shorter one could not be masked in what its test prints.
pub(super) const MIN_BYTES: usize = 8;
/// The most UTF-16 units of a value: the least that a keychain of the three systems takes.
pub(super) const MAX_UTF16_UNITS: usize = 1_280;

/// A pattern for the whole of a value.
pub(super) fn whole_match(pattern: &str) -> Result<Regex, regex::Error> {
    // First alone: `a)(b` is not a pattern, though `^(?:a)(b)$` would be one.
    RegexBuilder::new(pattern).size_limit(1 << 20).build()?;
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}

/// What can be said without asking anybody.
pub(super) fn look_at(with: &With, value: &SecretString) -> Result<(), Failure> {
    let text = value.expose_secret();
    let title = with.title();
    if text.trim().is_empty() {
        return Err(failure(format!("{title}: nothing was given")));
    }
    if text.trim().len() < MIN_BYTES {
        return Err(failure_with(
            format!("{title}: shorter than {MIN_BYTES} characters"),
            "a secret this short cannot be kept out of logs; use a longer one",
        ));
    }
    if text.encode_utf16().count() > MAX_UTF16_UNITS {
        return Err(failure(format!(
            "{title}: longer than {MAX_UTF16_UNITS} characters, the most a keychain takes"
        )));
    }
    if text.contains('\0') {
        return Err(failure(format!("{title}: holds a zero byte, which is not text")));
    }
    if let Some(pattern) = &with.pattern {
        let pattern = whole_match(pattern).map_err(|error| failure(format!("{title}: {error}")))?;
        if !pattern.is_match(text) {
            let mut failure = failure(format!("{title}: this does not look like one"));
            failure.hint = Some(match &with.issuer {
                Some(issuer) => {
                    format!("copy the whole of it, as {issuer} shows it, without spaces around it")
                }
                None => "copy the whole of it, without spaces around it".to_owned(),
            });
            return Err(failure);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::parameters, *};

    #[test]
    fn a_value_is_looked_at_before_it_is_tried() {
        let with = parameters(&json!({ "name": "a", "pattern": "tok_[0-9]+", "issuer": "IT" })).unwrap();
        let look = |value: &str| look_at(&with, &value.into());
        assert_eq!(look("tok_12345"), Ok(()));
        for bad in
            ["", "        ", "tok_1", "tok_12345 ", " tok_12345", "tok_12345\nx", "xtok_12345", "tok_1234\0"]
        {
            let failure = look(bad).unwrap_err();
            assert!(
                bad.trim().is_empty() || !format!("{failure:?}").contains(bad.trim()),
                "{failure:?} tells the value"
            );
        }
        let any = parameters(&json!({ "name": "a" })).unwrap();
        assert!(look_at(&any, &"x".repeat(1_281).into()).is_err());
        assert_eq!(look_at(&any, &"x".repeat(1_280).into()), Ok(()));
    }
}
