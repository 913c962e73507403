//! What a program from outside may reach: folders, the network, a short environment. Who enforces it is the system:
//! Linux with Landlock and seccomp. Elsewhere nothing does, which [`is_confining`] says and the plan shows.

#[cfg(target_os = "linux")]
#[path = "sandbox/linux.rs"]
mod confine;
#[cfg(not(target_os = "linux"))]
#[path = "sandbox/none.rs"]
mod confine;

use std::{ffi::OsString, path::PathBuf};

pub(crate) use confine::is_confining;
pub(super) use confine::spawn;

/// What a process may reach beside the system's own programs and settings.
#[derive(Debug, Clone, Default)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "nothing on this system enforces what it says")
)]
pub(crate) struct Sandbox {
    /// The person's home folder, closed but for what is named below.
    pub(crate) home: PathBuf,
    /// Files and folders it may read, and run programs from. What is not there is left out.
    pub(crate) reads: Vec<PathBuf>,
    /// Files and folders it may change as well.
    pub(crate) writes: Vec<PathBuf>,
    /// Whether it may use the network: any host, because nothing in the system knows hosts by name.
    pub(crate) network: bool,
}

/// What any program needs to find others and to speak the person's language.
const ENVIRONMENT: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"];
/// What a program on Windows cannot do without.
const ENVIRONMENT_OF_WINDOWS: &[&str] = &[
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
];
/// How the network is reached from here.
const ENVIRONMENT_OF_NETWORK: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

impl Sandbox {
    /// The variables of our environment that it gets.
    pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let system = if cfg!(windows) { ENVIRONMENT_OF_WINDOWS } else { &[] };
        let network = if self.network { ENVIRONMENT_OF_NETWORK } else { &[] };
        let names = ENVIRONMENT.iter().chain(system).chain(network);
        names.filter_map(|name| Some((*name, std::env::var_os(name)?))).collect()
    }
}
