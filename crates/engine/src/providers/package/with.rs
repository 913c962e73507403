//! What a pack writes for `package`.

use std::fmt;

use firstlight_domain::{facts::PackageManager, kind::WithError};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::manager;
use crate::providers::with::{Parameters, is_unresolved, plain_word, wrong};

/// Parameters of `package`: the names differ between package managers, so each has its own field.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Package")]
pub struct With {
    /// For Debian and Ubuntu.
    #[serde(default)]
    pub apt: Option<Names>,
    /// For Fedora and its kin.
    #[serde(default)]
    pub dnf: Option<Names>,
    /// For macOS, and Homebrew on Linux.
    #[serde(default)]
    pub brew: Option<Names>,
    /// For Windows: ids of winget packages (`Git.Git`).
    #[serde(default)]
    pub winget: Option<Names>,
    /// A program: where it is on PATH, however it came there, nothing needs to be installed.
    #[serde(default)]
    pub command: Option<String>,
}

/// One package or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Names {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;

        impl<'de> de::Visitor<'de> for OneOrSeveral {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a package, or a list of them")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names::One(name.to_owned()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, names: A) -> Result<Names, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(names)).map(Names::Several)
            }
        }

        deserializer.deserialize_any(OneOrSeveral)
    }
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        let mut any = false;
        for (manager, names) in self.managers() {
            any = true;
            if names.as_slice().is_empty() {
                return Err(wrong(manager::of(manager).name(), "names no package"));
            }
            for name in names.as_slice() {
                manager::of(manager).check_name(name)?;
            }
        }
        if !any {
            return Err(wrong(
                "",
                "should name a package for at least one of `apt`, `dnf`, `brew`, `winget`",
            ));
        }
        match &self.command {
            Some(command) if command.contains(['/', '\\']) && !is_unresolved(command) => {
                Err(wrong("command", "should be the name of a program, without a folder"))
            }
            Some(command) => plain_word("command", command),
            None => Ok(()),
        }
    }
}

impl With {
    /// What is written for each manager.
    pub(super) fn managers(&self) -> impl Iterator<Item = (PackageManager, &Names)> {
        [
            (PackageManager::Apt, &self.apt),
            (PackageManager::Dnf, &self.dnf),
            (PackageManager::Brew, &self.brew),
            (PackageManager::Winget, &self.winget),
        ]
        .into_iter()
        .filter_map(|(manager, names)| names.as_ref().map(|names| (manager, names)))
    }
}
