//! What the doctor can set: proxy and certificates of the tools, by the same steps packs have, planned, agreed to and
//! taken back like them, but outside of any journey.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use firstlight_contract::{doctor::FixView, error::Code};
use firstlight_domain::{
    event::Event,
    expr::Scope,
    id::{IdError, PackName, PersonaId, RunId, StageId, StepId},
    pack::{Checklist, Elevation, OnFailure, Pack, Policy, Secrets, Stage, Step},
    plan::{ConsentHash, Plan},
};
use firstlight_engine::{
    RunRequest,
    providers::network::{Survey, TOOLS, Tool},
};
use indexmap::IndexMap;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    error::{AppError, Result, sentence},
    host::AppHost,
    planning,
    session::Firstlight,
    view,
};

/// What to go by; what is not said is this machine's own.
#[derive(Debug, Clone, Default)]
pub struct FixRequest {
    /// The proxy's address.
    pub proxy: Option<String>,
    /// A file with your company's certificates.
    pub ca: Option<PathBuf>,
}

impl Firstlight {
    /// What would be set, and what is in the way of more. Changes nothing.
    pub async fn plan_fix(&self, request: &FixRequest) -> Result<FixView> {
        let (fix, plan) = self.planned_fix(request).await?;
        let graph = planning::graph(&fix.pack, &fix.persona)?;
        Ok(FixView { plan: view::plan(&fix.pack, &plan, &graph, &BTreeMap::new()), kept: fix.kept })
    }

    /// Sets what was agreed to.
    pub async fn fix(&self, request: &FixRequest, consent: &str) -> Result<()> {
        let (fix, plan) = self.planned_fix(request).await?;
        let agreed: ConsentHash = plan.consent();
        if agreed.0 != consent {
            return Err(AppError::new(
                Code::ConsentStale,
                "What would be set has changed since you saw the plan.",
            )
            .hint("Look at the plan again and start from there."));
        }
        let run = RunId(Uuid::now_v7());
        self.append(&[Event::FixAgreed { consent: agreed }])?;
        let graph = planning::graph(&fix.pack, &fix.persona)?;
        let request = RunRequest {
            pack: &fix.pack,
            persona: &fix.persona,
            graph: &graph,
            scope: self.fix_scope(&fix.pack),
            run,
            only: None,
            keep_going: false,
            took: BTreeMap::new(),
            held: BTreeMap::new(),
            again: BTreeSet::new(),
            interactive: self.inner.interactive,
            parallel: None,
        };
        let host = Arc::new(AppHost::outside(self, Some(run)));
        self.inner
            .engine
            .run(request, host, CancellationToken::new())
            .await
            .map_err(|error| AppError::from_failure(Code::Internal, error.into()))?;
        let failure = self.with_world(|world| world.fixes.values().find_map(|fix| fix.failure.clone()));
        match failure {
            None => Ok(()),
            Some(failure) => Err(AppError::from_failure(Code::StepState, failure)),
        }
    }

    /// Takes back everything the doctor has set; whether there was anything.
    pub async fn undo_fix(&self) -> Result<bool> {
        let mut fixes = self.with_world(|world| world.fixes.clone());
        fixes.retain(|_, fix| !fix.receipts.is_empty());
        let fix = Fix::of(&TOOLS, &FixRequest::default())?;
        for (id, record) in &fixes {
            let step = fix.pack.steps.get(id).ok_or_else(|| {
                AppError::new(Code::JournalTooNew, format!("What `{id}` set is not known to this version."))
                    .hint("Use the version of Firstlight that set it.")
            })?;
            let mut kept = Vec::new();
            // One file that was changed since keeps none of the others.
            for receipt in record.receipts.iter().rev() {
                kept.extend(self.undo_one(&fix.pack, step, receipt).await.err());
            }
            match kept.into_iter().next() {
                None => self.append(&[Event::FixUndone { fix: id.clone() }])?,
                Some(error) => return Err(error),
            };
        }
        Ok(!fixes.is_empty())
    }

    async fn undo_one(&self, pack: &Pack, step: &Step, receipt: &Value) -> Result<()> {
        let host = Arc::new(AppHost::outside(self, None));
        let scope = self.fix_scope(pack);
        let (receipt, cancel) = (std::slice::from_ref(receipt), CancellationToken::new());
        let undone =
            self.inner.engine.undo(pack, step, &scope, receipt, host, self.inner.interactive, &cancel).await;
        undone.map_err(|error| AppError::from_failure(Code::StepState, error.into()))
    }

    /// What this machine and its tools go by.
    pub(super) async fn network_survey(&self) -> Result<Survey> {
        self.survey_for(&FixRequest::default()).await
    }

    async fn survey_for(&self, request: &FixRequest) -> Result<Survey> {
        let fix = Fix::of(&TOOLS, request)?;
        let host = Arc::new(AppHost::outside(self, None));
        let scope = self.fix_scope(&fix.pack);
        let looked = self.inner.engine.network(&fix.pack, fix.step()?, &scope, host).await;
        looked.map_err(|failure| AppError::from_failure(Code::Usage, failure))
    }

    /// The step for the tools that can be set, and its plan.
    async fn planned_fix(&self, request: &FixRequest) -> Result<(Fix, Plan)> {
        let survey = self.survey_for(request).await?;
        let mut fix = Fix::of(&survey.can_be_set(), request)?;
        fix.kept = survey.contradictions().into_iter().map(|why| sentence(&why)).collect();
        let host = Arc::new(AppHost::outside(self, None));
        let plan = self
            .inner
            .engine
            .plan(
                &fix.pack,
                &fix.persona,
                &self.fix_scope(&fix.pack),
                host,
                self.inner.interactive,
                &CancellationToken::new(),
            )
            .await
            .map_err(|error| AppError::from_failure(Code::Internal, error.into()))?;
        Ok((fix, plan))
    }

    fn fix_scope(&self, pack: &Pack) -> Scope {
        self.scope(pack, BTreeMap::new())
    }
}

/// What the doctor does, as a pack of one step. Nobody wrote it, so there is nothing to read.
struct Fix {
    pack: Pack,
    persona: PersonaId,
    /// What is not set, and why: sentences.
    kept: Vec<String>,
}

impl Fix {
    /// For these tools; without any there is no step.
    fn of(tools: &[Tool], request: &FixRequest) -> Result<Self> {
        let (root, ca) = match &request.ca {
            Some(file) => folder_and_name(file)?,
            None => (PathBuf::new(), None),
        };
        let mut with = json!({ "tools": tools.iter().map(|tool| tool.name()).collect::<Vec<_>>() });
        for (field, value) in [("proxy", &request.proxy), ("ca", &ca)] {
            if let (Some(value), Some(with)) = (value, with.as_object_mut()) {
                with.insert(field.to_owned(), Value::from(value.as_str()));
            }
        }
        Self::with(with, root, !tools.is_empty())
            .map_err(|error| AppError::new(Code::Internal, error.to_string()))
    }

    fn with(with: Value, root: PathBuf, any: bool) -> std::result::Result<Self, IdError> {
        let persona = PersonaId::new("doctor")?;
        let step = Step {
            id: StepId::new("network")?,
            title: "Let your tools through the network".to_owned(),
            why: None,
            owner: None,
            estimate: None,
            needs: Vec::new(),
            condition: None,
            uses: "network".to_owned(),
            with,
            elevation: Elevation::Current,
            on_failure: OnFailure::default(),
            follow_up: None,
            timeout: Duration::from_secs(60),
            retries: 0,
            sla: None,
            probe: None,
            first_value: false,
            outputs: Vec::new(),
            secrets: Secrets::default(),
            restart: false,
        };
        let steps: IndexMap<StepId, Step> = any.then(|| (step.id.clone(), step)).into_iter().collect();
        let stage = Stage {
            id: StageId::new("now")?,
            title: "Now".to_owned(),
            steps: steps.keys().cloned().collect(),
        };
        let pack = Pack {
            name: PackName::new("doctor")?,
            version: semver::Version::new(1, 0, 0),
            title: "What the doctor sets".to_owned(),
            owner: None,
            inputs: IndexMap::new(),
            personas: IndexMap::new(),
            checklists: IndexMap::from([(persona.clone(), Checklist { stages: vec![stage] })]),
            steps,
            surveys: IndexMap::new(),
            policy: Policy::default(),
            root,
            // What is written is in the plan, which consent binds to.
            digest: String::new(),
        };
        Ok(Self { pack, persona, kept: Vec::new() })
    }

    fn step(&self) -> Result<&Step> {
        self.pack
            .steps
            .values()
            .next()
            .ok_or_else(|| AppError::new(Code::Internal, "There is nothing to set."))
    }
}

/// A file as a step names it: inside a folder.
fn folder_and_name(file: &Path) -> Result<(PathBuf, Option<String>)> {
    let failed = |why: String| {
        AppError::new(Code::Usage, format!("{} cannot be used: {why}.", file.display()))
            .hint("Name a file with your company's certificates in PEM form.")
    };
    let whole = file.canonicalize().map_err(|error| failed(error.to_string()))?;
    match (whole.parent(), whole.file_name().and_then(|name| name.to_str())) {
        (Some(folder), Some(name)) => Ok((folder.to_owned(), Some(name.to_owned()))),
        _ => Err(failed("it is not a file".to_owned())),
    }
}
