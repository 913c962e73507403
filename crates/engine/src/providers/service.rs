//! `service`: something that keeps running, such as the thing just built.
//!
//! - Checks: it is ready (`ready`), and the process is the one we started. Something else that answers in its place is
//!   said, not counted.
//! - Changes: starts it in a session of its own, waits until it is ready, and notes process id and birth in
//!   `services/<step>.json`, so that an id used again by another process is never taken for ours.
//! - Undo stops it: by `stop`, if given, and by signal.
//!
//! What it prints goes to `services/<step>.log`. A service that is handed secrets may print them where no mask can
//! follow it, so its output goes to a file without a name, and only what it says while starting is kept, masked.

mod record;

use std::{collections::BTreeMap, fs::File, io::Read, path::PathBuf, time::Duration};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    pack::Probe,
    plan::{Purpose, Resolved},
    span,
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::record::Record;
use super::{
    command::in_one_line,
    failure, failure_with, schema,
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::{
    probe::{self, Reach},
    process::{self, Detached, Process, Stream},
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// How often readiness is asked for.
const LOOK: Duration = Duration::from_millis(100);
/// How long it may take to be ready, if not said.
const PATIENCE: Duration = Duration::from_secs(30);

/// The kind `service`.
pub struct Service;

/// Parameters of `service`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Service")]
pub struct With {
    /// Starts it and stays: program and arguments.
    pub run: Vec<String>,
    /// The folder it runs in; the home folder if not said.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Environment variables. Never secrets: those go into the step's `secrets`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What tells that it is ready.
    pub ready: Ready,
    /// How long that may take: `30s`.
    #[serde(default)]
    pub ready_timeout: Option<String>,
    /// Stops it; a signal does if not said.
    #[serde(default)]
    pub stop: Option<Vec<String>>,
}

/// What tells that a service is ready: one of these.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ready {
    /// An address that answers with `status`.
    #[serde(default)]
    pub http: Option<String>,
    /// The status expected; any 2xx if not said.
    #[serde(default)]
    pub status: Option<u16>,
    /// A `host:port` that accepts a connection.
    #[serde(default)]
    pub tcp: Option<String>,
    /// A command that exits 0.
    #[serde(default)]
    pub command: Option<Vec<String>>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        for (name, argv) in [("run", Some(&self.run)), ("stop", self.stop.as_ref())] {
            if argv.is_some_and(|argv| argv.first().is_none_or(String::is_empty)) {
                return Err(wrong(name, "needs a program"));
            }
        }
        let ready = &self.ready;
        let asked = [ready.http.is_some(), ready.tcp.is_some(), ready.command.is_some()]
            .iter()
            .filter(|one| **one)
            .count();
        if asked != 1 {
            return Err(wrong("ready", "needs one of `http`, `tcp` and `command`"));
        }
        if let Some(http) = ready.http.as_ref().filter(|http| !is_unresolved(http)) {
            let scheme = url::Url::parse(http).map(|url| url.scheme().to_owned());
            if !matches!(scheme.as_deref(), Ok("http" | "https")) {
                return Err(wrong("ready.http", format!("`{http}` is not an http address")));
            }
        }
        if let Some(patience) = self.ready_timeout.as_ref().filter(|text| !is_unresolved(text)) {
            span::parse(patience).map_err(|error| wrong("ready-timeout", error.to_string()))?;
        }
        Ok(())
    }
}

impl Provider for Service {
    fn kind(&self) -> Kind {
        Kind {
            name: "service",
            class: Class::Task,
            summary: "Starts something that keeps running, and waits until it is ready.",
            schema: schema::<With>(),
            outputs: &["url", "pid"],
            // What it asks is its own service, on this machine.
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let cwd = super::path(with.cwd.as_deref().unwrap_or("~"), step.facts);
        let process = |argv: &Vec<String>| {
            let process = Process::of(argv).cwd(&cwd);
            with.env.iter().fold(process, |process, (name, value)| process.env(name, value))
        };
        let patience = match with.ready_timeout.as_deref() {
            Some(text) => span::parse(text).map_err(|error| failure(error.to_string()))?,
            None => PATIENCE,
        };
        let Ready { http, status, tcp, command } = with.ready.clone();
        Ok(Box::new(Kept {
            run: process(&with.run),
            stop: with.stop.as_ref().map(process),
            ready: Probe { http, status, tcp, command },
            patience,
            cwd,
        }))
    }
}

struct Kept {
    run: Process,
    stop: Option<Process>,
    ready: Probe,
    patience: Duration,
    cwd: PathBuf,
}

impl Kept {
    /// What it is started with, to notice that this changed.
    fn what(&self) -> String {
        let resolved = Resolved { commands: vec![self.run.line(Purpose::Run)], ..Resolved::default() };
        resolved.digest().0
    }

    /// Where it answers, for people and as the output `url`.
    fn place(&self) -> String {
        if let Some(address) = &self.ready.http {
            return url::Url::parse(address)
                .map_or_else(|_| address.clone(), |url| url.origin().ascii_serialization());
        }
        self.ready.tcp.as_ref().map(|address| format!("tcp://{address}")).unwrap_or_default()
    }

    fn command(&self) -> String {
        in_one_line(&self.run.line(Purpose::Run).argv)
    }

    async fn is_ready(&self, cx: &Context) -> Result<bool, Failure> {
        if let Some(argv) = &self.ready.command {
            let process = Process::of(argv).cwd(&self.cwd).timeout(probe::PATIENCE);
            return Ok(process.is_there() && process::quick(cx, process).await?.ok());
        }
        probe::ask(cx, &self.ready, Reach::Own).await
    }

    /// Waits until it is ready, showing what it says. `Ok(true)`: its process ended well, so something else carries on.
    async fn wait(
        &self,
        cx: &Context,
        mut started: Option<&mut Detached>,
        said: &mut Said,
    ) -> Result<bool, Failure> {
        let deadline = tokio::time::Instant::now() + self.patience;
        let mut left = false;
        loop {
            said.read();
            if self.is_ready(cx).await? {
                return Ok(left);
            }
            match started.as_mut().and_then(|process| process.ended()) {
                Some(0) => left = true,
                Some(code) => return Err(failure(format!("`{}` ended with code {code}", self.command()))),
                None => {}
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(failure_with(
                    format!("`{}` was not ready within {}", self.command(), process::in_words(self.patience)),
                    "see its last lines; if it needs longer, give it a longer `ready-timeout`",
                ));
            }
            tokio::select! {
                () = cx.cancel.cancelled() => return Err(failure(format!("`{}` was stopped", self.command()))),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn end(&self, cx: &Context, record: &Record) -> Result<(), Failure> {
        if let Some(stop) = &self.stop {
            let name = in_one_line(&stop.line(Purpose::Undo).argv);
            process::run(cx, stop.clone()).await?.or_fail(&format!("`{name}`"))?;
        }
        if record.is_alive() {
            process::stop_detached(record.pid).await;
        }
        if record.is_alive() {
            return Err(failure_with(
                format!("process {} did not end", record.pid),
                "end it by hand, then try again",
            ));
        }
        record::forget(cx)
    }

    async fn start(&self, cx: &Context) -> Result<(), Failure> {
        let process = self.run.clone().step_secrets(cx);
        if !self.cwd.is_dir() || !process.is_there() {
            let error = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(process::cannot_start(&self.run.line(Purpose::Run).argv[0], Some(&self.cwd), &error));
        }
        let (output, mut said) = Said::new(cx)?;
        let mut started = process::spawn_detached(&process, output)
            .map_err(|error| process::cannot_start(&self.command(), Some(&self.cwd), &error))?;
        let mut record =
            Record { pid: started.pid, born: process::born(started.pid), left: false, what: self.what() };
        let outcome = match record::keep(cx, &record) {
            Ok(()) => self.wait(cx, Some(&mut started), &mut said).await,
            Err(failure) => Err(failure),
        };
        said.finish();
        match outcome {
            Ok(false) => Ok(()),
            Ok(true) => {
                record.left = true;
                record::keep(cx, &record)
            }
            Err(mut failure) => {
                process::stop_detached(started.pid).await;
                failure.last_lines = cx.output.last_lines();
                record::forget(cx).and(Err(failure))
            }
        }
    }
}

#[async_trait]
impl Operation for Kept {
    fn resolved(&self) -> Resolved {
        let mut commands = vec![self.run.line(Purpose::Run)];
        commands.extend(
            self.ready.command.iter().map(|argv| Process::of(argv).cwd(&self.cwd).line(Purpose::Ready)),
        );
        commands.extend(self.stop.iter().map(|stop| stop.line(Purpose::Undo)));
        Resolved { commands, ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let record = record::read(cx)?;
        let ours = record.as_ref().filter(|record| record.left || record.is_alive());
        let ready = self.is_ready(cx).await?;
        let needed = |what: String| Ok(Check::Needed { what, files: Vec::new() });
        match (ready, ours) {
            (true, Some(record)) if record.what == self.what() => Ok(Check::Satisfied {
                outputs: BTreeMap::from([
                    ("url".to_owned(), self.place()),
                    ("pid".to_owned(), record.pid.to_string()),
                ]),
            }),
            (_, Some(record)) if record.what != self.what() => {
                needed(format!("would start `{}` anew: what it runs has changed", self.command()))
            }
            (true, _) => Ok(Check::Blocked {
                why: match self.place().as_str() {
                    "" => "it is ready already, but not by a process of ours".to_owned(),
                    place => format!("something else answers at {place}"),
                },
                hint: Some("stop it, or change where this service answers".to_owned()),
            }),
            (false, Some(record)) if !record.left => {
                needed(format!("would wait for `{}`, which runs but is not ready", self.command()))
            }
            (false, _) => needed(format!("would start `{}` and keep it running", self.command())),
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        if let Some(record) = record::read(cx)?.filter(|record| record.left || record.is_alive()) {
            let same = record.what == self.what();
            if same && !record.left && self.wait(cx, None, &mut Said::nothing()).await.is_ok() {
                return Ok(());
            }
            if cx.cancel.is_cancelled() {
                return Err(failure("it was stopped"));
            }
            cx.output.say("It does not answer as it should: starting it anew.");
            self.end(cx, &record).await?;
        }
        cx.keep_receipt(json!({ "started": self.run.line(Purpose::Run).argv }))?;
        self.start(cx).await
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, _receipt: &Value) -> Result<(), Failure> {
        match record::read(cx)? {
            Some(record) => self.end(cx, &record).await,
            None => Ok(()),
        }
    }
}

/// What a service says while it starts, read from the file it writes to.
struct Said {
    file: Option<(File, Stream)>,
}

impl Said {
    fn nothing() -> Self {
        Self { file: None }
    }

    /// The file for the service, and ourselves reading it.
    fn new(cx: &Context) -> Result<(File, Self), Failure> {
        let folder = cx.host.services_folder();
        let path = folder.join(format!("{}.log", cx.step));
        let cannot = |error: std::io::Error| {
            failure_with(
                format!("the service's log in {} cannot be written: {error}", folder.display()),
                "make room on the disk, or make that folder writable",
            )
        };
        std::fs::create_dir_all(&folder).map_err(cannot)?;
        let (write, read) = if cx.secret_env.is_empty() {
            (File::create(&path).map_err(cannot)?, File::open(&path).map_err(cannot)?)
        } else {
            let named = tempfile::NamedTempFile::new_in(&folder).map_err(cannot)?;
            // Opened twice, so that each has its own position; then the name goes.
            let read = named.reopen().map_err(cannot)?;
            (named.into_file(), read)
        };
        let stream = cx.output.stream(&*cx.host, &[]);
        Ok((write, Self { file: Some((read, stream)) }))
    }

    fn read(&mut self) {
        let Some((file, stream)) = &mut self.file else { return };
        let mut chunk = [0_u8; 8 * 1024];
        loop {
            match file.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(count) => stream.push(&chunk[..count]),
            }
        }
    }

    fn finish(mut self) {
        self.read();
        if let Some((_, stream)) = self.file {
            stream.finish();
        }
    }
}
