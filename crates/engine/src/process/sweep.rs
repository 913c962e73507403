//! Finding the processes of a step, wherever they went: by their group, by their ancestry, and by the marker in their
//! environment, which a process keeps through `setsid` and double forks.
//!
//! Linux tells all that in `/proc`. macOS shows no environments of others: there the group is what is found. Windows
//! has job objects and needs none of this.

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::BTreeSet, fs, path::Path, sync::Once};

    use super::super::MARKER;

    /// Orphans of our children become our own children instead of init's, so that none gets out of sight.
    pub(crate) fn become_subreaper() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let us = rustix::process::getpid();
            if let Err(error) = rustix::process::set_child_subreaper(Some(us)) {
                tracing::warn!(%error, "orphaned processes will not be adopted");
            }
        });
    }

    struct Stat {
        state: char,
        parent: i32,
        group: i32,
        /// Clock ticks after boot.
        start: u64,
    }

    fn stat(pid: i32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything, brackets and spaces too; the last `)` ends it.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Stat {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }

    /// Living processes of a step: those marked, in the group of `leader`, or descending from it.
    pub(crate) fn find(marker: &str, leader: i32) -> BTreeSet<i32> {
        let ours = rustix::process::getpid().as_raw_nonzero().get();
        let variable = format!("{MARKER}={marker}");
        let all: Vec<(i32, Stat)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&pid| pid != ours)
            .filter_map(|pid| Some((pid, stat(pid)?)))
            .filter(|(_, stat)| !matches!(stat.state, 'Z' | 'X'))
            .collect();
        let mut found: BTreeSet<i32> = all
            .iter()
            .filter(|(pid, stat)| *pid == leader || stat.group == leader || has(*pid, variable.as_bytes()))
            .map(|(pid, _)| *pid)
            .collect();
        loop {
            let more: Vec<i32> = all
                .iter()
                .filter(|(pid, stat)| found.contains(&stat.parent) && !found.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    fn has(pid: i32, variable: &[u8]) -> bool {
        let path = format!("/proc/{pid}/environ");
        fs::read(Path::new(&path)).is_ok_and(|environ| environ.split(|&b| b == 0).any(|one| one == variable))
    }

    /// Other living processes with this `NAME=VALUE` in their environment.
    pub(crate) fn with(variable: &str) -> BTreeSet<i32> {
        let ours = rustix::process::getpid().as_raw_nonzero().get();
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&pid| pid != ours && has(pid, variable.as_bytes()))
            .collect()
    }

    /// What tells this process from any other that ever had the same id; `None` once it is gone.
    pub(crate) fn born(pid: u32) -> Option<String> {
        let stat = stat(i32::try_from(pid).ok()?)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        (!matches!(stat.state, 'Z' | 'X')).then(|| format!("{}+{}", boot.trim(), stat.start))
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{become_subreaper, born, find, with};

#[cfg(not(target_os = "linux"))]
mod other {
    use sysinfo::{Pid, ProcessesToUpdate, System};

    /// Only Linux has subreapers.
    pub(crate) fn become_subreaper() {}

    /// The group is signalled as a whole; there is no more to be found.
    #[cfg(unix)]
    pub(crate) fn find(_marker: &str, leader: i32) -> std::collections::BTreeSet<i32> {
        let group = rustix::process::Pid::from_raw(leader);
        let alive = group.is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok());
        alive.then_some(leader).into_iter().collect()
    }

    /// What tells this process from any other that ever had the same id; `None` once it is gone.
    pub(crate) fn born(pid: u32) -> Option<String> {
        let pid = Pid::from_u32(pid);
        let mut system = System::new();
        system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
        system.process(pid).map(|process| process.start_time().to_string())
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use other::*;
