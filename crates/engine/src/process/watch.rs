//! Linux: a check, seen through from its start to its end by one thread that does nothing else meanwhile.
//!
//! To have the runtime watch a process and its pipes costs about as much as half a short check: registering, waking up,
//! taking them off. A thread of its own asks the kernel once and sleeps until there is something to do.

use std::{
    io::{self, PipeReader, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use tokio_util::sync::CancellationToken;

use super::{
    MARKER,
    exec::{DRAIN, End},
    system,
};

/// How long only the end of the process is waited for: most checks are over by then, and what they said is in the pipes.
const SHORT: Duration = Duration::from_millis(20);
/// Between two looks at the clock and at whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);
/// The same where the kernel cannot tell that a process ended (before Linux 5.3).
const LOOK_MYSELF: Duration = Duration::from_millis(3);

/// Which stream something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Out,
    Err,
}

/// Starts a process in a group of its own and waits until it ended, it is `deadline`, or it was cancelled; then all of
/// it has ended. `take` gets what it prints. Error: it cannot be started.
pub(super) fn see_through(
    mut command: Command,
    marker: &str,
    deadline: Instant,
    cancel: &CancellationToken,
    mut take: impl FnMut(Source, &[u8]),
) -> io::Result<End> {
    let (mut out, mut err) = (Pipe::new()?, Pipe::new()?);
    if let (Some(out), Some(err)) = (out.1.take(), err.1.take()) {
        command.stdout(out).stderr(err);
    }
    let mut child = command.process_group(0).env(MARKER, marker).spawn()?;
    // Our ends for writing: as long as they are open, the pipes do not end.
    drop(command);
    let leader = Pid::from_child(&child);
    let ends = pidfd_open(leader, PidfdFlags::empty()).ok();
    let begun = Instant::now();
    let mut over: Option<(i32, Instant)> = None;
    let end = loop {
        let now = Instant::now();
        if over.is_none() {
            match child.try_wait() {
                Ok(Some(status)) => over = Some((system::code(status), now + DRAIN)),
                Ok(None) => {}
                Err(error) => break End::Lost(error),
            }
        }
        if over.is_some() || begun.elapsed() >= SHORT {
            out.read(|chunk| take(Source::Out, chunk));
            err.read(|chunk| take(Source::Err, chunk));
        }
        match over {
            Some((code, until)) if (out.is_closed() && err.is_closed()) || now >= until => {
                break End::Exited(code);
            }
            None if cancel.is_cancelled() => break End::Cancelled,
            None if now >= deadline => break End::TimedOut,
            Some(_) | None => {}
        }
        let watched = if over.is_none() { ends.as_ref() } else { None };
        let pace = if over.is_none() && ends.is_none() { LOOK_MYSELF } else { LOOK };
        let until = over.map_or(deadline, |(_, until)| until);
        let pipes = if over.is_some() || begun.elapsed() >= SHORT {
            [out.0.as_ref(), err.0.as_ref()]
        } else {
            [None; 2]
        };
        if let Err(error) = sleep(watched, pipes, pace.min(until.saturating_duration_since(now))) {
            break End::Lost(error);
        }
    };
    if !matches!(end, End::Exited(_)) {
        stop(leader, marker, &mut child);
    }
    Ok(end)
}

/// Until the process ends, a pipe can be read, or the time is over.
fn sleep(process: Option<&OwnedFd>, pipes: [Option<&PipeReader>; 2], time: Duration) -> io::Result<()> {
    let pipes = pipes.into_iter().flatten().map(AsFd::as_fd);
    let mut watched: Vec<PollFd<'_>> = process
        .map(AsFd::as_fd)
        .into_iter()
        .chain(pipes)
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    let time = Timespec { tv_sec: 0, tv_nsec: time.as_nanos().min(999_999_999).try_into().unwrap_or(0) };
    match poll(&mut watched, Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn stop(leader: Pid, marker: &str, child: &mut Child) {
    let mut stopping = system::Stopping::new(leader, marker);
    while stopping.goes_on() {
        std::thread::sleep(system::LOOK);
        // The leader is ours to bury; an error means that it is buried.
        let _ = child.try_wait();
    }
}

/// The reading end of a pipe, until it is closed, and the writing end, until it is handed over. Reading never waits.
struct Pipe(Option<PipeReader>, Option<io::PipeWriter>);

impl Pipe {
    fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok(Self(Some(reader), Some(writer)))
    }

    fn is_closed(&self) -> bool {
        self.0.is_none()
    }

    /// What is there; at most what a pipe holds, because something in the background may write faster than we read.
    fn read(&mut self, mut take: impl FnMut(&[u8])) {
        let Some(reader) = &mut self.0 else { return };
        let mut chunk = [0; 4 * 1024];
        for _ in 0..16 {
            match reader.read(&mut chunk) {
                Ok(0) => {
                    self.0 = None;
                    return;
                }
                Ok(count) => take(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.0 = None;
                    return;
                }
            }
        }
    }
}
