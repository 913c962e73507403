//! A disk as it is after the power went: what was synced is there; of what was not, anything may be.
//!
//! A file's content is safe once the file is synced, a name once its folder is. Of what is not safe yet, each write to
//! a file may have reached the disk or not, and the last of them in part; changes of names in one folder reach it in
//! their order, so that a first few of them are there. This is less than any journaling file system promises.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::log::Noted;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    /// All of it: the program was killed, and the power stayed.
    All,
    /// None of it.
    Nothing,
    /// Names, but no content: how a file that was not synced before it was renamed turns out empty.
    Names,
    /// Whatever this seed says.
    Some(u64),
}

/// What is at a path: a file's content, or nothing for a folder. With permissions.
pub(crate) type Tree = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

/// Every file and folder below one, as it was when the recording began and after each thing noted.
#[derive(Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    top: usize,
    things: Vec<Thing>,
    /// Which thing an inode stands for now: numbers are used again.
    inodes: BTreeMap<u64, usize>,
}

#[derive(Clone)]
struct Thing {
    mode: u32,
    content: Content,
}

#[derive(Clone)]
enum Content {
    File { safe: Vec<u8>, unsafe_yet: Vec<Edit> },
    Folder { safe: Names, unsafe_yet: Vec<Change> },
}

type Names = BTreeMap<String, usize>;

#[derive(Clone)]
enum Edit {
    Write(usize, Vec<u8>),
    Size(usize),
}

/// Names that come (with what they stand for) or go, at once.
type Change = Vec<(String, Option<usize>)>;

impl Disk {
    /// The disk as it is, all of it synced long ago.
    pub(crate) fn read(root: &Path) -> Self {
        let mut disk = Self { root: root.to_owned(), top: 0, things: Vec::new(), inodes: BTreeMap::new() };
        disk.top = disk.read_thing(root);
        disk
    }

    fn read_thing(&mut self, path: &Path) -> usize {
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_dir() {
            let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
            let safe = entries
                .map(|entry| (entry.file_name().into_string().unwrap(), self.read_thing(&entry.path())))
                .collect();
            Content::Folder { safe, unsafe_yet: Vec::new() }
        } else {
            Content::File { safe: fs::read(path).unwrap(), unsafe_yet: Vec::new() }
        };
        self.add(metadata.ino(), metadata.permissions().mode() & 0o7777, content)
    }

    fn add(&mut self, inode: u64, mode: u32, content: Content) -> usize {
        self.things.push(Thing { mode, content });
        self.inodes.insert(inode, self.things.len() - 1);
        self.things.len() - 1
    }

    /// Takes in what happened next.
    pub(crate) fn apply(&mut self, noted: &Noted) {
        match noted {
            Noted::MadeFile { inode, mode, path } => {
                let content = Content::File { safe: Vec::new(), unsafe_yet: Vec::new() };
                let new = self.add(*inode, *mode, content);
                self.name(path, Some(new));
            }
            Noted::MadeFolder { inode, mode, path } => {
                let content = Content::Folder { safe: Names::new(), unsafe_yet: Vec::new() };
                let new = self.add(*inode, *mode, content);
                self.name(path, Some(new));
            }
            Noted::Wrote { inode, at, bytes } => self.edit(*inode, Edit::Write(*at, bytes.clone())),
            Noted::Resized { inode, size } => self.edit(*inode, Edit::Size(*size)),
            Noted::Synced { inode } => match &mut self.thing(*inode).content {
                Content::File { safe, unsafe_yet } => unsafe_yet.drain(..).for_each(|edit| edit.make(safe)),
                Content::Folder { safe, unsafe_yet } => {
                    unsafe_yet.drain(..).for_each(|change| rename(safe, &change));
                }
            },
            Noted::Mode { inode, mode } => self.thing(*inode).mode = *mode,
            Noted::Renamed { from, to } => {
                assert_eq!(from.parent(), to.parent(), "renaming across folders is not thought through here");
                let (moved, from_folder) = (self.find(from), from.parent().unwrap());
                let (from, to) = (last(from), last(to));
                let folder = self.find(from_folder);
                self.changes(folder).push(vec![(from, None), (to, Some(moved))]);
            }
            Noted::Linked { inode, path } => self.name(path, Some(self.inodes[inode])),
            Noted::Removed { path } => self.name(path, None),
            Noted::Told { .. } => {}
        }
    }

    fn thing(&mut self, inode: u64) -> &mut Thing {
        &mut self.things[self.inodes[&inode]]
    }

    fn edit(&mut self, inode: u64, edit: Edit) {
        match &mut self.thing(inode).content {
            Content::File { unsafe_yet, .. } => unsafe_yet.push(edit),
            Content::Folder { .. } => panic!("a folder was written to"),
        }
    }

    fn name(&mut self, path: &Path, stands_for: Option<usize>) {
        let folder = self.find(path.parent().unwrap());
        self.changes(folder).push(vec![(last(path), stands_for)]);
    }

    fn changes(&mut self, folder: usize) -> &mut Vec<Change> {
        match &mut self.things[folder].content {
            Content::Folder { unsafe_yet, .. } => unsafe_yet,
            Content::File { .. } => panic!("a file holds no names"),
        }
    }

    /// What a path stands for while the power is on.
    fn find(&self, path: &Path) -> usize {
        let below = path.strip_prefix(&self.root).unwrap();
        below.iter().fold(self.top, |folder, name| {
            let names = self.names(folder, &mut |changes| changes);
            *names
                .get(name.to_str().unwrap())
                .unwrap_or_else(|| panic!("{} was never made, as far as was recorded", path.display()))
        })
    }

    fn names(&self, folder: usize, kept: &mut dyn FnMut(usize) -> usize) -> Names {
        match &self.things[folder].content {
            Content::Folder { safe, unsafe_yet } => {
                let mut names = safe.clone();
                unsafe_yet.iter().take(kept(unsafe_yet.len())).for_each(|change| rename(&mut names, change));
                names
            }
            Content::File { .. } => Names::new(),
        }
    }

    /// What is found when the power is back. `outside` is no part of the disk, but the world, which forgets nothing.
    pub(crate) fn after(&self, survives: Survives, outside: &str) -> Tree {
        let mut chance = Chance(match survives {
            Survives::Some(seed) => seed,
            Survives::All | Survives::Nothing | Survives::Names => 0,
        });
        let mut tree = Tree::new();
        let mut folders = vec![(self.root.clone(), self.top, survives)];
        while let Some((path, folder, survives)) = folders.pop() {
            let names = self.names(folder, &mut |changes| match survives {
                Survives::All | Survives::Names => changes,
                Survives::Nothing => 0,
                Survives::Some(_) => chance.up_to(changes),
            });
            for (name, thing) in names {
                let survives = if name == outside { Survives::All } else { survives };
                let path = path.join(&name);
                let Thing { mode, content } = &self.things[thing];
                match content {
                    Content::Folder { .. } => {
                        folders.push((path.clone(), thing, survives));
                        tree.insert(path, (*mode, None));
                    }
                    // Shared memory, which is no content.
                    Content::File { .. } if name.ends_with("-shm") => {}
                    Content::File { safe, unsafe_yet } => {
                        let content = content_after(safe, unsafe_yet, survives, &mut chance);
                        tree.insert(path, (*mode, Some(content)));
                    }
                }
            }
        }
        tree
    }
}

fn content_after(safe: &[u8], edits: &[Edit], survives: Survives, chance: &mut Chance) -> Vec<u8> {
    let mut content = safe.to_vec();
    for (index, edit) in edits.iter().enumerate() {
        match (survives, edit) {
            (Survives::All, _) => edit.make(&mut content),
            (Survives::Some(_), Edit::Write(at, bytes)) if index + 1 == edits.len() => {
                Edit::Write(*at, bytes[..chance.up_to(bytes.len())].to_vec()).make(&mut content);
            }
            (Survives::Some(_), _) if chance.up_to(1) == 1 => edit.make(&mut content),
            (Survives::Nothing | Survives::Names | Survives::Some(_), _) => {}
        }
    }
    content
}

impl Edit {
    fn make(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(_, bytes) if bytes.is_empty() => {}
            Self::Write(at, bytes) => {
                let end = at + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Size(size) => content.resize(*size, 0),
        }
    }
}

fn rename(names: &mut Names, change: &Change) {
    for (name, stands_for) in change {
        match stands_for {
            Some(thing) => drop(names.insert(name.clone(), *thing)),
            None => drop(names.remove(name)),
        }
    }
}

fn last(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Numbers that look random and are the same in each run.
struct Chance(u64);

impl Chance {
    /// From 0 to `most`.
    fn up_to(&mut self, most: usize) -> usize {
        // The generator splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (most as u64 + 1)).unwrap()
    }
}

/// Everything below a folder, as it is now; `-shm` left out as above.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            if metadata.is_dir() {
                folders.push(path.clone());
                tree.insert(path, (mode, None));
            } else if !path.to_str().unwrap().ends_with("-shm") {
                let content = fs::read(&path).unwrap();
                tree.insert(path, (mode, Some(content)));
            }
        }
    }
    tree
}

/// Makes a folder hold exactly this.
pub(crate) fn put(root: &Path, tree: &Tree) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for (path, (mode, content)) in tree {
        match content {
            Some(content) => fs::write(path, content).unwrap(),
            None => fs::create_dir(path).unwrap(),
        }
        fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
    }
}
