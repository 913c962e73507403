//! devcontainer.json: the container a project is worked on in.
//!
//! Source: <https://containers.dev/implementors/json_reference/>. The Dev Container CLI reads the file itself, so one
//! step brings all of it up; what only an editor or a host heeds is listed.

use super::{
    Draft, Format, Source,
    draft::Found,
    tree::{self, Branch, Unreadable},
};

pub(super) struct Devcontainer;

/// What an editor or the host does, and the CLI does not.
const NOT_BY_THE_CLI: &[(&str, &str)] = &[
    ("customizations", "an editor heeds it"),
    ("extensions", "an editor heeds it"),
    ("settings", "an editor heeds it"),
    ("forwardPorts", "an editor forwards ports; publish them in the file (`appPort`, compose)"),
    ("portsAttributes", "an editor heeds it"),
    ("otherPortsAttributes", "an editor heeds it"),
    (
        "hostRequirements",
        "whoever gives the machine heeds it: a `posture` or a `command` with a check can look",
    ),
    ("shutdownAction", "an editor heeds it"),
    ("secrets", "each is a `credential` step, so that it is tested and kept in the keychain"),
];
/// What the CLI reads, by the reference.
const BY_THE_CLI: &[&str] = &[
    "$schema",
    "name",
    "image",
    "build",
    "dockerFile",
    "dockerfile",
    "context",
    "dockerComposeFile",
    "service",
    "runServices",
    "workspaceFolder",
    "workspaceMount",
    "features",
    "overrideFeatureInstallOrder",
    "appPort",
    "containerEnv",
    "remoteEnv",
    "containerUser",
    "remoteUser",
    "updateRemoteUserUID",
    "userEnvProbe",
    "overrideCommand",
    "init",
    "privileged",
    "capAdd",
    "securityOpt",
    "mounts",
    "runArgs",
    "initializeCommand",
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
    "waitFor",
];

impl Format for Devcontainer {
    fn name(&self) -> &'static str {
        "devcontainer"
    }

    fn places(&self) -> &'static [&'static str] {
        &[".devcontainer/devcontainer.json", ".devcontainer.json"]
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        let root = tree::json(&source.text)?;
        let Branch::Fields(fields) = &root.data else {
            return Err((1, "it is not a group of fields".to_owned()));
        };
        let (mut carried, mut left) = (Vec::new(), Vec::new());
        for (name, value) in fields {
            if BY_THE_CLI.contains(&name.as_str()) {
                carried.push(name.as_str());
            } else {
                let why = NOT_BY_THE_CLI.iter().find(|(known, _)| known == name);
                left.push((
                    value.line,
                    name,
                    why.map_or("the Dev Container CLI does not know it", |(_, why)| why),
                ));
            }
        }
        let title = root
            .text_of("name")
            .map_or_else(|| "Bring up the container".to_owned(), |name| format!("Bring up {name}"));
        let found = Found {
            name: "devcontainer".to_owned(),
            title,
            why: Some(format!(
                "The project is worked on in a container; its devcontainer.json says how it is made ({}).",
                carried.join(", ")
            )),
            uses: "devcontainer",
            project: Some("folder"),
            ..Found::default()
        };
        draft.add(root.line, "devcontainer.json", found);
        for (line, name, why) in left {
            draft.leave(line, name, why);
        }
        Ok(())
    }
}
