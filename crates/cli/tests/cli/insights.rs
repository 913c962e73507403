//! Figures for the platform team, from files.

use std::{fmt::Write as _, fs};

use serde_json::{Value, json};

use crate::machine::{Machine, Ran};

/// The published tables of the metrics crate.
const VECTORS: &str = include_str!("../../../metrics/tests/vectors/survival.json");

fn ttfv(table: &str, more: &[&str]) -> Ran {
    let machine = Machine::new();
    let file = machine.root.path().join("hires.csv");
    fs::write(&file, table).unwrap();
    let file = file.display().to_string();
    let args =
        [&["insights", "ttfv", "--from-csv", &file, "--time", "days", "--event", "arrived"], more].concat();
    machine.run(&args)
}

/// Acute myelogenous leukaemia (Miller 1997), maintained or not, as a table of hires.
fn aml() -> String {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut table = "team,days,arrived\n".to_owned();
    for team in ["maintained", "nonmaintained"] {
        let group = &vectors["aml"][team];
        for (time, event) in group["time"].as_array().unwrap().iter().zip(group["event"].as_array().unwrap())
        {
            writeln!(table, "{team},{time},{event}").unwrap();
        }
    }
    table
}

#[test]
fn a_baseline_of_past_hires_is_what_the_published_tables_say() {
    let ran = ttfv(&aml(), &["--group", "team", "--json"]).expect(0);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let groups = found["groups"].as_array().unwrap();
    let brief = |group: &Value| {
        let fields = ["name", "n", "n_events", "n_censored", "median", "naive_median"];
        Value::from(fields.map(|field| group[field].clone()).to_vec())
    };
    assert_eq!(brief(&groups[0]), json!(["maintained", 11, 7, 4, 31.0, 23.0]));
    assert_eq!(brief(&groups[1]), json!(["nonmaintained", 12, 11, 1, 23.0, 23.0]));
    // It cannot be told yet by when half of them will have arrived at the latest.
    assert_eq!(groups[0]["ci"][1], Value::Null);
    let chi2 = found["logrank"]["chi2"].as_f64().unwrap();
    assert!((chi2 - 3.3964).abs() < 1e-4, "{chi2}");
    assert_eq!(found["logrank"]["df"], 1);
}

#[test]
fn without_groups_everybody_is_one_and_people_are_told_what_the_plain_median_hides() {
    let table = "\u{feff}days,arrived\n 2 ,yes\n4,YES\n6,true\n30,no\n30,0\n12,left\n";
    let ran = ttfv(table, &[]).expect(0);
    for words in
        ["all: 6 people, 3 arrived, 2 still on their way, 1 left", "half of them by 6", "would say 4"]
    {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("log-rank"), "there is nothing to compare: {}", ran.stdout);
}

#[test]
fn a_file_that_is_no_such_table_is_refused_with_its_line() {
    let cases = [
        ("days,arrived\n3,1\nsoon,1\n", "`soon` is not a number", Some(3)),
        ("days,arrived\n3,1\n-1,1\n", "before it begins", Some(3)),
        ("days,arrived\nNaN,1\n", "a time is a number", Some(2)),
        ("days,arrived\n3,maybe\n", "`maybe` does not say how it ended", Some(2)),
        ("days,arrived\n3,1\n4\n", "is not a table", Some(3)),
        ("days,here\n3,1\n", "has no column `arrived`", Some(1)),
        ("days,arrived\n", "has nobody in it", None),
        ("", "has no column `days`", Some(1)),
    ];
    for (table, words, line) in cases {
        let ran = ttfv(table, &["--json"]).expect(1);
        let error: Value = serde_json::from_str(&ran.stderr).unwrap();
        let error = &error["error"];
        assert_eq!(error["code"], "input_invalid", "{table:?}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        assert_eq!(error["line"].as_u64(), line, "{error}");
        assert!(error["hint"].is_string() && error["file"].is_string(), "{error}");
    }
    let missing = Machine::new().run(&[
        "insights",
        "ttfv",
        "--from-csv",
        "/nowhere.csv",
        "--time",
        "a",
        "--event",
        "b",
    ]);
    assert!(missing.expect(1).stderr.contains("cannot be read"));
}
