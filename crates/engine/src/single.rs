//! One step at a time, outside of a plan or a run: what it would do, trying the secret it asks for, and what the machine
//! and its tools go by.

use std::sync::Arc;

use firstlight_domain::{
    expr::Scope,
    graph::Graph,
    id::PersonaId,
    kind::{Capabilities, Class},
    pack::{Pack, Step},
    plan::{Download, Outcome, Plan, PlannedStep, Resolved},
    state::Failure,
};
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Engine, EngineError, Prepared},
    host::Host,
    plan::{in_words, until},
    provider::Context,
    providers::{credential, failure, network},
};

impl Engine {
    /// Who does a step of this kind; none if there is no such kind.
    pub fn class_of(&self, uses: &str) -> Option<Class> {
        self.kind(uses).map(|kind| kind.class)
    }

    /// What a step would do, as far as it is known. Looks at nothing.
    pub fn describe(&self, pack: &Pack, step: &Step, scope: &Scope) -> Result<Resolved, Failure> {
        match self.prepare(pack, step, scope) {
            Prepared::Ready(ready) => Ok(ready.resolved),
            Prepared::NotNeeded { why } => Err(failure(why)),
            Prepared::Unresolved { .. } => Err(failure("what it does depends on steps before it")),
            Prepared::Impossible(failure) => Err(failure),
        }
    }

    /// What a checklist holds for somebody on the machine `scope` tells of, who has done nothing yet. Looks at nothing.
    pub fn preview(&self, pack: &Pack, persona: &PersonaId, scope: &Scope) -> Result<Plan, EngineError> {
        if !pack.checklists.contains_key(persona) {
            return Err(EngineError::NoChecklist(persona.clone()));
        }
        let graph = Graph::of(pack, persona)?;
        let steps = graph.order().iter().filter_map(|id| {
            let step = pack.steps.get(id)?;
            let (outcome, resolved) = match self.prepare(pack, step, scope) {
                Prepared::NotNeeded { why } => (Outcome::NotNeeded(why), Resolved::default()),
                Prepared::Impossible(failure) => (Outcome::Blocked(in_words(failure)), Resolved::default()),
                Prepared::Unresolved { waits_for } => {
                    (Outcome::Unknown(until(pack, waits_for.iter())), Resolved::default())
                }
                Prepared::Ready(ready) if !ready.waits_for.is_empty() => {
                    (Outcome::Unknown(until(pack, ready.waits_for.iter())), ready.resolved)
                }
                Prepared::Ready(ready) => {
                    let what =
                        ready.resolved.text.clone().unwrap_or_else(|| "unless it holds already".to_owned());
                    (Outcome::WillChange(what), ready.resolved)
                }
            };
            Some(PlannedStep {
                id: id.clone(),
                class: self.class(step),
                outcome,
                resolved,
                held: None,
                download: Download::Nothing,
            })
        });
        Ok(Plan { pack: pack.reference(), persona: persona.clone(), steps: steps.collect() })
    }

    /// What a step declares to need, by its kind; nothing if there is no such kind.
    pub fn capabilities(&self, step: &Step) -> Capabilities {
        self.kind(&step.uses).map_or_else(Capabilities::default, |kind| (kind.needs)(&step.with))
    }

    /// Tries a value for a `credential` step and, if it is accepted, hands it to the host to keep.
    pub async fn accept_credential(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        value: SecretString,
        host: Arc<dyn Host>,
    ) -> Result<(), Failure> {
        let (with, cx) = self.credential(pack, step, scope, host)?;
        credential::accept(&with, value, &cx).await
    }

    /// Tries the value the keychain has for a `credential` step.
    pub async fn test_credential(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        host: Arc<dyn Host>,
    ) -> Result<(), Failure> {
        let (with, cx) = self.credential(pack, step, scope, host)?;
        credential::try_stored(&with, &cx).await
    }

    /// Which proxy and certificates this machine and its tools go by, and what they lack, as a `network` step sees it.
    pub async fn network(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        host: Arc<dyn Host>,
    ) -> Result<network::Survey, Failure> {
        let (with, cx) = self.in_context(pack, step, scope, host)?;
        network::Wanted::read(&with, &pack.root, scope.facts())?.survey(&cx).await
    }

    fn credential(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        host: Arc<dyn Host>,
    ) -> Result<(credential::With, Context), Failure> {
        let (with, cx) = self.in_context(pack, step, scope, host)?;
        let with = credential::parameters(&with).map_err(|error| failure(error.message))?;
        Ok((with, cx))
    }

    /// A step's parameters, resolved, and what it works with.
    fn in_context(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        host: Arc<dyn Host>,
    ) -> Result<(Value, Context), Failure> {
        let around = Self::around(host, false, None, &CancellationToken::new());
        let ready = match self.prepare(pack, step, scope) {
            Prepared::Ready(ready) if ready.waits_for.is_empty() => ready,
            Prepared::Impossible(failure) => return Err(failure),
            Prepared::NotNeeded { why } => return Err(failure(why)),
            Prepared::Ready(_) | Prepared::Unresolved { .. } => {
                return Err(failure("it cannot be tried before the steps it depends on are done"));
            }
        };
        let with = scope.render_value(&step.with).map_err(|error| failure(error.to_string()))?.0;
        Ok((with, Self::context(&ready, pack, scope, &around)))
    }
}
