//! apt, of Debian and Ubuntu.

use firstlight_domain::{facts::PackageManager, plan::Download};

use super::manager::Manager;
use crate::process::{Exit, Process};

pub(super) struct Apt;

/// The words of an installation, but for the names.
const INSTALL: [&str; 2] = ["-y", "--no-install-recommends"];

impl Manager for Apt {
    fn which(&self) -> PackageManager {
        PackageManager::Apt
    }

    fn name(&self) -> &'static str {
        "apt"
    }

    fn elevated(&self) -> bool {
        true
    }

    fn extra(&self) -> &'static str {
        "+.:-"
    }

    fn question(&self, name: &str) -> Process {
        Process::new("dpkg-query").args(["-W", "-f=${Status}\\n", name])
    }

    /// Exit code 0 also for a package that was removed and left its settings; several words for architectures.
    fn is_installed(&self, answer: &Exit) -> bool {
        answer.ok() && answer.text().contains("install ok installed")
    }

    /// Exactly this name: `apt-get install` would take one it does not know for a pattern.
    fn known(&self, name: &str) -> Option<Process> {
        Some(Process::new("apt-cache").args(["show", "--no-all-versions", name]))
    }

    /// Prints a line for each file instead of fetching it. Its own caches are built in memory: as root it would write them.
    fn sizes(&self, names: &[String]) -> Option<Process> {
        let nothing_written =
            ["-o", "Debug::NoLocking=1", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];
        Some(
            in_plain_words(Process::new("apt-get").args(["install", "--print-uris", "-qq"]))
                .args(nothing_written)
                .args(INSTALL)
                .args(names),
        )
    }

    /// `'http://deb.example.org/…/git_2.39.deb' git_2.39.deb 7256564 MD5Sum:…`
    fn size_in(&self, answer: &Exit) -> Download {
        let text = answer.text();
        let size = |line: &str| -> Option<u64> {
            let (address, rest) = line.strip_prefix('\'')?.split_once('\'')?;
            let size = rest.split_whitespace().nth(1)?.parse().ok()?;
            let is_here = address.starts_with("file:") || address.starts_with("cdrom:");
            Some(if is_here { 0 } else { size })
        };
        let sizes: Option<Vec<u64>> = text.lines().map(size).collect();
        sizes.map_or(Download::Unknown, |sizes| {
            Download::Bytes(sizes.into_iter().fold(0, u64::saturating_add))
        })
    }

    fn refresh(&self) -> Option<Process> {
        Some(apt("update"))
    }

    fn installs(&self, names: &[String]) -> Vec<Process> {
        if names.is_empty() { Vec::new() } else { vec![apt("install").args(INSTALL).args(names)] }
    }

    /// What the list names is gone from the server, or does not go with what was installed from a newer one.
    fn may_be_stale(&self, answer: &Exit) -> bool {
        let signs = ["404 ", "apt-get update", "unmet dependencies", "held broken packages"];
        answer.tail.iter().any(|line| signs.iter().any(|sign| line.contains(sign)))
    }

    fn removals(&self, names: &[String]) -> Vec<Process> {
        if names.is_empty() { Vec::new() } else { vec![apt("remove").arg("-y").args(names)] }
    }
}

/// `apt-get`, in words we can read, without questions, waiting for other installations to end.
fn apt(command: &str) -> Process {
    let apt = Process::new("apt-get").args([command, "-o", "DPkg::Lock::Timeout=120"]);
    in_plain_words(apt).elevated(true)
}

fn in_plain_words(apt: Process) -> Process {
    apt.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_all_files_to_fetch_are_added() {
        let said = |text: &str| Apt.size_in(&Exit { stdout: text.as_bytes().to_vec(), ..Exit::default() });
        assert_eq!(said(""), Download::Bytes(0), "all is in the cache");
        let two = "'http://deb.example.org/a%2bb.deb' a+b.deb 9496 MD5Sum:c7\n'https://x.test/b.deb' b.deb 21372 SHA256:3\n";
        assert_eq!(said(two), Download::Bytes(30_868));
        assert_eq!(said("'file:/srv/a.deb' a.deb 9496 MD5Sum:c7"), Download::Bytes(0));
        assert_eq!(said("Something else"), Download::Unknown);
        assert_eq!(said("'http://x' a.deb many"), Download::Unknown);
    }
}
