//! Carrying a plan out: the run, cancelling, trying again. What it stands on is in `agreement`, going on by itself in
//! `carry_on`.

mod agreement;
mod carry_on;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use firstlight_contract::{
    commands::{Choice, Consent, Notice},
    error::Code,
    journey::JourneyView,
    run::RunEvent,
};
use firstlight_domain::{
    event::{Event, RunEnd},
    graph::Graph,
    id::{RunId, StepId},
    plan::ConsentHash,
    state::StepState,
};
use firstlight_engine::{RunRequest, RunSummary};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    planning::{self, Planned},
    session::{Firstlight, lock},
    sleep,
    telling::refresh,
    view,
};

/// A run going on in this program.
pub(crate) struct ActiveRun {
    cancel: CancellationToken,
    pub(crate) finished: watch::Receiver<Option<RunSummary>>,
    /// Set when the journey changed since it was last shown whole.
    pub(crate) dirty: Arc<AtomicBool>,
    /// Cancelled when what is done after a run is over, too.
    over: CancellationToken,
}

/// What a run is asked to do.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Only these steps and what they still need; empty for all.
    pub only: Vec<String>,
    /// Whether a critical failure lets the rest go on.
    pub keep_going: bool,
    /// Steps to run though they were cut off and nobody knows what they did.
    pub again: Vec<String>,
}

/// The same with steps that are known to be there.
#[derive(Default)]
struct Asked {
    /// None for all.
    only: Option<BTreeSet<StepId>>,
    again: BTreeSet<StepId>,
    /// Found to hold by the plan it carries out, with their outputs.
    held: BTreeMap<StepId, BTreeMap<String, String>>,
    keep_going: bool,
}

impl Firstlight {
    /// Starts the journey, if it has not begun, and a run of the plan that was agreed to.
    pub async fn start_run(&self, agreed: &Consent, options: &RunOptions) -> Result<JourneyView> {
        self.refuse_while_running()?;
        let planned = self.agreed_plan(agreed).await?;
        // Before anything is recorded of what follows from it.
        let held = planned.held(self.history().recorded());
        self.begin_journey(&planned, &agreed.choice)?;
        self.run_asked(&planned, options, held)?;
        self.journey()
    }

    /// Tries a step again that did not come to hold or was cut off, and what waited for it.
    pub async fn retry_step(&self, step: &str) -> Result<JourneyView> {
        self.refuse_while_running()?;
        let planned = self.planned_journey()?;
        let id = known_step(&planned, step)?;
        let graph = planning::graph(&planned.pack, &planned.persona)?;
        let mut only = graph.descendants(&id);
        only.insert(id.clone());
        self.load_secrets(&planned.pack).await;
        let again = BTreeSet::from([id]);
        self.run(&planned, Asked { only: Some(only), again, ..Asked::default() })?;
        self.journey()
    }

    /// Goes on with the journey within what was agreed to, after a person did their part.
    pub async fn go_on(&self, options: &RunOptions) -> Result<()> {
        let planned = self.planned_journey()?;
        self.load_secrets(&planned.pack).await;
        self.run_asked(&planned, options, BTreeMap::new())
    }

    /// Runs one step of a plan, with these before it taken as they are; begins the journey if there is none.
    pub(crate) fn run_one(
        &self,
        planned: &Planned,
        choice: &Choice,
        step: &StepId,
        held: BTreeMap<StepId, BTreeMap<String, String>>,
    ) -> Result<()> {
        self.begin_journey(planned, choice)?;
        self.run(planned, Asked { only: Some(BTreeSet::from([step.clone()])), held, ..Asked::default() })
    }

    fn run_asked(
        &self,
        planned: &Planned,
        options: &RunOptions,
        held: BTreeMap<StepId, BTreeMap<String, String>>,
    ) -> Result<()> {
        let only = Self::only(planned, &options.only)?;
        let again = options.again.iter().map(|step| known_step(planned, step)).collect::<Result<_>>()?;
        self.run(planned, Asked { only, again, held, keep_going: options.keep_going })
    }

    /// Stops the run. Returns once nothing of it is left.
    pub async fn cancel_run(&self) {
        let finished = {
            let active = lock(&self.inner.active);
            let Some(run) = active.as_ref() else { return };
            run.cancel.cancel();
            run.finished.clone()
        };
        wait(finished).await;
    }

    /// Waits for the run going on, if there is one.
    pub async fn wait_for_run(&self) -> Option<RunSummary> {
        let finished = lock(&self.inner.active).as_ref().map(|run| run.finished.clone())?;
        wait(finished).await
    }

    /// Waits until nothing goes on by itself any more: a run, and what is looked at after it. Until then the home is held,
    /// also when whoever opened it has let go of it.
    pub async fn wait_until_idle(&self) {
        loop {
            let over = lock(&self.inner.active).as_ref().map(|run| run.over.clone());
            match over {
                Some(over) if !over.is_cancelled() => over.cancelled().await,
                _ => return,
            }
        }
    }

    /// Whether a run goes on.
    pub fn is_running(&self) -> bool {
        lock(&self.inner.active).as_ref().is_some_and(|run| run.finished.borrow().is_none())
    }

    /// The events of a step done outside of a run, the clock's stop included.
    pub(crate) fn done_events(
        &self,
        planned: &Planned,
        step: &StepId,
        state: StepState,
        done: Option<ConsentHash>,
    ) -> Vec<Event> {
        let mut events = vec![Event::StepChanged { step: step.clone(), run: None, state, done }];
        events.extend(self.left_by_cut_off(planned, step));
        let reached = self.with_world(|world| world.journey.as_ref().is_some_and(|j| j.reached.is_some()));
        if !reached && planned.pack.steps.get(step).is_some_and(|step| step.first_value) {
            events.push(Event::FirstValueReached { step: step.clone() });
        }
        events
    }

    /// What a step that was cut off and took effect leaves to the person.
    fn left_by_cut_off(&self, planned: &Planned, step: &StepId) -> Option<Event> {
        let record = self.with_world(|world| world.journey.as_ref()?.steps.get(step).cloned())?;
        let found = planned.pack.steps.get(step).filter(|_| record.cut_off)?;
        let scope = self.journey_scope(&planned.pack, &self.current_journey().ok()?);
        let texts = self.inner.engine.follow_ups(&planned.pack, found, &scope);
        (!texts.is_empty()).then(|| Event::FollowUpDue { step: step.clone(), texts })
    }

    fn refuse_while_running(&self) -> Result<()> {
        if self.is_running() {
            return Err(
                AppError::new(Code::RunInProgress, "A run is going on.").hint("Wait for it, or cancel it.")
            );
        }
        Ok(())
    }

    fn only(planned: &Planned, wanted: &[String]) -> Result<Option<BTreeSet<StepId>>> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let graph = planning::graph(&planned.pack, &planned.persona)?;
        let mut only = BTreeSet::new();
        for step in wanted {
            let id = known_step(planned, step)?;
            only.extend(graph.ancestors(&id));
            only.insert(id);
        }
        Ok(Some(only))
    }

    /// Records the run's beginning and starts it in the background.
    fn run(&self, planned: &Planned, asked: Asked) -> Result<()> {
        let run = RunId(Uuid::now_v7());
        let (done, finished) = watch::channel(None);
        let (cancel, over) = (CancellationToken::new(), CancellationToken::new());
        let dirty = Arc::new(AtomicBool::new(false));
        let graph = planning::graph(&planned.pack, &planned.persona)?;
        {
            let mut active = lock(&self.inner.active);
            if active.as_ref().is_some_and(|run| run.finished.borrow().is_none()) {
                return Err(AppError::new(Code::RunInProgress, "A run is going on."));
            }
            let taken = self.checklist_taken(planned).into_iter();
            self.append(&taken.chain([run_started(run, planned)]).collect::<Vec<_>>())?;
            *active = Some(ActiveRun {
                cancel: cancel.clone(),
                finished,
                dirty: Arc::clone(&dirty),
                over: over.clone(),
            });
        }
        let steps = asked.only.as_ref().map_or(graph.order().len(), BTreeSet::len);
        self.tell(Notice::Run {
            event: RunEvent::Started { run: run.to_string(), steps: view::count(steps) },
        });
        let (app, planned) = (self.clone(), planned.clone());
        let untried = self.untried(&graph);
        tokio::spawn(async move {
            let over = over.drop_guard();
            let refresh = tokio::spawn(refresh(app.clone(), Arc::clone(&dirty)));
            let watch = tokio::spawn(sleep::watch(app.clone()));
            let summary = app.carry_out(run, &planned, &graph, asked, cancel).await;
            refresh.abort();
            watch.abort();
            done.send_replace(Some(summary.clone()));
            app.open_again_after_restart();
            app.tell_finished(&summary);
            app.look_after_run().await;
            // What a person did meanwhile may have opened the way. A run that left the same steps untried would only
            // be repeated.
            let moved = app.untried(&graph) != untried;
            if moved && !summary.cancelled && summary.failed.is_empty() {
                Box::pin(app.carry_on()).await;
            }
            // Aborted long since; until they are gone they hold the home as this one does.
            drop((refresh.await, watch.await, app));
            drop(over);
        });
        Ok(())
    }

    /// How long steps took when they last ran to their end.
    pub(crate) fn took(&self) -> BTreeMap<StepId, Duration> {
        self.with_world(|world| {
            let Some(journey) = &world.journey else { return BTreeMap::new() };
            journey.steps.keys().filter_map(|id| Some((id.clone(), journey.took(id)?))).collect()
        })
    }

    async fn carry_out(
        &self,
        run: RunId,
        planned: &Planned,
        graph: &Graph,
        asked: Asked,
        cancel: CancellationToken,
    ) -> RunSummary {
        let request = RunRequest {
            pack: &planned.pack,
            persona: &planned.persona,
            graph,
            scope: self.scope_of(planned),
            run,
            only: asked.only,
            held: asked.held,
            again: asked.again,
            took: self.took(),
            keep_going: asked.keep_going,
            interactive: self.inner.interactive,
            parallel: None,
        };
        let host = Arc::new(AppHost::new(self, Some(run)));
        let outcome = match self.check_before_run().await {
            Ok(()) => self
                .inner
                .engine
                .run(request, host, cancel)
                .await
                .map_err(|error| AppError::from_failure(Code::Internal, error.into())),
            Err(error) => Err(error),
        };
        let (summary, end) = match outcome {
            Ok(summary) => {
                let end = match (summary.cancelled, summary.failed.is_empty()) {
                    (true, _) => RunEnd::Cancelled,
                    (false, true) => RunEnd::Completed,
                    (false, false) => RunEnd::Failed,
                };
                (summary, end)
            }
            Err(error) => {
                self.tell(Notice::Problem { error: error.0 });
                (RunSummary::default(), RunEnd::Failed)
            }
        };
        if let Err(error) = self.append(&[Event::RunFinished { run, end }]) {
            self.tell(Notice::Problem { error: error.0 });
        }
        // The copy is what a damaged journal is restored from; the run itself is recorded either way.
        if let Err(error) = self.history().keep_copy() {
            tracing::warn!(%error, "the last good copy of the journal is not up to date");
        }
        summary
    }
}

async fn wait(mut finished: watch::Receiver<Option<RunSummary>>) -> Option<RunSummary> {
    finished.wait_for(Option::is_some).await.ok()?.clone()
}

fn run_started(run: RunId, planned: &Planned) -> Event {
    Event::RunStarted {
        run,
        consent: ConsentHash(planned.consent.0.clone()),
        pack: planned.pack.reference(),
        pack_path: planned.pack.root.display().to_string(),
        inputs: planned.inputs.clone(),
    }
}

pub(crate) fn known_step(planned: &Planned, step: &str) -> Result<StepId> {
    let checklist = planned.pack.checklists.get(&planned.persona);
    checklist
        .and_then(|list| list.steps().find(|id| id.as_str() == step))
        .cloned()
        .ok_or_else(|| AppError::unknown_step(step))
}
