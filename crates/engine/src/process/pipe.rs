//! Pipes from a process to us.
//!
//! To have the runtime watch a pipe costs about as much as half a short check: registering, waking up, taking it off.
//! So the pipes of a check are read when it has ended, and watched only if it takes longer than most do.

use tokio::io::AsyncRead;

/// A pipe the runtime watches.
pub(super) type Pipe = Box<dyn AsyncRead + Send + Unpin>;

/// What one stream of a process comes out of.
pub(super) enum Out {
    Watched(Pipe),
    Unwatched(Unwatched),
    Closed,
}

impl Out {
    /// Reads what an unwatched pipe holds, without waiting. At its end it is closed.
    pub(super) fn read_what_is_there(&mut self, take: impl FnMut(&[u8])) {
        if let Self::Unwatched(pipe) = self
            && pipe.read_to_end(take)
        {
            *self = Self::Closed;
        }
    }

    /// Watches it from now on; nothing if it is closed.
    pub(super) fn watched(self) -> Option<Pipe> {
        match self {
            Self::Watched(pipe) => Some(pipe),
            Self::Unwatched(pipe) => pipe.watch(),
            Self::Closed => None,
        }
    }
}

#[cfg(unix)]
mod system {
    use std::{
        io::{self, PipeReader, Read},
        os::fd::OwnedFd,
    };

    use tokio::{net::unix::pipe::Receiver, process::Command};

    use super::Pipe;

    /// The reading end of a pipe; reading never waits.
    pub(in super::super) struct Unwatched(PipeReader);

    impl Unwatched {
        /// Pipes for both streams of a command that will be started.
        pub(in super::super) fn both(command: &mut Command) -> io::Result<Option<(Self, Self)>> {
            let (out, into_out) = io::pipe()?;
            let (err, into_err) = io::pipe()?;
            command.stdout(into_out).stderr(into_err);
            for pipe in [&out, &err] {
                rustix::io::ioctl_fionbio(pipe, true)?;
            }
            Ok(Some((Self(out), Self(err))))
        }

        /// Reads what is there; whether that is all there will ever be.
        pub(super) fn read_to_end(&mut self, mut take: impl FnMut(&[u8])) -> bool {
            let mut chunk = [0; 4 * 1024];
            // At most what a pipe holds: something in the background may write faster than we read.
            for _ in 0..16 {
                match self.0.read(&mut chunk) {
                    Ok(0) => return true,
                    Ok(count) => take(&chunk[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // Nothing there now; whatever else is wrong shows again when it is watched.
                    Err(_) => return false,
                }
            }
            false
        }

        pub(super) fn watch(self) -> Option<Pipe> {
            match Receiver::from_owned_fd(OwnedFd::from(self.0)) {
                Ok(pipe) => Some(Box::new(pipe)),
                Err(error) => {
                    tracing::warn!(%error, "a process's output cannot be read");
                    None
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::{convert::Infallible, io};

    use tokio::process::Command;

    use super::Pipe;

    /// There is none on this system: its pipes are watched from the beginning.
    pub(in super::super) struct Unwatched(Infallible);

    impl Unwatched {
        pub(in super::super) fn both(_command: &mut Command) -> io::Result<Option<(Self, Self)>> {
            Ok(None)
        }

        pub(super) fn read_to_end(&mut self, _take: impl FnMut(&[u8])) -> bool {
            match self.0 {}
        }

        pub(super) fn watch(self) -> Option<Pipe> {
            match self.0 {}
        }
    }
}

pub(super) use system::Unwatched;
