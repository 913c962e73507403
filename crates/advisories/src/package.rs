//! Packages: of which ecosystem, called what, in which version.

use std::fmt;

/// Where a name and a version mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Rust.
    CratesIo,
    /// Node.
    Npm,
    /// Python.
    PyPi,
    /// Programs of this machine, by the name they are started with.
    Tool,
}

impl Ecosystem {
    /// Its name in OSV records. The schema knows none for programs on a machine, and other readers pass over what they do
    /// not know, so those have one of our own.
    pub fn name(self) -> &'static str {
        match self {
            Self::CratesIo => "crates.io",
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
            Self::Tool => "Firstlight",
        }
    }

    /// By its name in OSV records; none for one that is not understood here.
    pub fn named(name: &str) -> Option<Self> {
        [Self::CratesIo, Self::Npm, Self::PyPi, Self::Tool].into_iter().find(|one| one.name() == name)
    }

    /// A package's name as this ecosystem compares them: for Python by PEP 503, else exactly.
    pub fn normal(self, name: &str) -> String {
        if self != Self::PyPi {
            return name.to_owned();
        }
        let mut normal = String::with_capacity(name.len());
        for sign in name.chars() {
            match sign {
                '-' | '_' | '.' if normal.ends_with('-') => {}
                '-' | '_' | '.' => normal.push('-'),
                other => normal.extend(other.to_lowercase()),
            }
        }
        normal
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A package that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// Of which ecosystem.
    pub ecosystem: Ecosystem,
    /// Its name, as its ecosystem compares it.
    pub name: String,
    /// Its version, as it was written.
    pub version: String,
}

impl Package {
    /// A package of this name, whichever way it is written.
    pub fn new(ecosystem: Ecosystem, name: &str, version: &str) -> Self {
        Self { ecosystem, name: ecosystem.normal(name), version: version.trim().to_owned() }
    }
}

/// Whether this can be the name of a program to look for: no path, no option, nothing a shell would act on.
pub fn is_program(name: &str) -> bool {
    let fine = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '+' | '-');
    name.len() <= 64 && name.starts_with(|sign: char| sign.is_ascii_alphanumeric()) && name.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_are_one_however_they_are_written() {
        for name in ["Friendly-Bard", "FRIENDLY.bard", "friendly__bard", "friendly-.-bard"] {
            assert_eq!(Ecosystem::PyPi.normal(name), "friendly-bard", "{name}");
        }
        assert_eq!(Ecosystem::Npm.normal("@Scope/Name"), "@Scope/Name");
        assert_eq!(Ecosystem::CratesIo.normal("serde_json"), "serde_json");
    }

    #[test]
    fn a_program_is_named_and_nothing_else() {
        assert!(is_program("git") && is_program("g++") && is_program("python3.11"));
        for not in ["", "-rf", "/bin/sh", "../git", "a b", "git;id", "ä", &"x".repeat(65)] {
            assert!(!is_program(not), "{not}");
        }
    }
}
