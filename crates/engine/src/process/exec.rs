//! Starting a process and seeing it through.

use std::{io::ErrorKind, path::Path, process::Stdio, time::Duration};

use firstlight_domain::{id::CredentialName, state::Failure};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, Command},
    time::{Instant, sleep_until},
};

use super::{
    Exit, Output, Process, Stream, administrator,
    child::{Child, Printed},
    elevate,
    output::PACE,
    programs::Programs,
    system,
};
use crate::provider::Context;

/// Bytes kept of what a check printed, for its last lines.
const MAX_SAID: usize = 16 * 1024;
/// How long pipes are read after the process ended: something in the background may hold them open for ever.
pub(super) const DRAIN: Duration = Duration::from_millis(200);
/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// Runs a process of a step, its output going to the step's [`Output`]. An exit code other than 0 is not an error here.
/// Errors: it cannot be started, it took too long, it was cancelled, its elevation was refused.
pub async fn run(cx: &Context, process: Process) -> Result<Exit, Failure> {
    let secrets = secrets_of(&process);
    let sink = Sink::Logged {
        out: Box::new(cx.output.stream(&*cx.host, &secrets)),
        err: Box::new(cx.output.stream(&*cx.host, &secrets)),
    };
    execute(cx, process, sink, &cx.output).await
}

/// Runs a short process that only finds something out: nothing is logged. Errors are those of [`run`].
pub async fn quick(cx: &Context, process: Process) -> Result<Exit, Failure> {
    let secrets = secrets_of(&process);
    let said = Output::discard();
    let masked = |raw: Vec<String>| {
        for raw in raw {
            let mut stream = said.stream(&*cx.host, &secrets);
            stream.push(raw.as_bytes());
            stream.finish();
        }
        said.last_lines()
    };
    match find_out(cx, process, &said).await {
        Ok(exit) if exit.ok() => Ok(Exit { tail: Vec::new(), ..exit }),
        Ok(exit) => Ok(Exit { tail: masked(exit.tail), ..exit }),
        // What was printed until it took too long or was stopped is as raw.
        Err(failure) => Err(Failure { last_lines: masked(failure.last_lines), ..failure }),
    }
}

/// On Linux by a thread that does nothing else, as far as nothing has to be written to the process, and it is ours.
async fn find_out(cx: &Context, process: Process, said: &Output) -> Result<Exit, Failure> {
    #[cfg(target_os = "linux")]
    if process.secret_stdin.is_none() && !elevate::is_needed(cx, &process) {
        return on_a_thread(cx, process).await;
    }
    execute(cx, process, Sink::Kept { out: Vec::new(), err: Vec::new() }, said).await
}

#[cfg(target_os = "linux")]
async fn on_a_thread(cx: &Context, process: Process) -> Result<Exit, Failure> {
    use super::watch::{Source, see_through};

    let elevation = elevate::Rights::default();
    let command = command(&process, &elevation, cx.plan.as_deref())?;
    let timeout = process.timeout.unwrap_or(cx.timeout);
    let (marker, deadline) = (marker(cx), std::time::Instant::now() + timeout);
    let cancel = cx.cancel.child_token();
    // A look that nobody waits for any more takes its process with it.
    let _given_up = cancel.clone().drop_guard();
    let keep = process.keep;
    let see = move || {
        let (mut stdout, mut out, mut err) = (Vec::new(), Vec::new(), Vec::new());
        let end = see_through(command, &marker, deadline, &cancel, |from, chunk| match from {
            Source::Out => {
                keep_first(&mut stdout, chunk, keep);
                keep_last(&mut out, chunk);
            }
            Source::Err => keep_last(&mut err, chunk),
        });
        (end, stdout, in_order(&out, &err))
    };
    let seen = if cx.plan.is_some() { Ok(see()) } else { tokio::task::spawn_blocking(see).await };
    let (end, stdout, said) = match seen {
        Ok((Ok(end), stdout, said)) => (end, stdout, said),
        Ok((Err(error), ..)) => {
            return Err(cannot_start(process.program(), process.cwd.as_deref(), &error));
        }
        Err(error) => (End::Lost(error.into()), Vec::new(), Vec::new()),
    };
    conclude(end, &process, timeout, said, stdout, &elevation)
}

/// What was said, errors last.
fn in_order(out: &[u8], err: &[u8]) -> Vec<String> {
    [out, err].iter().map(|raw| String::from_utf8_lossy(raw).into_owned()).collect()
}

/// Where output goes.
enum Sink {
    Logged {
        out: Box<Stream>,
        err: Box<Stream>,
    },
    /// For the last lines of a check that says no. Nothing tells in which order two pipes were written to: what went
    /// wrong is said last, however the two were read.
    Kept {
        out: Vec<u8>,
        err: Vec<u8>,
    },
}

impl Sink {
    fn out(&mut self, chunk: &[u8]) {
        match self {
            Self::Logged { out, .. } => out.push(chunk),
            Self::Kept { out, .. } => keep_last(out, chunk),
        }
    }

    fn err(&mut self, chunk: &[u8]) {
        match self {
            Self::Logged { err, .. } => err.push(chunk),
            Self::Kept { err, .. } => keep_last(err, chunk),
        }
    }
}

fn keep_first(stdout: &mut Vec<u8>, chunk: &[u8], keep: usize) {
    let room = keep.saturating_sub(stdout.len());
    stdout.extend_from_slice(&chunk[..chunk.len().min(room)]);
}

fn keep_last(said: &mut Vec<u8>, chunk: &[u8]) {
    said.extend_from_slice(chunk);
    if said.len() > 2 * MAX_SAID {
        said.drain(..said.len() - MAX_SAID);
    }
}

/// How waiting ended.
pub(super) enum End {
    Exited(i32),
    Cancelled,
    TimedOut,
    Lost(std::io::Error),
}

async fn execute(cx: &Context, process: Process, mut sink: Sink, output: &Output) -> Result<Exit, Failure> {
    let elevation = elevate::rights(cx, &process).await?;
    let mut child = start(&process, &elevation, marker(cx))?;
    let (into, out, err) = child.pipes();
    let timeout = process.timeout.unwrap_or(cx.timeout);
    let deadline = Instant::now() + timeout;
    let mut over: Option<(i32, Instant)> = None;
    let feeding = feed(into, process.secret_stdin.clone());
    tokio::pin!(feeding);
    let mut reader = Reader { out, err, fed: false, stdout: Vec::new() };
    let end = {
        let mut out_chunk = Vec::new();
        let mut err_chunk = Vec::new();
        loop {
            if let Some((code, _)) = over
                && reader.out.is_none()
                && reader.err.is_none()
            {
                break End::Exited(code);
            }
            out_chunk.resize(CHUNK, 0);
            err_chunk.resize(CHUNK, 0);
            // While nothing comes, what came is still shown in time.
            let next =
                over.map_or(deadline, |(_, until)| until).min(Instant::now() + output_pace(&sink, timeout));
            tokio::select! {
                () = cx.cancel.cancelled() => break End::Cancelled,
                read = next_chunk(&mut reader.out, &mut out_chunk) => match read {
                    0 => reader.out = None,
                    count => {
                        keep_first(&mut reader.stdout, &out_chunk[..count], process.keep);
                        sink.out(&out_chunk[..count]);
                    }
                },
                read = next_chunk(&mut reader.err, &mut err_chunk) => match read {
                    0 => reader.err = None,
                    count => sink.err(&err_chunk[..count]),
                },
                () = &mut feeding, if !reader.fed => reader.fed = true,
                status = child.wait(), if over.is_none() => match status {
                    Ok(code) => over = Some((code, Instant::now() + DRAIN)),
                    Err(error) => break End::Lost(error),
                },
                () = sleep_until(next) => match over {
                    Some((code, until)) if Instant::now() >= until => break End::Exited(code),
                    None if Instant::now() >= deadline => break End::TimedOut,
                    Some(_) | None => output.tick(),
                },
            }
        }
    };
    if !matches!(end, End::Exited(_)) {
        (reader.out, reader.err) = (None, None);
        child.stop().await;
    }
    let said = match sink {
        Sink::Logged { out, err } => {
            out.finish();
            err.finish();
            output.last_lines()
        }
        Sink::Kept { out, err } => in_order(&out, &err),
    };
    conclude(end, &process, timeout, said, reader.stdout, &elevation)
}

pub(super) fn conclude(
    end: End,
    process: &Process,
    timeout: Duration,
    said: Vec<String>,
    stdout: Vec<u8>,
    elevation: &elevate::Rights,
) -> Result<Exit, Failure> {
    let name = process.program();
    match end {
        End::Exited(code) => match elevation.not_given(code, &said) {
            Some(failure) => Err(failure),
            None => Ok(Exit { code, tail: said, stdout }),
        },
        End::Cancelled => {
            Err(Failure { cause: format!("`{name}` was stopped"), last_lines: said, hint: None })
        }
        End::TimedOut => Err(Failure {
            cause: format!("`{name}` did not finish within {}", in_words(timeout)),
            last_lines: said,
            hint: Some("try again, or give the step a longer `timeout`".to_owned()),
        }),
        End::Lost(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            Err(cannot_start(name, process.cwd.as_deref(), &error))
        }
        End::Lost(error) => Err(Failure {
            cause: format!("`{name}` cannot be waited for: {error}"),
            last_lines: said,
            hint: None,
        }),
    }
}

struct Reader {
    out: Printed,
    err: Printed,
    fed: bool,
    stdout: Vec<u8>,
}

/// The next bytes; 0 at the end, also one caused by an error. Never, where there is no pipe.
pub(super) async fn next_chunk(pipe: &mut Option<impl AsyncRead + Unpin>, chunk: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(chunk).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Checks show nothing, so they need no waking up.
fn output_pace(sink: &Sink, timeout: Duration) -> Duration {
    match sink {
        Sink::Logged { .. } => PACE,
        Sink::Kept { .. } => timeout,
    }
}

async fn feed(into: Option<ChildStdin>, secret: Option<SecretString>) {
    if let (Some(mut into), Some(secret)) = (into, secret) {
        // A process that does not read it has closed its end; its exit code tells the rest.
        let _ = into.write_all(secret.expose_secret().as_bytes()).await;
        let _ = into.shutdown().await;
    }
}

/// The command, its standard input closed and its streams not yet connected.
pub(super) fn command(
    process: &Process,
    elevation: &elevate::Rights,
    programs: Option<&Programs>,
) -> Result<std::process::Command, Failure> {
    let words = elevation.before(some_words(process)?);
    let (program, args) = (&words[0], &words[1..]);
    let own_path = process.sandbox.is_some() || process.env.iter().any(|(name, _)| name == "PATH");
    let found = programs.filter(|_| !own_path).and_then(|programs| programs.find(program));
    let mut command = std::process::Command::new(found.as_deref().unwrap_or(Path::new(program)));
    // It is called what it was called by.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, program);
    if let Some(sandbox) = &process.sandbox {
        command.env_clear().envs(sandbox.environment());
    }
    command
        .args(args)
        .envs(process.env.iter().map(|(name, value)| (name, value)))
        .envs(process.secret_env.iter().map(|(name, value)| (name, value.expose_secret())))
        .stdin(Stdio::null());
    if let Some(folder) = &process.cwd {
        command.current_dir(folder);
    }
    Ok(command)
}

/// Starts the process with pipes to us, here or in the administrator session.
fn start(process: &Process, elevation: &elevate::Rights, marker: String) -> Result<Child, Failure> {
    let cannot = |error| cannot_start(process.program(), process.cwd.as_deref(), &error);
    match elevation.session() {
        Some(session) => session.start(there(process, marker)?).map(Child::There).map_err(cannot),
        None => {
            let child = system::spawn(piped(process, elevation)?, &marker).map_err(cannot)?;
            Ok(Child::Here(Box::new(child)))
        }
    }
}

/// The command as the administrator session is told.
fn there(process: &Process, marker: String) -> Result<administrator::Start, Failure> {
    let own = process.env.iter().cloned();
    let secret =
        process.secret_env.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    Ok(administrator::Start {
        id: 0,
        words: some_words(process)?,
        cwd: process.cwd.clone(),
        env: own.chain(secret).collect(),
        stdin: process.secret_stdin.as_ref().map(|value| value.expose_secret().to_owned()),
        marker,
    })
}

/// The words of the process, of which there must be one.
fn some_words(process: &Process) -> Result<Vec<String>, Failure> {
    let words = process.words();
    if words.first().is_none_or(String::is_empty) {
        return Err(Failure {
            cause: "there is no program to run".to_owned(),
            last_lines: Vec::new(),
            hint: Some("the command needs at least one word".to_owned()),
        });
    }
    Ok(words)
}

/// The command with pipes to us.
fn piped(process: &Process, elevation: &elevate::Rights) -> Result<Command, Failure> {
    let mut command = Command::from(command(process, elevation, None)?);
    if process.secret_stdin.is_some() {
        command.stdin(Stdio::piped());
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// What processes of this step are known by.
pub(super) fn marker(cx: &Context) -> String {
    match cx.run {
        Some(run) => format!("{run}/{}", cx.step),
        // Outside of a run nothing outlives us that would have to be told apart later.
        None => format!("look-{}/{}", std::process::id(), cx.step),
    }
}

/// A program that is not there.
pub(crate) fn not_found(program: &str) -> Failure {
    Failure {
        cause: format!("the program `{program}` was not found"),
        last_lines: Vec::new(),
        hint: Some(format!("install `{program}`, or see that the folder it is in is on PATH")),
    }
}

/// Why a program cannot be started, in words.
pub(crate) fn cannot_start(program: &str, cwd: Option<&Path>, error: &std::io::Error) -> Failure {
    let (cause, hint) = match (error.kind(), cwd) {
        (_, Some(folder)) if !folder.is_dir() => (
            format!("the folder {} does not exist", folder.display()),
            "it may be made by an earlier step".to_owned(),
        ),
        (ErrorKind::NotFound, _) => return not_found(program),
        (ErrorKind::PermissionDenied, _) => {
            (format!("`{program}` may not be run"), "see that the file is executable".to_owned())
        }
        _ => (format!("`{program}` cannot be started: {error}"), "see the system's message".to_owned()),
    };
    Failure { cause, last_lines: Vec::new(), hint: Some(hint) }
}

/// The secrets a process is handed, for masking.
pub(super) fn secrets_of(process: &Process) -> Vec<(CredentialName, SecretString)> {
    let handed = process.secret_env.iter().map(|(name, value)| (name.as_str(), value));
    handed
        .chain(process.secret_stdin.iter().map(|value| ("stdin", value)))
        .filter_map(|(name, value)| {
            // Names of variables may begin with an underscore, names of credentials may not.
            let name =
                CredentialName::new(name.trim_start_matches('_')).or_else(|_| CredentialName::new("secret"));
            Some((name.ok()?, value.clone()))
        })
        .collect()
}

/// A length of time as people say it: `90s`, `10m`.
pub(crate) fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds >= 172_800 && seconds.is_multiple_of(86_400) => {
            format!("{} days", seconds / 86_400)
        }
        seconds if seconds >= 7_200 && seconds.is_multiple_of(3_600) => format!("{} hours", seconds / 3_600),
        seconds if seconds >= 120 && seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
