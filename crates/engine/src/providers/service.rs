//! `service`: something that keeps running, such as the thing just built.
//!
#![doc = include_str!("docs/service.md")]

use std::{collections::BTreeMap, fs::File, io::Read, path::PathBuf, time::Duration};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    span,
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    command::in_one_line,
    failure, failure_with, note,
    ready::Ready,
    schema,
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::{
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

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        for (name, argv) in [("run", Some(&self.run)), ("stop", self.stop.as_ref())] {
            if argv.is_some_and(|argv| argv.first().is_none_or(String::is_empty)) {
                return Err(wrong(name, "needs a program"));
            }
        }
        self.ready.consistent()?;
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
            docs: include_str!("docs/service.md"),
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
        Ok(Box::new(Kept {
            run: process(&with.run),
            stop: with.stop.as_ref().map(process),
            ready: with.ready.clone(),
            patience,
            cwd,
        }))
    }
}

/// A service we started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The id of its process.
    pid: u32,
    /// The birth of that process, see [`process::born`].
    born: Option<String>,
    /// Whether that process ended well and left something running that is not its child.
    left: bool,
    /// The hash of what was started.
    what: String,
}

impl Record {
    /// Whether the process noted is alive, and not another one that got its id.
    fn is_alive(&self) -> bool {
        self.born.is_some() && process::born(self.pid) == self.born
    }
}

struct Kept {
    run: Process,
    stop: Option<Process>,
    ready: Ready,
    patience: Duration,
    cwd: PathBuf,
}

impl Kept {
    /// What it is started with, to notice that this changed.
    fn what(&self) -> String {
        let resolved = Resolved { commands: vec![self.run.line(Purpose::Run)], ..Resolved::default() };
        resolved.digest().0
    }

    fn command(&self) -> String {
        in_one_line(&self.run.line(Purpose::Run).argv)
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
            if self.ready.holds(cx, &self.cwd).await? {
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
        note::forget(cx)
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
        let outcome = match note::keep(cx, &record) {
            Ok(()) => self.wait(cx, Some(&mut started), &mut said).await,
            Err(failure) => Err(failure),
        };
        said.finish();
        match outcome {
            Ok(false) => Ok(()),
            Ok(true) => {
                record.left = true;
                note::keep(cx, &record)
            }
            Err(mut failure) => {
                process::stop_detached(started.pid).await;
                failure.last_lines = cx.output.last_lines();
                note::forget(cx).and(Err(failure))
            }
        }
    }
}

#[async_trait]
impl Operation for Kept {
    fn resolved(&self) -> Resolved {
        let mut commands = vec![self.run.line(Purpose::Run)];
        commands.extend(self.ready.line(&self.cwd));
        commands.extend(self.stop.iter().map(|stop| stop.line(Purpose::Undo)));
        Resolved { commands, ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let record = note::read::<Record>(cx)?;
        let ours = record.as_ref().filter(|record| record.left || record.is_alive());
        let ready = self.ready.holds(cx, &self.cwd).await?;
        let needed = |what: String| Ok(Check::Needed { what, files: Vec::new() });
        match (ready, ours) {
            (true, Some(record)) if record.what == self.what() => Ok(Check::Satisfied {
                outputs: BTreeMap::from([
                    ("url".to_owned(), self.ready.place()),
                    ("pid".to_owned(), record.pid.to_string()),
                ]),
            }),
            (_, Some(record)) if record.what != self.what() => {
                needed(format!("would start `{}` anew: what it runs has changed", self.command()))
            }
            (true, _) => Ok(Check::Blocked {
                why: match self.ready.place().as_str() {
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
        if let Some(record) = note::read::<Record>(cx)?.filter(|record| record.left || record.is_alive()) {
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
        match note::read::<Record>(cx)? {
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
