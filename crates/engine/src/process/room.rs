//! Keeping everything a program does from now on to one folder, as far as writing goes: how a pack is tried on a real
//! machine. Reading and the network stay as they are, because installing things needs both.
//!
//! Linux: Landlock, for the thread that asks and all it starts, so a program asks before it has other threads. Elsewhere
//! nothing a program may do by itself confines it, which [`can_keep_to`] says.

#[cfg(target_os = "linux")]
mod system {
    use std::{io, path::Path, thread};

    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetError, Scope, path_beneath_rules,
    };
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

    /// Linux 5.19: before it files could not be moved between folders, which every package manager does.
    const REQUIRED: ABI = ABI::V2;
    /// Linux 6.2: files cannot be emptied by their name either.
    const WANTED: ABI = ABI::V3;
    /// What programs write to that keeps nothing: terminals, and memory that several processes share.
    const DEVICES: &[&str] = &[
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/dev/tty",
        "/dev/ptmx",
        "/dev/pts",
        "/dev/shm",
    ];

    pub(super) fn keep_to(folder: &Path) -> io::Result<()> {
        rules(folder).map_err(io::Error::other)?;
        // For people who work as root: its powers reach around Landlock.
        let none = CapabilitySet::empty();
        Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
    }

    fn rules(folder: &Path) -> Result<(), RulesetError> {
        let all = AccessFs::from_write(WANTED);
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_write(REQUIRED))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all & !AccessFs::from_write(REQUIRED))?
            // No signal to a process outside, no socket of the desktop that has a name and no place.
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .add_rules(path_beneath_rules([folder], all))?
            .add_rules(path_beneath_rules(DEVICES, all))?
            .restrict_self()
            .map(drop)
    }

    pub(super) fn can_keep_to(folder: &Path) -> bool {
        thread::scope(|scope| {
            let tried = thread::Builder::new().spawn_scoped(scope, || keep_to(folder));
            matches!(tried.map(thread::ScopedJoinHandle::join), Ok(Ok(Ok(()))))
        })
    }

    pub(super) fn end_all_with(variable: &str) -> Vec<String> {
        let found = crate::process::sweep::with(variable);
        let ended = found.iter().filter_map(|&pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let process = rustix::process::Pid::from_raw(pid)?;
            rustix::process::kill_process(process, rustix::process::Signal::KILL).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned())
        });
        ended.collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::{io, path::Path};

    pub(super) fn keep_to(_folder: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn can_keep_to(_folder: &Path) -> bool {
        false
    }

    /// Only Linux shows the environment of other processes.
    pub(super) fn end_all_with(_variable: &str) -> Vec<String> {
        Vec::new()
    }
}

use std::{io, path::Path};

/// From now on this thread, and all that it starts, writes below this folder and nowhere else, for good.
pub fn keep_writing_to(folder: &Path) -> io::Result<()> {
    system::keep_to(folder)
}

/// Whether the system can do that. Found out by a thread that tries and ends.
pub fn can_keep_writing_to(folder: &Path) -> bool {
    system::can_keep_to(folder)
}

/// Ends every other process that has this `NAME=VALUE` in its environment, where the system shows that (Linux): their
/// command lines.
pub fn end_all_with(variable: &str) -> Vec<String> {
    system::end_all_with(variable)
}
