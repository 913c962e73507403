//! Reports of scanners that are installed: SARIF 2.1.0, which most can write, and the JSON of OSV-Scanner.

mod osv_scanner;
mod sarif;

use serde_json::Value;

use crate::finding::Finding;

pub use self::sarif::write as write_sarif;

/// At most this many bytes in a report.
pub const MAX_REPORT_BYTES: usize = 32 * 1024 * 1024;
/// Characters of a message that are kept.
const MAX_MESSAGE: usize = 300;

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// SARIF 2.1.0.
    Sarif,
    /// What `osv-scanner --format json` prints.
    Osv,
}

/// Why a report cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Nothing was written.
    #[error("the report is empty")]
    Empty,
    /// Larger than any should be.
    #[error("the report is larger than 32 MB")]
    TooLarge,
    /// It is not what it should be.
    #[error("the report is no {format}: {why}")]
    Malformed {
        /// What it should be.
        format: &'static str,
        /// Why it is not.
        why: String,
    },
    /// The scanner says itself that it did not get to its end.
    #[error("the scanner says that it did not finish{0}")]
    Unfinished(String),
}

/// Reads a report. What a scanner itself set aside (suppressed, baseline, not applicable) is no finding.
pub fn read(format: Format, bytes: &[u8]) -> Result<Vec<Finding>, ReportError> {
    if bytes.len() > MAX_REPORT_BYTES {
        return Err(ReportError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReportError::Empty);
    }
    let mut found = match format {
        Format::Sarif => sarif::read(bytes),
        Format::Osv => osv_scanner::read(bytes),
    }?;
    found.sort_by(|one, other| {
        let key = |finding: &Finding| (finding.id.clone(), finding.place.clone());
        other.severity.cmp(&one.severity).then_with(|| key(one).cmp(&key(other)))
    });
    Ok(found)
}

/// Text from outside as one line that a terminal does not act on.
fn plain(text: &str) -> String {
    let signs = text.trim().chars().map(|sign| if sign.is_control() { ' ' } else { sign });
    let mut line: String = signs.take(MAX_MESSAGE + 1).collect();
    if line.chars().count() > MAX_MESSAGE {
        line = line.chars().take(MAX_MESSAGE - 1).chain(['…']).collect();
    }
    line
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn https(link: &str) -> Option<String> {
    link.starts_with("https://").then(|| plain(link))
}
