//! The projects of a journey, and the lockfiles in a project: bounded, and never through a symbolic link.

use std::{
    fs,
    path::{Path, PathBuf},
};

use firstlight_advisories::lockfile::Lockfile;
use firstlight_domain::{journey::Journey, pack::Pack, state::StepState};

use super::look::Project;

/// How deep below a project's folder lockfiles are looked for.
const MAX_DEPTH: usize = 5;
/// How many entries of folders are looked at in one project.
const MAX_ENTRIES: usize = 50_000;
/// Folders with what was fetched or built, beside every folder whose name begins with a dot.
const SKIPPED: [&str; 5] = ["node_modules", "target", "venv", "vendor", "__pycache__"];
/// Kinds of steps that bring a project, with the output that says where.
const BRINGS: [(&str, &str); 2] = [("git/clone", "path"), ("scaffold", "path")];

/// The folders of the steps that are done and brought a project.
pub(super) fn of(pack: &Pack, journey: &Journey) -> Vec<Project> {
    let steps = journey.steps.iter().filter_map(|(id, record)| {
        let step = pack.steps.get(id)?;
        let (_, output) = BRINGS.iter().find(|(kind, _)| *kind == step.uses)?;
        let (_, state) = record.now()?;
        // What is blocked or fails now was there when it was last done.
        let folder = if *state == StepState::Undone { None } else { record.last_outputs()?.get(*output) };
        Some(Project { step: Some(id.clone()), folder: PathBuf::from(folder?) })
    });
    steps.collect()
}

/// What was found in a project.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lockfiles {
    /// Each with its path from the project's folder, with `/`.
    pub(super) files: Vec<(String, Lockfile)>,
    /// Why not everything was looked at, if so.
    pub(super) cut_short: Option<String>,
}

/// Looks for lockfiles. A folder that is not there has none.
pub(super) fn lockfiles(folder: &Path) -> Lockfiles {
    let mut found = Walk { lockfiles: Lockfiles::default(), left: MAX_ENTRIES };
    found.walk(folder, "", 0);
    found.lockfiles.files.sort();
    found.lockfiles
}

struct Walk {
    lockfiles: Lockfiles,
    left: usize,
}

impl Walk {
    fn walk(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                self.lockfiles.cut_short = Some(format!("{} cannot be read: {error}", folder.display()));
                return;
            }
        };
        // In the order of their names, so that what is left out of a project that is too large is always the same.
        let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if self.left == 0 {
                let why = format!("it has more than {MAX_ENTRIES} files; the rest was not looked at");
                self.lockfiles.cut_short = Some(why);
                return;
            }
            self.left -= 1;
            // Of the entry itself: a link is neither a folder nor a file.
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
            if kind.is_dir() {
                let skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
                if !skipped && depth < MAX_DEPTH {
                    self.walk(&entry.path(), &format!("{prefix}{name}/"), depth + 1);
                }
            } else if kind.is_file()
                && let Some(lockfile) = Lockfile::named(&name)
            {
                self.lockfiles.files.push((format!("{prefix}{name}"), lockfile));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockfiles_are_found_where_they_are_the_projects_own() {
        let project = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = project.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        let own = ["Cargo.lock", "api/uv.lock", "api/requirements-dev.txt", "web/package-lock.json"];
        for path in own {
            write(path);
        }
        for not in [
            "node_modules/a/package-lock.json",
            "target/package/x/Cargo.lock",
            ".git/Cargo.lock",
            ".venv/requirements.txt",
            "a/b/c/d/e/f/Cargo.lock",
            "notes/requirements.md",
        ] {
            write(not);
        }
        let found = lockfiles(project.path());
        let mut paths: Vec<&str> = found.files.iter().map(|(path, _)| path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["Cargo.lock", "api/requirements-dev.txt", "api/uv.lock", "web/package-lock.json"]);
        assert_eq!(found.cut_short, None);
        assert_eq!(lockfiles(&project.path().join("not-there")), Lockfiles::default());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let (project, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("Cargo.lock"), "").unwrap();
        std::os::unix::fs::symlink(other.path(), project.path().join("other")).unwrap();
        std::os::unix::fs::symlink(other.path().join("Cargo.lock"), project.path().join("Cargo.lock"))
            .unwrap();
        std::os::unix::fs::symlink(project.path(), project.path().join("round")).unwrap();
        assert_eq!(lockfiles(project.path()), Lockfiles::default());
    }
}
