//! What each figure means, by hand.

use firstlight_contract::kpis::{
    InsightsFilter, Kpi, KpiAnswer, KpiCounts, RetrospectiveVerdict, ServiceTable, ValueEvent,
};
use firstlight_hub::insights::{Filter, Insights};
use jiff::tz::TimeZone;

use crate::company::{Somebody, company, insights, now, somebody, step};

fn known(answer: &KpiAnswer) -> (f64, [Option<f64>; 2], KpiCounts) {
    match answer {
        KpiAnswer::Known { value, ci, counts } => (*value, *ci, *counts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hub_that_has_heard_nothing_says_so() {
    let insights = Insights::of(firstlight_hub::store::kpis::Known::default(), &TimeZone::UTC, now());
    let summary = insights.summary(&Filter::default());
    assert_eq!(summary.ttfv.median.answer, KpiAnswer::NotEnough);
    assert_eq!(summary.adoption.could_help.answer, KpiAnswer::NotEnough);
    assert_eq!((summary.ttfv.median.as_of, summary.ttfv.median.received_share), (None, None));
    assert!(insights.steps(&Filter::default()).steps.is_empty());
    assert!(insights.activity(&Filter::default()).days.is_empty());
    assert_eq!(insights.completeness().journeys, 0);
}

/// The leukaemia patients given 6-MP (Freireich 1963), as days to first value: the median is 23, that of those who arrived
/// 10.
#[test]
fn who_still_waits_counts_and_who_left_does_not_arrive() {
    let arrived = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
    let waiting = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
    let mut people: Vec<Somebody> = arrived
        .iter()
        .map(|value| Somebody { value: Some(*value), ..somebody("backend", "1.0.0", 40) })
        .collect();
    people.extend(waiting.iter().map(|days| somebody("backend", "1.0.0", *days)));
    let figures = insights(company(&people)).ttfv(&Filter::default(), None, ValueEvent::FirstValue).unwrap().groups.remove(0).figures;
    let (median, ci, counts) = known(&figures.median.answer);
    assert!((median - 23.0).abs() < 1e-9 && ci[0].is_some_and(|low| (low - 13.0).abs() < 1e-9), "{ci:?}");
    assert_eq!(counts, KpiCounts { n: 21, n_at_risk: 6, n_events: 9, n_censored: 12 });
    assert!((known(&figures.naive_median.answer).0 - 10.0).abs() < 1e-9);
    assert!(matches!(figures.p90.answer, KpiAnswer::NotReached { counts: KpiCounts { n: 21, .. }, .. }));
    assert_eq!(figures.median.received_share, Some(0.9));

    // Had those who wait left, they would never arrive: of 21, 9 have.
    for one in people.iter_mut().skip(9) {
        #[expect(clippy::cast_precision_loss, reason = "days of a test")]
        let left = one.days_ago as f64;
        (one.left, one.days_ago) = (Some(left), 40);
    }
    let figures = insights(company(&people)).summary(&Filter::default()).ttfv;
    let (within, ..) = known(&figures.within_30_days.answer);
    assert!(within < 0.55, "{within}");
}

#[test]
fn adoption_is_of_three_denominators() {
    let mut people = vec![Somebody { value: Some(1.0), ..somebody("backend", "1.0.0", 20) }; 6];
    people.extend(vec![somebody("backend", "1.0.0", 20); 6]);
    people.extend(vec![Somebody { left: Some(3.0), ..somebody("backend", "1.0.0", 20) }; 5]);
    let mut all = company(&people);
    // Given a code, and nothing since.
    all.everybody.extend(900..907);
    let adoption = insights(all).summary(&Filter::default()).adoption;
    let counts = |answer: &KpiAnswer| {
        let (_, _, counts) = known(answer);
        (counts.n_events, counts.n)
    };
    assert_eq!(counts(&adoption.organisation.answer), (6, 24));
    assert_eq!(counts(&adoption.could_help.answer), (6, 12));
    assert_eq!(counts(&adoption.use_it.answer), (6, 12));
}

#[test]
fn a_step_costs_the_days_everybody_lost_in_it() {
    let mut people = Vec::new();
    for minutes in [10, 20, 30, 40, 60] {
        let mut one = somebody("backend", "1.0.0", 20);
        one.steps = [
            ("git".to_owned(), step(minutes, u32::from(minutes == 60))),
            ("vpn".to_owned(), step(minutes * 10, 0)),
        ]
        .into();
        people.push(one);
    }
    people[0].steps.insert("rare".to_owned(), step(1, 0));
    let table = insights(company(&people)).steps(&Filter::default());
    let names: Vec<&str> = table.steps.iter().map(|row| row.step.as_str()).collect();
    assert_eq!(names, ["vpn", "git", "rare"], "the most costly first");
    let git = &table.steps[1];
    assert!((known(&git.minutes.answer).0 - 30.0).abs() < 1e-9);
    assert!((known(&git.doing.answer).0 - 16.0).abs() < 1e-9);
    assert!((known(&git.person_days.answer).0 - 160.0 / 1_440.0).abs() < 1e-9);
    let (share, _, counts) = known(&git.failure.answer);
    assert!((share - 0.2).abs() < 1e-9);
    assert_eq!((counts.n_events, counts.n), (1, 5));
    assert_eq!(table.steps[2].minutes.answer, KpiAnswer::Suppressed);
}

#[test]
fn a_release_is_better_only_where_enough_people_tell() {
    let with = |version: &str, value: f64, n: usize| {
        vec![Somebody { value: Some(value), ..somebody("backend", version, 60) }; n]
    };
    let compare = |n: usize| {
        let mut people = with("1.0.0", 9.0, n);
        people.extend(with("1.0.0", 11.0, n));
        people.extend(with("2.0.0", 3.0, n));
        people.extend(with("2.0.0", 4.0, n));
        let release = |version: &str| ("acme".to_owned(), version.to_owned());
        insights(company(&people)).retrospective(None, release("1.0.0"), release("2.0.0")).unwrap()
    };
    let enough = compare(10);
    assert_eq!(enough.verdict, RetrospectiveVerdict::Better);
    assert!((known(&enough.gain.answer).0 - 6.5).abs() < 1e-9);
    assert!(enough.logrank.is_some());
    assert_eq!(compare(3).verdict, RetrospectiveVerdict::NotEnough);
    assert_eq!(compare(1).gain.answer, KpiAnswer::Suppressed);
}

#[test]
fn who_is_active_is_told_by_the_last_day_of_a_period() {
    let mut people = vec![somebody("backend", "1.0.0", 40); 7];
    people.extend(vec![somebody("data", "1.0.0", 40); 6]);
    let insights = insights(company(&people));
    let active = |persona: Option<&str>, period: Option<&str>| {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let asked = InsightsFilter { persona: text(persona), period: text(period), ..InsightsFilter::default() };
        insights.summary(&Filter::of(asked).unwrap()).active
    };
    let now = active(Some("data"), None);
    assert_eq!((now.day.as_deref(), known(&now.daily.answer).2.n), (Some("2026-11-26"), 6));
    // They began on 17 October.
    let october = active(Some("backend"), Some("2026-10"));
    assert_eq!(october.day.as_deref(), Some("2026-10-31"));
    let of = |kpi: &Kpi| known(&kpi.answer).0;
    assert!((of(&october.daily), of(&october.weekly), of(&october.monthly)) == (0.0, 0.0, 7.0));
    assert_eq!(active(None, Some("2027")).daily.answer, KpiAnswer::NotEnough);
}
