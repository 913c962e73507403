//! Kinds of steps against the real thing: git, ssh-keygen, the package manager, shells, files, a server on this machine.
//! Everything happens in a home folder of its own, except for packages.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test whose ground is missing cannot go on")]

mod container;
mod credential;
mod devcontainer;
mod env;
mod external;
mod file;
mod file_killed;
mod file_parts;
mod git_clone;
mod git_config;
mod package;
mod person;
mod podman;
mod posture;
mod scaffold;
mod scan;
mod ssh_key;
mod template_drift;
#[path = "../common/tree.rs"]
mod tree;
mod undone;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use firstlight_domain::{
    facts::Facts,
    id::StepId,
    pack::{Elevation, OnFailure, Probe, Secrets, Step},
    state::Failure,
};
use firstlight_engine::{
    provider::{Check, Context, Operation, Rendered},
    providers,
    testing::FakeHost,
};
use serde_json::Value;

/// A machine with a home folder and a pack, both empty.
struct Machine {
    /// Processes of a step are known by its id: tests run side by side, and each stops only its own.
    step: StepId,
    host: Arc<FakeHost>,
    facts: Facts,
    pack: tempfile::TempDir,
    owner: Option<String>,
    probe: Option<Probe>,
}

/// Machines so far: each step of a test has an id of its own, because processes are known by it.
static MACHINES: AtomicUsize = AtomicUsize::new(0);

impl Machine {
    fn new() -> Self {
        let host = FakeHost::new();
        let facts = host.facts();
        std::fs::create_dir_all(&facts.home).unwrap();
        let step = StepId::new(&format!("step-{}", MACHINES.fetch_add(1, Ordering::Relaxed))).unwrap();
        Self { step, host, facts, pack: tempfile::tempdir().unwrap(), owner: None, probe: None }
    }

    fn home(&self) -> PathBuf {
        PathBuf::from(&self.facts.home)
    }

    fn context(&self) -> Context {
        let mut cx = self.host.context(self.step.as_str());
        cx.facts = Arc::new(self.facts.clone());
        cx
    }

    fn prepare(&self, uses: &str, with: Value) -> Result<Box<dyn Operation>, Failure> {
        let provider = providers::all().into_iter().find(|provider| provider.kind().name == uses).unwrap();
        let step = self.step(uses, with.clone());
        provider.prepare(&Rendered { step: &step, with, pack_root: self.pack.path(), facts: &self.facts })
    }

    fn operation(&self, uses: &str, with: Value) -> Box<dyn Operation> {
        self.prepare(uses, with).unwrap()
    }

    fn step(&self, uses: &str, with: Value) -> Step {
        Step {
            id: self.step.clone(),
            title: "A step".into(),
            why: None,
            owner: self.owner.clone(),
            estimate: None,
            needs: Vec::new(),
            condition: None,
            uses: uses.into(),
            with,
            elevation: Elevation::Current,
            on_failure: OnFailure::default(),
            follow_up: None,
            timeout: Duration::from_secs(60),
            retries: 0,
            restart: false,
            sla: None,
            probe: self.probe.clone(),
            first_value: false,
            outputs: Vec::new(),
            secrets: Secrets::default(),
        }
    }

    /// The newest receipt.
    fn receipt(&self) -> Value {
        self.host.receipts(&self.step).into_iter().next().expect("a receipt")
    }

    fn receipts(&self) -> usize {
        self.host.receipts(&self.step).len()
    }

    /// Everything below the home folder with its content, links not followed.
    fn snapshot(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        collect(&self.home(), &mut found);
        found.sort();
        found
    }

    /// check → apply → check → apply again, which changes nothing.
    async fn bring_about(&self, operation: &dyn Operation) -> std::collections::BTreeMap<String, String> {
        let cx = self.context();
        let before = self.snapshot();
        let check = operation.check(&cx).await.unwrap();
        assert!(matches!(check, Check::Needed { .. }), "{check:?}");
        assert_eq!(self.snapshot(), before, "a check changes nothing");
        operation.apply(&cx).await.unwrap();
        let outputs = satisfied(operation, &cx).await;
        let (after, receipts) = (self.snapshot(), self.receipts());
        operation.apply(&cx).await.unwrap();
        assert_eq!(self.snapshot(), after, "twice changes nothing");
        assert_eq!(self.receipts(), receipts, "what changes nothing keeps no receipt");
        outputs
    }

    /// With every receipt, newest first, as the engine does.
    async fn undo_all(&self, operation: &dyn Operation) -> Result<(), Failure> {
        for receipt in self.host.receipts(&self.step) {
            operation.undo(&self.context(), &receipt).await?;
        }
        Ok(())
    }

    async fn undo(&self, operation: &dyn Operation) -> Result<(), Failure> {
        operation.undo(&self.context(), &self.receipt()).await
    }
}

async fn satisfied(operation: &dyn Operation, cx: &Context) -> std::collections::BTreeMap<String, String> {
    match operation.check(cx).await.unwrap() {
        Check::Satisfied { outputs } => outputs,
        other => panic!("not satisfied: {other:?}"),
    }
}

async fn blocked(operation: &dyn Operation, cx: &Context) -> String {
    match operation.check(cx).await.unwrap() {
        Check::Blocked { why, hint } => {
            assert!(hint.is_some(), "what to do is said: {why}");
            why
        }
        other => panic!("not blocked: {other:?}"),
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.push((entry.path(), None));
            collect(&entry.path(), found);
        } else if kind.is_file() {
            found.push((entry.path(), Some(std::fs::read(entry.path()).unwrap())));
        } else {
            found.push((entry.path(), None));
        }
    }
}
