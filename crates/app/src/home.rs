//! Where Firstlight keeps what it knows on this machine, and the lock that lets one program at a time change it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use firstlight_contract::error::Code;
use serde::Serialize;

use crate::error::{AppError, Result};

/// The data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// `FIRSTLIGHT_HOME`, or the platform's data folder.
    pub fn find(moved_to: Option<PathBuf>) -> Result<Self> {
        if let Some(root) = moved_to.filter(|path| !path.as_os_str().is_empty()) {
            return Ok(Self { root: std::path::absolute(&root).unwrap_or(root) });
        }
        directories::ProjectDirs::from("dev", "Firstlight", "firstlight")
            .map(|dirs| Self { root: dirs.data_local_dir().to_owned() })
            .ok_or_else(|| {
                AppError::new(Code::HomeNotWritable, "Your home folder cannot be found.")
                    .hint("Set FIRSTLIGHT_HOME to a folder you can write to.")
            })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal.sqlite")
    }

    pub(crate) fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(crate) fn services(&self) -> PathBuf {
        self.root.join("services")
    }

    pub(crate) fn app_updates(&self) -> PathBuf {
        self.root.join("app-updates.json")
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.root.join("settings.json")
    }

    pub(crate) fn hub(&self) -> PathBuf {
        self.root.join("hub.json")
    }

    /// Writes a small file of the folder as JSON: whole or not at all, and durable.
    pub(crate) fn keep(&self, path: &Path, value: &impl Serialize) -> Result<()> {
        let fresh = path.with_extension("json.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&fresh)?;
            file.write_all(serde_json::to_string_pretty(value).map_err(io::Error::other)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, path)?;
            self.sync()
        };
        write().map_err(|error| self.not_writable(&error))
    }

    /// Removes such a file, if it is there.
    pub(crate) fn forget(&self, path: &Path) -> Result<()> {
        match fs::remove_file(path).and_then(|()| self.sync()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.not_writable(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Makes names durable. Windows keeps them with the files and cannot open a folder.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.root)?.sync_all() } else { Ok(()) }
    }

    /// Creates the folder, readable by its owner only.
    pub(crate) fn create(&self) -> Result<()> {
        firstlight_journal::make_folder(&self.root).map_err(|error| self.not_writable(&error))?;
        restrict(&self.root).map_err(|error| self.not_writable(&error))
    }

    /// Takes the lock; it is let go when the program ends, however it ends.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| self.not_writable(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(AppError::new(
                Code::AlreadyRunning,
                format!("Another Firstlight is using {} right now.", self.root.display()),
            )
            .hint("Use the one that is open, or close it and try again. Reading (`status`, `report`) works meanwhile.")),
            Err(TryLockError::Error(error)) => Err(self.not_writable(&error)),
        }
    }

    /// The error for a folder that cannot be written.
    pub(crate) fn not_writable(&self, error: &io::Error) -> AppError {
        if error.kind() == io::ErrorKind::StorageFull {
            return AppError::new(
                Code::DiskFull,
                format!("The disk that holds {} is full.", self.root.display()),
            )
            .hint("Free some space and try again. Nothing was lost.");
        }
        AppError::new(
            Code::HomeNotWritable,
            format!("Firstlight cannot write to its folder {}: {error}.", self.root.display()),
        )
        .hint("Make the folder writable, or set FIRSTLIGHT_HOME to another one.")
    }
}

#[cfg(unix)]
fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::metadata(folder)?.permissions();
    if permissions.mode() & 0o777 == 0o700 {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// On Windows the folder lies in the person's own profile, which only they and administrators can read.
#[cfg(not(unix))]
fn restrict(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f7_a_second_one_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::find(Some(folder.path().join("home"))).unwrap();
        home.create().unwrap();
        let first = home.lock().unwrap();
        assert_eq!(home.lock().unwrap_err().code(), Code::AlreadyRunning);
        drop(first);
        assert!(home.lock().is_ok());
    }

    #[test]
    fn a_home_that_cannot_be_written_says_so_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a-file");
        fs::write(&file, "").unwrap();
        let error = Home::find(Some(file.join("home"))).unwrap().create().unwrap_err();
        assert_eq!(error.code(), Code::HomeNotWritable);
        assert!(error.0.hint.is_some());
    }
}
