//! Processes on Linux and macOS: a group each, ended as a whole.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use tokio::{
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    time::Instant,
};

use super::{
    MARKER, Process,
    detached::{Detached, detach},
    sweep,
};

/// Between asking a process to end and ending it.
const GRACE: Duration = Duration::from_millis(300);
/// How long we look for survivors after that.
const SEARCH: Duration = Duration::from_millis(500);
/// Between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(15);

/// Standard input, output and error.
pub(super) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A running process and everything it starts. Dropped before it ended, it is killed.
pub(super) struct Child {
    process: tokio::process::Child,
    ended: bool,
    /// Its group, until that was ended.
    group: Option<Pid>,
    marker: String,
    /// The first of the group, where it is not the process itself.
    #[cfg(target_os = "linux")]
    anchor: Option<Anchor>,
}

/// Starts a command in a group of its own. Nothing here needs code between fork and exec, so that the standard library
/// can use `posix_spawn`, which is several times faster in a large process.
pub(super) fn spawn(mut command: Command, marker: &str) -> io::Result<Child> {
    command.process_group(0).env(MARKER, marker).kill_on_drop(true);
    let child = command.spawn()?;
    let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    Ok(Child {
        process: child,
        ended: false,
        group,
        marker: marker.to_owned(),
        #[cfg(target_os = "linux")]
        anchor: None,
    })
}

/// A process that does nothing but be the first of a group, so that others can be started in it and kept there.
#[cfg(target_os = "linux")]
pub(super) struct Anchor(std::process::Child);

#[cfg(target_os = "linux")]
impl Anchor {
    /// Starts one; it ends when this is dropped, and when we end.
    pub(super) fn start(marker: &str) -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let anchor = std::process::Command::new("cat")
            .process_group(0)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(MARKER, marker)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(anchor))
    }

    /// Its group.
    pub(super) fn group(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Anchor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Starts a command in the group of an anchor.
#[cfg(target_os = "linux")]
pub(super) fn spawn_beside(mut command: Command, marker: &str, anchor: Anchor) -> io::Result<Child> {
    let group = anchor.group();
    command.process_group(group.as_raw_nonzero().get()).env(MARKER, marker).kill_on_drop(true);
    let process = command.spawn()?;
    Ok(Child { process, ended: false, group: Some(group), marker: marker.to_owned(), anchor: Some(anchor) })
}

impl Child {
    /// The pipes asked for, once.
    pub(super) fn pipes(&mut self) -> Pipes {
        (self.process.stdin.take(), self.process.stdout.take(), self.process.stderr.take())
    }

    /// Waits for the process itself, not for what it started.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait().await;
        self.ended = true;
        status
    }

    /// Ends the process and everything it started: asks, and after 300 ms insists.
    pub(super) async fn stop(&mut self) {
        if !self.ended
            && let Some(group) = self.group.take()
        {
            self.end(group).await;
        }
    }

    /// Ends what the process left behind when it ended itself.
    pub(super) async fn clear(&mut self) {
        #[cfg(target_os = "linux")]
        drop(self.anchor.take());
        if let Some(group) = self.group.take()
            && !sweep::find(&self.marker, group.as_raw_nonzero().get()).is_empty()
        {
            self.end(group).await;
        }
    }

    async fn end(&mut self, group: Pid) {
        let mut stopping = Stopping::new(group, &self.marker);
        while stopping.goes_on() {
            tokio::time::sleep(LOOK).await;
            let _ = self.process.try_wait();
        }
    }
}

/// The end of a process and everything it started: asked for, and after 300 ms insisted on. Whoever waits sleeps
/// [`LOOK`] between two looks, in their own way, and buries the leader if it ended.
pub(super) struct Stopping<'a> {
    leader: Pid,
    marker: &'a str,
    asked: Instant,
    insisted: Option<Instant>,
    found: BTreeSet<i32>,
    ended: BTreeSet<i32>,
}

impl<'a> Stopping<'a> {
    /// Asks.
    pub(super) fn new(leader: Pid, marker: &'a str) -> Self {
        let found = sweep::find(marker, leader.as_raw_nonzero().get());
        signal(leader, &found, Signal::TERM);
        Self { leader, marker, asked: Instant::now(), insisted: None, found, ended: BTreeSet::new() }
    }

    /// Whether there is still something to wait for.
    pub(super) fn goes_on(&mut self) -> bool {
        let raw = self.leader.as_raw_nonzero().get();
        if !self.ended.is_empty() {
            self.found = sweep::find(self.marker, raw);
        }
        let searched = self.insisted.is_some_and(|since| since.elapsed() >= SEARCH);
        if self.found.is_empty() || searched {
            reap(&self.ended, raw);
            return false;
        }
        if self.asked.elapsed() >= GRACE {
            self.insisted.get_or_insert_with(Instant::now);
            signal(self.leader, &self.found, Signal::KILL);
        }
        self.ended.extend(&self.found);
        true
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(group) = self.group.take().filter(|_| !self.ended) {
            let raw = group.as_raw_nonzero().get();
            let found = sweep::find(&self.marker, raw);
            signal(group, &found, Signal::KILL);
            reap(&found, raw);
        }
    }
}

/// To the group at once, and to each that left it.
fn signal(group: Pid, found: &BTreeSet<i32>, signal: Signal) {
    // Gone already is what we want; not allowed is what is tried below.
    let refused = kill_process_group(group, signal) == Err(rustix::io::Errno::PERM);
    let mut refused: Vec<String> = refused.then(|| format!("-{group}")).into_iter().collect();
    for pid in found.iter().filter_map(|&pid| Pid::from_raw(pid)) {
        if kill_process(pid, signal) == Err(rustix::io::Errno::PERM) {
            refused.push(pid.to_string());
        }
    }
    if !refused.is_empty() {
        // An elevated process: the rights that started it still last, or the system's prompt ends it with its parent.
        let _ = std::process::Command::new("sudo")
            .args(["-n", "kill", "-s", "KILL", "--"])
            .args(refused)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .and_then(|mut child| child.wait());
    }
}

/// Adopted orphans are ours to bury; the leader is its handle's.
fn reap(ended: &BTreeSet<i32>, leader: i32) {
    for pid in ended.iter().filter(|&&pid| pid != leader).filter_map(|&pid| Pid::from_raw(pid)) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

/// The exit code as shells have it: 128 + signal for one ended by a signal.
pub(super) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Starts a process in a session of its own, its output going to a file. It carries no marker: it is meant to stay.
pub(crate) fn spawn_detached(process: &Process, output: File) -> io::Result<Detached> {
    // `setsid` the program calls the function and becomes ours, keeping the id; macOS has none, and a group of its own
    // already keeps terminal signals away.
    let words = process.words();
    let command = if let Ok(setsid) = which::which("setsid") {
        let mut command = Command::new(setsid);
        command.args(words);
        command
    } else {
        let (program, args) =
            words.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut command = Command::new(program);
        command.args(args).process_group(0);
        command
    };
    detach(command, process, output)
}

/// Ends a detached process, its session's group and its descendants.
pub(crate) async fn stop_detached(pid: u32) {
    let Some(leader) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let raw = leader.as_raw_nonzero().get();
    // No process carries this marker: group and ancestry are what is found.
    let nobody = "-";
    let asked = Instant::now();
    let mut insist = false;
    loop {
        let found = sweep::find(nobody, raw);
        if found.is_empty() || asked.elapsed() > STOP + SEARCH {
            return;
        }
        if asked.elapsed() > STOP {
            signal(leader, &found, Signal::KILL);
        } else if !insist {
            signal(leader, &found, Signal::TERM);
            insist = true;
        }
        tokio::time::sleep(LOOK).await;
        let _ = waitpid(Some(leader), WaitOptions::NOHANG);
    }
}

/// How long a service has to end by itself.
const STOP: Duration = Duration::from_secs(3);
