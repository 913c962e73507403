//! Administrator rights for a whole run: one prompt, and an end to what was started with them.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::PathBuf,
    process::Command,
};

use firstlight_testkit::PackFolder;

use crate::machine::{Machine, Ran, processes_with, signal, until};

/// An account that may do nothing.
const NOBODY: u32 = 65534;

/// What the tests take for `pkexec`: it notes that it asked, and has the rights of its owner, as the real one does.
const PKEXEC: &str = r#"
#include <fcntl.h>
#include <unistd.h>
int main(int count, char **words) {
    int asked = open(ASKED, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (asked < 0 || write(asked, "asked\n", 6) != 6 || setgid(getegid()) || setuid(geteuid())) return 99;
    close(asked);
    if (count > 1) execvp(words[1], words + 1);
    return 127;
}
"#;

/// A machine without `sudo`, with that `pkexec`, and with the program where any account may start it.
struct Scene {
    machine: Machine,
    pack: PackFolder,
    program: PathBuf,
}

impl Scene {
    fn new(order: &[&str], steps: &str) -> Self {
        let machine = Machine::new();
        let root = machine.root.path();
        let bin = root.join("bin");
        fs::create_dir(&bin).unwrap();
        for program in ["sh", "env", "id", "mkdir", "sleep", "touch", "test", "true", "rm", "setsid"] {
            symlink(which::which(program).unwrap(), bin.join(program)).unwrap();
        }
        let source = root.join("pkexec.c");
        fs::write(&source, PKEXEC).unwrap();
        let built = Command::new("cc")
            .arg(format!("-DASKED=\"{}\"", root.join("asked").display()))
            .arg("-o")
            .args([&bin.join("pkexec"), &source])
            .status()
            .unwrap();
        assert!(built.success());
        let program = root.join("firstlight");
        fs::copy(assert_cmd::cargo::cargo_bin!("firstlight"), &program).unwrap();
        let pack = PackFolder::with_steps(
            order,
            &format!("{steps}\npolicy: {{ capabilities: {{ elevation: true }} }}"),
        );
        if is_root() {
            // `pkexec` stays root's, everything the person has is theirs.
            fs::set_permissions(bin.join("pkexec"), fs::Permissions::from_mode(0o4755)).unwrap();
            for path in [root, &machine.home(), pack.path()] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            fs::set_permissions(pack.path(), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { machine, pack, program }
    }

    /// By an account that is not root.
    fn command(&self, args: &[&str]) -> Command {
        let root = self.machine.root.path();
        let mut command = self.machine.command_of(&self.program, args);
        command.env("PATH", root.join("bin")).env("DISPLAY", ":0").env("TMPDIR", root);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// What looks at the pack, by an account that is not root.
    fn with_pack(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.args(["--persona", "dev", "--pack"]).arg(self.pack.path());
        command.arg("--input").arg(format!("place={}", self.machine.place().display()));
        command
    }

    fn up(&self) -> Command {
        self.with_pack(&["up", "--yes"])
    }

    /// As if this were a program of the system.
    fn program_of_the_system(&self, name: &str, script: &str) {
        let path = self.machine.root.path().join("bin").join(name);
        // It may be a link to the real one.
        let _ = fs::remove_file(&path);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn prompts(&self) -> usize {
        fs::read_to_string(self.machine.root.path().join("asked")).map_or(0, |asked| asked.lines().count())
    }

    fn made(&self, name: &str) -> bool {
        self.machine.root.path().join(format!("place-{name}")).exists()
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// A step with administrator rights, that fails unless they are there (where the test can give them).
fn step(name: &str, more: &str) -> String {
    let rights = if is_root() { "test $(id -u) = 0 && " } else { "" };
    format!(
        "  {name}:
    title: Do {name}
    elevation: elevated
    shell: true
    env: {{ PLACE: '${{{{ inputs.place }}}}' }}
    check: ['test -e $PLACE-{name}']
    run: ['{rights}{more} touch $PLACE-{name}']\n"
    )
}

#[test]
fn e5_one_prompt_serves_a_whole_run() {
    let names = ["a", "b", "c", "d"];
    let steps: String = names.iter().map(|name| step(name, "")).collect();
    let scene = Scene::new(
        &["a", "b", "c", "d", "e"],
        &format!("{steps}  e: {{ title: End, needs: [a, b, c, d], run: ['true'], first-value: true }}"),
    );
    let ran = Ran::of(scene.up().output().unwrap()).expect(0);
    for name in names {
        assert!(scene.made(name), "{name}: {}", ran.stdout);
    }
    assert_eq!(scene.prompts(), 1);
}

#[test]
fn e5_where_no_session_can_be_opened_each_command_asks_for_itself() {
    let steps: String = ["a", "b"].iter().map(|name| step(name, "")).collect();
    let scene = Scene::new(
        &["a", "b", "e"],
        &format!("{steps}  e: {{ title: End, needs: [a, b], run: ['true'], first-value: true }}"),
    );
    // A `pkexec` that starts anything but us: as if we lay where the administrator may not read.
    let bin = scene.machine.root.path().join("bin");
    fs::rename(bin.join("pkexec"), bin.join("pkexec.real")).unwrap();
    let real = bin.join("pkexec.real");
    scene.program_of_the_system(
        "pkexec",
        &format!(
            "#!/bin/sh\ncase \"$2\" in administrator-session) echo no such file >&2; exit 127;; esac\nexec {} \"$@\"\n",
            real.display()
        ),
    );
    Ran::of(scene.up().output().unwrap()).expect(0);
    assert!(scene.made("a") && scene.made("b"));
    assert!(scene.prompts() >= 2, "each command asks: {}", scene.prompts());
}

/// Who has the rights of nobody may not end a process of root's; the session may.
#[test]
fn e3_what_runs_with_the_rights_of_another_is_ended_too() {
    for (index, how) in ["timeout", "cancel", "kill"].into_iter().enumerate() {
        let seconds = format!("8{:07}{index}", std::process::id());
        let timeout = if how == "timeout" { "    timeout: 1s\n" } else { "" };
        let more = format!("touch $PLACE-begun; (setsid sleep {seconds} &); sleep {seconds};");
        let scene = Scene::new(&["long"], &format!("{}{timeout}    first-value: true", step("long", &more)));
        let mut child = scene.up().spawn().unwrap();
        until("the step has begun", || scene.made("begun"));
        let sleeps = format!("sleep {seconds}");
        match how {
            "timeout" => {}
            "cancel" => signal(&child, "INT"),
            _ => signal(&child, "KILL"),
        }
        let ran = child.wait().unwrap();
        assert!(!ran.success());
        until(&format!("{how}: nothing is left"), || processes_with(&sleeps).is_empty());
        assert_eq!(scene.prompts(), 1);
        until(&format!("{how}: the session has ended"), || {
            processes_with(&scene.program.display().to_string()).is_empty()
        });
    }
}

/// Where a rule names the person: only an administrator may read it, and a refused `sudo` is reported to somebody.
#[test]
fn e5_a_right_that_no_group_shows_counts_once_the_person_says_so() {
    let scene = Scene::new(&["a"], &format!("{}    first-value: true", step("a", "")));
    fs::remove_file(scene.machine.root.path().join("bin/pkexec")).unwrap();
    scene.program_of_the_system("id", "#!/bin/sh\necho people\n");
    scene.program_of_the_system("sudo", "#!/bin/sh\necho tried >&2; exit 1\n");
    let planned = || {
        let ran = Ran::of(scene.with_pack(&["plan", "--json"]).env_remove("DISPLAY").output().unwrap());
        let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        plan["steps"][0]["reason"].as_str().unwrap_or_default().to_owned()
    };
    let somebody_elses = "your account may not administrate this machine";
    assert!(planned().contains(somebody_elses), "{}", planned());
    let says = |answer: &str| {
        let ran = Ran::of(scene.command(&["doctor", "--administrator", answer]).output().unwrap());
        ran.stdout.lines().find(|line| line.contains("Administrator rights")).unwrap().to_owned()
    };
    assert!(says("yes").contains("sudo will ask for your password"));
    assert!(!planned().contains(somebody_elses), "{}", planned());
    assert!(says("no").contains("another account"));
    assert!(planned().contains(somebody_elses), "{}", planned());
}
