//! Running: every step of a checklist brought to hold, in parallel where nothing keeps it apart.
//!
//! The loop here is the only place that records how a step ended, in the order it learns of it. What a step does is in
//! [`crate::step`]; which one is next, in [`crate::schedule`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use firstlight_domain::{
    event::Event,
    expr::Scope,
    graph::Graph,
    id::{PersonaId, RunId, StepId},
    pack::{OnFailure, Pack, Step},
    plan::ConsentHash,
    state::{Failure, StepState, WaitsOn},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Around, Engine, EngineError, Prepared, failure},
    host::Host,
    process::Guard,
    schedule::Schedule,
    step::{self, Restart, Work},
};

/// What is to be run.
pub struct RunRequest<'a> {
    /// The pack.
    pub pack: &'a Pack,
    /// For whom.
    pub persona: &'a PersonaId,
    /// Their checklist's graph.
    pub graph: &'a Graph,
    /// What expressions may see; outputs of earlier runs may be in it.
    pub scope: Scope,
    /// The run's id.
    pub run: RunId,
    /// Only these steps and what they need; none for all.
    pub only: Option<BTreeSet<StepId>>,
    /// Steps that were found to hold moments ago, with their outputs: the look that a plan needed counts for the run that
    /// follows it at once, unless something they need changes first.
    pub held: BTreeMap<StepId, BTreeMap<String, String>>,
    /// Steps the person wants to run though they were cut off and nobody knows what they did.
    pub again: BTreeSet<StepId>,
    /// How long steps took when they last ran to their end, which says more than the pack's estimates.
    pub took: BTreeMap<StepId, Duration>,
    /// Whether the failure of a critical step lets the rest go on.
    pub keep_going: bool,
    /// Whether a person sits at a terminal.
    pub interactive: bool,
    /// How many steps go on at once; none for what suits the machine.
    pub parallel: Option<usize>,
}

/// How a run went. Each step is in one list at most; steps that were not reached are in none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Tried without coming to hold, or not to be found out.
    pub failed: Vec<StepId>,
    /// Somebody's turn.
    pub waiting: Vec<StepId>,
    /// Brought to hold by this run.
    pub changed: Vec<StepId>,
    /// Held already, or are not needed here.
    pub satisfied: Vec<StepId>,
    /// Could not be tried.
    pub blocked: Vec<StepId>,
    /// Failed or could not be tried, and the run is as it should be without them.
    pub best_effort: Vec<StepId>,
    /// Whether the step that stops the clock holds.
    pub first_value_reached: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl RunSummary {
    /// Whether nothing went wrong that counts: steps may wait for somebody.
    pub fn ok(&self) -> bool {
        self.failed.is_empty() && self.blocked.is_empty() && !self.cancelled
    }
}

/// How a step ended in a run.
#[derive(Debug)]
pub(crate) enum End {
    /// It holds; `changed` by us or not. `done` is the hash of what has no check.
    Done { outputs: BTreeMap<String, String>, changed: bool, done: Option<ConsentHash> },
    /// It is not needed here.
    Skipped(String),
    /// It did not come to hold.
    Failed(Failure),
    /// It could not be found out.
    Unknown(String),
    /// It cannot be done on this machine as it is.
    Blocked(String),
    /// It is somebody's turn.
    Waiting(WaitsOn),
    /// The run was cancelled meanwhile; whether it had begun to change something.
    Cancelled { begun: bool },
    /// Something could not be recorded.
    Unrecorded(Failure),
}

impl Engine {
    /// Brings every step to hold, as far as it goes. The caller records that the run began and ended, and has shown the
    /// plan. Errors: the checklist cannot be walked, or something could not be recorded; steps going on were stopped.
    /// Needs a tokio runtime.
    pub async fn run(
        &self,
        request: RunRequest<'_>,
        host: Arc<dyn Host>,
        cancel: CancellationToken,
    ) -> Result<RunSummary, EngineError> {
        if !request.pack.checklists.contains_key(request.persona) {
            return Err(EngineError::NoChecklist(request.persona.clone()));
        }
        // Steps that go on are cancelled by a critical failure too, which is not the person's cancelling.
        let steps_cancel = cancel.child_token();
        let around = Self::around(host, request.interactive, Some(request.run), &steps_cancel);
        let schedule = Schedule::new(&request)?;
        let guard = Guard::start(request.run);
        Run {
            engine: self,
            request,
            around,
            schedule,
            cancel,
            stopping: false,
            stirred: BTreeSet::new(),
            summary: RunSummary::default(),
            _guard: guard,
        }
        .walk()
        .await
    }
}

/// A step that goes on.
struct Begun {
    id: StepId,
    /// What it leaves to the person once it has changed something.
    follow_ups: Vec<String>,
}

struct Run<'a> {
    engine: &'a Engine,
    request: RunRequest<'a>,
    around: Around,
    schedule: Schedule,
    cancel: CancellationToken,
    /// Nothing new is begun.
    stopping: bool,
    /// Steps that this run changed, and those begun that need one of them: what was known of the latter is out of date.
    stirred: BTreeSet<StepId>,
    summary: RunSummary,
    /// Lives as long as the run.
    _guard: Guard,
}

impl Run<'_> {
    async fn walk(mut self) -> Result<RunSummary, EngineError> {
        let mut going = JoinSet::new();
        let mut begun = BTreeMap::new();
        let mut broken = None;
        loop {
            while !self.stopping && !self.cancel.is_cancelled() {
                let Some(id) = self.schedule.next(going.len()) else { break };
                if let Err(error) = self.begin(&id, &mut going, &mut begun) {
                    broken = Some(self.stop_for(error));
                }
            }
            let Some(ended) = going.join_next_with_id().await else { break };
            let (task, end) = match ended {
                Ok(ended) => ended,
                // A provider that panics is a bug of ours; it fails its step, not the run.
                Err(error) => (error.id(), End::Failed(failure(format!("it broke off: {error}")))),
            };
            let Some(Begun { id, follow_ups }) = begun.remove(&task) else { continue };
            if let Err(error) = self.ended(&id, end, follow_ups) {
                broken = Some(self.stop_for(error));
            }
        }
        self.summary.cancelled = self.cancel.is_cancelled();
        match broken {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }

    fn stop_for(&mut self, error: EngineError) -> EngineError {
        self.stopping = true;
        self.around.cancel.cancel();
        error
    }

    /// Begins a step, or ends it at once where there is nothing to look at.
    fn begin(
        &mut self,
        id: &StepId,
        going: &mut JoinSet<End>,
        begun: &mut BTreeMap<tokio::task::Id, Begun>,
    ) -> Result<(), EngineError> {
        let Some(step) = self.request.pack.steps.get(id) else { return Ok(()) };
        let end = match self.engine.prepare(self.request.pack, step, &self.request.scope) {
            Prepared::NotNeeded { why } => End::Skipped(why),
            Prepared::Impossible(failure) => End::Blocked(with_hint(failure)),
            Prepared::Unresolved { waits_for } => missing_outputs(&waits_for),
            Prepared::Ready(ready) if !ready.waits_for.is_empty() => missing_outputs(&ready.waits_for),
            Prepared::Ready(ready) => {
                let barred = self.around.host.barred();
                if let Some(reason) = barred.reason(&ready, self.engine.class(step)) {
                    return self.ended(id, End::Blocked(reason.to_owned()), Vec::new());
                }
                if let Some(outputs) = self.still_holds(id) {
                    let end = End::Done { outputs, changed: false, done: None };
                    return self.ended(id, end, ready.follow_ups());
                }
                if let Some(resource) = ready.operation.exclusive()
                    && !self.schedule.take(id, resource)
                {
                    return Ok(());
                }
                let cx = Engine::context(&ready, self.request.pack, &self.request.scope, &self.around);
                let again = self.request.again.contains(id);
                let pack_owner = self.request.pack.owner.clone();
                let follow_ups = ready.follow_ups();
                let work = Work { ready, cx, run: self.request.run, again, pack_owner };
                begun.insert(going.spawn(step::walk(work)).id(), Begun { id: id.clone(), follow_ups });
                return Ok(());
            }
        };
        self.ended(id, end, Vec::new())
    }

    /// The outputs of a step that need not be looked at again.
    fn still_holds(&mut self, id: &StepId) -> Option<BTreeMap<String, String>> {
        if self.request.graph.needs(id).any(|need| self.stirred.contains(need)) {
            self.stirred.insert(id.clone());
            return None;
        }
        let asks_to_restart = Restart::of(id, &*self.around.host) != Restart::NotAsked;
        self.request.held.get(id).filter(|_| !asks_to_restart).cloned()
    }

    /// Takes in how a step ended: into the journal, the scope, the schedule and the summary. `follow_ups`: what it
    /// leaves to the person once it has changed something.
    fn ended(&mut self, id: &StepId, end: End, follow_ups: Vec<String>) -> Result<(), EngineError> {
        let pack = self.request.pack;
        let Some(step) = pack.steps.get(id) else { return Ok(()) };
        match end {
            End::Done { outputs, changed, done } => {
                self.request.scope.add_outputs(id, outputs.clone());
                if changed {
                    self.stirred.insert(id.clone());
                    self.summary.changed.push(id.clone());
                } else {
                    self.summary.satisfied.push(id.clone());
                }
                self.summary.first_value_reached |= step.first_value;
                self.schedule.done(id);
                let state =
                    if changed { StepState::Changed { outputs } } else { StepState::Satisfied { outputs } };
                self.record_done(id, state, done, follow_ups)
            }
            End::Skipped(why) => {
                self.summary.satisfied.push(id.clone());
                self.schedule.done(id);
                self.record(id, StepState::Skipped { why })
            }
            End::Waiting(on) => {
                self.summary.waiting.push(id.clone());
                self.schedule.not_done(id);
                self.record(id, StepState::Waiting { on })
            }
            End::Failed(failure) => self.fell(step, StepState::Failed(failure)),
            End::Unknown(why) => self.fell(step, StepState::Unknown { why }),
            End::Blocked(reason) => self.fell(step, StepState::Blocked { by: Vec::new(), reason }),
            End::Cancelled { begun } => {
                self.schedule.not_done(id);
                if begun { self.record(id, StepState::Ready) } else { Ok(()) }
            }
            End::Unrecorded(failure) => Err(EngineError::Record(failure)),
        }
    }

    /// A step that did not come to hold, and everything that needs it.
    fn fell(&mut self, step: &Step, state: StepState) -> Result<(), EngineError> {
        let id = &step.id;
        let list = match state {
            _ if step.is_best_effort() => &mut self.summary.best_effort,
            StepState::Blocked { .. } => &mut self.summary.blocked,
            _ => &mut self.summary.failed,
        };
        list.push(id.clone());
        self.schedule.not_done(id);
        self.record(id, state)?;
        let pack = self.request.pack;
        for behind in self.schedule.behind(self.request.graph, id) {
            self.schedule.not_done(&behind);
            let best_effort = pack.steps.get(&behind).is_some_and(Step::is_best_effort);
            let list = if best_effort { &mut self.summary.best_effort } else { &mut self.summary.blocked };
            list.push(behind.clone());
            let reason = format!("`{}` has to be done first", step.title);
            self.record(&behind, StepState::Blocked { by: vec![id.clone()], reason })?;
        }
        if step.on_failure == OnFailure::Stop && !self.request.keep_going {
            self.stopping = true;
            self.around.cancel.cancel();
        }
        Ok(())
    }

    fn record(&self, id: &StepId, state: StepState) -> Result<(), EngineError> {
        if self.around.host.state(id).as_ref() == Some(&state) {
            return Ok(());
        }
        self.append(vec![self.changed(id, state, None)])
    }

    /// A step that holds as it was recorded to hold is nothing new: a converged run leaves no trace.
    fn record_done(
        &self,
        id: &StepId,
        state: StepState,
        done: Option<ConsentHash>,
        follow_ups: Vec<String>,
    ) -> Result<(), EngineError> {
        let before = self.around.host.state(id);
        let held = before.as_ref().is_some_and(StepState::is_done);
        let same = held && before.as_ref().and_then(StepState::outputs) == state.outputs();
        if same && matches!(state, StepState::Satisfied { .. }) {
            return Ok(());
        }
        let mut events = Vec::new();
        if !follow_ups.is_empty() && self.may_be_ours(id, &state, before.as_ref()) {
            events.push(Event::FollowUpDue { step: id.clone(), texts: follow_ups });
        }
        events.insert(0, self.changed(id, state, done));
        if !held && self.request.pack.steps.get(id).is_some_and(|step| step.first_value) {
            events.push(Event::FirstValueReached { step: id.clone() });
        }
        self.append(events)
    }

    /// Whether we made it so: now, or earlier without getting to see it hold.
    fn may_be_ours(&self, id: &StepId, state: &StepState, before: Option<&StepState>) -> bool {
        let tried =
            matches!(before, Some(StepState::Failed(_) | StepState::Waiting { on: WaitsOn::Restart(_) }));
        matches!(state, StepState::Changed { .. }) || tried || self.around.host.was_cut_off(id)
    }

    fn changed(&self, id: &StepId, state: StepState, done: Option<ConsentHash>) -> Event {
        Event::StepChanged { step: id.clone(), run: Some(self.request.run), state, done }
    }

    fn append(&self, events: Vec<Event>) -> Result<(), EngineError> {
        self.around.host.record(events).map_err(EngineError::Record)
    }
}

fn missing_outputs(steps: &BTreeSet<StepId>) -> End {
    let names: Vec<String> = steps.iter().map(|step| format!("`{step}`")).collect();
    End::Unknown(format!("it needs outputs of {}, which did not give them", names.join(", ")))
}

fn with_hint(failure: Failure) -> String {
    match failure.hint {
        Some(hint) => format!("{}; {hint}", failure.cause),
        None => failure.cause,
    }
}
