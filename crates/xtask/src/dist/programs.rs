//! The two programs that are shipped, and what the terminal wants beside them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{sh::Cmd, workspace::Workspace};

/// What is shipped, by its packages. A release is built of nothing else: what only tests want stays out.
pub(crate) const PACKAGES: [&str; 2] = ["firstlight-desktop", "firstlight-cli"];

/// The name of the program for the terminal.
pub(super) const CLI: &str = "firstlight";

/// Builds both.
pub(super) fn build(workspace: &Workspace, debug: bool, epoch: &str) -> Result<()> {
    let mut cargo = workspace.cargo().args(["build", "--locked"]);
    if debug {
        // As every other build here, whose results it then uses.
        cargo = cargo.args(["--workspace", "--bin", CLI, "--bin", "firstlight-desktop"]);
    } else {
        // Not in debug, where what reads it would be built again by each build with another time.
        cargo = cargo.args(["--release", "--bins"]).env("SOURCE_DATE_EPOCH", epoch);
        for package in PACKAGES {
            cargo = cargo.args(["--package", package]);
        }
    }
    cargo.run()
}

/// Where a build leaves its programs.
pub(super) fn profile(debug: bool) -> &'static str {
    if debug { "debug" } else { "release" }
}

/// The program for the terminal under the name that Tauri takes such programs by: with the target's triple, which it cuts off.
pub(super) fn for_bundling(workspace: &Workspace, debug: bool, folder: &Path) -> Result<PathBuf> {
    let triple = triple()?;
    let program = workspace.binary(profile(debug), CLI);
    let named = folder.join(format!("{CLI}-{triple}{}", std::env::consts::EXE_SUFFIX));
    fs::copy(&program, &named).with_context(|| format!("{} could not be copied", program.display()))?;
    Ok(folder.join(CLI))
}

/// What the shells complete words by, as files of a package: where each goes, and where it is now.
pub(super) fn completions(
    workspace: &Workspace,
    debug: bool,
    folder: &Path,
) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for (shell, place) in [
        ("bash", format!("/usr/share/bash-completion/completions/{CLI}")),
        ("zsh", format!("/usr/share/zsh/vendor-completions/_{CLI}")),
        ("fish", format!("/usr/share/fish/vendor_completions.d/{CLI}.fish")),
    ] {
        let text = Cmd::new(workspace.binary(profile(debug), CLI)).args(["completions", shell]).read()?;
        let file = folder.join(format!("completions.{shell}"));
        fs::write(&file, text).with_context(|| format!("{} could not be written", file.display()))?;
        files.push((place, file));
    }
    Ok(files)
}

/// The target that is built for: the one this toolchain runs on.
pub(super) fn triple() -> Result<String> {
    let said = Cmd::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").read()?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_owned())
}
