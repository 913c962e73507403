//! One step and the whole journey, as they stand; what a person does with a step.

use std::{collections::BTreeMap, path::PathBuf};

use firstlight_contract::{
    error::Code,
    journey::{CredentialAsk, JourneyView, LogPage, StepDetail, StepMoment, StepStateView},
    markdown::Block,
    plan::StepClass,
};
use firstlight_domain::{
    event::Event,
    expr::Scope,
    graph::Graph,
    id::StepId,
    journey::Journey,
    kind::Class,
    pack::{Pack, Step},
    plan::ConsentHash,
    release::{self, Mapping},
    state::{StepState, WaitsOn},
};
use firstlight_engine::{process::read_log, provider::Check};

use crate::{
    error::{AppError, Result},
    host::AppHost,
    markdown::{self, Place},
    planning::{self, Planned},
    running::known_step,
    session::{Firstlight, lock},
    view::{self, Listing},
};

/// The most lines one page of a log holds.
const PAGE: u32 = 2_000;

impl Firstlight {
    /// Where the person stands.
    pub fn journey(&self) -> Result<JourneyView> {
        let pack = self.journey_pack()?;
        // Held while the state is read: a view with a larger number never shows an older state.
        let mut last = lock(&self.inner.revision);
        *last = last.wrapping_add(1);
        let journey = self.current_journey()?;
        let graph = planning::graph(&pack, &journey.persona)?;
        let running = self.is_running();
        let view =
            self.listed(&pack, &graph, &journey, |listing| view::journey(&pack, listing, running, *last));
        Ok(JourneyView { findings: self.known_findings(&journey), ..view })
    }

    /// Reads what steps are listed from.
    fn listed<T>(
        &self,
        pack: &Pack,
        graph: &Graph,
        journey: &Journey,
        read: impl FnOnce(&Listing<'_>) -> T,
    ) -> T {
        let drift = lock(&self.inner.drift).clone();
        let boot = (self.inner.surroundings.boot)();
        let class_of = |uses: &str| self.class_of(uses);
        let mapping = if journey.pack.digest == pack.digest {
            Mapping::default()
        } else {
            journey.mapped(&release::outline(pack, &journey.persona))
        };
        let requests = self.with_world(|world| {
            let of = world.requests.values().filter(|record| record.journey == journey.id);
            of.map(|record| (record.step.clone(), record.clone())).collect()
        });
        read(&Listing { graph, journey, drift: &drift, mapping, requests, boot: &boot, class_of: &class_of })
    }

    pub(crate) fn class_of(&self, uses: &str) -> Class {
        self.inner.engine.class_of(uses).unwrap_or(Class::Task)
    }

    /// Everything about one step.
    pub fn step(&self, step: &str) -> Result<StepDetail> {
        let pack = self.journey_pack()?;
        let journey = self.current_journey()?;
        let graph = planning::graph(&pack, &journey.persona)?;
        let found = pack.steps.get(step).ok_or_else(|| AppError::unknown_step(step))?;
        let stage =
            view::stage_of(&pack, &journey.persona, &found.id).ok_or_else(|| AppError::unknown_step(step))?;
        let record = journey.steps.get(&found.id).cloned().unwrap_or_default();
        let scope = self.journey_scope(&pack, &journey);
        let resolved = self.inner.engine.describe(&pack, found, &scope);
        let listed = self.listed(&pack, &graph, &journey, |listing| view::step(listing, found, stage));
        let written = Place::new(&pack.root, firstlight_packs::PACK_FILE);
        Ok(StepDetail {
            why: found.why.as_deref().map(|why| markdown::parse_in(why, &written)).unwrap_or_default(),
            body: match (&listed.state, &resolved) {
                // What the machine can only look at is told in its own words.
                (StepStateView::Waiting { .. }, Ok(resolved)) if listed.class == StepClass::Task => {
                    resolved.text.as_deref().map(markdown::parse).unwrap_or_default()
                }
                _ => body(&pack.root, found),
            },
            owner: found.owner.clone().or_else(|| pack.owner.clone()),
            detail: resolved.as_ref().map(view::resolved).unwrap_or_default(),
            credential: credential_ask(found),
            url: (found.uses == "link")
                .then(|| resolved.ok().and_then(|r| r.text))
                .flatten()
                .as_deref()
                .and_then(first_url),
            needs: found.needs.iter().map(ToString::to_string).collect(),
            unblocks: graph.dependents(&found.id).map(ToString::to_string).collect(),
            history: record
                .moments
                .iter()
                .map(|(at, state)| StepMoment {
                    at: at.to_string(),
                    state: view::recorded_state(*at, state, found),
                })
                .collect(),
            cut_off: record.cut_off,
            can_undo: !record.receipts.is_empty() && !matches!(listed.state, StepStateView::Running { .. }),
            step: listed,
        })
    }

    /// What expressions see on this journey, the outputs of what is done included.
    pub(crate) fn journey_scope(&self, pack: &Pack, journey: &Journey) -> Scope {
        let mut scope = self.scope(pack, journey.inputs.clone());
        for (id, record) in &journey.steps {
            if let Some(outputs) = record.now().and_then(|(_, state)| state.outputs()) {
                scope.add_outputs(id, outputs.clone());
            }
        }
        scope
    }

    /// A part of a step's log, from the last run in which it did something: one that found it done has none.
    pub fn step_log(&self, step: &str, first: u32, count: u32) -> Result<LogPage> {
        let Some(path) = self.log_file(step)? else {
            return Ok(LogPage { first: 0, lines: Vec::new(), total: 0, dropped: 0 });
        };
        let slice = read_log(&path, first, count.min(PAGE)).map_err(|error| {
            AppError::new(Code::Internal, format!("The log {} cannot be read: {error}.", path.display()))
        })?;
        Ok(LogPage { first: slice.first, lines: slice.lines, total: slice.total, dropped: slice.dropped })
    }

    /// Where that log is; none if the step never ran.
    pub fn log_file(&self, step: &str) -> Result<Option<PathBuf>> {
        let journey = self.current_journey()?;
        let id = StepId::new(step).map_err(|_| AppError::unknown_step(step))?;
        let run = journey.steps.get(&id).and_then(|record| record.last_run);
        Ok(run.map(|run| self.home().logs().join(run.to_string()).join(format!("{id}.log"))))
    }

    /// Marks an action as done by the person, or a step that was cut off as having taken effect, and goes on with what
    /// waited for it.
    pub async fn complete_action(&self, step: &str) -> Result<JourneyView> {
        let planned = self.planned_journey()?;
        let id = known_step(&planned, step)?;
        let journey = self.current_journey()?;
        let state = journey.state(&id).cloned();
        let found = planned.pack.steps.get(&id).ok_or_else(|| AppError::unknown_step(step))?;
        let cut_off = journey.steps.get(&id).is_some_and(|record| record.cut_off);
        let open = cut_off
            || matches!(
                state,
                None | Some(StepState::Ready | StepState::Pending | StepState::Waiting { .. })
            );
        // What the machine finds out by itself is the person's turn only once it was looked at.
        let looked_at = match self.class_of(&found.uses) {
            Class::Action => found.probe.is_some(),
            // A restart is seen, never told.
            Class::Task if matches!(state, Some(StepState::Waiting { on: WaitsOn::Restart(_) })) => {
                return Err(not_waiting(step));
            }
            Class::Task if cut_off || matches!(state, Some(StepState::Waiting { .. })) => true,
            Class::Task | Class::Credential => {
                return Err(not_waiting(step));
            }
        };
        if !open {
            return Err(not_waiting(step));
        }
        self.refuse_before_needs(&planned, &id)?;
        let seen = if looked_at { self.look(&planned, found).await? } else { Some(BTreeMap::new()) };
        match seen {
            Some(outputs) => self.settle(&planned, &id, outputs, None)?,
            None => self.take_as_done(&planned, &journey, found)?,
        }
        self.carry_on().await;
        self.journey()
    }

    /// A person says that a step without a check took effect. Later steps cannot use what it did not get to give.
    fn take_as_done(&self, planned: &Planned, journey: &Journey, step: &Step) -> Result<()> {
        if !step.outputs.is_empty() {
            return Err(AppError::new(
                Code::StepState,
                format!("Later steps need what “{}” gives, and it did not get to give it.", step.title),
            )
            .hint("Run it again."));
        }
        let scope = self.journey_scope(&planned.pack, journey);
        let resolved = self.inner.engine.describe(&planned.pack, step, &scope);
        let resolved = resolved.map_err(|failure| AppError::from_failure(Code::StepState, failure))?;
        self.settle(planned, &step.id, BTreeMap::new(), Some(resolved.digest()))
    }

    /// What the world says of it, where it can be asked: a word is not enough then. `None`: a word is all there is.
    async fn look(&self, planned: &Planned, step: &Step) -> Result<Option<BTreeMap<String, String>>> {
        let host = std::sync::Arc::new(AppHost::new(self, None));
        let scope = self.journey_scope(&planned.pack, &self.current_journey()?);
        match self.inner.engine.check_step(&planned.pack, step, &scope, host).await {
            Ok(Check::Satisfied { outputs }) => Ok(Some(outputs)),
            Ok(Check::Once { .. }) => Ok(None),
            Ok(found) if self.class_of(&step.uses) == Class::Task => Err(AppError::new(
                Code::StepState,
                format!("“{}” does not hold yet: {}", step.title, found_instead(found)),
            )
            .hint("Change that, and say again that it is done.")),
            Ok(_) => Err(AppError::new(Code::StepState, format!("“{}” cannot be seen yet.", step.title))
                .hint("It is looked for now and then, and goes on by itself once it is there.")),
            Err(failure) => Err(AppError::from_failure(Code::StepState, failure)),
        }
    }

    /// Records that a step is done outside of a run, and tells. `done`: the hash of what has no check.
    pub(crate) fn settle(
        &self,
        planned: &Planned,
        id: &StepId,
        outputs: BTreeMap<String, String>,
        done: Option<ConsentHash>,
    ) -> Result<()> {
        let state = StepState::Satisfied { outputs };
        let happened = self.append(&self.done_events(planned, id, state, done))?;
        self.tell_of_all(&happened);
        Ok(())
    }

    fn refuse_before_needs(&self, planned: &Planned, id: &StepId) -> Result<()> {
        let graph = planning::graph(&planned.pack, &planned.persona)?;
        let journey = self.current_journey()?;
        let missing: Vec<String> = graph
            .needs(id)
            .filter(|need| !journey.state(need).is_some_and(StepState::is_done))
            .filter_map(|need| planned.pack.steps.get(need))
            .map(|step| format!("“{}”", step.title))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(AppError::new(Code::StepState, format!("This comes after {}.", missing.join(", "))))
    }

    /// Takes note that the person did what a step had left to them.
    pub fn follow_up_done(&self, step: &str) -> Result<JourneyView> {
        let journey = self.current_journey()?;
        let left =
            journey.steps.iter().find(|(id, record)| id.as_str() == step && record.follow_up.is_some());
        let Some((id, _)) = left else {
            return Err(AppError::new(Code::StepState, format!("`{step}` has left nothing for you to do."))
                .hint("`firstlight status` says what is left."));
        };
        let happened = self.append(&[Event::FollowUpDone { step: id.clone() }])?;
        self.tell_of_all(&happened);
        self.journey()
    }

    /// The address a link step opens; the shell hands it to the system.
    pub fn link(&self, step: &str) -> Result<String> {
        self.step(step)?
            .url
            .ok_or_else(|| AppError::new(Code::StepState, format!("`{step}` has no address to open.")))
    }
}

fn not_waiting(step: &str) -> AppError {
    AppError::new(Code::StepState, format!("`{step}` is not waiting for you."))
        .hint("`firstlight status` says what is.")
}

/// What was found where something was to hold.
fn found_instead(found: Check) -> String {
    match found {
        Check::Person { what, .. } | Check::Needed { what, .. } | Check::Once { what } => {
            what.strip_prefix("would wait for you: ").map_or_else(|| what.clone(), str::to_owned)
        }
        Check::Unknown { why } | Check::Blocked { why, .. } => why,
        Check::Satisfied { .. } => String::new(),
    }
}

/// What there is to read in a step itself: its document, or its text.
fn body(root: &std::path::Path, step: &Step) -> Vec<Block> {
    let field = |name: &str| step.with.get(name).and_then(serde_json::Value::as_str);
    if let Some(document) = field("doc").filter(|_| step.uses == "read") {
        return match std::fs::read_to_string(root.join(document)) {
            Ok(text) => markdown::parse_in(&text, &Place::new(root, document)),
            Err(error) => markdown::parse(&format!("`{document}` cannot be read: {error}.")),
        };
    }
    let written = Place::new(root, firstlight_packs::PACK_FILE);
    field("text").map(|text| markdown::parse_in(text, &written)).unwrap_or_default()
}

fn credential_ask(step: &Step) -> Option<CredentialAsk> {
    (step.uses == "credential").then_some(())?;
    let field = |name: &str| step.with.get(name);
    let text = |name: &str| field(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let name = text("name")?;
    Some(CredentialAsk {
        title: text("title").unwrap_or_else(|| step.title.clone()),
        name,
        issuer: text("issuer"),
        can_generate: field("generate").is_some(),
        tested: field("test").is_some(),
    })
}

/// The address in a link step's description.
fn first_url(text: &str) -> Option<String> {
    text.split_whitespace()
        .find(|word| word.starts_with("https://") || word.starts_with("http://"))
        .map(str::to_owned)
}
