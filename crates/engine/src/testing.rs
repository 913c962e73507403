//! A host for tests: everything in memory, and a context to call operations with.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use firstlight_domain::{
    event::{Event, Happened},
    facts::{Facts, Os, Virtualisation},
    id::{CredentialName, StepId},
    plan::ConsentHash,
    state::{Failure, StepState},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    facts::Admin,
    host::{AcceptedSecret, Host, Live, Mask},
    process::Output,
    provider::Context,
};

/// A host in memory, its folders below one that goes with it. Its clock advances by a second at each look.
pub struct FakeHost {
    folder: tempfile::TempDir,
    seen: Mutex<Seen>,
    keeps_live: bool,
}

#[derive(Default)]
struct Seen {
    clock: i64,
    events: Vec<Happened>,
    live: Vec<Live>,
    secrets: BTreeMap<CredentialName, SecretString>,
    cut_off: BTreeSet<StepId>,
    restarts: u32,
    admin: Admin,
}

impl FakeHost {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Self::with(true)
    }

    /// An empty one that forgets what it is shown, so that its memory tells nothing.
    pub fn forgetful() -> Arc<Self> {
        Self::with(false)
    }

    #[expect(clippy::expect_used, reason = "a test without a temporary folder cannot go on")]
    fn with(keeps_live: bool) -> Arc<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Arc::new(Self { folder, seen: Mutex::default(), keeps_live })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder of its own: `home`, `logs` and `services` lie in it.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Everything recorded so far.
    pub fn events(&self) -> Vec<Event> {
        self.seen().events.iter().map(|happened| happened.event.clone()).collect()
    }

    /// Everything shown so far.
    pub fn live(&self) -> Vec<Live> {
        self.seen().live.clone()
    }

    /// Puts a secret into the keychain.
    pub fn put_secret(&self, name: &CredentialName, value: &str) {
        self.seen().secrets.insert(name.clone(), value.into());
    }

    /// As if this were who gives administrator rights; where it is not said, they are given.
    pub fn set_admin(&self, admin: Admin) {
        self.seen().admin = admin;
    }

    /// As if the machine had been restarted.
    pub fn restart(&self) {
        self.seen().restarts += 1;
    }

    /// As if the program had been killed while this step ran.
    pub fn cut_off(&self, step: &StepId) {
        self.seen().cut_off.insert(step.clone());
    }

    /// A secret in the keychain, as text.
    pub fn secret_text(&self, name: &CredentialName) -> Option<String> {
        self.seen().secrets.get(name).map(|secret| secret.expose_secret().to_owned())
    }

    /// Receipts of a step, newest first.
    pub fn receipts(&self, step: &StepId) -> Vec<Value> {
        let events = self.events();
        let of_step = events.into_iter().rev().filter_map(|event| match event {
            Event::ReceiptKept { step: of, receipt, .. } if of == *step => Some(receipt),
            _ => None,
        });
        of_step.collect()
    }

    /// This machine with the fake home folder, without administrator rights unless we have them.
    pub fn facts(&self) -> Facts {
        Facts {
            os: if cfg!(windows) {
                Os::Windows
            } else if cfg!(target_os = "macos") {
                Os::Macos
            } else {
                Os::Linux
            },
            arch: std::env::consts::ARCH.to_owned(),
            distribution: "debian".to_owned(),
            home: self.folder.path().join("home").display().to_string(),
            user: "ada".to_owned(),
            shell: "bash".to_owned(),
            package_manager: None,
            elevated: false,
            virtualisation: Virtualisation::None,
        }
    }

    /// A context for one step, as while it is applied in run 0. The home folder exists.
    ///
    /// # Panics
    /// Where the step's name is not one, or its folders cannot be made.
    #[expect(clippy::expect_used, reason = "ids and folders in tests are good")]
    pub fn context(self: &Arc<Self>, step: &str) -> Context {
        std::fs::create_dir_all(self.folder.path().join("home")).expect("a home folder");
        let step = StepId::new(step).expect("a step id");
        let host: Arc<dyn Host> = Arc::clone(self) as _;
        let log = self.log_folder().join(format!("{step}.log"));
        let output = Output::new(Arc::clone(&host), step.clone(), &log, Vec::new()).expect("a log");
        Context {
            step,
            host,
            facts: Arc::new(self.facts()),
            cancel: CancellationToken::new(),
            timeout: Duration::from_secs(60),
            output,
            secret_env: Vec::new(),
            secret_stdin: None,
            plan: None,
            interactive: false,
            prompts: Arc::default(),
            listed_hosts: Arc::from([]),
            run: Some(firstlight_domain::id::RunId(uuid::Uuid::nil())),
        }
    }
}

#[async_trait]
impl Host for FakeHost {
    fn now(&self) -> Timestamp {
        let mut seen = self.seen();
        seen.clock += 1;
        Timestamp::from_second(seen.clock).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn record(&self, events: Vec<Event>) -> Result<(), Failure> {
        let at = self.now();
        self.seen().events.extend(events.into_iter().map(|event| Happened { at, event }));
        Ok(())
    }

    fn state(&self, step: &StepId) -> Option<StepState> {
        self.seen().events.iter().rev().find_map(|happened| match &happened.event {
            Event::StepChanged { step: of, state, .. } if of == step => Some(state.clone()),
            _ => None,
        })
    }

    fn was_done(&self, step: &StepId, what: &ConsentHash) -> bool {
        self.seen().events.iter().any(|happened| {
            matches!(&happened.event, Event::StepChanged { step: of, done: Some(done), .. } if of == step && done == what)
        })
    }

    fn was_cut_off(&self, step: &StepId) -> bool {
        self.seen().cut_off.contains(step)
    }

    async fn admin(&self, _facts: &Facts) -> Admin {
        self.seen().admin
    }

    fn boot(&self) -> String {
        self.seen().restarts.to_string()
    }

    async fn secret(&self, name: &CredentialName) -> Result<Option<SecretString>, Failure> {
        Ok(self.seen().secrets.get(name).cloned())
    }

    async fn keep_secret(&self, accepted: AcceptedSecret) -> Result<(), Failure> {
        self.seen().secrets.insert(accepted.name, accepted.value);
        Ok(())
    }

    fn generate_secret(&self, length: usize) -> Result<SecretString, Failure> {
        Ok("g".repeat(length).into())
    }

    fn mask(&self, also: &[(CredentialName, SecretString)]) -> Box<dyn Mask> {
        let known = self.seen().secrets.values().cloned().collect::<Vec<_>>();
        let secrets = known.iter().chain(also.iter().map(|(_, secret)| secret));
        Box::new(LineMask {
            secrets: secrets.map(|secret| secret.expose_secret().to_owned()).collect(),
            line: Vec::new(),
        })
    }

    fn show(&self, live: Live) {
        if self.keeps_live {
            self.seen().live.push(live);
        }
    }

    fn log_folder(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    fn services_folder(&self) -> PathBuf {
        self.folder.path().join("services")
    }
}

/// Masks whole lines: enough to see that output passes through a mask. The real one is the vault's.
struct LineMask {
    secrets: Vec<String>,
    line: Vec<u8>,
}

impl LineMask {
    fn masked(&self, bytes: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let fine = self.secrets.iter().filter(|secret| !secret.is_empty());
        fine.fold(text, |text, secret| text.replace(secret, "***")).into_bytes()
    }
}

impl Mask for LineMask {
    fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return chunk.to_vec();
        }
        self.line.extend_from_slice(chunk);
        let whole = self.line.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        let ready: Vec<u8> = self.line.drain(..whole).collect();
        self.masked(&ready)
    }

    fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.line);
        self.masked(&rest)
    }
}
