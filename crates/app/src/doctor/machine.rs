//! What the machine itself is like: disk, administrator rights, package manager, and whether it is one at all.

use std::path::Path;

use firstlight_contract::doctor::{Finding, FindingLevel};
use firstlight_domain::facts::{Facts, Os, Virtualisation};
use firstlight_engine::facts::Admin;
use sysinfo::Disks;

use super::{finding, ok};

/// Below this a first day usually fails half-way: a toolchain or a browser does not fit.
const LITTLE_DISK: u64 = 5 * 1_000_000_000;
/// Below this even Firstlight itself may not be able to write.
const NO_DISK: u64 = 200_000_000;

pub(super) fn disk(home: &Path) -> Finding {
    let (id, title) = ("disk", "Disk");
    let unknown =
        || finding(id, title, FindingLevel::Unknown, "Free space could not be found out.".to_owned(), None);
    let Ok(disks) = Disks::new_with_refreshed_list() else { return unknown() };
    // The longest mount point that holds the folder, or its nearest existing parent.
    let existing = home.ancestors().find(|path| path.exists()).unwrap_or(home);
    let existing = std::fs::canonicalize(existing).unwrap_or_else(|_| existing.to_owned());
    let holds = disks.into_iter().filter(|disk| existing.starts_with(disk.mount_point()));
    let Some(disk) = holds.max_by_key(|disk| disk.mount_point().as_os_str().len()) else {
        return finding(
            id,
            title,
            FindingLevel::Unknown,
            "Free space could not be found out.".to_owned(),
            None,
        );
    };
    let free = disk.available_space();
    let found = format!("{:.1} GB free on {}.", gigabytes(free), disk.mount_point().display());
    let hint = || Some("Free some space before you start.".to_owned());
    match free {
        0..NO_DISK => finding(id, title, FindingLevel::Bad, found, hint()),
        NO_DISK..LITTLE_DISK => finding(id, title, FindingLevel::Warn, found, hint()),
        _ => ok(id, title, &found),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one decimal of gigabytes")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// Three cases: it is you, it is somebody else, or nobody can.
pub(super) fn admin(admin: Admin) -> Finding {
    let (id, title) = ("admin", "Administrator rights");
    match admin {
        Admin::Given => ok(id, title, "You are the administrator already."),
        Admin::Yourself(asks) => {
            ok(id, title, &format!("You may give them yourself: {asks} will ask for your password."))
        }
        Admin::SomebodyElse(asks) => {
            let found = format!("They belong to another account than yours, which {asks} will ask for.");
            let hint = "Have somebody with that account beside you when a step needs them, or ask IT. If you may \
                        give them yourself though no group of yours shows it, say so: \
                        `firstlight doctor --administrator yes`.";
            finding(id, title, FindingLevel::Warn, found, Some(hint.to_owned()))
        }
        Admin::Nobody => {
            let found =
                "Nothing here can ask for them: neither sudo nor pkexec is installed for you.".to_owned();
            let hint = "Ask IT to install what the plan marks as needing administrator rights.";
            finding(id, title, FindingLevel::Warn, found, Some(hint.to_owned()))
        }
    }
}

/// What is different where this is no computer of its own.
pub(super) fn virtualisation(facts: &Facts) -> Finding {
    let (id, title) = ("virtualisation", "Kind of machine");
    match facts.virtualisation {
        Virtualisation::None => ok(id, title, "A computer of its own."),
        Virtualisation::Vm => ok(id, title, "A virtual machine."),
        Virtualisation::Wsl => {
            let found = "Linux inside of Windows (WSL).".to_owned();
            let hint =
                "It has a keychain, a proxy and certificates of its own: those of Windows do not count here.";
            finding(id, title, FindingLevel::Warn, found, Some(hint.to_owned()))
        }
        Virtualisation::Container => {
            let found = "A container: what is installed in it goes with it.".to_owned();
            let hint = "Set up the machine you work on, or keep the container.";
            finding(id, title, FindingLevel::Warn, found, Some(hint.to_owned()))
        }
    }
}

pub(super) fn packages(facts: &Facts) -> Finding {
    let (id, title) = ("packages", "Package manager");
    match facts.package_manager {
        Some(manager) => ok(id, title, &format!("{manager:?} will be used.").to_lowercase()),
        None => {
            let found = "No package manager that Firstlight knows was found.".to_owned();
            let hint = match facts.os {
                Os::Macos => "Install Homebrew.",
                Os::Windows => "Install “App Installer” (winget) from the Microsoft Store.",
                Os::Linux => "Install the programs the plan names by hand; their steps will then be fine.",
            };
            finding(id, title, FindingLevel::Warn, found, Some(hint.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_folder_that_is_not_there_yet_is_its_parents() {
        let folder = tempfile::tempdir().unwrap();
        let found = disk(&folder.path().join("not/yet/there"));
        assert_ne!(found.level, FindingLevel::Unknown, "{found:?}");
    }
}
