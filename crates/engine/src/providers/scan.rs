//! `scan`: what a scanner that is installed finds in a project.
//!
#![doc = include_str!("docs/scan.md")]

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use firstlight_advisories::{
    Finding,
    report::{self, Format, MAX_REPORT_BYTES},
};
use firstlight_domain::{
    finding::Severity,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    command::{in_one_line, refuse_options},
    failure_with, schema,
    with::{self, Parameters, wrong},
};
use crate::{
    process::{self, Exit, Process, not_found},
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// The word of `run` that stands for the file of the report.
const REPORT: &str = "{report}";
/// How many findings a failure lists.
const LISTED: usize = 10;

/// The kind `scan`.
pub struct Scan;

/// Parameters of `scan`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Scan")]
pub struct With {
    /// The scanner and its arguments. A word `{report}` stands for a file that it writes its report to; without one, the
    /// report is what it prints.
    pub run: Vec<String>,
    /// The folder it runs in.
    pub cwd: String,
    /// What its report is.
    pub format: ReportFormat,
    /// Findings of this severity or worse fail the step: `low` if not said.
    #[serde(default)]
    pub fail_at: Threshold,
}

/// What a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportFormat {
    /// SARIF 2.1.0.
    Sarif,
    /// The JSON of OSV-Scanner.
    Osv,
}

/// From where on a finding fails the step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Threshold {
    /// Critical ones only.
    Critical,
    /// High ones and worse.
    High,
    /// Moderate ones and worse.
    Moderate,
    /// Any, also those of which nobody says how bad they are.
    #[default]
    Low,
    /// None: they are counted, and that is all.
    Never,
}

impl Threshold {
    fn reached(self, severity: Severity) -> bool {
        let threshold = match self {
            Self::Critical => Severity::Critical,
            Self::High => Severity::High,
            Self::Moderate => Severity::Moderate,
            Self::Low => Severity::Low,
            Self::Never => return false,
        };
        severity.max(Severity::Low) >= threshold
    }
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if self.run.first().is_none_or(String::is_empty) {
            return Err(wrong("run", "needs a program"));
        }
        if self.run.iter().any(|word| word.contains('\0')) {
            return Err(wrong("run", "may not hold a NUL character"));
        }
        if self.run.iter().filter(|word| word.as_str() == REPORT).count() > 1 {
            return Err(wrong("run", format!("names `{REPORT}` more than once")));
        }
        Ok(())
    }
}

impl Provider for Scan {
    fn kind(&self) -> Kind {
        Kind {
            name: "scan",
            class: Class::Task,
            summary: "Runs an installed scanner in a project, and fails where it finds what the pack does not let pass.",
            docs: include_str!("docs/scan.md"),
            schema: schema::<With>(),
            outputs: &["findings", "worst"],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        refuse_options(step, "run", &with.run)?;
        let cwd = super::path(&with.cwd, step.facts);
        Ok(Box::new(Prepared {
            argv: with.run,
            cwd,
            format: match with.format {
                ReportFormat::Sarif => Format::Sarif,
                ReportFormat::Osv => Format::Osv,
            },
            fail_at: with.fail_at,
            found: Mutex::new(None),
        }))
    }
}

struct Prepared {
    argv: Vec<String>,
    cwd: PathBuf,
    format: Format,
    fail_at: Threshold,
    /// What the check found that is not let pass, so that saying so needs no second scan.
    found: Mutex<Option<Vec<Finding>>>,
}

impl Prepared {
    fn process(&self, report: Option<&str>) -> Process {
        let words = self.argv.iter().map(|word| match report {
            Some(report) if word == REPORT => report.to_owned(),
            Some(_) | None => word.clone(),
        });
        Process::of(&words.collect::<Vec<_>>()).cwd(&self.cwd).keep(MAX_REPORT_BYTES + 1)
    }

    fn name(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// Runs the scanner and reads its report.
    async fn scan(&self, cx: &Context) -> Result<Vec<Finding>, Failure> {
        let (exit, bytes) = if self.argv.iter().any(|word| word == REPORT) {
            let folder = tempfile::tempdir().map_err(|error| no_room(&error))?;
            // Some scanners do not write over a file that is there already.
            let file = folder.path().join("report");
            let process = with_secrets(self.process(Some(&file.display().to_string())), cx);
            let exit = process::quick(cx, process).await?;
            let bytes = read(&file)
                .map_err(|error| self.unreadable(&exit, &format!("it cannot be read: {error}")))?;
            (exit, bytes)
        } else {
            let mut exit = process::quick(cx, with_secrets(self.process(None), cx)).await?;
            let bytes = std::mem::take(&mut exit.stdout);
            (exit, bytes)
        };
        let mut found =
            report::read(self.format, &bytes).map_err(|error| self.unreadable(&exit, &error.to_string()))?;
        if found.is_empty() && !exit.ok() {
            return Err(Failure {
                last_lines: exit.tail,
                ..failure_with(
                    format!("`{}` ended with code {} and reports nothing", self.name(), exit.code),
                    "it did not come to looking: see what it says, and its arguments in the pack",
                )
            });
        }
        for finding in &mut found {
            finding.title = masked(cx, &finding.title);
            finding.place = finding.place.as_deref().map(|place| masked(cx, place));
        }
        Ok(found)
    }

    fn unreadable(&self, exit: &Exit, why: &str) -> Failure {
        let code = if exit.ok() { String::new() } else { format!(" (it ended with code {})", exit.code) };
        Failure {
            last_lines: exit.tail.clone(),
            ..failure_with(
                format!("what `{}` reports cannot be used{code}: {why}", self.name()),
                "the pack's `run` should print a report of its `format`, or write one to `{report}`",
            )
        }
    }

    fn bad<'f>(&self, found: &'f [Finding]) -> Vec<&'f Finding> {
        found.iter().filter(|finding| self.fail_at.reached(finding.severity)).collect()
    }

    fn failure(&self, found: &[Finding]) -> Failure {
        let bad = self.bad(found);
        let more = bad.len().saturating_sub(LISTED);
        // One alone is the cause.
        let listed = if bad.len() == 1 { 0 } else { LISTED };
        let mut lines: Vec<String> = bad.iter().take(listed).map(|finding| line(finding)).collect();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let fix = bad.iter().find_map(|finding| {
            let package = finding.package.as_ref()?;
            Some(format!("bring {} to {} or a later version", package.name, finding.fixed.as_ref()?))
        });
        let link = || bad.iter().find_map(|finding| finding.link.as_ref()).map(|link| format!("read {link}"));
        let hint = fix.or_else(link).unwrap_or_else(|| "mend what it names".to_owned());
        Failure {
            last_lines: lines,
            ..failure_with(self.words(&bad), format!("{hint}, then try the step again"))
        }
    }

    /// "`semgrep` found 2 things that are not let pass, the worst of them of high severity"
    fn words(&self, bad: &[&Finding]) -> String {
        let name = self.name();
        let worst = bad.iter().map(|finding| finding.severity).max().unwrap_or_default().name();
        match bad {
            [one] => format!("`{name}` found what is not let pass: {}", line(one)),
            _ => format!(
                "`{name}` found {} things that are not let pass, the worst of them of {worst} severity",
                bad.len()
            ),
        }
    }
}

/// `high: lodash 4.17.20: Commands can be injected (GHSA-…) at package-lock.json`
fn line(finding: &Finding) -> String {
    let what = finding.package.as_ref();
    let what = what.map_or_else(String::new, |package| format!("{} {}: ", package.name, package.version));
    let place = finding.place.as_ref().map_or_else(String::new, |place| format!(" at {place}"));
    format!("{}: {what}{} ({}){place}", finding.severity.name(), finding.title, finding.id)
}

/// What a scanner found may be a secret we know.
fn masked(cx: &Context, text: &str) -> String {
    let mut mask = cx.host.mask(&[]);
    let mut shown = mask.push(text.as_bytes());
    shown.extend(mask.finish());
    String::from_utf8_lossy(&shown).into_owned()
}

fn with_secrets(process: Process, cx: &Context) -> Process {
    cx.secret_env.iter().fold(process, |process, (name, value)| process.secret_env(name, value.clone()))
}

fn read(file: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MAX_REPORT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn no_room(error: &std::io::Error) -> Failure {
    failure_with(
        format!("a file for the report cannot be made: {error}"),
        "make room in the folder for temporary files",
    )
}

#[async_trait]
impl Operation for Prepared {
    fn resolved(&self) -> Resolved {
        Resolved { commands: vec![self.process(None).line(Purpose::Check)], ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if !self.cwd.is_dir() {
            return Ok(Check::Unknown { why: format!("the folder {} does not exist", self.cwd.display()) });
        }
        if !self.process(None).is_there() {
            let Failure { cause, hint, .. } = not_found(self.name());
            return Ok(Check::Blocked { why: cause, hint });
        }
        let found = self.scan(cx).await?;
        let bad = self.bad(&found);
        if bad.is_empty() {
            let worst = found.iter().map(|finding| finding.severity).max();
            let outputs = [
                ("findings", found.len().to_string()),
                ("worst", worst.map_or("none", Severity::name).to_owned()),
            ];
            let outputs: BTreeMap<_, _> = outputs.map(|(name, value)| (name.to_owned(), value)).into();
            return Ok(Check::Satisfied { outputs });
        }
        let what = self.words(&bad);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(Check::Needed { what, files: Vec::new() })
    }

    /// Only a person can mend it: what was found is said, in full in the log.
    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A further attempt looks again.
        let found = match known {
            Some(found) => found,
            None => self.scan(cx).await?,
        };
        cx.output.say(&format!("$ {}", in_one_line(&self.argv)));
        for finding in &found {
            cx.output.say(&line(finding));
        }
        if self.bad(&found).is_empty() { Ok(()) } else { Err(self.failure(&found)) }
    }
}
