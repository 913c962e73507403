//! The cases a definition is about, by hand.

#![expect(clippy::unwrap_used, reason = "tests, and what they build their people with")]

use firstlight_metrics::{
    Level,
    funnel::{Did, Funnel, Order, Question, funnel},
    retrospective::{Registration, Verdict, retrospective},
    survey::{ces, csat},
    survival::{End, Wait, WaitError, compare::log_rank},
    working_time::{Calendar, CalendarError, Hours, Promise, Standing, service_level},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::{date, time},
    tz::TimeZone,
};

/// As the time zone database has it, for machines without one.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn nine_to_five() -> Vec<Hours> {
    vec![Hours::new(time(9, 0, 0, 0), time(17, 0, 0, 0)).unwrap()]
}

fn calendar(holidays: &[jiff::civil::Date]) -> Calendar {
    let week =
        [nine_to_five(), nine_to_five(), nine_to_five(), nine_to_five(), nine_to_five(), vec![], vec![]];
    let zone = berlin();
    Calendar::new(3, zone, week, holidays.iter().copied()).unwrap()
}

fn at(text: &str) -> Timestamp {
    berlin().to_timestamp(text.parse().unwrap()).unwrap()
}

#[test]
fn four_working_hours_from_friday_at_four_are_over_on_monday_at_noon() {
    let calendar = calendar(&[]);
    let due = calendar.after(at("2026-11-27T16:00"), SignedDuration::from_hours(4));
    assert_eq!(due, Some(at("2026-11-30T12:00")));
    assert_eq!(
        calendar.between(at("2026-11-27T16:00"), at("2026-11-30T12:00")),
        SignedDuration::from_hours(4)
    );
    // A holiday on the Monday moves it; one on the Saturday does not.
    let with =
        |holiday| self::calendar(&[holiday]).after(at("2026-11-27T16:00"), SignedDuration::from_hours(4));
    assert_eq!(with(date(2026, 11, 30)), Some(at("2026-12-01T12:00")));
    assert_eq!(with(date(2026, 11, 28)), Some(at("2026-11-30T12:00")));
    assert_eq!(calendar.version(), 3);
}

#[test]
fn two_working_days_from_friday_at_four_are_over_on_tuesday_at_four() {
    let due = |from: &str, days| calendar(&[date(2026, 12, 7)]).after_days(at(from), days);
    assert_eq!(due("2026-11-27T16:00", 2), Some(at("2026-12-01T16:00")));
    // Asked at night or on a weekend, as asked when people come to work.
    assert_eq!(due("2026-11-27T20:00", 1), Some(at("2026-12-01T09:00")));
    assert_eq!(due("2026-11-28T12:00", 1), Some(at("2026-12-01T09:00")));
    // The Monday is a holiday.
    assert_eq!(due("2026-12-04T16:00", 1), Some(at("2026-12-08T16:00")));
    assert_eq!(due("2026-12-04T16:00", 0), None);
    // A day that ends at noon ends what is due in its afternoon, and a break what is due in it.
    let short = Hours::new(time(9, 0, 0, 0), time(12, 0, 0, 0)).unwrap();
    let late = Hours::new(time(14, 0, 0, 0), time(18, 0, 0, 0)).unwrap();
    let week = [vec![short], vec![short, late], nine_to_five(), vec![], vec![], vec![], vec![]];
    let calendar = Calendar::new(1, berlin(), week, []).unwrap();
    let due = |from: &str, days| calendar.after_days(at(from), days);
    assert_eq!(due("2026-12-02T16:00", 1), Some(at("2026-12-07T12:00")));
    assert_eq!(due("2026-12-02T13:00", 2), Some(at("2026-12-08T12:00")));
    assert_eq!(due("2026-12-02T16:00", 2), Some(at("2026-12-08T16:00")));
}

/// Around the clock: 23 hours in March, 25 in October.
#[test]
fn the_two_weekends_on_which_clocks_change_are_as_long_as_they_are() {
    let day = || vec![Hours::to_midnight(time(0, 0, 0, 0))];
    let week = [day(), day(), day(), day(), day(), day(), day()];
    let always = Calendar::new(1, berlin(), week, []).unwrap();
    let worked = |from: &str, to: &str| always.between(at(from), at(to));
    assert_eq!(worked("2026-03-28T12:00", "2026-03-29T12:00"), SignedDuration::from_hours(23));
    assert_eq!(worked("2026-10-24T12:00", "2026-10-25T12:00"), SignedDuration::from_hours(25));
    // Ordinary hours of the week after are not touched.
    let friday_to_monday = |from: &str| calendar(&[]).after(at(from), SignedDuration::from_hours(4));
    assert_eq!(friday_to_monday("2026-03-27T16:00"), Some(at("2026-03-30T12:00")));
    assert_eq!(friday_to_monday("2026-10-23T16:00"), Some(at("2026-10-26T12:00")));
}

#[test]
fn a_calendar_in_which_nobody_works_or_hours_overlap_is_none() {
    let none = || [vec![], vec![], vec![], vec![], vec![], vec![], vec![]];
    let of = |week| Calendar::new(1, TimeZone::UTC, week, []).map(|_| ());
    assert_eq!(of(none()), Err(CalendarError::Empty));
    let mut doubled = none();
    doubled[0] = [nine_to_five(), nine_to_five()].concat();
    assert_eq!(of(doubled), Err(CalendarError::Overlap));
    assert_eq!(Hours::new(time(9, 0, 0, 0), time(9, 0, 0, 0)), Err(CalendarError::Backwards));
}

#[test]
fn what_is_open_and_past_due_is_breached() {
    let (due, now) = (at("2026-11-26T12:00"), at("2026-11-26T13:00"));
    let promise = |kept: Option<&str>| Promise { due, kept: kept.map(at) };
    let met = promise(Some("2026-11-26T12:00"));
    let late = promise(Some("2026-11-26T12:30"));
    let open = Promise { due: at("2026-11-26T14:00"), kept: None };
    let standings = [met, late, promise(None), open].map(|promise| promise.standing(now));
    assert_eq!(standings, [Standing::Met, Standing::Breached, Standing::Breached, Standing::Open]);
    let level = service_level([met, late, promise(None), open], now);
    assert_eq!((level.part, level.whole), (1, 3));
}

fn did(steps: &[(i64, usize)]) -> Vec<Did> {
    let numbered = steps.iter().zip(0..);
    numbered
        .map(|((second, step), sequence)| Did {
            at: Timestamp::from_second(*second).unwrap(),
            sequence,
            step: *step,
        })
        .collect()
}

#[test]
fn a_funnel_tells_ways_apart() {
    let people = [
        did(&[(0, 0), (10, 1), (20, 2)]),
        // Back to the first step between: not strictly one after the other.
        did(&[(0, 0), (5, 0), (10, 1), (20, 2)]),
        // The last first.
        did(&[(0, 2), (10, 0), (20, 1)]),
        // Too late for the third.
        did(&[(0, 0), (10, 1), (200, 2)]),
        // At the same time: the number says what came first.
        did(&[(0, 0), (0, 1), (0, 2)]),
        // Entered, and still has time.
        did(&[(950, 0), (951, 1), (952, 2)]),
    ];
    let ask = |order| {
        let question = Question { steps: 3, order, within: SignedDuration::from_secs(100) };
        funnel(people.iter().map(Vec::as_slice), question, Timestamp::from_second(1_000).unwrap())
    };
    let found = |reached: [u64; 3]| Funnel { reached: reached.to_vec(), under_way: 1 };
    assert_eq!(ask(Order::Sequential), found([5, 5, 3]));
    assert_eq!(ask(Order::Strict), found([5, 4, 2]));
    assert_eq!(ask(Order::Any), found([5, 5, 4]));
}

#[test]
fn a_release_is_judged_only_where_enough_people_tell() {
    let group = |days: f64, spread: f64, people: u8| -> Vec<Wait> {
        (0..people).map(|n| Wait::new(days + spread * f64::from(n % 5), End::Reached).unwrap()).collect()
    };
    let registered = Registration { until: 30.0, smallest_that_matters: 1.0, level: Level::USUAL };
    let verdict = |before: &[Wait], after: &[Wait]| retrospective(before, after, registered).verdict;
    assert_eq!(verdict(&group(10.0, 1.0, 40), &group(6.0, 1.0, 40)), Verdict::Better);
    assert_eq!(verdict(&group(6.0, 1.0, 40), &group(10.0, 1.0, 40)), Verdict::Worse);
    assert_eq!(verdict(&group(6.0, 0.5, 200), &group(6.0, 0.5, 200)), Verdict::NoDifference);
    // One before and one after differ, and tell nothing.
    assert_eq!(verdict(&group(10.0, 1.0, 1), &group(6.0, 1.0, 1)), Verdict::NotEnough);
    assert_eq!(verdict(&group(10.0, 4.0, 12), &group(10.0, 4.0, 12)), Verdict::NotEnough);
    assert_eq!(verdict(&[], &group(6.0, 1.0, 40)), Verdict::NotEnough);
}

#[test]
fn answers_that_are_none_are_not_counted() {
    let satisfied = csat([5, 4, 3, 2, 1, 0, 6]);
    assert_eq!((satisfied.part, satisfied.whole), (2, 5));
    let effort = ces([7, 5, 6, 0, 8], Level::USUAL).unwrap();
    assert_eq!((effort.n, effort.mean), (3, 6.0));
    // Student's t with 2 degrees of freedom: 4.303 × 1/√3.
    let half = effort.interval.unwrap().half_width();
    assert!(effort.interval.unwrap().high == Some(7.0) && half.is_some());
    assert!((effort.interval.unwrap().low.unwrap() - (6.0 - 4.302_653 / 3.0_f64.sqrt())).abs() < 1e-4);
    assert_eq!(ces([], Level::USUAL), None);
    assert_eq!(ces([4], Level::USUAL).unwrap().interval, None);
}

#[test]
fn a_wait_that_cannot_be_is_refused() {
    assert_eq!(Wait::new(f64::NAN, End::Reached), Err(WaitError::NotANumber));
    assert_eq!(Wait::new(f64::INFINITY, End::Reached), Err(WaitError::NotANumber));
    assert_eq!(Wait::new(-1.0, End::Reached), Err(WaitError::Negative));
    assert_eq!(Wait::seen_from(5.0, 5.0, End::Reached), Err(WaitError::NotSeen));
    assert!(Wait::new(0.0, End::Reached).is_ok());
}

#[test]
fn a_group_that_says_nothing_takes_no_degree_of_freedom() {
    let group = |days: [f64; 4]| days.map(|days| Wait::new(days, End::Reached).unwrap());
    let (a, b) = (group([1.0, 2.0, 3.0, 4.0]), group([2.0, 4.0, 6.0, 8.0]));
    // Left before anybody arrived, as did nobody.
    let gone = [Wait::new(0.5, End::Otherwise).unwrap()];
    let two = log_rank(&[&a, &b]).unwrap();
    for three in [
        log_rank(&[&a, &b, &gone]).unwrap(),
        log_rank(&[&gone, &a, &b]).unwrap(),
        log_rank(&[&a, &[], &b]).unwrap(),
    ] {
        assert_eq!((three.df, two.df), (1, 1));
        assert!((three.chi2 - two.chi2).abs() < 1e-9 && (three.p - two.p).abs() < 1e-9);
    }
    assert_eq!(log_rank(&[&a]), None);
    assert_eq!(log_rank(&[&a, &gone]), None);
    assert_eq!(log_rank(&[]), None);
}

#[test]
fn a_mean_is_as_sure_as_student_says() {
    use firstlight_metrics::mean::mean;
    // Student's own ten patients (1908): the additional sleep by hyoscine, 0.75 hours; R's t.test gives [-0.53, 2.03].
    let sleep = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    let slept = mean(&sleep, Level::USUAL).unwrap();
    let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-4;
    assert!(near(Some(slept.value), 0.75));
    assert!(near(slept.interval.low, -0.5298) && near(slept.interval.high, 2.0298), "{slept:?}");
    assert_eq!(mean(&[], Level::USUAL), None);
    let one = mean(&[3.0], Level::USUAL).unwrap();
    assert_eq!((one.value, one.interval.low, one.interval.high), (3.0, None, None));
}
