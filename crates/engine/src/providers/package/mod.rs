//! `package`: software from the machine's own package manager (apt, dnf, brew, winget).
//!
#![doc = include_str!("../docs/package.md")]

mod apt;
mod brew;
mod dnf;
mod manager;
mod winget;
mod with;

use std::{borrow::Cow, collections::BTreeMap};

use async_trait::async_trait;
use firstlight_domain::{
    facts::PackageManager,
    kind::{Capabilities, Class, Kind, inspects_nothing},
    plan::{Download, Purpose, Resolved},
    state::Failure,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::manager::Manager;
pub use self::with::{Names, With};
use super::{failure, failure_with, schema};
use crate::{
    process::{self, Exit},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

/// The kind `package`.
pub struct Package;

impl Provider for Package {
    fn kind(&self) -> Kind {
        Kind {
            name: "package",
            class: Class::Task,
            summary: "Software from the machine's own package manager (apt, dnf, brew, winget).",
            docs: include_str!("../docs/package.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs: |with| Capabilities {
                elevation: with.get("apt").is_some() || with.get("dnf").is_some(),
                ..Capabilities::default()
            },
            accepts: super::with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = super::with::parameters(step)?;
        let manager = step.facts.package_manager;
        let names = with
            .managers()
            .find(|(named, _)| Some(*named) == manager)
            .map(|(_, names)| names.as_slice().to_vec())
            .unwrap_or_default();
        let offered =
            with.managers().map(|(manager, _)| manager::of(manager).name()).collect::<Vec<_>>().join(", ");
        Ok(Box::new(Install { manager, names, offered, command: with.command }))
    }
}

/// What a step changed: the packages that were not there before.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    manager: PackageManager,
    installed: Vec<String>,
}

struct Install {
    manager: Option<PackageManager>,
    /// For this manager; empty if the pack has none for it.
    names: Vec<String>,
    /// The managers the pack has names for, for messages.
    offered: String,
    command: Option<String>,
}

#[async_trait]
impl Operation for Install {
    fn resolved(&self) -> Resolved {
        let Some(manager) = self.manager().filter(|_| !self.names.is_empty()) else {
            return Resolved::default();
        };
        let mut commands: Vec<_> =
            self.names.iter().map(|name| manager.question(name).line(Purpose::Check)).collect();
        commands.extend(manager.refresh().map(|refresh| refresh.line(Purpose::Run)));
        commands.extend(manager.installs(&self.names).iter().map(|install| install.line(Purpose::Run)));
        Resolved { commands, elevated: manager.elevated(), ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if let Some(command) = &self.command
            && which::which(command).is_ok()
        {
            return Ok(Check::Satisfied { outputs: BTreeMap::new() });
        }
        let Some(manager) = self.manager() else {
            return Ok(Check::Blocked {
                why: "no package manager was found on this machine".to_owned(),
                hint: Some(match &self.command {
                    Some(command) => format!("install `{command}` by hand, or one of: {}", self.offered),
                    None => format!("install one of: {}", self.offered),
                }),
            });
        };
        if self.names.is_empty() {
            return Ok(Check::Blocked {
                why: format!("the pack has no package for {}, only for {}", manager.name(), self.offered),
                hint: Some(match &self.command {
                    Some(command) => format!("install `{command}` by hand, then try again"),
                    None => format!("ask the pack's owner to add one for {}", manager.name()),
                }),
            });
        }
        let missing = self.missing(cx, manager).await?;
        Ok(if missing.is_empty() {
            Check::Satisfied { outputs: BTreeMap::new() }
        } else {
            Check::Needed { what: format!("would install {}", missing.join(", ")), files: Vec::new() }
        })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let Some(manager) = self.manager() else {
            return Err(failure("no package manager was found on this machine"));
        };
        let missing = self.missing(cx, manager).await?;
        if missing.is_empty() {
            return Ok(());
        }
        cx.keep_receipt(Receipt { manager: manager.which(), installed: missing.clone() })?;
        let mut refreshed = false;
        if !all_known(cx, manager, &missing).await? {
            refresh(cx, manager).await?;
            refreshed = true;
        }
        for install in manager.installs(&missing) {
            let mut exit = process::run(cx, install.clone()).await?;
            if !exit.ok() && !refreshed && manager.may_be_stale(&exit) {
                refresh(cx, manager).await?;
                refreshed = true;
                exit = process::run(cx, install).await?;
            }
            if !exit.ok() {
                return Err(not_installed(manager, &missing, exit));
            }
        }
        Ok(())
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: Receipt = read_receipt(receipt)?;
        let manager = manager::of(receipt.manager);
        let mut there = Vec::new();
        for name in receipt.installed {
            manager.check_name(&name).map_err(|error| failure(error.message))?;
            if is_installed(cx, manager, &name).await? {
                there.push(name);
            }
        }
        for remove in manager.removals(&there) {
            let what = format!("{} could not remove {}: it", manager.name(), there.join(", "));
            process::run(cx, remove).await?.or_fail(&what)?;
        }
        Ok(())
    }

    fn exclusive(&self) -> Option<Cow<'static, str>> {
        self.manager().map(|manager| Cow::Borrowed(manager.name()))
    }

    async fn download(&self, cx: &Context) -> Download {
        let Some(manager) = self.manager() else { return Download::Nothing };
        let Ok(missing) = self.missing(cx, manager).await else { return Download::Unknown };
        let Some(asking) = manager.sizes(&missing) else { return Download::Unknown };
        match process::quick(cx, asking).await {
            Ok(exit) if exit.ok() => manager.size_in(&exit),
            Ok(_) | Err(_) => Download::Unknown,
        }
    }
}

impl Install {
    fn manager(&self) -> Option<&'static dyn Manager> {
        self.manager.map(manager::of)
    }

    async fn missing(&self, cx: &Context, manager: &dyn Manager) -> Result<Vec<String>, Failure> {
        let mut missing = Vec::new();
        for name in &self.names {
            if !is_installed(cx, manager, name).await? {
                missing.push(name.clone());
            }
        }
        Ok(missing)
    }
}

async fn is_installed(cx: &Context, manager: &dyn Manager, name: &str) -> Result<bool, Failure> {
    Ok(manager.is_installed(&process::quick(cx, manager.question(name)).await?))
}

/// Whether the manager knows every name, as far as it can be asked without the network.
async fn all_known(cx: &Context, manager: &dyn Manager, names: &[String]) -> Result<bool, Failure> {
    for known in names.iter().filter_map(|name| manager.known(name)) {
        let exit = process::quick(cx, known).await?;
        if !exit.ok() || exit.stdout.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn refresh(cx: &Context, manager: &dyn Manager) -> Result<(), Failure> {
    let Some(refresh) = manager.refresh() else {
        return Ok(());
    };
    let exit = process::run(cx, refresh).await?;
    if exit.ok() {
        return Ok(());
    }
    let mut failure = failure_with(
        format!("{} could not fetch its list of packages (code {})", manager.name(), exit.code),
        "look at the network, the proxy and the system's package sources, then try again",
    );
    failure.last_lines = exit.tail;
    Err(failure)
}

fn not_installed(manager: &dyn Manager, names: &[String], exit: Exit) -> Failure {
    let says = |words: &str| exit.tail.iter().any(|line| line.contains(words));
    let hint = if says("Unable to locate package")
        || says("No available formula")
        || says("Unable to find a match")
    {
        "the name is not known to this system's package sources: tell the pack's owner"
    } else if says("Could not get lock") || says("is locked") {
        "another installation is under way: wait for it, then try again"
    } else if says("Could not resolve") || says("Temporary failure resolving") || says("Unable to fetch") {
        "look at the network and the proxy, then try again"
    } else {
        "the log has the whole story; mend what it names, then try again"
    };
    Failure {
        cause: format!("{} could not install {} (code {})", manager.name(), names.join(", "), exit.code),
        hint: Some(hint.to_owned()),
        last_lines: exit.tail,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use firstlight_domain::kind::WithError;

    use super::*;
    use crate::{process::Process, providers::with::wrong};

    fn accepts(with: &Value) -> Result<(), WithError> {
        crate::providers::with::accepts::<With>(with)
    }

    #[test]
    fn one_name_or_several() {
        assert_eq!(accepts(&json!({ "apt": "git" })), Ok(()));
        assert_eq!(
            accepts(&json!({ "apt": ["nodejs", "npm"], "winget": "OpenJS.NodeJS.LTS", "command": "npm" })),
            Ok(())
        );
        assert_eq!(accepts(&json!({ "brew": ["python@3.12", "owner/tap/tool"] })), Ok(()));
        assert_eq!(accepts(&json!({ "apt": "${{ 'chromium' if facts.os == 'linux' else 'x' }}" })), Ok(()));
        assert_eq!(accepts(&json!({ "apt": 3 })).unwrap_err().path, "apt");
        assert_eq!(accepts(&json!({ "apt": ["git", 3] })).unwrap_err().path, "apt[1]");
        assert_eq!(accepts(&json!({ "apt": [] })).unwrap_err(), wrong("apt", "names no package"));
        assert_eq!(accepts(&json!({ "command": "git" })).unwrap_err().path, "");
        assert_eq!(accepts(&json!({ "atp": "git" })).unwrap_err().path, "atp");
        assert_eq!(accepts(&json!({ "apt": "git", "command": "/bin/sh" })).unwrap_err().path, "command");
    }

    #[test]
    fn e2_a_name_is_never_an_option_a_path_or_a_pattern() {
        let bad = [
            "-y",
            "--allow-unauthenticated",
            "",
            "git;reboot",
            "git reboot",
            "./evil.deb",
            "/tmp/evil.deb",
            "git=1.0",
            "git/unstable",
            "vim-",
            "^a.*$",
            "*",
            "git\n",
            "$(reboot)",
            "a..b",
            "https://x.test/y.rb",
        ];
        for name in bad {
            assert_eq!(accepts(&json!({ "apt": name })).unwrap_err().path, "apt", "{name:?}");
            assert_eq!(accepts(&json!({ "apt": ["git", name] })).unwrap_err().path, "apt", "{name:?}");
        }
        for name in ["-f", "../formula", "/tmp/x.rb", "https://x.test/y.rb", "a/../b"] {
            assert_eq!(accepts(&json!({ "brew": name })).unwrap_err().path, "brew", "{name:?}");
        }
        for name in ["g++", "libssl-dev", "libc6:i386", "python3.11"] {
            assert_eq!(accepts(&json!({ "apt": name })), Ok(()), "{name}");
        }
    }

    #[test]
    fn each_manager_gets_its_own_words() {
        let names = ["a".to_owned(), "b".to_owned()];
        let words = |processes: Vec<Process>| -> Vec<String> {
            processes.iter().map(|process| process.line(Purpose::Run).argv.join(" ")).collect()
        };
        assert_eq!(
            words(manager::of(PackageManager::Apt).installs(&names)),
            ["apt-get install -o DPkg::Lock::Timeout=120 -y --no-install-recommends a b"]
        );
        assert_eq!(words(manager::of(PackageManager::Dnf).installs(&names)), ["dnf install -y a b"]);
        assert_eq!(words(manager::of(PackageManager::Brew).installs(&names)), ["brew install a b"]);
        assert_eq!(
            words(manager::of(PackageManager::Winget).installs(&names)).len(),
            2,
            "winget takes one id"
        );
        for manager in
            [PackageManager::Apt, PackageManager::Dnf, PackageManager::Brew, PackageManager::Winget]
        {
            let manager = manager::of(manager);
            assert!(manager.installs(&[]).is_empty(), "nothing to install is no command");
            assert!(manager.removals(&[]).is_empty(), "nothing to remove is no command");
        }
    }
}
