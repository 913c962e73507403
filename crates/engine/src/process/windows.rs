//! Processes on Windows: a job object each, ended as a whole. Relies on job objects holding every descendant.

use std::{fs::File, io, process::ExitStatus};

use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::{
    MARKER, Process,
    detached::{Detached, detach},
};

const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
const DETACHED_PROCESS: u32 = 0x0000_0008;

/// Standard input, output and error.
pub(super) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A running process and everything it starts. Dropped before it ended, it is killed.
pub(super) struct Child {
    child: Box<dyn ChildWrapper>,
}

/// Starts a command in a job of its own.
pub(super) fn spawn(mut command: Command, marker: &str) -> io::Result<Child> {
    command.env(MARKER, marker);
    let child = CommandWrap::from(command).wrap(KillOnDrop).wrap(JobObject).spawn()?;
    Ok(Child { child })
}

impl Child {
    /// The pipes asked for, once.
    pub(super) fn pipes(&mut self) -> Pipes {
        let child = &mut self.child;
        (child.stdin().take(), child.stdout().take(), child.stderr().take())
    }

    /// Waits for the job.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the job.
    pub(super) async fn stop(&mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }

    /// Waiting was for the whole job: nothing is left behind.
    #[expect(clippy::unused_async, clippy::unused_self, reason = "the other systems have something to end")]
    pub(super) async fn clear(&mut self) {}
}

/// The exit code.
pub(super) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Starts a process without our console and outside of our jobs, its output going to a file. It carries no marker: it
/// is meant to stay.
pub(crate) fn spawn_detached(process: &Process, output: File) -> io::Result<Detached> {
    let words = process.words();
    let (program, args) = words.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut command = Command::new(program);
    command.args(args).creation_flags(CREATE_NEW_PROCESS_GROUP | DETACHED_PROCESS);
    detach(command, process, output)
}

/// Ends a detached process and its descendants.
pub(crate) async fn stop_detached(pid: u32) {
    let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &pid.to_string()]).output().await;
}
