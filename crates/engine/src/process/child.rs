//! A process that was started: here, or by the administrator session.

use std::io;

use tokio::{io::AsyncRead, process::ChildStdin};

use super::{administrator::Remote, system};

/// A running process.
pub(super) enum Child {
    Here(Box<system::Child>),
    There(Remote),
}

/// What it prints.
pub(super) type Printed = Option<Box<dyn AsyncRead + Send + Unpin>>;

impl Child {
    /// Its standard input, output and error, as far as asked for, once.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Printed, Printed) {
        fn boxed(pipe: Option<impl AsyncRead + Send + Unpin + 'static>) -> Printed {
            pipe.map(|pipe| Box::new(pipe) as _)
        }
        match self {
            Self::Here(child) => {
                let (into, out, err) = child.pipes();
                (into, boxed(out), boxed(err))
            }
            Self::There(child) => {
                let (out, err) = child.pipes();
                (None, boxed(out), boxed(err))
            }
        }
    }

    /// Waits for its exit code.
    pub(super) async fn wait(&mut self) -> io::Result<i32> {
        match self {
            Self::Here(child) => child.wait().await.map(system::code),
            Self::There(child) => child.wait().await,
        }
    }

    /// Ends it and everything it started. Its output must not be held any more.
    pub(super) async fn stop(&mut self) {
        match self {
            Self::Here(child) => child.stop().await,
            Self::There(child) => child.stop().await,
        }
    }
}
