//! What lies in a folder, to compare it before and after: names, permissions, contents and where links lead.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// One entry of a folder; links are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A folder and its permissions.
    Folder(u32),
    /// A file, its permissions, and every byte of it, readable.
    File(u32, String),
    /// Where a link leads.
    Link(PathBuf),
}

/// A folder and everything below it.
pub(crate) type Tree = BTreeMap<PathBuf, Entry>;

/// Reads a folder and everything below it. What is not there is an empty tree.
pub(crate) fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(meta) = path.symlink_metadata() else { continue };
        let mode = meta.permissions().mode() & 0o7777;
        let entry = if meta.is_symlink() {
            Entry::Link(fs::read_link(&path).unwrap())
        } else if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Entry::Folder(mode)
        } else {
            Entry::File(mode, fs::read(&path).unwrap().escape_ascii().to_string())
        };
        found.insert(path, entry);
    }
    found
}

/// Everything that is not the same, one line each; empty if all is.
pub(crate) fn differences(before: &Tree, after: &Tree) -> Vec<String> {
    let mut paths: Vec<_> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let differ = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    differ
        .map(|path| format!("{}: {:?} became {:?}", path.display(), before.get(path), after.get(path)))
        .collect()
}

/// A file with these permissions, and the folders it lies in.
pub(crate) fn put(path: &Path, mode: u32, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Fills a home folder with what people have in theirs and no step asks for: odd permissions, links, an empty folder,
/// texts with no last line end or with those of Windows.
pub(crate) fn lived_in(home: &Path) {
    put(&home.join("notes.txt"), 0o600, "no line end at the end");
    put(&home.join("bin/tool"), 0o755, "#!/bin/sh\n");
    put(&home.join("windows.ini"), 0o644, "[a]\r\nb = c\r\n");
    put(&home.join(".private/key"), 0o400, "\u{fffd}\0\n");
    fs::set_permissions(home.join(".private"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(home.join("empty")).unwrap();
    fs::set_permissions(home.join("empty"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("notes.txt", home.join("link")).unwrap();
    symlink("nowhere", home.join("dangling")).unwrap();
}
