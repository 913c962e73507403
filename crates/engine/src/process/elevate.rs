//! Administrator rights, through the system's own prompt. No password passes through us.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use firstlight_domain::{facts::Facts, state::Failure};
use tokio::{
    process::Command,
    sync::{Mutex, OwnedMutexGuard},
};

use super::Process;
use crate::{facts::Admin, host::Host, provider::Context};

/// How long a person may look for their password.
const PROMPT_PATIENCE: Duration = Duration::from_secs(300);

/// What `pkexec` says where it did not start the command. Not translated.
const PKEXEC_REFUSED: [&str; 2] = [
    "Error executing command as another user: Request dismissed",
    "Error executing command as another user: Not authorized",
];
/// What it says where it could ask nobody.
const PKEXEC_ASKED_NOBODY: [&str; 2] =
    ["Error executing command as another user: No authentication agent found", "Error getting authority:"];

/// The prompts of one run: one at a time, however many steps want one, and none after a refusal.
#[derive(Debug, Default)]
pub struct Prompts {
    turn: Arc<Mutex<()>>,
    refused: AtomicBool,
}

impl Prompts {
    /// Waits until nobody else is asked. Error: stopped meanwhile, or the person said no to somebody else.
    async fn turn(&self, cx: &Context) -> Result<OwnedMutexGuard<()>, Failure> {
        let turn = tokio::select! {
            () = cx.cancel.cancelled() => return Err(refused()),
            turn = Arc::clone(&self.turn).lock_owned() => turn,
        };
        if self.was_refused() { Err(refused()) } else { Ok(turn) }
    }

    fn was_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    /// No more of this run is asked for.
    fn refuse(&self) -> Failure {
        self.refused.store(true, Ordering::SeqCst);
        refused()
    }
}

/// What goes in front of a command.
#[derive(Debug, Default)]
pub(super) struct Prefix {
    words: Vec<String>,
    pkexec: Option<Pkexec>,
}

/// `pkexec` asks as it starts the command. Whether it was refused is known at the end only: until then, nobody else asks.
#[derive(Debug)]
struct Pkexec {
    prompts: Arc<Prompts>,
    _turn: OwnedMutexGuard<()>,
}

impl Prefix {
    /// The words that are really executed.
    pub(super) fn before(&self, words: Vec<String>) -> Vec<String> {
        self.words.iter().cloned().chain(words).collect()
    }

    /// Why the command was not started, if how it ended says that. The codes alone do not: a command has them as well,
    /// where it is or calls a program that is not there.
    pub(super) fn not_given(&self, code: i32, said: &[String]) -> Option<Failure> {
        let pkexec = self.pkexec.as_ref().filter(|_| matches!(code, 126 | 127))?;
        let begins = |with: &[&str]| {
            said.iter().flat_map(|text| text.lines()).any(|line| with.iter().any(|w| line.starts_with(w)))
        };
        if begins(&PKEXEC_REFUSED) {
            Some(pkexec.prompts.refuse())
        } else if begins(&PKEXEC_ASKED_NOBODY) {
            Some(Failure { last_lines: said.to_vec(), ..no_way() })
        } else {
            None
        }
    }
}

/// Finds out how a process gets the rights it needs, asking for them where that is done beforehand.
pub(super) async fn prefix(cx: &Context, process: &Process) -> Result<Prefix, Failure> {
    // Windows' installers bring their own prompt.
    if !process.elevated || cx.facts.elevated || cfg!(windows) {
        return Ok(Prefix::default());
    }
    if cx.prompts.was_refused() {
        return Err(refused());
    }
    let sudo = which::which("sudo").is_ok();
    if sudo && (may_sudo().await || (cx.interactive && ask(cx).await?)) {
        return Ok(Prefix { words: sudo_words(process), pkexec: None });
    }
    if cx.interactive && sudo {
        return Err(cx.prompts.refuse());
    }
    if has_display() && which::which("pkexec").is_ok() {
        let words = pkexec_words(process)?;
        let pkexec = Pkexec { prompts: Arc::clone(&cx.prompts), _turn: cx.prompts.turn(cx).await? };
        return Ok(Prefix { words, pkexec: Some(pkexec) });
    }
    Err(no_way())
}

fn no_way() -> Failure {
    Failure {
        cause: "administrator rights are needed, and there is no way to ask for them here".to_owned(),
        last_lines: Vec::new(),
        hint: Some(
            "run `firstlight up` in a terminal, where `sudo` can ask, or as the administrator".to_owned(),
        ),
    }
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
fn refused() -> Failure {
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
    let _turn = cx.prompts.turn(cx).await?;
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
