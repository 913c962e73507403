//! The program, started and listened to.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A hub that answers, until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

impl Running {
    pub(crate) fn start(program: &Path, folder: &Path, database: &str) -> Self {
        let config = folder.join("hub.toml");
        fs::write(&config, "requests_per_minute = 1000000000\n").unwrap();
        let mut child = Command::new(program)
            .arg("--config")
            .arg(config)
            .args(["--database", database, "serve", "--listen", "127.0.0.1:0"])
            .env("RUST_LOG", "warn")
            // As `deploy/firstlight-hub.service` has it.
            .env("MALLOC_ARENA_MAX", "8")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening at ").unwrap().to_owned();
        Self { child, url }
    }

    /// The most memory it has held, in megabytes.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1_000.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
