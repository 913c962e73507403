//! Records of the OSV schema 1.x, as far as they are used here. Fields and ecosystems that are not understood are passed
//! over, as the schema asks of readers.
//!
//! Own types, because the `osv` crate refuses a record whole for an ecosystem it does not know, and brings a calendar and
//! a regex compiler for it.

use std::collections::BTreeSet;

use firstlight_domain::finding::Severity;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    package::{Ecosystem, is_program},
    severity,
    version::Version,
};

/// At most this many bytes in a record.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;
/// Characters of a title that are kept.
const MAX_TITLE: usize = 160;

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is larger than a record is.
    #[error("it is larger than 1 MB")]
    TooLarge,
    /// It is no record.
    #[error("it is no OSV record: {0}")]
    Malformed(String),
    /// It is one, and what it says cannot be meant.
    #[error("{0}")]
    Meaningless(String),
}

/// A record.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Record {
    /// Its id: `GHSA-…`, `RUSTSEC-…`, `PYSEC-…`, or one of your own.
    pub id: String,
    /// When it was last changed.
    pub modified: String,
    /// When it was withdrawn: it is of no effect then.
    #[serde(default)]
    pub withdrawn: Option<String>,
    /// Other ids of the same thing.
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    severity: Vec<Scored>,
    /// What is affected.
    #[serde(default)]
    pub affected: Vec<Affected>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    database_specific: Value,
}

/// Which versions of which package are affected.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Affected {
    #[serde(default)]
    package: Option<Named>,
    #[serde(default)]
    severity: Vec<Scored>,
    /// Stretches of versions.
    #[serde(default)]
    pub ranges: Vec<Range>,
    /// Versions one by one.
    #[serde(default)]
    pub versions: Vec<String>,
    #[serde(default)]
    ecosystem_specific: Value,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Named {
    ecosystem: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Scored {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    url: String,
}

/// A stretch of versions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Range {
    /// In which order its versions are.
    #[serde(rename = "type")]
    pub kind: RangeKind,
    /// What happened to the thing, version by version.
    pub events: Vec<Event>,
}

/// What orders the versions of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RangeKind {
    /// Semantic Versioning.
    Semver,
    /// The package's ecosystem.
    Ecosystem,
    /// The commits of a repository, which is not here to be asked.
    Git,
}

/// One event of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Affected from this version on; `0` is before every version.
    Introduced(String),
    /// Not affected from this version on.
    Fixed(String),
    /// Not affected after this version.
    LastAffected(String),
    /// The range says nothing of this version and what comes after it; `*` is after every version.
    Limit(String),
}

impl Event {
    /// Its version.
    pub fn version(&self) -> &str {
        match self {
            Self::Introduced(version)
            | Self::Fixed(version)
            | Self::LastAffected(version)
            | Self::Limit(version) => version,
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            introduced: Option<String>,
            fixed: Option<String>,
            last_affected: Option<String>,
            limit: Option<String>,
        }
        let written = Written::deserialize(deserializer)?;
        match (written.introduced, written.fixed, written.last_affected, written.limit) {
            (Some(version), None, None, None) => Ok(Self::Introduced(version)),
            (None, Some(version), None, None) => Ok(Self::Fixed(version)),
            (None, None, Some(version), None) => Ok(Self::LastAffected(version)),
            (None, None, None, Some(version)) => Ok(Self::Limit(version)),
            _ => Err(serde::de::Error::custom(
                "an event has exactly one of `introduced`, `fixed`, `last_affected`, `limit`",
            )),
        }
    }
}

impl Record {
    /// Reads a record.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLarge);
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let record: Self = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let (path, inner) = (error.path().to_string(), error.inner());
            let place = if path == "." { String::new() } else { format!("`{path}`: ") };
            RecordError::Malformed(format!("{place}{inner}"))
        })?;
        json.end().map_err(|error| RecordError::Malformed(error.to_string()))?;
        if record.id.trim().is_empty() {
            return Err(RecordError::Meaningless("its `id` is empty".to_owned()));
        }
        Ok(record)
    }

    /// Reads a record that is written for a pack: what a reader passes over in a foreign one is an error here.
    pub fn read_strictly(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Self::read(bytes)?;
        let wrong = |what: String| Err(RecordError::Meaningless(what));
        if record.affected.is_empty() {
            return wrong("it says of nothing that it is affected (`affected`)".to_owned());
        }
        if record.affected.iter().all(|affected| affected.package().is_none()) {
            let named = record
                .affected
                .iter()
                .filter_map(|affected| Some(affected.package.as_ref()?.ecosystem.as_str()));
            let named: BTreeSet<&str> = named.collect();
            return wrong(match named.into_iter().collect::<Vec<_>>().join(", ").as_str() {
                "" => "it names no `package`".to_owned(),
                others => format!(
                    "it is about the ecosystem {others}; Firstlight knows crates.io, npm, PyPI and its own, `{}`",
                    Ecosystem::Tool
                ),
            });
        }
        for (place, affected) in record.affected.iter().enumerate() {
            let place = format!("`affected[{place}]`");
            // The same may be in packages of other ecosystems, too.
            let Some((ecosystem, name)) = affected.package() else { continue };
            if ecosystem == Ecosystem::Tool && !is_program(name) {
                return wrong(format!("{place}: `{name}` is not how a program is started"));
            }
            if affected.versions.is_empty() && affected.comparable().next().is_none() {
                let more = if affected.ranges.is_empty() { "" } else { "; ranges of commits are not judged" };
                return wrong(format!("{place} names no versions{more}"));
            }
            for range in affected.comparable() {
                let introduced = |event: &Event| matches!(event, Event::Introduced(_));
                if !range.events.iter().any(introduced) {
                    return wrong(format!("{place} has a range without `introduced`"));
                }
                let bad = range.events.iter().find(|event| !event.can_be_read(ecosystem));
                if let Some(bad) = bad {
                    return wrong(format!("{place}: `{}` is no version of {ecosystem}", bad.version()));
                }
            }
        }
        Ok(record)
    }

    /// Whether it is still of effect.
    pub fn is_in_effect(&self) -> bool {
        self.withdrawn.is_none()
    }

    /// Its id and every other id of the same thing.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.aliases.iter().map(String::as_str).chain([self.id.as_str()]).collect()
    }

    /// What it is about, in a line.
    pub fn title(&self) -> String {
        let text = self.summary.as_deref().filter(|text| !text.trim().is_empty());
        let text = text.or(self.details.as_deref()).unwrap_or(&self.id);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(&self.id);
        let line = line.trim_start_matches(['#', ' ']);
        let plain = line.chars().map(|sign| if sign.is_control() { ' ' } else { sign });
        let mut title: String = plain.take(MAX_TITLE + 1).collect();
        if title.chars().count() > MAX_TITLE {
            title = title.chars().take(MAX_TITLE - 1).chain(['…']).collect();
        }
        title
    }

    /// How bad it is for one package: the worst of what it says, in words (`database_specific.severity`) or as CVSS
    /// vectors.
    pub fn severity(&self, affected: &Affected) -> Severity {
        let words = [&self.database_specific, &affected.database_specific, &affected.ecosystem_specific];
        let named = words.into_iter().filter_map(|words| Severity::named(words.get("severity")?.as_str()?));
        let vectors = self.severity.iter().chain(&affected.severity);
        let vectors = vectors.filter(|scored| scored.kind.starts_with("CVSS_"));
        let old = words.into_iter().filter_map(|words| words.get("cvss")?.as_str());
        let scores = vectors.map(|scored| scored.score.as_str()).chain(old).filter_map(severity::of_vector);
        named.chain(scores).max().unwrap_or_default()
    }

    /// Where more is said about it; https only.
    pub fn link(&self) -> Option<&str> {
        let secure = || self.references.iter().filter(|reference| reference.url.starts_with("https://"));
        let advisory = secure().find(|reference| reference.kind == "ADVISORY");
        advisory.or_else(|| secure().next()).map(|reference| reference.url.as_str())
    }

    /// What to do about it, where its author says more than a version: `database_specific.fix`.
    pub fn advice(&self) -> Option<&str> {
        self.database_specific.get("fix")?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl Affected {
    /// The package, if it is of an ecosystem that is understood.
    pub fn package(&self) -> Option<(Ecosystem, &str)> {
        let package = self.package.as_ref()?;
        Some((Ecosystem::named(&package.ecosystem)?, package.name.as_str()))
    }

    /// The ranges whose versions can be compared.
    pub fn comparable(&self) -> impl Iterator<Item = &Range> {
        self.ranges.iter().filter(|range| range.kind != RangeKind::Git)
    }
}

impl Event {
    fn can_be_read(&self, ecosystem: Ecosystem) -> bool {
        match self {
            Self::Introduced(version) if version == "0" => true,
            Self::Limit(version) if version == "*" => true,
            event => Version::read(ecosystem, event.version()).is_some(),
        }
    }
}
