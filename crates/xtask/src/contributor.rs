//! A contributor's machine is prepared by the pack `assets/packs/contribute` and our own engine, like a new hire's.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{sh::Cmd, workspace::Workspace};

/// The personas of the contribute pack.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Persona {
    /// Builds and opens the app.
    Run,
    /// Runs every test as well.
    Test,
}

impl Persona {
    fn id(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Test => "test",
        }
    }
}

/// Builds a program of ours in debug.
///
/// `--workspace --bin` and not `--package`: dependencies are then built with the features the whole workspace wants, so
/// that the builds that follow use them instead of building most of them again.
pub(crate) fn build(workspace: &Workspace, program: &str) -> Result<()> {
    workspace.cargo().args(["build", "--workspace", "--locked", "--bin", program]).run()
}

/// `firstlight`, from the debug build.
pub(crate) fn firstlight(workspace: &Workspace) -> Cmd {
    Cmd::new(workspace.binary("debug", "firstlight")).dir(&workspace.root)
}

/// Lets the engine install and build what `persona` needs. The journey's state is kept in target: it is about this
/// clone, and goes with it.
pub(crate) fn prepare(workspace: &Workspace, persona: Persona) -> Result<()> {
    up(workspace, persona)
        .run()
        .context("this machine is not ready; the failed step above says what is missing")
}

/// What to type to do nothing but that.
pub(crate) fn prepare_alone(workspace: &Workspace, persona: Persona) -> String {
    format!("FIRSTLIGHT_HOME={} {}", home(workspace, persona).display(), up(workspace, persona))
}

fn up(workspace: &Workspace, persona: Persona) -> Cmd {
    firstlight(workspace)
        .args(["up", "--pack"])
        .arg(pack(workspace))
        .args(["--persona", persona.id(), "--yes"])
        .arg("--input")
        .arg(format!("repository={}", workspace.root.display()))
        .arg("--input")
        .arg(format!("target={}", workspace.target.display()))
        .env("FIRSTLIGHT_HOME", home(workspace, persona))
}

/// One home for each persona: a journal holds one journey, and one does not have to be left for the other.
fn home(workspace: &Workspace, persona: Persona) -> PathBuf {
    workspace.target.join("contribute").join(persona.id())
}

fn pack(workspace: &Workspace) -> PathBuf {
    workspace.root.join("assets").join("packs").join("contribute")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_is_told_where_repository_and_target_are() {
        let workspace = Workspace {
            root: "/clone".into(),
            target: "/clone/build".into(),
            metadata: serde_json::Value::Null,
        };
        let alone = prepare_alone(&workspace, Persona::Test).replace('\\', "/");
        assert_eq!(
            alone.replace(".exe", ""),
            "FIRSTLIGHT_HOME=/clone/build/contribute/test build/debug/firstlight up --pack /clone/assets/packs/contribute \
             --persona test --yes --input repository=/clone --input target=/clone/build"
        );
    }
}
