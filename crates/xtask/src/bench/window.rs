//! The app's window beside a bare Tauri window (`tests/bare-window`): time until it can be used, and memory.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::table::{Outcome, Row, Samples, Table};
use crate::{
    session::{self, Xvfb},
    sh::Cmd,
    workspace::Workspace,
};

const APP: &str = "firstlight-desktop";
const BARE: &str = "bare-window";

/// How long a window may take to say that it is interactive.
const PATIENCE: Duration = Duration::from_secs(60);

/// When memory is read, after that.
const SETTLED: Duration = Duration::from_secs(3);

/// Measures.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> Result<Table> {
    if !cfg!(target_os = "linux") {
        bail!("this bench reads memory from /proc, which only Linux has");
    }
    // One build, so that both windows get the same Tauri with the same features.
    workspace.cargo().args(["build", "--release", "--locked", "--package", APP, "--package", BARE]).run()?;
    let display = Xvfb::start()?;
    let scratch = workspace.scratch("window")?;
    let pack = workspace.root.join("assets").join("packs").join("sample");
    let app = |program: &Path| Cmd::new(program).arg("--pack").arg(&pack);
    let mut contestants = [
        Contestant::new(BARE, Cmd::new(workspace.binary("release", BARE)), &scratch.folder(BARE)?),
        Contestant::new(APP, app(&workspace.binary("release", APP)), &scratch.folder(APP)?),
    ];
    for turn in 0..=runs {
        for contestant in &mut contestants {
            let (start, memory) =
                contestant.open(&workspace.binary("release", contestant.name), &display.display)?;
            println!("{}: {start:.0} ms, {memory:.1} MB", contestant.name);
            // The first start fills the caches of its home folder.
            if turn > 0 {
                contestant.starts.push(start);
                contestant.memory.push(memory);
            }
        }
    }
    let [bare, app] = contestants;
    let row = |name: &str, outcome| Row { name: name.to_owned(), outcome };
    let ms = |values| Samples { unit: "ms", values };
    let mb = |values| Samples { unit: "MB", values };
    Ok(Table {
        title: "Start and memory of the window",
        about: format!(
            "From the start of the process until the page can be used, and the proportional memory (PSS) of all its \
             processes {} s later; under Xvfb, second start and later, in turns. Target: at most 1.15 × a bare Tauri \
             window built in the same bench.",
            SETTLED.as_secs()
        ),
        rows: vec![
            row("bare window, start", Outcome::Reference(ms(bare.starts))),
            row("Firstlight, start", Outcome::Measured(ms(app.starts))),
            row("bare window, memory", Outcome::Reference(mb(bare.memory))),
            row("Firstlight, memory", Outcome::Measured(mb(app.memory))),
        ],
    })
}

struct Contestant {
    name: &'static str,
    command: Cmd,
    starts: Vec<f64>,
    memory: Vec<f64>,
}

impl Contestant {
    /// In a session and a home of its own: nothing of the person's is read, and no other instance answers.
    fn new(name: &'static str, command: Cmd, home: &Path) -> Self {
        let command = command
            .env("HOME", home)
            .env("FIRSTLIGHT_HOME", home.join("firstlight"))
            .env("FIRSTLIGHT_TRACE_START", "1");
        Self {
            name,
            command: session::in_keyring_session(command, &home.join("keyring")),
            starts: Vec::new(),
            memory: Vec::new(),
        }
    }

    /// Opens the window once: milliseconds to interactive, and megabytes.
    fn open(&self, program: &Path, display: &str) -> Result<(f64, f64)> {
        let mut command = self.command.clone().env("DISPLAY", display).command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut session = command.spawn().context("dbus-run-session could not be started")?;
        let measured =
            measure(&mut session, program).with_context(|| format!("{} was not measured", self.name));
        close(&mut session, program)?;
        measured
    }
}

fn measure(session: &mut Child, program: &Path) -> Result<(f64, f64)> {
    let errors = session.stderr.take().context("the window's standard error is not connected")?;
    let (found, interactive) = mpsc::channel();
    // The thread ends with the window: it keeps reading so that the window never waits for a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            if let Some(ms) = interactive_ms(&line) {
                // Nobody listens any more once the first was heard.
                let _ = found.send(ms);
            }
        }
    });
    let start = interactive
        .recv_timeout(PATIENCE)
        .with_context(|| format!("the window did not say `interactive` within {} s", PATIENCE.as_secs()))?;
    std::thread::sleep(SETTLED);
    let processes = Processes::read()?;
    let root = processes.running(session.id(), program).context("the window closed by itself")?;
    let kilobytes: u64 = processes.tree(root).into_iter().map(pss).sum::<Result<u64>>()?;
    #[expect(clippy::cast_precision_loss, reason = "memory in kilobytes is far below 2^52")]
    Ok((start, kilobytes as f64 / 1000.0))
}

/// Ends the window and what it started; its session ends with it, or is made to.
fn close(session: &mut Child, program: &Path) -> Result<()> {
    let processes = Processes::read()?;
    if let Some(window) = processes.running(session.id(), program) {
        processes.signal("-TERM", window);
    }
    let start = Instant::now();
    while session.try_wait().context("the session cannot be asked whether it ended")?.is_none() {
        if start.elapsed() > Duration::from_secs(10) {
            Processes::read()?.signal("-KILL", session.id());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// `interactive 312` → 312.
fn interactive_ms(line: &str) -> Option<f64> {
    line.trim().strip_prefix("interactive ")?.parse().ok()
}

/// Who started whom, now.
struct Processes {
    parents: BTreeMap<u32, u32>,
}

impl Processes {
    fn read() -> Result<Self> {
        let mut parents = BTreeMap::new();
        for entry in fs::read_dir("/proc").context("/proc could not be read")?.flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            // A process may end between being listed and being read.
            let parent = pid.and_then(|_| parent(&fs::read_to_string(entry.path().join("stat")).ok()?));
            if let (Some(pid), Some(parent)) = (pid, parent) {
                parents.insert(pid, parent);
            }
        }
        Ok(Self { parents })
    }

    /// `root` and everything it started, directly or not.
    fn tree(&self, root: u32) -> Vec<u32> {
        let mut tree = vec![root];
        let mut next = 0;
        while let Some(&pid) = tree.get(next) {
            tree.extend(self.parents.iter().filter(|&(_, &parent)| parent == pid).map(|(&child, _)| child));
            next += 1;
        }
        tree
    }

    /// Signals `root` and everything it started. Some may have ended by then, which is what was wanted.
    fn signal(&self, signal: &str, root: u32) {
        let tree = self.tree(root);
        let _ = Cmd::new("kill").arg(signal).args(tree.iter().map(ToString::to_string)).succeeds();
    }

    /// The first process below `root` that runs `program`.
    fn running(&self, root: u32, program: &Path) -> Option<u32> {
        let runs = |pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
        self.tree(root).into_iter().find(runs)
    }
}

/// The parent in `/proc/PID/stat`: the second field after the name, which stands in brackets and may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Proportional memory of a process in kilobytes: shared pages are split among those who share them. A process that
/// ended meanwhile has none.
fn pss(pid: u32) -> Result<u64> {
    let folder = Path::new("/proc").join(pid.to_string());
    match fs::read_to_string(folder.join("smaps_rollup")) {
        Ok(text) => {
            pss_in(&text).with_context(|| format!("{}/smaps_rollup has no Pss line", folder.display()))
        }
        Err(_) if !folder.exists() => Ok(0),
        Err(error) => {
            Err(error).with_context(|| format!("{}/smaps_rollup could not be read", folder.display()))
        }
    }
}

fn pss_in(rollup: &str) -> Option<u64> {
    rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_window_and_the_kernel_say() {
        assert_eq!(interactive_ms("interactive 312.5\n"), Some(312.5));
        assert_eq!(interactive_ms("not interactive 3"), None);
        assert_eq!(parent("42 (a) b) S 7 42 42 0"), Some(7));
        assert_eq!(pss_in("5580-7ffd [rollup]\nRss:  900 kB\nPss:  512 kB\nPss_Anon: 1 kB\n"), Some(512));
    }

    #[test]
    fn a_tree_holds_children_of_children_and_nobody_else() {
        let processes = Processes { parents: [(2, 1), (3, 2), (4, 3), (5, 1), (6, 5)].into() };
        assert_eq!(processes.tree(2), [2, 3, 4]);
    }

    /// A stand-in that speaks like a window, with a child, and never ends by itself.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_window_is_timed_weighed_with_its_children_and_closed() {
        let program = fs::canonicalize("/bin/sleep").unwrap();
        let home = std::env::temp_dir().join(format!("firstlight-window-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let script = "sleep 30 & echo starting >&2; echo interactive 12.5 >&2; exec sleep 60";
        let window = Contestant::new("stand-in", Cmd::new("sh").args(["-c", script]), &home);
        let started = Instant::now();
        let (ms, megabytes) = window.open(&program, ":0").unwrap();
        fs::remove_dir_all(&home).unwrap();
        assert!((ms - 12.5).abs() < 1e-9, "{ms}");
        assert!(megabytes > 0.05, "{megabytes}");
        assert!(started.elapsed() < Duration::from_secs(25), "it was closed, not waited for");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_ended_has_no_memory() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(pss(pid).unwrap(), 0);
        assert!(pss(std::process::id()).unwrap() > 0);
    }
}
