//! F1: the power goes in the middle of a run, or while it is taken back. What was not synced may be lost, in part or
//! whole; after the next start the journal opens, what was said to be done is known and on the disk, no file is half,
//! nothing without a check is done twice, and undo gives back what was there.
//!
//! A run is recorded once ([`log`]); from the record the disk is made as it may be after a cut at any moment ([`disk`]).

mod disk;
mod log;
mod update;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
    thread,
};

use firstlight_testkit::PackFolder;
use serde_json::Value;

use self::{
    disk::{Disk, Survives, Tree, put, tree},
    log::{Noted, Recorder},
};
use crate::machine::{Machine, Ran, processes_with};

/// How many runs are recorded, each by another thread.
const LIVES: usize = 2;
/// How many cuts of each are gone on from.
const CUTS: usize = 16;

/// The part of the disk that is the world outside: what was sent is sent.
const OUTSIDE: &str = "outside";
/// Steps without a check: each tells the world, in the middle of its time.
const UNTOLD: [&str; 2] = ["mail", "book"];
/// Which file each of these steps writes.
const FILES: [(&str, &str); 5] = [
    ("profile", ".profile"),
    ("branch", ".gitconfig"),
    ("greeting", "new/folder/hello"),
    ("settings", "settings"),
    ("notes", "notes"),
];

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["mail", "profile", "branch", "greeting", "settings", "notes", "book", "built", "serve", "ready"],
        "  mail: { title: Send a mail, shell: true, env: { P: '${{ inputs.place }}' }, run: ['echo once >> $P/outside/mail'] }
  profile: { title: Set the editor, uses: env, with: { name: EDITOR, value: vim } }
  branch: { title: Name the branch, uses: git/config, with: { key: init.defaultBranch, value: main } }
  greeting: { title: Write a file, uses: file, with: { path: '~/new/folder/hello', content: hello } }
  settings: { title: Replace a large file, uses: file, with: { path: '~/settings', content: small } }
  notes: { title: Add to a file, uses: file, needs: [settings], with: { path: '~/notes', block: ours } }
  book: { title: Book a seat, needs: [mail], shell: true, env: { P: '${{ inputs.place }}' },
          run: ['echo once >> $P/outside/book'] }
  built: { title: Build, needs: [greeting], shell: true, env: { P: '${{ inputs.place }}' },
          check: ['test -e $P/built'], run: ['touch $P/built'], undo: ['rm -f $P/built'] }
  serve: { title: Serve, uses: service, needs: [built], with: {
          run: [sh, -c, 'echo $$ > ${{ inputs.place }}/outside/pid; exec tail -f ${{ inputs.place }}/outside/pid > /dev/null'],
          ready: { command: [sh, -c, 'kill -0 $(cat ${{ inputs.place }}/outside/pid)'] } } }
  ready: { title: Be ready, needs: [serve, profile, book], check: [test, -e, '${{ inputs.place }}/built'], run: ['true'],
          first-value: true }
policy:
  capabilities: { paths: ['~/new/folder/hello', '~/settings', '~/notes'] }",
    )
}

/// A run and its undo, recorded.
struct Life {
    machine: Machine,
    pack: PackFolder,
    /// The disk before anything.
    disk: Disk,
    home_before: Tree,
    noted: Vec<Noted>,
    /// How many of them are of the run; the rest is of the undo.
    of_run: usize,
    /// What each step's file holds once it is done.
    done: BTreeMap<&'static str, Vec<u8>>,
}

impl Life {
    fn record() -> Self {
        let (machine, pack, recorder) = (Machine::new(), pack(), Recorder::build());
        let home = machine.home();
        fs::write(home.join(".profile"), "# mine\numask 022").unwrap();
        fs::write(home.join(".gitconfig"), "[user]\n  name = Ada   ; as on the badge\n").unwrap();
        fs::write(home.join("settings"), "large\n".repeat(50_000)).unwrap();
        fs::write(home.join("notes"), "mine\n").unwrap();
        fs::create_dir_all(machine.place().join(OUTSIDE)).unwrap();
        let root = machine.root.path().to_owned();
        let (disk, home_before) = (Disk::read(&root), tree(&home));
        let run = |mut command: Command| {
            recorder.record(&mut command, &root);
            Ran::of(command.output().unwrap()).expect(0);
        };
        run(machine.command_on(&pack, "up", &["--yes", "--json"]));
        let done = FILES.map(|(step, file)| (step, fs::read(home.join(file)).unwrap())).into();
        let of_run = recorder.noted().len();
        run(machine.command(&["undo", "--all"]));
        let noted = recorder.noted();
        let mut now = disk.clone();
        for noted in &noted {
            now.apply(noted);
        }
        same(&now.after(Survives::All, OUTSIDE), &tree(&root), "something went past the recorder");
        same(&tree(&home), &home_before, "undone without a cut");
        Self { machine, pack, disk, home_before, noted, of_run, done }
    }

    /// The disk when the power goes after this many things happened, and the steps said to be done until then.
    fn cut_at(&self, moment: usize) -> (Disk, BTreeSet<String>) {
        let mut disk = self.disk.clone();
        let mut told = Vec::new();
        for noted in &self.noted[..moment] {
            disk.apply(noted);
            if let Noted::Told { bytes } = noted {
                told.extend_from_slice(bytes);
            }
        }
        (disk, said_done(&told))
    }

    /// Whether every file is one of those it may be, at every moment there is. Asks no process, so it can ask them all.
    fn no_file_is_ever_half(&self) {
        let home = self.machine.home();
        let mut disk = self.disk.clone();
        let mut told = Vec::new();
        for (moment, noted) in self.noted.iter().enumerate() {
            disk.apply(noted);
            if let Noted::Told { bytes } = noted {
                told.extend_from_slice(bytes);
            }
            let said = if moment < self.of_run { said_done(&told) } else { BTreeSet::new() };
            for survives in [Survives::Nothing, Survives::Names, Survives::Some(moment as u64)] {
                let found = disk.after(survives, OUTSIDE);
                for (step, file) in FILES {
                    let content = found.get(&home.join(file)).and_then(|(_, content)| content.as_ref());
                    let before =
                        self.home_before.get(&home.join(file)).and_then(|(_, content)| content.as_ref());
                    let done = &self.done[step];
                    let shown =
                        content.map(|content| String::from_utf8_lossy(&content[..content.len().min(200)]));
                    let at = format!("{file} after {moment} ({noted:?}), {survives:?}: {shown:?}");
                    assert!(content == before || content == Some(done), "neither the old nor the new: {at}");
                    assert!(content == Some(done) || !said.contains(step), "said to be done, and lost: {at}");
                }
            }
        }
    }

    /// Brings the disk into the state after a cut, starts again, and goes on to the end.
    fn go_on_from(&self, moment: usize, survives: Survives) {
        let (disk, said) = self.cut_at(moment);
        let place = format!(
            "cut after {moment} of {} ({:?}), {survives:?}",
            self.noted.len(),
            self.noted.get(moment.saturating_sub(1))
        );
        let root = self.machine.root.path();
        put(root, &disk.after(survives, OUTSIDE));
        // The process it names did not outlive the cut.
        let _ = fs::remove_file(self.outside().join("pid"));
        if !said.is_empty() {
            let check = expect(self.machine.run(&["journal", "verify", "--json"]), &place).json();
            assert_eq!(check["ok"], true, "{place}");
            let status = expect(self.machine.run(&["status", "--json"]), &place).json();
            for step in status["steps"].as_array().unwrap().iter().filter(|_| moment <= self.of_run) {
                let done = step["state"] == "changed" || step["state"] == "satisfied";
                assert!(
                    done || !said.contains(step["id"].as_str().unwrap()),
                    "said to be done, and lost: {step}, {place}"
                );
            }
        }
        if moment <= self.of_run {
            self.run_to_the_end(&place);
        }
        for step in UNTOLD {
            assert_eq!(self.times_done(step), 1, "{step}, {place}");
        }
        expect(self.machine.run(&["undo", "--all"]), &place);
        same(&tree(&self.machine.home()), &self.home_before, &place);
        let damaged = fs::read_dir(self.machine.state()).unwrap().flatten();
        let damaged =
            damaged.map(|entry| entry.file_name()).find(|name| name.to_string_lossy().contains("damaged"));
        assert_eq!(damaged, None, "{place}");
        assert_eq!(processes_with(&self.machine.place().display().to_string()), BTreeSet::new(), "{place}");
    }

    /// Runs, saying of what cannot be told what a person would see by looking.
    fn run_to_the_end(&self, place: &str) {
        for _ in 0..=UNTOLD.len() {
            let ran = self.machine.on(&self.pack, "up", &["--yes", "--json"]);
            for step in UNTOLD {
                assert!(self.times_done(step) <= 1, "{step} was done twice, {place}");
            }
            if ran.code == 0 {
                return;
            }
            let status = self.machine.run(&["status", "--json"]).expect(0).json();
            let steps = status["steps"].as_array().unwrap();
            let unknown: Vec<&str> = steps
                .iter()
                .filter(|step| step["state"] == "unknown")
                .filter_map(|step| UNTOLD.into_iter().find(|untold| step["id"] == *untold))
                .collect();
            assert!(!unknown.is_empty(), "{place}: {}\n{}\n{status:#}", ran.stdout, ran.stderr);
            let mut args = vec!["--yes"];
            for step in unknown {
                args.extend([if self.times_done(step) == 1 { "--took-effect" } else { "--again" }, step]);
            }
            self.machine.on(&self.pack, "up", &args);
        }
        expect(self.machine.on(&self.pack, "up", &["--yes"]), place);
    }

    fn outside(&self) -> PathBuf {
        self.machine.place().join(OUTSIDE)
    }

    fn times_done(&self, step: &str) -> usize {
        fs::read_to_string(self.outside().join(step)).map_or(0, |ledger| ledger.lines().count())
    }
}

#[track_caller]
fn expect(ran: Ran, place: &str) -> Ran {
    assert_eq!(ran.code, 0, "{place}\nstdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
    ran
}

/// The steps that `up --json` said to be done; its last line may be half.
fn said_done(told: &[u8]) -> BTreeSet<String> {
    let lines =
        told.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    lines
        .filter(|event| {
            event["type"] == "step" && (event["state"] == "changed" || event["state"] == "satisfied")
        })
        .map(|event| event["step"].as_str().unwrap().to_owned())
        .collect()
}

/// Asserts that nothing differs, and says what does.
#[track_caller]
fn same(now: &Tree, expected: &Tree, place: &str) {
    let text = |tree: &Tree, path: &PathBuf| match tree.get(path) {
        None => "absent".to_owned(),
        Some((mode, None)) => format!("{mode:o}, a folder"),
        Some((mode, Some(bytes))) => {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]);
            format!("{mode:o}, {} bytes: {shown:?}", bytes.len())
        }
    };
    let paths: BTreeSet<&PathBuf> = now.keys().chain(expected.keys()).collect();
    let differ = paths.into_iter().filter(|path| now.get(*path) != expected.get(*path));
    let differ: Vec<String> = differ
        .map(|path| format!("{}\n  is {}\n  not {}", path.display(), text(now, path), text(expected, path)))
        .collect();
    assert!(differ.is_empty(), "{place}:\n{}", differ.join("\n"));
}

#[test]
fn f1_the_power_goes_at_any_moment_of_a_run_or_its_undo() {
    let lives: Vec<_> = (0..LIVES)
        .map(|number| {
            thread::spawn(move || {
                let life = Life::record();
                life.no_file_is_ever_half();
                for cut in 1..=CUTS {
                    // Spread over all moments, others for each life; the last is when everything was said to be done.
                    let moment = life.noted.len() * (cut * LIVES - number) / (CUTS * LIVES);
                    for survives in [Survives::Nothing, Survives::Some(moment as u64), Survives::Names] {
                        life.go_on_from(moment, survives);
                    }
                }
            })
        })
        .collect();
    for life in lives {
        life.join().unwrap();
    }
}
