//! A machine for one test.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    PATIENCE,
    programs::{binary, free_port, tool},
};

/// A home, a display, a session with a keychain, and a WebDriver in it. All end when it is dropped.
#[derive(Debug)]
pub struct Machine {
    // In this order: the session ends before its display, and both before their folder is removed.
    session: Group,
    _display: Group,
    display: String,
    port: u16,
    bus: String,
    root: TempDir,
    state: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

/// One machine at a time: a window that has to share the processor with three others is no window a person sees, and
/// ports that were just found free stay so.
static ALONE: Mutex<()> = Mutex::new(());

impl Machine {
    /// A new one.
    pub fn start() -> Result<Self> {
        Self::start_with(|root| root.join("firstlight"))
    }

    /// A new one whose `FIRSTLIGHT_HOME` is what `state` says, given the machine's folder.
    pub fn start_with(state: impl FnOnce(&Path) -> PathBuf) -> Result<Self> {
        Self::start_where(&[], state)
    }

    /// The same, where these variables are set for everything.
    pub fn start_where(variables: &[(&str, OsString)], state: impl FnOnce(&Path) -> PathBuf) -> Result<Self> {
        // A test that failed leaves nothing half done behind: its machine was ended.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let root =
            tempfile::Builder::new().prefix("firstlight-test-").tempdir().context("no folder to work in")?;
        for folder in ["home", "runtime", "keyring"] {
            fs::create_dir(root.path().join(folder))?;
            fs::set_permissions(root.path().join(folder), fs::Permissions::from_mode(0o700))?;
        }
        let state = state(root.path());
        let (display_server, display) = display()?;
        let (port, native_port) = (free_port()?, free_port()?);
        let mut command = Command::new(tool("dbus-run-session", "the package dbus")?);
        tool("gnome-keyring-daemon", "the package gnome-keyring")?;
        command
            .args(["--", "sh", "-c", SESSION, "session"])
            .arg(tool("tauri-driver", "`cargo install tauri-driver --version '^2'`")?)
            .arg("--port")
            .arg(port.to_string())
            .arg("--native-port")
            .arg(native_port.to_string())
            .arg("--native-driver")
            .arg(tool("WebKitWebDriver", "the package webkit2gtk-driver")?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Portals and the accessibility bus tell at length what a headless machine lacks.
            .stderr(Stdio::null());
        environment(&mut command, root.path(), &state, &display);
        command.envs(variables.iter().cloned());
        let mut session = Group::start(&mut command, "dbus-run-session")?;
        let bus = session.first_line().context("the session with its keychain did not start")?;
        let machine =
            Self { session, _display: display_server, display, port, bus, root, state, _alone: alone };
        // tauri-driver listens before the driver it hands everything to does.
        for port in [native_port, port] {
            machine.wait_until("the WebDriver answers", || {
                Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
            })?;
        }
        Ok(machine)
    }

    /// The person's home.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// `FIRSTLIGHT_HOME`.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where to ask for a window.
    pub(crate) fn driver(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A program of ours, to be run in this session.
    pub fn command(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(binary(program)?);
        environment(&mut command, self.root.path(), &self.state, &self.display);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        Ok(command)
    }

    /// The app's process, if it runs.
    pub fn app(&self) -> Result<Option<u32>> {
        let program = binary("firstlight-desktop")?.canonicalize()?;
        Ok(self.processes().into_iter().find(|(_, exe)| *exe == program).map(|(pid, _)| pid))
    }

    /// How many processes of this machine have `word` among their arguments.
    pub fn running(&self, word: &str) -> usize {
        let has = |pid: u32| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|&byte| byte == 0).any(|one| one == word.as_bytes())
        };
        self.processes().into_iter().filter(|&(pid, _)| has(pid)).count()
    }

    /// Asks the app to end, as the system does when the person logs out, and waits until it has.
    pub fn end_app(&self) -> Result<()> {
        let pid = self.app()?.context("the app does not run")?;
        signal("-TERM", &pid.to_string());
        self.wait_until("the app has ended", || Ok(self.app()?.is_none()))
    }

    /// Waits for something that is to become true.
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !done()? {
            if start.elapsed() > PATIENCE {
                bail!("{} s passed before {what}", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Every process with this machine's home, and the program it runs.
    fn processes(&self) -> Vec<(u32, PathBuf)> {
        let ours = format!("HOME={}\0", self.home().display()).into_bytes();
        let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
        pids.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let here = environment.windows(ours.len()).any(|part| part == ours);
            here.then(|| Some((pid, fs::read_link(entry.path().join("exe")).ok()?)))?
        })
        .collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.session.end();
        // A service outlives the app on purpose; it does not outlive the test.
        for (pid, _) in self.processes() {
            signal("-KILL", &pid.to_string());
        }
    }
}

/// Unlocks a keychain, says where the bus is, and becomes the WebDriver. The daemon takes its name on the bus only after
/// it went into the background: whoever asks earlier makes the bus start a second, locked one.
const SESSION: &str = r#"set -eu
printf firstlight | gnome-keyring-daemon --unlock --components=secrets --control-directory="$KEYRING_CONTROL" >/dev/null
tries=0
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
  string:org.freedesktop.secrets | grep -q 'boolean true'; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || exit 1
  sleep 0.05
done
unset KEYRING_CONTROL
echo "$DBUS_SESSION_BUS_ADDRESS"
exec "$@" >/dev/null
"#;

/// Nothing of the person who runs the test, but what programs need to be found.
fn environment(command: &mut Command, root: &Path, state: &Path, display: &str) {
    command.env_clear();
    for kept in ["PATH", "TZ"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("HOME", root.join("home"))
        .env("XDG_RUNTIME_DIR", root.join("runtime"))
        .env("KEYRING_CONTROL", root.join("keyring"))
        .env("FIRSTLIGHT_HOME", state)
        .env("DISPLAY", display)
        .env("GDK_BACKEND", "x11")
        .env("NO_AT_BRIDGE", "1")
        .env("LANG", "C.UTF-8");
}

/// An X server without a screen, on the first free display.
fn display() -> Result<(Group, String)> {
    let mut command = Command::new(tool("Xvfb", "the package xvfb")?);
    command
        .args(["-displayfd", "1", "-screen", "0", "1440x1000x24", "-nolisten", "tcp", "-noreset"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = Group::start(&mut command, "Xvfb")?;
    let number = server.first_line().context("Xvfb has no display; `Xvfb -displayfd 1` shows why")?;
    Ok((server, format!(":{number}")))
}

/// A process and everything it started that stayed in its group. Ends when dropped.
#[derive(Debug)]
struct Group {
    leader: Child,
}

impl Group {
    fn start(command: &mut Command, name: &str) -> Result<Self> {
        let leader =
            command.process_group(0).spawn().with_context(|| format!("{name} could not be started"))?;
        Ok(Self { leader })
    }

    fn first_line(&mut self) -> Result<String> {
        let output = self.leader.stdout.take().context("nothing can be heard of it")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let line = line.trim();
        if line.is_empty() {
            bail!("it ended without a word");
        }
        Ok(line.to_owned())
    }

    fn end(&mut self) {
        signal("-TERM", &format!("-{}", self.leader.id()));
        let start = Instant::now();
        while let Ok(None) = self.leader.try_wait() {
            if start.elapsed() > Duration::from_secs(5) {
                signal("-KILL", &format!("-{}", self.leader.id()));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// It may have ended by then, which is what was wanted.
fn signal(signal: &str, whom: &str) {
    let _ = Command::new("kill").args([signal, "--", whom]).stderr(Stdio::null()).status();
}
