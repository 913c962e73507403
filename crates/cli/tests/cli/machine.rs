//! A home for one test, and the program in it.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use firstlight_testkit::PackFolder;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A home, a data folder in it, and maybe a keychain.
pub(crate) struct Machine {
    pub(crate) root: TempDir,
    bus: Option<Bus>,
}

/// What a command left: its exit code and what it printed.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Machine {
    /// Without a keychain.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("firstlight-cli-").tempdir().unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        Self { root, bus: None }
    }

    /// With an unlocked gnome-keyring.
    pub(crate) fn with_keychain() -> Self {
        let mut machine = Self::new();
        machine.bus = Some(Bus::start(machine.root.path()));
        machine
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// `FIRSTLIGHT_HOME`.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// A path for what steps make.
    pub(crate) fn place(&self) -> PathBuf {
        self.root.path().join("place")
    }

    /// The program, in this home and in no other environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(assert_cmd::cargo::cargo_bin!("firstlight"), args)
    }

    /// Another program, which starts ours, in the same home and environment.
    pub(crate) fn command_of(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home())
            .env("FIRSTLIGHT_HOME", self.state())
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(bus) = &self.bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Runs it with this on standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// `plan`, `up` and their like, for the only persona of a pack, its things going to [`Machine::place`].
    pub(crate) fn on(&self, pack: &PackFolder, command: &str, more: &[&str]) -> Ran {
        Ran::of(self.command_on(pack, command, more).output().unwrap())
    }

    pub(crate) fn command_on(&self, pack: &PackFolder, command: &str, more: &[&str]) -> Command {
        let place = format!("place={}", self.place().display());
        let pack = pack.path().display().to_string();
        let mut args = vec![command, "--pack", &pack, "--persona", "dev", "--input", &place];
        args.extend(more);
        self.command(&args)
    }

    /// Everything in the data folder, by path.
    pub(crate) fn kept(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        read(&self.state(), &mut files);
        files
    }

    /// A text with what differs from run to run taken out.
    pub(crate) fn plain(&self, text: &str, pack: &PackFolder) -> String {
        text.replace(&pack.path().display().to_string(), "[PACK]")
            .replace(&self.root.path().display().to_string(), "[ROOT]")
    }
}

/// A pack that asks for the credential `acme-token` and tries it with this script, which gets it on standard input. The
/// script may hold no single quote.
pub(crate) fn token_pack(script: &str) -> PackFolder {
    PackFolder::with_steps(
        &["token"],
        &format!(
            "  token:
    title: Your token
    uses: credential
    first-value: true
    with:
      name: acme-token
      title: Access token
      test: {{ command: [sh, -c, '{script}'], stdin: true }}
policy:
  capabilities: {{ secrets: [acme-token] }}"
        ),
    )
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            // A shell's view: 128 and the signal's number.
            code: output.status.code().unwrap_or_else(|| {
                use std::os::unix::process::ExitStatusExt;
                128 + output.status.signal().unwrap()
            }),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code, showing what was said if it is another.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON value, with nothing beside it.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stderr, "");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }

    /// Standard output as one JSON object a line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// The one error envelope on standard error: code, cause and hint, each said.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        assert_eq!(self.code, 1, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        let lines: Vec<&str> = self.stderr.lines().collect();
        let [line] = lines.as_slice() else { panic!("not one line:\n{}", self.stderr) };
        let envelope: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let error = envelope["error"].clone();
        assert!(error["message"].as_str().is_some_and(|text| text.ends_with('.')), "{error}");
        assert!(error["hint"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
        error
    }
}

fn read(folder: &Path, into: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else {
            let bytes = fs::read(&path).unwrap();
            into.push((path, bytes));
        }
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "still not so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The command lines of all living processes that contain this.
pub(crate) fn processes_with(words: &str) -> BTreeSet<String> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(words))
        .collect()
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A D-Bus session with an unlocked keyring in it.
struct Bus {
    session: Child,
    address: String,
}

impl Bus {
    fn start(root: &Path) -> Self {
        for folder in ["keyring", "runtime"] {
            fs::create_dir(root.join(folder)).unwrap();
            fs::set_permissions(root.join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let script = r#"printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
            echo "$DBUS_SESSION_BUS_ADDRESS"; read -r _"#;
        let mut session = Command::new("dbus-run-session")
            .args(["--", "sh", "-c", script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", root.join("keyring"))
            .env("XDG_RUNTIME_DIR", root.join("runtime"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-run-session, of the package dbus");
        let mut address = String::new();
        BufReader::new(session.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("unix:"), "no session: {address:?}");
        Self { session, address }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // Its script waits for a line: the end of its input is the end of the session.
        drop(self.session.stdin.take());
        let _ = self.session.wait();
    }
}
