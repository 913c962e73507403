//! A real PostgreSQL in a folder of its own, stopped and removed whatever becomes of the test.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::chown,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// `nobody`: a database server does not run as root.
const NOBODY: u32 = 65_534;

/// Runs the server and waits for a word. The test's end closes the pipe, however it ends; then the server is killed
/// without being asked to finish anything, and unless the word was `again` its folder goes.
const KEEPER: &str = r#"
folder=$1; shift
"$@" >>"$folder/log" 2>&1 </dev/null &
server=$!
word=
read -r word
kill -QUIT $server
wait $server
[ "$word" = again ] || rm -rf "$folder"
"#;

/// A server; its only user is `ada`.
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    settings: Vec<String>,
    port: u16,
    keeper: Option<Child>,
    schemas: AtomicU32,
}

/// Where the server's programs are: where Debian and Ubuntu keep each version, or on PATH. None if there are none, which is
/// said past the harness that would keep it to itself.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = versions.chain(std::env::split_paths(&path)).find(|folder| {
        ["initdb", "postgres", "pg_isready", "psql"].iter().all(|program| folder.join(program).exists())
    });
    if found.is_none() {
        std::io::stderr().write_all(b"not tested with PostgreSQL: it is not installed\n").unwrap();
    }
    found
}

impl Server {
    /// The one server that many tests share, each with a schema of its own. It writes as if disks never failed.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(|| Self::with(&["fsync=off", "max_connections=300"])).as_ref()
    }

    /// A server of the test's own, which writes for real and may be killed.
    pub(crate) fn own() -> Option<Self> {
        Self::with(&["fsync=on"])
    }

    /// A server with these settings.
    pub(crate) fn with(settings: &[&str]) -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("firstlight-pg-").tempdir().unwrap().keep();
        if rustix::process::geteuid().is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        // Its socket is named after it, too.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { programs, folder, settings, port, keeper: None, schemas: AtomicU32::new(0) };
        let data = server.data();
        let made = server
            .command(
                "initdb",
                &["-D", &data, "-U", "ada", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8"],
            )
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.start();
        Some(server)
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// A program of it, as the user the server belongs to.
    fn argv(&self, program: &str, arguments: &[&str]) -> Vec<String> {
        let mut words = Vec::new();
        if rustix::process::geteuid().is_root() {
            words.extend(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(str::to_owned));
        }
        words.push(self.programs.join(program).display().to_string());
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        words
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let words = self.argv(program, arguments);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.folder).env("PGPORT", self.port.to_string());
        command
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&mut self) {
        assert!(self.keeper.is_none());
        let (data, socket) = (self.data(), self.folder.display().to_string());
        let mut arguments = vec!["-D", &data, "-k", &socket];
        if !self.settings.iter().any(|setting| setting.starts_with("listen_addresses")) {
            arguments.extend(["-c", "listen_addresses="]);
        }
        for setting in &self.settings {
            arguments.extend(["-c", setting]);
        }
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh", &socket])
            .args(self.argv("postgres", &arguments))
            .env("PGPORT", self.port.to_string())
            .stdin(Stdio::piped())
            .current_dir(&self.folder)
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        let answers = || {
            self.command("pg_isready", &["-q", "-h", &socket]).status().is_ok_and(|status| status.success())
        };
        for _ in 0..600 {
            if answers() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("PostgreSQL does not answer: {log}");
    }

    /// Ends it as a failure of power would; [`Self::start`] has to recover.
    pub(crate) fn crash(&mut self) {
        self.end("again\n");
    }

    fn end(&mut self, word: &str) {
        let Some(mut keeper) = self.keeper.take() else { return };
        // A keeper that is gone already has closed its end.
        let _ = keeper.stdin.take().unwrap().write_all(word.as_bytes());
        keeper.wait().unwrap();
    }

    /// Says something to the server that has to work.
    pub(crate) fn sql(&self, sql: &str) {
        let socket = self.folder.display().to_string();
        let arguments =
            ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", &socket, "-U", "ada", "postgres", "-c", sql];
        let said = self.command("psql", &arguments).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }

    /// Everything in a database, as its own program writes it down.
    pub(crate) fn dump(&self, url: &str) -> Vec<u8> {
        let schema = url.rsplit_once("%3D").unwrap().1;
        let socket = self.folder.display().to_string();
        let said = self
            .command("pg_dump", &["-h", &socket, "-U", "ada", "-n", schema, "postgres"])
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        said.stdout
    }

    /// The URL of a database where nothing is yet.
    pub(crate) fn fresh(&self) -> String {
        let schema = format!("s{}", self.schemas.fetch_add(1, Ordering::SeqCst));
        self.sql(&format!("CREATE SCHEMA {schema}"));
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://ada@{socket}:{}/postgres?options=-c%20search_path%3D{schema}", self.port)
    }

    /// Where it listens if a setting says so.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// One more setting for its next start.
    pub(crate) fn set(&mut self, setting: String) {
        self.settings.push(setting);
    }

    /// Makes files in its folder its own, and nobody else's.
    pub(crate) fn take(&self, names: &[&str]) {
        for name in names {
            let path = self.folder.join(name);
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            if rustix::process::geteuid().is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    }

    /// Its folder, for files it has to read.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end("");
        // After a crash nobody is left to do it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
