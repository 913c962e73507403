//! What an advisory was found to say about this machine, as the journal keeps it: names, versions and a severity, never a
//! text or a folder of this machine.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::id::StepId;

/// How bad it is, by whoever published the advisory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody says.
    #[default]
    Unknown,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Moderate,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 and more.
    Critical,
}

impl Severity {
    /// Every severity that can be named, the worst first.
    pub const NAMED: [Self; 4] = [Self::Critical, Self::High, Self::Moderate, Self::Low];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// By its name, whatever its case; `medium` is what CVSS calls moderate.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let moderate = (name == "medium").then_some(Self::Moderate);
        moderate.or_else(|| Self::NAMED.into_iter().find(|severity| severity.name() == name))
    }
}

/// Where the package is that an advisory is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum Place {
    /// A program of this machine.
    Machine,
    /// A project of the journey.
    Project {
        /// The step that made it.
        step: StepId,
        /// The lockfile, from the project's folder, with `/`.
        lockfile: String,
    },
}

impl Place {
    /// Whether it is in the project that a step made.
    pub fn is_in(&self, made_by: &StepId) -> bool {
        matches!(self, Self::Project { step, .. } if step == made_by)
    }
}

/// What tells one finding from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingId {
    /// The advisory's id.
    pub advisory: String,
    /// The package's name.
    pub package: String,
    /// The version that is there.
    pub version: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What tells it from others.
    #[serde(flatten)]
    pub id: FindingId,
    /// How bad.
    pub severity: Severity,
    /// The lowest version above the one there that is not affected, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
}

/// What is known of a finding that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRecord {
    /// Since when.
    pub since: Timestamp,
    /// How bad.
    pub severity: Severity,
    /// The version without it.
    pub fixed: Option<String>,
    /// Whether somebody lives with it for a while.
    pub accepted: Option<Accepted>,
}

/// That somebody lives with a finding for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The last day on which it counts as accepted.
    pub until: Date,
    /// Why, in their words.
    pub because: String,
}

impl FindingRecord {
    /// Whether it is accepted on this day.
    pub fn is_accepted(&self, today: Date) -> bool {
        self.accepted.as_ref().is_some_and(|accepted| today <= accepted.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered_and_named_as_databases_name_them() {
        assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Unknown);
        for (name, severity) in [
            ("CRITICAL", Some(Severity::Critical)),
            ("Medium", Some(Severity::Moderate)),
            ("moderate", Some(Severity::Moderate)),
            ("unknown", None),
            ("important", None),
        ] {
            assert_eq!(Severity::named(name), severity, "{name}");
        }
    }
}
