//! Homebrew, of macOS, and on Linux. It refuses administrator rights.

use firstlight_domain::facts::PackageManager;

use super::manager::Manager;
use crate::process::Process;

pub(super) struct Brew;

impl Manager for Brew {
    fn which(&self) -> PackageManager {
        PackageManager::Brew
    }

    fn name(&self) -> &'static str {
        "brew"
    }

    fn elevated(&self) -> bool {
        false
    }

    /// Taps: owner/repository/formula.
    fn extra(&self) -> &'static str {
        "+._@/-"
    }

    fn question(&self, name: &str) -> Process {
        Process::new("brew").args(["list", "--versions", name])
    }

    fn installs(&self, names: &[String]) -> Vec<Process> {
        if names.is_empty() {
            return Vec::new();
        }
        let install = Process::new("brew").arg("install").args(names);
        vec![install.env("HOMEBREW_NO_AUTO_UPDATE", "1").env("NONINTERACTIVE", "1")]
    }

    fn removals(&self, names: &[String]) -> Vec<Process> {
        if names.is_empty() { Vec::new() } else { vec![Process::new("brew").arg("uninstall").args(names)] }
    }
}
