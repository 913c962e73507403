//! Time people work in, and what was promised in it: service levels.
//!
//! A calendar has a zone, hours for each day of the week, and holidays. It has a version, which stays with each promise:
//! a holiday added later moves no deadline that was given. Local hours become instants first and are subtracted then, so
//! that the two nights a year on which clocks change are as long as they are.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};

use crate::proportion::Proportion;

/// How far ahead a deadline is looked for: in days.
const FAR: i64 = 10 * 366;

/// Hours of one day, from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    /// Nothing: until the day ends.
    to: Option<Time>,
}

/// Why something is no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// From after to, or nothing between.
    #[error("hours end after they begin")]
    Backwards,
    /// Two of one day overlap.
    #[error("the hours of a day do not overlap")]
    Overlap,
    /// Nobody ever works.
    #[error("a calendar has hours on one day of the week at least")]
    Empty,
}

impl Hours {
    /// From one time to a later one.
    pub fn new(from: Time, to: Time) -> Result<Self, CalendarError> {
        if from < to { Ok(Self { from, to: Some(to) }) } else { Err(CalendarError::Backwards) }
    }

    /// From a time until the day ends.
    pub fn to_midnight(from: Time) -> Self {
        Self { from, to: None }
    }
}

/// When people work.
#[derive(Debug, Clone)]
pub struct Calendar {
    version: u32,
    zone: TimeZone,
    /// From Monday on, each day's in order.
    week: [Vec<Hours>; 7],
    holidays: BTreeSet<Date>,
}

impl Calendar {
    /// A calendar. `week` begins on Monday.
    pub fn new(
        version: u32,
        zone: TimeZone,
        mut week: [Vec<Hours>; 7],
        holidays: impl IntoIterator<Item = Date>,
    ) -> Result<Self, CalendarError> {
        if week.iter().all(Vec::is_empty) {
            return Err(CalendarError::Empty);
        }
        for day in &mut week {
            day.sort_by_key(|hours| hours.from);
            let overlap = day.iter().zip(day.iter().skip(1)).any(|(a, b)| a.to.is_none_or(|to| to > b.from));
            if overlap {
                return Err(CalendarError::Overlap);
            }
        }
        Ok(Self { version, zone, week, holidays: holidays.into_iter().collect() })
    }

    /// Which calendar it is.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether anybody works on that day.
    pub fn is_working_day(&self, day: Date) -> bool {
        !self.hours(day).is_empty()
    }

    /// How much of the time between two instants is worked in; nothing of it if the second is not later.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let first = self.day_of(from);
        let last = self.day_of(to);
        let days =
            std::iter::successors(Some(first), |day| day.tomorrow().ok()).take_while(|day| *day <= last);
        days.flat_map(|day| self.instants(day))
            .map(|(begins, ends)| {
                let worked = ends.min(to).duration_since(begins.max(from));
                worked.max(SignedDuration::ZERO)
            })
            .sum()
    }

    /// When that much time has been worked in since an instant; nothing if that is further away than ten years.
    pub fn after(&self, from: Timestamp, working_time: SignedDuration) -> Option<Timestamp> {
        let mut left = working_time;
        let first = self.day_of(from);
        for ahead in 0..FAR {
            let day = first.checked_add(ahead.days()).ok()?;
            for (begins, ends) in self.instants(day) {
                let begins = begins.max(from);
                let there = ends.duration_since(begins);
                if there <= SignedDuration::ZERO {
                    continue;
                }
                if left <= there {
                    return begins.checked_add(left).ok();
                }
                left -= there;
            }
        }
        None
    }

    /// The same time of day that many working days later; nothing if that is further away than ten years. Outside of hours the
    /// first day begins when people next come to work. A day that ends earlier ends it, and a break does.
    pub fn after_days(&self, from: Timestamp, days: u16) -> Option<Timestamp> {
        let begins = self.after(from, SignedDuration::ZERO)?;
        let begun = self.zone.to_datetime(begins);
        let working = |ahead: i64| {
            let day = begun.date().checked_add(ahead.days()).ok()?;
            Some(self.instants(day)).filter(|hours| !hours.is_empty())
        };
        let hours = (1..FAR).filter_map(working).nth(usize::from(days).checked_sub(1)?)?;
        let (opens, _) = *hours.first()?;
        let day = self.day_of(opens);
        let same_time = self.zone.to_timestamp(day.to_datetime(begun.time())).ok()?;
        let open = hours.iter().rev().find(|(opens, _)| *opens <= same_time);
        Some(open.map_or(opens, |(_, closes)| same_time.min(*closes)))
    }

    /// How long a working day is: the hours of a week, over the days that have some.
    pub fn working_day(&self) -> SignedDuration {
        let worked = |hours: &Hours| match hours.to {
            Some(to) => hours.from.duration_until(to),
            None => SignedDuration::from_hours(24) - Time::midnight().duration_until(hours.from),
        };
        let week: SignedDuration = self.week.iter().flatten().map(worked).sum();
        let days = self.week.iter().filter(|day| !day.is_empty()).count();
        week / i32::try_from(days).unwrap_or(i32::MAX)
    }

    /// What [`between`](Self::between) says of any two instants of a while, for who asks of many.
    pub fn worked(&self, from: Timestamp, to: Timestamp) -> Worked {
        let last = self.day_of(to);
        let days = std::iter::successors(Some(self.day_of(from)), |day| day.tomorrow().ok());
        let mut worked = Worked { hours: Vec::new(), working_day: self.working_day() };
        let mut before = SignedDuration::ZERO;
        for (begins, ends) in days.take_while(|day| *day <= last).flat_map(|day| self.instants(day)) {
            worked.hours.push((begins, ends, before));
            before += ends.duration_since(begins);
        }
        worked
    }

    fn day_of(&self, instant: Timestamp) -> Date {
        self.zone.to_datetime(instant).date()
    }

    fn hours(&self, day: Date) -> &[Hours] {
        if self.holidays.contains(&day) {
            return &[];
        }
        let index = match day.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        self.week.get(index).map_or(&[], Vec::as_slice)
    }

    /// The hours of a day as instants. An hour that clocks skip begins when they have; one they repeat is the first.
    fn instants(&self, day: Date) -> Vec<(Timestamp, Timestamp)> {
        let instant = |day: Date, time: Time| self.zone.to_timestamp(day.to_datetime(time)).ok();
        self.hours(day)
            .iter()
            .filter_map(|hours| {
                let ends = match hours.to {
                    Some(to) => instant(day, to),
                    None => instant(day.tomorrow().ok()?, Time::midnight()),
                };
                Some((instant(day, hours.from)?, ends?))
            })
            .collect()
    }
}

/// What is worked in a while.
#[derive(Debug, Clone)]
pub struct Worked {
    /// From when, until when, and what was worked before; in order.
    hours: Vec<(Timestamp, Timestamp, SignedDuration)>,
    working_day: SignedDuration,
}

impl Worked {
    /// How long a working day is.
    pub fn working_day(&self) -> SignedDuration {
        self.working_day
    }

    /// How many working days' time lies between two instants of the while; 0 if the second is not later.
    pub fn days_between(&self, from: Timestamp, to: Timestamp) -> f64 {
        let worked = self.until(to) - self.until(from);
        worked.max(SignedDuration::ZERO).as_secs_f64() / self.working_day.as_secs_f64()
    }

    fn until(&self, at: Timestamp) -> SignedDuration {
        let after = self.hours.partition_point(|(begins, ..)| *begins <= at);
        let last = after.checked_sub(1).and_then(|index| self.hours.get(index));
        last.map_or(SignedDuration::ZERO, |(begins, ends, before)| {
            *before + at.min(*ends).duration_since(*begins)
        })
    }
}

/// Something that was promised, and whether it was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Until when, as reckoned when it was given.
    pub due: Timestamp,
    /// When it was kept; nothing: not yet.
    pub kept: Option<Timestamp>,
}

/// How a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Kept in time.
    Met,
    /// Kept too late, or not kept and past due.
    Breached,
    /// There is still time.
    Open,
}

impl Promise {
    /// How it stands at an instant.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.kept.filter(|kept| *kept <= now) {
            Some(kept) if kept <= self.due => Standing::Met,
            Some(_) => Standing::Breached,
            None if now > self.due => Standing::Breached,
            None => Standing::Open,
        }
    }
}

/// The share of promises kept in time, of those of which it is known: what is open and has time is not.
pub fn service_level(promises: impl IntoIterator<Item = Promise>, now: Timestamp) -> Proportion {
    promises.into_iter().fold(Proportion { part: 0, whole: 0 }, |level, promise| {
        match promise.standing(now) {
            Standing::Met => Proportion { part: level.part + 1, whole: level.whole + 1 },
            Standing::Breached => Proportion { whole: level.whole + 1, ..level },
            Standing::Open => level,
        }
    })
}
