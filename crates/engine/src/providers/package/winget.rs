//! winget, of Windows. It asks for administrator rights by itself, and takes one id at a time.

use firstlight_domain::facts::PackageManager;

use super::manager::Manager;
use crate::process::Process;

pub(super) struct Winget;

impl Manager for Winget {
    fn which(&self) -> PackageManager {
        PackageManager::Winget
    }

    fn name(&self) -> &'static str {
        "winget"
    }

    fn elevated(&self) -> bool {
        false
    }

    fn extra(&self) -> &'static str {
        "+._-"
    }

    fn question(&self, name: &str) -> Process {
        winget("list", name, &["--disable-interactivity"])
    }

    fn installs(&self, names: &[String]) -> Vec<Process> {
        let agreed = [
            "--source",
            "winget",
            "--accept-package-agreements",
            "--accept-source-agreements",
            "--disable-interactivity",
        ];
        names.iter().map(|name| winget("install", name, &agreed)).collect()
    }

    fn removals(&self, names: &[String]) -> Vec<Process> {
        names.iter().map(|name| winget("uninstall", name, &["--disable-interactivity"])).collect()
    }
}

fn winget(command: &str, id: &str, more: &[&str]) -> Process {
    Process::new("winget").args([command, "--exact", "--id", id]).args(more.iter().copied())
}
