//! Administrator rights, through the system's own prompt. No password passes through us.

use std::{
    path::Path,
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

use super::{
    Process,
    administrator::{ADMINISTRATOR_SESSION, NotOpened, Session},
};
use crate::{
    facts::Admin,
    host::{Host, Live},
    provider::Context,
};

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
    turn: Arc<Mutex<Way>>,
    refused: AtomicBool,
}

/// How the rights come in this run.
#[derive(Debug, Default)]
enum Way {
    #[default]
    NotAsked,
    /// Once.
    Session(Arc<Session>),
    /// For each command: the session's program cannot be started by the administrator, as in a folder of somebody
    /// else's, or an image only its owner may read.
    EachTime,
}

impl Prompts {
    /// Waits until nobody else is asked. Error: stopped meanwhile, or the person said no to somebody else.
    async fn turn(&self, cx: &Context) -> Result<OwnedMutexGuard<Way>, Failure> {
        let turn = tokio::select! {
            () = cx.cancel.cancelled() => return Err(refused()),
            turn = Arc::clone(&self.turn).lock_owned() => turn,
        };
        if self.refused.load(Ordering::SeqCst) { Err(refused()) } else { Ok(turn) }
    }

    /// No more of this run is asked for.
    fn refuse(&self) -> Failure {
        self.refused.store(true, Ordering::SeqCst);
        refused()
    }

    /// Why the rights did not come, if what `pkexec` said tells that. Its codes alone do not: a command has them as
    /// well, where it is or calls a program that is not there.
    fn not_given(&self, code: i32, said: &[String]) -> Option<Failure> {
        if !matches!(code, 126 | 127) {
            return None;
        }
        let begins = |with: &[&str]| {
            said.iter().flat_map(|text| text.lines()).any(|line| with.iter().any(|w| line.starts_with(w)))
        };
        if begins(&PKEXEC_REFUSED) {
            Some(self.refuse())
        } else if begins(&PKEXEC_ASKED_NOBODY) {
            Some(Failure { last_lines: said.to_vec(), ..no_way() })
        } else {
            None
        }
    }
}

/// How a command gets the rights it needs. By default it needs none.
#[derive(Debug, Default)]
pub(super) struct Rights {
    session: Option<Arc<Session>>,
    /// What goes in front of the command, where there is no session.
    words: Vec<String>,
    pkexec: Option<Pkexec>,
}

/// `pkexec` asks as it starts the command. Whether it was refused is known at the end only: until then, nobody else asks.
#[derive(Debug)]
struct Pkexec {
    prompts: Arc<Prompts>,
    _turn: OwnedMutexGuard<Way>,
}

impl Rights {
    /// What starts the command instead of us.
    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        self.session.as_ref()
    }

    /// The words that are really executed here.
    pub(super) fn before(&self, words: Vec<String>) -> Vec<String> {
        self.words.iter().cloned().chain(words).collect()
    }

    /// Why the command was not started, if how it ended says that.
    pub(super) fn not_given(&self, code: i32, said: &[String]) -> Option<Failure> {
        self.pkexec.as_ref().and_then(|pkexec| pkexec.prompts.not_given(code, said))
    }
}

/// Whether a process needs rights we do not have. Windows' installers bring their own prompt.
pub(super) fn is_needed(cx: &Context, process: &Process) -> bool {
    process.elevated && !cx.facts.elevated && cfg!(unix)
}

/// Finds out how a process gets the rights it needs, asking for them where that is done beforehand.
pub(super) async fn rights(cx: &Context, process: &Process) -> Result<Rights, Failure> {
    if !is_needed(cx, process) {
        return Ok(Rights::default());
    }
    let mut way = cx.prompts.turn(cx).await?;
    if let Way::Session(session) = &*way
        && !session.is_over()
    {
        return Ok(Rights { session: Some(Arc::clone(session)), ..Rights::default() });
    }
    let asker = asker(cx).await?;
    let program = cx.host.administrator_program().filter(|_| !matches!(*way, Way::EachTime));
    if let Some(program) = program {
        match open(cx, asker, &program).await? {
            Some(session) => {
                let session = Arc::new(session);
                *way = Way::Session(Arc::clone(&session));
                return Ok(Rights { session: Some(session), ..Rights::default() });
            }
            None => *way = Way::EachTime,
        }
    }
    match asker {
        Asker::Sudo => Ok(Rights { words: sudo_words(process), ..Rights::default() }),
        Asker::Pkexec => {
            let pkexec = Pkexec { prompts: Arc::clone(&cx.prompts), _turn: way };
            Ok(Rights { words: pkexec_words(process)?, pkexec: Some(pkexec), ..Rights::default() })
        }
    }
}

/// The time in which the person is asked, so that it is shown.
struct Asking<'a>(&'a dyn Host);

impl<'a> Asking<'a> {
    fn begin(cx: &'a Context) -> Self {
        cx.host.show(Live::AdministratorRights { asking: true });
        Self(&*cx.host)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.show(Live::AdministratorRights { asking: false });
    }
}

/// What asks for the rights.
#[derive(Debug, Clone, Copy)]
enum Asker {
    /// Has asked already, or need not.
    Sudo,
    Pkexec,
}

/// Finds what asks here, and lets `sudo` do so. Whoever calls this has the turn.
async fn asker(cx: &Context) -> Result<Asker, Failure> {
    let sudo = which::which("sudo").is_ok();
    if sudo && (may_sudo().await || (cx.interactive && ask(cx).await?)) {
        return Ok(Asker::Sudo);
    }
    if cx.interactive && sudo {
        return Err(cx.prompts.refuse());
    }
    if has_display() && which::which("pkexec").is_ok() { Ok(Asker::Pkexec) } else { Err(no_way()) }
}

/// Opens the administrator session. `None`: not by this program here.
async fn open(cx: &Context, asker: Asker, program: &Path) -> Result<Option<Session>, Failure> {
    let first: &[&str] = match asker {
        Asker::Sudo => &["sudo", "-n", "--"],
        Asker::Pkexec => &["pkexec"],
    };
    let program = program.display().to_string();
    let words: Vec<String> = first
        .iter()
        .map(|&word| word.to_owned())
        .chain([program, ADMINISTRATOR_SESSION.to_owned()])
        .collect();
    // `sudo` has asked before.
    let _asking = matches!(asker, Asker::Pkexec).then(|| Asking::begin(cx));
    let opened = tokio::select! {
        () = cx.cancel.cancelled() => return Err(refused()),
        opened = tokio::time::timeout(PROMPT_PATIENCE, Session::open(&words)) => opened,
    };
    match opened {
        Ok(Ok(session)) => Ok(Some(session)),
        Ok(Err(NotOpened::Ended { code, said })) => match cx
            .prompts
            .not_given(code.unwrap_or(-1), std::slice::from_ref(&said))
        {
            Some(failure) => Err(failure),
            None => {
                tracing::warn!(?code, said, "no administrator session here: each command asks for itself");
                Ok(None)
            }
        },
        Ok(Err(NotOpened::NotStarted(error))) => {
            tracing::warn!(%error, "no administrator session here: each command asks for itself");
            Ok(None)
        }
        // Nobody is at the machine.
        Err(_) => Err(cx.prompts.refuse()),
    }
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
    let _asking = Asking::begin(cx);
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
