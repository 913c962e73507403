//! Being asked to stop: Ctrl-C, a polite kill, a terminal that was closed.

use std::process::ExitCode;

/// What we were asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A polite kill.
    Terminate,
    /// The terminal was closed.
    Hangup,
}

impl Signal {
    /// What shells expect of a program that a signal ended: 128 and its number.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Hangup => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}

/// Ctrl-C where no signal comes of it: a prompt that shows nothing reads every key itself.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Waits until we are asked to stop. From the first poll on, signals no longer end the program by themselves.
pub(crate) async fn asked() -> Signal {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            return tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => Signal::Interrupt,
                _ = term.recv() => Signal::Terminate,
                _ = hangup.recv() => Signal::Hangup,
            };
        }
    }
    match tokio::signal::ctrl_c().await {
        Ok(()) => Signal::Interrupt,
        // Nobody can ask; the system ends us as it always did.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(unix)]
mod terminal {
    use std::{io, sync::OnceLock};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    static BEFORE: OnceLock<Termios> = OnceLock::new();

    /// Remembers how the terminal is set, before a prompt that shows nothing.
    pub(crate) fn remember_the_terminal() {
        if let Ok(now) = tcgetattr(io::stdin()) {
            BEFORE.get_or_init(|| now);
        }
    }

    /// Keeps the `^C` of a Ctrl-C off the screen: it would break the line of a bar, and half of that would stay.
    pub(crate) fn hide_ctrl_c() {
        remember_the_terminal();
        if let Some(before) = BEFORE.get() {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHOCTL);
            // A terminal that cannot do it looks a little worse.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
    }

    /// Shows what is typed again, if a prompt was broken off.
    pub(crate) fn give_the_terminal_back() {
        if let Some(before) = BEFORE.get() {
            // A terminal that went away needs nothing back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// The console of Windows is reset with the program that changed it.
    pub(crate) fn remember_the_terminal() {}

    /// The console of Windows shows no `^C`.
    pub(crate) fn hide_ctrl_c() {}

    /// Nothing to give back.
    pub(crate) fn give_the_terminal_back() {}
}

pub(crate) use terminal::{give_the_terminal_back, hide_ctrl_c, remember_the_terminal};
