//! What is known of the machine, as expressions see it (`facts.os`).

use serde::{Deserialize, Serialize};

/// Facts that steps may depend on. Found out by the engine, once per plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The operating system.
    pub os: Os,
    /// The processor: `x86_64`, `aarch64`.
    pub arch: String,
    /// The distribution's id (`debian`, `fedora`), or the system's name where there are none.
    pub distribution: String,
    /// The home folder.
    pub home: String,
    /// The person's login name.
    pub user: String,
    /// The login shell's name: `bash`, `zsh`, `fish`, `powershell`.
    pub shell: String,
    /// The package manager that packages are installed with, if one was found.
    pub package_manager: Option<PackageManager>,
    /// Whether we run with administrator rights already.
    pub elevated: bool,
    /// Whether this is a computer of its own.
    pub virtualisation: Virtualisation,
}

/// What kind of machine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Virtualisation {
    /// A computer of its own.
    None,
    /// A virtual machine.
    Vm,
    /// A container.
    Container,
    /// Linux inside of Windows.
    Wsl,
}

/// Operating systems Firstlight works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Any Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

/// Package managers the `package` provider drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// Debian and Ubuntu.
    Apt,
    /// Fedora and its kin.
    Dnf,
    /// macOS (and Linux).
    Brew,
    /// Windows.
    Winget,
}
