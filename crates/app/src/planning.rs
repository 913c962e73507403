//! Making a plan: what would happen now, for this person, without touching anything.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use firstlight_contract::{commands::Choice, error::Code, plan::PlanView};
use firstlight_domain::{
    expr::Scope,
    graph::Graph,
    id::{PersonaId, StepId},
    pack::Pack,
    plan::{ConsentHash, Plan},
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    packs,
    session::{Firstlight, lock},
    view,
};

/// How long a look counts after the plan began to look.
const FRESH: Duration = Duration::from_secs(10);

/// The plan that was last shown, and what it was made from: what a person agrees to.
#[derive(Clone)]
pub(crate) struct Planned {
    pub(crate) pack: Arc<Pack>,
    pub(crate) persona: PersonaId,
    pub(crate) inputs: BTreeMap<String, serde_json::Value>,
    pub(crate) consent: ConsentHash,
    pub(crate) plan: Plan,
    /// When looking began.
    pub(crate) begun: Instant,
    /// How much was recorded by then.
    pub(crate) recorded: usize,
}

impl Planned {
    /// The steps that were found to hold so short a time ago that a run need not look again: the plan was agreed to at
    /// once, and nothing was `recorded` since it began. Whoever reads it first has time in which the machine may change,
    /// and what was taken back meanwhile is not there any more.
    pub(crate) fn held(&self, recorded: usize) -> BTreeMap<StepId, BTreeMap<String, String>> {
        if self.begun.elapsed() > FRESH || self.recorded != recorded {
            return BTreeMap::new();
        }
        self.plan.steps.iter().filter_map(|step| Some((step.id.clone(), step.held.clone()?))).collect()
    }
}

impl Firstlight {
    /// What would happen now, for this persona and these answers.
    pub async fn make_plan(&self, choice: &Choice) -> Result<PlanView> {
        let pack = self.pack_at_hand().ok_or_else(|| {
            AppError::new(Code::PackNotFound, "No pack was chosen.")
                .hint("Choose a pack folder, or use the sample.")
        })?;
        let planned = self.plan_for(&pack, choice).await?;
        let graph = graph(&pack, &planned.persona)?;
        let view = view::plan(&pack, &planned.plan, &graph, &self.took());
        *lock(&self.inner.planned) = Some(planned);
        Ok(view)
    }

    pub(crate) async fn plan_for(&self, pack: &Arc<Pack>, choice: &Choice) -> Result<Planned> {
        let persona = persona(pack, &choice.persona)?;
        let inputs = self.answers(pack, choice)?;
        let scope = self.scope(pack, inputs.clone());
        let (begun, recorded) = (Instant::now(), self.history().recorded());
        let plan = self.look_at(pack, &persona, &scope).await?;
        Ok(Planned {
            pack: Arc::clone(pack),
            persona,
            inputs,
            consent: plan.consent(),
            plan,
            begun,
            recorded,
        })
    }

    /// What the engine finds out about every step of a checklist.
    pub(crate) async fn look_at(&self, pack: &Pack, persona: &PersonaId, scope: &Scope) -> Result<Plan> {
        let host = Arc::new(AppHost::planning(self, self.barred_in_plan(pack).await?));
        self.load_secrets(pack).await;
        self.inner
            .engine
            .plan(pack, persona, scope, host, self.inner.interactive, &CancellationToken::new())
            .await
            .map_err(|error| AppError::from_failure(Code::Internal, error.into()))
    }

    pub(crate) fn answers(
        &self,
        pack: &Pack,
        choice: &Choice,
    ) -> Result<BTreeMap<String, serde_json::Value>> {
        if let Some(name) = choice.inputs.keys().find(|name| !pack.inputs.contains_key(name.as_str())) {
            let known: Vec<&str> = pack.inputs.keys().map(firstlight_domain::id::InputName::as_str).collect();
            return Err(AppError::new(Code::InputInvalid, format!("This pack does not ask for `{name}`."))
                .hint(format!("It asks for: {}.", known.join(", "))));
        }
        // Whoever is on the way has answered already: what is left out now stays as it was.
        let before = self.with_world(|world| {
            let journey = world.journey.as_ref()?;
            (journey.pack.name == pack.name && journey.persona.as_str() == choice.persona)
                .then(|| journey.inputs.clone())
        });
        let before = before.unwrap_or_default();
        pack.inputs
            .iter()
            .map(|(name, input)| {
                let said = choice.inputs.get(name.as_str()).map(String::as_str);
                if let (None, Some(value)) = (said, before.get(name.as_str())) {
                    return Ok((name.to_string(), value.clone()));
                }
                let value = packs::answer(name.as_str(), input, said, &self.inner.facts.home)?;
                Ok((name.to_string(), value))
            })
            .collect()
    }

    pub(crate) fn scope_of(&self, planned: &Planned) -> Scope {
        self.scope(&planned.pack, planned.inputs.clone())
    }
}

pub(crate) fn persona(pack: &Pack, name: &str) -> Result<PersonaId> {
    pack.personas.keys().find(|id| id.as_str() == name).cloned().ok_or_else(|| {
        let known: Vec<&str> = pack.personas.keys().map(PersonaId::as_str).collect();
        AppError::new(Code::UnknownPersona, format!("This pack has no persona `{name}`."))
            .hint(format!("It has: {}.", known.join(", ")))
    })
}

pub(crate) fn graph(pack: &Pack, persona: &PersonaId) -> Result<Graph> {
    // A loaded pack was checked for cycles and missing steps; this is for the one that was built some other way.
    Graph::of(pack, persona).map_err(|error| AppError::new(Code::PackInvalid, error.to_string()))
}
