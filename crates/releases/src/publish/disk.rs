//! Writing so that a reader sees the old or the new file, and the power may go at any moment.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// What writes into a repository. A seam, so that a test can cut it off at each file.
pub trait Disk {
    /// Puts a file in place, whole and durable, with the folders it lies in.
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Puts a file in place, whole. It is durable after [`Disk::settle`]: where there is a call for a whole folder, a
    /// thousand files are not waited for one by one.
    fn put_soon(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.put(path, content)
    }

    /// Makes durable everything in a folder.
    fn settle(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// The disk there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(folder)?;
        missing.iter().filter_map(|made| made.parent()).try_for_each(sync_folder)?;
        let beside = beside(folder, content)?;
        beside.as_file().sync_all()?;
        beside.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    }

    #[cfg(target_os = "linux")]
    fn put_soon(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(folder)?;
        beside(folder, content)?.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn settle(&self, folder: &Path) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(folder)?)?)
    }
}

/// A whole file under a name nobody asks for.
fn beside(folder: &Path, content: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut beside = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    beside.write_all(content)?;
    // A web server is seldom who publishes.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        beside.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    Ok(beside)
}

/// Makes durable that a name came or means something else. Windows has no such call for folders.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
