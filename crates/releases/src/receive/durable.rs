//! Files that are there after the power went. A name is durable when its folder is synced.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Writes beside the file, to the disk, then renames: a cut at any point leaves the old file or the new one.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    make_folder(folder)?;
    // One program at a time writes here: what bears this name was left by one that was cut off.
    let mut beside = std::ffi::OsString::from(".new-");
    beside.push(name);
    let beside = folder.join(beside);
    remove(&beside)?;
    let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // Nothing more can be done about a leftover; the next attempt removes it.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_folder(folder)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a folder, and those it lies in.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.iter().filter_map(|made| made.parent()).try_for_each(sync_folder)
}

/// Makes durable that a name came, went or means something else. Windows has no such call for folders.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Makes durable everything below a folder: files first, so that no name leads to less than its content.
///
/// Each file waits for the disk, so several wait at once: a pack of a thousand files takes a few waits, not a thousand.
pub(super) fn sync_tree(root: &Path) -> io::Result<()> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    let mut at = 0;
    while let Some(folder) = folders.get(at) {
        at += 1;
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { &mut found } else { &mut files }.push(entry.path());
        }
        folders.append(&mut found);
    }
    let share = files.len().div_ceil(AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = files.chunks(share).map(|files| scope.spawn(|| sync_files(files))).collect();
        waiting.into_iter().try_for_each(|waiting| waiting.join().map_err(|_| io::ErrorKind::Other)?)
    })?;
    folders.iter().rev().try_for_each(|folder| sync_folder(folder))
}

/// How many files wait for the disk at once.
const AT_ONCE: usize = 8;

fn sync_files(files: &[PathBuf]) -> io::Result<()> {
    // Windows wants a file that is open for writing.
    files.iter().try_for_each(|file| File::options().read(true).write(cfg!(windows)).open(file)?.sync_all())
}

/// Removes what may not be there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
