//! `cargo xtask check`: everything a reviewer should not have to look for.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{
    args::{Args, Spec},
    contributor, direction, generate,
    sh::Cmd,
    stages::Stages,
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "check                                     format, direction of crates, generated files, lints, UI lint and types";

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    Args::parse(words, &Spec { flags: &[], options: &[], name: false })?;
    let mut all = Stages::default();
    stages(workspace, &mut all)?;
    all.finish();
    Ok(())
}

/// The stages, quickest first. Also part of `cargo xtask test`.
pub(crate) fn stages(workspace: &Workspace, stages: &mut Stages) -> Result<()> {
    stages
        .stage("format", "cargo fmt --all", || workspace.cargo().args(["fmt", "--all", "--check"]).run())?;
    stages.stage("direction of crates", "cargo xtask check", || {
        let broken = direction::broken(&workspace.metadata)?;
        if !broken.is_empty() {
            bail!("{}", broken.join("\n"));
        }
        println!("every arrow between our crates is allowed by crates/xtask/src/direction.rs");
        Ok(())
    })?;
    // Both are done already when this is part of `cargo xtask test`. The desktop does not compile without its pages.
    let ui = workspace.root.join("ui");
    stages.stage("UI packages", "cd ui && npm ci", || {
        unless_there(&ui.join("node_modules"), &workspace.npm().args(["ci", "--no-audit", "--no-fund"]))
    })?;
    // The hub's page is built last.
    stages.stage("UI pages", "cd ui && npm run build", || {
        unless_there(&ui.join("hub").join("dist"), &workspace.npm().args(["run", "build"]))
    })?;
    stages.stage("UI lint", "cd ui && npm run lint", || workspace.npm().args(["run", "lint"]).run())?;
    stages.stage("UI types", "cd ui && npm run check", || workspace.npm().args(["run", "check"]).run())?;
    stages.stage("generated files", "cargo xtask gen", || {
        contributor::build(workspace, "firstlight")?;
        generate::check(workspace)
    })?;
    stages.stage("supply chain", "cargo test --workspace --test supply_chain", || {
        workspace.cargo().args(["test", "--workspace", "--locked", "--test", "supply_chain"]).run()
    })?;
    stages.stage("clippy", "cargo clippy --workspace --all-targets", || {
        workspace
            .cargo()
            .args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
            .run()
    })
}

fn unless_there(folder: &Path, make: &Cmd) -> Result<()> {
    if folder.is_dir() {
        println!("{} is there", folder.display());
        return Ok(());
    }
    make.run()
}
