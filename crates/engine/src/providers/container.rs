//! `container`: what a compose file describes, kept running by docker or podman.
//!
#![doc = include_str!("docs/container.md")]

mod parameters;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, PackFiles, WithError},
    plan::{Download, Purpose, Resolved},
    span,
    state::Failure,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::parameters::{Volumes, With};
use self::parameters::{is_on_machine, project_of};
use super::{
    container_engine::{self, Container as Running, Seen, Tool, refused},
    failure, failure_with, note, paths,
    ready::Ready,
    schema,
    whole_file::digest,
    with::{self, is_unresolved, wrong},
};
use crate::{
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

/// How often the engine is asked whether everything runs.
const LOOK: Duration = Duration::from_millis(500);
/// How long it may take to be ready once it was started, if not said.
const PATIENCE: Duration = Duration::from_secs(120);
const HOSTS: &str = "Images that are not on this machine yet are fetched from where the compose file and the container \
    engine's settings say; which hosts these are cannot be known beforehand. What the file asks for is done with the \
    engine's rights, which on most machines are an administrator's.";

/// The kind `container`.
pub struct Container;

impl Provider for Container {
    fn kind(&self) -> Kind {
        Kind {
            name: "container",
            class: Class::Task,
            summary: "What a compose file describes, kept running by docker or podman.",
            docs: include_str!("docs/container.md"),
            schema: schema::<With>(),
            outputs: &["project", "url"],
            // Hosts are the compose file's to name, and writing is done inside of containers.
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspect_pack,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let (file, in_pack) = if is_on_machine(&with.compose) {
            (super::path(&with.compose, step.facts), None)
        } else {
            (step.pack_root.join(&with.compose), Some(with.compose.clone()))
        };
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let project = with.project.clone().unwrap_or_else(|| match &in_pack {
            Some(_) => project_of(step.step.id.as_str()),
            None => project_of(&folder.file_name().unwrap_or_default().to_string_lossy()),
        });
        let patience = match with.ready_timeout.as_deref() {
            Some(text) => span::parse(text).map_err(|error| failure(error.to_string()))?,
            None => PATIENCE,
        };
        let pack_root = step.pack_root.to_owned();
        Ok(Box::new(Stack { file, in_pack, pack_root, folder, project, patience, with }))
    }
}

/// The compose file is there, if it is one of the pack.
fn inspect_pack(with: &Value, files: &dyn PackFiles) -> Result<(), WithError> {
    let with: With = with::read(with)?;
    if is_unresolved(&with.compose) || is_on_machine(&with.compose) || files.read(&with.compose).is_some() {
        return Ok(());
    }
    Err(wrong("compose", format!("the pack has no file `{}`", with.compose)))
}

/// What was there before.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    project: String,
    /// Ids of the project's containers.
    containers: Vec<String>,
    /// Those of them that did not run; unknown to older receipts.
    #[serde(default)]
    ended: Vec<String>,
    /// Names of the project's volumes.
    volumes: Vec<String>,
}

/// What we started it from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    what: String,
}

struct Stack {
    file: PathBuf,
    /// Its path in the pack, if it is one of its files.
    in_pack: Option<String>,
    pack_root: PathBuf,
    folder: PathBuf,
    project: String,
    patience: Duration,
    with: With,
}

/// How the project stands.
struct Stand {
    containers: Vec<Running>,
    /// Services that shall run and do not.
    missing: Vec<String>,
    /// Whether we started it, and if so, whether from what is wanted now.
    ours: Option<bool>,
    ready: bool,
}

impl Stand {
    fn is_fine(&self) -> bool {
        self.missing.is_empty() && self.ready && self.ours != Some(false)
    }
}

#[async_trait]
impl Operation for Stack {
    fn resolved(&self) -> Resolved {
        // Where there is none, the step is blocked; what it would be is shown all the same.
        let tool = Tool::find(self.with.engine).unwrap_or_else(|_| Tool::usual(self.with.engine));
        let mut commands = vec![self.handed(tool.containers(&self.project)).line(Purpose::Check)];
        if self.with.services.is_empty() {
            commands.push(self.compose(&tool, &["config", "--services"]).line(Purpose::Check));
        }
        // The second where we started it ourselves, from something else than what is wanted now.
        commands.extend([true, false].map(|leave_others| self.up(&tool, leave_others).line(Purpose::Run)));
        commands.extend(self.with.ready.iter().filter_map(|ready| ready.line(&self.folder)));
        commands.push(self.compose(&tool, &["down"]).line(Purpose::Undo));
        Resolved { commands, text: Some(HOSTS.to_owned()), ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let tool = match Tool::find(self.with.engine) {
            Ok(tool) => tool,
            Err(missing) => return Ok(missing.blocked(cx.facts.os)),
        };
        if let Some(file) = &self.in_pack {
            paths::file_in_pack(&self.pack_root, file)?;
        } else if !self.file.is_file() {
            return Ok(Check::Unknown { why: format!("{} does not exist", self.file.display()) });
        }
        let stand = match self.stand(cx, &tool).await? {
            Ok(stand) => stand,
            Err(blocked) => return Ok(blocked),
        };
        if stand.is_fine() {
            let url = self.with.ready.as_ref().map(Ready::place).unwrap_or_default();
            return Ok(Check::Satisfied {
                outputs: [("project".to_owned(), self.project.clone()), ("url".to_owned(), url)].into(),
            });
        }
        let runs = stand.containers.iter().any(|container| container.runs);
        if self.with.ready.is_some() && stand.ready && !runs {
            return Ok(Check::Blocked {
                why: match self.with.ready.as_ref().map(Ready::place).unwrap_or_default().as_str() {
                    "" => "it is ready already, but not by a container of this project".to_owned(),
                    place => format!("something else answers at {place}"),
                },
                hint: Some("stop it, or change where this project answers".to_owned()),
            });
        }
        let what = if stand.ours == Some(false) {
            format!("would bring `{}` up to date: what it is started from has changed", self.project)
        } else if stand.missing.is_empty() {
            format!("would wait for `{}`, which runs but is not ready", self.project)
        } else {
            format!("would start {} of `{}` with {}", stand.missing.join(", "), self.project, tool.name())
        };
        Ok(Check::Needed { what, files: Vec::new() })
    }

    async fn download(&self, _cx: &Context) -> Download {
        Download::Unknown
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let tool = self.tool(cx)?;
        let stand = self.stand(cx, &tool).await?.map_err(refused)?;
        if stand.is_fine() {
            return Ok(());
        }
        if !stand.missing.is_empty() || stand.ours == Some(false) {
            let ended = stand.containers.iter().filter(|container| container.ended);
            cx.keep_receipt(Receipt {
                project: self.project.clone(),
                ended: ended.map(|container| container.id.clone()).collect(),
                containers: stand.containers.into_iter().map(|container| container.id).collect(),
                volumes: self.volumes(cx, &tool).await?,
            })?;
            let up = self.up(&tool, stand.ours.is_none()).step_secrets(cx);
            note::keep(cx, &Note { what: self.what()? })?;
            let exit = process::run(cx, up).await?;
            if !exit.ok() {
                return Err(container_engine::not_started(&self.project, exit));
            }
        }
        self.wait(cx, &tool).await
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: Receipt = read_receipt(receipt)?;
        if receipt.project != self.project {
            return Err(failure_with(
                format!(
                    "the step names the project `{}` now, but started `{}`",
                    self.project, receipt.project
                ),
                "stop the old one yourself if you do not need it",
            ));
        }
        let tool = self.tool(cx)?;
        let is_ours = |container: &Running| {
            let wanted = self.with.services.is_empty() || self.with.services.contains(&container.service);
            wanted && !receipt.containers.contains(&container.id)
        };
        let there = self.containers(cx, &tool).await?.map_err(refused)?;
        let (ours, others): (Vec<_>, Vec<_>) = there.into_iter().partition(is_ours);
        if !ours.is_empty() && others.is_empty() && self.file.is_file() {
            let down = self.compose(&tool, &["down"]).step_secrets(cx);
            process::run(cx, down).await?.or_fail(&format!("{} down", tool.name()))?;
        }
        let left = self.containers(cx, &tool).await?.map_err(refused)?;
        let (left, others): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ours);
        let left: Vec<String> = left.into_iter().map(|container| container.id).collect();
        if !left.is_empty() {
            let remove = self.handed(tool.engine.process(&["rm", "--force"]).args(left));
            process::run(cx, remove).await?.or_fail("removing the containers")?;
        }
        let woken =
            others.into_iter().filter(|container| !container.ended && receipt.ended.contains(&container.id));
        let woken: Vec<String> = woken.map(|container| container.id).collect();
        if !woken.is_empty() {
            let stop = self.handed(tool.engine.process(&["stop"]).args(woken));
            process::run(cx, stop).await?.or_fail("stopping the containers that did not run before")?;
        }
        let made: Vec<String> = self
            .volumes(cx, &tool)
            .await?
            .into_iter()
            .filter(|volume| !receipt.volumes.contains(volume))
            .collect();
        match self.with.volumes {
            _ if made.is_empty() => {}
            Volumes::Keep => cx.output.say(&format!(
                "Kept with what is in them: {}. `{} volume rm` removes them.",
                made.join(", "),
                tool.engine.program()
            )),
            Volumes::Remove => {
                let remove = self.handed(tool.engine.process(&["volume", "rm"]).args(made));
                process::run(cx, remove).await?.or_fail("removing the volumes")?;
            }
        }
        note::forget(cx)
    }
}

impl Stack {
    /// The tool, where a check said that there is one.
    fn tool(&self, cx: &Context) -> Result<Tool, Failure> {
        Tool::find(self.with.engine).map_err(|missing| refused(missing.blocked(cx.facts.os)))
    }

    /// With the step's own variables, and in the compose file's folder.
    fn handed(&self, process: Process) -> Process {
        let process = if self.folder.is_dir() { process.cwd(&self.folder) } else { process };
        self.with.env.iter().fold(process, |process, (name, value)| process.env(name, value))
    }

    fn compose(&self, tool: &Tool, words: &[&str]) -> Process {
        let file = self.file.display().to_string();
        self.handed(
            tool.compose(&["--file", &file, "--project-name", &self.project]).args(words.iter().copied()),
        )
    }

    /// What others started is not made anew.
    fn up(&self, tool: &Tool, leave_others: bool) -> Process {
        let up = self.compose(tool, &["up", "--detach"]);
        let up = if leave_others { up.arg("--no-recreate") } else { up };
        up.args(self.with.services.iter().cloned())
    }

    /// What it is started from, to notice that this changed.
    fn what(&self) -> Result<String, Failure> {
        let file = std::fs::read(&self.file)
            .map_err(|error| failure(format!("{} cannot be read: {error}", self.file.display())))?;
        let With { services, env, .. } = &self.with;
        Ok(digest(json!({ "file": digest(&file), "services": services, "env": env }).to_string().as_bytes()))
    }

    /// The project's containers. Inner error: the engine cannot be asked.
    async fn containers(&self, cx: &Context, tool: &Tool) -> Result<Result<Vec<Running>, Check>, Failure> {
        let exit = process::quick(cx, self.handed(tool.containers(&self.project))).await?;
        Ok(match tool.engine.read(exit, cx.facts.os)? {
            Seen::Containers(containers) => Ok(containers),
            Seen::Blocked(blocked) => Err(blocked),
        })
    }

    async fn volumes(&self, cx: &Context, tool: &Tool) -> Result<Vec<String>, Failure> {
        let exit = process::quick(cx, self.handed(tool.volumes(&self.project))).await?;
        Ok(exit.or_fail("listing the project's volumes")?.text().lines().map(str::to_owned).collect())
    }

    async fn stand(&self, cx: &Context, tool: &Tool) -> Result<Result<Stand, Check>, Failure> {
        let containers = match self.containers(cx, tool).await? {
            Ok(containers) => containers,
            Err(blocked) => return Ok(Err(blocked)),
        };
        let services = if self.with.services.is_empty() {
            let asking = self.compose(tool, &["config", "--services"]).step_secrets(cx);
            let exit = process::quick(cx, asking).await?;
            let read = exit.or_fail(&format!("reading {}", self.file.display()))?.text();
            read.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        } else {
            self.with.services.clone()
        };
        let runs = |service: &String| {
            containers.iter().any(|container| container.service == *service && container.runs)
        };
        let missing = services.into_iter().filter(|service| !runs(service)).collect();
        let what = self.what()?;
        let ours = note::read::<Note>(cx)?.map(|note| note.what == what);
        let ready = match &self.with.ready {
            Some(ready) => ready.holds(cx, &self.folder).await?,
            None => true,
        };
        Ok(Ok(Stand { containers, missing, ours, ready }))
    }

    /// Waits until everything runs and is ready. What ended in the meantime is an error, with what it said last.
    async fn wait(&self, cx: &Context, tool: &Tool) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            let stand = self.stand(cx, tool).await?.map_err(refused)?;
            if stand.is_fine() {
                return Ok(());
            }
            let ended = stand
                .containers
                .iter()
                .find(|container| container.ended && stand.missing.contains(&container.service));
            if let Some(container) = ended {
                // Goes into the step's log, and so into the failure.
                let logs = self.handed(tool.engine.process(&["logs", "--tail", "20", &container.id]));
                process::run(cx, logs).await?;
                return Err(failure(format!("`{}` ended again after it was started", container.service)));
            }
            if tokio::time::Instant::now() >= deadline {
                let late =
                    if stand.missing.is_empty() { self.project.clone() } else { stand.missing.join(", ") };
                return Err(failure_with(
                    format!("`{late}` was not ready within {}", process::in_words(self.patience)),
                    format!(
                        "`{} logs` tells what the containers say; if they need longer, give a longer `ready-timeout`",
                        tool.engine.program()
                    ),
                ));
            }
            tokio::select! {
                () = cx.cancel.cancelled() => return Err(failure("it was stopped")),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}
