//! Where programs are. The system looks for a program in each folder of PATH every time it starts one, by trying to start
//! it there, which costs a short check a few per cent. A plan, during which nothing is installed, looks once.

use std::{
    collections::HashMap,
    env,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// The programs a plan has looked for so far.
#[derive(Debug, Default)]
pub struct Programs(Mutex<HashMap<String, Option<PathBuf>>>);

impl Programs {
    /// The whole path of a program on PATH. `None`: the system shall look itself, and say what it says if there is none.
    #[cfg(unix)]
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return found.clone();
        }
        let found = look(name);
        known.insert(name.to_owned(), found.clone());
        found
    }

    /// Windows looks for programs in its own way.
    #[cfg(windows)]
    #[expect(clippy::unused_self, reason = "the other systems remember")]
    pub(super) fn find(&self, _name: &str) -> Option<PathBuf> {
        None
    }
}

/// A folder of PATH that is not absolute is another one in each folder a program runs in.
#[cfg(unix)]
fn look(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").filter(|_| !name.is_empty() && !name.contains('/'))?;
    if env::split_paths(&path).any(|folder| folder.is_relative()) {
        return None;
    }
    which::which_in(name, Some(path), "/").ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_the_system_finds_it() {
        let programs = Programs::default();
        for _ in 0..2 {
            assert_eq!(programs.find("sh"), which::which("sh").ok());
            assert_eq!(programs.find("no-such-program-here"), None);
            assert_eq!(programs.find("./sh"), None, "a path is one already");
            assert_eq!(programs.find(""), None);
        }
    }
}
