//! How Linux is read: files first, programs where there is no file.

mod desktop;
mod disk;
mod firewall;
mod updates;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use firstlight_domain::facts::{Facts, PackageManager};

use super::{
    Item, Reader, ask,
    found::{Lock, Read, Switch, Updates, unreadable},
};
use crate::{
    process::{Process, in_words},
    provider::Context,
};
use desktop::Desktop;

/// A machine with Linux.
pub(super) struct Linux {
    /// Where its files begin: `/`.
    root: PathBuf,
    home: PathBuf,
    desktop: Desktop,
    packages: Option<PackageManager>,
    /// Whether what we start may write where only an administrator may.
    elevated: bool,
}

impl Linux {
    /// The one we run on.
    pub(super) fn here(facts: &Facts) -> Self {
        Self {
            root: PathBuf::from("/"),
            home: PathBuf::from(&facts.home),
            desktop: Desktop::of(&std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default()),
            packages: facts.package_manager,
            elevated: facts.elevated,
        }
    }
}

#[async_trait]
impl Reader for Linux {
    async fn disk_encryption(&self, _cx: &Context) -> Read<Switch> {
        disk::encryption(&self.root, &self.home)
    }

    async fn screen_lock(&self, cx: &Context) -> Read<Lock> {
        match &self.desktop {
            Desktop::Schemas(schemas) => {
                let [enabled, delay, idle] = desktop::keys(schemas);
                let enabled = ask(cx, enabled).await?;
                let delay = ask(cx, delay).await?;
                let idle = ask(cx, idle).await?;
                desktop::by_settings(&enabled.text(), &delay.text(), &idle.text())
            }
            Desktop::Plasma => desktop::by_plasma(&self.root, &self.home),
            Desktop::Other(name) => unreadable(format!(
                "the desktop `{name}` keeps its screen lock where it is not looked for here"
            )),
            Desktop::None => unreadable(
                "no desktop is seen from here: look again from inside of it, not over SSH or as another person",
            ),
        }
    }

    async fn firewall(&self, cx: &Context) -> Read<Switch> {
        let exit = ask(cx, firewall::question()).await?;
        firewall::read(&exit.text(), &self.root)
    }

    async fn os_updates(&self, cx: &Context) -> Read<Updates> {
        match self.packages {
            Some(PackageManager::Apt) => {
                let exit = ask(cx, updates::apt_question(self.elevated)).await?;
                Ok(updates::by_apt(&self.root, exit.ok().then(|| exit.text()).as_deref()))
            }
            Some(PackageManager::Dnf) => {
                let waiting = ask(cx, updates::dnf_waiting()).await?.code;
                let installed = ask(cx, updates::dnf_installed()).await?;
                Ok(updates::by_dnf(&self.root, waiting, &installed.text()))
            }
            Some(PackageManager::Brew | PackageManager::Winget) | None => {
                unreadable("updates are read from apt and dnf only, and this machine has neither")
            }
        }
    }

    fn asks(&self, item: Item) -> Vec<Process> {
        match (item, &self.desktop, self.packages) {
            (Item::ScreenLock(_), Desktop::Schemas(schemas), _) => desktop::keys(schemas).into(),
            (Item::Firewall, ..) => vec![firewall::question()],
            (Item::OsUpdates(_), _, Some(PackageManager::Apt)) => vec![updates::apt_question(self.elevated)],
            (Item::OsUpdates(_), _, Some(PackageManager::Dnf)) => {
                vec![updates::dnf_waiting(), updates::dnf_installed()]
            }
            // Files tell.
            (Item::DiskEncryption | Item::ScreenLock(_) | Item::OsUpdates(_), ..) => Vec::new(),
        }
    }

    fn advice(&self, item: Item) -> String {
        match (item, self.packages) {
            (Item::DiskEncryption, _) => {
                "Linux encrypts a disk when it is installed: ask whoever installs your \
                 machines for an installation with encryption (LUKS)."
                    .to_owned()
            }
            (Item::ScreenLock(limit), _) => {
                let place = match self.desktop {
                    Desktop::Plasma => "System Settings → Security & Privacy → Screen Locking",
                    Desktop::Schemas(_) | Desktop::Other(_) | Desktop::None => {
                        "Settings → Privacy & Security → Screen Lock"
                    }
                };
                format!("In {place}, let the screen lock within {}.", in_words(limit))
            }
            (Item::Firewall, Some(PackageManager::Dnf)) => {
                "In a terminal: `sudo systemctl enable --now firewalld`.".to_owned()
            }
            (Item::Firewall, _) => "In a terminal: `sudo ufw enable`.".to_owned(),
            (Item::OsUpdates(_), Some(PackageManager::Dnf)) => {
                "In a terminal: `sudo dnf upgrade --refresh`.".to_owned()
            }
            (Item::OsUpdates(_), _) => "In a terminal: `sudo apt update && sudo apt upgrade`.".to_owned(),
        }
    }
}

/// A file of the machine as text. Error: why it cannot be read, in words.
fn text(root: &Path, path: &str) -> Read<String> {
    let path = root.join(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) => {
            unreadable(format!("{} cannot be read without administrator rights: {error}", path.display()))
        }
    }
}
