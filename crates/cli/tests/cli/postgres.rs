//! A real daemon: PostgreSQL in a folder of its own, made, started, used, killed, mended and taken back.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use firstlight_testkit::PackFolder;

use crate::machine::{Machine, processes_with, until};

/// `nobody`: a database server does not run as root.
const NOBODY: u32 = 65_534;

/// Where the server's programs are: on PATH, or where Debian and Ubuntu keep each version. None if there are none, which is
/// said past the harness that would keep it to itself.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap();
    let found = versions.chain(std::env::split_paths(&path)).find(|folder| {
        ["initdb", "postgres", "pg_isready", "psql"].iter().all(|program| folder.join(program).exists())
    });
    if found.is_none() {
        std::io::stderr().write_all(b"not tested with a real daemon: PostgreSQL is not installed\n").unwrap();
    }
    found
}

struct Postgres {
    machine: Machine,
    pack: PackFolder,
    programs: PathBuf,
    as_somebody: Vec<String>,
}

impl Postgres {
    fn new(programs: PathBuf) -> Self {
        let machine = Machine::new();
        fs::create_dir(machine.place()).unwrap();
        let root = fs::metadata(machine.place()).unwrap().uid() == 0;
        let mut as_somebody = Vec::new();
        if root {
            chown(machine.place(), Some(NOBODY), Some(NOBODY)).unwrap();
            let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
            fs::set_permissions(machine.root.path(), open).unwrap();
            as_somebody =
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(str::to_owned).into();
        }
        let at = |program: &str| programs.join(program).display().to_string();
        let argv = |words: &[&str]| {
            let words = as_somebody.iter().map(String::as_str).chain(words.iter().copied());
            words.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
        };
        let data = "${{ inputs.place }}/data";
        let socket = "${{ inputs.place }}";
        let psql = |sql: &str| {
            argv(&[
                &at("psql"),
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                socket,
                "-U",
                "ada",
                "postgres",
                "-c",
                sql,
            ])
        };
        let initdb = [&at("initdb"), "-D", data, "-U", "ada", "--auth=trust", "--no-sync", "--locale=C"];
        let postgres = [&at("postgres"), "-D", data, "-k", socket, "-c", "listen_addresses="];
        let pack = PackFolder::with_steps(
            &["cluster", "server", "table"],
            &format!(
                "  cluster:
    title: Make a database cluster
    check: [test, -s, '{data}/PG_VERSION']
    run: [{}]
    undo: [rm, -rf, '{data}']
  server:
    title: Run the server
    uses: service
    needs: [cluster]
    with:
      run: [{}]
      ready: {{ command: [{}] }}
  table:
    title: Make a table
    needs: [server]
    check: [{}]
    run: [{}]
    undo: [{}]
    first-value: true",
                argv(&initdb),
                argv(&postgres),
                argv(&[&at("pg_isready"), "-h", socket]),
                psql("select count(*) from greeting"),
                psql("create table greeting (word text)"),
                psql("drop table greeting"),
            ),
        );
        Self { machine, pack, programs, as_somebody }
    }

    /// The server's process, as it notes it itself, and the shared memory it holds.
    fn noted(&self) -> (u32, String) {
        let text = fs::read_to_string(self.machine.place().join("data/postmaster.pid")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let memory = lines[6].split_whitespace().last().unwrap().to_owned();
        (lines[0].parse().unwrap(), memory)
    }

    fn drifted(&self, code: i32) -> Vec<String> {
        let looked = ["status", "--check", "--detailed-exitcode", "--json"];
        let status = self.machine.run(&looked).expect(code).json();
        let steps = status["steps"].as_array().unwrap().iter();
        let drifted = steps.filter(|step| step["drifted"].is_string());
        drifted.map(|step| step["id"].as_str().unwrap().to_owned()).collect()
    }

    fn up(&self) {
        self.machine.on(&self.pack, "up", &["--yes"]).expect(0);
    }

    /// Says something to the server, as its only user.
    fn ask(&self, sql: &str) -> String {
        let psql = self.programs.join("psql").display().to_string();
        let place = self.machine.place().display().to_string();
        let words = ["-X", "-A", "-t", "-h", &place, "-U", "ada", "postgres", "-c", sql];
        let argv: Vec<&str> =
            self.as_somebody.iter().map(String::as_str).chain([psql.as_str()]).chain(words).collect();
        let output = Command::new(argv[0]).args(&argv[1..]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// Whether a process is there, if only because nobody has asked yet how it ended: its id is taken as long.
fn is_there(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

fn children(process: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    listed.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn is_held(memory: &str) -> bool {
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    segments.lines().skip(1).any(|line| line.split_whitespace().nth(1) == Some(memory))
}

#[test]
fn a_database_server_is_started_once_noticed_when_it_dies_and_gone_after_undo() {
    let Some(programs) = programs() else { return };
    let postgres = Postgres::new(programs);
    let (machine, pack) = (&postgres.machine, &postgres.pack);
    postgres.up();
    let (first, memory) = postgres.noted();
    assert!(is_there(first) && is_held(&memory));
    assert_eq!(
        postgres.ask("insert into greeting values ('hello') returning word").lines().next(),
        Some("hello")
    );
    machine.on(pack, "plan", &["--detailed-exitcode"]).expect(0);

    postgres.up();
    assert_eq!(postgres.noted().0, first, "a second one was started");
    // Somebody who starts anew on the same machine is told, and starts none either.
    let place = format!("place={}", machine.place().display());
    let path = pack.path().display().to_string();
    let other = machine.root.path().join("other").display().to_string();
    let args = ["up", "--yes", "--json", "--persona", "dev", "--input", &place, "--pack", &path];
    let anew = machine.command(&args).env("FIRSTLIGHT_HOME", other).output().unwrap();
    let said = String::from_utf8(anew.stdout).unwrap();
    assert!(said.contains("not by a process of ours"), "{said}");
    assert_eq!(postgres.noted().0, first);

    let helpers = children(first);
    assert!(!helpers.is_empty());
    assert!(Command::new("kill").args(["-9", &first.to_string()]).status().unwrap().success());
    until("all of the killed server is gone", || !is_there(first) && !helpers.iter().any(|id| is_there(*id)));
    assert_eq!(postgres.drifted(2), ["server", "table"]);
    postgres.up();
    assert_eq!(postgres.drifted(0), [""; 0]);
    let (second, memory) = postgres.noted();
    assert!(second != first && is_there(second));
    assert_eq!(postgres.ask("select word from greeting"), "hello", "what was in it is in it");

    let helpers = children(second);
    machine.run(&["undo", "--all"]).expect(0);
    until("all of the stopped server is gone", || {
        !is_there(second) && !helpers.iter().any(|id| is_there(*id))
    });
    assert!(!is_held(&memory), "its shared memory is given back");
    assert_eq!(fs::read_dir(machine.place()).unwrap().count(), 0, "neither data nor socket is left");
    assert!(processes_with(&machine.place().display().to_string()).is_empty());
}
