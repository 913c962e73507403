//! Processes that outlive us: services.

use std::{fs::File, io, process::Stdio};

use secrecy::ExposeSecret;
use tokio::process::{Child, Command};

use super::{MARKER, Process, system};

/// A process that outlives us.
#[derive(Debug)]
pub(crate) struct Detached {
    child: Child,
    /// Its id.
    pub(crate) pid: u32,
}

impl Detached {
    /// Its exit code, if it has ended already.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().ok().flatten().map(system::code)
    }
}

/// Starts a command that is ready to stand on its own.
pub(super) fn detach(mut command: Command, process: &Process, output: File) -> io::Result<Detached> {
    command
        .envs(process.env.iter().map(|(name, value)| (name, value)))
        .envs(process.secret_env.iter().map(|(name, value)| (name, value.expose_secret())))
        .env_remove(MARKER)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    if let Some(folder) = &process.cwd {
        command.current_dir(folder);
    }
    let child = command.spawn()?;
    let pid = child.id().ok_or_else(|| io::Error::other("it ended while it was started"))?;
    Ok(Detached { child, pid })
}
