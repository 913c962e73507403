//! The domain as the contract shows it. Pure: from a pack, a graph and a journey to what the rail, Today, the plan and
//! the terminal print.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use firstlight_contract::{
    journey::{FollowUpView, JourneyView, NextAct, NextThing, StageView, StepNews, StepStateView, StepView},
    plan::{
        Asks, CommandView, FileView, PlanSummary, PlanView, PlannedStepView, ReachView, ResolvedView,
        StepClass,
    },
    requests::{RequestAnswer, RequestReply, RequestView},
};
use firstlight_domain::{
    graph::Graph,
    id::{PersonaId, StageId, StepId},
    journey::Journey,
    kind::Class,
    pack::{Pack, Step},
    plan::{Download, Outcome, Plan, PlannedStep, Resolved, road_length},
    release::Mapping,
    request::{Reply, RequestRecord},
    state::{StepState, WaitsOn},
};
use jiff::Timestamp;

use crate::drift::Drift;

/// What a step without an estimate counts for, in progress and on the longest path.
pub(crate) const NO_ESTIMATE: Duration = Duration::from_secs(30);

/// The class of a step by its kind's name; packs are linted, so an unknown kind does not come this far.
pub(crate) type ClassOf<'a> = &'a dyn Fn(&str) -> Class;

pub(crate) fn class(class: Class) -> StepClass {
    match class {
        Class::Task => StepClass::Task,
        Class::Action => StepClass::Action,
        Class::Credential => StepClass::Credential,
    }
}

/// Whole seconds; more than 136 years is "136 years".
pub(crate) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A plan as it is shown. `took`: how long steps took here when they last ran, which says more than the pack.
pub(crate) fn plan(pack: &Pack, plan: &Plan, graph: &Graph, took: &BTreeMap<StepId, Duration>) -> PlanView {
    let expected = |step: &Step| took.get(&step.id).copied().or(step.estimate);
    let steps: Vec<PlannedStepView> = plan
        .steps
        .iter()
        .filter_map(|planned| {
            let step = pack.steps.get(&planned.id)?;
            let (outcome, reason) = outcome(&planned.outcome);
            Some(PlannedStepView {
                id: planned.id.to_string(),
                title: step.title.clone(),
                stage: stage_of(pack, &plan.persona, &planned.id)
                    .map_or_else(String::new, ToString::to_string),
                class: class(planned.class),
                outcome,
                reason,
                needs: step.needs.iter().map(ToString::to_string).collect(),
                estimate_seconds: expected(step).map(seconds),
                download_bytes: match planned.download {
                    Download::Bytes(bytes) if bytes > 0 => Some(bytes),
                    Download::Bytes(_) | Download::Nothing | Download::Unknown => None,
                },
                download_unknown: planned.download == Download::Unknown,
                first_value: step.first_value,
                best_effort: step.is_best_effort(),
                detail: resolved(&planned.resolved),
            })
        })
        .collect();
    let (will_change, ok, unknown, blocked) = plan.counts();
    let first_value = pack.first_value(&plan.persona).map_or_else(String::new, |step| step.id.to_string());
    PlanView {
        pack: pack.name.to_string(),
        version: pack.version.to_string(),
        persona: plan.persona.to_string(),
        download_bytes: steps.iter().filter_map(|step| step.download_bytes).fold(0, u64::saturating_add),
        downloads_unknown: count(steps.iter().filter(|step| step.download_unknown).count()),
        asks: asks(pack, &steps),
        steps,
        summary: PlanSummary { will_change, ok, unknown, blocked },
        estimate_seconds: estimate(pack, plan, graph, expected),
        first_value,
        consent: plan.consent().0,
    }
}

fn outcome(outcome: &Outcome) -> (firstlight_contract::plan::Outcome, Option<String>) {
    use firstlight_contract::plan::Outcome as Shown;
    match outcome {
        Outcome::WillChange(what) => (Shown::WillChange, Some(what.clone())),
        Outcome::Ok => (Shown::Ok, None),
        Outcome::NotNeeded(why) => (Shown::Ok, Some(why.clone())),
        Outcome::Unknown(why) => (Shown::Unknown, Some(why.clone())),
        Outcome::Blocked(why) => (Shown::Blocked, Some(why.clone())),
    }
}

fn asks(pack: &Pack, steps: &[PlannedStepView]) -> Asks {
    use firstlight_contract::plan::Outcome as Shown;
    let open = || steps.iter().filter(|step| step.outcome != Shown::Ok);
    let is_request =
        |step: &PlannedStepView| pack.steps.get(step.id.as_str()).is_some_and(|s| s.uses == "request");
    // A credential that is generated asks nobody for anything.
    let is_made = |step: &PlannedStepView| {
        pack.steps.get(step.id.as_str()).is_some_and(|s| s.with.get("generate").is_some())
    };
    let of = |class: StepClass| open().filter(move |step| step.class == class);
    let credentials = || of(StepClass::Credential);
    Asks {
        automatic: count(of(StepClass::Task).count() + credentials().filter(|step| is_made(step)).count()),
        elevations: count(open().filter(|step| step.detail.elevated).count()),
        restarts: count(open().filter(|step| step.detail.restart).count()),
        credentials: count(credentials().filter(|step| !is_made(step)).count()),
        actions: count(of(StepClass::Action).filter(|step| !is_request(step)).count()),
        requests: count(of(StepClass::Action).filter(|step| is_request(step)).count()),
    }
}

/// The longest path to first value through what is not fine yet; nothing if no step on it has an estimate.
fn estimate(
    pack: &Pack,
    plan: &Plan,
    graph: &Graph,
    expected: impl Fn(&Step) -> Option<Duration>,
) -> Option<u32> {
    let first_value = pack.first_value(&plan.persona)?;
    let is_open = |step: &&PlannedStep| !matches!(step.outcome, Outcome::Ok | Outcome::NotNeeded(_));
    let open: BTreeSet<&StepId> = plan.steps.iter().filter(is_open).map(|step| &step.id).collect();
    let on_road = graph.ancestors(&first_value.id);
    // What is fine already costs nothing, but paths lead through it.
    let road: Vec<_> = graph
        .order()
        .iter()
        .filter(|id| on_road.contains(*id) || **id == first_value.id)
        .filter_map(|id| pack.steps.get(id))
        .map(|step| {
            let cost = if open.contains(&step.id) { expected(step) } else { Some(Duration::ZERO) };
            (step.id.clone(), step.needs.clone(), cost)
        })
        .collect();
    let known = road.iter().any(|(id, _, cost)| cost.is_some() && open.contains(id));
    known.then(|| seconds(road_length(&road, &first_value.id, NO_ESTIMATE)))
}

/// What a step would do, as it is shown. Values of environment variables stay out: names are enough to judge by.
pub(crate) fn resolved(resolved: &Resolved) -> ResolvedView {
    ResolvedView {
        commands: resolved
            .commands
            .iter()
            .map(|command| CommandView {
                purpose: command.purpose.name().to_owned(),
                argv: command.argv.clone(),
                cwd: command.cwd.clone(),
                env: command.env.iter().map(|(name, _)| name.clone()).collect(),
                shell: command.shell,
            })
            .collect(),
        files: resolved
            .files
            .iter()
            .map(|file| FileView { path: file.path.clone(), diff: file.diff.clone() })
            .collect(),
        hosts: resolved.hosts.clone(),
        secrets: resolved.secrets.clone(),
        elevated: resolved.elevated,
        restart: resolved.restart,
        text: resolved.text.clone(),
        reach: resolved.reach.as_ref().map(|reach| ReachView {
            program: reach.program.clone(),
            values: reach.values.clone(),
            reads: reach.reads.clone(),
            writes: reach.writes.clone(),
            enforced: reach.enforced,
        }),
    }
}

/// The state of a step as it is shown. What nothing has happened to is ready or pending, as its needs are.
fn state(listing: &Listing<'_>, step: &Step) -> StepStateView {
    let Listing { graph, journey, .. } = listing;
    match journey.steps.get(&step.id).and_then(|record| record.now()) {
        // What held it up is done meanwhile: nothing is in the way but what always was.
        Some((_, StepState::Blocked { by, .. }))
            if !by.is_empty() && by.iter().all(|id| journey.state(id).is_some_and(StepState::is_done)) =>
        {
            if needs_are_done(graph, journey, &step.id) {
                StepStateView::Ready
            } else {
                StepStateView::Pending
            }
        }
        // The machine was restarted meanwhile: it can be looked at again.
        Some((_, StepState::Waiting { on: WaitsOn::Restart(applied) })) if applied.boot != listing.boot => {
            StepStateView::Ready
        }
        Some((since, state))
            if !matches!(state, StepState::Pending | StepState::Ready | StepState::Undone) =>
        {
            recorded_state(*since, state, step)
        }
        Some((_, StepState::Undone)) => StepStateView::Undone,
        _ if needs_are_done(graph, journey, &step.id) => StepStateView::Ready,
        _ => StepStateView::Pending,
    }
}

fn needs_are_done(graph: &Graph, journey: &Journey, step: &StepId) -> bool {
    graph.needs(step).all(|need| journey.state(need).is_some_and(StepState::is_done))
}

/// A recorded state as it is shown.
pub(crate) fn recorded_state(since: Timestamp, state: &StepState, step: &Step) -> StepStateView {
    let since = since.to_string();
    match state {
        StepState::Pending => StepStateView::Pending,
        StepState::Ready => StepStateView::Ready,
        StepState::Running => StepStateView::Running { since },
        StepState::Satisfied { .. } => StepStateView::Satisfied { since },
        StepState::Changed { .. } => StepStateView::Changed { since },
        StepState::Failed(failure) => StepStateView::Failed {
            cause: failure.cause.clone(),
            last_lines: failure.last_lines.clone(),
            hint: failure.hint.clone(),
        },
        StepState::Blocked { by, reason } => StepStateView::Blocked {
            by: by.iter().map(ToString::to_string).collect(),
            reason: Some(reason.clone()).filter(|text| !text.is_empty()),
        },
        StepState::Waiting { on } => StepStateView::Waiting {
            waiting_for: match on {
                WaitsOn::You => "you".to_owned(),
                WaitsOn::Owner(owner) => owner.clone(),
                WaitsOn::Restart(_) => RESTART.to_owned(),
            },
            since,
            sla: step.sla.clone(),
        },
        StepState::Unknown { why } => StepStateView::Unknown { reason: why.clone() },
        StepState::Skipped { why } => StepStateView::Skipped { reason: why.clone() },
        StepState::Undone => StepStateView::Undone,
    }
}

/// What a step waits for that only a restart of the machine brings about.
const RESTART: &str = "restart";

/// What steps are listed from.
pub(crate) struct Listing<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) journey: &'a Journey,
    /// Steps that are done and do not hold any more.
    pub(crate) drift: &'a Drift,
    /// What the pack as it lies there would be to the checklist that was agreed to.
    pub(crate) mapping: Mapping,
    /// What was asked of others for steps of this journey.
    pub(crate) requests: BTreeMap<StepId, RequestRecord>,
    /// The id of the system's last start.
    pub(crate) boot: &'a str,
    pub(crate) class_of: ClassOf<'a>,
}

/// A step as it is listed.
pub(crate) fn step(listing: &Listing<'_>, step: &Step, stage: &StageId) -> StepView {
    StepView {
        id: step.id.to_string(),
        title: step.title.clone(),
        stage: stage.to_string(),
        class: class((listing.class_of)(&step.uses)),
        uses: step.uses.clone(),
        estimate_seconds: estimated(listing.journey, step).map(seconds),
        first_value: step.first_value,
        best_effort: step.is_best_effort(),
        drifted: listing.drift.get(&step.id).cloned(),
        news: news(listing, &step.id),
        request: request_for(listing, &step.id),
        state: state(listing, step),
    }
}

/// What was asked of somebody else for a step, as long as that is about how it stands.
fn request_for(listing: &Listing<'_>, step: &StepId) -> Option<RequestView> {
    let record = listing.requests.get(step)?;
    match listing.journey.state(step)? {
        StepState::Waiting { .. } if record.over => return None,
        StepState::Waiting { .. } | StepState::Satisfied { .. } | StepState::Failed(_) => {}
        _ => return None,
    }
    Some(RequestView {
        owner: record.owner.clone(),
        asked_at: record.made_at.to_string(),
        name: record.name.clone(),
        answer: record.answered.as_ref().map(|answered| RequestAnswer {
            reply: match answered.reply {
                Reply::Done => RequestReply::Done,
                Reply::Refused => RequestReply::Refused,
            },
            words: answered.words.clone(),
            by: answered.by.clone(),
            at: answered.at.to_string(),
        }),
    })
}

/// What the release at hand is to the journey, for one step.
fn news(listing: &Listing<'_>, step: &StepId) -> Option<StepNews> {
    if listing.mapping.changed.contains(step) {
        Some(StepNews::Changed)
    } else if listing.journey.new.contains(step) || listing.mapping.new.contains(step) {
        Some(StepNews::New)
    } else {
        None
    }
}

/// Where the person stands.
pub(crate) fn journey(pack: &Pack, listing: &Listing<'_>, running: bool, revision: u32) -> JourneyView {
    let Listing { graph, journey, .. } = listing;
    let empty = firstlight_domain::pack::Checklist { stages: Vec::new() };
    let checklist = pack.checklists.get(&journey.persona).unwrap_or(&empty);
    let done = |id: &StepId| journey.state(id).is_some_and(StepState::is_done);
    let stages = checklist
        .stages
        .iter()
        .map(|stage| StageView {
            id: stage.id.to_string(),
            title: stage.title.clone(),
            done: count(stage.steps.iter().filter(|id| done(id)).count()),
            total: count(stage.steps.len()),
        })
        .collect();
    let steps: Vec<StepView> = checklist
        .stages
        .iter()
        .flat_map(|stage| stage.steps.iter().map(move |id| (stage, id)))
        .filter_map(|(stage, id)| Some(step(listing, pack.steps.get(id)?, &stage.id)))
        .collect();
    let first_value = pack.first_value(&journey.persona).map(|step| step.id.clone());
    let cost =
        |id: &StepId| pack.steps.get(id).and_then(|step| estimated(journey, step)).unwrap_or(NO_ESTIMATE);
    let critical = first_value.as_ref().map(|to| graph.critical_path(to, done, cost)).unwrap_or_default();
    JourneyView {
        pack: pack.name.to_string(),
        title: pack.title.clone(),
        persona: journey.persona.to_string(),
        persona_title: pack.personas.get(&journey.persona).map_or_else(String::new, |p| p.title.clone()),
        clock_start: journey.clock.start().to_string(),
        reached_at: journey.reached.as_ref().map(|(at, _)| at.to_string()),
        progress: progress(graph, journey, first_value.as_ref(), cost),
        first_value: first_value.as_ref().map_or_else(String::new, ToString::to_string),
        next: next(graph, &steps, &critical, running),
        best_effort: best_effort(&steps),
        follow_ups: follow_ups(pack, journey),
        findings: Vec::new(),
        stages,
        steps,
        critical_path: critical.iter().map(ToString::to_string).collect(),
        running,
        revision,
    }
}

/// Best-effort steps that were tried and do not hold.
fn best_effort(steps: &[StepView]) -> Vec<String> {
    let fell = |step: &&StepView| {
        step.best_effort
            && matches!(
                step.state,
                StepStateView::Failed { .. } | StepStateView::Blocked { .. } | StepStateView::Unknown { .. }
            )
    };
    steps.iter().filter(fell).map(|step| step.id.clone()).collect()
}

/// What steps have left to the person, oldest first. What was left stays, whatever has become of the step in the pack.
fn follow_ups(pack: &Pack, journey: &Journey) -> Vec<FollowUpView> {
    let mut left: Vec<_> =
        journey.steps.iter().filter_map(|(id, record)| Some((id, record.follow_up.as_ref()?))).collect();
    left.sort_by_key(|(_, follow_up)| follow_up.since);
    left.into_iter()
        .map(|(id, follow_up)| FollowUpView {
            step: id.to_string(),
            title: pack.steps.get(id).map_or_else(|| id.to_string(), |step| step.title.clone()),
            since: follow_up.since.to_string(),
            texts: follow_up.texts.clone(),
        })
        .collect()
}

/// How long a step takes: as long as it last took here, else what the pack says.
fn estimated(journey: &Journey, step: &Step) -> Option<Duration> {
    journey.took(&step.id).or(step.estimate)
}

/// How much of the way to first value is walked, by estimate.
fn progress(
    graph: &Graph,
    journey: &Journey,
    to: Option<&StepId>,
    cost: impl Fn(&StepId) -> Duration,
) -> f64 {
    let Some(to) = to else { return 0.0 };
    if journey.reached.is_some() {
        return 1.0;
    }
    let mut road = graph.ancestors(to);
    road.insert(to.clone());
    let walked = |id: &&StepId| journey.state(id).is_some_and(StepState::is_done);
    let total: f64 = road.iter().map(|id| cost(id).as_secs_f64()).sum();
    let done: f64 = road.iter().filter(walked).map(|id| cost(id).as_secs_f64()).sum();
    if total > 0.0 { done / total } else { 0.0 }
}

/// The one thing the person can do now that unblocks most; what lies on the critical path comes first.
fn next(graph: &Graph, steps: &[StepView], critical: &[StepId], running: bool) -> Option<NextThing> {
    let act = |step: &StepView| -> Option<NextAct> {
        match &step.state {
            // Named elsewhere; nothing waits for it.
            StepStateView::Failed { .. } | StepStateView::Unknown { .. } | StepStateView::Blocked { .. }
                if step.best_effort =>
            {
                None
            }
            StepStateView::Failed { .. } | StepStateView::Unknown { .. } if !running => Some(NextAct::Retry),
            // Nothing but the machine is in its way: once that is mended, somebody has to say so.
            StepStateView::Blocked { by, .. } if by.is_empty() && !running => Some(NextAct::Retry),
            StepStateView::Waiting { waiting_for, .. } if waiting_for == "you" => Some(own_act(&step.uses)),
            StepStateView::Waiting { waiting_for, .. } if waiting_for == RESTART => Some(NextAct::Restart),
            StepStateView::Waiting { .. } => Some(NextAct::Request),
            StepStateView::Ready | StepStateView::Undone if !running => Some(NextAct::Start),
            _ => None,
        }
    };
    steps
        .iter()
        .filter_map(|step| {
            let id = StepId::new(&step.id).ok()?;
            let unblocks = graph.descendants(&id).len();
            Some((act(step)?, critical.contains(&id), unblocks, step))
        })
        // What others must answer comes last: it is shown when nothing is left to do oneself.
        .max_by_key(|(act, on_road, unblocks, step)| {
            let own = *act != NextAct::Request;
            let begin = *act == NextAct::Start;
            let place = steps.iter().position(|other| other.id == step.id).unwrap_or(0);
            (own, begin, *on_road, *unblocks, std::cmp::Reverse(place))
        })
        .map(|(act, _, unblocks, step)| NextThing { step: step.id.clone(), act, unblocks: count(unblocks) })
}

/// What the person is asked by a step of this kind.
fn own_act(uses: &str) -> NextAct {
    match uses {
        "read" => NextAct::Read,
        "link" => NextAct::Open,
        "credential" => NextAct::EnterCredential,
        _ => NextAct::Confirm,
    }
}

pub(crate) fn stage_of<'a>(pack: &'a Pack, persona: &PersonaId, step: &StepId) -> Option<&'a StageId> {
    let checklist = pack.checklists.get(persona)?;
    checklist.stages.iter().find(|stage| stage.steps.contains(step)).map(|stage| &stage.id)
}
