//! What goes wrong on real machines: each a clear error with code, cause and hint, and nothing lost.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use firstlight_testkit::PackFolder;
use serde_json::Value;

use crate::machine::{Machine, Ran};

fn one_step(step: &str) -> PackFolder {
    PackFolder::with_steps(&["one"], &format!("  one: {{ title: The one, first-value: true, {step} }}"))
}

fn touch() -> PackFolder {
    one_step("check: [test, -f, '${{ inputs.place }}'], run: [touch, '${{ inputs.place }}']")
}

/// The state of the only step after `up`.
fn after_up(machine: &Machine, pack: &PackFolder) -> Value {
    machine.on(pack, "up", &["--yes"]).expect(1);
    machine.run(&["status", "--json"]).expect(0).json()["steps"][0].clone()
}

/// Puts a program of this name first on the PATH of what the command starts.
fn with_program(machine: &Machine, mut command: Command, name: &str, script: &str) -> Command {
    let folder = machine.root.path().join("programs");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", folder.display()));
    command
}

/// A port on this machine where nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_broken_pack_says_where_and_how_to_mend_it() {
    let machine = Machine::new();
    for (yaml, line) in [
        ("apiVersion: firstlight.dev/v1\nkind: [\n", 3),
        ("apiVersion: firstlight.dev/v1\nkind: Pack\nkind: Pack\n", 3),
        ("just words", 1),
        ("", 1),
    ] {
        let pack = PackFolder::new(yaml);
        let error = machine.on(&pack, "plan", &["--json"]).error();
        assert_eq!(error["code"], "pack_invalid", "{yaml:?}");
        assert!(error["file"].as_str().unwrap().ends_with("pack.yaml"), "{error}");
        assert!(error["line"].as_u64().is_some_and(|at| at >= 1 && at <= line), "{yaml:?}: {error}");
        let shown = machine.on(&pack, "plan", &[]).expect(1).stderr;
        assert!(shown.contains("error[pack_invalid]") && shown.contains("hint:"), "{shown}");
    }
    // Bytes that are no text, and a folder where the file should be.
    let pack = PackFolder::new("");
    fs::write(pack.join("pack.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    machine.on(&pack, "plan", &["--json"]).error();
    fs::remove_file(pack.join("pack.yaml")).unwrap();
    fs::create_dir(pack.join("pack.yaml")).unwrap();
    assert_eq!(machine.on(&pack, "plan", &["--json"]).error()["code"], "pack_not_found");
}

#[test]
fn e7_a_line_that_no_terminal_is_wide_enough_for_is_still_an_error_with_its_place() {
    let machine = Machine::new();
    let pack = PackFolder::new(&format!("{{{}}}", vec!["a: 1"; 100_000].join(", ")));
    let folder = pack.path().display().to_string();
    let said = machine.run(&["pack", "lint", &folder]).expect(1).stdout;
    assert!(said.contains("`a` is written twice (line 1, column 8)"), "{said}");
    assert!(said.contains("more like these are not listed"), "{said}");
    let error = machine.on(&pack, "plan", &["--json"]).error();
    assert_eq!(error["code"], "pack_invalid");
}

#[test]
fn a_pack_that_broke_on_the_way_loses_nothing() {
    let (machine, pack) = (Machine::new(), touch());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let good = fs::read_to_string(pack.join("pack.yaml")).unwrap();
    fs::write(pack.join("pack.yaml"), "kind: [").unwrap();
    assert_eq!(machine.run(&["status", "--json"]).error()["code"], "pack_invalid");
    fs::write(pack.join("pack.yaml"), good).unwrap();
    assert_eq!(machine.run(&["status", "--json"]).expect(0).json()["steps"][0]["state"], "changed");
}

#[test]
fn a_program_that_is_missing_is_named() {
    let machine = Machine::new();
    let pack = one_step("run: [no-such-interpreter, main.py]");
    let step = after_up(&machine, &pack);
    let said = step.to_string();
    assert!(said.contains("`no-such-interpreter`") && said.contains("PATH"), "{said}");

    // A script whose interpreter is missing is there itself.
    let script = machine.root.path().join("script");
    fs::write(&script, "#!/no/such/python\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let machine = Machine::new();
    let pack = one_step(&format!("run: ['{}']", script.display()));
    let step = after_up(&machine, &pack);
    assert_eq!(step["state"], "failed");
    assert!(step["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{step}");
}

#[test]
fn no_network_fails_the_step_with_the_host() {
    let machine = Machine::new();
    let port = closed_port();
    let pack = PackFolder::with_steps(
        &["clone"],
        &format!(
            "  clone:
    title: Clone it
    uses: git/clone
    timeout: 20s
    with: {{ url: 'https://127.0.0.1:{port}/acme.git', into: '${{{{ inputs.place }}}}' }}
    first-value: true
policy:
  capabilities: {{ hosts: ['127.0.0.1'], paths: ['${{{{ inputs.place }}}}'] }}"
        ),
    );
    let step = after_up(&machine, &pack);
    assert_eq!(step["state"], "failed", "{step}");
    let said = step.to_string();
    assert!(said.contains("127.0.0.1"), "{said}");
    assert!(step["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{step}");
    assert!(!machine.place().exists(), "half a clone was left");
}

#[test]
fn no_keychain_is_said_where_it_is_needed_and_only_there() {
    let machine = Machine::new();
    machine.on(&touch(), "up", &["--yes"]).expect(0);

    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["token", "free"],
        "  token: { title: Your token, uses: credential, with: { name: acme-token } }
  free: { title: Needs none, run: ['true'], first-value: true }
policy:
  capabilities: { secrets: [acme-token] }",
    );
    let folder = pack.path().to_str().unwrap();
    let set = ["credential", "set", "acme-token", "--pack", folder, "--json"];
    let mut without = machine.command(&set);
    for nowhere in [Some("unix:path=/nonexistent"), None] {
        match nowhere {
            Some(address) => without.env("DBUS_SESSION_BUS_ADDRESS", address),
            None => without.env_remove("DBUS_SESSION_BUS_ADDRESS"),
        };
        let mut child = without.stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"good-12345\n").unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.error()["code"], "keychain_unavailable");
        assert!(!ran.stderr.contains("good-12345"));
    }
    // What needs no secret goes on; what does says why it cannot.
    let up = machine.on(&pack, "up", &["--yes", "--json"]).expect(1);
    let last = up.lines().pop().unwrap();
    assert_eq!(last["first_value_reached"], true);
    let step = machine.run(&["status", "--json"]).expect(0).json()["steps"][0].clone();
    assert!(step["cause"].as_str().is_some_and(|cause| cause.contains("keychain")), "{step}");
    assert!(step["hint"].is_string(), "{step}");
    assert!(!machine.kept().iter().any(|(_, bytes)| bytes.windows(10).any(|part| part == b"good-12345")));
}

#[test]
fn a_home_that_cannot_be_written_is_an_error_before_anything_is_done() {
    let (machine, pack) = (Machine::new(), touch());
    let file = machine.root.path().join("a-file");
    fs::write(&file, "").unwrap();
    let mut up = machine.command_on(&pack, "up", &["--yes", "--json"]);
    let error = Ran::of(up.env("FIRSTLIGHT_HOME", file.join("below")).output().unwrap()).error();
    assert_eq!(error["code"], "home_not_writable");
    assert!(error["hint"].as_str().unwrap().contains("FIRSTLIGHT_HOME"), "{error}");
    assert!(!machine.place().exists());
}

/// Runs as nobody if we may, so that permissions mean something; says so if not.
#[expect(clippy::print_stderr, reason = "who reads the test's output must see that it was not run")]
fn as_nobody(command: &mut Command) -> bool {
    if !is_root() {
        eprintln!("skipped: only root can become somebody who may not write");
        return false;
    }
    command.uid(65_534).gid(65_534);
    true
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

#[test]
fn a_read_only_home_is_an_error_before_anything_is_done() {
    let (machine, pack) = (Machine::new(), touch());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let before = machine.kept();
    fs::remove_file(machine.place()).unwrap();
    // The program and the pack are for everybody; the data folder belongs to somebody else.
    let program = machine.root.path().join("firstlight");
    fs::copy(assert_cmd::cargo::cargo_bin!("firstlight"), &program).unwrap();
    for folder in [machine.root.path(), pack.path(), &machine.state(), &machine.home()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut up = Command::new(&program);
    let like = machine.command_on(&pack, "up", &["--yes", "--json"]);
    up.args(like.get_args()).current_dir(machine.root.path()).env_clear().env("HOME", machine.home());
    up.env("PATH", std::env::var_os("PATH").unwrap()).env("FIRSTLIGHT_HOME", machine.state());
    if !as_nobody(&mut up) {
        return;
    }
    let error = Ran::of(up.output().unwrap()).error();
    assert_eq!(error["code"], "home_not_writable");
    assert!(!machine.place().exists());
    assert_eq!(machine.kept(), before);
}

/// A small file system of its own, if we may mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    #[expect(clippy::print_stderr, reason = "who reads the test's output must see that it was not run")]
    fn mount(at: &'a Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at)),
            other => {
                eprintln!("skipped: no small disk can be mounted here: {other:?}");
                None
            }
        }
    }

    /// Leaves not a byte free.
    fn fill(&self) {
        let mut filler = fs::File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 4_096, 1] {
            let block = vec![b'x'; size];
            while std::io::Write::write_all(&mut filler, &block).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn f3_a_full_disk_is_said_loses_nothing_and_goes_on_when_there_is_room() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["one", "two"],
        "  one: { title: One, run: [sh, -c, 'echo done >> \"$0\"-once', '${{ inputs.place }}'] }
  two: { title: Two, needs: [one], run: [sh, -c, 'test -e \"$0\"-go', '${{ inputs.place }}'], first-value: true }",
    );
    let state = machine.state();
    let Some(disk) = SmallDisk::mount(&state) else { return };
    machine.on(&pack, "up", &["--yes"]).expect(1);
    let before = machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(before["steps"][0]["state"], "changed");

    disk.fill();
    fs::write(machine.root.path().join("place-go"), "").unwrap();
    let error = machine.on(&pack, "up", &["--yes", "--json"]).error();
    assert_eq!(error["code"], "disk_full");
    let during = machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(during["steps"], before["steps"], "something recorded was lost");

    disk.make_room();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(fs::read_to_string(machine.root.path().join("place-once")).unwrap(), "done\n");
    assert_eq!(machine.run(&["journal", "verify", "--json"]).expect(0).json()["ok"], true);

    // A disk that was full from the start.
    let fresh = Machine::new();
    let state = fresh.state();
    let Some(disk) = SmallDisk::mount(&state) else { return };
    disk.fill();
    assert_eq!(fresh.on(&pack, "up", &["--yes", "--json"]).error()["code"], "disk_full");
    disk.make_room();
    fs::write(fresh.root.path().join("place-go"), "").unwrap();
    fresh.on(&pack, "up", &["--yes"]).expect(0);
}

/// The lists of packages know a package, but not one that goes with what is installed already.
#[test]
fn a_list_of_packages_that_is_too_old_is_fetched_once() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["one"],
        "  one: { title: The one, first-value: true, uses: package, with: { apt: hello } }\n\
         policy: { capabilities: { elevation: true } }",
    );
    let at = machine.root.path();
    let command = machine.command_on(&pack, "up", &["--yes"]);
    let command = with_program(
        &machine,
        command,
        "dpkg-query",
        &format!("test -e {0}/there && echo install ok installed", at.display()),
    );
    let command = with_program(&machine, command, "apt-cache", "echo Package: hello");
    let command = with_program(
        &machine,
        command,
        "sudo",
        "while [ \"$1\" != apt-get ] && [ $# -gt 1 ]; do shift; done; exec \"$@\"",
    );
    let apt = format!(
        "case \"$*\" in *--print-uris*) echo sizes >> {0}/asked; exit 100;; esac; echo $1 >> {0}/asked; case $1 in update) touch {0}/new;; install) if test -e {0}/new; then touch {0}/there; else \
         echo ' libhello-dev : Depends: libhello (= 1) but 2 is to be installed'; \
         echo 'E: Unable to correct problems, you have held broken packages.' >&2; exit 100; fi;; esac",
        at.display()
    );
    let mut command = with_program(&machine, command, "apt-get", &apt);
    Ran::of(command.output().unwrap()).expect(0);
    // The plan asks how much that would be, which an old list cannot say.
    assert_eq!(fs::read_to_string(at.join("asked")).unwrap(), "sizes\ninstall\nupdate\ninstall\n");
}
