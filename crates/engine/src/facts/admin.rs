//! Who has to give administrator rights. Read from what is said of the person, never by trying: a refused `sudo` is
//! reported to somebody.

use std::time::Duration;

use firstlight_domain::facts::{Facts, Os};

use super::on_path;

/// Groups whose members are let by `sudo` or `pkexec` as distributions deliver them.
const GROUPS: [&str; 3] = ["sudo", "wheel", "admin"];
/// How long a directory may take to say which groups somebody is in.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who gives administrator rights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Admin {
    /// Nobody has to: we have them.
    #[default]
    Given,
    /// The person, with their own password; what asks them.
    Yourself(&'static str),
    /// Somebody with another account; what asks for it.
    SomebodyElse(&'static str),
    /// Nothing here can ask.
    Nobody,
}

/// Who gives administrator rights on this machine. `says_so`: the person told us that they do, because their right comes
/// from a rule about them and not from a group; such rules only an administrator can read.
pub async fn admin(facts: &Facts, says_so: bool) -> Admin {
    if facts.elevated {
        return Admin::Given;
    }
    let groups = match facts.os {
        Os::Linux | Os::Macos => printed("id", &["-Gn"]).await,
        Os::Windows => printed("whoami", &["/groups", "/fo", "csv", "/nh"]).await,
    };
    of(facts.os, &groups, says_so, on_path)
}

async fn printed(program: &str, args: &[&str]) -> String {
    let asking = tokio::process::Command::new(program).args(args).kill_on_drop(true).output();
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(said)) => String::from_utf8_lossy(&said.stdout).into_owned(),
        // Not known to be in any group.
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

fn of(os: Os, groups: &str, says_so: bool, is_here: impl Fn(&str) -> bool) -> Admin {
    let member = |names: &[&str]| says_so || groups.split_whitespace().any(|group| names.contains(&group));
    match os {
        Os::Linux => match (member(&GROUPS), ["sudo", "pkexec"].into_iter().find(|name| is_here(name))) {
            (true, Some(asks)) => Admin::Yourself(asks),
            // Only this one asks for somebody else's password.
            (false, Some(_)) if is_here("pkexec") => Admin::SomebodyElse("pkexec"),
            (false, Some(asks)) => Admin::SomebodyElse(asks),
            (_, None) => Admin::Nobody,
        },
        Os::Macos if member(&["admin"]) => Admin::Yourself("sudo"),
        Os::Macos => Admin::SomebodyElse("macOS"),
        // The group of administrators, whatever it is called in the system's language.
        Os::Windows if says_so || groups.contains("S-1-5-32-544") => Admin::Yourself("User Account Control"),
        Os::Windows => Admin::SomebodyElse("User Account Control"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e5_yourself_somebody_else_and_nobody_are_told_apart() {
        let all = |_: &str| true;
        let only = |one: &'static str| move |name: &str| name == one;
        assert_eq!(of(Os::Linux, "ada sudo docker", false, all), Admin::Yourself("sudo"));
        assert_eq!(of(Os::Linux, "ada wheel", false, only("pkexec")), Admin::Yourself("pkexec"));
        assert_eq!(of(Os::Linux, "ada sudoers", false, all), Admin::SomebodyElse("pkexec"));
        assert_eq!(of(Os::Linux, "ada", false, only("sudo")), Admin::SomebodyElse("sudo"));
        assert_eq!(of(Os::Linux, "ada sudo", false, |_| false), Admin::Nobody);
        assert_eq!(of(Os::Macos, "staff admin", false, all), Admin::Yourself("sudo"));
        assert_eq!(of(Os::Macos, "staff", false, all), Admin::SomebodyElse("macOS"));
        let windows = "\"BUILTIN\\Administratoren\",\"Alias\",\"S-1-5-32-544\",\"Group used for deny only\"";
        assert_eq!(of(Os::Windows, windows, false, all), Admin::Yourself("User Account Control"));
        assert_eq!(
            of(Os::Windows, "\"BUILTIN\\Users\",\"Alias\",\"S-1-5-32-545\"", false, all),
            Admin::SomebodyElse("User Account Control")
        );
    }
    #[test]
    fn e5_a_right_that_no_group_shows_is_believed_when_the_person_says_so() {
        let only = |one: &'static str| move |name: &str| name == one;
        assert_eq!(of(Os::Linux, "ada", true, only("sudo")), Admin::Yourself("sudo"));
        assert_eq!(of(Os::Linux, "ada", true, only("pkexec")), Admin::Yourself("pkexec"));
        assert_eq!(of(Os::Linux, "ada", true, |_| false), Admin::Nobody);
        assert_eq!(of(Os::Macos, "staff", true, |_| true), Admin::Yourself("sudo"));
        assert_eq!(of(Os::Windows, "", true, |_| true), Admin::Yourself("User Account Control"));
    }
}
