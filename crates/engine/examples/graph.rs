//! How long a plan of a large graph takes, in milliseconds: steps that need no process, so that what is measured is ours.
//! `cargo xtask bench figures` runs it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it is run by a program that reads its answer")]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use firstlight_domain::{
    expr::Scope,
    id::{PackName, PersonaId, StageId, StepId},
    pack::{Checklist, Elevation, OnFailure, Pack, Policy, Secrets, Stage, Step},
};
use firstlight_engine::{Engine, host::Host, testing::FakeHost};
use indexmap::IndexMap;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const STEPS: usize = 10_000;

/// A tree: each step needs the one at half its number.
fn step(number: usize) -> Step {
    let id = |number: usize| StepId::new(&format!("step-{number}")).unwrap();
    Step {
        id: id(number),
        title: format!("Step {number}"),
        why: None,
        owner: None,
        estimate: None,
        needs: if number == 0 { Vec::new() } else { vec![id(number / 2)] },
        condition: None,
        uses: "confirm".to_owned(),
        with: json!({ "text": "Is it so?" }),
        elevation: Elevation::Current,
        on_failure: OnFailure::default(),
        follow_up: None,
        timeout: Duration::from_secs(600),
        retries: 0,
        restart: false,
        sla: None,
        probe: None,
        first_value: number + 1 == STEPS,
        outputs: Vec::new(),
        secrets: Secrets::default(),
    }
}

#[tokio::main]
async fn main() {
    let steps: IndexMap<StepId, Step> = (0..STEPS).map(step).map(|step| (step.id.clone(), step)).collect();
    let persona = PersonaId::new("large").unwrap();
    let stage = Stage {
        id: StageId::new("day-1").unwrap(),
        title: "Day one".into(),
        steps: steps.keys().cloned().collect(),
    };
    let pack = Pack {
        name: PackName::new("large").unwrap(),
        version: semver::Version::new(1, 0, 0),
        title: "Large".into(),
        owner: None,
        inputs: IndexMap::new(),
        personas: IndexMap::new(),
        checklists: IndexMap::from([(persona.clone(), Checklist { stages: vec![stage] })]),
        steps,
        surveys: IndexMap::new(),
        policy: Policy::default(),
        root: "/".into(),
        digest: "d".into(),
    };
    let host = FakeHost::new();
    let scope = Scope::new(BTreeMap::new(), host.facts(), "/".into());
    let begun = Instant::now();
    let host = Arc::clone(&host) as Arc<dyn Host>;
    let plan =
        Engine::new().plan(&pack, &persona, &scope, host, false, &CancellationToken::new()).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(plan.steps.len(), STEPS);
    println!("{}", took.as_millis());
}
