//! What a scan found, as SARIF for those who collect it.

use std::collections::BTreeSet;

use firstlight_advisories::{
    Finding,
    package::{Ecosystem, Package},
    report::write_sarif,
};
use firstlight_contract::advisories::{FindingSeverity, FindingView, ScanView};
use firstlight_domain::finding::Severity;

/// A SARIF 2.1.0 log of what a scan found. `version`: the program's.
pub fn scan_report(scan: &ScanView, version: &str) -> serde_json::Value {
    let findings: Vec<Finding> = scan.findings.iter().map(finding).collect();
    write_sarif(&findings, version)
}

fn finding(view: &FindingView) -> Finding {
    Finding {
        id: view.advisory.clone(),
        aliases: view.aliases.iter().cloned().collect::<BTreeSet<_>>(),
        title: view.title.clone(),
        severity: match view.severity {
            FindingSeverity::Unknown => Severity::Unknown,
            FindingSeverity::Low => Severity::Low,
            FindingSeverity::Moderate => Severity::Moderate,
            FindingSeverity::High => Severity::High,
            FindingSeverity::Critical => Severity::Critical,
        },
        // Only its name and version are written.
        package: Some(Package::new(Ecosystem::Tool, &view.package, &view.version)),
        fixed: view.fixed.clone(),
        place: view.project.as_ref().map(|project| project.lockfile.clone()),
        advice: view.advice.clone(),
        link: view.link.clone(),
    }
}
