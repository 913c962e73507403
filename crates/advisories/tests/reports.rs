//! Reports of scanners: what is a finding in them, and what is not.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use firstlight_advisories::report::{Format, ReportError, read, write_sarif};
use firstlight_domain::finding::Severity;
use serde_json::{Value, json};

fn sarif() -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": { "name": "looker", "rules": [
                    { "id": "leak", "helpUri": "https://looker.test/leak", "defaultConfiguration": { "level": "error" } },
                    { "id": "old", "properties": { "security-severity": "9.8" } },
                    { "id": "style", "messageStrings": { "long": { "text": "Too long." } } },
                ] },
                "extensions": [{ "name": "more", "rules": [{ "id": "extra", "defaultConfiguration": { "level": "note" } }] }],
            },
            "invocations": [{ "executionSuccessful": true }],
            "results": [
                {
                    "ruleId": "leak", "ruleIndex": 0, "message": { "text": "A key lies open.\nRemove it." },
                    "locations": [{ "physicalLocation": {
                        "artifactLocation": { "uri": "src/app.py" }, "region": { "startLine": 12 },
                    } }],
                },
                { "ruleId": "old/lodash", "message": { "text": "lodash is old" } },
                { "rule": { "index": 2 }, "level": "note", "message": { "id": "long" } },
                { "rule": { "index": 0, "toolComponent": { "index": 0 } }, "message": { "text": "More." } },
                { "ruleId": "unheard-of", "message": { "text": "What is this?" } },
                { "ruleId": "leak", "kind": "pass", "message": { "text": "fine" } },
                { "ruleId": "leak", "message": { "text": "known" }, "suppressions": [{ "kind": "inSource" }] },
                { "ruleId": "leak", "message": { "text": "gone" }, "baselineState": "absent" },
                { "ruleId": "leak", "level": "none", "message": { "text": "nothing" } },
                { "ruleId": "leak", "message": { "text": "Kept." }, "suppressions": [{ "kind": "external", "status": "rejected" }] },
            ],
        }],
    })
}

fn of(report: &Value) -> Result<Vec<(String, Severity, String)>, ReportError> {
    let found = read(Format::Sarif, report.to_string().as_bytes())?;
    Ok(found.into_iter().map(|one| (one.id, one.severity, one.title)).collect())
}

#[test]
fn sarif_is_read_with_its_rules_and_without_what_the_scanner_set_aside() {
    let expected = [
        ("old/lodash", Severity::Critical, "lodash is old"),
        ("leak", Severity::High, "Kept."),
        ("leak", Severity::High, "A key lies open."),
        ("unheard-of", Severity::Moderate, "What is this?"),
        ("extra", Severity::Low, "More."),
        ("style", Severity::Low, "Too long."),
    ];
    let expected = expected.map(|(id, severity, title)| (id.to_owned(), severity, title.to_owned()));
    assert_eq!(of(&sarif()).unwrap(), expected);
    let found = read(Format::Sarif, sarif().to_string().as_bytes()).unwrap();
    assert_eq!(found[2].place.as_deref(), Some("src/app.py:12"));
    assert_eq!(found[2].link.as_deref(), Some("https://looker.test/leak"));
}

#[test]
fn a_report_that_is_not_whole_is_an_error_and_not_an_empty_one() {
    let error = |change: fn(&mut Value)| {
        let mut report = sarif();
        change(&mut report);
        of(&report).unwrap_err().to_string()
    };
    let failed: fn(&mut Value) = |it| {
        it["runs"][0]["invocations"] = json!([{
            "executionSuccessful": false,
            "toolExecutionNotifications": [{ "message": { "text": "no rules\u{1b}[2J" } }],
        }]);
    };
    assert_eq!(error(failed), "the scanner says that it did not finish: no rules [2J");
    assert_eq!(error(|it| it["runs"][0]["results"] = Value::Null), "the scanner says that it did not finish");
    assert_eq!(
        error(|it| it["version"] = json!("1.0.0")),
        "the report is no SARIF 2.1.0: its `version` is `1.0.0`"
    );
    assert_eq!(error(|it| it["runs"] = json!({})), "the report is no SARIF 2.1.0: it has no `runs`");
    assert_eq!(
        error(|it| it["runs"][0]["results"][0]["message"] = json!({})),
        "the report is no SARIF 2.1.0: a result has no `message`"
    );
    for format in [Format::Sarif, Format::Osv] {
        assert_eq!(read(format, b" \n"), Err(ReportError::Empty));
        assert!(matches!(read(format, b"{\"version\": \"2.1"), Err(ReportError::Malformed { .. })));
        assert!(matches!(read(format, b"Scanning..."), Err(ReportError::Malformed { .. })));
        let deep = "[".repeat(100_000);
        assert!(matches!(read(format, deep.as_bytes()), Err(ReportError::Malformed { .. })));
    }
}

#[test]
fn osv_scanner_is_read_group_by_group() {
    let lodash: Value = serde_json::from_str(include_str!("fixtures/ghsa-lodash.json")).unwrap();
    let report = json!({
        "results": [{
            "source": { "path": "/src/web/package-lock.json", "type": "lockfile" },
            "packages": [{
                "package": { "name": "lodash", "version": "4.17.20", "ecosystem": "npm" },
                "vulnerabilities": [lodash],
                "groups": [{
                    "ids": ["GHSA-35jh-r3h4-6jhm"],
                    "aliases": ["CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"],
                    "max_severity": "7.2",
                }],
            }],
        }],
        "experimental_config": { "licenses": { "summary": false } },
    });
    let found = read(Format::Osv, report.to_string().as_bytes()).unwrap();
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.id.as_str(), one.severity), ("GHSA-35jh-r3h4-6jhm", Severity::High));
    assert_eq!(one.aliases.iter().collect::<Vec<_>>(), ["CVE-2021-23337"]);
    assert_eq!(one.fixed.as_deref(), Some("4.17.21"));
    assert_eq!(one.place.as_deref(), Some("/src/web/package-lock.json"));
    assert_eq!(read(Format::Osv, b"{\"results\": null}"), Ok(Vec::new()));
    assert_eq!(read(Format::Osv, b"{\"results\": []}"), Ok(Vec::new()));
    assert!(matches!(read(Format::Osv, b"{\"results\": [{}]}"), Err(ReportError::Malformed { .. })));
}

#[test]
fn what_is_written_as_sarif_is_read_as_it_was() {
    let found = read(Format::Sarif, sarif().to_string().as_bytes()).unwrap();
    let written = write_sarif(&found, "1.2.3");
    assert_eq!(written["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len(), 5, "each rule once");
    let again = read(Format::Sarif, written.to_string().as_bytes()).unwrap();
    let key = |found: &[firstlight_advisories::Finding]| {
        found.iter().map(|one| (one.id.clone(), one.severity, one.title.clone())).collect::<Vec<_>>()
    };
    assert_eq!(key(&again), key(&found));
}
