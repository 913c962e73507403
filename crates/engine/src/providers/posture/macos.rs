//! How macOS is read: by the programs that come with it, none of which asks for a password for this.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{Timestamp, fmt::strtime};

use super::{
    Item, Reader, ask,
    found::{Lock, Read, Switch, Updates, unreadable},
};
use crate::{
    process::{Process, in_words},
    provider::Context,
};

/// A Mac.
pub(super) struct Macos;

/// The idle time of the screen saver, a profile's wish included; nothing where nobody ever set it.
const SAVER: &str =
    "$.NSUserDefaults.alloc.initWithSuiteName('com.apple.screensaver').objectForKey('idleTime').js";
const SOFTWARE_UPDATE: &str = "/Library/Preferences/com.apple.SoftwareUpdate";
const HISTORY: &str = "/Library/Receipts/InstallHistory.plist";

fn file_vault() -> Process {
    Process::new("/usr/bin/fdesetup").arg("status")
}

/// It answers where errors go.
fn password_delay() -> Process {
    Process::shell("/usr/sbin/sysadminctl -screenLock status 2>&1")
}

fn saver() -> Process {
    Process::new("/usr/bin/osascript").args(["-l", "JavaScript", "-e", SAVER])
}

fn display_sleep() -> Process {
    Process::new("/usr/bin/pmset").args(["-g", "custom"])
}

fn firewall() -> Process {
    Process::new("/usr/libexec/ApplicationFirewall/socketfilterfw").arg("--getglobalstate")
}

fn looked() -> Process {
    Process::new("/usr/bin/defaults").args(["read", SOFTWARE_UPDATE, "LastSuccessfulDate"])
}

fn waiting() -> Process {
    Process::new("/usr/bin/defaults").args(["read", SOFTWARE_UPDATE, "LastUpdatesAvailable"])
}

#[async_trait]
impl Reader for Macos {
    async fn disk_encryption(&self, cx: &Context) -> Read<Switch> {
        by_file_vault(&ask(cx, file_vault()).await?.text())
    }

    async fn screen_lock(&self, cx: &Context) -> Read<Lock> {
        let delay = ask(cx, password_delay()).await?.text();
        let saver = ask(cx, saver()).await?.text();
        let sleep = ask(cx, display_sleep()).await?.text();
        by_times(&delay, &saver, &sleep)
    }

    async fn firewall(&self, cx: &Context) -> Read<Switch> {
        by_state(&ask(cx, firewall()).await?.text())
    }

    async fn os_updates(&self, cx: &Context) -> Read<Updates> {
        // Where nobody looked yet, there is no such value.
        let looked = ask(cx, looked()).await?.text();
        let waiting = ask(cx, waiting()).await?.text();
        // What `softwareupdate --history` and the System Report show; anybody may read it.
        let history = std::fs::read_to_string(HISTORY).unwrap_or_default();
        Ok(Updates {
            looked: strtime::parse("%Y-%m-%d %H:%M:%S %z", &looked).and_then(|time| time.to_timestamp()).ok(),
            installed: last_of_macos(&history),
            waiting: waiting.parse().ok(),
        })
    }

    fn asks(&self, item: Item) -> Vec<Process> {
        match item {
            Item::DiskEncryption => vec![file_vault()],
            Item::ScreenLock(_) => vec![password_delay(), saver(), display_sleep()],
            Item::Firewall => vec![firewall()],
            Item::OsUpdates(_) => vec![looked(), waiting()],
        }
    }

    fn advice(&self, item: Item) -> String {
        match item {
            Item::DiskEncryption => {
                "Turn on FileVault in System Settings → Privacy & Security → FileVault, and keep the recovery key \
                 where your company says."
                    .to_owned()
            }
            Item::ScreenLock(limit) => format!(
                "In System Settings → Lock Screen, let the screen saver start or the display turn off within {}, and \
                 require the password immediately after.",
                in_words(limit)
            ),
            Item::Firewall => "Turn on the firewall in System Settings → Network → Firewall.".to_owned(),
            Item::OsUpdates(_) => {
                "Install what System Settings → General → Software Update offers.".to_owned()
            }
        }
    }
}

/// By `fdesetup status`.
fn by_file_vault(answer: &str) -> Read<Switch> {
    if answer.contains("Encryption in progress") {
        Ok(Switch::Off("FileVault is on, and still encrypting the disk".to_owned()))
    } else if answer.contains("FileVault is On") {
        Ok(Switch::On)
    } else if answer.contains("FileVault is Off") {
        Ok(Switch::Off("FileVault is off".to_owned()))
    } else {
        unreadable("`fdesetup status` answered neither on nor off")
    }
}

/// By `socketfilterfw --getglobalstate`: 0 is off, 1 on, 2 lets nothing in.
fn by_state(answer: &str) -> Read<Switch> {
    if answer.contains("State = 1") || answer.contains("State = 2") {
        Ok(Switch::On)
    } else if answer.contains("State = 0") {
        Ok(Switch::Off("The firewall is off".to_owned()))
    } else {
        unreadable("`socketfilterfw` did not tell the firewall's state")
    }
}

/// The screen goes dark by the screen saver or by the display's own sleep, whichever is first; the password is asked for
/// after the delay.
fn by_times(delay: &str, saver: &str, sleep: &str) -> Read<Lock> {
    let Some((_, status)) = delay.split_once("screenLock ") else {
        return unreadable("`sysadminctl -screenLock status` did not tell whether a password is asked for");
    };
    let delay = if status.starts_with("delay is immediate") {
        Some(0.0)
    } else {
        status.strip_prefix("delay is ").and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok())
    };
    // A delay below nothing is how some versions say "off".
    let delay = match delay.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(delay) => delay,
        None if delay.is_some() || status.starts_with("is off") => {
            return Ok(Lock::Never("no password is asked for afterwards".to_owned()));
        }
        None => return unreadable("`sysadminctl -screenLock status` told a delay that is not known here"),
    };
    let saver: Option<u64> = saver.parse().ok();
    let saver_time = saver.filter(|seconds| *seconds > 0).map(Duration::from_secs);
    let sleep = display_sleeps_after(sleep);
    match (saver_time, sleep) {
        (Some(saver), Some(sleep)) => Ok(Lock::After(saver.min(sleep).saturating_add(delay))),
        // Where the saver's time was never set, the display's own is the only one that is known.
        (Some(time), None) | (None, Some(time)) => Ok(Lock::After(time.saturating_add(delay))),
        (None, None) if saver.is_some() => {
            Ok(Lock::Never("neither the screen saver nor the display's sleep has a time".to_owned()))
        }
        (None, None) => unreadable("the display never sleeps, and the screen saver's time was never set"),
    }
}

/// By `pmset -g custom`: the longest of battery and mains; none if it never sleeps on one of them.
fn display_sleeps_after(answer: &str) -> Option<Duration> {
    let minutes = answer.lines().filter_map(|line| line.trim().strip_prefix("displaysleep"));
    let minutes: Vec<u64> = minutes.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect();
    let never = minutes.contains(&0);
    minutes
        .into_iter()
        .max()
        .filter(|_| !never)
        .map(|minutes| Duration::from_secs(minutes.saturating_mul(60)))
}

/// By the history of installations, a property list of dictionaries: the last time the system itself was renewed. Its data
/// files come all the time, and say nothing of it.
fn last_of_macos(history: &str) -> Option<Timestamp> {
    let of_system = |entry: &&str| {
        let name = value(entry, "displayName", "string").unwrap_or_default();
        ["macOS ", "Security Update", "Rapid Security Response"].iter().any(|start| name.starts_with(start))
            // What people install by themselves may be called anything.
            && !value(entry, "processName", "string").is_some_and(|by| by.eq_ignore_ascii_case("installer"))
    };
    let date = |entry: &str| value(entry, "date", "date")?.parse().ok();
    history.split("<dict>").skip(1).filter(of_system).filter_map(date).max()
}

/// The text of a value in a dictionary of a property list.
fn value<'a>(entry: &'a str, key: &str, kind: &str) -> Option<&'a str> {
    let (_, after) = entry.split_once(&format!("<key>{key}</key>"))?;
    let (text, _) = after.trim_start().strip_prefix(&format!("<{kind}>"))?.split_once("</")?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Lock {
        Lock::After(Duration::from_secs(seconds))
    }

    #[test]
    fn file_vault_is_on_when_it_is_done() {
        assert_eq!(by_file_vault("FileVault is On."), Ok(Switch::On));
        assert!(matches!(by_file_vault("FileVault is Off."), Ok(Switch::Off(_))));
        let going = "FileVault is On.\nEncryption in progress: Percent completed = 35";
        assert!(matches!(by_file_vault(going), Ok(Switch::Off(why)) if why.contains("still")));
        assert!(by_file_vault("").is_err());
    }

    #[test]
    fn the_firewall_tells_its_state() {
        assert_eq!(by_state("Firewall is enabled. (State = 1)"), Ok(Switch::On));
        assert_eq!(
            by_state("Firewall is blocking all non-essential incoming connections. (State = 2)"),
            Ok(Switch::On)
        );
        assert!(matches!(by_state("Firewall is disabled. (State = 0)"), Ok(Switch::Off(_))));
        assert!(by_state("").is_err());
    }

    const CUSTOM: &str = "Battery Power:\n lowpowermode         0\n displaysleep         2\n\
                          AC Power:\n displaysleep         10\n sleep                1\n";
    const IMMEDIATE: &str = "2026-03-01 10:00:00.123 sysadminctl[812:9023] screenLock delay is immediate";

    #[test]
    fn the_screen_locks_by_what_comes_first_and_the_passwords_delay() {
        assert_eq!(by_times(IMMEDIATE, "300", CUSTOM), Ok(after(300)));
        assert_eq!(by_times(IMMEDIATE, "1200", CUSTOM), Ok(after(600)));
        assert_eq!(by_times("x screenLock delay is 300 seconds", "300", CUSTOM), Ok(after(600)));
        assert_eq!(by_times(IMMEDIATE, "", CUSTOM), Ok(after(600)));
        assert_eq!(by_times(IMMEDIATE, "300", "AC Power:\n displaysleep 0\n"), Ok(after(300)));
    }

    #[test]
    fn a_screen_without_a_password_or_a_time_never_locks() {
        let never = |read: Read<Lock>| assert!(matches!(read, Ok(Lock::Never(_))), "{read:?}");
        never(by_times("x screenLock is off", "300", CUSTOM));
        never(by_times("x screenLock delay is -1.000000 seconds", "300", CUSTOM));
        never(by_times(IMMEDIATE, "0", " displaysleep 0\n"));
        assert!(by_times(IMMEDIATE, "", " displaysleep 0\n").is_err());
        assert!(by_times("", "300", CUSTOM).is_err());
    }

    #[test]
    fn only_the_system_itself_counts_as_an_update_of_it() {
        let entry = |name: &str, by: &str, date: &str| {
            format!(
                "\t<dict>\n\t\t<key>date</key>\n\t\t<date>{date}T08:00:00Z</date>\n\t\t<key>displayName</key>\n\t\t\
                 <string>{name}</string>\n\t\t<key>displayVersion</key>\n\t\t<string>1</string>\n\t\t\
                 <key>processName</key>\n\t\t<string>{by}</string>\n\t</dict>\n"
            )
        };
        let history = [
            entry("macOS 15.3", "softwareupdated", "2026-02-01"),
            entry("macOS 15.2", "softwareupdated", "2025-12-11"),
            entry("XProtectPlistConfigData", "softwareupdated", "2026-03-20"),
            entry("macOS Helper", "Installer", "2026-03-21"),
        ];
        assert_eq!(last_of_macos(&history.concat()), Some("2026-02-01T08:00:00Z".parse().unwrap()));
        assert_eq!(last_of_macos(""), None);
        let looked = strtime::parse("%Y-%m-%d %H:%M:%S %z", "2026-03-01 09:08:07 +0000");
        assert_eq!(looked.unwrap().to_timestamp().unwrap(), "2026-03-01T09:08:07Z".parse().unwrap());
    }
}
