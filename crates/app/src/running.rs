//! Carrying a plan out: agreement, the run, cancelling, trying again, going on.

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
    event::{Clock, Event, RunEnd},
    graph::Graph,
    id::{JourneyId, RunId, StepId},
    plan::ConsentHash,
    state::StepState,
};
use firstlight_engine::{RunRequest, RunSummary};
use jiff::{civil::Date, tz::TimeZone};
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
    keep_going: bool,
}

impl Firstlight {
    /// Starts the journey, if it has not begun, and a run of the plan that was agreed to.
    pub async fn start_run(&self, agreed: &Consent, options: &RunOptions) -> Result<JourneyView> {
        self.refuse_while_running()?;
        let planned = self.agreed_plan(agreed).await?;
        self.begin_journey(&planned, &agreed.choice)?;
        self.run_asked(&planned, options)?;
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
        self.run(&planned, Asked { only: Some(only), again: BTreeSet::from([id]), keep_going: false })?;
        self.journey()
    }

    /// Goes on with the journey within what was agreed to, after a person did their part.
    pub async fn go_on(&self, options: &RunOptions) -> Result<()> {
        let planned = self.planned_journey()?;
        self.load_secrets(&planned.pack).await;
        self.run_asked(&planned, options)
    }

    fn run_asked(&self, planned: &Planned, options: &RunOptions) -> Result<()> {
        let only = Self::only(planned, &options.only)?;
        let again = options.again.iter().map(|step| known_step(planned, step)).collect::<Result<_>>()?;
        self.run(planned, Asked { only, again, keep_going: options.keep_going })
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

    /// Whether a run goes on.
    pub fn is_running(&self) -> bool {
        lock(&self.inner.active).as_ref().is_some_and(|run| run.finished.borrow().is_none())
    }

    /// Leaves the journey at hand. It stays in the journal.
    pub fn leave_journey(&self) -> Result<()> {
        self.refuse_while_running()?;
        let journey = self.current_journey()?;
        *lock(&self.inner.planned) = None;
        self.append(&[Event::JourneyLeft { journey: journey.id }]).map(drop)
    }

    /// Goes on by itself with what has become possible, within what was agreed to; does nothing otherwise.
    pub(crate) async fn carry_on(&self) {
        if !self.inner.carry_on || self.is_running() {
            return;
        }
        // Without an agreement there is nothing to go on with; the person is asked at the next Start.
        let Ok(planned) = self.planned_journey() else { return };
        let Ok(graph) = planning::graph(&planned.pack, &planned.persona) else { return };
        let untried = self.untried(&graph);
        if untried.is_empty() {
            return;
        }
        // What also needs a step that failed waits with it: a run takes up everything its steps need.
        let has_failed = |id: &StepId| {
            self.with_world(|world| {
                matches!(
                    world.journey.as_ref().and_then(|journey| journey.state(id)),
                    Some(StepState::Failed(_))
                )
            })
        };
        let follows = untried
            .iter()
            .flat_map(|id| graph.descendants(id))
            .filter(|id| !graph.ancestors(id).iter().any(has_failed));
        let only: BTreeSet<StepId> = untried.iter().cloned().chain(follows).collect();
        self.load_secrets(&planned.pack).await;
        let asked = Asked { only: Some(only), ..Asked::default() };
        if let Err(error) = self.run(&planned, asked) {
            self.tell(Notice::Problem { error: error.0 });
        }
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
        let reached = self.with_world(|world| world.journey.as_ref().is_some_and(|j| j.reached.is_some()));
        if !reached && planned.pack.steps.get(step).is_some_and(|step| step.first_value) {
            events.push(Event::FirstValueReached { step: step.clone() });
        }
        events
    }

    fn refuse_while_running(&self) -> Result<()> {
        if self.is_running() {
            return Err(
                AppError::new(Code::RunInProgress, "A run is going on.").hint("Wait for it, or cancel it.")
            );
        }
        Ok(())
    }

    /// The plan the person agreed to: the one shown, or the same made again. Anything else asks again.
    async fn agreed_plan(&self, agreed: &Consent) -> Result<Planned> {
        let shown = lock(&self.inner.planned).clone();
        if let Some(planned) = shown.filter(|planned| {
            planned.consent.0 == agreed.consent && planned.persona.as_str() == agreed.choice.persona
        }) {
            return Ok(planned);
        }
        let pack =
            self.pack_at_hand().ok_or_else(|| AppError::new(Code::PackNotFound, "No pack was chosen."))?;
        let planned = self.plan_for(&pack, &agreed.choice).await?;
        if planned.consent.0 != agreed.consent {
            return Err(AppError::new(
                Code::ConsentStale,
                "What would be done has changed since you saw the plan.",
            )
            .hint("Look at the plan again and start from there."));
        }
        Ok(planned)
    }

    fn begin_journey(&self, planned: &Planned, choice: &Choice) -> Result<()> {
        if let Some(journey) = self.with_world(|world| world.journey.clone()) {
            if journey.pack.name == planned.pack.name && journey.persona == planned.persona {
                return Ok(());
            }
            return Err(AppError::new(
                Code::StepState,
                format!("You are on the way as `{}` of the pack `{}`.", journey.persona, journey.pack.name),
            )
            .hint(
                "Leave that journey first (Settings, or `firstlight up --leave`); it stays in the journal.",
            ));
        }
        let now = self.now();
        let clock = match choice.start_date.as_deref().filter(|text| !text.is_empty()) {
            None => Clock::FirstLaunch { at: now },
            Some(text) => start_date(text, now)?,
        };
        let event = Event::JourneyStarted {
            journey: JourneyId(Uuid::now_v7()),
            pack: planned.pack.reference(),
            pack_path: planned.pack.root.display().to_string(),
            persona: planned.persona.clone(),
            inputs: planned.inputs.clone(),
            clock,
        };
        self.append(&[event]).map(drop)
    }

    /// What the journey at hand was agreed for. Trying again and going on need no new consent while pack, answers and
    /// machine are the same; a pack that changed does.
    pub(crate) fn planned_journey(&self) -> Result<Planned> {
        let journey = self.current_journey()?;
        let pack = self.journey_pack()?;
        let stale = || {
            AppError::new(Code::ConsentStale, "The checklist has changed since you agreed to it.")
                .hint("Look at the plan again and start from there.")
        };
        let consent = journey.consent.filter(|_| journey.pack.digest == pack.digest).ok_or_else(stale)?;
        let plan = firstlight_domain::plan::Plan {
            pack: pack.reference(),
            persona: journey.persona.clone(),
            steps: Vec::new(),
        };
        Ok(Planned { pack, persona: journey.persona, inputs: journey.inputs, consent, plan })
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

    /// The steps that could be taken up now and have not been tried: a step that failed, or that the machine cannot
    /// do, waits for a person to say so.
    fn untried(&self, graph: &Graph) -> BTreeSet<StepId> {
        self.with_world(|world| {
            let Some(journey) = &world.journey else { return BTreeSet::new() };
            let done = |id: &StepId| journey.state(id).is_some_and(StepState::is_done);
            let open = |id: &&StepId| match journey.state(id) {
                None | Some(StepState::Pending | StepState::Ready) => true,
                Some(StepState::Blocked { by, .. }) => !by.is_empty(),
                Some(_) => false,
            };
            graph.order().iter().filter(open).filter(|id| graph.needs(id).all(done)).cloned().collect()
        })
    }

    /// Records the run's beginning and starts it in the background.
    fn run(&self, planned: &Planned, asked: Asked) -> Result<()> {
        let run = RunId(Uuid::now_v7());
        let (done, finished) = watch::channel(None);
        let cancel = CancellationToken::new();
        let dirty = Arc::new(AtomicBool::new(false));
        let graph = planning::graph(&planned.pack, &planned.persona)?;
        {
            let mut active = lock(&self.inner.active);
            if active.as_ref().is_some_and(|run| run.finished.borrow().is_none()) {
                return Err(AppError::new(Code::RunInProgress, "A run is going on."));
            }
            self.append(&[run_started(run, planned)])?;
            *active = Some(ActiveRun { cancel: cancel.clone(), finished, dirty: Arc::clone(&dirty) });
        }
        let steps = asked.only.as_ref().map_or(graph.order().len(), BTreeSet::len);
        self.tell(Notice::Run {
            event: RunEvent::Started { run: run.to_string(), steps: view::count(steps) },
        });
        let (app, planned) = (self.clone(), planned.clone());
        let untried = self.untried(&graph);
        tokio::spawn(async move {
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
        });
        Ok(())
    }

    /// How long steps took when they last ran to their end.
    fn took(&self) -> BTreeMap<StepId, Duration> {
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
            again: asked.again,
            took: self.took(),
            keep_going: asked.keep_going,
            interactive: self.inner.interactive,
            parallel: None,
        };
        let host = Arc::new(AppHost::new(self, Some(run)));
        let outcome = self.inner.engine.run(request, host, cancel).await;
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
                let error = AppError::from_failure(Code::Internal, error.into());
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

/// The beginning of that day in this machine's zone. A day far away is a typing error.
fn start_date(text: &str, now: jiff::Timestamp) -> Result<Clock> {
    let invalid = |message: String| {
        AppError::new(Code::InputInvalid, message).hint("Write the first working day like 2026-11-23.")
    };
    let date: Date = text.parse().map_err(|_| invalid(format!("`{text}` is not a date.")))?;
    let at = date
        .to_zoned_datetime(TimeZone::system())
        .map_err(|_| invalid(format!("`{text}` is not a date here.")))?
        .timestamp();
    if at > now {
        return Err(invalid(format!("The first working day {text} has not come yet.")));
    }
    if now.as_second() - at.as_second() > 366 * 86_400 {
        return Err(invalid(format!("The first working day {text} is more than a year ago.")));
    }
    Ok(Clock::StartDate { date, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_date_is_a_day_that_has_come() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        assert!(matches!(start_date("2026-11-20", now), Ok(Clock::StartDate { .. })));
        for wrong in ["2026-12-24", "2020-01-01", "tomorrow", "2026-13-01"] {
            assert_eq!(start_date(wrong, now).unwrap_err().code(), Code::InputInvalid, "{wrong}");
        }
    }
}
