//! The program killed at any moment of a real run, a thousand times over: nothing that was said to be done is lost,
//! nothing that cannot be told is done twice, and in the end everything holds and can be taken back.

use std::{
    collections::BTreeMap,
    fs,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use firstlight_testkit::PackFolder;
use serde_json::Value;

use crate::machine::{Machine, Ran, processes_with, until};

/// How often the program is killed, over all lives.
const KILLS: usize = 1_000;
/// How many lives go on at once: a run mostly waits.
const AT_ONCE: usize = 4;

/// Steps without a check: each writes a line into its ledger, in the middle of its time.
const UNTOLD: [&str; 3] = ["mail", "book", "greet"];

/// Steps that change a home in every way that can be taken back, some of them at once, and some that cannot be told.
fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["mail", "profile", "branch", "rebase", "greeting", "repo", "book", "built", "key", "greet", "ready"],
        "  mail: { title: Send a mail, shell: true, env: { P: '${{ inputs.place }}' },
          run: ['sleep 0.01; echo once >> $P/mail; sleep 0.01'] }
  profile: { title: Set the editor, uses: env, with: { name: EDITOR, value: vim } }
  branch: { title: Name the branch, uses: git/config, with: { key: init.defaultBranch, value: main } }
  rebase: { title: Rebase, uses: git/config, needs: [branch], with: { key: pull.rebase, value: 'true' } }
  greeting: { title: Write a file, uses: file, with: { path: '~/new/folder/hello', content: hello } }
  repo: { title: Clone, uses: git/clone, needs: [rebase], with: { url: 'file://${{ inputs.place }}/origin', into: '~/src/repo' } }
  book: { title: Book a seat, needs: [mail], shell: true, env: { P: '${{ inputs.place }}' },
          run: ['echo once >> $P/book'] }
  built: { title: Build, needs: [repo, greeting], shell: true, env: { P: '${{ inputs.place }}' },
          check: ['test -e $P/built'], run: ['sleep 0.02; touch $P/built'], undo: ['rm -f $P/built'] }
  key: { title: Make a key, uses: ssh/key, with: { comment: test } }
  greet: { title: Greet, needs: [built, book], shell: true, env: { P: '${{ inputs.place }}' },
          run: ['echo once >> $P/greet; sleep 0.01'] }
  ready: { title: Be ready, needs: [greet, key, profile], check: [test, -e, '${{ inputs.place }}/built'], run: ['true'],
          first-value: true }
policy:
  capabilities: { paths: ['~/new/folder/hello', '~/src/repo', '~/.ssh/id_ed25519'] }",
    )
}

/// One person's machine, from the first start to the last step, with kills in between.
struct Life {
    machine: Machine,
    pack: PackFolder,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Life {
    fn begin() -> Self {
        let machine = Machine::new();
        let home = machine.home();
        fs::write(home.join(".profile"), "# mine\numask 022").unwrap();
        fs::write(home.join(".gitconfig"), "[user]\n  name = Ada   ; as on the badge\n").unwrap();
        fs::create_dir(machine.place()).unwrap();
        let origin = machine.place().join("origin");
        let git = |args: &[&str]| {
            let ran = machine.command_of("git", args).current_dir(&origin).output().unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        };
        fs::create_dir(&origin).unwrap();
        git(&["init", "--quiet"]);
        fs::write(origin.join("readme"), "hello\n").unwrap();
        git(&["add", "readme"]);
        git(&["-c", "user.name=a", "-c", "user.email=a@a.test", "commit", "--quiet", "-m", "first"]);
        let before = tree(&home);
        Self { machine, pack: pack(), before }
    }

    /// Starts a run and kills it after this long; whether it was killed before it ended by itself.
    fn kill_after(&self, moment: Duration) -> bool {
        let mut child = self.machine.command_on(&self.pack, "up", &["--yes", "--json"]).spawn().unwrap();
        thread::sleep(moment);
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        self.nothing_is_lost(&ran.stdout);
        !ended
    }

    /// What the run said before it died is what is known after.
    fn nothing_is_lost(&self, said: &str) {
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        // The last line may be half.
        for event in said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            if event["type"] == "step" {
                known.insert(event["step"].as_str().unwrap().to_owned(), event["state"].clone());
            }
        }
        if known.is_empty() {
            return;
        }
        let status = self.machine.run(&["status", "--json"]).expect(0).json();
        for step in status["steps"].as_array().unwrap() {
            let Some(said) = known.get(step["id"].as_str().unwrap()) else { continue };
            if *said == "changed" || *said == "satisfied" {
                assert_eq!(&step["state"], said, "said to be done, and lost: {step}");
            }
        }
        let check = self.machine.run(&["journal", "verify", "--json"]).expect(0).json();
        assert_eq!(check["ok"], true);
        self.nothing_is_done_twice();
    }

    fn times_done(&self, step: &str) -> usize {
        fs::read_to_string(self.machine.place().join(step)).map_or(0, |ledger| ledger.lines().count())
    }

    fn nothing_is_done_twice(&self) {
        for step in UNTOLD {
            assert!(self.times_done(step) <= 1, "{step} was done twice");
        }
    }

    /// Looks where it was asked to, goes on to first value, and takes everything back.
    fn end(self) {
        let root = self.machine.root.path().display().to_string();
        until("nothing of the killed runs is left", || processes_with(&root).is_empty());
        for _ in 0..=UNTOLD.len() {
            let ran = self.machine.on(&self.pack, "up", &["--yes", "--json"]);
            if ran.code == 0 {
                break;
            }
            self.answer();
        }
        self.machine.on(&self.pack, "up", &["--yes"]).expect(0);
        self.machine.on(&self.pack, "plan", &["--detailed-exitcode"]).expect(0);
        for step in UNTOLD {
            assert_eq!(self.times_done(step), 1, "{step}");
        }
        self.machine.run(&["undo", "--all"]).expect(0);
        same(&tree(&self.machine.home()), &self.before);
        assert!(!self.machine.place().join("built").exists());
    }

    /// Says of each step that was cut off what a person would see by looking.
    fn answer(&self) {
        let status = self.machine.run(&["status", "--json"]).expect(0).json();
        let steps = status["steps"].as_array().unwrap();
        let unknown: Vec<&str> = steps
            .iter()
            .filter(|step| step["state"] == "unknown" && UNTOLD.contains(&step["id"].as_str().unwrap()))
            .map(|step| step["id"].as_str().unwrap())
            .collect();
        assert!(!unknown.is_empty(), "it did not end well, and not for what was cut off: {status:#}");
        let mut args = vec!["--yes"];
        for step in unknown {
            args.extend([if self.times_done(step) == 1 { "--took-effect" } else { "--again" }, step]);
        }
        self.machine.on(&self.pack, "up", &args);
    }
}

/// Every file and folder with its content.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.insert(path.clone(), Vec::new());
                folders.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.insert(path, content);
            }
        }
    }
    found
}

#[track_caller]
fn same(now: &BTreeMap<PathBuf, Vec<u8>>, before: &BTreeMap<PathBuf, Vec<u8>>) {
    let text = |tree: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<String> {
        tree.iter()
            .map(|(path, bytes)| format!("{}: {}", path.display(), String::from_utf8_lossy(bytes)))
            .collect()
    };
    assert_eq!(text(now), text(before));
}

/// A number that nobody knows beforehand, below a bound.
fn random(below: u64) -> u64 {
    RandomState::new().hash_one(Instant::now()) % below
}

#[test]
fn f2_a_run_killed_at_a_thousand_moments_loses_nothing_and_does_nothing_twice() {
    // How long a run takes here, undisturbed.
    let life = Life::begin();
    let begun = Instant::now();
    life.machine.on(&life.pack, "up", &["--yes"]).expect(0);
    let whole = u64::try_from(begun.elapsed().as_micros()).unwrap();
    life.end();

    let kills = Arc::new(AtomicUsize::new(0));
    let lives: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let kills = Arc::clone(&kills);
            thread::spawn(move || {
                while kills.load(Ordering::SeqCst) < KILLS {
                    let life = Life::begin();
                    while kills.load(Ordering::SeqCst) < KILLS {
                        if !life.kill_after(Duration::from_micros(random(whole))) {
                            break;
                        }
                        kills.fetch_add(1, Ordering::SeqCst);
                    }
                    life.end();
                }
            })
        })
        .collect();
    for life in lives {
        life.join().unwrap();
    }
}
