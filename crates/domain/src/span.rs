//! Lengths of time as packs write them: `30s`, `20m`, `2h`, `1d`, `1h 30m`.

use std::time::Duration;

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time; write it like `30s`, `20m`, `2h` or `1d`")]
pub struct SpanError(pub String);

/// Reads a length of time. Units: `s`, `m`, `h`, `d` (24 hours); several add up. At most 10 years.
pub fn parse(text: &str) -> Result<Duration, SpanError> {
    let bad = || SpanError(text.to_owned());
    let mut total = 0_u64;
    let mut parts = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        let unit = rest[digits..].chars().next().ok_or_else(bad)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(bad()),
        };
        total = number.checked_mul(seconds).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
        parts += 1;
        rest = rest[digits + unit.len_utf8()..].trim_start();
    }
    if parts == 0 || total > 10 * 366 * 86_400 {
        return Err(bad());
    }
    Ok(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_packs_write() {
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse("1d"), Ok(Duration::from_secs(86_400)));
        for bad in ["", "5", "m", "5 minutes", "-3s", "99999999999999999999s", "4000d"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
