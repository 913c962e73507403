//! `firstlight scan`

use std::{path::Path, process::ExitCode};

use firstlight_app::{Access, AppError, ScanRequest, scan_report};
use firstlight_contract::{
    advisories::{AcceptFinding, FindingSeverity, FindingView, ScanView},
    error::Code,
};

use super::{open, plan::quote};
use crate::{args::Scan, output::Output, words};

/// The exit code that says something was found.
const FOUND: u8 = 2;

pub(super) async fn run(asked: Scan, output: Output) -> anyhow::Result<ExitCode> {
    if let Some(advisory) = asked.accept {
        let (until, because) = (asked.until.unwrap_or_default(), asked.because.unwrap_or_default());
        return accept(&AcceptFinding { advisory, until, because }, output);
    }
    // Folders that are named are nobody's journey, and nothing of them is kept.
    let access = if asked.project.is_empty() { Access::Change } else { Access::Read };
    let app = open(access, output)?;
    let scan = app.scan(&ScanRequest { pack: asked.pack, folders: asked.project }).await?;
    if let Some(file) = &asked.sarif {
        write(file, &scan)?;
    }
    if output.is_json() {
        output.value(&scan)?;
    } else {
        show(&scan, output)?;
    }
    Ok(exit_code(&scan))
}

fn accept(wanted: &AcceptFinding, output: Output) -> anyhow::Result<ExitCode> {
    let journey = open(Access::Change, output)?.accept_finding(wanted)?;
    if output.is_json() {
        output.value(&journey)?;
    } else {
        output.line(format!("{} counts as accepted until {}.", wanted.advisory, wanted.until))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is accepted is shown, and is no finding any more.
fn exit_code(scan: &ScanView) -> ExitCode {
    let found = scan.findings.iter().any(|finding| finding.accepted.is_none());
    match (found, scan.unsure.is_empty()) {
        (true, _) => ExitCode::from(FOUND),
        (false, false) => ExitCode::FAILURE,
        (false, true) => ExitCode::SUCCESS,
    }
}

fn write(file: &Path, scan: &ScanView) -> anyhow::Result<()> {
    let report = scan_report(scan, env!("CARGO_PKG_VERSION"));
    let text = serde_json::to_string_pretty(&report)?;
    std::fs::write(file, text + "\n").map_err(|error| {
        AppError::new(Code::Usage, format!("{} cannot be written: {error}.", file.display()))
            .hint("Name a file in a folder that you may write to.")
    })?;
    Ok(())
}

fn show(scan: &ScanView, output: Output) -> anyhow::Result<()> {
    for finding in &scan.findings {
        show_finding(finding, output)?;
    }
    if !scan.unsure.is_empty() {
        output.line("Could not be told:")?;
        for unsure in &scan.unsure {
            output.line(format!("  ? {}: {}", plain(&unsure.what), plain(&unsure.why)))?;
        }
    }
    if scan.advisories == 0 {
        return output.line("This pack has no advisories, so there is nothing to compare with.");
    }
    let packages = scan.looked_at.iter().map(|looked| looked.packages).fold(0, u32::saturating_add);
    let found = u32::try_from(scan.findings.len()).unwrap_or(u32::MAX);
    output.line(format!(
        "{} in {} of {}, by {}.",
        if found == 0 { "Nothing found".to_owned() } else { words::count(found, "finding", "findings") },
        words::count(packages, "package", "packages"),
        words::count(
            u32::try_from(scan.looked_at.len()).unwrap_or(u32::MAX),
            "lockfile or program",
            "lockfiles and programs"
        ),
        words::count(scan.advisories, "advisory", "advisories"),
    ))?;
    let not_judged = u32::try_from(scan.not_judged.len()).unwrap_or(u32::MAX);
    if not_judged > 0 {
        output.line(format!(
            "{} not judged: no version, or not from a registry (`--json` lists what).",
            words::count(not_judged, "entry is", "entries are")
        ))?;
    }
    Ok(())
}

/// A finding like a step: what and where, why it matters, what to do about it.
pub(super) fn show_finding(finding: &FindingView, output: Output) -> anyhow::Result<()> {
    let place = finding.project.as_ref().map_or_else(
        || " on this machine".to_owned(),
        |project| format!(" in {}/{}", plain(&project.name), plain(&project.lockfile)),
    );
    let sign = match (&finding.accepted, finding.blocks) {
        (Some(_), _) => "–",
        (None, true) => "■",
        (None, false) => "!",
    };
    output.line(format!(
        "  {sign} {} {}{place}: {} ({}, {})",
        plain(&finding.package),
        plain(&finding.version),
        plain(&finding.title),
        severity(finding.severity),
        plain(&finding.advisory),
    ))?;
    if let Some(accepted) = &finding.accepted {
        return output.line(format!("      accepted until {}: {}", accepted.until, plain(&accepted.because)));
    }
    output.line(format!("      {}", fix(finding)))?;
    if !finding.command.is_empty()
        && let Some(project) = &finding.project
    {
        output.verbatim(format!("      {} (in {})", quote(&finding.command), plain(&project.folder)))?;
    }
    if let Some(link) = &finding.link {
        output.verbatim(format!("      {}", plain(link)))?;
    }
    if finding.blocks {
        output.line("      steps that work with it are blocked until then")?;
    }
    if let Some(until) = &finding.acceptable_until {
        output.verbatim(format!(
            "      if it has to wait: firstlight scan --accept {} --until {until} --because …",
            plain(&finding.advisory)
        ))?;
    }
    Ok(())
}

/// What to do about it.
fn fix(finding: &FindingView) -> String {
    match (&finding.advice, &finding.fixed) {
        (Some(advice), _) => plain(advice),
        (None, Some(fixed)) => format!("fixed in {}: bring it to that version or a later one", plain(fixed)),
        (None, None) => "no version without it is known: see whether you can do without it".to_owned(),
    }
}

/// Text of an advisory or a lockfile may hold anything; a terminal acts on none of it.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn severity(severity: FindingSeverity) -> &'static str {
    match severity {
        FindingSeverity::Unknown => "severity not said",
        FindingSeverity::Low => "low",
        FindingSeverity::Moderate => "moderate",
        FindingSeverity::High => "high",
        FindingSeverity::Critical => "critical",
    }
}
