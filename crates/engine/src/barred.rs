//! What may not be worked with for now: a project or a program of which something is known that the pack's policy does not
//! let pass. The host says what and why; here is told which steps it is about.

use std::path::{Path, PathBuf};

use firstlight_domain::{id::StepId, kind::Class};

use crate::engine::Ready;

/// Everything that may not be worked with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Barred(pub Vec<Bar>);

/// One thing that may not be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What.
    pub what: What,
    /// Why, and what to do about it.
    pub reason: String,
}

/// A thing that can be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A folder and what is in it.
    Folder {
        /// Where.
        path: PathBuf,
        /// The step that made it.
        made_by: StepId,
    },
    /// A program, by the name it is started with.
    Program(String),
}

impl Barred {
    /// Why a step may not be done, if it works with something barred: a command of it runs in the folder or is the
    /// program, or the machine does it and it needs what the folder's step made. The step that made it may be done, and so
    /// may one that only scans.
    pub(crate) fn reason(&self, ready: &Ready, class: Class) -> Option<&str> {
        if ready.step.uses == SCANS {
            return None;
        }
        self.0.iter().find(|bar| bar.is_about(ready, class)).map(|bar| bar.reason.as_str())
    }
}

/// The kind of step that looks at a project without running anything of it.
const SCANS: &str = "scan";

impl Bar {
    fn is_about(&self, ready: &Ready, class: Class) -> bool {
        let mut commands = ready.resolved.commands.iter();
        match &self.what {
            What::Folder { made_by, .. } if ready.step.id == *made_by => false,
            What::Folder { path, made_by } => {
                let needs = class == Class::Task && ready.step.needs.contains(made_by);
                needs
                    || commands
                        .any(|line| line.cwd.as_deref().is_some_and(|cwd| Path::new(cwd).starts_with(path)))
            }
            What::Program(name) => commands.any(|line| {
                let program = line.argv.first().filter(|_| !line.shell).map(Path::new);
                program.and_then(|program| program.file_name()).is_some_and(|file| is_named(file, name))
            }),
        }
    }
}

/// Windows starts `git` as `git.exe`.
fn is_named(file: &std::ffi::OsStr, name: &str) -> bool {
    let without = Path::new(file).extension().filter(|extension| extension.eq_ignore_ascii_case("exe"));
    match without {
        Some(_) => Path::new(file).file_stem().is_some_and(|stem| stem == name),
        None => file == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_its_name_alone() {
        for (file, named) in
            [("git", true), ("git.exe", true), ("git.EXE", true), ("gitk", false), ("git.sh", false)]
        {
            assert_eq!(is_named(file.as_ref(), "git"), named, "{file}");
        }
        assert!(is_named("python3.11".as_ref(), "python3.11"));
    }
}
