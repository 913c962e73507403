//! What holds of any calendar, minute by minute.

#![expect(clippy::unwrap_used, reason = "tests, and what they build their calendars with")]

use std::collections::BTreeSet;

use firstlight_metrics::working_time::{Calendar, Hours};
use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, Time, date, time},
    tz::TimeZone,
};
use proptest::prelude::*;

/// Zones as the time zone database has them, for machines without one; the last changes by half an hour.
const ZONES: [&str; 4] =
    ["UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"];

/// The hours of a day: none, the whole day, or some outside of the night in which clocks change.
type Day = Vec<(i8, i8)>;

fn day() -> impl Strategy<Value = Day> {
    prop_oneof![
        1 => Just(Vec::new()),
        1 => Just(vec![(0, 24)]),
        4 => (4_i8..12, 1_i8..4, 0_i8..3, 1_i8..5).prop_map(|(opens, first, pause, second)| {
            let noon = opens + first;
            if pause == 0 { vec![(opens, noon)] } else { vec![(opens, noon), (noon + pause, noon + pause + second)] }
        }),
    ]
}

#[derive(Debug, Clone)]
struct Office {
    zone: TimeZone,
    week: Vec<Day>,
    holidays: BTreeSet<Date>,
}

impl Office {
    fn calendar(&self) -> Calendar {
        let hours = |(from, to): &(i8, i8)| match to {
            24 => Hours::to_midnight(time(*from, 0, 0, 0)),
            to => Hours::new(time(*from, 0, 0, 0), time(*to, 0, 0, 0)).unwrap(),
        };
        let mut week = [const { Vec::new() }; 7];
        for (day, hours_of) in week.iter_mut().zip(&self.week) {
            *day = hours_of.iter().map(hours).collect();
        }
        Calendar::new(1, self.zone.clone(), week, self.holidays.iter().copied()).unwrap()
    }

    /// Whether somebody works in the minute that begins then: looked up, not reckoned.
    fn works(&self, minute: Timestamp) -> bool {
        let here = self.zone.to_datetime(minute);
        let weekday = usize::try_from(here.weekday().to_monday_zero_offset()).unwrap();
        !self.holidays.contains(&here.date())
            && self.week[weekday].iter().any(|(from, to)| (*from..*to).contains(&here.hour()))
    }
}

fn office() -> impl Strategy<Value = Office> {
    let holidays = prop::collection::btree_set(0_i64..420, 0..40);
    (0..ZONES.len(), prop::collection::vec(day(), 6), holidays).prop_map(|(zone, days, holidays)| {
        // Somebody works on Wednesdays.
        let mut week = days;
        week.insert(2, vec![(9, 17)]);
        let holidays =
            holidays.into_iter().map(|ahead| date(2025, 12, 20).checked_add(ahead.days()).unwrap()).collect();
        Office { zone: TimeZone::posix(ZONES[zone]).unwrap(), week, holidays }
    })
}

/// A minute of 2026; often one near a weekend on which clocks change in one of the zones.
fn minute() -> impl Strategy<Value = Timestamp> {
    let near = prop::sample::select(vec![
        date(2026, 3, 6),
        date(2026, 3, 27),
        date(2026, 10, 2),
        date(2026, 10, 23),
    ]);
    prop_oneof![
        (0_i64..365 * 24 * 60).prop_map(|minutes| (date(2026, 1, 1), minutes)),
        (near, 0_i64..4 * 24 * 60),
    ]
    .prop_map(|(day, minutes)| {
        let begins = TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).unwrap();
        begins + SignedDuration::from_mins(minutes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deadline_is_where_counting_minutes_ends(office in office(), from in minute(), minutes in 1_i64..600) {
        let calendar = office.calendar();
        let due = calendar.after(from, SignedDuration::from_mins(minutes)).unwrap();
        let (mut at, mut left) = (from, minutes);
        while left > 0 {
            left -= i64::from(office.works(at));
            at += SignedDuration::from_mins(1);
        }
        prop_assert_eq!(due, at);
        prop_assert_eq!(calendar.between(from, due), SignedDuration::from_mins(minutes));
    }

    #[test]
    fn what_is_looked_up_is_what_is_counted(
        office in office(), from in minute(), to in minute(), one in minute(), other in minute()
    ) {
        let calendar = office.calendar();
        let (from, to) = (from.min(to), from.max(to));
        let worked = calendar.worked(from, to);
        let (one, other) = (one.clamp(from, to), other.clamp(from, to));
        let days = calendar.between(one, other).as_secs_f64() / calendar.working_day().as_secs_f64();
        prop_assert!((worked.days_between(one, other) - days).abs() < 1e-9);
    }

    #[test]
    fn what_is_promised_in_parts_is_due_as_what_is_promised_at_once(
        office in office(), from in minute(), first in 1_i64..900, second in 1_i64..900
    ) {
        let calendar = office.calendar();
        let (first, second) = (SignedDuration::from_mins(first), SignedDuration::from_mins(second));
        let between = calendar.after(from, first).unwrap();
        prop_assert_eq!(calendar.after(between, second), calendar.after(from, first + second));
    }

    #[test]
    fn working_days_end_while_people_work_that_many_days_later(
        office in office(), from in minute(), days in 1_u16..8
    ) {
        let calendar = office.calendar();
        let due = calendar.after_days(from, days).unwrap();
        let begins = calendar.after(from, SignedDuration::ZERO).unwrap();
        let (first, last) = (office.zone.to_datetime(begins).date(), office.zone.to_datetime(due).date());
        // Midnight is the end of the day before.
        let midnight = office.zone.to_datetime(due).time() == Time::midnight();
        let passed = |until: Date| {
            let ahead = std::iter::successors(first.tomorrow().ok(), |day| day.tomorrow().ok());
            ahead.take_while(|day| *day <= until).filter(|day| calendar.is_working_day(*day)).count()
        };
        let counted = passed(last) == usize::from(days) && calendar.is_working_day(last)
            || midnight && passed(last.yesterday().unwrap()) == usize::from(days);
        prop_assert!(counted, "{} to {}", first, last);
        prop_assert!(calendar.after_days(from, days + 1).unwrap() > due);
    }
}
