//! `devcontainer`: the container a project's `devcontainer.json` describes, by the Dev Container CLI
//! (<https://github.com/devcontainers/cli>).
//!
#![doc = include_str!("docs/devcontainer.md")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Download, Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    container_engine::{Container as Running, Engine, Seen, refused},
    failure, failure_with, note, paths, schema,
    with::{self, Parameters, one_line, variable},
};
use crate::{
    facts::on_path,
    process::{self, Exit, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

/// The CLI.
const CLI: &str = "devcontainer";
/// Where the file is, if not said.
const PLACES: [&str; 2] = [".devcontainer/devcontainer.json", ".devcontainer.json"];
const HOSTS: &str = "What the project's `devcontainer.json` says is done: it may run commands on this machine, and fetch \
    images and features from hosts that cannot be known beforehand.";

/// The kind `devcontainer`.
pub struct Devcontainer;

/// Parameters of `devcontainer`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Devcontainer")]
pub struct With {
    /// The project's folder; `~` at its start is the home folder.
    pub folder: String,
    /// The `devcontainer.json`, by its path below the folder; where projects usually keep it if not said.
    #[serde(default)]
    pub config: Option<String>,
    /// The container engine; whichever is there if not said, docker first.
    #[serde(default)]
    pub engine: Option<Engine>,
    /// Environment variables for the CLI and the engine. Never secrets: those go into the step's `secrets`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        paths::check_machine("folder", &self.folder)?;
        if let Some(config) = &self.config {
            paths::check_in_pack("config", config).map_err(|error| WithError {
                message: error.message.replace("the pack", "the folder"),
                ..error
            })?;
        }
        self.env.iter().try_for_each(|(name, value)| {
            variable("env", name)?;
            one_line(&format!("env.{name}"), value)
        })
    }
}

impl Provider for Devcontainer {
    fn kind(&self) -> Kind {
        Kind {
            name: "devcontainer",
            class: Class::Task,
            summary: "The container a project's devcontainer.json describes, running.",
            docs: include_str!("docs/devcontainer.md"),
            schema: schema::<With>(),
            outputs: &["container", "folder"],
            // Hosts are the file's to name, and writing is done inside of the container.
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let folder = super::path(&with.folder, step.facts);
        let config = with.config.as_ref().map(|config| folder.join(config));
        Ok(Box::new(Workspace { folder, config, engine: with.engine, env: with.env }))
    }
}

/// What was there before.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    folder: PathBuf,
    /// Ids of the workspace's containers; none of them ran.
    containers: Vec<String>,
}

/// What we made, so that one the person made anew since is not taken for ours.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    made: Vec<String>,
}

struct Workspace {
    folder: PathBuf,
    config: Option<PathBuf>,
    engine: Option<Engine>,
    env: BTreeMap<String, String>,
}

#[async_trait]
impl Operation for Workspace {
    fn resolved(&self) -> Resolved {
        // Where there is none, the step is blocked; what it would be is shown all the same.
        let engine = Engine::find(self.engine).unwrap_or(self.engine.unwrap_or(Engine::Docker));
        Resolved {
            commands: vec![
                self.asking(engine).line(Purpose::Check),
                self.cli(engine, "read-configuration").line(Purpose::Check),
                self.cli(engine, "up").line(Purpose::Run),
            ],
            text: Some(HOSTS.to_owned()),
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let engine = match Engine::find(self.engine) {
            Ok(engine) => engine,
            Err(missing) => return Ok(missing.blocked(cx.facts.os)),
        };
        if !on_path(CLI) {
            return Ok(Check::Blocked {
                why: "the Dev Container CLI is not installed".to_owned(),
                hint: Some(
                    "`npm install --global @devcontainers/cli`, or add a `tools` step with \
                     `npm:@devcontainers/cli`"
                        .to_owned(),
                ),
            });
        }
        if !self.folder.is_dir() {
            return Ok(Check::Unknown { why: format!("{} does not exist", self.folder.display()) });
        }
        let places: Vec<PathBuf> = match &self.config {
            Some(config) => vec![config.clone()],
            None => PLACES.iter().map(|place| self.folder.join(place)).collect(),
        };
        if !places.iter().any(|place| place.is_file()) {
            return Ok(Check::Blocked {
                why: format!("there is no {}", places.first().unwrap_or(&self.folder).display()),
                hint: Some("name the file in the step's `config`, or add it to the project".to_owned()),
            });
        }
        let containers = match self.containers(cx, engine).await? {
            Ok(containers) => containers,
            Err(blocked) => return Ok(blocked),
        };
        if let Some(running) = containers.iter().find(|container| container.runs) {
            let folder = self.remote_folder(cx, engine).await?;
            return Ok(Check::Satisfied {
                outputs: [("container".to_owned(), running.id.clone()), ("folder".to_owned(), folder)].into(),
            });
        }
        let what = if containers.is_empty() { "make and start" } else { "start again" };
        Ok(Check::Needed {
            what: format!(
                "would {what} the development container of {} with {}",
                self.folder.display(),
                engine.program()
            ),
            files: Vec::new(),
        })
    }

    async fn download(&self, _cx: &Context) -> Download {
        Download::Unknown
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let engine = self.found(cx)?;
        let containers = self.containers(cx, engine).await?.map_err(refused)?;
        if containers.iter().any(|container| container.runs) {
            return Ok(());
        }
        let before: Vec<String> = containers.into_iter().map(|container| container.id).collect();
        cx.keep_receipt(Receipt { folder: self.folder.clone(), containers: before.clone() })?;
        let exit = process::run(cx, self.cli(engine, "up").step_secrets(cx)).await?;
        // Also what did not come up whole.
        let after = self.containers(cx, engine).await?.map_err(refused)?;
        let made = after.into_iter().map(|container| container.id).filter(|id| !before.contains(id));
        note::keep(cx, &Note { made: made.collect() })?;
        if exit.ok() { Ok(()) } else { Err(not_started(&self.folder, exit)) }
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: Receipt = read_receipt(receipt)?;
        if receipt.folder != self.folder {
            return Err(failure_with(
                format!(
                    "the step names {} now, but started the container of {}",
                    self.folder.display(),
                    receipt.folder.display()
                ),
                "remove the old container yourself if you do not need it",
            ));
        }
        let engine = self.found(cx)?;
        let made = note::read::<Note>(cx)?.map(|note| note.made);
        for container in self.containers(cx, engine).await?.map_err(refused)? {
            let was_there = receipt.containers.contains(&container.id);
            // Without a note we were cut off before anybody else could make one.
            let is_ours = made.as_ref().map_or(!was_there, |made| made.contains(&container.id));
            let words: &[&str] = match (was_there, is_ours) {
                (true, _) => &["stop", &container.id],
                (false, true) => &["rm", "--force", &container.id],
                (false, false) => continue,
            };
            process::run(cx, self.handed(engine.process(words))).await?.or_fail("stopping the container")?;
        }
        note::forget(cx)
    }
}

impl Workspace {
    /// The engine, where a check said that there is one.
    fn found(&self, cx: &Context) -> Result<Engine, Failure> {
        Engine::find(self.engine).map_err(|missing| refused(missing.blocked(cx.facts.os)))
    }

    fn handed(&self, process: Process) -> Process {
        self.env.iter().fold(process, |process, (name, value)| process.env(name, value))
    }

    fn cli(&self, engine: Engine, command: &str) -> Process {
        let folder = self.folder.display().to_string();
        let mut cli = Process::new(CLI).args([command, "--docker-path", engine.program()]);
        if engine == Engine::Podman && on_path("podman-compose") {
            cli = cli.args(["--docker-compose-path", "podman-compose"]);
        }
        cli = cli.args(["--workspace-folder", &folder]);
        if let Some(config) = &self.config {
            cli = cli.arg("--config").arg(config.display().to_string());
        }
        self.handed(cli)
    }

    /// The containers of this workspace, by the labels they were given.
    fn asking(&self, engine: Engine) -> Process {
        let folder = labelled(&self.folder);
        let config = self.config.as_deref().map(labelled);
        let mut labels = vec![("devcontainer.local_folder", folder.as_str())];
        labels.extend(config.as_deref().map(|config| ("devcontainer.config_file", config)));
        self.handed(engine.containers(&labels))
    }

    async fn containers(&self, cx: &Context, engine: Engine) -> Result<Result<Vec<Running>, Check>, Failure> {
        let exit = process::quick(cx, self.asking(engine)).await?;
        Ok(match engine.read(exit, cx.facts.os)? {
            Seen::Containers(containers) => Ok(containers),
            Seen::Blocked(blocked) => Err(blocked),
        })
    }

    /// Where the project's folder is inside of the container.
    async fn remote_folder(&self, cx: &Context, engine: Engine) -> Result<String, Failure> {
        let exit = process::quick(cx, self.cli(engine, "read-configuration").step_secrets(cx)).await?;
        let read: Value = serde_json::from_str(&exit.or_fail("`devcontainer read-configuration`")?.text())
            .map_err(|error| {
                failure(format!("what the Dev Container CLI answered cannot be read: {error}"))
            })?;
        let folder = read.pointer("/workspace/workspaceFolder").and_then(Value::as_str);
        folder.map(str::to_owned).ok_or_else(|| {
            failure("the Dev Container CLI did not say where the project is inside of the container")
        })
    }
}

/// A path as it stands in a label: the CLI and editors write the letter of a drive small.
fn labelled(path: &Path) -> String {
    let text = path.display().to_string();
    match text.split_at_checked(1) {
        Some((drive, rest)) if cfg!(windows) && rest.starts_with(':') => drive.to_lowercase() + rest,
        _ => text,
    }
}

/// Why `up` did not work: its last line says so, as JSON.
fn not_started(folder: &Path, exit: Exit) -> Failure {
    let text = exit.text();
    let result: Option<Value> = text.lines().next_back().and_then(|line| serde_json::from_str(line).ok());
    let told = result.as_ref().and_then(|result| {
        ["description", "message"].iter().find_map(|key| result.get(key).and_then(Value::as_str))
    });
    let why = told.map_or_else(|| format!("code {}", exit.code), str::to_owned);
    Failure {
        cause: format!("the development container of {} could not be started: {why}", folder.display()),
        hint: Some("the log has the whole story; mend what it names, then try again".to_owned()),
        last_lines: exit.tail,
    }
}
