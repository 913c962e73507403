//! The throwaway folder a pack is tested in: a home, a data folder, and an environment with nothing of the person's.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use firstlight_contract::error::Code;
use firstlight_engine::process::{can_keep_writing_to, end_all_with, keep_writing_to};

use crate::error::{AppError, Result};

/// What of our environment a test gets: where programs are, the language, how the network is reached.
const PASSED_ON: &[&str] = &[
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "USER",
    "LOGNAME",
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
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "USERNAME",
];
/// What a home has on its first day, so that a step that edits it has something to give back.
const PROFILE: &str = "# A throwaway home.\n";

/// A throwaway folder. Dropped, it is gone, with every process that still lives in it.
#[derive(Debug)]
pub struct TestRoom {
    root: PathBuf,
}

impl TestRoom {
    /// A new one, in the system's folder for temporary files.
    pub fn new() -> Result<Self> {
        let name = format!("firstlight-test-{}", uuid::Uuid::now_v7().simple());
        let root = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| std::env::temp_dir()).join(name);
        let made = Self { root };
        made.furnish().map_err(|error| {
            AppError::new(Code::Usage, format!("{} cannot be written: {error}.", made.root.display()))
                .hint("Set TMPDIR to a folder that you can write to.")
        })?;
        Ok(made)
    }

    fn furnish(&self) -> io::Result<()> {
        // Ours from the beginning: one that is there already is somebody else's.
        let root = |root: &Path| root.to_owned();
        for folder in [root, Self::home, Self::state, Self::temporary, Self::runtime] {
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder(&self.root))?;
        }
        fs::write(Self::home(&self.root).join(".profile"), PROFILE)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn home(root: &Path) -> PathBuf {
        root.join("home")
    }

    pub(super) fn state(root: &Path) -> PathBuf {
        root.join("state")
    }

    fn temporary(root: &Path) -> PathBuf {
        root.join("tmp")
    }

    fn runtime(root: &Path) -> PathBuf {
        root.join("runtime")
    }

    /// The whole environment of a program that tests in here.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let passed =
            PASSED_ON.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        let root = &self.root;
        let home = Self::home(root);
        // Addresses at which nobody answers: a container engine would do outside what is kept from being done here.
        let nobody = |name: &str| format!("unix://{}", Self::runtime(root).join(name).display()).into();
        let own: [(&str, OsString); 12] = [
            ("HOME", home.clone().into()),
            ("USERPROFILE", home.clone().into()),
            ("APPDATA", home.join("AppData").join("Roaming").into()),
            ("LOCALAPPDATA", home.join("AppData").join("Local").into()),
            ("FIRSTLIGHT_HOME", Self::state(root).into()),
            ("TMPDIR", Self::temporary(root).into()),
            ("TMP", Self::temporary(root).into()),
            ("TEMP", Self::temporary(root).into()),
            ("XDG_RUNTIME_DIR", Self::runtime(root).into()),
            (
                "DBUS_SESSION_BUS_ADDRESS",
                format!("unix:path={}", Self::runtime(root).join("bus").display()).into(),
            ),
            ("DOCKER_HOST", nobody("docker.sock")),
            ("CONTAINER_HOST", nobody("podman.sock")),
        ];
        passed.chain(own.map(|(name, value)| (name.into(), value))).collect()
    }

    /// Whether the system can keep a test from writing outside of here.
    pub fn can_confine(&self) -> bool {
        can_keep_writing_to(&self.root)
    }

    /// Ends what still runs in here, where that can be seen: its command lines.
    pub fn end_everything(&self) -> Vec<String> {
        end_all_with(&format!("HOME={}", Self::home(&self.root).display()))
    }
}

/// Keeps this thread, and all it starts, to a room. Before any other thread is started.
pub fn enter_room(root: &Path) -> Result<()> {
    keep_writing_to(root).map_err(|error| {
        AppError::new(Code::Internal, format!("The test cannot be kept to {}: {error}.", root.display()))
            .hint("Test in a container or a virtual machine that you can throw away, with `--unconfined`.")
    })
}

impl Drop for TestRoom {
    fn drop(&mut self) {
        self.end_everything();
        open_up(&self.root);
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::warn!(%error, folder = %self.root.display(), "a throwaway folder stays");
        }
    }
}

/// Some tools take the right to write from their own folders, which then cannot be emptied.
fn open_up(folder: &Path) {
    #[cfg(unix)]
    if fs::symlink_metadata(folder).is_ok_and(|about| about.is_dir()) {
        let _ = fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            open_up(&entry.path());
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_room_takes_its_processes_and_closed_folders_with_it() {
        let room = TestRoom::new().unwrap();
        let at = room.root().to_owned();
        let mut sleeper =
            Command::new("sleep").arg("86399").env_clear().envs(room.environment()).spawn().unwrap();
        let closed = TestRoom::home(&at).join("closed/folder");
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        // Between fork and exec it still has our environment.
        let ended = loop {
            let ended = room.end_everything();
            if !ended.is_empty() {
                break ended;
            }
            std::thread::yield_now();
        };
        assert_eq!(ended, ["sleep 86399"]);
        assert!(!sleeper.wait().unwrap().success());
        drop(room);
        assert!(!at.exists());
    }

    #[test]
    fn nothing_of_the_environment_leads_out_of_a_room() {
        let room = TestRoom::new().unwrap();
        let at = room.root().display().to_string();
        let environment = room.environment();
        let value = |name: &str| {
            let found = environment.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.to_string_lossy().into_owned()).unwrap_or_default()
        };
        for name in [
            "HOME",
            "FIRSTLIGHT_HOME",
            "TMPDIR",
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
            "DOCKER_HOST",
        ] {
            assert!(value(name).contains(&at), "{name}: {}", value(name));
        }
        assert!(environment.iter().all(|(name, _)| name != "SSH_AUTH_SOCK" && name != "GITHUB_TOKEN"));
    }
}
