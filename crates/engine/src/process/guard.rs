//! A guard against our own sudden end: a tiny process that outlives us and ends what a run had started.
//!
//! It waits on a pipe. When we end a run we say so and it goes; when we are killed the pipe closes and it ends every
//! process that carries the run's marker. Linux only: elsewhere nothing shows the environments of others.

use firstlight_domain::id::RunId;

/// Guards one run; dropped, the run is over and the guard leaves.
///
/// From the run's beginning, not from its first change: a check that hangs is a process, too.
#[derive(Debug)]
pub(crate) struct Guard {
    #[cfg(target_os = "linux")]
    process: Option<std::process::Child>,
}

#[cfg(target_os = "linux")]
impl Guard {
    /// Starts guarding. Without `sh` and `grep` there is no guard, which is logged: the run itself does not need it.
    pub(crate) fn start(run: RunId) -> Self {
        use std::{
            os::unix::process::CommandExt,
            process::{Command, Stdio},
        };
        // One grep over all environments is fast enough to repeat until nothing new was forked meanwhile.
        let script = r#"
            if read -r _; then exit 0; fi
            for _ in 1 2 3 4 5 6 7 8; do
                found=$(grep -lzs "^$1/" /proc/[0-9]*/environ)
                [ -n "$found" ] || exit 0
                for file in $found; do pid=${file#/proc/}; kill -9 "${pid%/environ}" 2>/dev/null; done
            done"#;
        let process = Command::new("sh")
            .args(["-c", script, "firstlight-guard", &format!("{}={run}", super::MARKER)])
            .env_remove(super::MARKER)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Err(error) = &process {
            tracing::warn!(%error, "no guard: a sudden end of this program would leave its processes behind");
        }
        Self { process: process.ok() }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Guard {
    fn drop(&mut self) {
        use std::io::Write;
        if let Some(process) = &mut self.process {
            if let Some(mut pipe) = process.stdin.take() {
                let _ = pipe.write_all(b"done\n");
            }
            let _ = process.wait();
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Guard {
    /// There is none on this system.
    pub(crate) fn start(_run: RunId) -> Self {
        Self {}
    }
}
