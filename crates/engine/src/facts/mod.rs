//! Finding out the facts about this machine. No process is started where a file or the environment tells.

mod admin;
mod virtualisation;

use std::path::PathBuf;

use firstlight_domain::facts::{Facts, Os, PackageManager};

pub use self::admin::{Admin, admin};

/// The facts about this machine, as they are now. What cannot be found out is empty.
pub fn find() -> Facts {
    let os = os();
    Facts {
        os,
        arch: std::env::consts::ARCH.to_owned(),
        distribution: distribution(os),
        home: home().map(|home| home.display().to_string()).unwrap_or_default(),
        user: ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .unwrap_or_default(),
        shell: shell(os),
        package_manager: package_manager(os),
        elevated: elevated(),
        virtualisation: virtualisation::find(),
    }
}

fn os() -> Os {
    if cfg!(windows) {
        Os::Windows
    } else if cfg!(target_os = "macos") {
        Os::Macos
    } else {
        Os::Linux
    }
}

fn home() -> Option<PathBuf> {
    std::env::home_dir()
}

fn distribution(os: Os) -> String {
    match os {
        Os::Linux => ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
            .and_then(|text| id_of(&text))
            .unwrap_or_else(|| "linux".to_owned()),
        Os::Macos => "macos".to_owned(),
        Os::Windows => "windows".to_owned(),
    }
}

/// The `ID` of an os-release file.
fn id_of(text: &str) -> Option<String> {
    let id = text.lines().find_map(|line| line.strip_prefix("ID="))?;
    Some(id.trim().trim_matches(['"', '\'']).to_owned())
}

fn shell(os: Os) -> String {
    let named = std::env::var_os("SHELL").map(PathBuf::from);
    let name =
        named.as_deref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| match os {
        Os::Linux => "bash".to_owned(),
        Os::Macos => "zsh".to_owned(),
        Os::Windows => "powershell".to_owned(),
    })
}

/// The system's own manager first: brew on Linux is for what the person installs besides.
fn package_manager(os: Os) -> Option<PackageManager> {
    let candidates: &[(&str, PackageManager)] = match os {
        Os::Linux => {
            &[("apt-get", PackageManager::Apt), ("dnf", PackageManager::Dnf), ("brew", PackageManager::Brew)]
        }
        Os::Macos => &[("brew", PackageManager::Brew)],
        Os::Windows => &[("winget", PackageManager::Winget)],
    };
    candidates.iter().find(|(program, _)| on_path(program)).map(|(_, manager)| *manager)
}

/// Whether a program of this name is on PATH.
pub fn on_path(program: &str) -> bool {
    which::which(program).is_ok()
}

#[cfg(unix)]
fn elevated() -> bool {
    rustix::process::geteuid().is_root()
}

/// On Windows every installer asks for itself; whether we could do without is not needed.
#[cfg(not(unix))]
fn elevated() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_with_and_without_quotes() {
        assert_eq!(id_of("NAME=\"Debian\"\nVERSION_ID=\"12\"\nID=debian\n"), Some("debian".to_owned()));
        assert_eq!(id_of("ID=\"rocky\"\nID_LIKE=\"rhel\""), Some("rocky".to_owned()));
        assert_eq!(id_of("NAME=x"), None);
    }

    #[test]
    fn this_machine_has_a_home() {
        let facts = find();
        assert!(std::path::Path::new(&facts.home).is_absolute(), "{facts:?}");
        assert!(!facts.distribution.is_empty());
    }
}
