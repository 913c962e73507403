//! Systems on which a program without special rights cannot confine another.

use std::io;

use super::Sandbox;
use crate::process::system;

/// It is not.
pub(crate) fn is_confining() -> bool {
    false
}

/// Starts it like any other.
pub(in crate::process) fn spawn(
    _sandbox: &Sandbox,
    command: tokio::process::Command,
    marker: &str,
) -> io::Result<system::Child> {
    system::spawn(command, marker)
}
