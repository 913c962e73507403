//! SARIF 2.1.0, read and written. Numbers in comments are sections of the OASIS standard.

use std::collections::BTreeSet;

use firstlight_domain::finding::Severity;
use serde_json::{Value, json};

use super::{ReportError, https, list, plain, text};
use crate::{finding::Finding, severity};

const FORMAT: &str = "SARIF 2.1.0";

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Finding>, ReportError> {
    let malformed = |why: String| ReportError::Malformed { format: FORMAT, why };
    let log: Value = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    match text(&log, "version") {
        Some("2.1.0") => {}
        Some(other) => return Err(malformed(format!("its `version` is `{}`", plain(other)))),
        None => return Err(malformed("it has no `version`".to_owned())),
    }
    let runs = log.get("runs").and_then(Value::as_array);
    let runs = runs.ok_or_else(|| malformed("it has no `runs`".to_owned()))?;
    let mut found = Vec::new();
    for run in runs {
        if run.pointer("/tool/driver/name").and_then(Value::as_str).is_none() {
            return Err(malformed("a run does not name its tool".to_owned()));
        }
        // 3.20.14
        if let Some(failed) = list(run, "invocations").iter().find(|one| one["executionSuccessful"] == false)
        {
            return Err(ReportError::Unfinished(why(failed)));
        }
        // 3.14.23: absent or null means that the tool did not get as far as looking.
        let results = run.get("results").filter(|results| !results.is_null());
        let Some(results) = results else { return Err(ReportError::Unfinished(String::new())) };
        let results = results.as_array().ok_or_else(|| malformed("its `results` is no list".to_owned()))?;
        for result in results.iter().filter(|result| counts(result)) {
            found
                .push(finding(run, result).ok_or_else(|| malformed("a result has no `message`".to_owned()))?);
        }
    }
    Ok(found)
}

fn why(invocation: &Value) -> String {
    let notes = list(invocation, "toolExecutionNotifications").iter();
    let said = notes.clone().find_map(|note| note.pointer("/message/text")?.as_str());
    said.map_or_else(String::new, |said| format!(": {}", plain(said)))
}

/// 3.27.9: only `fail` is a finding. 3.27.23: what was suppressed, and that was not rejected, is none. 3.27.24: nor is what
/// is gone.
fn counts(result: &Value) -> bool {
    let suppressed = list(result, "suppressions").iter();
    let suppressed =
        suppressed.filter(|one| !matches!(text(one, "status"), Some("rejected" | "underReview")));
    text(result, "kind").unwrap_or("fail") == "fail"
        && text(result, "baselineState") != Some("absent")
        && text(result, "level") != Some("none")
        && suppressed.count() == 0
}

fn finding(run: &Value, result: &Value) -> Option<Finding> {
    let rule = rule(run, result);
    let rule_id = text(result, "ruleId")
        .or_else(|| result.pointer("/rule/id")?.as_str())
        .or_else(|| text(rule?, "id"))
        .unwrap_or("unnamed");
    let message = message(rule, result)?;
    let help = rule.and_then(|rule| text(rule, "helpUri"));
    Some(Finding {
        id: plain(rule_id),
        aliases: BTreeSet::new(),
        title: plain(message.lines().find(|line| !line.trim().is_empty()).unwrap_or(rule_id)),
        severity: severity_of(rule, result),
        package: None,
        fixed: None,
        place: place(result),
        advice: None,
        link: help.and_then(https),
    })
}

/// 3.27.5 to 3.27.7: by index, by id, in the driver or in an extension.
fn rule<'r>(run: &'r Value, result: &Value) -> Option<&'r Value> {
    let component = result.pointer("/rule/toolComponent/index").and_then(Value::as_u64);
    let component = match component.and_then(|index| usize::try_from(index).ok()) {
        Some(index) => list(run.get("tool")?, "extensions").get(index)?,
        None => run.pointer("/tool/driver")?,
    };
    let index = result.pointer("/rule/index").or_else(|| result.get("ruleIndex")).and_then(Value::as_u64);
    if let Some(index) = index.and_then(|index| usize::try_from(index).ok()) {
        return list(component, "rules").get(index);
    }
    let id = text(result, "ruleId").or_else(|| result.pointer("/rule/id")?.as_str())?;
    // 3.49.3: a rule may be named with what it is about after a slash.
    let parents = std::iter::successors(Some(id), |id| id.rsplit_once('/').map(|(parent, _)| parent));
    let rules = || list(component, "rules").iter();
    parents.into_iter().find_map(|id| rules().find(|rule| text(rule, "id") == Some(id)))
}

/// 3.11: a text, or the id of one that the rule has, with its places filled in.
fn message<'v>(rule: Option<&'v Value>, result: &'v Value) -> Option<&'v str> {
    let message = result.get("message")?;
    let of_rule = || {
        let id = text(message, "id")?;
        rule?.get("messageStrings")?.get(id)?.get("text")?.as_str()
    };
    text(message, "text").or_else(|| text(message, "markdown")).or_else(of_rule)
}

/// The score that GitHub's code scanning reads, which scanners of packages give; else the level (3.27.10), of the result or
/// of its rule.
fn severity_of(rule: Option<&Value>, result: &Value) -> Severity {
    let score = |of: &Value| {
        let score = of.pointer("/properties/security-severity")?;
        let score = score.as_f64().or_else(|| score.as_str()?.trim().parse().ok())?;
        severity::of_score(score)
    };
    let level = text(result, "level");
    let level = level.or_else(|| rule?.pointer("/defaultConfiguration/level")?.as_str());
    score(result).or_else(|| score(rule?)).unwrap_or(match level {
        Some("error") => Severity::High,
        Some("note") => Severity::Low,
        _ => Severity::Moderate,
    })
}

/// 3.28: the file and line of the first location.
fn place(result: &Value) -> Option<String> {
    let location = list(result, "locations").first()?.get("physicalLocation")?;
    let file = location.pointer("/artifactLocation/uri")?.as_str()?;
    let line = location.pointer("/region/startLine").and_then(Value::as_u64);
    let line = line.map_or_else(String::new, |line| format!(":{line}"));
    Some(format!("{}{line}", plain(file)))
}

/// Findings as a SARIF log of one run. `version`: ours.
pub fn write(findings: &[Finding], version: &str) -> Value {
    let mut rules: Vec<Value> = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    for finding in findings {
        let index = known.iter().position(|id| *id == finding.id).unwrap_or_else(|| {
            known.push(&finding.id);
            rules.push(rule_of(finding));
            known.len() - 1
        });
        let file = finding.place.as_deref().unwrap_or("machine");
        let (file, line) = match file.rsplit_once(':') {
            Some((file, line)) if line.parse::<u64>().is_ok() => (file, line.parse().unwrap_or(1)),
            _ => (file, 1_u64),
        };
        results.push(json!({
            "ruleId": finding.id,
            "ruleIndex": index,
            "level": level(finding.severity),
            "message": { "text": said(finding) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": file },
                "region": { "startLine": line },
            } }],
        }));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Firstlight", "semanticVersion": version, "rules": rules } },
            "results": results,
        }],
    })
}

fn rule_of(finding: &Finding) -> Value {
    let mut rule = json!({
        "id": finding.id,
        "shortDescription": { "text": finding.title },
        "defaultConfiguration": { "level": level(finding.severity) },
    });
    if let Some(link) = &finding.link {
        rule["helpUri"] = json!(link);
    }
    // The middle of each band: what others show is the band.
    let score = match finding.severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Moderate => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Unknown => None,
    };
    if let Some(score) = score {
        rule["properties"] = json!({ "security-severity": score });
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Moderate | Severity::Unknown => "warning",
        Severity::Low => "note",
    }
}

fn said(finding: &Finding) -> String {
    let what = finding.package.as_ref();
    let what = what.map_or_else(String::new, |package| format!("{} {}: ", package.name, package.version));
    let fix = finding.fixed.as_ref().map_or_else(String::new, |fixed| format!(" (fixed in {fixed})"));
    format!("{what}{}{fix}", finding.title)
}
