//! `cargo xtask conformance`: the conformance suite of The Update Framework against `firstlight tuf-client`.
//!
//! The suite is somebody else's and fetched by nobody at test time: CONTRIBUTING.md says where to put it. There is no list
//! of expected failures; any failure is one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    args::{Args, Spec},
    sh::Cmd,
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "conformance [--suite DIR]                 run tuf-conformance against `firstlight tuf-client` (DIR: target/tuf-conformance if not said)";

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    let args = Args::parse(words, &Spec { flags: &[], options: &["--suite"], name: false })?;
    let suite = args.value("--suite").map_or_else(|| workspace.target.join("tuf-conformance"), PathBuf::from);
    let suite = std::path::absolute(&suite).with_context(|| format!("{} is no folder", suite.display()))?;
    if !suite.join("tuf_conformance").is_dir() {
        bail!(
            "{} does not hold the suite; get it from https://github.com/theupdateframework/tuf-conformance, \
             run `make dev` in it, and name its folder with --suite",
            suite.display()
        );
    }
    if !Cmd::new("faketime").args(["2030-01-01", "true"]).succeeds() {
        bail!(
            "`faketime` is missing, which the suite moves the client's clock with; on Debian it is the package `faketime`"
        );
    }
    workspace.cargo().args(["build", "--locked", "--package", "firstlight-cli"]).run()?;
    let entrypoint = entrypoint(&workspace.binary("debug", "firstlight"))?;
    pytest(&suite).args(["tuf_conformance", "--entrypoint", &entrypoint]).dir(&suite).run()
}

/// The suite splits what it starts at spaces.
fn entrypoint(program: &Path) -> Result<String> {
    let program = program.to_str().context("the target folder's name is not Unicode")?;
    if program.contains(' ') {
        bail!("the suite cannot start `{program}`, because its path has a space; move the target folder");
    }
    Ok(format!("{program} tuf-client"))
}

/// The suite's own environment, as its `make dev` makes it, or whatever Python is there.
fn pytest(suite: &Path) -> Cmd {
    let own = suite.join("env").join("bin").join("pytest");
    if own.is_file() { Cmd::new(own) } else { Cmd::new("python3").args(["-m", "pytest"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_suite_could_not_start_is_said() {
        assert_eq!(entrypoint(Path::new("/t/debug/firstlight")).unwrap(), "/t/debug/firstlight tuf-client");
        assert!(entrypoint(Path::new("/my target/firstlight")).is_err());
    }
}
