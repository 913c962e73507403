//! Records as databases write them: what they are about, how bad they are, and what they say of versions.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use firstlight_advisories::{
    Advisories, Finding,
    osv::{Record, RecordError},
    package::{Ecosystem, Package},
};
use firstlight_domain::finding::Severity;
use serde_json::{Value, json};

const GHSA: &str = include_str!("fixtures/ghsa-lodash.json");
const RUSTSEC: &str = include_str!("fixtures/rustsec-time.json");
const PYSEC: &str = include_str!("fixtures/pysec-urllib3.json");
const TOOL: &str = include_str!("fixtures/tool-git.json");

fn advisories(records: &[&str]) -> Advisories {
    Advisories::new(records.iter().map(|text| Record::read_strictly(text.as_bytes()).unwrap()))
}

fn found(advisories: &Advisories, ecosystem: Ecosystem, name: &str, version: &str) -> Vec<Finding> {
    let matched = advisories.matching([&Package::new(ecosystem, name, version)]);
    assert_eq!(matched.unjudged, []);
    matched.found
}

/// The version that is not affected; nothing where the one there is not either.
fn fixed(ecosystem: Ecosystem, name: &str, version: &str) -> Option<String> {
    let all = advisories(&[GHSA, RUSTSEC, PYSEC, TOOL]);
    let finding = found(&all, ecosystem, name, version).into_iter().next()?;
    Some(finding.fixed.expect("each of these records names a fix"))
}

#[test]
fn versions_are_judged_as_the_record_says() {
    for (ecosystem, name, version, expected) in [
        (Ecosystem::Npm, "lodash", "4.17.20", Some("4.17.21")),
        (Ecosystem::Npm, "lodash", "4.17.21", None),
        (Ecosystem::Npm, "lodash", "4.17.21-rc.1", Some("4.17.21")),
        (Ecosystem::Npm, "Lodash", "4.17.20", None),
        (Ecosystem::CratesIo, "lodash", "4.17.20", None),
        (Ecosystem::CratesIo, "time", "0.1.43", Some("0.2.23")),
        (Ecosystem::CratesIo, "time", "0.2.23", None),
        (Ecosystem::PyPi, "URLlib3", "1.26.16", Some("1.26.17")),
        (Ecosystem::PyPi, "urllib3", "1.26.17", None),
        (Ecosystem::PyPi, "urllib3", "2.0.5", Some("2.0.6")),
        (Ecosystem::PyPi, "urllib3", "2.0.0rc1", None),
        (Ecosystem::PyPi, "urllib3", "2.0.6.post1", None),
        (Ecosystem::Tool, "git", "2.39.3", Some("2.39.4")),
        (Ecosystem::Tool, "git", "2.39.4", None),
        (Ecosystem::Tool, "git", "2.40.1", Some("2.40.2")),
        (Ecosystem::Tool, "gitk", "2.40.1", None),
    ] {
        assert_eq!(fixed(ecosystem, name, version).as_deref(), expected, "{name} {version}");
    }
}

#[test]
fn a_finding_says_what_the_record_says() {
    let all = advisories(&[GHSA, RUSTSEC, PYSEC, TOOL]);
    let one = |ecosystem, name, version| found(&all, ecosystem, name, version).remove(0);
    let lodash = one(Ecosystem::Npm, "lodash", "4.17.20");
    assert_eq!(lodash.id, "GHSA-35jh-r3h4-6jhm");
    assert_eq!(lodash.severity, Severity::High);
    assert_eq!(lodash.aliases.iter().collect::<Vec<_>>(), ["CVE-2021-23337"]);
    assert_eq!(lodash.title, "Commands can be injected through templates in lodash");
    assert_eq!(lodash.link.as_deref(), Some("https://nvd.nist.gov/vuln/detail/CVE-2021-23337"));
    // 6.2 by CVSS 3.1; the record says it of the package only.
    assert_eq!(one(Ecosystem::CratesIo, "time", "0.1.43").severity, Severity::Moderate);
    let urllib3 = one(Ecosystem::PyPi, "urllib3", "2.0.5");
    // Without a summary, the details begin with it.
    assert!(urllib3.title.starts_with("urllib3 sends a `Cookie` header"), "{}", urllib3.title);
    let git = one(Ecosystem::Tool, "git", "2.39.2");
    assert_eq!(git.severity, Severity::Critical);
    assert_eq!(git.advice.as_deref(), Some("Ask for the update in Software Centre."));
}

fn changed(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut record: Value = serde_json::from_str(text).unwrap();
    change(&mut record);
    record.to_string()
}

#[test]
fn what_was_withdrawn_says_nothing_any_more() {
    let withdrawn = changed(GHSA, |record| record["withdrawn"] = json!("2026-01-01T00:00:00Z"));
    let all = advisories(&[&withdrawn]);
    assert!(all.is_empty());
    assert_eq!(found(&all, Ecosystem::Npm, "lodash", "4.17.20"), []);
}

#[test]
fn records_of_the_same_thing_are_one_finding() {
    let cve = changed(GHSA, |record| {
        record["id"] = json!("CVE-2021-23337");
        record["aliases"] = json!([]);
        record["database_specific"] = json!({ "severity": "CRITICAL" });
        record["affected"][0]["ranges"][0]["events"][1] = json!({ "fixed": "4.17.22" });
    });
    // It shares its id with neither, but what it is called with both.
    let between = changed(GHSA, |record| {
        record["id"] = json!("OWN-1");
        record["aliases"] = json!(["GHSA-35jh-r3h4-6jhm", "OTHER-9"]);
        record["severity"] = json!([]);
        record["database_specific"] = json!({});
    });
    let other = changed(GHSA, |record| {
        record["id"] = json!("OTHER-1");
        record["aliases"] = json!(["OTHER-9"]);
    });
    let apart = changed(GHSA, |record| {
        record["id"] = json!("GHSA-apart");
        record["aliases"] = json!([]);
    });
    let all = [GHSA, &cve, &between, &other, &apart];
    for shift in 0..all.len() {
        let mut order = all;
        order.rotate_left(shift);
        let found = found(&advisories(&order), Ecosystem::Npm, "lodash", "4.17.20");
        let ids: Vec<&str> = found.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["CVE-2021-23337", "GHSA-apart"]);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].fixed.as_deref(), Some("4.17.22"), "free of all of them");
        let aliases: Vec<&str> = found[0].aliases.iter().map(String::as_str).collect();
        assert_eq!(aliases, ["GHSA-35jh-r3h4-6jhm", "OTHER-1", "OTHER-9", "OWN-1"]);
    }
}

#[test]
fn what_cannot_be_judged_is_said_and_not_passed_over() {
    let commits = changed(PYSEC, |record| {
        record["affected"][0]["versions"] = json!([]);
        record["affected"][0]["ranges"].as_array_mut().unwrap().truncate(1);
    });
    let record = Record::read(commits.as_bytes()).unwrap();
    let package = Package::new(Ecosystem::PyPi, "urllib3", "2.0.5");
    let matched = Advisories::new([record]).matching([&package]);
    assert_eq!(matched.found, []);
    assert_eq!(matched.unjudged[0].why, "only commits are named, which are not judged");
    let odd = Package::new(Ecosystem::Npm, "lodash", "latest");
    let matched = advisories(&[GHSA]).matching([&odd]);
    assert_eq!(matched.unjudged[0].why, "`latest` is no version of npm");
    let listed = changed(PYSEC, |record| record["affected"][0]["versions"] = json!(["2.0.5.whatever"]));
    let odd = Package::new(Ecosystem::PyPi, "urllib3", "2.0.5.whatever");
    assert_eq!(
        found(&advisories(&[&listed]), Ecosystem::PyPi, "urllib3", &odd.version).len(),
        1,
        "listed word by word"
    );
}

#[test]
fn a_record_that_cannot_be_meant_is_refused_with_its_reason() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 9] = [
        (|it| it["id"] = json!(" "), "its `id` is empty"),
        (|it| it["affected"] = json!([]), "it says of nothing that it is affected"),
        (|it| it["affected"].as_array_mut().unwrap().truncate(0), "it says of nothing"),
        (
            |it| it["affected"][0]["package"]["ecosystem"] = json!("Maven"),
            "it is about the ecosystem Maven, RubyGems;",
        ),
        (|it| it["affected"][0]["ranges"] = json!([]), "`affected[0]` names no versions"),
        (
            |it| it["affected"][0]["ranges"][0]["events"][1] = json!({ "fixed": "soon" }),
            "`affected[0]`: `soon` is no version of npm",
        ),
        (
            |it| it["affected"][0]["ranges"][0]["events"] = json!([{ "fixed": "4.17.21" }]),
            "`affected[0]` has a range without `introduced`",
        ),
        (
            |it| it["affected"][0]["ranges"][0]["events"][1] = json!({ "fixed": "1", "limit": "2" }),
            "it is no OSV record: `affected[0].ranges[0].events[1]`: an event has exactly one of",
        ),
        (
            |it| it["affected"][0]["ranges"][0]["type"] = json!("WEEKS"),
            "it is no OSV record: `affected[0].ranges[0].type`:",
        ),
    ];
    for (change, words) in cases {
        let text = changed(GHSA, change);
        let error = Record::read_strictly(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
    let shell = TOOL.replace("\"name\": \"git\"", "\"name\": \"git; id\"");
    let error = Record::read_strictly(shell.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "`affected[0]`: `git; id` is not how a program is started");
    let half = &GHSA.as_bytes()[..GHSA.len() / 2];
    assert!(matches!(Record::read(half), Err(RecordError::Malformed(_))));
    assert!(matches!(Record::read(&vec![b' '; 2 << 20]), Err(RecordError::TooLarge)));
    assert!(matches!(Record::read(format!("{GHSA}{GHSA}").as_bytes()), Err(RecordError::Malformed(_))));
}

#[test]
fn nobody_who_says_nothing_is_taken_for_harmless() {
    let silent = changed(GHSA, |record| {
        record["severity"] = json!([{ "type": "CVSS_V3", "score": "not a vector" }]);
        record["database_specific"] = json!(null);
    });
    assert_eq!(
        found(&advisories(&[&silent]), Ecosystem::Npm, "lodash", "1.0.0")[0].severity,
        Severity::Unknown
    );
    // A vector that says more than the word does.
    let both = changed(GHSA, |record| {
        record["severity"][0]["score"] = json!("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
        record["database_specific"]["severity"] = json!("LOW");
    });
    assert_eq!(
        found(&advisories(&[&both]), Ecosystem::Npm, "lodash", "1.0.0")[0].severity,
        Severity::Critical
    );
}
