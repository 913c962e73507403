//! The tools that fetch things for people and have settings of their own for proxy and certificates.
//!
//! Each is a file beside this one that knows where the person's settings are, what the tool uses now, and how a setting
//! is written. One more tool: a file, and its lines here.

use std::path::PathBuf;

use firstlight_domain::{facts::Facts, state::Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{cargo, git, npm, pip};
use crate::{facts::on_path, provider::Context};

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// git.
    Git,
    /// npm.
    Npm,
    /// pip.
    Pip,
    /// cargo.
    Cargo,
}

/// All of them.
pub const TOOLS: [Tool; 4] = [Tool::Git, Tool::Npm, Tool::Pip, Tool::Cargo];

/// What a tool uses now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Now {
    /// Its proxy, if it is told one.
    pub(super) proxy: Option<Setting>,
    /// The file of certificates it is told to trust, if it is.
    pub(super) ca: Option<Setting>,
    /// Whom it trusts otherwise.
    pub(super) trusts: Trusts,
}

/// A setting that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) by: By,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    /// The person's own file: theirs, never changed by us.
    Person,
    /// A variable of the tool's own, which outranks its files.
    Variable(&'static str),
    /// Something that the person's own file outranks.
    Elsewhere(&'static str),
}

/// Whom a tool trusts when it is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trusts {
    /// Whomever the system trusts.
    System,
    /// Its own list of public authorities.
    OwnList,
}

/// What is to be written into a tool's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Additions {
    pub(super) proxy: Option<String>,
    pub(super) ca: Option<String>,
}

impl Tool {
    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Npm => "npm",
            Self::Pip => "pip",
            Self::Cargo => "cargo",
        }
    }

    /// Whether it is installed.
    pub fn is_here(self) -> bool {
        match self {
            Self::Pip => pip::program().is_some(),
            Self::Git | Self::Npm | Self::Cargo => on_path(self.name()),
        }
    }

    /// The person's own file of settings.
    pub(super) fn file(self, facts: &Facts) -> PathBuf {
        match self {
            Self::Git => git::file(facts),
            Self::Npm => npm::file(facts),
            Self::Pip => pip::file(facts),
            Self::Cargo => cargo::file(facts),
        }
    }

    /// What it uses now.
    pub(super) async fn now(self, cx: &Context) -> Result<Now, Failure> {
        match self {
            Self::Git => git::now(cx).await,
            Self::Npm => npm::now(cx).await,
            Self::Pip => pip::now(cx).await,
            Self::Cargo => cargo::now(cx),
        }
    }

    /// The file with these settings added; error: why that cannot be.
    pub(super) fn with(self, text: &str, additions: &Additions) -> Result<String, String> {
        match self {
            Self::Git => Ok(git::with(text, additions)),
            Self::Npm => Ok(npm::with(text, additions)),
            Self::Pip => Ok(pip::with(text, additions)),
            Self::Cargo => cargo::with(text, additions),
        }
    }
}

/// The value of a variable of the environment; none if it is empty.
pub(super) fn variable(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first of these variables of a tool's own that is set.
pub(super) fn own_variable(name: &'static str) -> Option<Setting> {
    variable(name).map(|value| Setting { value, by: By::Variable(name) })
}

/// The first of these variables, which several programs read, that is set.
pub(super) fn common_variable(names: impl IntoIterator<Item = &'static str>) -> Option<Setting> {
    names.into_iter().find_map(|name| variable(name).map(|value| Setting { value, by: By::Elsewhere(name) }))
}
