//! Packs for these tests, and a way to run them.
#![allow(dead_code, missing_docs, reason = "every test file uses its own part")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use firstlight_domain::{
    expr::Scope,
    graph::Graph,
    id::{PackName, PersonaId, RunId, StageId, StepId},
    pack::{Checklist, Elevation, OnFailure, Pack, Policy, Secrets, Stage, Step},
    plan::{Outcome, Plan},
    state::StepState,
};
use firstlight_engine::{Engine, RunRequest, RunSummary, host::Host, testing::FakeHost};
use indexmap::IndexMap;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) fn id(text: &str) -> StepId {
    StepId::new(text).unwrap()
}

pub(crate) fn step(name: &str, needs: &[&str], uses: &str, with: Value) -> Step {
    Step {
        id: id(name),
        title: format!("Do {name}"),
        why: None,
        owner: None,
        estimate: None,
        needs: needs.iter().map(|need| id(need)).collect(),
        condition: None,
        uses: uses.to_owned(),
        with,
        elevation: Elevation::Current,
        on_failure: OnFailure::default(),
        follow_up: None,
        timeout: Duration::from_secs(20),
        retries: 0,
        restart: false,
        sla: None,
        probe: None,
        first_value: false,
        outputs: Vec::new(),
        secrets: Secrets::default(),
    }
}

/// A step that makes a file in the home folder, and whose check looks for it.
pub(crate) fn touch(name: &str, needs: &[&str]) -> Step {
    step(name, needs, "command", json!({ "check": ["test", "-e", name], "run": ["touch", name] }))
}

/// A step with a script and a check that never holds before.
pub(crate) fn script(name: &str, needs: &[&str], run: &str) -> Step {
    step(name, needs, "command", json!({ "run": [run], "shell": true }))
}

pub(crate) fn persona() -> PersonaId {
    PersonaId::new("backend").unwrap()
}

pub(crate) fn pack(steps: Vec<Step>) -> Pack {
    let stage = Stage {
        id: StageId::new("day-1").unwrap(),
        title: "Day one".into(),
        steps: steps.iter().map(|step| step.id.clone()).collect(),
    };
    Pack {
        name: PackName::new("acme").unwrap(),
        version: semver::Version::new(1, 0, 0),
        title: "Acme".into(),
        owner: None,
        inputs: IndexMap::new(),
        personas: IndexMap::new(),
        checklists: IndexMap::from([(persona(), Checklist { stages: vec![stage] })]),
        steps: steps.into_iter().map(|step| (step.id.clone(), step)).collect(),
        surveys: IndexMap::new(),
        policy: Policy::default(),
        root: "/".into(),
        digest: "d".into(),
    }
}

pub(crate) fn home(host: &FakeHost) -> std::path::PathBuf {
    let home = host.folder().join("home");
    std::fs::create_dir_all(&home).unwrap();
    home
}

pub(crate) fn scope(host: &FakeHost, inputs: &[(&str, &str)]) -> Scope {
    home(host);
    let inputs: BTreeMap<String, Value> =
        inputs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    Scope::new(inputs, host.facts(), "/".into())
}

pub(crate) struct Options {
    pub(crate) only: Option<BTreeSet<StepId>>,
    pub(crate) held: BTreeMap<StepId, BTreeMap<String, String>>,
    pub(crate) again: BTreeSet<StepId>,
    pub(crate) took: BTreeMap<StepId, Duration>,
    pub(crate) keep_going: bool,
    pub(crate) cancel: CancellationToken,
    pub(crate) inputs: Vec<(&'static str, &'static str)>,
    pub(crate) parallel: Option<usize>,
    pub(crate) run: RunId,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            only: None,
            held: BTreeMap::new(),
            again: BTreeSet::new(),
            took: BTreeMap::new(),
            keep_going: false,
            cancel: CancellationToken::new(),
            inputs: Vec::new(),
            parallel: None,
            run: RunId(uuid::Uuid::now_v7()),
        }
    }
}

pub(crate) async fn run_with(pack: &Pack, host: &Arc<FakeHost>, options: Options) -> RunSummary {
    let graph = Graph::of(pack, &persona()).unwrap();
    let request = RunRequest {
        pack,
        persona: &persona(),
        graph: &graph,
        scope: scope(host, &options.inputs),
        run: options.run,
        only: options.only,
        held: options.held,
        again: options.again,
        took: options.took,
        keep_going: options.keep_going,
        interactive: false,
        parallel: options.parallel,
    };
    Engine::new().run(request, Arc::clone(host) as Arc<dyn Host>, options.cancel).await.unwrap()
}

pub(crate) async fn run(pack: &Pack, host: &Arc<FakeHost>) -> RunSummary {
    run_with(pack, host, Options::default()).await
}

pub(crate) async fn plan_with(pack: &Pack, host: &Arc<FakeHost>, inputs: &[(&str, &str)]) -> Plan {
    let scope = scope(host, inputs);
    let host = Arc::clone(host) as Arc<dyn Host>;
    Engine::new().plan(pack, &persona(), &scope, host, false, &CancellationToken::new()).await.unwrap()
}

pub(crate) async fn plan(pack: &Pack, host: &Arc<FakeHost>) -> Plan {
    plan_with(pack, host, &[]).await
}

pub(crate) fn outcome(plan: &Plan, step: &str) -> Outcome {
    plan.steps.iter().find(|planned| planned.id == id(step)).unwrap().outcome.clone()
}

pub(crate) fn state(host: &FakeHost, step: &str) -> Option<StepState> {
    Host::state(host, &id(step))
}

pub(crate) fn ids(names: &[&str]) -> Vec<StepId> {
    names.iter().map(|name| id(name)).collect()
}

/// Every path below a folder with its content's length and time of change.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<std::path::PathBuf, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                open.push(entry.path());
            }
            found.insert(entry.path(), (meta.len(), meta.modified().unwrap()));
        }
    }
    found
}

/// Processes with this word among their arguments.
#[cfg(target_os = "linux")]
pub(crate) fn processes_with(word: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(word))
        .collect()
}
