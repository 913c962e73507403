//! What holds of any people.

#![expect(clippy::unwrap_used, reason = "tests, and what they build their people with")]

use std::collections::BTreeSet;

use firstlight_metrics::{
    Level,
    activity::Activity,
    funnel::{Did, Order, Question, funnel},
    proportion::Proportion,
    suppression::{Cell, SMALLEST, beside_a_total, of_answers},
    survey::Nps,
    survival::{Curve, End, Transform, Wait, compare, competing},
};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::date};
use proptest::prelude::*;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Reached), Just(End::StillWaiting), Just(End::Otherwise)]
}

/// Few different times, so that many fall together.
fn waits(ends: impl Strategy<Value = End>) -> impl Strategy<Value = Vec<Wait>> {
    let wait = (0_u8..30, ends).prop_map(|(time, end)| Wait::new(f64::from(time), end).unwrap());
    prop::collection::vec(wait, 1..60)
}

/// Waits of which some were looked at late.
fn late_waits() -> impl Strategy<Value = Vec<Wait>> {
    let wait = (0_u8..10, 1_u8..30, end()).prop_map(|(entry, more, end)| {
        Wait::seen_from(f64::from(entry), f64::from(entry + more), end).unwrap()
    });
    prop::collection::vec(wait, 1..60)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[expect(clippy::cast_precision_loss, reason = "few people")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// With nobody left out the curve is a plain count.
    #[test]
    fn without_censoring_the_curve_is_the_share_that_is_still_waiting(waits in waits(Just(End::Reached)), at in 0_u8..35) {
        let at = f64::from(at);
        let later = waits.iter().filter(|wait| wait.time() > at).count();
        let curve = Curve::of(&waits, Transform::default());
        prop_assert!(same(curve.waiting_at(at), share(later, waits.len())));
        let until = f64::from(29_u8);
        let mean: f64 = waits.iter().map(|wait| wait.time().min(until)).sum::<f64>() / share(waits.len(), 1);
        prop_assert!(same(curve.restricted_mean(until).unwrap().value, mean));
    }

    #[test]
    fn a_curve_falls_and_its_interval_holds_it(waits in late_waits(), at in 0_u8..45) {
        for transform in [Transform::Log, Transform::LogLog] {
            let curve = Curve::of(&waits, transform);
            let falls = curve.points().windows(2).all(|pair| pair[0].waiting >= pair[1].waiting);
            prop_assert!(falls);
            prop_assert!(curve.points().iter().all(|point| (0.0..=1.0).contains(&point.waiting)));
            let at = f64::from(at);
            if let Some(interval) = curve.interval_at(at, Level::USUAL) {
                prop_assert!(interval.holds(curve.waiting_at(at)), "{interval:?}");
            }
            prop_assert_eq!(curve.reached() + curve.censored(), curve.n());
        }
    }

    /// A literal reading of the definition: at each time, who is there and to whom it happens.
    #[test]
    fn late_entries_count_from_when_they_were_seen(
        people in prop::collection::vec((0_u8..10, 1_u8..30, any::<bool>()), 1..40), at in 0_u8..45,
    ) {
        let waits: Vec<Wait> = people.iter().map(|&(entry, more, reached)| {
            let end = if reached { End::Reached } else { End::StillWaiting };
            Wait::seen_from(f64::from(entry), f64::from(entry + more), end).unwrap()
        }).collect();
        let mut literal = 1.0;
        for time in 0..=at {
            let there = people.iter().filter(|(entry, more, _)| (*entry < time || *entry == 0) && entry + more >= time).count();
            let now = people.iter().filter(|(entry, more, reached)| *reached && entry + more == time).count();
            if now > 0 { literal *= 1.0 - share(now, there); }
        }
        prop_assert!(same(Curve::of(&waits, Transform::default()).waiting_at(f64::from(at)), literal));
    }

    #[test]
    fn the_order_of_people_and_the_name_of_a_group_change_nothing(a in waits(end()), b in waits(end())) {
        let there = compare::log_rank(&[&a, &b]);
        let back = compare::log_rank(&[&b, &a]);
        let mut turned = a.clone();
        turned.reverse();
        prop_assert_eq!(compare::log_rank(&[&turned, &b]).map(|test| test.observed), there.as_ref().map(|test| test.observed.clone()));
        match (there, back) {
            (Some(there), Some(back)) => {
                prop_assert!((there.chi2 - back.chi2).abs() < 1e-6);
                // What was seen is what was expected, over all groups.
                let observed: f64 = there.observed.iter().map(|&n| f64::from(u32::try_from(n).unwrap())).sum();
                prop_assert!((observed - there.expected.iter().sum::<f64>()).abs() < 1e-6);
            }
            (there, back) => prop_assert_eq!(there.is_none(), back.is_none()),
        }
    }

    /// A group split in itself does not differ from itself; of three groups with one doubled, df is two.
    #[test]
    fn a_group_does_not_differ_from_itself(a in waits(end()), b in waits(end())) {
        if let Some(test) = compare::log_rank(&[&a, &a]) {
            prop_assert!(test.chi2.abs() < 1e-9 && (test.p - 1.0).abs() < 1e-6);
        }
        if let (Some(two), Some(three)) = (compare::log_rank(&[&a, &b]), compare::log_rank(&[&a, &b, &b])) {
            prop_assert_eq!((two.df, three.df), (1, 2));
        }
    }

    /// Those who left are told apart, and where nobody leaves it is the curve.
    #[test]
    fn what_has_become_of_people_adds_up(waits in waits(end()), at in 0_u8..35) {
        let at = f64::from(at);
        let became = competing::by(&waits, at).unwrap();
        prop_assert!(became.reached >= 0.0 && became.otherwise >= 0.0);
        prop_assert!(became.reached + became.otherwise <= 1.0 + 1e-9);
        let curve = Curve::of(&waits, Transform::default());
        // Taking those who left for waiting promises at least as many.
        prop_assert!(became.reached <= 1.0 - curve.waiting_at(at) + 1e-9);
        if waits.iter().all(|wait| wait.end() != End::Otherwise) {
            prop_assert!(same(became.reached, 1.0 - curve.waiting_at(at)));
        }
    }

    #[test]
    fn a_share_lies_in_its_interval(whole in 1_u64..5000, part in 0_u64..5000) {
        prop_assume!(part <= whole);
        let share = Proportion::new(part, whole).unwrap();
        let interval = share.interval(Level::USUAL).unwrap();
        prop_assert!(interval.holds(share.value().unwrap()));
        prop_assert!(interval.low >= Some(0.0) && interval.high <= Some(1.0));
    }

    #[test]
    fn an_nps_is_what_was_answered(answers in prop::collection::vec(0_u8..=12, 0..80)) {
        let nps = Nps::of(answers.iter().copied());
        prop_assert_eq!(usize::try_from(nps.n()).unwrap(), answers.iter().filter(|answer| **answer <= 10).count());
        if let Some(value) = nps.value() {
            let interval = nps.interval(Level::USUAL).unwrap();
            prop_assert!((-100.0..=100.0).contains(&value));
            prop_assert!(interval.low >= Some(-100.0) && interval.high <= Some(100.0));
        }
    }

    /// Against sets of people, literally.
    #[test]
    fn activity_is_a_recount(did in prop::collection::vec((0_i64..60, 0_u32..20), 0..200), on in 0_i64..60) {
        let first = date(2026, 1, 1);
        let mut activity = Activity::default();
        for (day, person) in &did {
            activity.add(first + day.days(), *person);
        }
        let distinct = |days: i64| {
            let people: BTreeSet<u32> = did.iter().filter(|(day, _)| (on - days + 1..=on).contains(day)).map(|(_, person)| *person).collect();
            people.len() as u64
        };
        let day = first + on.days();
        prop_assert_eq!((activity.daily(day), activity.weekly(day), activity.monthly(day)), (distinct(1), distinct(7), distinct(28)));
        match activity.stickiness(day, |_| true) {
            Some(stickiness) => prop_assert!((1.0 / 28.0 - 1e-9..=1.0).contains(&stickiness)),
            None => prop_assert_eq!(activity.monthly(day), 0),
        }
    }

    #[test]
    fn a_funnel_only_narrows_and_stricter_ways_reach_less_far(
        people in prop::collection::vec(prop::collection::vec((0_i64..100, 0_usize..4), 0..12), 0..20), within in 1_i64..120,
    ) {
        let people: Vec<Vec<Did>> = people.into_iter().map(|did| {
            did.into_iter().zip(0..).map(|((at, step), sequence)| Did { at: Timestamp::from_second(at).unwrap(), sequence, step }).collect()
        }).collect();
        let ask = |order| {
            let question = Question { steps: 4, order, within: SignedDuration::from_secs(within) };
            funnel(people.iter().map(Vec::as_slice), question, Timestamp::from_second(1_000).unwrap())
        };
        let (sequential, strict) = (ask(Order::Sequential), ask(Order::Strict));
        for found in [&sequential, &strict, &ask(Order::Any)] {
            prop_assert!(found.reached.windows(2).all(|pair| pair[0] >= pair[1]));
            prop_assert_eq!(found.under_way, 0);
        }
        prop_assert!(strict.reached.iter().zip(&sequential.reached).all(|(strict, sequential)| strict <= sequential));
    }

    /// Whoever knows the total and what is shown cannot tell a group that is too small.
    #[test]
    fn g5_no_small_group_can_be_reckoned_from_the_others(groups in prop::collection::vec(0_u64..30, 1..8)) {
        let cells = beside_a_total(&groups, SMALLEST);
        let hidden: Vec<u64> = groups.iter().zip(&cells).filter(|(_, cell)| **cell == Cell::Hidden).map(|(size, _)| *size).collect();
        for (size, cell) in groups.iter().zip(&cells) {
            if let Cell::Shown(shown) = cell {
                prop_assert_eq!(shown, size);
                prop_assert!(*shown == 0 || *shown >= SMALLEST);
            }
        }
        let total: u64 = groups.iter().sum();
        if !hidden.is_empty() && total >= 2 * SMALLEST && groups.iter().filter(|size| **size > 0).count() > 1 {
            prop_assert!(hidden.len() > 1, "one alone is the total less the others");
            prop_assert!(hidden.iter().sum::<u64>() >= SMALLEST);
        }
    }
}

#[test]
fn g5_answers_of_few_and_of_all_alike_are_not_shown() {
    assert_eq!(of_answers(&[2, 2], SMALLEST), None);
    assert_eq!(of_answers(&[0, 9], SMALLEST), None);
    assert_eq!(of_answers(&[3, 2], SMALLEST), Some(&[3, 2][..]));
    assert_eq!(of_answers(&[], SMALLEST), None);
}
