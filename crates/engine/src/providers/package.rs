//! `package`: software from the machine's own package manager (apt, dnf, brew, winget).
//!
//! - Checks by asking the manager what is installed; a program named by `command` that is on PATH is good enough.
//! - Changes: installs what is missing, and only that. The plan shows every package of the step; those that are there
//!   already are left out when it is run, so that nothing is upgraded or marked anew. With apt, the list of packages is
//!   fetched first when a package is not in it, or when the list turns out not to fit the machine or the server; once.
//! - Undo removes the packages that were not there before. What they brought along stays: it may be needed by now.
//!
//! apt and dnf need administrator rights, brew refuses them, winget asks for them by itself. One step at a time: a
//! package manager has a lock.

use async_trait::async_trait;
use firstlight_domain::{
    facts::PackageManager,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap, fmt};

use super::{
    failure, failure_with, schema,
    with::{self, Parameters, is_unresolved, plain_word, wrong},
};
use crate::{
    process::{self, Exit, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

/// The kind `package`.
pub struct Package;

/// Parameters of `package`: the names differ between package managers, so each has its own field.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Package")]
pub struct With {
    /// For Debian and Ubuntu.
    #[serde(default)]
    pub apt: Option<Names>,
    /// For Fedora and its kin.
    #[serde(default)]
    pub dnf: Option<Names>,
    /// For macOS, and Homebrew on Linux.
    #[serde(default)]
    pub brew: Option<Names>,
    /// For Windows: ids of winget packages (`Git.Git`).
    #[serde(default)]
    pub winget: Option<Names>,
    /// A program: where it is on PATH, however it came there, nothing needs to be installed.
    #[serde(default)]
    pub command: Option<String>,
}

/// One package or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Names {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;

        impl<'de> de::Visitor<'de> for OneOrSeveral {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a package, or a list of them")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names::One(name.to_owned()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, names: A) -> Result<Names, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(names)).map(Names::Several)
            }
        }

        deserializer.deserialize_any(OneOrSeveral)
    }
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        let mut any = false;
        for (manager, names) in self.managers() {
            any = true;
            if names.as_slice().is_empty() {
                return Err(wrong(manager.name(), "names no package"));
            }
            for name in names.as_slice() {
                manager.check_name(name)?;
            }
        }
        if !any {
            return Err(wrong(
                "",
                "should name a package for at least one of `apt`, `dnf`, `brew`, `winget`",
            ));
        }
        match &self.command {
            Some(command) if command.contains(['/', '\\']) && !is_unresolved(command) => {
                Err(wrong("command", "should be the name of a program, without a folder"))
            }
            Some(command) => plain_word("command", command),
            None => Ok(()),
        }
    }
}

impl With {
    fn managers(&self) -> impl Iterator<Item = (PackageManager, &Names)> {
        [
            (PackageManager::Apt, &self.apt),
            (PackageManager::Dnf, &self.dnf),
            (PackageManager::Brew, &self.brew),
            (PackageManager::Winget, &self.winget),
        ]
        .into_iter()
        .filter_map(|(manager, names)| names.as_ref().map(|names| (manager, names)))
    }
}

impl Provider for Package {
    fn kind(&self) -> Kind {
        Kind {
            name: "package",
            class: Class::Task,
            summary: "Software from the machine's own package manager (apt, dnf, brew, winget).",
            schema: schema::<With>(),
            outputs: &[],
            needs: |with| Capabilities {
                elevation: with.get("apt").is_some() || with.get("dnf").is_some(),
                ..Capabilities::default()
            },
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let manager = step.facts.package_manager;
        let names = with
            .managers()
            .find(|(named, _)| Some(*named) == manager)
            .map(|(_, names)| names.as_slice().to_vec())
            .unwrap_or_default();
        let offered = with.managers().map(|(manager, _)| manager.name()).collect::<Vec<_>>().join(", ");
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
        let Some(manager) = self.manager.filter(|_| !self.names.is_empty()) else {
            return Resolved::default();
        };
        let mut commands: Vec<_> =
            manager.questions(&self.names).iter().map(|ask| ask.line(Purpose::Check)).collect();
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
        let Some(manager) = self.manager else {
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
        let Some(manager) = self.manager else {
            return Err(failure("no package manager was found on this machine"));
        };
        let missing = self.missing(cx, manager).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let receipt = Receipt { manager, installed: missing.clone() };
        cx.keep_receipt(receipt)?;
        let mut refreshed = false;
        if !all_known(cx, manager, &missing).await? {
            refresh(cx, manager).await?;
            refreshed = true;
        }
        for install in manager.installs(&missing) {
            let mut exit = process::run(cx, install.clone()).await?;
            if !exit.ok() && !refreshed && may_be_stale(manager, &exit) {
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
        let mut there = Vec::new();
        for name in receipt.installed {
            receipt.manager.check_name(&name).map_err(|error| failure(error.message))?;
            if is_installed(cx, receipt.manager, &name).await? {
                there.push(name);
            }
        }
        for remove in receipt.manager.removals(&there) {
            let what = format!("{} could not remove {}: it", receipt.manager.name(), there.join(", "));
            process::run(cx, remove).await?.or_fail(&what)?;
        }
        Ok(())
    }

    fn exclusive(&self) -> Option<Cow<'static, str>> {
        self.manager.map(|manager| Cow::Borrowed(manager.name()))
    }
}

impl Install {
    async fn missing(&self, cx: &Context, manager: PackageManager) -> Result<Vec<String>, Failure> {
        let mut missing = Vec::new();
        for name in &self.names {
            if !is_installed(cx, manager, name).await? {
                missing.push(name.clone());
            }
        }
        Ok(missing)
    }
}

async fn is_installed(cx: &Context, manager: PackageManager, name: &str) -> Result<bool, Failure> {
    let exit = process::quick(cx, manager.question(name)).await?;
    Ok(match manager {
        // Exit code 0 also for a package that was removed and left its settings; several words for architectures.
        PackageManager::Apt => exit.ok() && exit.text().contains("install ok installed"),
        PackageManager::Dnf | PackageManager::Brew | PackageManager::Winget => exit.ok(),
    })
}

/// Whether the manager knows every name, as far as it can be asked without the network.
async fn all_known(cx: &Context, manager: PackageManager, names: &[String]) -> Result<bool, Failure> {
    match manager {
        PackageManager::Apt => {
            for name in names {
                // Exactly this name: `apt-get install` would take one it does not know for a pattern.
                let exit =
                    process::quick(cx, Process::new("apt-cache").args(["show", "--no-all-versions", name]))
                        .await?;
                if !exit.ok() || exit.stdout.is_empty() {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        // They look for themselves.
        PackageManager::Dnf | PackageManager::Brew | PackageManager::Winget => Ok(true),
    }
}

async fn refresh(cx: &Context, manager: PackageManager) -> Result<(), Failure> {
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

/// Whether an installation may have failed because the list of packages is old: what it names is gone from the server,
/// or does not go with what was installed from a newer one.
fn may_be_stale(manager: PackageManager, exit: &Exit) -> bool {
    let signs = ["404 ", "apt-get update", "unmet dependencies", "held broken packages"];
    manager == PackageManager::Apt
        && exit.tail.iter().any(|line| signs.iter().any(|sign| line.contains(sign)))
}

fn not_installed(manager: PackageManager, names: &[String], exit: Exit) -> Failure {
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

/// How each manager is driven.
trait PackageManagerCommands: Copy {
    fn name(self) -> &'static str;
    fn elevated(self) -> bool;
    fn check_name(self, name: &str) -> Result<(), WithError>;
    fn question(self, name: &str) -> Process;
    fn questions(self, names: &[String]) -> Vec<Process>;
    fn refresh(self) -> Option<Process>;
    fn installs(self, names: &[String]) -> Vec<Process>;
    fn removals(self, names: &[String]) -> Vec<Process>;
}

impl PackageManagerCommands for PackageManager {
    fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Brew => "brew",
            Self::Winget => "winget",
        }
    }

    fn elevated(self) -> bool {
        match self {
            Self::Apt | Self::Dnf => true,
            Self::Brew | Self::Winget => false,
        }
    }

    /// Only what is a package's name and nothing else: managers also take paths, patterns, versions, and, with apt,
    /// `name-` for removal.
    fn check_name(self, name: &str) -> Result<(), WithError> {
        plain_word(self.name(), name)?;
        if is_unresolved(name) {
            return Ok(());
        }
        let extra = match self {
            Self::Apt => "+.:-",
            // Taps: owner/repository/formula.
            Self::Brew => "+._@/-",
            Self::Dnf | Self::Winget => "+._-",
        };
        let fine = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
            && !name.ends_with(['-', '/'])
            && !name.contains("..");
        if fine { Ok(()) } else { Err(wrong(self.name(), format!("`{name}` is not the name of a package"))) }
    }

    fn question(self, name: &str) -> Process {
        match self {
            Self::Apt => Process::new("dpkg-query").args(["-W", "-f=${Status}\\n", name]),
            Self::Dnf => Process::new("rpm").args(["-q", "--whatprovides", name]),
            Self::Brew => Process::new("brew").args(["list", "--versions", name]),
            Self::Winget => {
                Process::new("winget").args(["list", "--exact", "--id", name, "--disable-interactivity"])
            }
        }
    }

    fn questions(self, names: &[String]) -> Vec<Process> {
        names.iter().map(|name| self.question(name)).collect()
    }

    fn refresh(self) -> Option<Process> {
        match self {
            Self::Apt => Some(apt("update")),
            Self::Dnf | Self::Brew | Self::Winget => None,
        }
    }

    fn installs(self, names: &[String]) -> Vec<Process> {
        match self {
            _ if names.is_empty() => Vec::new(),
            Self::Apt => vec![apt("install").args(["-y", "--no-install-recommends"]).args(names)],
            Self::Dnf => vec![Process::new("dnf").args(["install", "-y"]).args(names).elevated(true)],
            Self::Brew => {
                vec![
                    Process::new("brew")
                        .arg("install")
                        .args(names)
                        .env("HOMEBREW_NO_AUTO_UPDATE", "1")
                        .env("NONINTERACTIVE", "1"),
                ]
            }
            // One at a time: `--id` takes one.
            Self::Winget => names
                .iter()
                .map(|name| {
                    Process::new("winget").args(["install", "--exact", "--id", name]).args([
                        "--source",
                        "winget",
                        "--accept-package-agreements",
                        "--accept-source-agreements",
                        "--disable-interactivity",
                    ])
                })
                .collect(),
        }
    }

    fn removals(self, names: &[String]) -> Vec<Process> {
        match self {
            _ if names.is_empty() => Vec::new(),
            Self::Apt => vec![apt("remove").arg("-y").args(names)],
            Self::Dnf => {
                vec![Process::new("dnf").args(["remove", "-y", "--noautoremove"]).args(names).elevated(true)]
            }
            Self::Brew => vec![Process::new("brew").arg("uninstall").args(names)],
            Self::Winget => names
                .iter()
                .map(|name| {
                    Process::new("winget").args([
                        "uninstall",
                        "--exact",
                        "--id",
                        name,
                        "--disable-interactivity",
                    ])
                })
                .collect(),
        }
    }
}

/// `apt-get`, in words we can read, without questions, waiting for other installations to end.
fn apt(command: &str) -> Process {
    Process::new("apt-get")
        .args([command, "-o", "DPkg::Lock::Timeout=120"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8")
        .elevated(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(with: &Value) -> Result<(), WithError> {
        with::accepts::<With>(with)
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
            words(PackageManager::Apt.installs(&names)),
            ["apt-get install -o DPkg::Lock::Timeout=120 -y --no-install-recommends a b"]
        );
        assert_eq!(words(PackageManager::Dnf.installs(&names)), ["dnf install -y a b"]);
        assert_eq!(words(PackageManager::Brew.installs(&names)), ["brew install a b"]);
        assert_eq!(words(PackageManager::Winget.installs(&names)).len(), 2, "winget takes one id");
        for manager in
            [PackageManager::Apt, PackageManager::Dnf, PackageManager::Brew, PackageManager::Winget]
        {
            assert!(manager.installs(&[]).is_empty(), "nothing to install is no command");
            assert!(manager.removals(&[]).is_empty(), "nothing to remove is no command");
        }
    }
}
