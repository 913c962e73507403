//! Credentials: what is known of them, and putting a value into the keychain after it was tried. A value goes in here
//! and never comes out, except to the tasks that were declared to need it.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use firstlight_contract::{
    commands::Choice,
    credential::{CredentialTest, CredentialView},
    error::Code,
};
use firstlight_domain::{
    event::Event,
    expr::Scope,
    id::{CredentialName, PersonaId},
    journey::Credential,
    pack::{Checklist, Pack, Step},
    plan::Plan,
    state::{Failure, StepState},
};
use firstlight_engine::host::{AcceptedSecret, Host};
use firstlight_vault::VaultError;
use secrecy::SecretString;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    planning::Planned,
    session::{Firstlight, lock},
};

impl Firstlight {
    /// The credentials of the journey at hand, and any others that were stored from here.
    pub fn credentials(&self) -> Result<Vec<CredentialView>> {
        let pack = match self.journey_pack() {
            Ok(pack) => Some(pack),
            Err(error) if error.code() == Code::NoJourney => None,
            Err(error) => return Err(error),
        };
        let known = self.with_world(|world| world.credentials.clone());
        let mut names: Vec<CredentialName> = pack.iter().flat_map(|pack| credential_names(pack)).collect();
        names.extend(known.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        Ok(names.into_iter().map(|name| view(pack.as_deref(), &name, known.get(&name))).collect())
    }

    /// Tries a value and keeps it if it is accepted; then goes on with what waited for it.
    pub async fn store_credential(&self, name: &str, value: SecretString) -> Result<CredentialView> {
        let name = credential_name(name)?;
        firstlight_vault::check_value(&value)?;
        let (planned, step) = self.credential_step(&name)?;
        let scope = self.credential_scope(&planned);
        let host = Arc::new(AppHost::new(self, None));
        let engine = &self.inner.engine;
        let asked: Arc<dyn Host> = host.clone();
        if let Err(failure) = engine.accept_credential(&planned.pack, &step, &scope, value, asked).await {
            return Err(host.take_not_kept().unwrap_or_else(|| self.refused(&name, failure)));
        }
        self.after_storing(&planned, &step, &name).await
    }

    /// Makes a value, tries it and keeps it.
    pub async fn generate_credential(&self, name: &str) -> Result<CredentialView> {
        let name = credential_name(name)?;
        let (_, step) = self.credential_step(&name)?;
        let length = step
            .with
            .get("generate")
            .map(|generate| generate.get("length").and_then(serde_json::Value::as_u64).unwrap_or(32))
            .ok_or_else(|| {
                AppError::new(
                    Code::CredentialInvalid,
                    format!("`{name}` comes from its issuer and cannot be made here."),
                )
            })?;
        let value = firstlight_vault::generate(usize::try_from(length).unwrap_or(32))?;
        self.store_credential(name.as_str(), value).await
    }

    /// Tries the value the keychain holds.
    pub async fn test_credential(&self, name: &str) -> Result<CredentialTest> {
        let name = credential_name(name)?;
        let (planned, step) = self.credential_step(&name)?;
        let scope = self.credential_scope(&planned);
        let host = Arc::new(AppHost::new(self, None));
        let outcome = self.inner.engine.test_credential(&planned.pack, &step, &scope, host).await;
        let ok = outcome.is_ok();
        let (reason, last_lines) = outcome.err().map(|failure| (failure.cause, failure.last_lines)).unzip();
        self.append(&[Event::CredentialTested { name, ok, reason: reason.clone() }])?;
        Ok(CredentialTest {
            at: self.now().to_string(),
            ok,
            reason,
            last_lines: last_lines.unwrap_or_default(),
        })
    }

    /// Removes the value from the keychain. The step that asked for it waits again.
    pub async fn remove_credential(&self, name: &str) -> Result<CredentialView> {
        let name = credential_name(name)?;
        match self.inner.surroundings.keychain.delete(&name).await {
            Ok(()) | Err(VaultError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        lock(&self.inner.secrets).remove(&name);
        let mut events = vec![Event::CredentialRemoved { name: name.clone() }];
        if let Ok((_, step)) = self.credential_step(&name) {
            let done =
                self.current_journey().is_ok_and(|j| j.state(&step.id).is_some_and(StepState::is_done));
            if done {
                events.push(Event::StepChanged {
                    step: step.id,
                    run: None,
                    state: StepState::Ready,
                    done: None,
                });
            }
        }
        let happened = self.append(&events)?;
        self.tell_of_all(&happened);
        let pack = self.journey_pack().ok();
        Ok(view(pack.as_deref(), &name, None))
    }

    /// Puts an accepted value into the keychain, and that it is there into the journal. The value first: a record of
    /// something that is not there would be worse than a value nobody has noted.
    pub(crate) async fn keep_secret(&self, accepted: AcceptedSecret) -> Result<()> {
        let AcceptedSecret { name, value, issuer, expires_at } = accepted;
        self.inner.surroundings.keychain.set(&name, &value).await?;
        lock(&self.inner.secrets).insert(name.clone(), value);
        self.append(&[
            Event::CredentialStored { name: name.clone(), issuer, expires_at },
            Event::CredentialTested { name, ok: true, reason: None },
        ])
        .map(drop)
    }

    /// Reads the secrets a pack uses, so that they are masked from the first line on. What cannot be read now is read
    /// (and its error told) when a step needs it.
    pub(crate) async fn load_secrets(&self, pack: &Pack) {
        let stored = self.with_world(|world| world.credentials.clone());
        let used =
            pack.steps.values().flat_map(|step| step.secrets.names().cloned()).chain(credential_names(pack));
        for name in used.filter(|name| stored.get(name).is_some_and(|known| known.stored_at.is_some())) {
            if lock(&self.inner.secrets).contains_key(&name) {
                continue;
            }
            if let Ok(Some(value)) = self.inner.surroundings.keychain.get(&name).await {
                lock(&self.inner.secrets).insert(name, value);
            }
        }
    }

    async fn after_storing(
        &self,
        planned: &Planned,
        step: &Step,
        name: &CredentialName,
    ) -> Result<CredentialView> {
        let known = self.with_world(|world| world.credentials.get(name).cloned());
        let waits = !self.current_journey().is_ok_and(|j| j.state(&step.id).is_some_and(StepState::is_done));
        if waits && self.current_journey().is_ok() {
            self.settle(planned, &step.id, BTreeMap::new(), None)?;
        }
        self.carry_on().await;
        Ok(view(Some(&planned.pack), name, known.as_ref()))
    }

    /// The step that asks for a credential, in the journey's pack or the one at hand.
    fn credential_step(&self, name: &CredentialName) -> Result<(Planned, Step)> {
        let planned = match self.planned_journey() {
            Ok(planned) => planned,
            Err(error) => match self.pack_at_hand() {
                Some(pack) => self.planned_without_journey(pack, name).ok_or_else(|| unknown(name))?,
                None => return Err(error),
            },
        };
        let step = planned
            .pack
            .steps
            .values()
            .find(|step| asks_for(step, name))
            .cloned()
            .ok_or_else(|| unknown(name))?;
        Ok((planned, step))
    }

    /// Before a journey has begun there are no outputs to see.
    fn credential_scope(&self, planned: &Planned) -> Scope {
        match self.current_journey() {
            Ok(journey) => self.journey_scope(&planned.pack, &journey),
            Err(_) => self.scope_of(planned),
        }
    }

    /// The first checklist of a pack that asks for a credential, with the pack's own answers: enough to try a value
    /// before a journey has begun.
    fn planned_without_journey(&self, pack: Arc<Pack>, name: &CredentialName) -> Option<Planned> {
        let asks = |persona: &&PersonaId| {
            let steps = pack.checklists.get(*persona).into_iter().flat_map(Checklist::steps);
            steps.filter_map(|id| pack.steps.get(id)).any(|step| asks_for(step, name))
        };
        let persona = pack.checklists.keys().find(asks)?.clone();
        let choice = Choice { persona: persona.to_string(), ..Choice::default() };
        let inputs = self.answers(&pack, &choice).ok()?;
        let plan = Plan { pack: pack.reference(), persona: persona.clone(), steps: Vec::new() };
        let (begun, recorded) = (Instant::now(), 0);
        Some(Planned { consent: plan.consent(), pack, persona, inputs, plan, begun, recorded })
    }

    fn refused(&self, name: &CredentialName, failure: Failure) -> AppError {
        // Only the fact is kept; the reason was masked by the engine.
        let event =
            Event::CredentialTested { name: name.clone(), ok: false, reason: Some(failure.cause.clone()) };
        if let Err(error) = self.append(&[event]) {
            tracing::error!(%error, "a refused credential could not be noted");
        }
        AppError::from_failure(Code::CredentialRefused, failure)
    }
}

fn credential_name(text: &str) -> Result<CredentialName> {
    CredentialName::new(text).map_err(|error| AppError::new(Code::CredentialUnknown, format!("{error}.")))
}

fn credential_names(pack: &Pack) -> Vec<CredentialName> {
    let asked = pack.steps.values().filter(|step| step.uses == "credential");
    asked
        .filter_map(|step| step.with.get("name")?.as_str().and_then(|name| CredentialName::new(name).ok()))
        .collect()
}

fn asks_for(step: &Step, name: &CredentialName) -> bool {
    step.uses == "credential" && step.with.get("name").and_then(|n| n.as_str()) == Some(name.as_str())
}

fn unknown(name: &CredentialName) -> AppError {
    AppError::new(Code::CredentialUnknown, format!("There is no credential `{name}`."))
        .hint("`firstlight credential list` shows those of this journey.")
}

fn view(pack: Option<&Pack>, name: &CredentialName, known: Option<&Credential>) -> CredentialView {
    let steps = || pack.into_iter().flat_map(|pack| pack.steps.values());
    let step = steps().find(|step| asks_for(step, name));
    let text = |field: &str| step.and_then(|step| step.with.get(field)?.as_str().map(str::to_owned));
    CredentialView {
        name: name.to_string(),
        title: text("title")
            .or_else(|| step.map(|step| step.title.clone()))
            .unwrap_or_else(|| name.to_string()),
        issuer: known.and_then(|k| k.issuer.clone()).or_else(|| text("issuer")),
        present: known.is_some_and(|k| k.stored_at.is_some()),
        stored_at: known.and_then(|k| k.stored_at).map(|at| at.to_string()),
        expires_at: known.and_then(|k| k.expires_at).map(|at| at.to_string()),
        last_test: known.and_then(|k| k.last_test.clone()).map(|(at, ok, reason)| CredentialTest {
            at: at.to_string(),
            ok,
            reason,
            last_lines: Vec::new(),
        }),
        used_by: steps()
            .filter(|step| step.secrets.names().any(|n| n == name))
            .map(|step| step.id.to_string())
            .collect(),
        can_generate: step.is_some_and(|step| step.with.get("generate").is_some()),
    }
}
