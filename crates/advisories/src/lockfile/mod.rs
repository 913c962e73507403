//! Lockfiles: what a project was resolved to.

mod cargo;
mod npm;
mod python;
mod requirements;

use serde::de::DeserializeOwned;

use crate::{
    matching::Unjudged,
    package::{Ecosystem, Package},
};

/// At most this many bytes in a lockfile.
pub const MAX_LOCKFILE_BYTES: usize = 32 * 1024 * 1024;
/// At most this many packages in a lockfile.
pub const MAX_PACKAGES: usize = 100_000;

/// A kind of lockfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lockfile {
    /// `Cargo.lock`, up to version 4.
    Cargo,
    /// `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
    Npm,
    /// `requirements.txt` and its kin; only what is pinned by `==`.
    Requirements,
    /// `uv.lock`, version 1.
    Uv,
    /// `poetry.lock`.
    Poetry,
}

/// What a lockfile lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Packages in versions that can be judged.
    pub packages: Vec<Package>,
    /// What is listed and cannot be judged, and why.
    pub unjudged: Vec<Unjudged>,
}

/// Why a lockfile cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockfileError {
    /// Larger than any is.
    #[error("it is larger than a lockfile may be ({0})")]
    TooLarge(&'static str),
    /// It is not what its name says.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Of a version that is not understood.
    #[error("its format has version {0}, which is newer than Firstlight understands")]
    TooNew(u64),
}

impl Lockfile {
    /// The kind of a file of this name.
    pub fn named(file: &str) -> Option<Self> {
        match file {
            "Cargo.lock" => Some(Self::Cargo),
            "package-lock.json" | "npm-shrinkwrap.json" => Some(Self::Npm),
            "uv.lock" => Some(Self::Uv),
            "poetry.lock" => Some(Self::Poetry),
            _ => {
                let middle = file.strip_prefix("requirements")?.strip_suffix(".txt")?;
                (middle.is_empty() || middle.starts_with(['-', '_', '.'])).then_some(Self::Requirements)
            }
        }
    }

    /// Where what it lists comes from.
    pub fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Cargo => Ecosystem::CratesIo,
            Self::Npm => Ecosystem::Npm,
            Self::Requirements | Self::Uv | Self::Poetry => Ecosystem::PyPi,
        }
    }

    /// Reads a lockfile of this kind.
    pub fn read(self, bytes: &[u8]) -> Result<Listed, LockfileError> {
        if bytes.len() > MAX_LOCKFILE_BYTES {
            return Err(LockfileError::TooLarge("32 MB"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| LockfileError::Damaged(format!("it is not UTF-8 text: {error}")))?;
        // Written by an editor of Windows.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut listed = match self {
            Self::Cargo => cargo::read(text),
            Self::Npm => npm::read(text),
            Self::Requirements => requirements::read(text),
            Self::Uv => python::uv(text),
            Self::Poetry => python::poetry(text),
        }?;
        if listed.packages.len() > MAX_PACKAGES {
            return Err(LockfileError::TooLarge("100,000 packages"));
        }
        listed.unjudged.sort();
        listed.unjudged.dedup();
        Ok(listed)
    }

    /// The words of a command that brings a package from the version that is there to the one that is not affected, in a
    /// project with such a lockfile. None where no command does just that: where a program would need to know better than
    /// what the project asks for, it is for a person to change.
    pub fn update(self, there: &Package, fixed: Option<&str>) -> Option<Vec<String>> {
        let name = there.name.as_str();
        // A name that a program would take for an option is not put on its command line.
        if name.starts_with('-') || fixed.is_some_and(|fixed| fixed.starts_with('-')) {
            return None;
        }
        // There may be more than one version of it in the same project.
        let exact = format!("{name}@{}", there.version);
        let words: &[&str] = match (self, fixed) {
            (Self::Cargo | Self::Npm, Some(fixed)) if !is_compatible(there, fixed) => return None,
            (Self::Cargo, Some(fixed)) => &["cargo", "update", "--package", &exact, "--precise", fixed],
            (Self::Cargo, None) => &["cargo", "update", "--package", &exact],
            (Self::Npm, _) => &["npm", "update", name],
            (Self::Uv, _) => &["uv", "lock", "--upgrade-package", name],
            (Self::Poetry, _) => &["poetry", "update", name],
            (Self::Requirements, _) => return None,
        };
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }
}

/// Whether a project that asks for the version there, as Cargo and npm do if nothing else is said, takes the other.
fn is_compatible(there: &Package, fixed: &str) -> bool {
    let read = |text: &str| semver::Version::parse(text).ok();
    let (Some(there), Some(fixed)) = (read(&there.version), read(fixed)) else { return false };
    let asked = semver::Comparator {
        op: semver::Op::Caret,
        major: there.major,
        minor: Some(there.minor),
        patch: Some(there.patch),
        pre: there.pre,
    };
    asked.matches(&fixed)
}

impl Listed {
    /// A package that is there in a version that says nothing.
    fn left_out(&mut self, ecosystem: Ecosystem, name: &str, version: &str, why: &str) {
        self.unjudged.push(Unjudged {
            name: Some(ecosystem.normal(name)),
            what: format!("{name} {version}").trim_end().to_owned(),
            why: why.to_owned(),
        });
    }
}

/// TOML as it is written; the parser bounds its depth.
fn toml<T: DeserializeOwned>(text: &str) -> Result<T, LockfileError> {
    toml::from_str(text).map_err(|error| LockfileError::Damaged(one_line(&error.to_string())))
}

/// JSON as it is written; the parser bounds its depth.
fn json<T: DeserializeOwned>(text: &str) -> Result<T, LockfileError> {
    serde_json::from_str(text).map_err(|error| LockfileError::Damaged(one_line(&error.to_string())))
}

/// What a parser says, without the picture it draws of the place.
fn one_line(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let drawn = |line: &&str| line.contains('|');
    lines.filter(|line| !drawn(line)).collect::<Vec<_>>().join(": ")
}
