//! Versions, in the order of their ecosystem: Semantic Versioning for crates.io and npm, PEP 440 for PyPI, and one of our
//! own for programs, whose makers follow no common rule ([`ToolVersion`]).

use std::{cmp::Ordering, str::FromStr};

use crate::package::Ecosystem;

/// A version that can be compared with others of its ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// Without build metadata, which has no part in precedence.
    Semver(semver::Version),
    /// By PEP 440.
    Python(pep440_rs::Version),
    /// Of a program.
    Tool(ToolVersion),
}

impl Version {
    /// Reads a version; none if it is none of this ecosystem.
    pub fn read(ecosystem: Ecosystem, text: &str) -> Option<Self> {
        let text = text.trim();
        match ecosystem {
            Ecosystem::CratesIo | Ecosystem::Npm => lenient(text).map(Self::Semver),
            Ecosystem::PyPi => pep440_rs::Version::from_str(text).ok().map(Self::Python),
            Ecosystem::Tool => ToolVersion::read(text).map(Self::Tool),
        }
    }

    /// How a version that is there compares with one that an advisory names. Where the advisory names a public version of
    /// Python, a local label (`+cu118`) of the one that is there does not count, as PEP 440 has it.
    pub fn against(&self, named: &Self) -> Ordering {
        match (self, named) {
            (Self::Semver(there), Self::Semver(named)) => there.cmp_precedence(named),
            (Self::Python(there), Self::Python(named)) if !named.is_local() => {
                there.clone().without_local().cmp(named)
            }
            (Self::Python(there), Self::Python(named)) => there.cmp(named),
            (Self::Tool(there), Self::Tool(named)) => there.cmp(named),
            // Both come from one ecosystem; were they ever mixed, neither would come before the other by chance.
            (Self::Semver(_) | Self::Python(_) | Self::Tool(_), _) => self.rank().cmp(&named.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Semver(_) => 0,
            Self::Python(_) => 1,
            Self::Tool(_) => 2,
        }
    }
}

/// A semantic version; `v1.2` in an advisory means 1.2.0.
fn lenient(text: &str) -> Option<semver::Version> {
    let text = text.strip_prefix(['v', '=']).unwrap_or(text);
    let mut version = semver::Version::parse(text).ok().or_else(|| {
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let missing = 2_usize.checked_sub(numbers.matches('.').count())?;
        semver::Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(missing))).ok()
    })?;
    version.build = semver::BuildMetadata::EMPTY;
    Some(version)
}

/// The version of a program: numbers, compared one by one, a missing one being 0 (`9.2` is `9.2.0`); then what follows
/// them. `alpha`, `beta`, `dev`, `pre`, `preview`, `rc` and what follows a `~` come before the version without them, any
/// other letters after it (`9.2p1`, `1.1.1w`). What follows a `+` does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToolVersion {
    numbers: Vec<u64>,
    rest: Vec<Part>,
}

/// What follows the numbers, in the order it sorts in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Comes before the version without it.
    Before(String),
    /// Nothing more.
    End,
    /// A number further on.
    Number(u64),
    /// Comes after the version without it.
    After(String),
}

const BEFORE: [&str; 6] = ["alpha", "beta", "dev", "pre", "preview", "rc"];

impl ToolVersion {
    /// Reads a version that begins with a number.
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next().unwrap_or_default();
        if text.len() > 128 || !text.starts_with(|sign: char| sign.is_ascii_digit()) {
            return None;
        }
        let fine = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_' | '~');
        if !text.chars().all(fine) {
            return None;
        }
        let end = text.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let numbers = numbers.split('.').filter(|number| !number.is_empty());
        let mut numbers: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        while numbers.len() > 1 && numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self { numbers, rest: parts(rest)? })
    }
}

fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if matches!(first, '.' | '-' | '_') {
            rest = &rest[1..];
            continue;
        }
        let (tilde, from) = match rest.strip_prefix('~') {
            Some(from) => (true, from),
            None => (false, rest),
        };
        let digits = from.starts_with(|sign: char| sign.is_ascii_digit());
        let end = from
            .find(|sign: char| sign.is_ascii_digit() != digits || !sign.is_ascii_alphanumeric())
            .unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        rest = after;
        let word = word.to_ascii_lowercase();
        parts.push(match (tilde, digits) {
            (false, true) => Part::Number(word.parse().ok()?),
            (false, false) if BEFORE.contains(&word.as_str()) => Part::Before(word),
            (false, false) => Part::After(word),
            (true, _) => Part::Before(word),
        });
    }
    parts.push(Part::End);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascending(ecosystem: Ecosystem, versions: &[&str]) {
        let read = |text: &str| Version::read(ecosystem, text).unwrap_or_else(|| panic!("{text}"));
        for (place, lower) in versions.iter().enumerate() {
            assert_eq!(read(lower).against(&read(lower)), Ordering::Equal, "{lower}");
            for higher in &versions[place + 1..] {
                assert_eq!(read(lower).against(&read(higher)), Ordering::Less, "{lower} < {higher}");
                assert_eq!(read(higher).against(&read(lower)), Ordering::Greater, "{higher} > {lower}");
            }
        }
    }

    /// The example of section 11 of the specification of Semantic Versioning 2.0.0.
    #[test]
    fn semantic_versions_have_their_precedence() {
        let order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        ascending(Ecosystem::Npm, &order);
        let read = |text| Version::read(Ecosystem::CratesIo, text).unwrap();
        assert_eq!(read("1.0.0+a").against(&read("1.0.0+b")), Ordering::Equal);
        assert_eq!(read("1").against(&read("1.0.0")), Ordering::Equal);
        assert_eq!(Version::read(Ecosystem::Npm, "git+ssh://x"), None);
        assert_eq!(Version::read(Ecosystem::Npm, "1.2.3.4"), None);
    }

    /// The order that PEP 440 gives in its summary, and its rule on local labels.
    #[test]
    fn python_versions_have_their_order() {
        let order =
            ["1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1!0.1"];
        ascending(Ecosystem::PyPi, &order);
        let read = |text| Version::read(Ecosystem::PyPi, text).unwrap();
        assert_eq!(read("2.0.0+cu118").against(&read("2.0")), Ordering::Equal);
        assert_eq!(read("2.0+a").against(&read("2.0+b")), Ordering::Less);
        assert_eq!(Version::read(Ecosystem::PyPi, "latest"), None);
    }

    #[test]
    fn programs_have_an_order_though_they_follow_no_rule() {
        ascending(Ecosystem::Tool, &["2.39.2", "2.39.10", "2.40"]);
        ascending(Ecosystem::Tool, &["9.2~rc1", "9.2-rc2", "9.2", "9.2p1", "9.2p2", "9.3"]);
        ascending(Ecosystem::Tool, &["1.1.1", "1.1.1a", "1.1.1w", "3.0.0-beta1", "3.0.0"]);
        ascending(Ecosystem::Tool, &["17.0.9", "17.0.9.0.1", "v20.1", "22-dev", "22"]);
        let read = |text| Version::read(Ecosystem::Tool, text).unwrap();
        assert_eq!(read("1.20").against(&read("1.20.0+incompatible")), Ordering::Equal);
        for not in ["", "latest", "1.2 beta", "99999999999999999999", "1.2;id"] {
            assert_eq!(Version::read(Ecosystem::Tool, not), None, "{not}");
        }
    }
}
