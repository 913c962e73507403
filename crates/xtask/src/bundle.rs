//! A template as a Git bundle: a whole repository in one file, to be cloned without a network.
//!
//! The recipe is in `assets/templates/README.md`. The commit is always the same for the same files; should another Git
//! pack it into other bytes, an existing bundle with the right tree inside is kept as it is.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::sh::Cmd;

const BRANCH: &str = "main";
const WHO: &str = "Firstlight";
const EMAIL: &str = "hello@firstlight.dev";
const WHEN: &str = "2025-01-01T00:00:00+0000";

/// The bytes of the bundle of the folder `template`; those of `existing` if it already holds these files. Both paths are
/// from `root`, the repository in which the template lies.
pub(crate) fn bundle(root: &Path, template: &Path, existing: &Path, scratch: &Path) -> Result<Vec<u8>> {
    let files = tracked(root, template)?;
    let wanted = Repository::init(&scratch.join("wanted.git"))?;
    let tree = wanted.tree_of(&root.join(template), &files, scratch)?;
    let existing = root.join(existing);
    if existing.is_file() && tree_in(&existing, scratch).as_ref() == Some(&tree) {
        return fs::read(&existing).with_context(|| format!("{} could not be read", existing.display()));
    }
    let name = template.file_name().context("the template's folder has no name")?.to_string_lossy();
    wanted.commit(&tree, &format!("{name}, as shipped with the Firstlight sample pack"))?;
    let new = scratch.join("new.bundle");
    wanted
        .git()
        .args(["-c", "pack.threads=1", "-c", "pack.window=0", "-c", "core.compression=0"])
        .args(["bundle", "create", "--quiet", "--version=2"])
        .arg(&new)
        .args(["HEAD", BRANCH])
        .read()?;
    fs::read(&new).with_context(|| format!("{} could not be read", new.display()))
}

/// The template's files by Git's own rules: no `node_modules`, nothing ignored. NUL-separated, from the template.
fn tracked(root: &Path, template: &Path) -> Result<String> {
    let list = Cmd::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = list.dir(&root.join(template)).read()?;
    // A file that was deleted and not yet committed is still listed.
    let there = |file: &&str| !file.is_empty() && root.join(template).join(file).exists();
    Ok(listed.split('\0').filter(there).flat_map(|file| [file, "\0"]).collect())
}

/// The tree of the branch inside a bundle; nothing if it cannot be read as one.
fn tree_in(bundle: &Path, scratch: &Path) -> Option<String> {
    let repository = Repository::init(&scratch.join("existing.git")).ok()?;
    repository.git().args(["fetch", "--quiet"]).arg(bundle).arg(BRANCH).read().ok()?;
    let tree = repository.git().args(["rev-parse", "FETCH_HEAD^{tree}"]).read().ok()?;
    Some(tree.trim().to_owned())
}

struct Repository {
    folder: std::path::PathBuf,
}

impl Repository {
    fn init(folder: &Path) -> Result<Self> {
        let branch = format!("--initial-branch={BRANCH}");
        Cmd::new("git")
            .args(["init", "--quiet", "--bare", "--object-format=sha1", &branch])
            .arg(folder)
            .read()?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Git in this repository, deaf to the configuration of who runs it: hooks, line endings and signing would make
    /// another commit.
    fn git(&self) -> Cmd {
        Cmd::new("git")
            .env("GIT_DIR", &self.folder)
            .env("GIT_CONFIG_GLOBAL", if cfg!(windows) { "NUL" } else { "/dev/null" })
            .env("GIT_CONFIG_NOSYSTEM", "1")
    }

    fn tree_of(&self, folder: &Path, files: &str, scratch: &Path) -> Result<String> {
        let list = scratch.join("files");
        fs::write(&list, files).with_context(|| format!("{} could not be written", list.display()))?;
        self.git()
            .dir(folder)
            .env("GIT_WORK_TREE", folder)
            .args(["-c", "core.autocrlf=false", "-c", "core.fileMode=false", "-c", "core.symlinks=false"])
            .args(["-c", "core.bare=false", "add", "--force", "--pathspec-file-nul", "--pathspec-from-file"])
            .arg(&list)
            .read()?;
        Ok(self.git().args(["write-tree"]).read()?.trim().to_owned())
    }

    fn commit(&self, tree: &str, message: &str) -> Result<()> {
        let commit = self
            .git()
            .args(["commit-tree", tree, "-m", message])
            .env("GIT_AUTHOR_NAME", WHO)
            .env("GIT_AUTHOR_EMAIL", EMAIL)
            .env("GIT_AUTHOR_DATE", WHEN)
            .env("GIT_COMMITTER_NAME", WHO)
            .env("GIT_COMMITTER_EMAIL", EMAIL)
            .env("GIT_COMMITTER_DATE", WHEN)
            .read()?;
        self.git().args(["update-ref", &format!("refs/heads/{BRANCH}"), commit.trim()]).read()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &Path, args: &[&str]) -> String {
        Cmd::new("git").args(args).dir(dir).read().unwrap()
    }

    #[test]
    fn a_bundle_holds_the_template_and_is_kept_while_it_does() {
        let root = std::env::temp_dir().join(format!("firstlight-bundle-{}", std::process::id()));
        let template = root.join("template");
        fs::create_dir_all(template.join("node_modules")).unwrap();
        fs::write(template.join("README.md"), "hello").unwrap();
        fs::write(template.join(".gitignore"), "node_modules/\n").unwrap();
        fs::write(template.join("node_modules/big"), "no").unwrap();
        git(&root, &["init", "--quiet"]);
        let make = |scratch: &str| {
            let scratch = root.join("scratch").join(scratch);
            fs::create_dir_all(&scratch).unwrap();
            bundle(&root, Path::new("template"), Path::new("it.bundle"), &scratch).unwrap()
        };
        let first = make("first");
        fs::write(root.join("it.bundle"), &first).unwrap();
        git(&root, &["clone", "--quiet", "it.bundle", "clone"]);
        assert_eq!(git(&root.join("clone"), &["ls-files"]), ".gitignore\nREADME.md\n");
        assert_eq!(git(&root.join("clone"), &["branch", "--show-current"]).trim(), "main");
        assert_eq!(fs::read_to_string(root.join("clone/README.md")).unwrap(), "hello");

        // The same files under another message make other bytes around the same tree: kept.
        let clone = root.join("clone");
        let who = ["-c", "user.name=n", "-c", "user.email=e"];
        git(&clone, &[&who[..], &["commit", "--quiet", "--amend", "-m", "other"]].concat());
        git(&clone, &["bundle", "create", "--quiet", "../it.bundle", "HEAD", "main"]);
        let other = fs::read(root.join("it.bundle")).unwrap();
        assert_ne!(other, first);
        assert_eq!(make("kept"), other);

        fs::write(template.join("README.md"), "changed").unwrap();
        assert_ne!(make("changed"), other);
        fs::write(root.join("it.bundle"), "broken").unwrap();
        fs::write(template.join("README.md"), "hello").unwrap();
        assert_eq!(make("again"), first);
        fs::remove_dir_all(&root).unwrap();
    }
}
