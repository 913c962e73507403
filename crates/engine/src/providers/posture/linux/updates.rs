//! How old the system's updates are, by apt's and dnf's own notes.

use std::{fs, path::Path};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::super::found::Updates;
use crate::process::Process;

/// What would be upgraded, as far as apt has looked. It only acts as if: no lock, nothing written.
pub(super) fn apt_question(may_write: bool) -> Process {
    let simulate =
        Process::new("apt-get").args(["--simulate", "--quiet", "upgrade"]).env("LC_ALL", "C.UTF-8");
    if may_write {
        // An administrator's apt would renew its cache on the way.
        simulate.args(["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="])
    } else {
        simulate
    }
}

/// By apt's notes, and what it would upgrade.
pub(super) fn by_apt(root: &Path, simulated: Option<&str>) -> Updates {
    let periodic = root.join("var/lib/apt/periodic");
    let stamp = |name: &str| changed(&periodic.join(name));
    // A list is as old as it was on the server, so apt looked then or later.
    let lists = fs::read_dir(root.join("var/lib/apt/lists")).into_iter().flatten().flatten();
    let newest = lists
        .filter(|entry| entry.file_name().to_string_lossy().ends_with("InRelease"))
        .filter_map(|entry| changed(&entry.path()))
        .max();
    let history = fs::read_to_string(root.join("var/log/apt/history.log")).unwrap_or_default();
    Updates {
        looked: stamp("update-success-stamp").max(newest),
        installed: last_upgrade(&history).max(stamp("unattended-upgrades-stamp")),
        waiting: simulated.map(|text| count(text.lines().filter(|line| line.starts_with("Inst ")))),
    }
}

/// The end of the last entry in which something was upgraded; apt writes the time of day where the machine is.
fn last_upgrade(history: &str) -> Option<Timestamp> {
    let of = |entry: &str| {
        let value = |key: &str| entry.lines().find_map(|line| line.strip_prefix(key));
        value("Upgrade: ")?;
        let end = value("End-Date: ")?.split_whitespace().collect::<Vec<_>>().join("T");
        let end: DateTime = end.parse().ok()?;
        end.to_zoned_datetime(TimeZone::system()).ok().map(|zoned| zoned.timestamp())
    };
    history.split("\n\n").filter_map(of).max()
}

/// Whether updates wait, by the lists that are there: exit code 100 if so, 0 if not.
pub(super) fn dnf_waiting() -> Process {
    Process::new("dnf").args(["--cacheonly", "--quiet", "check-update"]).env("LC_ALL", "C.UTF-8")
}

/// When packages were installed that every release of updates brings anew, in seconds since 1970.
pub(super) fn dnf_installed() -> Process {
    Process::new("rpm").args(["-q", "--queryformat", "%{INSTALLTIME}\\n", "kernel-core", "glibc", "systemd"])
}

/// By dnf's notes and answers.
pub(super) fn by_dnf(root: &Path, waiting: i32, installed: &str) -> Updates {
    let times = installed.lines().filter_map(|line| line.trim().parse().ok());
    let caches = fs::read_dir(root.join("var/cache/libdnf5")).into_iter().flatten().flatten();
    let looked = caches
        .map(|entry| entry.path().join("repodata/repomd.xml"))
        .chain([root.join("var/cache/dnf/last_makecache")])
        .filter_map(|file| changed(&file))
        .max();
    Updates {
        looked,
        installed: times.filter_map(|seconds| Timestamp::from_second(seconds).ok()).max(),
        waiting: match waiting {
            0 => Some(0),
            100 => Some(1),
            _ => None,
        },
    }
}

fn changed(file: &Path) -> Option<Timestamp> {
    Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: &str = "
Start-Date: 2026-02-02  06:11:40
Commandline: /usr/bin/unattended-upgrade
Upgrade: libssl3:amd64 (3.0.15-1~deb12u1, 3.0.16-1~deb12u1)
End-Date: 2026-02-02  06:11:46

Start-Date: 2026-03-01  09:00:00
Commandline: apt-get install git
Install: git:amd64 (1:2.39.5-0+deb12u2)
End-Date: 2026-03-01  09:00:09
";

    // `apt-get --simulate upgrade` of Debian 12.
    const SIMULATED: &str = "NOTE: This is only a simulation!
Reading package lists...
The following packages will be upgraded:
  unzip zip
Inst unzip [6.0-28] (6.0-28+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst zip [3.0-13] (3.0-13+deb12u1 Debian-Security:12/oldstable-security [amd64])
Conf unzip (6.0-28+deb12u1 Debian-Security:12/oldstable-security [amd64])
";

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn apt_tells_when_it_looked_what_it_installed_and_what_waits() {
        let root = machine(&[
            ("var/lib/apt/lists/deb.example_dists_bookworm_InRelease", ""),
            ("var/log/apt/history.log", HISTORY),
        ]);
        let updates = by_apt(root.path(), Some(SIMULATED));
        let upgraded: DateTime = "2026-02-02T06:11:46".parse().unwrap();
        assert_eq!(
            updates.installed,
            Some(upgraded.to_zoned_datetime(TimeZone::system()).unwrap().timestamp())
        );
        assert!(updates.looked.is_some());
        assert_eq!(updates.waiting, Some(2));
        assert_eq!(by_apt(machine(&[]).path(), None), Updates::default());
    }

    #[test]
    fn dnf_tells_by_its_exit_code_and_its_cache() {
        let root = machine(&[("var/cache/dnf/last_makecache", "")]);
        let updates = by_dnf(root.path(), 100, "1770012706\n1700000000\npackage systemd is not installed\n");
        assert_eq!(updates.installed, Some(Timestamp::from_second(1_770_012_706).unwrap()));
        assert!(updates.looked.is_some());
        assert_eq!(updates.waiting, Some(1));
        assert_eq!(by_dnf(machine(&[]).path(), 1, ""), Updates::default());
    }
}
