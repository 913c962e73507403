//! What every package manager is asked and told. One more: a file beside this one, and its line in [`of`].

use firstlight_domain::{facts::PackageManager, kind::WithError, plan::Download};

use super::{apt::Apt, brew::Brew, dnf::Dnf, winget::Winget};
use crate::{
    process::{Exit, Process},
    providers::with::{is_unresolved, plain_word, wrong},
};

/// How one is driven.
pub(super) trait Manager: Sync {
    fn which(&self) -> PackageManager;

    /// What people call it, and its field in a pack.
    fn name(&self) -> &'static str;

    /// Whether it needs administrator rights.
    fn elevated(&self) -> bool;

    /// What names may hold beside letters and digits.
    fn extra(&self) -> &'static str;

    /// Whether this is installed; [`Manager::is_installed`] reads the answer.
    fn question(&self, name: &str) -> Process;

    fn is_installed(&self, answer: &Exit) -> bool {
        answer.ok()
    }

    /// Whether it knows this name without the network: it does if it prints something. None if it looks for itself.
    fn known(&self, _name: &str) -> Option<Process> {
        None
    }

    /// How much would have to be fetched for these; [`Manager::size_in`] reads the answer. It changes nothing and needs no
    /// rights. None if it cannot be asked.
    fn sizes(&self, _names: &[String]) -> Option<Process> {
        None
    }

    fn size_in(&self, _answer: &Exit) -> Download {
        Download::Unknown
    }

    /// Fetches its list of packages.
    fn refresh(&self) -> Option<Process> {
        None
    }

    fn installs(&self, names: &[String]) -> Vec<Process>;

    /// Whether an installation may have failed because the list of packages is old.
    fn may_be_stale(&self, _answer: &Exit) -> bool {
        false
    }

    fn removals(&self, names: &[String]) -> Vec<Process>;

    /// Only what is a package's name and nothing else: managers also take paths, patterns, versions, and, with apt,
    /// `name-` for removal.
    fn check_name(&self, name: &str) -> Result<(), WithError> {
        plain_word(self.name(), name)?;
        if is_unresolved(name) {
            return Ok(());
        }
        let fine = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || self.extra().contains(c))
            && !name.ends_with(['-', '/'])
            && !name.contains("..");
        if fine { Ok(()) } else { Err(wrong(self.name(), format!("`{name}` is not the name of a package"))) }
    }
}

/// The one of that name.
pub(super) fn of(manager: PackageManager) -> &'static dyn Manager {
    match manager {
        PackageManager::Apt => &Apt,
        PackageManager::Dnf => &Dnf,
        PackageManager::Brew => &Brew,
        PackageManager::Winget => &Winget,
    }
}
