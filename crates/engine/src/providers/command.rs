//! `command`: whatever a program can do.
//!
#![doc = include_str!("docs/command.md")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    pack::Elevation,
    plan::{Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    failure_with, schema,
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::{
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// The environment variable that names the file for outputs.
const OUTPUT: &str = "FIRSTLIGHT_OUTPUT";
/// Bytes of outputs read.
const MAX_OUTPUT: u64 = 64 * 1024;

/// The kind `command`.
pub struct Command;

/// Parameters of `command`; written at the top level of a step.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Command")]
pub struct With {
    /// Finds out whether it is done already, changing nothing: exit code 0 means yes. Without it, the step is done once.
    #[serde(default)]
    pub check: Option<Vec<String>>,
    /// Does it: program and arguments.
    pub run: Vec<String>,
    /// Takes it back.
    #[serde(default)]
    pub undo: Option<Vec<String>>,
    /// The folder it runs in; the home folder if not said.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Environment variables. Never secrets: those go into the step's `secrets`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether `check`, `run` and `undo` are each one script for the shell.
    #[serde(default)]
    pub shell: bool,
}

impl With {
    fn commands(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let all = [("check", self.check.as_ref()), ("run", Some(&self.run)), ("undo", self.undo.as_ref())];
        all.into_iter().filter_map(|(name, argv)| Some((name, argv?)))
    }
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        for (name, argv) in self.commands() {
            if argv.first().is_none_or(String::is_empty) {
                return Err(wrong(name, "needs a program"));
            }
            if argv.iter().any(|word| word.contains('\0')) {
                return Err(wrong(name, "may not hold a NUL character"));
            }
            if self.shell && argv.len() > 1 {
                return Err(wrong(name, "is one script where `shell` is true, not a list of arguments"));
            }
            if self.shell && argv.iter().any(|script| is_unresolved(script)) {
                let message =
                    "a script may not hold `${{ }}`: what it stands for would be run; hand it over by `env`";
                return Err(wrong(name, message));
            }
        }
        if let Some(name) = self.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(wrong("env", format!("`{name}` is not a name for an environment variable")));
        }
        Ok(())
    }
}

impl Provider for Command {
    fn kind(&self) -> Kind {
        Kind {
            name: "command",
            class: Class::Task,
            summary: "Runs a program, if its check does not hold yet.",
            docs: include_str!("docs/command.md"),
            schema: schema::<With>(),
            outputs: &[],
            // What a program does on its own is not declared by the step; elevation is a field of the step.
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        refuse_injection(step, &with)?;
        let cwd = super::path(with.cwd.as_deref().unwrap_or("~"), step.facts);
        let elevated = step.step.elevation == Elevation::Elevated;
        let process = |argv: &Vec<String>| {
            let process = if with.shell { Process::shell(argv.concat()) } else { Process::of(argv) };
            let process = process.cwd(&cwd).elevated(elevated);
            with.env.iter().fold(process, |process, (name, value)| process.env(name, value))
        };
        Ok(Box::new(Prepared {
            // A check finds out; it needs no rights of its own.
            check: with.check.as_ref().map(|argv| process(argv).elevated(false)),
            run: process(&with.run),
            undo: with.undo.as_ref().map(process),
            cwd,
            elevated,
            outputs: step.step.outputs.clone(),
            applied: Mutex::new(None),
        }))
    }
}

/// What comes out of an expression may become neither an option nor a part of a script.
fn refuse_injection(step: &Rendered<'_>, with: &With) -> Result<(), Failure> {
    for (name, argv) in with.commands() {
        // What the pack wrote, before its expressions were resolved.
        for place in 0..argv.len() {
            let written = step.step.with.pointer(&format!("/{name}/{place}")).and_then(Value::as_str);
            if with.shell && written.is_some_and(is_unresolved) {
                return Err(failure_with(
                    format!("the script `{name}` holds an expression, and what it stands for would be run"),
                    "the pack should hand it over by `env`",
                ));
            }
        }
        refuse_options(step, name, argv)?;
    }
    Ok(())
}

/// Refuses words of a command that came out of an expression and would be taken for an option.
pub(crate) fn refuse_options(step: &Rendered<'_>, field: &str, argv: &[String]) -> Result<(), Failure> {
    for (place, word) in argv.iter().enumerate() {
        // What the pack wrote, before its expressions were resolved.
        let written = step.step.with.pointer(&format!("/{field}/{place}")).and_then(Value::as_str);
        if word.starts_with('-') && written.is_some_and(|written| written.trim_start().starts_with("${{")) {
            return Err(failure_with(
                format!("`{word}` would be taken for an option by `{}`", argv[0]),
                "give an answer that does not start with `-`",
            ));
        }
    }
    Ok(())
}

struct Prepared {
    check: Option<Process>,
    run: Process,
    undo: Option<Process>,
    cwd: PathBuf,
    elevated: bool,
    /// Declared outputs.
    outputs: Vec<String>,
    /// What `run` gave, once it succeeded.
    applied: Mutex<Option<BTreeMap<String, String>>>,
}

impl Prepared {
    fn what(&self) -> String {
        let words = self.run.line(Purpose::Run).argv;
        format!("would run `{}`", in_one_line(&words))
    }

    fn applied(&self) -> Option<BTreeMap<String, String>> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a process that may give outputs.
    async fn with_outputs<F>(
        &self,
        process: Process,
        run: impl FnOnce(Process) -> F,
    ) -> Result<(process::Exit, BTreeMap<String, String>), Failure>
    where
        F: Future<Output = Result<process::Exit, Failure>>,
    {
        if self.outputs.is_empty() {
            return Ok((run(process).await?, BTreeMap::new()));
        }
        let file = tempfile::NamedTempFile::new().map_err(|error| {
            failure_with(
                format!("a file for the step's outputs cannot be made: {error}"),
                "make room in the folder for temporary files",
            )
        })?;
        let exit = run(process.env(OUTPUT, file.path().display().to_string())).await?;
        let given = read_outputs(file.path())?;
        Ok((exit, given.into_iter().filter(|(name, _)| self.outputs.contains(name)).collect()))
    }

    /// All declared outputs, if each is known: what was given now, in this run, or when it was last done.
    fn known_outputs(
        &self,
        cx: &Context,
        given: BTreeMap<String, String>,
    ) -> Option<BTreeMap<String, String>> {
        let mut known =
            cx.host.state(&cx.step).and_then(|state| state.outputs().cloned()).unwrap_or_default();
        known.extend(self.applied().unwrap_or_default());
        known.extend(given);
        known.retain(|name, _| self.outputs.contains(name));
        (known.len() == self.outputs.len()).then_some(known)
    }

    fn satisfied(&self, cx: &Context, given: BTreeMap<String, String>) -> Check {
        match self.known_outputs(cx, given) {
            Some(outputs) => Check::Satisfied { outputs },
            None => Check::Needed { what: format!("{} for its outputs", self.what()), files: Vec::new() },
        }
    }
}

#[async_trait]
impl Operation for Prepared {
    fn resolved(&self) -> Resolved {
        let lines = [
            self.check.as_ref().map(|process| process.line(Purpose::Check)),
            Some(self.run.line(Purpose::Run)),
            self.undo.as_ref().map(|process| process.line(Purpose::Undo)),
        ];
        Resolved {
            commands: lines.into_iter().flatten().collect(),
            elevated: self.elevated,
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let Some(check) = &self.check else {
            return Ok(match self.applied() {
                Some(given) => self.satisfied(cx, given),
                None => Check::Once { what: self.what() },
            });
        };
        if !self.cwd.is_dir() {
            return Ok(Check::Unknown { why: format!("the folder {} does not exist", self.cwd.display()) });
        }
        let mut check_with_env = check.clone();
        for (name, value) in &cx.secret_env {
            check_with_env = check_with_env.secret_env(name, value.clone());
        }
        match self.with_outputs(check_with_env, |process| process::quick(cx, process)).await {
            Ok((exit, given)) if exit.ok() => Ok(self.satisfied(cx, given)),
            Ok(_) => Ok(Check::Needed { what: self.what(), files: Vec::new() }),
            // What would be checked is often what would be made.
            Err(_) if !check.is_there() => Ok(Check::Needed { what: self.what(), files: Vec::new() }),
            Err(failure) => Err(failure),
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        if self.undo.is_some() {
            cx.keep_receipt(json!({ "ran": self.run.line(Purpose::Run).argv }))?;
        }
        let process = self.run.clone().step_secrets(cx);
        let name = in_one_line(&self.run.line(Purpose::Run).argv);
        let (exit, given) = self.with_outputs(process, |process| process::run(cx, process)).await?;
        exit.or_fail(&format!("`{name}`"))?;
        if let Some(missing) = self.outputs.iter().find(|output| !given.contains_key(*output))
            && self.check.is_none()
        {
            return Err(failure_with(
                format!("`{name}` did not give the output `{missing}`"),
                format!("it should write `{missing}=…` into the file that ${OUTPUT} names"),
            ));
        }
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
        Ok(())
    }

    fn can_undo(&self) -> bool {
        self.undo.is_some()
    }

    /// The pack's `undo` is about the step, not about one time it ran.
    fn undoes_at_once(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, _receipt: &Value) -> Result<(), Failure> {
        let Some(undo) = &self.undo else {
            return Err(super::failure("the pack does not say how this is taken back"));
        };
        let name = in_one_line(&undo.line(Purpose::Undo).argv);
        process::run(cx, undo.clone().step_secrets(cx)).await?.or_fail(&format!("`{name}`")).map(drop)
    }
}

/// `name=value` lines; anything else is left alone, the last value of a name counts.
fn read_outputs(path: &std::path::Path) -> Result<BTreeMap<String, String>, Failure> {
    use std::io::Read;
    let mut text = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_OUTPUT).read_to_end(&mut text));
    match read {
        Ok(_) => {}
        // The program may have replaced or removed the file; then it gave nothing.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => {
            return Err(failure_with(
                format!("the step's outputs cannot be read: {error}"),
                format!("see what it does with the file that ${OUTPUT} names"),
            ));
        }
    }
    let text = String::from_utf8_lossy(&text);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
}

/// Words as one would type them, cut to a length that fits a line.
pub(crate) fn in_one_line(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./:=@+,%^~{}$".contains(c))
    };
    let quoted = words.iter().map(|word| if plain(word) { word.clone() } else { format!("'{word}'") });
    let line = quoted.collect::<Vec<_>>().join(" ").replace('\n', " ");
    if line.chars().count() <= 120 { line } else { line.chars().take(119).chain(['…']).collect() }
}
