//! Planning: what would happen now, found out without changing anything.
//!
//! Every step's check is tried, in parallel, as soon as the outputs it names are known; what it needs to be *done* only
//! decides how its answer is read. A check that cannot be answered because something comes first is *unknown*, with
//! what comes first.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use firstlight_domain::{
    expr::Scope,
    graph::Graph,
    id::{PersonaId, StepId},
    kind::Class,
    pack::Pack,
    plan::{CommandLine, Download, Outcome, Plan, PlannedStep, Purpose, Resolved},
    state::Failure,
};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Around, Engine, EngineError, Prepared, Ready, look, steps_in, steps_named},
    host::Host,
    lanes::Lanes,
    process::{Process, Programs, not_found, out_of_reach},
    provider::{Check, Context},
    step::{CUT_OFF, NOT_BY_RESTART, Restart, administrator, again, may_have_been_done},
};

/// What was found out about one step.
enum Found {
    NotNeeded(String),
    /// Outputs of these steps are missing.
    WaitsFor(BTreeSet<StepId>, Resolved),
    Impossible(Failure),
    /// It would work with what may not be worked with.
    Barred(String, Resolved),
    Looked(Result<Check, Failure>, Ready, Download),
}

impl Engine {
    /// Finds out what would happen to every step of a checklist. Changes nothing; needs a tokio runtime.
    pub async fn plan(
        &self,
        pack: &Pack,
        persona: &PersonaId,
        scope: &Scope,
        host: Arc<dyn Host>,
        interactive: bool,
        cancel: &CancellationToken,
    ) -> Result<Plan, EngineError> {
        if !pack.checklists.contains_key(persona) {
            return Err(EngineError::NoChecklist(persona.clone()));
        }
        let graph = Graph::of(pack, persona)?;
        // A plan that nobody waits for any more looks no further.
        let cancel = cancel.child_token();
        let _given_up = cancel.clone().drop_guard();
        let around = Self::around(Arc::clone(&host), interactive, None, &cancel);
        let mut scope = scope.clone();
        let mut found = self.look_at_all(pack, &graph, &mut scope, &around).await;
        let needs_rights = |found: &Found| match found {
            Found::Looked(Ok(Check::Needed { .. } | Check::Once { .. }), ready, _) => ready.resolved.elevated,
            _ => false,
        };
        let no_rights =
            if found.values().any(needs_rights) { out_of_reach(&*host, scope.facts()).await } else { None };
        let mut outcomes: BTreeMap<StepId, Outcome> = BTreeMap::new();
        let mut steps = Vec::with_capacity(graph.order().len());
        for id in graph.order() {
            let Some(step) = pack.steps.get(id) else { continue };
            let found =
                found.remove(id).unwrap_or_else(|| Found::WaitsFor(BTreeSet::new(), Resolved::default()));
            // What only a person can bring about is theirs, whatever kind of step finds it out.
            let no_rights = no_rights.filter(|_| needs_rights(&found));
            let class = match &found {
                _ if no_rights.is_some() => Class::Action,
                Found::Looked(Ok(Check::Person { .. }), ..) if self.class(step) == Class::Task => {
                    Class::Action
                }
                _ => self.class(step),
            };
            let unmet: Vec<&StepId> = graph.needs(id).filter(|need| !is_fine(outcomes.get(*need))).collect();
            let held = match &found {
                Found::Looked(Ok(Check::Satisfied { outputs }), ..) => Some(outputs.clone()),
                _ => None,
            };
            let download = match &found {
                Found::Looked(_, _, download) => *download,
                _ => Download::Nothing,
            };
            let (mut outcome, resolved) = read(found, pack, &unmet, &outcomes, &*host);
            if let (Some(why), Outcome::WillChange(_)) = (no_rights, &outcome) {
                let whom = administrator(step, pack.owner.as_deref());
                outcome = Outcome::WillChange(format!("would ask {whom} to do it: {why}"));
            }
            outcomes.insert(id.clone(), outcome.clone());
            steps.push(PlannedStep { id: id.clone(), class, outcome, resolved, held, download });
        }
        Ok(Plan { pack: pack.reference(), persona: persona.clone(), steps })
    }

    /// Looks at every step, each once the outputs it names are there or known to be missing.
    async fn look_at_all(
        &self,
        pack: &Pack,
        graph: &Graph,
        scope: &mut Scope,
        around: &Around,
    ) -> BTreeMap<StepId, Found> {
        let mut waiting: Vec<(StepId, BTreeSet<StepId>)> =
            graph.order().iter().map(|id| (id.clone(), named_by(pack, id))).collect();
        let mut found: BTreeMap<StepId, Found> = BTreeMap::new();
        let programs = Arc::new(Programs::default());
        let barred = around.host.barred();
        let lanes = Lanes::open(Self::parallelism().min(waiting.len()));
        let is_ready = |names: &BTreeSet<StepId>, found: &BTreeMap<StepId, Found>| {
            names.iter().all(|name| found.contains_key(name) || !graph.order().contains(name))
        };
        loop {
            let mut later = Vec::new();
            for (id, names) in waiting {
                if !is_ready(&names, &found) {
                    later.push((id, names));
                    continue;
                }
                let Some(step) = pack.steps.get(&id) else { continue };
                match self.prepare(pack, step, scope) {
                    Prepared::NotNeeded { why } => {
                        found.insert(id, Found::NotNeeded(why));
                    }
                    Prepared::Unresolved { waits_for } => {
                        found.insert(id, Found::WaitsFor(waits_for, Resolved::default()));
                    }
                    Prepared::Impossible(failure) => {
                        found.insert(id, Found::Impossible(failure));
                    }
                    Prepared::Ready(ready) if !ready.waits_for.is_empty() => {
                        found.insert(id, Found::WaitsFor(ready.waits_for, ready.resolved));
                    }
                    Prepared::Ready(ready) => {
                        if let Some(reason) = barred.reason(&ready, self.class(step)) {
                            found.insert(id, Found::Barred(reason.to_owned(), ready.resolved));
                            continue;
                        }
                        let plan = Some(Arc::clone(&programs));
                        let cx = Context { plan, ..Self::context(&ready, pack, scope, around) };
                        lanes.ask(move |runtime| {
                            let wanted = !cx.cancel.is_cancelled();
                            let asking = again(&cx, &cx.cancel);
                            let answer = wanted.then(|| runtime.block_on(look(&ready, cx)))?;
                            let download = match answer {
                                Ok(Check::Needed { .. } | Check::Once { .. }) => {
                                    runtime.block_on(ready.operation.download(&asking))
                                }
                                Ok(_) | Err(_) => Download::Nothing,
                            };
                            Some(Looked { id, answer, ready, download })
                        });
                    }
                }
            }
            waiting = later;
            let answers = lanes.answers(!waiting.is_empty()).await;
            // Steps that were settled without a look may have let others go on; else nothing can any more.
            if answers.is_empty() && !waiting.iter().any(|(_, names)| is_ready(names, &found)) {
                return found;
            }
            for Looked { id, answer, ready, download } in answers {
                if let Some(outputs) = outputs(&answer, &id, &ready, around) {
                    scope.add_outputs(&id, outputs);
                }
                found.insert(id, Found::Looked(answer, ready, download));
            }
        }
    }
}

/// A step that was looked at.
struct Looked {
    id: StepId,
    answer: Result<Check, Failure>,
    ready: Ready,
    download: Download,
}

/// Outputs a later step may already use.
fn outputs(
    answer: &Result<Check, Failure>,
    id: &StepId,
    ready: &Ready,
    around: &Around,
) -> Option<BTreeMap<String, String>> {
    match answer {
        Ok(Check::Satisfied { outputs }) => Some(outputs.clone()),
        Ok(Check::Once { .. }) if around.host.was_done(id, &ready.resolved.digest()) => {
            around.host.state(id)?.outputs().cloned()
        }
        Ok(_) | Err(_) => None,
    }
}

/// The steps whose outputs a step names.
fn named_by(pack: &Pack, id: &StepId) -> BTreeSet<StepId> {
    let mut found = BTreeSet::new();
    if let Some(step) = pack.steps.get(id) {
        steps_in(&step.with, &mut found);
        found.extend(step.condition.as_deref().map(steps_named).unwrap_or_default());
    }
    found.remove(id);
    found
}

fn is_fine(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Ok | Outcome::NotNeeded(_)))
}

/// What was found, read in the light of what comes first.
fn read(
    found: Found,
    pack: &Pack,
    unmet: &[&StepId],
    outcomes: &BTreeMap<StepId, Outcome>,
    host: &dyn Host,
) -> (Outcome, Resolved) {
    let blocked = unmet.iter().find(|need| matches!(outcomes.get(**need), Some(Outcome::Blocked(_))));
    let after = |outcome: Outcome| match blocked {
        Some(need) => Outcome::Blocked(format!("needs `{}`, which cannot be done here", title(pack, need))),
        None => outcome,
    };
    match found {
        Found::NotNeeded(why) => (Outcome::NotNeeded(why), Resolved::default()),
        Found::WaitsFor(steps, resolved) => (after(Outcome::Unknown(until(pack, steps.iter()))), resolved),
        Found::Impossible(failure) => (Outcome::Blocked(in_words(failure)), Resolved::default()),
        Found::Barred(reason, resolved) => (Outcome::Blocked(reason), resolved),
        Found::Looked(answer, ready, _) => {
            let mut resolved = ready.resolved;
            let restart = Restart::of(&ready.step.id, host);
            let first = (!unmet.is_empty()).then(|| until(pack, unmet.iter().copied()));
            let outcome = match answer {
                Ok(Check::Satisfied { .. }) => Outcome::Ok,
                Ok(Check::Needed { .. } | Check::Once { .. }) if restart != Restart::NotAsked => {
                    after_restart(&restart, matches!(answer, Ok(Check::Once { .. })))
                }
                Ok(Check::Once { .. }) if host.was_done(&ready.step.id, &resolved.digest()) => Outcome::Ok,
                // It was looked at in a place that what comes first has yet to make.
                Ok(Check::Needed { .. }) if first.is_some() && lacks_folder(&resolved) => {
                    after(Outcome::Unknown(first.unwrap_or_default()))
                }
                Ok(Check::Needed { what, files }) => {
                    resolved.files = files;
                    after(would(what, &resolved, first.is_none()))
                }
                Ok(Check::Once { .. }) if may_have_been_done(&ready.step, host) => {
                    Outcome::Unknown(CUT_OFF.to_owned())
                }
                Ok(Check::Once { what }) => after(would(what, &resolved, first.is_none())),
                Ok(Check::Person { what, .. }) => after(Outcome::WillChange(what)),
                Ok(Check::Unknown { why }) => after(Outcome::Unknown(first.unwrap_or(why))),
                Ok(Check::Blocked { why, hint }) => match first {
                    Some(first) => after(Outcome::Unknown(first)),
                    None => Outcome::Blocked(in_words(Failure { cause: why, last_lines: Vec::new(), hint })),
                },
                Err(failure) => after(Outcome::Unknown(first.unwrap_or_else(|| in_words(failure)))),
            };
            (outcome, resolved)
        }
    }
}

/// What is to be said of a step that waited for a restart. `once`: it has no check, so a restart is all it needs.
fn after_restart(restart: &Restart, once: bool) -> Outcome {
    match restart {
        Restart::Over { .. } if !once => Outcome::Blocked(NOT_BY_RESTART.to_owned()),
        Restart::Over { .. } | Restart::NotAsked => Outcome::Ok,
        Restart::Pending(_) => {
            Outcome::Unknown("cannot be known until this machine was restarted".to_owned())
        }
    }
}

/// What a step would do, unless a program for it is not there. What comes first may bring it; after that, nothing will.
/// Administrators and steps with a `PATH` of their own find programs where we do not look.
fn would(what: String, resolved: &Resolved, is_next: bool) -> Outcome {
    let has_own_path = |line: &&CommandLine| line.env.iter().any(|(name, _)| name == "PATH");
    let runs = resolved.commands.iter().filter(|line| line.purpose == Purpose::Run && !has_own_path(line));
    match runs.filter(|_| is_next && !resolved.elevated).find_map(Process::missing) {
        Some(program) => Outcome::Blocked(in_words(not_found(&program))),
        None => Outcome::WillChange(what),
    }
}

fn lacks_folder(resolved: &Resolved) -> bool {
    let checks = resolved.commands.iter().filter(|line| line.purpose == Purpose::Check);
    checks.filter_map(|line| line.cwd.as_deref()).any(|folder| !Path::new(folder).is_dir())
}

/// "cannot be known until `Clone orders-service` has run"
pub(crate) fn until<'a>(pack: &Pack, steps: impl Iterator<Item = &'a StepId>) -> String {
    let titles: Vec<String> = steps.map(|step| format!("`{}`", title(pack, step))).collect();
    match titles.split_last() {
        Some((last, [])) => format!("cannot be known until {last} has run"),
        Some((last, before)) => format!("cannot be known until {} and {last} have run", before.join(", ")),
        None => "cannot be known yet".to_owned(),
    }
}

fn title(pack: &Pack, step: &StepId) -> String {
    pack.steps.get(step).map_or_else(|| step.to_string(), |step| step.title.clone())
}

pub(crate) fn in_words(failure: Failure) -> String {
    match failure.hint {
        Some(hint) => format!("{}; {hint}", failure.cause),
        None => failure.cause,
    }
}
