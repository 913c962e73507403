//! The files a template makes, in memory until all of them are known. Every path is looked at here, whoever made it:
//! none leaves the folder, none is git's own or ours.

use std::collections::{BTreeMap, BTreeSet};

use super::trouble::Trouble;
use crate::providers::whole_file::digest;

/// At most this many files in a result.
pub(super) const MAX_FILES: usize = 5_000;
/// At most this many bytes in all of them.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The folder of a result that says what made it.
pub(super) const RECORD_FOLDER: &str = ".firstlight";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) content: Vec<u8>,
    pub(super) executable: bool,
}

/// Files and folders, by path with `/` between names.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, File>,
    folders: BTreeSet<String>,
    bytes: usize,
}

impl Tree {
    pub(super) fn files(&self) -> &BTreeMap<String, File> {
        &self.files
    }

    /// The digest of every file, by path.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        self.files.iter().map(|(path, file)| (path.clone(), digest(&file.content))).collect()
    }

    pub(super) fn folders(&self) -> &BTreeSet<String> {
        &self.folders
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.is_folder(path)
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.folders.contains(path)
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Puts a file in place of the one that is there, if one is.
    pub(super) fn put(&mut self, path: &str, file: File) -> Result<(), Trouble> {
        if path.is_empty() || self.folders.contains(path) {
            return Err(clash(path, "a folder"));
        }
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.make_folder(folder)?;
        }
        self.bytes += file.content.len();
        if let Some(old) = self.files.insert(path.to_owned(), file) {
            self.bytes -= old.content.len();
        }
        if self.files.len() > MAX_FILES || self.bytes > MAX_BYTES {
            return Err(Trouble::new(
                format!("the template makes more than {MAX_FILES} files or {} MB", MAX_BYTES / 1024 / 1024),
                "make the template smaller; what is large can be fetched by a step of its own",
            ));
        }
        Ok(())
    }

    /// Makes a folder, and those it lies in.
    pub(super) fn make_folder(&mut self, path: &str) -> Result<(), Trouble> {
        let mut end = 0;
        while let Some(next) = path.get(end..).filter(|rest| !rest.is_empty()) {
            let until = next.find('/').map_or(path.len(), |at| end + at);
            let folder = &path[..until];
            if self.files.contains_key(folder) {
                return Err(clash(folder, "a file"));
            }
            if !self.folders.contains(folder) {
                self.folders.insert(folder.to_owned());
            }
            end = until + 1;
        }
        Ok(())
    }

    /// Takes a file or a folder with everything in it out; what was taken, by its path below `path`.
    pub(super) fn take(&mut self, path: &str) -> Self {
        let below = |name: &str| {
            if name == path {
                return Some(String::new());
            }
            name.strip_prefix(path)?.strip_prefix('/').map(str::to_owned)
        };
        let mut taken = Self::default();
        self.files.retain(|name, file| match below(name) {
            Some(rest) => {
                self.bytes -= file.content.len();
                taken.bytes += file.content.len();
                taken
                    .files
                    .insert(rest, std::mem::replace(file, File { content: Vec::new(), executable: false }));
                false
            }
            None => true,
        });
        self.folders.retain(|name| match below(name) {
            Some(rest) => {
                taken.folders.insert(rest);
                false
            }
            None => true,
        });
        taken
    }

    /// Puts what was taken elsewhere.
    pub(super) fn graft(&mut self, path: &str, taken: Self) -> Result<(), Trouble> {
        let join = |rest: &str| if rest.is_empty() { path.to_owned() } else { format!("{path}/{rest}") };
        for folder in &taken.folders {
            self.make_folder(&join(folder))?;
        }
        for (rest, file) in taken.files {
            self.put(&join(&rest), file)?;
        }
        Ok(())
    }

    /// The part below a folder, copied.
    pub(super) fn below(&self, folder: &str) -> Self {
        if folder.is_empty() { self.clone() } else { self.clone().take(folder) }
    }
}

fn clash(path: &str, what: &str) -> Trouble {
    Trouble::new(
        format!("`{path}` would be a file and a folder: {what} of that name is there already"),
        "change the template, so that names differ",
    )
}

/// A path as a template gives it, in one spelling: relative, without `.`, with `/` between names. Empty for the folder
/// itself. Refuses what leads out, and what is not a template's to write.
pub(super) fn safe(text: &str) -> Result<String, Trouble> {
    let refuse = |why: &str| {
        Err(Trouble::new(
            format!("the path `{}` {why}", text.escape_debug()),
            "change the template, or the value the path is made of",
        ))
    };
    if text.starts_with('/') || text.starts_with('~') || text.as_bytes().get(1) == Some(&b':') {
        return refuse("is not relative to the result");
    }
    if text.contains('\\') || text.chars().any(char::is_control) {
        return refuse("holds a backslash or a control character");
    }
    if text.len() > 1_024 {
        return refuse("is too long");
    }
    let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    for name in &names {
        // Windows takes no notice of dots and spaces at the end, and knows long names by a short one too.
        let plain = name.trim_end_matches(['.', ' ']).to_lowercase();
        if *name == ".." || plain.is_empty() {
            return refuse("leads out of the result");
        }
        if plain == ".git" || plain == "git~1" {
            return refuse("is git's own");
        }
    }
    if names.first().is_some_and(|name| name.to_lowercase() == RECORD_FOLDER) {
        return refuse("is kept for what made the result");
    }
    Ok(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { content: text.into(), executable: false }
    }

    #[test]
    fn e6_no_path_leads_out() {
        for good in ["a", "./a/b", "a//b", ".github/x", "a..b", "..a", ".", ""] {
            assert!(safe(good).is_ok(), "{good}");
        }
        assert_eq!(safe("./a//b/./c/").unwrap(), "a/b/c");
        for bad in
            ["..", "a/../b", "/etc/passwd", "~/x", "C:/x", "c:x", "a\\b", "..\\a", "a\nb", "a/.. /b", "a/..."]
        {
            assert!(safe(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn e8_nothing_is_written_into_a_repository_itself() {
        for bad in [".git/hooks/pre-commit", "a/.GIT/config", ".git", ".git./x", ".git /x", "GIT~1/config"] {
            assert!(safe(bad).is_err(), "{bad:?}");
        }
        for good in [".gitignore", ".github/x", "git/x", ".gitattributes"] {
            assert!(safe(good).is_ok(), "{good}");
        }
        assert!(safe(".firstlight/scaffold.json").is_err());
    }

    #[test]
    fn files_and_folders_do_not_share_a_name() {
        let mut tree = Tree::default();
        tree.put("a/b", file("x")).unwrap();
        assert!(tree.put("a", file("x")).is_err());
        assert!(tree.put("a/b/c", file("x")).is_err());
        assert!(tree.make_folder("a/b").is_err());
        tree.put("a/b", file("longer")).unwrap();
        assert_eq!(tree.bytes, 6);
    }

    #[test]
    fn what_is_taken_can_be_put_elsewhere() {
        let mut tree = Tree::default();
        tree.put("a/b/c", file("1")).unwrap();
        tree.put("ab", file("2")).unwrap();
        tree.make_folder("a/empty").unwrap();
        let taken = tree.take("a");
        assert_eq!(tree.files().keys().collect::<Vec<_>>(), ["ab"]);
        tree.graft("x/y", taken).unwrap();
        assert_eq!(tree.files().keys().collect::<Vec<_>>(), ["ab", "x/y/b/c"]);
        assert!(tree.is_folder("x/y/empty"));
        let taken = tree.take("ab");
        tree.graft("z", taken).unwrap();
        assert_eq!(tree.below("x").files().keys().collect::<Vec<_>>(), ["y/b/c"]);
        assert_eq!(tree.bytes, 2);
    }

    #[test]
    fn e7_a_result_has_a_size() {
        let mut tree = Tree::default();
        let large = || File { content: vec![0; MAX_BYTES / 2], executable: false };
        tree.put("a", large()).unwrap();
        tree.put("b", large()).unwrap();
        assert!(tree.put("c", file("x")).is_err());
    }
}
