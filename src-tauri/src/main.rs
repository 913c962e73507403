//! The program of the desktop app; everything is in the library beside it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    firstlight_desktop::run(std::time::Instant::now())
}
