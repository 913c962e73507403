//! Published figures. The sources stand in the fixture, or beside the figure.

#![expect(clippy::unwrap_used, reason = "tests, and what they build their people with")]

use firstlight_metrics::{
    Interval, Level,
    proportion::Proportion,
    survey::Nps,
    survival::{Curve, End, Transform, Wait, compare::log_rank, median_of_those_who_arrived},
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/survival.json")).unwrap()
}

fn wait(time: &Value, event: &Value) -> Wait {
    let end = if event.as_u64() == Some(1) { End::Reached } else { End::StillWaiting };
    Wait::new(time.as_f64().unwrap(), end).unwrap()
}

fn aml(group: &str) -> Vec<Wait> {
    let group = &vectors()["aml"][group];
    let times = group["time"].as_array().unwrap();
    times.iter().zip(group["event"].as_array().unwrap()).map(|(time, event)| wait(time, event)).collect()
}

/// The rows of a table whose group is this one.
fn rows(table: &str, of: impl Fn(&Value) -> (Option<u64>, Wait), group: Option<u64>) -> Vec<Wait> {
    let rows = vectors()[table]["rows"].as_array().unwrap().clone();
    rows.iter().map(of).filter(|(of, _)| group.is_none() || group == *of).map(|(_, wait)| wait).collect()
}

fn leukaemia(group: u64) -> Vec<Wait> {
    rows("leukemia_6mp", |row| (row[0].as_u64(), wait(&row[1], &row[2])), Some(group))
}

fn lung(sex: Option<u64>) -> Vec<Wait> {
    rows("lung", |row| (row[2].as_u64(), wait(&row[0], &row[1])), sex)
}

fn close(seen: f64, published: f64, within: f64) {
    assert!((seen - published).abs() <= within, "{seen} is not {published}");
}

#[test]
fn aml_curve_and_medians_are_the_published_ones() {
    let expected = &vectors()["aml"]["expected"];
    let curve = Curve::of(&aml("maintained"), Transform::Log);
    let steps: Vec<f64> =
        curve.points().iter().filter(|point| point.reached > 0).map(|point| point.waiting).collect();
    let published = expected["survival_maintained"].as_array().unwrap();
    assert_eq!(steps.len(), published.len());
    for (step, published) in steps.iter().zip(published) {
        close(*step, published.as_f64().unwrap(), 0.0005);
    }
    for group in ["maintained", "nonmaintained"] {
        let curve = Curve::of(&aml(group), Transform::Log);
        let published = &expected["median"][group];
        assert_eq!(curve.quantile(0.5), published[0].as_f64(), "{group}");
        let interval = curve.quantile_interval(0.5, Level::USUAL);
        assert_eq!(interval, Interval { low: published[1].as_f64(), high: None }, "{group}");
    }
    let test = log_rank(&[&aml("maintained"), &aml("nonmaintained")]).unwrap();
    close(test.chi2, expected["logrank_chi2"].as_f64().unwrap(), 0.0001);
}

#[test]
fn leukaemia_is_as_published() {
    let expected = &vectors()["leukemia_6mp"]["expected"];
    let (treated, placebo) = (leukaemia(2), leukaemia(1));
    let median = |waits: &[Wait]| Curve::of(waits, Transform::default()).quantile(0.5);
    assert_eq!(median(&treated), expected["median"]["6-MP"].as_f64());
    assert_eq!(median(&placebo), expected["median"]["placebo"].as_f64());
    let test = log_rank(&[&treated, &placebo]).unwrap();
    close(test.chi2, expected["logrank_chi2"].as_f64().unwrap(), 0.001);
    close(test.p, expected["p"].as_f64().unwrap(), 1e-7);
    // The plain median of those who arrived would say 10 weeks instead of 23.
    assert_eq!(median_of_those_who_arrived(&treated), Some(10.0));
}

#[test]
fn lung_is_as_published() {
    let expected = &vectors()["lung"]["expected"];
    let pair = |name: &str| Interval { low: expected[name][0].as_f64(), high: expected[name][1].as_f64() };
    let all = lung(None);
    for (transform, name) in [(Transform::LogLog, "ci_loglog_all"), (Transform::Log, "ci_log_all")] {
        let curve = Curve::of(&all, transform);
        assert_eq!(curve.quantile(0.5), expected["median_all"].as_f64());
        assert_eq!(curve.quantile_interval(0.5, Level::USUAL), pair(name), "{name}");
    }
    assert_eq!(median_of_those_who_arrived(&all), expected["naive_median_of_events"].as_f64());
    for (sex, median, interval) in [(1, "median_sex1", "ci_log_sex1"), (2, "median_sex2", "ci_log_sex2")] {
        let curve = Curve::of(&lung(Some(sex)), Transform::Log);
        assert_eq!(curve.quantile(0.5), expected[median].as_f64());
        assert_eq!(curve.quantile_interval(0.5, Level::USUAL), pair(interval), "{interval}");
    }
    let test = log_rank(&[&lung(Some(1)), &lung(Some(2))]).unwrap();
    let published = &expected["logrank_by_sex"];
    close(test.chi2, published["chi2"].as_f64().unwrap(), 0.0001);
    close(test.p, published["p"].as_f64().unwrap(), 1e-7);
    for group in 0..2 {
        assert_eq!(Some(test.observed[group]), published["observed"][group].as_u64());
        close(test.expected[group], published["expected"][group].as_f64().unwrap(), 0.0001);
    }
}

/// The restricted mean of the maintained group of aml, as `print(fit, rmean = 48)` of R's survival gives it: the area is
/// summed by hand here from the published curve.
#[test]
fn a_restricted_mean_is_the_area_below_the_curve() {
    let curve = Curve::of(&aml("maintained"), Transform::default());
    let mean = curve.restricted_mean(48.0).unwrap();
    let steps = [(9.0, 1.0), (4.0, 10.0 / 11.0), (5.0, 9.0 / 11.0)];
    let beginning: f64 = steps.iter().map(|(width, height)| width * height).sum();
    assert!(mean.value > beginning);
    let by_points: f64 = {
        let mut area = 0.0;
        let (mut from, mut height) = (0.0, 1.0);
        for point in curve.points().iter().filter(|point| point.time < 48.0) {
            area += height * (point.time - from);
            (from, height) = (point.time, point.waiting);
        }
        area + height * (48.0 - from)
    };
    close(mean.value, by_points, 1e-9);
    // Beyond the last look nobody knows.
    assert_eq!(curve.restricted_mean(162.0), None);
}

/// Newcombe (1998), table of Wilson's intervals.
#[test]
fn wilsons_interval_is_as_published() {
    for (part, whole, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)] {
        let interval = Proportion::new(part, whole).unwrap().interval(Level::USUAL).unwrap();
        close(interval.low.unwrap(), low, 0.00005);
        close(interval.high.unwrap(), high, 0.00005);
    }
    assert_eq!(Proportion::new(0, 0).unwrap().interval(Level::USUAL), None);
}

#[test]
fn an_nps_is_as_published() {
    for (promoters, passives, detractors, value, low, high) in
        [(162, 108, 54, 33.33, 24.95, 41.11), (12, 10, 8, 13.33, -15.11, 39.35)]
    {
        let nps = Nps { promoters, passives, detractors };
        close(nps.value().unwrap(), value, 0.005);
        let interval = nps.interval(Level::USUAL).unwrap();
        close(interval.low.unwrap(), low, 0.005);
        close(interval.high.unwrap(), high, 0.005);
    }
    let enough =
        |promoters, passives, detractors| Nps { promoters, passives, detractors }.is_enough(Level::USUAL);
    assert!(enough(162, 108, 54));
    assert!(!enough(12, 10, 8));
    assert!(!enough(0, 0, 0));
}
