//! A hub of its own for each test, and devices.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use firstlight_contract::hub::{
    BATCH, BatchAnswer, EnrolRequest, Enrolled, ProblemEnvelope, Standing, Verdict,
};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// How long an answer may take: whoever never answers is a failure with a name, and not a test that never ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with a hub's database, and the program when it runs.
pub(crate) struct Hub {
    pub(crate) folder: tempfile::TempDir,
    database: String,
    arguments: Vec<String>,
    child: Option<Child>,
    pub(crate) url: String,
    pub(crate) client: Client,
    viewer: OnceLock<String>,
}

impl Hub {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts with these lines of configuration.
    pub(crate) fn start_with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("hub.sqlite").display());
        Self::start_in(folder, database, config)
    }

    /// Starts with another database.
    #[cfg(unix)]
    pub(crate) fn start_on(database: &str) -> Self {
        Self::start_on_with(database, "")
    }

    /// The same, with these lines of configuration.
    #[cfg(unix)]
    pub(crate) fn start_on_with(database: &str, config: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), database.to_owned(), config)
    }

    fn start_in(folder: tempfile::TempDir, database: String, config: &str) -> Self {
        let file = folder.path().join("hub.toml");
        // Tests are one address and few devices; the bounds have tests of their own.
        let bounds = "requests_per_minute = 1000000\n";
        let bounds = if config.contains("requests_per_minute") { "" } else { bounds };
        std::fs::write(&file, format!("{bounds}{config}\n")).unwrap();
        let arguments = vec![
            "--config".to_owned(),
            file.display().to_string(),
            "--database".to_owned(),
            database.clone(),
        ];
        let client = Client::builder().no_proxy().timeout(PATIENCE).tls_danger_accept_invalid_certs(true);
        let client = client.build().unwrap();
        let mut hub = Self {
            folder,
            database,
            arguments,
            child: None,
            url: String::new(),
            client,
            viewer: OnceLock::new(),
        };
        hub.serve();
        hub
    }

    pub(crate) fn serve(&mut self) {
        assert!(self.child.is_none());
        let mut command = self.program();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line.trim()
            .strip_prefix("listening at ")
            .expect("the hub says where it listens")
            .clone_into(&mut self.url);
        self.child = Some(child);
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("hub.log")
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap()
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstlight-hub"));
        command.args(&self.arguments).env_remove("RUST_LOG");
        command
    }

    /// Runs a command with nothing of this hub's.
    #[cfg(unix)]
    pub(crate) fn run_alone(arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_firstlight-hub")).args(arguments).output().unwrap()
    }

    /// Runs another command on the same database.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        // What it writes to a file of its own is written here.
        self.program().current_dir(self.folder.path()).args(arguments).output().unwrap()
    }

    /// The same, and it has to work.
    pub(crate) fn say(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to stop.
    #[cfg(unix)]
    pub(crate) fn ask_to_stop(&self) {
        let id = i32::try_from(self.child.as_ref().unwrap().id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it has stopped.
    #[cfg(unix)]
    pub(crate) fn stopped(&mut self) -> std::process::ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.say(&["code", "new"]).trim().to_owned()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("hub.sqlite")
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// Asks as somebody who may see figures.
    pub(crate) fn look(&self, path: &str) -> RequestBuilder {
        self.get(path).bearer_auth(self.viewer.get_or_init(|| self.token_of("vera", "viewer")))
    }

    /// The token of somebody who was given a role.
    pub(crate) fn token_of(&self, person: &str, role: &str) -> String {
        self.say(&["role", "grant", person, role]);
        self.say(&["role", "token", person]).trim().to_owned()
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub(crate) async fn try_enrol(&self, code: &str, id: Uuid) -> Response {
        let request = EnrolRequest { code: code.to_owned(), source: format!("urn:uuid:{id}") };
        let body = serde_json::to_string(&request).unwrap();
        self.post("/v1/devices").header("content-type", "application/json").body(body).send().await.unwrap()
    }

    pub(crate) async fn enrol(&self) -> Device {
        self.enrol_with(&self.code()).await
    }

    pub(crate) async fn enrol_with(&self, code: &str) -> Device {
        let id = Uuid::now_v7();
        let answer = self.try_enrol(code, id).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let enrolled: Enrolled = read(answer).await;
        assert_eq!(enrolled.device, id.to_string());
        Device { id, token: enrolled.token }
    }

    /// Everything it has counted.
    pub(crate) async fn rollups(&self) -> firstlight_hub::store::Rollups {
        let store = self.store().await;
        let rollups = store.rollups().await.unwrap();
        assert_eq!(rollups, store.recount().await.unwrap(), "the counts are what the log says");
        rollups
    }

    async fn store(&self) -> std::sync::Arc<dyn firstlight_hub::store::Store> {
        use firstlight_hub::{
            config::{Database, database},
            store::{postgres::PostgresStore, sqlite::SqliteStore},
        };
        match database(&self.database).unwrap() {
            Database::Sqlite(path) => std::sync::Arc::new(SqliteStore::open(&path).unwrap()),
            Database::Postgres(address) => std::sync::Arc::new(PostgresStore::open(&address).await.unwrap()),
        }
    }

    /// How many events it has counted.
    pub(crate) async fn counted(&self) -> u64 {
        self.rollups().await.events.values().sum()
    }
}

impl Drop for Hub {
    #[expect(clippy::print_stderr, reason = "a test that fails says what its hub said")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the hub said:\n{}", std::fs::read_to_string(self.log_file()).unwrap_or_default());
        }
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// An enrolled device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) id: Uuid,
    pub(crate) token: String,
}

impl Device {
    /// An event as the outbox makes them.
    pub(crate) fn event(&self, sequence: u64) -> Value {
        let now = Timestamp::now();
        json!({
            "specversion": "1.0", "id": Uuid::now_v7(), "source": format!("urn:uuid:{}", self.id),
            "type": "dev.firstlight.step.changed", "time": now, "recordedtime": now,
            "sequence": format!("{sequence:016}"), "datacontenttype": "application/json",
            "data": { "step": "git", "state": "running" },
        })
    }

    pub(crate) fn events(&self, sequences: impl IntoIterator<Item = u64>) -> Vec<Value> {
        sequences.into_iter().map(|sequence| self.event(sequence)).collect()
    }

    pub(crate) fn post(&self, hub: &Hub, events: &[Value]) -> RequestBuilder {
        hub.post("/v1/events")
            .bearer_auth(&self.token)
            .header("content-type", BATCH)
            .body(serde_json::to_string(events).unwrap())
    }

    /// Sends a batch that has to be taken.
    pub(crate) async fn send(&self, hub: &Hub, events: &[Value]) -> Vec<Verdict> {
        let answer = self.post(hub, events).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: BatchAnswer = read(answer).await;
        answer.verdicts.into_iter().map(|one| one.verdict).collect()
    }

    pub(crate) async fn standing(&self, hub: &Hub) -> Standing {
        read(hub.get("/v1/devices/self").bearer_auth(&self.token).send().await.unwrap()).await
    }
}

pub(crate) async fn read<T: serde::de::DeserializeOwned>(answer: Response) -> T {
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An answer that has to be a problem of that status, and say what to do.
pub(crate) async fn problem(answer: Response, status: u16) -> ProblemEnvelope {
    assert_eq!(answer.status().as_u16(), status);
    let at = answer.url().path().to_owned();
    let mut routes = firstlight_hub::http::ROUTES.iter().filter(|route| route.path == at);
    assert!(routes.any(|route| route.answers.contains(&status)), "{at} is not described to answer {status}");
    let envelope: ProblemEnvelope = read(answer).await;
    assert!(!envelope.error.message.is_empty() && envelope.error.hint.ends_with('.'), "{envelope:?}");
    envelope
}

pub(crate) fn accepted(verdicts: &[Verdict]) -> usize {
    verdicts.iter().filter(|verdict| **verdict == Verdict::Accepted).count()
}
