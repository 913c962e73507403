//! What an owner promises: within how much time they answer, as a pack writes it.

use jiff::SignedDuration;

/// The longest promise that is one: ten years, in any unit.
const LONGEST_HOURS: i64 = 10 * 366 * 24;

/// Within how much time somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sla {
    /// Around the clock: `2 days`, `4h`.
    Elapsed(SignedDuration),
    /// Of the time people work in: `4 business hours`.
    Working(SignedDuration),
    /// By the same time on the n-th working day after: `2 business days`. A business week is five of them.
    WorkingDays(u16),
}

impl Sla {
    /// Reads what a pack says: a whole number, maybe `business` or `working`, and minutes, hours, days or weeks, also as
    /// `30m`, `4h`, `2d`, `1w`. None if it says something else: then it is words for people, and nothing is due.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = text.get(..digits)?.parse().ok().filter(|number| *number > 0)?;
        let mut words = text.get(digits..)?.split_whitespace();
        let first = words.next()?;
        let business = matches!(first, "business" | "working");
        let unit = if business { words.next()? } else { first };
        if words.next().is_some() {
            return None;
        }
        let hours = |each: i64| {
            let hours = number.checked_mul(each).filter(|hours| *hours <= LONGEST_HOURS)?;
            Some(SignedDuration::from_hours(hours))
        };
        let days = |each: i64| u16::try_from(number.checked_mul(each)?).ok().filter(|days| *days <= 2_500);
        match (unit, business) {
            ("m" | "min" | "minute" | "minutes", business) => {
                let minutes = SignedDuration::from_mins(Some(number).filter(|n| *n <= LONGEST_HOURS)?);
                Some(if business { Self::Working(minutes) } else { Self::Elapsed(minutes) })
            }
            ("h" | "hour" | "hours", true) => hours(1).map(Self::Working),
            ("h" | "hour" | "hours", false) => hours(1).map(Self::Elapsed),
            ("d" | "day" | "days", true) => days(1).map(Self::WorkingDays),
            ("d" | "day" | "days", false) => hours(24).map(Self::Elapsed),
            ("w" | "week" | "weeks", true) => days(5).map(Self::WorkingDays),
            ("w" | "week" | "weeks", false) => hours(7 * 24).map(Self::Elapsed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_read_as_people_write_it() {
        let hours = SignedDuration::from_hours;
        for (text, promised) in [
            ("4 business hours", Sla::Working(hours(4))),
            ("1 Business Hour", Sla::Working(hours(1))),
            ("30 working minutes", Sla::Working(SignedDuration::from_mins(30))),
            ("2 days", Sla::Elapsed(hours(48))),
            ("2d", Sla::Elapsed(hours(48))),
            (" 4h ", Sla::Elapsed(hours(4))),
            ("90m", Sla::Elapsed(SignedDuration::from_mins(90))),
            ("1 week", Sla::Elapsed(hours(168))),
            ("2 business days", Sla::WorkingDays(2)),
            ("1 working week", Sla::WorkingDays(5)),
        ] {
            assert_eq!(Sla::read(text), Some(promised), "{text}");
        }
    }

    #[test]
    fn what_promises_nothing_in_particular_is_words() {
        for text in [
            "",
            "soon",
            "4",
            "0 hours",
            "-4 hours",
            "four hours",
            "4 business",
            "4 hours or so",
            "4 fortnights",
            "1.5 hours",
            "99999999999999999999 hours",
            "99999999999 weeks",
            "9999 business weeks",
            "４ hours",
        ] {
            assert_eq!(Sla::read(text), None, "{text}");
        }
    }
}
