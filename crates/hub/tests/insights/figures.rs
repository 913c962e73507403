//! What each figure means, by hand.

use firstlight_contract::kpis::{
    InsightsFilter, Kpi, KpiAnswer, KpiCounts, RetrospectiveVerdict, TimeScale, ValueEvent,
};
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    survey::{Answer, Ending, Scale},
};
use firstlight_hub::{
    insights::{Filter, Insights, story::Clock},
    store::{
        PersonKey,
        kpis::Known,
        surveys::{Answered, Ended, Heard},
    },
    surveys::LetOut,
};
use firstlight_metrics::working_time::{Calendar, Hours};
use jiff::{
    Timestamp,
    civil::{Date, Time, date, time},
    tz::TimeZone,
};

use crate::company::{Somebody, company, insights, now, services, somebody, step};

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
    let figures = insights(company(&people))
        .ttfv(&Filter::default(), None, ValueEvent::FirstValue, None)
        .unwrap()
        .groups
        .remove(0)
        .figures;
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
        let asked =
            InsightsFilter { persona: text(persona), period: text(period), ..InsightsFilter::default() };
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

/// Everybody's clock started on a Thursday at noon, two weeks ago, and people work from nine to five.
#[test]
fn the_time_to_first_value_is_told_in_working_days() {
    let days = [0.25, 1.0, 4.0, 5.0, 6.0, 7.0, 11.0];
    let people: Vec<Somebody> =
        days.iter().map(|value| Somebody { value: Some(*value), ..somebody("data", "1.0.0", 14) }).collect();
    let insights = insights(company(&people));
    let nine_to_five = || vec![Hours::new(time(9, 0, 0, 0), time(17, 0, 0, 0)).unwrap()];
    let told = |holidays: &[Date]| {
        let week = std::array::from_fn(|day| if day < 5 { nine_to_five() } else { Vec::new() });
        let hours = Calendar::new(1, TimeZone::UTC, week, holidays.iter().copied()).unwrap();
        let curves = insights.ttfv(&Filter::default(), None, ValueEvent::FirstValue, Some(&hours)).unwrap();
        assert_eq!(curves.time, TimeScale::Business);
        let figures = &curves.groups[0].figures;
        (known(&figures.median.answer), known(&figures.p90.answer).0)
    };
    // Five hours of Thursday, one day, two and so on: a weekend is nothing.
    let ((median, _, counts), p90) = told(&[]);
    assert!((median - 3.0).abs() < 1e-9 && (p90 - 7.0).abs() < 1e-9, "{median} {p90}");
    assert_eq!(counts, KpiCounts { n: 7, n_at_risk: 4, n_events: 7, n_censored: 0 });
    // Without the Friday.
    let ((median, ..), p90) = told(&[date(2026, 11, 13)]);
    assert!((median - 2.0).abs() < 1e-9 && (p90 - 6.0).abs() < 1e-9, "{median} {p90}");
}

/// A machine may claim that its clock started in another age; the working hours since then are not all laid out.
#[test]
fn a_clock_from_another_age_changes_no_working_day_of_the_others() {
    let days = [0.25, 1.0, 4.0, 5.0, 6.0, 7.0, 11.0, 0.25];
    let mut known_of =
        company(&days.map(|value| Somebody { value: Some(value), ..somebody("data", "1.0.0", 14) }));
    let last = known_of.journeys.values_mut().next_back().unwrap();
    last.began.as_mut().unwrap().clock = Clock::At(Timestamp::MIN.as_millisecond());
    let insights = insights(known_of);
    let week = std::array::from_fn(|_| vec![Hours::to_midnight(Time::midnight())]);
    let always = Calendar::new(1, TimeZone::UTC, week, []).unwrap();
    let told = |hours| {
        let curves = insights.ttfv(&Filter::default(), None, ValueEvent::FirstValue, hours).unwrap();
        known(&curves.groups[0].figures.median.answer)
    };
    let (elapsed, worked) = (told(None), told(Some(&always)));
    assert!((elapsed.0 - 5.0).abs() < 1e-9 && (worked.0 - 5.0).abs() < 1e-9, "{elapsed:?} {worked:?}");
    assert_eq!((elapsed.2.n, elapsed.2), (8, worked.2));
}

/// The leukaemia patients again, their first merged change instead of their first value, which all reached at once.
#[test]
fn the_time_to_the_first_merged_change_is_asked_for_by_itself() {
    let arrived = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
    let waiting = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
    let one = |merged, days| Somebody { value: Some(0.5), merged, ..somebody("backend", "1.0.0", days) };
    let mut people: Vec<Somebody> = arrived.iter().map(|merged| one(Some(*merged), 40)).collect();
    people.extend(waiting.iter().map(|days| one(None, *days)));
    let insights = insights(company(&people));
    let median = |value| {
        let curves = insights.ttfv(&Filter::default(), None, value, None).unwrap();
        assert_eq!(curves.value, value);
        known(&curves.groups[0].figures.median.answer).0
    };
    assert!((median(ValueEvent::Merged) - 23.0).abs() < 1e-9);
    assert!((median(ValueEvent::FirstValue) - 0.5).abs() < 1e-9);
}

#[test]
fn a_merged_change_is_value_too_and_services_are_use() {
    let mut people = vec![Somebody { merged: Some(3.0), ..somebody("backend", "1.0.0", 20) }; 6];
    people.extend(vec![Somebody { value: Some(3.0), ..somebody("backend", "1.0.0", 20) }; 6]);
    people.extend(vec![somebody("backend", "1.0.0", 20); 7]);
    let mut all = company(&people);
    // Nobody has been active for long, but some use services.
    let (today, long_ago) = (jiff::civil::date(2026, 11, 26), jiff::civil::date(2026, 6, 1));
    all.people = [(long_ago, all.everybody.clone())].into();
    let adoption = |known| insights(known).summary(&Filter::default()).adoption;
    assert_eq!(adoption(all.clone()).use_it.answer, KpiAnswer::NotEnough);
    all.using =
        [(today, (1..=5).chain(7..=9).chain(13..=19).collect()), (long_ago, all.everybody.clone())].into();
    let adoption = adoption(all);
    let counts = |kpi: &Kpi| {
        let counts = known(&kpi.answer).2;
        (counts.n_events, counts.n)
    };
    assert_eq!((counts(&adoption.could_help), counts(&adoption.organisation)), ((12, 19), (12, 19)));
    // All but four use something: nobody is left alone.
    assert_eq!(adoption.use_it.answer, KpiAnswer::Suppressed);
}

#[test]
fn a_service_has_its_users_how_often_they_use_it_and_with_which_success() {
    let mut people = vec![somebody("backend", "1.0.0", 40); 10];
    people.extend(vec![somebody("data", "1.0.0", 40); 8]);
    let insights = insights(company(&people));
    // Visitors have begun nothing.
    let used = services(&[
        ("search", "2026-11", (1..=18).chain(100..=105).collect()),
        ("search", "2026-10", (1..=12).collect()),
        ("ci", "2026-11", vec![2, 4, 6, 8, 10]),
        ("mainframe", "2026-11", vec![1, 2, 3, 4]),
    ]);
    let table = insights.services(&Filter::default(), &used);
    let rows: Vec<(&str, &str)> =
        table.services.iter().map(|row| (row.service.as_str(), row.month.as_str())).collect();
    assert_eq!(rows, [("ci", "2026-11"), ("search", "2026-11"), ("search", "2026-10")]);
    assert_eq!((table.hidden, table.until.as_deref()), (1, Some("2026-11-01")));
    let ci = &table.services[0];
    assert_eq!(known(&ci.users.answer).2.n, 5);
    // 2 4 6 8 10: Student's interval is 6 ± 2.776 · √(10 / 5); each failed once, so 25 of 30 worked.
    let (often, [low, high], counts) = known(&ci.uses_per_user.answer);
    assert!((often - 6.0).abs() < 1e-9 && counts.n == 5);
    assert!(
        (low.unwrap() - 2.0740).abs() < 1e-3 && (high.unwrap() - 9.9260).abs() < 1e-3,
        "{low:?} {high:?}"
    );
    let (share, _, counts) = known(&ci.success.answer);
    assert!((share - 25.0 / 30.0).abs() < 1e-9 && (counts.n_events, counts.n) == (25, 30));

    let of = |persona: &str| {
        let asked = InsightsFilter { persona: Some(persona.to_owned()), ..InsightsFilter::default() };
        insights.services(&Filter::of(asked).unwrap(), &used).services
    };
    let data = of("data");
    assert_eq!(known(&data[1].users.answer).2.n, 8, "eight of search in November");
    // Two of search in October; without them nobody but ten of the other persona is left.
    assert_eq!(data[2].users.answer, KpiAnswer::Suppressed);
    assert_eq!(data[2].uses_per_user.answer, KpiAnswer::Suppressed);
    // Nobody of ci.
    assert_eq!((known(&data[0].users.answer).0, &data[0].success.answer), (0.0, &KpiAnswer::NotEnough));
}

fn heard(scores: &[u8], endings: &[Ending]) -> LetOut {
    let survey = SurveyId::new("recommend").unwrap();
    let answers = (1..).zip(scores).map(|(person, score)| Answered {
        person: PersonKey(person),
        survey: survey.clone(),
        question: QuestionId::new("recommend").unwrap(),
        answer: Answer::Score { kind: Scale::Nps, score: *score },
    });
    let endings = (1..).zip(endings).map(|(person, ending)| Ended {
        person: PersonKey(person),
        survey: survey.clone(),
        ending: *ending,
    });
    LetOut::of(&Heard { answers: answers.collect(), endings: endings.collect(), ..Heard::default() })
}

/// 162 promoters, 108 passives, 54 detractors: +33.33 [24.95, 41.11].
#[test]
fn an_nps_is_the_published_one_of_what_was_let_out() {
    // Nine at first, because eight of them say the same; then five at a time.
    let mut scores = vec![10; 8];
    scores.push(7);
    // Of each kind as many as its share wants by then, so that no five are alike.
    let all = [(9, 162 - 8), (7, 108 - 1), (6, 54)];
    let mut left = all;
    while let Some(most) =
        (0..3).max_by_key(|kind| left[*kind].1 * 1_000 / all[*kind].1).filter(|kind| left[*kind].1 > 0)
    {
        left[most].1 -= 1;
        scores.push(left[most].0);
    }
    assert_eq!(scores.len(), 324);
    let insights = insights(company(&[]));
    let quarter = "2026-Q4".parse().unwrap();
    let told = |out: &LetOut| insights.surveys([(quarter, out)]).quarters.remove(0);
    let all = told(&heard(&scores, &[]));
    let (value, [low, high], counts) = known(&all.nps.answer);
    assert_eq!((counts.n, counts.n_events), (324, 162));
    assert!((value - 33.333_333).abs() < 1e-4, "{value}");
    assert!(
        (low.unwrap() - 24.95).abs() < 0.005 && (high.unwrap() - 41.11).abs() < 0.005,
        "{low:?} {high:?}"
    );
    assert_eq!((&all.csat.answer, &all.response.answer), (&KpiAnswer::NotEnough, &KpiAnswer::NotEnough));

    // Thirty are too few to say it, and are counted; four are not even that.
    let few = told(&heard(&scores[9..39], &[]));
    assert_eq!((&few.nps.answer, few.surveys[0].questions[0].answers), (&KpiAnswer::NotEnough, 30));
    let none = told(&heard(&[10, 9, 3, 8], &[Ending::Sent; 3]));
    assert_eq!((&none.nps.answer, none.surveys[0].questions[0].answers), (&KpiAnswer::Suppressed, 0));
    assert_eq!(none.response.answer, KpiAnswer::Suppressed);
}

#[test]
fn who_answers_is_told_of_those_who_were_shown_it() {
    let endings =
        [Ending::Sent, Ending::Sent, Ending::Dismissed, Ending::Abandoned, Ending::Sent, Ending::Partial];
    let insights = insights(company(&[]));
    let quarters = insights.surveys([("2026-Q4".parse().unwrap(), &heard(&[], &endings))]).quarters;
    let (share, _, counts) = known(&quarters[0].surveys[0].response.answer);
    assert!(
        (share - 0.6).abs() < 1e-9 && (counts.n_events, counts.n) == (3, 5),
        "the sixth waits for others"
    );
}

#[test]
fn figures_are_sorted_out_anew_at_most_once_a_minute_because_time_passes() {
    let seconds = jiff::SignedDuration::from_secs;
    let of = |latest| insights(Known { latest: Some(latest), ..Known::default() });
    // A machine whose clock is an hour ahead.
    let ahead = of(now() + seconds(3_600));
    assert!(!ahead.is_of_later(now() + seconds(59)));
    assert!(ahead.is_of_later(now() + seconds(60)));
    let past = of(now() - seconds(1));
    assert!(!past.is_of_later(now() + seconds(1_000_000)));
}
