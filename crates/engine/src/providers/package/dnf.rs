//! dnf, of Fedora and its kin.

use firstlight_domain::facts::PackageManager;

use super::manager::Manager;
use crate::process::Process;

pub(super) struct Dnf;

impl Manager for Dnf {
    fn which(&self) -> PackageManager {
        PackageManager::Dnf
    }

    fn name(&self) -> &'static str {
        "dnf"
    }

    fn elevated(&self) -> bool {
        true
    }

    fn extra(&self) -> &'static str {
        "+._-"
    }

    fn question(&self, name: &str) -> Process {
        Process::new("rpm").args(["-q", "--whatprovides", name])
    }

    fn installs(&self, names: &[String]) -> Vec<Process> {
        if names.is_empty() { Vec::new() } else { vec![dnf(&["install", "-y"], names)] }
    }

    fn removals(&self, names: &[String]) -> Vec<Process> {
        if names.is_empty() { Vec::new() } else { vec![dnf(&["remove", "-y", "--noautoremove"], names)] }
    }
}

fn dnf(words: &[&str], names: &[String]) -> Process {
    Process::new("dnf").args(words.iter().copied()).args(names).elevated(true)
}
