//! Processes: started in a group of their own, read to the end within bounds, and never left behind.
//!
//! [`run`] is for what changes the machine: its output goes to the step's [`Output`]. [`quick`] is for checks: nothing
//! is logged, what it printed comes back. [`talk`] is for programs that are asked and answer. All end by themselves on the step's timeout and on cancel, and take every
//! process they caused with them, daemons that left the group included.
//!
//! It refuses to know what the processes are for.

mod administrator;
mod child;
mod detached;
mod elevate;
mod exec;
mod guard;
mod log;
mod output;
mod programs;
mod room;
mod sandbox;
mod sanitise;
mod sweep;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;
mod talk;
#[cfg(target_os = "linux")]
mod watch;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use firstlight_domain::{
    plan::{CommandLine, Purpose},
    state::Failure,
};
use secrecy::SecretString;

pub use administrator::{ADMINISTRATOR_SESSION, administrator_session};
pub(crate) use detached::Detached;
pub use elevate::Prompts;
pub(crate) use elevate::out_of_reach;
pub(crate) use exec::{cannot_start, in_words, not_found};
pub use exec::{quick, run};
pub(crate) use guard::Guard;
pub use log::{LogSlice, read_log};
pub use output::{Output, Stream};
pub use programs::Programs;
pub use room::{can_keep_writing_to, end_all_with, keep_writing_to};
pub(crate) use sandbox::{Sandbox, is_confining};
pub(crate) use sweep::{become_subreaper, born};
pub(crate) use system::{spawn_detached, stop_detached};
pub(crate) use talk::{Heard, Printed, talk};

use crate::provider::Context;

/// The environment variable every process of a step carries: `<run>/<step>`.
pub const MARKER: &str = "FIRSTLIGHT_STEP";

/// Bytes of standard output kept for reading, if not said.
const KEPT: usize = 64 * 1024;

/// A process to be started. Argument by argument: no shell unless [`Process::shell`] says so.
#[derive(Debug, Clone)]
pub struct Process {
    argv: Vec<String>,
    shell: bool,
    cwd: Option<PathBuf>,
    env: Vec<(String, String)>,
    secret_env: Vec<(String, SecretString)>,
    secret_stdin: Option<SecretString>,
    elevated: bool,
    timeout: Option<Duration>,
    /// Bytes of standard output kept for reading.
    keep: usize,
    sandbox: Option<Sandbox>,
}

impl Process {
    /// A program, looked up on PATH.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            argv: vec![program.into()],
            shell: false,
            cwd: None,
            env: Vec::new(),
            secret_env: Vec::new(),
            secret_stdin: None,
            elevated: false,
            timeout: None,
            keep: KEPT,
            sandbox: None,
        }
    }

    /// A program and its arguments in one list, as packs write them. An empty list is refused when it is started.
    pub fn of(argv: &[String]) -> Self {
        let mut process = Self::new("");
        process.argv = argv.to_vec();
        process
    }

    /// A script for `sh -c` (`cmd /C` on Windows): the declared exception.
    pub fn shell(script: impl Into<String>) -> Self {
        let mut process = Self::new(script);
        process.shell = true;
        process
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// The folder it runs in; it must exist when it is started. Ours if not said.
    #[must_use]
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = Some(folder.into());
        self
    }

    /// One more environment variable; never a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// An environment variable with a secret.
    #[must_use]
    pub fn secret_env(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.secret_env.push((name.into(), value));
        self
    }

    /// A secret for its standard input, which is closed after it. Without one, standard input is empty.
    #[must_use]
    pub fn secret_stdin(mut self, value: SecretString) -> Self {
        self.secret_stdin = Some(value);
        self
    }

    /// Hands it the secrets of the step: by environment, and by standard input where the step says so.
    #[must_use]
    pub fn step_secrets(mut self, cx: &Context) -> Self {
        self.secret_env.extend(cx.secret_env.iter().cloned());
        self.secret_stdin = self.secret_stdin.or_else(|| cx.secret_stdin.clone());
        self
    }

    /// With administrator rights: directly if we have them, else asked for by the system's own prompt (`sudo` at a
    /// terminal, `sudo -n` or `pkexec` without one), once a run where the host names a program for that.
    #[must_use]
    pub fn elevated(mut self, elevated: bool) -> Self {
        self.elevated = elevated;
        self
    }

    /// Ends it after this long; the step's own timeout if not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Keeps this many bytes of its standard output for reading, instead of 64 KB.
    #[must_use]
    pub(crate) fn keep(mut self, bytes: usize) -> Self {
        self.keep = bytes;
        self
    }

    /// Kept to what the sandbox allows, as far as the system can ([`is_confining`]), and without our environment but for
    /// a few variables that any program needs. Only [`talk`] heeds it.
    #[must_use]
    pub(crate) fn sandboxed(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// What the plan shows of it. Secrets are not part of it.
    pub fn line(&self, purpose: Purpose) -> CommandLine {
        CommandLine {
            purpose,
            argv: self.argv.clone(),
            cwd: self.cwd.as_ref().map(|folder| folder.display().to_string()),
            env: self.env.clone(),
            shell: self.shell,
        }
    }

    /// The program's name, for messages.
    fn program(&self) -> &str {
        if self.shell { shell_of().0 } else { self.argv.first().map_or("", String::as_str) }
    }

    /// Whether the program exists: a path (relative ones below the folder it runs in), or a name on PATH.
    pub fn is_there(&self) -> bool {
        let program = self.located();
        which::which_in(&program, std::env::var_os("PATH"), self.cwd.as_deref().unwrap_or(Path::new(".")))
            .is_ok()
    }

    /// The program of a planned command, if it is not there.
    pub(crate) fn missing(line: &CommandLine) -> Option<String> {
        let mut process = Self::of(&line.argv);
        process.shell = line.shell;
        process.cwd = line.cwd.as_ref().map(PathBuf::from);
        (!process.is_there()).then(|| process.program().to_owned())
    }

    /// The program as the system finds it: a relative path counts from the folder it runs in, on every system alike.
    fn located(&self) -> String {
        let program = self.program();
        let relative =
            program.contains(['/', std::path::MAIN_SEPARATOR]) && !Path::new(program).is_absolute();
        match &self.cwd {
            Some(folder) if relative => folder.join(program).display().to_string(),
            // Windows itself looks for `.exe` only; npm and others are `.cmd`.
            Some(_) | None if cfg!(windows) => {
                which::which(program).map_or_else(|_| program.to_owned(), |found| found.display().to_string())
            }
            Some(_) | None => program.to_owned(),
        }
    }

    /// The words that are executed.
    fn words(&self) -> Vec<String> {
        if self.argv.is_empty() {
            return Vec::new();
        }
        let mut words = vec![self.located()];
        if self.shell {
            words.push(shell_of().1.to_owned());
            words.extend(self.argv.iter().cloned());
        } else {
            words.extend(self.argv.iter().skip(1).cloned());
        }
        words
    }
}

/// The shell for declared scripts, and the flag that hands it one.
fn shell_of() -> (&'static str, &'static str) {
    if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") }
}

/// How a process ended.
#[derive(Debug, Clone, Default)]
pub struct Exit {
    /// Its exit code; 128 + signal if a signal ended it.
    pub code: i32,
    /// The last 20 lines it printed, masked, both streams. [`quick`] fills it only where the code is not 0.
    pub tail: Vec<String>,
    /// What it printed to standard output, at most as much as the process keeps, *not* masked: for reading, never for showing.
    pub stdout: Vec<u8>,
}

impl Exit {
    /// Whether it succeeded.
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// Standard output as text, without the white space around it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }

    /// Itself if it succeeded, else a failure that names `what` was tried ("`git clone`") and ends in its last lines.
    pub fn or_fail(self, what: &str) -> Result<Self, Failure> {
        if self.ok() {
            return Ok(self);
        }
        Err(Failure {
            cause: format!("{what} ended with code {}", self.code),
            last_lines: self.tail,
            hint: None,
        })
    }
}
