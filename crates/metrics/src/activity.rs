//! Who is active: distinct people per day, per rolling 7 and 28 days, and how often they come back.
//!
//! A day is a day of the organisation's own zone, decided when an event is received. Only what people do counts; a program
//! that says it is there does not. Sets are exact: 100,000 people take 12.5 KB a day.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil::Date};
use roaring::RoaringBitmap;

use crate::interval::number;

/// Days of a week, and of the month of four of them: every such window has as many of each day of the week.
const WEEK: i64 = 7;
const MONTH: i64 = 28;

/// Who did something on which day. People are numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    days: BTreeMap<Date, RoaringBitmap>,
}

impl Activity {
    /// Somebody did something.
    pub fn add(&mut self, day: Date, person: u32) {
        self.days.entry(day).or_default().insert(person);
    }

    /// All of these did something.
    pub fn add_all(&mut self, day: Date, people: &RoaringBitmap) {
        *self.days.entry(day).or_default() |= people;
    }

    /// Distinct people of one day.
    pub fn daily(&self, day: Date) -> u64 {
        self.days.get(&day).map_or(0, RoaringBitmap::len)
    }

    /// Distinct people of the 7 days that end with this one.
    pub fn weekly(&self, day: Date) -> u64 {
        self.last(day, WEEK).len()
    }

    /// Distinct people of the 28 days that end with this one.
    pub fn monthly(&self, day: Date) -> u64 {
        self.last(day, MONTH).len()
    }

    /// How many of those who came in 28 days come on a working day of them, on average: between 0 and 1. Nothing if nobody
    /// came, or no day of them was one to work on.
    pub fn stickiness(&self, day: Date, is_working_day: impl Fn(Date) -> bool) -> Option<f64> {
        let monthly = self.monthly(day);
        let counts: Vec<u64> =
            window(day, MONTH).filter(|day| is_working_day(*day)).map(|day| self.daily(day)).collect();
        let days = u64::try_from(counts.len()).ok().filter(|days| *days > 0)?;
        (monthly > 0).then(|| number(counts.iter().sum()) / number(days) / number(monthly))
    }

    fn last(&self, day: Date, days: i64) -> RoaringBitmap {
        let from = day.saturating_sub((days - 1).days());
        self.days.range(from..=day).fold(RoaringBitmap::new(), |all, (_, people)| all | people)
    }
}

/// The days up to this one, as many as said.
fn window(day: Date, days: i64) -> impl Iterator<Item = Date> {
    (0..days).map(move |back| day.saturating_sub(back.days()))
}
