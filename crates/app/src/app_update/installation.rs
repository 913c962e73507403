//! How the app got onto this machine, and so who brings newer versions.
//!
//! An app that was installed for everybody, or by a package manager, belongs to whoever installed it: it says so and asks
//! nobody for an administrator's password.

use std::path::{Path, PathBuf};

use firstlight_contract::app_update::UpdatedBy;
use semver::Version;
use serde::Deserialize;

use super::Publisher;

/// What the app was installed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// A Debian package.
    Deb,
    /// An RPM package.
    Rpm,
    /// One file that is started as it is.
    AppImage,
    /// The app of macOS.
    App,
    /// The installer of Windows.
    Nsis,
}

/// An installed app.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The version that runs.
    pub version: Version,
    /// What it was installed from; nothing for one that runs as it was built.
    pub package: Option<Package>,
    /// What an update replaces: the file, or the app's folder.
    pub place: PathBuf,
    /// Who publishes updates, where whoever built the app said so.
    pub publisher: Option<Publisher>,
    /// Who says that they update it, see [`managed_by`].
    pub managed_by: Option<String>,
}

impl Installation {
    /// Who brings newer versions.
    pub fn updated_by(&self) -> UpdatedBy {
        if let Some(who) = &self.managed_by {
            return UpdatedBy::Organisation { who: who.clone() };
        }
        let by = |manager: &str| UpdatedBy::Packages { manager: manager.to_owned() };
        match self.package {
            None => UpdatedBy::NotInstalled,
            Some(Package::Deb) => by("apt"),
            Some(Package::Rpm) => by("dnf"),
            Some(Package::AppImage | Package::App | Package::Nsis) if self.publisher.is_none() => {
                UpdatedBy::NotConfigured
            }
            Some(Package::AppImage | Package::App | Package::Nsis) if !can_replace(&self.place) => {
                UpdatedBy::Administrator { place: self.place.display().to_string() }
            }
            Some(Package::AppImage | Package::App | Package::Nsis) => UpdatedBy::Itself,
        }
    }

    /// What an announcement names this kind of machine: `linux-x86_64-appimage`.
    pub fn platform(&self) -> Option<String> {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let package = match self.package? {
            Package::Deb => "deb",
            Package::Rpm => "rpm",
            Package::AppImage => "appimage",
            Package::App => "app",
            Package::Nsis => "nsis",
        };
        Some(format!("{os}-{}-{package}", std::env::consts::ARCH))
    }
}

/// Whether this person may replace what is there: by trying, because no system tells in one word.
fn can_replace(place: &Path) -> bool {
    // What is replaced is renamed, so that the folder around it counts.
    let Some(folder) = place.parent() else { return false };
    tempfile::Builder::new().prefix(".firstlight-").tempfile_in(folder).is_ok()
}

/// Who an administrator of this machine says updates the app: `updated_by` in `updates.json` below `/etc/firstlight`,
/// `/Library/Application Support/Firstlight` or `%ProgramData%\Firstlight`. A file that is there and cannot be read says
/// that somebody does.
pub fn managed_by() -> Option<String> {
    let folder = match std::env::consts::OS {
        "windows" => PathBuf::from(std::env::var_os("ProgramData")?).join("Firstlight"),
        "macos" => PathBuf::from("/Library/Application Support/Firstlight"),
        _ => PathBuf::from("/etc/firstlight"),
    };
    managed_in(&folder.join("updates.json"))
}

fn managed_in(file: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Managed {
        updated_by: String,
    }

    let somebody = || "whoever manages this machine".to_owned();
    match std::fs::read(file) {
        Ok(text) => match serde_json::from_slice::<Managed>(&text) {
            Ok(managed) if !managed.updated_by.trim().is_empty() => Some(managed.updated_by),
            Ok(_) => Some(somebody()),
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "not understood");
                Some(somebody())
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "cannot be read");
            Some(somebody())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(package: Option<Package>, place: &Path) -> Installation {
        Installation {
            version: Version::new(1, 0, 0),
            package,
            place: place.to_owned(),
            publisher: None,
            managed_by: None,
        }
    }

    #[test]
    fn what_somebody_else_installed_is_theirs_to_update() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("Firstlight.AppImage");
        let by = |package| installation(package, &place).updated_by();
        assert_eq!(by(Some(Package::Deb)), UpdatedBy::Packages { manager: "apt".to_owned() });
        assert_eq!(by(Some(Package::Rpm)), UpdatedBy::Packages { manager: "dnf".to_owned() });
        assert_eq!(by(None), UpdatedBy::NotInstalled);
        assert_eq!(by(Some(Package::AppImage)), UpdatedBy::NotConfigured);
        let managed = Installation {
            managed_by: Some("IT".to_owned()),
            ..installation(Some(Package::AppImage), &place)
        };
        assert_eq!(managed.updated_by(), UpdatedBy::Organisation { who: "IT".to_owned() });
    }

    #[test]
    fn a_place_that_is_not_there_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(can_replace(&folder.path().join("app")));
        assert!(!can_replace(&folder.path().join("none").join("app")));
    }

    #[test]
    fn who_manages_a_machine_says_so_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("updates.json");
        assert_eq!(managed_in(&file), None);
        std::fs::write(&file, r#"{ "updated_by": "IT, through Munki" }"#).unwrap();
        assert_eq!(managed_in(&file).as_deref(), Some("IT, through Munki"));
        for odd in ["", "{}", r#"{ "updated_by": " " }"#] {
            std::fs::write(&file, odd).unwrap();
            assert_eq!(managed_in(&file).as_deref(), Some("whoever manages this machine"), "{odd}");
        }
    }
}
