//! Administrator rights, through the system's own prompt. No password passes through us.

use std::{process::Stdio, time::Duration};

use firstlight_domain::{facts::Facts, state::Failure};
use tokio::{process::Command, sync::Mutex};

use super::Process;
use crate::{facts::Admin, host::Host, provider::Context};

/// One prompt at a time, however many steps want one.
static PROMPT: Mutex<()> = Mutex::const_new(());

/// How long a person may look for their password.
const PROMPT_PATIENCE: Duration = Duration::from_secs(300);

/// What goes in front of a command.
#[derive(Debug, Default)]
pub(super) struct Prefix {
    words: Vec<String>,
    /// Whether exit codes 126 and 127 mean that the prompt was refused.
    pkexec: bool,
}

impl Prefix {
    /// The words that are really executed.
    pub(super) fn before(&self, words: Vec<String>) -> Vec<String> {
        self.words.iter().cloned().chain(words).collect()
    }

    /// Whether an exit code says that the prompt was refused.
    pub(super) fn was_refused(&self, code: i32) -> bool {
        self.pkexec && matches!(code, 126 | 127)
    }
}

/// Finds out how a process gets the rights it needs, asking for them where that is done beforehand.
pub(super) async fn prefix(cx: &Context, process: &Process) -> Result<Prefix, Failure> {
    // Windows' installers bring their own prompt.
    if !process.elevated || cx.facts.elevated || cfg!(windows) {
        return Ok(Prefix::default());
    }
    let sudo = which::which("sudo").is_ok();
    if sudo && (may_sudo().await || (cx.interactive && ask(cx).await?)) {
        return Ok(Prefix { words: sudo_words(process), pkexec: false });
    }
    if cx.interactive && sudo {
        return Err(refused());
    }
    if has_display() && which::which("pkexec").is_ok() {
        return pkexec_words(process).map(|words| Prefix { words, pkexec: true });
    }
    Err(Failure {
        cause: "administrator rights are needed, and there is no way to ask for them here".to_owned(),
        last_lines: Vec::new(),
        hint: Some(
            "run `firstlight up` in a terminal, where `sudo` can ask, or as the administrator".to_owned(),
        ),
    })
}

/// Why nobody here can give the rights, for the plan and for whoever is asked instead. `None`: somebody can, or it is
/// worth asking.
pub(crate) async fn out_of_reach(host: &dyn Host, facts: &Facts) -> Option<&'static str> {
    match host.admin(facts).await {
        // `sudo` asks for the person's own password, which is not the one that counts.
        Admin::SomebodyElse("sudo") => Some("your account may not administrate this machine"),
        Admin::SomebodyElse("pkexec") if !has_display() => {
            Some("your account may not administrate this machine, and nobody else can be asked in a terminal")
        }
        Admin::Nobody => Some("nothing on this machine can ask for administrator rights"),
        Admin::Given | Admin::Yourself(_) | Admin::SomebodyElse(_) => None,
    }
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

/// The prompt was answered with no.
pub(super) fn refused() -> Failure {
    Failure {
        cause: "administrator rights were not given".to_owned(),
        last_lines: Vec::new(),
        hint: Some(
            "nothing was changed; try again, or ask somebody who may administrate this machine".to_owned(),
        ),
    }
}

async fn may_sudo() -> bool {
    let asked = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    matches!(asked.await, Ok(status) if status.success())
}

/// Lets `sudo` ask at the terminal. In our own process group: a background one may not read from the terminal.
async fn ask(cx: &Context) -> Result<bool, Failure> {
    let _one = PROMPT.lock().await;
    if may_sudo().await {
        return Ok(true);
    }
    let asked = Command::new("sudo").arg("-v").kill_on_drop(true).status();
    tokio::select! {
        () = cx.cancel.cancelled() => Err(refused()),
        status = tokio::time::timeout(PROMPT_PATIENCE, asked) => Ok(matches!(status, Ok(Ok(status)) if status.success())),
    }
}

/// `-n`: the rights are there; asking again would hang where nobody sees it. Values of variables stay out of argv.
fn sudo_words(process: &Process) -> Vec<String> {
    let names =
        process.env.iter().map(|(name, _)| name).chain(process.secret_env.iter().map(|(name, _)| name));
    let mut keep = vec![super::MARKER.to_owned()];
    keep.extend(names.cloned());
    let keep = format!("--preserve-env={}", keep.join(","));
    ["sudo", "-n", &keep, "--"].map(str::to_owned).to_vec()
}

/// `pkexec` clears the environment and leaves the folder: `env` sets both. A secret cannot go this way.
fn pkexec_words(process: &Process) -> Result<Vec<String>, Failure> {
    if !process.secret_env.is_empty() {
        return Err(Failure {
            cause: "a secret cannot be handed to an elevated command without `sudo`".to_owned(),
            last_lines: Vec::new(),
            hint: Some("run `firstlight up` in a terminal, where `sudo` can ask".to_owned()),
        });
    }
    let mut words = ["pkexec", "env"].map(str::to_owned).to_vec();
    words.extend(process.cwd.iter().map(|folder| format!("--chdir={}", folder.display())));
    words.extend(process.env.iter().map(|(name, value)| format!("{name}={value}")));
    Ok(words)
}
