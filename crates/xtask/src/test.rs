//! `cargo xtask test`: prepares the machine, then checks and tests everything, on real components.

use anyhow::Result;

use crate::{
    args::{Args, Spec},
    check,
    contributor::{self, Persona},
    session,
    sh::Cmd,
    stages::Stages,
    workspace::Workspace,
};

pub(crate) const USAGE: &str =
    "test                                      install what is missing, check, run every test";

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    Args::parse(words, &Spec { flags: &[], options: &[], name: false })?;
    let mut stages = Stages::default();
    stages.stage("build the command line", "cargo build --workspace --bin firstlight", || {
        contributor::build(workspace, "firstlight")
    })?;
    let alone = contributor::prepare_alone(workspace, Persona::Test);
    stages.stage("prepare this machine", &alone, || contributor::prepare(workspace, Persona::Test))?;
    check::stages(workspace, &mut stages)?;
    // The tests drive our programs as people get them, and `cargo test` only builds those of packages it tests. Not
    // xtask: Windows does not let a program be replaced while it runs.
    stages.stage("build the programs", "cargo build --workspace --exclude xtask --bins", || {
        workspace.cargo().args(["build", "--workspace", "--exclude", "xtask", "--locked", "--bins"]).run()
    })?;
    stages.stage("Rust tests", "cargo test --workspace", || rust_tests(workspace))?;
    stages.stage("UI tests", "cd ui && npm test", || workspace.npm().arg("test").run())?;
    stages.stage("UI accessibility", "cd ui && npm run test:a11y", || {
        workspace.npm().args(["run", "test:a11y"]).run()
    })?;
    stages.stage("the hub's page", "cd ui && npm run test:hub", || {
        let test = workspace.npm().args(["run", "test:hub"]);
        test.env("FIRSTLIGHT_BIN_DIR", workspace.target.join("debug")).run()
    })?;
    stages.finish();
    Ok(())
}

/// On Linux always in a session of its own: tests store and delete credentials, and a contributor's keychain is theirs.
fn rust_tests(workspace: &Workspace) -> Result<()> {
    let test = with_end_to_end(workspace, workspace.cargo())?.args(["test", "--workspace", "--locked"]);
    if cfg!(target_os = "linux") {
        let scratch = workspace.scratch("test")?;
        session::in_keyring_session(test, &scratch.folder("keyring")?).run()
    } else {
        test.run()
    }
}

/// What the end-to-end tests need to find our programs and the WebDriver.
pub(crate) fn with_end_to_end(workspace: &Workspace, command: Cmd) -> Result<Cmd> {
    Ok(command
        .env("FIRSTLIGHT_BIN_DIR", workspace.target.join("debug"))
        .env("PATH", workspace.path_with_tools()?))
}
