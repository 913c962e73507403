//! What end-to-end tests stand on: a machine of their own ([`Machine`]) and the real window on it ([`Desktop`]).
//!
//! A machine is a new home, a display (Xvfb), a session bus, an unlocked gnome-keyring and a WebDriver; nothing of the
//! person who runs the tests is read or written. The window is pressed and read through WebDriver like a person would:
//! by the words on it. This crate refuses to know how anything works inside.
//!
//! One more story: a file in `tests/`, told with these two. It runs on Linux, where the webview has a WebDriver.
#![cfg(target_os = "linux")]

mod desktop;
mod machine;
mod programs;

pub use desktop::Desktop;
pub use machine::Machine;
pub use programs::{binary, fixture, free_port, sample};

use std::time::Duration;

/// How long anything the window promises may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
