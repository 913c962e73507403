//! G5: an attacker who asks everything that can be asked, and knows of which groups each answer is the sum, isolates nobody.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::kpis::{InsightsFilter, Kpi, KpiAnswer, ValueEvent};
use firstlight_hub::insights::{By, Filter, Insights};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::company::{DAY, Somebody, company, days, insights, now, services, somebody, step};

pub(crate) const FEW: std::ops::Range<usize> = 1..5;

/// Another prime than the hub's: an attack of its own.
const PRIME: i128 = 1_000_000_007;

/// What an answer is the sum of: people, by number.
pub(crate) type Sum = BTreeSet<usize>;

pub(crate) fn n_of(kpi: &Kpi) -> Option<u32> {
    match &kpi.answer {
        KpiAnswer::Known { counts, .. } | KpiAnswer::NotReached { counts, .. } => Some(counts.n),
        KpiAnswer::NotEnough | KpiAnswer::Suppressed => None,
    }
}

fn month(somebody: &Somebody) -> String {
    let at = now() - jiff::SignedDuration::from_hours(somebody.days_ago * 24);
    at.to_string()[..7].to_owned()
}

fn quarter(month: &str) -> String {
    let number: usize = month[5..].parse().unwrap();
    format!("{}-Q{}", &month[..4], number.div_ceil(3))
}

/// Everything that can be asked, and of whom it is.
pub(crate) fn questions(people: &[Somebody]) -> Vec<(InsightsFilter, Sum)> {
    let mut all: BTreeMap<[Option<String>; 4], Sum> = BTreeMap::new();
    for (index, one) in people.iter().enumerate() {
        let month = month(one);
        let periods = [None, Some(month[..4].to_owned()), Some(quarter(&month)), Some(month)];
        for persona in [None, Some(one.persona.clone())] {
            for release in [None, Some(format!("acme@{}", one.version))] {
                for period in &periods {
                    for team in std::iter::once(None).chain(one.team.map(|team| Some(team.to_owned()))) {
                        let key = [persona.clone(), release.clone(), period.clone(), team];
                        all.entry(key).or_default().insert(index);
                    }
                }
            }
        }
    }
    all.into_iter()
        .map(|([persona, release, period, team], sum)| {
            (InsightsFilter { persona, release, period, team }, sum)
        })
        .collect()
}

fn row(sum: &Sum, size: usize) -> Vec<i128> {
    (0..size).map(|index| i128::from(sum.contains(&index))).collect()
}

/// Whether a sum follows from others: elimination, as an attacker does it.
pub(crate) struct Space {
    rows: Vec<(usize, Vec<i128>)>,
    size: usize,
}

impl Space {
    pub(crate) fn of(sums: &[&Sum], size: usize) -> Self {
        let mut space = Self { rows: Vec::new(), size };
        for sum in sums {
            let mut rest = space.rest(sum);
            if let Some(pivot) = rest.iter().position(|number| *number != 0) {
                let inverse = power(rest[pivot], PRIME - 2);
                for number in &mut rest {
                    *number = *number * inverse % PRIME;
                }
                space.rows.push((pivot, rest));
            }
        }
        space
    }

    fn rest(&self, sum: &Sum) -> Vec<i128> {
        let mut rest = row(sum, self.size);
        for (pivot, known) in &self.rows {
            let factor = rest[*pivot];
            for (number, known) in rest.iter_mut().zip(known) {
                *number = (*number - factor * known).rem_euclid(PRIME);
            }
        }
        rest
    }

    pub(crate) fn holds(&self, sum: &Sum) -> bool {
        self.rest(sum).iter().all(|number| *number == 0)
    }
}

fn power(base: i128, exponent: i128) -> i128 {
    let (mut result, mut base, mut left) = (1, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        left /= 2;
    }
    result
}

/// What is answered, and so known.
pub(crate) fn answered<'a>(
    questions: &'a [(InsightsFilter, Sum)],
    insights: &Insights,
    ask: impl Fn(&Insights, &Filter) -> Option<u32>,
) -> Vec<&'a Sum> {
    let mut answered = Vec::new();
    for (filter, sum) in questions {
        let Ok(filter) = Filter::of(filter.clone()) else { continue };
        if let Some(n) = ask(insights, &filter) {
            assert!(n >= 5, "{filter:?} is about {n}");
            answered.push(sum);
        }
    }
    answered
}

/// One answer without another leaves nobody, or enough.
fn subtract(answered: &[&Sum]) {
    for all in answered {
        for part in answered.iter().filter(|part| part.is_subset(all)) {
            let rest = all.difference(part).count();
            assert!(!FEW.contains(&rest), "{rest} are left of {all:?} without {part:?}");
        }
    }
}

/// Attacks what was answered. Says how many answers there were.
fn attack(
    people: &[Somebody],
    insights: &Insights,
    ask: impl Fn(&Insights, &Filter) -> Option<u32>,
) -> usize {
    let questions = questions(people);
    let answered = answered(&questions, insights, ask);
    subtract(&answered);
    // Whatever follows from all of them together: each group that has a name, down to those of all three.
    let space = Space::of(&answered, people.len());
    for (filter, sum) in questions.iter().filter(|(_, sum)| FEW.contains(&sum.len())) {
        assert!(!space.holds(sum), "{filter:?} follows: {}", sum.len());
    }
    answered.len()
}

fn people() -> impl Strategy<Value = Vec<Somebody>> {
    prop::collection::vec(one(), 1..100)
}

pub(crate) fn one() -> impl Strategy<Value = Somebody> {
    // Some kinds are rare, as they are in companies.
    let persona = prop_oneof![8 => Just("backend"), 5 => Just("data"), 1 => Just("qa"), 1 => Just("devops")];
    (persona, 0_usize..4, 1_i64..200, prop::bool::ANY, 0_usize..20).prop_map(
        |(persona, release, ago, arrived, team)| {
            // A release follows the other, mostly.
            let version = (200 - ago) / 60 + i64::from(release == 3);
            let mut one = somebody(persona, &format!("{version}.0.0"), ago);
            one.value = arrived.then_some(0.5);
            // Some leave at once.
            one.left = (release == 1 && !arrived).then_some(0.25);
            one.steps = [("git".to_owned(), step(10, u32::from(arrived)))].into();
            if release % 2 == 0 {
                one.steps.insert("vpn".to_owned(), step(20, 0));
            }
            one.merged = (release != 2 && arrived).then_some(1.5);
            // Teams mix personas, but for those that are one.
            one.team = match team {
                0..3 => None,
                3..10 => Some("orders"),
                10..16 => Some("payments"),
                16 => Some("labs"),
                _ => Some(persona),
            };
            one
        },
    )
}

/// Of how many the time of those who arrived is told.
pub(crate) fn naive(insights: &Insights, filter: &Filter) -> Option<u32> {
    let curves = insights.ttfv(filter, None, ValueEvent::FirstValue, None).unwrap();
    n_of(&curves.groups.into_iter().next()?.figures.naive_median)
}

pub(crate) fn under_way(insights: &Insights, filter: &Filter) -> Option<u32> {
    n_of(&insights.funnel(filter).under_way)
}

pub(crate) fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

#[test]
fn g5_an_attacker_who_asks_everything_isolates_nobody() {
    runner(8)
        .run(&people(), |people| {
            let insights = insights(company(&people));
            let n = |insights: &Insights, filter: &Filter| {
                let curve =
                    insights.ttfv(filter, None, ValueEvent::FirstValue, None).unwrap().groups.pop()?;
                assert_eq!(n_of(&curve.figures.median).is_some(), !curve.points.is_empty());
                n_of(&curve.figures.median)
            };
            attack(&people, &insights, n);
            attack(&people, &insights, under_way);
            // Who has left before is in no share of those who could be helped.
            let stayed: Vec<Somebody> = people.iter().filter(|one| one.left.is_none()).cloned().collect();
            attack(&stayed, &insights, |insights, filter| {
                n_of(&insights.summary(filter).adoption.could_help)
            });
            // Whose thirty days are over.
            let over: Vec<Somebody> = people.iter().filter(|one| one.days_ago >= 30).cloned().collect();
            attack(&over, &insights, |insights, filter| {
                n_of(&insights.funnel(filter).stages[0].reached).filter(|n| *n > 0)
            });
            // Who has arrived.
            let arrived: Vec<Somebody> = people.iter().filter(|one| one.value.is_some()).cloned().collect();
            attack(&arrived, &insights, naive);
            // Whose first change is merged by now: what is said to happen tomorrow tells of nobody yet.
            let is_merged =
                |one: &&Somebody| one.merged.is_some_and(|after| days(after) <= one.days_ago * DAY);
            let merged: Vec<Somebody> = people.iter().filter(is_merged).cloned().collect();
            attack(&merged, &insights, |insights, filter| {
                let curves = insights.ttfv(filter, None, ValueEvent::Merged, None).unwrap();
                n_of(&curves.groups.into_iter().next()?.figures.naive_median)
            });
            // A step that only some have met, asked for by itself.
            let met: Vec<Somebody> =
                people.iter().filter(|one| one.steps.contains_key("vpn")).cloned().collect();
            attack(&met, &insights, |insights, filter| {
                let rows = insights.steps(filter).steps;
                n_of(&rows.iter().find(|row| row.step == "vpn")?.doing)
            });
            Ok(())
        })
        .unwrap();
}

/// Of whom there are so many, when they began, and whether they arrived.
type Kind = (usize, &'static str, &'static str, i64, bool);

#[test]
fn g5_a_month_is_told_of_beside_its_quarter_however_each_is_asked_for() {
    let kinds: [Kind; 9] = [
        (5, "backend", "3.0.0", 1, false),
        (1, "backend", "3.0.0", 1, true),
        (1, "backend", "3.0.0", 26, true),
        (4, "data", "2.0.0", 26, true),
        (3, "data", "2.0.0", 57, true),
        (2, "backend", "2.0.0", 57, true),
        (1, "data", "1.0.0", 81, true),
        (4, "backend", "0.0.0", 149, true),
        (1, "backend", "1.0.0", 179, true),
    ];
    let crowd = kinds.into_iter().flat_map(|(many, persona, version, ago, arrived)| {
        let one = Somebody { value: arrived.then_some(0.5), ..somebody(persona, version, ago) };
        std::iter::repeat_n(one, many)
    });
    let people: Vec<Somebody> = crowd.collect();
    let arrived: Vec<Somebody> = people.iter().filter(|one| one.value.is_some()).cloned().collect();
    // Of November one has arrived: October, and the quarter of both, are not told of side by side.
    attack(&arrived, &insights(company(&people)), naive);
}

#[test]
fn g5_curves_beside_each_other_say_no_more_than_each_alone() {
    runner(10)
        .run(&people(), |people| {
            let insights = insights(company(&people));
            for (by, value) in [
                (By::Persona, ValueEvent::FirstValue),
                (By::Release, ValueEvent::Merged),
                (By::Team, ValueEvent::Merged),
            ] {
                for group in insights.ttfv(&Filter::default(), Some(by), value, None).unwrap().groups {
                    let mut asked = InsightsFilter::default();
                    match by {
                        By::Persona => asked.persona = Some(group.name.clone()),
                        By::Release => asked.release = Some(group.name.clone()),
                        By::Team => asked.team = Some(group.name.clone()),
                    }
                    let alone = insights.ttfv(&Filter::of(asked).unwrap(), None, value, None).unwrap();
                    let alone = alone.groups.into_iter().next().unwrap();
                    prop_assert_eq!(&alone.figures, &group.figures);
                    prop_assert_eq!(&alone.points, &group.points);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn g5_who_is_active_is_told_of_no_few_on_any_day() {
    runner(10)
        .run(&people(), |people| {
            let insights = insights(company(&people));
            let today = |kpi: &Kpi| match &kpi.answer {
                KpiAnswer::Known { value: 0.0, .. } => None,
                _ => n_of(kpi),
            };
            let n = |insights: &Insights, filter: &Filter| {
                if filter.period.is_some() {
                    return None;
                }
                let days = insights.activity(filter).days;
                for day in &days {
                    for n in [&day.daily, &day.weekly, &day.monthly].into_iter().filter_map(n_of) {
                        assert!(n == 0 || n >= 5, "{filter:?} {day:?}");
                    }
                }
                // Everybody is active today.
                days.last().and_then(|day| today(&day.daily))
            };
            attack(&people, &insights, n);
            Ok(())
        })
        .unwrap();
}

#[test]
fn g5_who_uses_a_service_is_told_of_no_few_in_any_month() {
    runner(10)
        .run(&people(), |people| {
            let insights = insights(company(&people));
            // Each of those who use it has a number of their own.
            let users: Vec<Somebody> = people.iter().filter(|one| one.days_ago % 3 != 0).cloned().collect();
            let used = |one: &Somebody| one.days_ago % 3 != 0;
            let numbers = (1_u32..).zip(&people).filter(|(_, one)| used(one)).map(|(number, _)| number);
            let months = services(&[("search", "2026-11", numbers.collect())]);
            attack(&users, &insights, |insights, filter| {
                if filter.period.is_some() {
                    return None;
                }
                let table = insights.services(filter, &months);
                let row = table.services.into_iter().next()?;
                // Who is told of by the one is by the others.
                assert_eq!(n_of(&row.users).filter(|n| *n > 0), n_of(&row.uses_per_user));
                n_of(&row.users).filter(|n| *n > 0)
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn g5_teams_that_are_mixed_are_told_of_and_one_that_is_small_takes_another_with_it() {
    let crowd = |teams: &[(&'static str, usize)]| {
        let mut people = Vec::new();
        for persona in ["backend", "data", "qa"] {
            for (team, each) in teams {
                people.extend(
                    (0..*each).map(|_| Somebody { team: Some(team), ..somebody(persona, "1.0.0", 20) }),
                );
            }
        }
        people
    };
    let told = |people: &[Somebody]| insights(company(people)).filters().teams;
    let mixed = crowd(&[("orders", 8), ("payments", 9), ("search", 7)]);
    assert_eq!(told(&mixed), ["orders", "payments", "search"]);
    // Everybody, three personas, one release, three periods, and pairs of them; three teams.
    assert!(attack(&mixed, &insights(company(&mixed)), under_way) > 20);
    let small = crowd(&[("orders", 8), ("payments", 9), ("search", 1)]);
    // They were enough on the same day: then it is by name.
    assert_eq!(told(&small), ["orders"]);
}

#[test]
fn g5_a_large_company_is_told_nearly_everything_of_and_a_small_one_nothing() {
    let crowd = |each: usize| {
        let mut people = Vec::new();
        for persona in ["backend", "data", "qa"] {
            for release in 0_i64..3 {
                people.extend(
                    (0..each).map(|_| somebody(persona, &format!("{release}.0.0"), 100 - release * 40)),
                );
            }
        }
        people
    };
    let asked = |people: &[Somebody]| {
        let questions = questions(people);
        questions.iter().filter(|(filter, _)| Filter::of(filter.clone()).is_ok()).count()
    };
    let large = crowd(20);
    assert_eq!(attack(&large, &insights(company(&large)), under_way), asked(&large));
    // One of another kind is not told of, nor is anything that would show them by subtraction; all the rest is.
    let mut with_one = large.clone();
    with_one.push(somebody("legal", "0.0.0", 100));
    let answered = attack(&with_one, &insights(company(&with_one)), under_way);
    assert!(answered * 10 >= asked(&with_one) * 6, "{answered} of {}", asked(&with_one));
    let four = &crowd(1)[..4];
    assert_eq!(attack(four, &insights(company(four)), under_way), 0);
}

#[test]
fn g5_a_share_that_tells_of_each_is_not_told() {
    let all = |value: Option<f64>| {
        let people = vec![Somebody { value, ..somebody("backend", "1.0.0", 40) }; 12];
        insights(company(&people)).summary(&Filter::default()).adoption
    };
    for adoption in [all(None), all(Some(2.0))] {
        for share in [adoption.organisation, adoption.could_help, adoption.use_it] {
            assert_eq!(share.answer, KpiAnswer::Suppressed);
        }
    }
}
