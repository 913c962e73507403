//! `xtask spawn-checks FOLDER N PARALLEL`: the least that checking N files by `test -e` can cost. A handful of threads,
//! each starting one process after the other, nothing else.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result, bail};

/// The file that check `index` asks for.
pub(crate) fn file(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("done-{index}"))
}

/// Runs the command: fails unless every file is there.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [folder, count, parallel] = words else {
        bail!("spawn-checks needs a folder, a number and a parallelism")
    };
    let count: usize = count.parse().context("the number of checks is not a number")?;
    let parallel: usize = parallel.parse().context("the parallelism is not a number")?;
    let passed = spawn(Path::new(folder), count, parallel);
    if passed != count {
        bail!("{passed} of {count} checks passed");
    }
    Ok(())
}

fn spawn(folder: &Path, count: usize, parallel: usize) -> usize {
    let next = AtomicUsize::new(0);
    let passed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..parallel.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let mut check = Command::new("test");
                    check.arg("-e").arg(file(folder, index));
                    check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    if check.status().is_ok_and(|status| status.success()) {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    passed.into_inner()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn counts_the_files_that_are_there() {
        let folder = std::env::temp_dir().join(format!("firstlight-spawn-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for index in [0, 2, 3] {
            std::fs::write(file(&folder, index), "").unwrap();
        }
        assert_eq!(spawn(&folder, 5, 3), 3);
        assert_eq!(spawn(&folder, 0, 3), 0);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
