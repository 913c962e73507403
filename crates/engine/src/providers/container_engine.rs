//! Container engines and the compose programs that go with them: which are there, what they are asked, what they answer.
//! Shared by the kinds of steps that keep containers running.

use std::path::PathBuf;

use firstlight_domain::{facts::Os, state::Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, Value};

use super::failure;
use crate::{
    facts::on_path,
    process::{Exit, Process},
    provider::Check,
};

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// An engine, and what reads compose files for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) engine: Engine,
    compose: &'static [&'static str],
}

/// What is not installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The engine: the one asked for, or any.
    Engine(Option<Engine>),
    /// What reads compose files for it.
    Compose(Engine),
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    /// The service of a compose file it belongs to; empty where it belongs to none.
    pub(super) service: String,
    /// Whether it runs, and is healthy where that is looked at.
    pub(super) runs: bool,
    /// Whether it ended.
    pub(super) ended: bool,
}

/// What came of asking for containers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Containers(Vec<Container>),
    /// The engine did not answer: why, and what to do.
    Blocked(Check),
}

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";

impl Engine {
    /// Those that are there, docker before podman: the one asked for, or any.
    fn there(wanted: Option<Self>) -> impl Iterator<Item = Self> {
        [Self::Docker, Self::Podman]
            .into_iter()
            .filter(move |engine| wanted.is_none_or(|wanted| wanted == *engine) && on_path(engine.program()))
    }

    /// The first that is there.
    pub(super) fn find(wanted: Option<Self>) -> Result<Self, Missing> {
        Self::there(wanted).next().ok_or(Missing::Engine(wanted))
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    pub(super) fn process(self, words: &[&str]) -> Process {
        Process::new(self.program()).args(words.iter().copied())
    }

    /// All containers with these labels, stopped ones too.
    pub(super) fn containers(self, labels: &[(&str, &str)]) -> Process {
        let asking = self.process(&["ps", "--all", "--no-trunc", "--format", "{{json .}}"]);
        labels
            .iter()
            .fold(asking, |asking, (name, value)| asking.arg("--filter").arg(format!("label={name}={value}")))
    }

    fn compose(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Docker if has_plugin() => Some(&["docker", "compose"]),
            Self::Docker if on_path("docker-compose") => Some(&["docker-compose"]),
            Self::Podman if on_path("podman-compose") => Some(&["podman-compose"]),
            // It hands the work to docker's.
            Self::Podman if on_path("docker-compose") || has_plugin() => Some(&["podman", "compose"]),
            Self::Docker | Self::Podman => None,
        }
    }
}

/// Whether docker has its compose command: a program in one of the folders it looks into.
fn has_plugin() -> bool {
    let own = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".docker")));
    let installed = [
        "/usr/local/lib/docker",
        "/usr/local/libexec/docker",
        "/usr/lib/docker",
        "/usr/libexec/docker",
        "/opt/homebrew/lib/docker",
        "/Applications/Docker.app/Contents/Resources",
    ];
    let on_windows = ["ProgramFiles", "ProgramData"]
        .iter()
        .filter_map(|name| std::env::var_os(name).map(|folder| PathBuf::from(folder).join("Docker")));
    let name = if cfg!(windows) { "docker-compose.exe" } else { "docker-compose" };
    own.into_iter()
        .chain(installed.map(PathBuf::from))
        .chain(on_windows)
        .flat_map(|folder| [folder.join("cli-plugins"), folder.join("resources").join("cli-plugins")])
        .any(|folder| folder.join(name).is_file())
}

impl Tool {
    /// The first that is there, docker before podman. No process is started for it.
    pub(super) fn find(wanted: Option<Engine>) -> Result<Self, Missing> {
        let mut there = Engine::there(wanted).peekable();
        let missing = there.peek().map_or(Missing::Engine(wanted), |engine| Missing::Compose(*engine));
        there.find_map(|engine| Some(Self { engine, compose: engine.compose()? })).ok_or(missing)
    }

    /// What most machines have.
    pub(super) fn usual(wanted: Option<Engine>) -> Self {
        match wanted {
            Some(Engine::Podman) => Self { engine: Engine::Podman, compose: &["podman-compose"] },
            Some(Engine::Docker) | None => Self { engine: Engine::Docker, compose: &["docker", "compose"] },
        }
    }

    /// As people call it.
    pub(super) fn name(&self) -> String {
        self.compose.join(" ")
    }

    pub(super) fn compose(&self, words: &[&str]) -> Process {
        let program = self.compose.iter().chain(words).map(|word| (*word).to_owned());
        Process::of(&program.collect::<Vec<_>>())
    }

    /// All containers of a project.
    pub(super) fn containers(&self, project: &str) -> Process {
        self.engine.containers(&[(PROJECT, project)])
    }

    /// The names of a project's volumes.
    pub(super) fn volumes(&self, project: &str) -> Process {
        let filter = format!("label={PROJECT}={project}");
        self.engine.process(&["volume", "ls", "--filter", &filter, "--format", "{{.Name}}"])
    }
}

impl Engine {
    /// The answer to [`Engine::containers`].
    pub(super) fn read(self, exit: Exit, os: Os) -> Result<Seen, Failure> {
        if exit.ok() {
            return containers(&exit.text()).map(Seen::Containers);
        }
        match self.trouble(&exit.tail.join("\n").to_lowercase(), os) {
            Some(blocked) => Ok(Seen::Blocked(blocked)),
            None => Err(exit.or_fail(self.program()).err().unwrap_or_else(|| failure("it did not answer"))),
        }
    }

    /// Why the engine did not answer, as far as it is known here.
    fn trouble(self, said: &str, os: Os) -> Option<Check> {
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let program = self.program();
        let may_not = says(&["permission denied", "access is denied"]) && says(&["sock", "connect", "pipe"]);
        if may_not {
            return Some(Check::Blocked {
                why: format!("you may not talk to {program} on this machine"),
                hint: Some(match (os, self) {
                    (Os::Linux, Self::Docker) => {
                        "`sudo usermod -aG docker $USER`, then sign in anew; whoever is in that \
                         group may do everything on this machine"
                            .to_owned()
                    }
                    _ => format!("ask whoever administrates this machine to let you use {program}"),
                }),
            });
        }
        let is_off = says(&[
            "cannot connect to the docker daemon",
            "is the docker daemon running",
            "error during connect",
            "cannot connect to podman",
            "unable to connect to podman",
            "connection refused",
        ]);
        is_off.then(|| Check::Blocked {
            why: format!("{program} is installed, but does not run"),
            hint: Some(match (os, self) {
                (Os::Linux, Self::Docker) => "`sudo systemctl start docker`, then try again".to_owned(),
                (Os::Linux, Self::Podman) => {
                    "`systemctl --user start podman.socket`, then try again".to_owned()
                }
                (Os::Macos | Os::Windows, Self::Docker) => "start Docker Desktop, then try again".to_owned(),
                (Os::Macos | Os::Windows, Self::Podman) => {
                    "`podman machine start`, then try again".to_owned()
                }
            }),
        })
    }
}

impl Missing {
    /// As the answer of a check.
    pub(super) fn blocked(self, os: Os) -> Check {
        let (why, hint) = match self {
            Self::Engine(None) => (
                "neither docker nor podman is installed".to_owned(),
                match os {
                    Os::Linux => "install docker or podman, or add a `package` step that does",
                    Os::Macos | Os::Windows => {
                        "install Docker Desktop or Podman Desktop, or add a `package` step that does"
                    }
                },
            ),
            Self::Engine(Some(engine)) => (
                format!("{} is not installed", engine.program()),
                "install it, or add a `package` step that does",
            ),
            Self::Compose(Engine::Docker) => (
                "docker is installed, but not its compose command".to_owned(),
                "install docker's compose plugin, or add a `package` step that does",
            ),
            Self::Compose(Engine::Podman) => (
                "podman is installed, but nothing that reads compose files for it".to_owned(),
                "install podman-compose, or add a `package` step that does",
            ),
        };
        Check::Blocked { why, hint: Some(hint.to_owned()) }
    }
}

/// What blocked a check, where there is no check any more.
pub(super) fn refused(check: Check) -> Failure {
    match check {
        Check::Blocked { why, hint } => Failure { hint, ..failure(why) },
        _ => failure("the container engine cannot be asked"),
    }
}

/// docker prints one object a line, podman a list.
fn containers(text: &str) -> Result<Vec<Container>, Failure> {
    let mut found = Vec::new();
    for value in Deserializer::from_str(text).into_iter::<Value>() {
        let value =
            value.map_err(|error| failure(format!("the list of containers cannot be read: {error}")))?;
        match value {
            Value::Array(items) => found.extend(items.iter().filter_map(container)),
            one => found.extend(container(&one)),
        }
    }
    Ok(found)
}

fn container(value: &Value) -> Option<Container> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let state = text("State")?;
    let status = text("Status").unwrap_or_default();
    let unwell = ["(unhealthy)", "(health: starting)", "(starting)"].iter().any(|sign| status.contains(sign));
    Some(Container {
        id: text("ID").or_else(|| text("Id"))?.to_owned(),
        service: value.get("Labels").and_then(service).unwrap_or_default(),
        runs: state == "running" && !unwell,
        ended: matches!(state, "exited" | "dead"),
    })
}

/// docker prints labels as one text, podman as an object.
fn service(labels: &Value) -> Option<String> {
    match labels {
        Value::String(text) => {
            let value = |label: &str| label.strip_prefix(SERVICE)?.strip_prefix('=').map(str::to_owned);
            text.split(',').find_map(value)
        }
        labels => labels.get(SERVICE)?.as_str().map(str::to_owned),
    }
}

/// Why `up` did not work.
pub(super) fn not_started(project: &str, exit: Exit) -> Failure {
    let says = |words: &str| exit.tail.iter().any(|line| line.to_lowercase().contains(words));
    let hint = if says("address already in use") || says("port is already allocated") {
        "a port it wants is taken: stop what answers there, then try again"
    } else if says("no such host")
        || says("i/o timeout")
        || says("tls handshake")
        || says("connection refused")
    {
        "an image could not be fetched: look at the network, the VPN and the proxy, then try again"
    } else if says("unauthorized") || says("authentication required") || says("denied") {
        "the registry asks who you are: sign in to it (`docker login`, `podman login`), then try again"
    } else if says("manifest unknown") || says("not found") {
        "an image the compose file names is not there: tell the pack's owner"
    } else {
        "the log has the whole story; mend what it names, then try again"
    };
    Failure {
        cause: format!("`{project}` could not be started (code {})", exit.code),
        hint: Some(hint.to_owned()),
        last_lines: exit.tail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKER: &str = r#"{"Command":"\"docker-entrypoint.s…\"","ID":"f2b1","Labels":"com.docker.compose.depends_on=,com.docker.compose.project=shop,com.docker.compose.service=db","Names":"shop-db-1","State":"running","Status":"Up 2 minutes (healthy)"}
{"ID":"a9c0","Labels":"com.docker.compose.service=web,com.docker.compose.project=shop","State":"running","Status":"Up 3 seconds (health: starting)"}
{"ID":"77aa","Labels":"com.docker.compose.service=migrate","State":"exited","Status":"Exited (1) 2 minutes ago"}"#;
    const PODMAN: &str = r#"[ { "Id": "90ef", "State": "running", "Status": "Up Less than a second ago",
        "Labels": { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" } } ]"#;

    #[test]
    fn the_lists_of_both_engines_are_read() {
        let found = containers(DOCKER).unwrap();
        let brief: Vec<_> =
            found.iter().map(|c| (c.id.as_str(), c.service.as_str(), c.runs, c.ended)).collect();
        assert_eq!(
            brief,
            [("f2b1", "db", true, false), ("a9c0", "web", false, false), ("77aa", "migrate", false, true)]
        );
        let podman = containers(PODMAN).unwrap();
        assert_eq!(podman[0].service, "web");
        assert!(podman[0].runs);
        assert_eq!(containers("").unwrap(), []);
        assert_eq!(containers("[]").unwrap(), []);
        assert!(containers("Emulate Docker CLI using podman").is_err());
    }

    fn trouble(engine: Engine, said: &str) -> Option<String> {
        let exit = Exit { code: 1, tail: vec![said.to_owned()], stdout: Vec::new() };
        match engine.read(exit, Os::Linux) {
            Ok(Seen::Blocked(Check::Blocked { why, hint: Some(_) })) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn not_running_and_not_allowed_are_told_apart() {
        let off = Some("docker is installed, but does not run".to_owned());
        for said in [
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "error during connect: this error may indicate that the docker daemon is not running: Get \"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.24/containers/json\": open //./pipe/docker_engine: The system cannot find the file specified.",
        ] {
            assert_eq!(trouble(Engine::Docker, said), off, "{said}");
        }
        let said = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
        assert_eq!(
            trouble(Engine::Docker, said),
            Some("you may not talk to docker on this machine".to_owned())
        );
        let said = "Cannot connect to Podman. Please verify your connection to the Linux system";
        assert_eq!(trouble(Engine::Podman, said), Some("podman is installed, but does not run".to_owned()));
        assert_eq!(trouble(Engine::Docker, "unknown flag: --format"), None);
    }
}
