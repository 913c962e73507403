//! When the screen locks: what the desktop's own settings say.

use std::{path::Path, time::Duration};

use super::super::found::{Lock, Read, unreadable};
use crate::process::Process;

/// The desktop a session belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Desktop {
    /// One that keeps its settings as GNOME does: the schemas' common name.
    Schemas(&'static str),
    /// KDE Plasma.
    Plasma,
    /// Another one, by its name.
    Other(String),
    /// There is none.
    None,
}

impl Desktop {
    /// By `XDG_CURRENT_DESKTOP`: names with colons between them.
    pub(super) fn of(names: &str) -> Self {
        let known = names.split(':').find_map(|name| match name {
            "GNOME" | "GNOME-Classic" | "Unity" | "Budgie" => Some(Self::Schemas("org.gnome.desktop")),
            "X-Cinnamon" | "Cinnamon" => Some(Self::Schemas("org.cinnamon.desktop")),
            "KDE" => Some(Self::Plasma),
            _ => None,
        });
        known.unwrap_or_else(|| match names {
            "" => Self::None,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// The questions: whether the screen locks, how long after it went blank, and after how long it goes blank.
pub(super) fn keys(schemas: &str) -> [Process; 3] {
    let get = |schema: &str, key: &str| {
        Process::new("gsettings").args(["get".to_owned(), format!("{schemas}.{schema}"), key.to_owned()])
    };
    [get("screensaver", "lock-enabled"), get("screensaver", "lock-delay"), get("session", "idle-delay")]
}

/// By the answers to [`keys`]: `true`, `uint32 0`, `uint32 300`.
pub(super) fn by_settings(enabled: &str, delay: &str, idle: &str) -> Read<Lock> {
    let seconds = |text: &str| text.strip_prefix("uint32 ")?.trim().parse().ok().map(Duration::from_secs);
    match (enabled, seconds(delay), seconds(idle)) {
        ("false", ..) => Ok(Lock::Never("locking is turned off".to_owned())),
        ("true", _, Some(Duration::ZERO)) => Ok(Lock::Never("it never goes blank".to_owned())),
        ("true", Some(delay), Some(idle)) => Ok(Lock::After(idle.saturating_add(delay))),
        _ => unreadable("the settings of the screen lock are not there (`gsettings` did not name them)"),
    }
}

/// By `kscreenlockerrc`: the system's defaults, then the person's own file.
pub(super) fn by_plasma(root: &Path, home: &Path) -> Read<Lock> {
    let files = [root.join("etc/xdg/kscreenlockerrc"), home.join(".config/kscreenlockerrc")];
    let texts: Vec<String> = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    plasma(&texts)
}

/// What is in no file is as Plasma has it: locked after 5 minutes, with 5 seconds to come back.
fn plasma(files: &[String]) -> Read<Lock> {
    let value = |key: &str| files.iter().rev().find_map(|file| daemon_value(file, key));
    let number = |key: &str, otherwise: u64| value(key).map_or(Some(otherwise), |text| text.parse().ok());
    if value("Autolock") == Some("false") {
        return Ok(Lock::Never("locking automatically is turned off".to_owned()));
    }
    match (number("Timeout", 5), number("LockGrace", 5)) {
        (Some(0), _) => Ok(Lock::Never("no time is set for it".to_owned())),
        (Some(minutes), Some(grace)) => {
            Ok(Lock::After(Duration::from_secs(minutes.saturating_mul(60).saturating_add(grace))))
        }
        _ => unreadable("`kscreenlockerrc` holds something else than numbers"),
    }
}

/// A value of the section `[Daemon]`. A key may carry marks: `Timeout[$i]=5` cannot be changed by the person.
fn daemon_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut in_section = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_section = line.starts_with("[Daemon]");
        } else if in_section
            && let Some((name, value)) = line.split_once('=')
            && name.split('[').next() == Some(key)
        {
            found = Some(value.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Lock {
        Lock::After(Duration::from_secs(seconds))
    }

    #[test]
    fn desktops_are_known_by_any_of_their_names() {
        assert_eq!(Desktop::of("ubuntu:GNOME"), Desktop::Schemas("org.gnome.desktop"));
        assert_eq!(Desktop::of("X-Cinnamon"), Desktop::Schemas("org.cinnamon.desktop"));
        assert_eq!(Desktop::of("KDE"), Desktop::Plasma);
        assert_eq!(Desktop::of("XFCE"), Desktop::Other("XFCE".to_owned()));
        assert_eq!(Desktop::of(""), Desktop::None);
    }

    #[test]
    fn gnome_locks_after_going_blank_and_its_delay() {
        assert_eq!(by_settings("true", "uint32 0", "uint32 300"), Ok(after(300)));
        assert_eq!(by_settings("true", "uint32 30", "uint32 600"), Ok(after(630)));
        assert!(matches!(by_settings("true", "uint32 0", "uint32 0"), Ok(Lock::Never(_))));
        assert!(matches!(by_settings("false", "uint32 0", "uint32 300"), Ok(Lock::Never(_))));
        assert!(by_settings("", "", "").is_err());
        assert!(by_settings("true", "No such key “lock-delay”", "uint32 300").is_err());
    }

    #[test]
    fn plasma_locks_as_its_files_say_the_persons_own_last() {
        let file = |text: &str| text.to_owned();
        assert_eq!(plasma(&[]), Ok(after(305)));
        assert_eq!(plasma(&[file("[Daemon]\nTimeout=10\n")]), Ok(after(605)));
        assert_eq!(
            plasma(&[file("[Daemon][$i]\nTimeout[$i]=10\nLockGrace=0\n"), file("[Greeter]\nTimeout=3\n")]),
            Ok(after(600))
        );
        assert_eq!(
            plasma(&[file("[Daemon]\nTimeout=10\n"), file("[Daemon]\nTimeout=2\nLockGrace=0\n")]),
            Ok(after(120))
        );
        assert!(matches!(plasma(&[file("[Daemon]\nAutolock=false\n")]), Ok(Lock::Never(_))));
        assert!(matches!(plasma(&[file("[Daemon]\nTimeout=0\n")]), Ok(Lock::Never(_))));
        assert!(plasma(&[file("[Daemon]\nTimeout=soon\n")]).is_err());
    }
}
