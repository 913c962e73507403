//! What the engine asks of us: the journal, the keychain, masking, and somebody to show things to.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use firstlight_contract::{commands::Notice, run::RunEvent};
use firstlight_domain::{
    event::Event,
    facts::Facts,
    id::{CredentialName, RunId, StepId},
    journey::Journey,
    plan::ConsentHash,
    state::{Failure, StepState},
};
use firstlight_engine::{
    Barred,
    facts::Admin,
    host::{AcceptedSecret, Host, Live, Mask},
};
use firstlight_vault::{MaskStream, Masker, VaultError};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    error::AppError,
    session::{Firstlight, lock},
};

/// The app as the engine sees it, for one run (or for a plan, which has none).
pub(crate) struct AppHost {
    app: Firstlight,
    run: Option<RunId>,
    /// Whether what is done belongs to no journey; a journey's steps are then not known either.
    outside: bool,
    /// What may not be worked with, for a plan; a run learns of it as it goes.
    planned: Option<Arc<Barred>>,
    /// Why an accepted secret could not be kept: a trouble of the keychain, not of the value.
    not_kept: Mutex<Option<AppError>>,
}

impl AppHost {
    pub(crate) fn new(app: &Firstlight, run: Option<RunId>) -> Self {
        Self { app: app.clone(), run, outside: false, planned: None, not_kept: Mutex::default() }
    }

    /// For a plan, in which this may not be worked with.
    pub(crate) fn planning(app: &Firstlight, barred: Barred) -> Self {
        Self { planned: Some(Arc::new(barred)), ..Self::new(app, None) }
    }

    /// For what belongs to no journey.
    pub(crate) fn outside(app: &Firstlight, run: Option<RunId>) -> Self {
        Self { outside: true, ..Self::new(app, run) }
    }
}

impl AppHost {
    /// Something of the journey that what is done belongs to.
    fn of_journey<T>(&self, read: impl FnOnce(&Journey) -> Option<T>) -> Option<T> {
        self.app.with_world(|world| world.journey.as_ref().filter(|_| !self.outside).and_then(read))
    }

    /// The step that a run has just brought to hold.
    fn made<'e>(&self, event: &'e Event) -> Option<&'e StepId> {
        match event {
            Event::StepChanged { step, state, .. }
                if self.run.is_some() && !self.outside && has_path(state) =>
            {
                Some(step)
            }
            _ => None,
        }
    }

    /// Why an accepted secret could not be kept, if that is what went wrong.
    pub(crate) fn take_not_kept(&self) -> Option<AppError> {
        lock(&self.not_kept).take()
    }
}

#[async_trait]
impl Host for AppHost {
    fn now(&self) -> Timestamp {
        self.app.now()
    }

    fn record(&self, events: Vec<Event>) -> Result<(), Failure> {
        let events =
            if self.outside { events.into_iter().filter_map(outside_of_a_journey).collect() } else { events };
        let happened = self.app.append(&events).map_err(failure)?;
        self.app.tell_of_all(&happened);
        for made in events.iter().filter_map(|event| self.made(event)) {
            self.app.check_made(made).map_err(failure)?;
        }
        Ok(())
    }

    fn barred(&self) -> Arc<Barred> {
        match &self.planned {
            Some(planned) => Arc::clone(planned),
            None if self.outside => Arc::default(),
            None => Arc::clone(&lock(&self.app.inner.barred)),
        }
    }

    fn state(&self, step: &StepId) -> Option<StepState> {
        self.of_journey(|journey| journey.state(step).cloned())
    }

    fn was_done(&self, step: &StepId, what: &ConsentHash) -> bool {
        self.of_journey(|journey| journey.was_done(step, what).then_some(())).is_some()
    }

    fn was_cut_off(&self, step: &StepId) -> bool {
        self.of_journey(|journey| journey.steps.get(step).filter(|step| step.cut_off).map(drop)).is_some()
    }

    fn refused(&self, step: &StepId) -> Option<Failure> {
        if self.outside {
            return None;
        }
        self.app.with_world(|world| {
            let failed = matches!(world.journey.as_ref()?.state(step)?, StepState::Failed(_));
            world.request_for(step).filter(|_| failed).and_then(|(_, record)| record.refusal())
        })
    }

    fn boot(&self) -> String {
        (self.app.inner.surroundings.boot)()
    }

    async fn admin(&self, _facts: &Facts) -> Admin {
        self.app.admin().await
    }

    fn administrator_program(&self) -> Option<PathBuf> {
        self.app.inner.surroundings.administrator.clone()
    }

    async fn secret(&self, name: &CredentialName) -> Result<Option<SecretString>, Failure> {
        let value = self.app.inner.surroundings.keychain.get(name).await.map_err(|e| vault_failure(&e))?;
        if let Some(value) = &value {
            lock(&self.app.inner.secrets).insert(name.clone(), value.clone());
        }
        Ok(value)
    }

    async fn keep_secret(&self, accepted: AcceptedSecret) -> Result<(), Failure> {
        self.app.keep_secret(accepted).await.map_err(|error| {
            *lock(&self.not_kept) = Some(error.clone());
            failure(error)
        })
    }

    fn generate_secret(&self, length: usize) -> Result<SecretString, Failure> {
        firstlight_vault::generate(length).map_err(|e| vault_failure(&e))
    }

    fn mask(&self, also: &[(CredentialName, SecretString)]) -> Box<dyn Mask> {
        let known = lock(&self.app.inner.secrets);
        // The same value under the name of the variable it is handed in says less than its own.
        let new =
            |value: &SecretString| known.values().all(|one| one.expose_secret() != value.expose_secret());
        let also = also.iter().filter(|(_, value)| new(value)).map(|(name, value)| (name, value));
        let all = known.iter().chain(also);
        match Masker::new(all) {
            Ok(masker) => Box::new(Masking(Some(masker.stream()))),
            // Better no output than one that might show a secret.
            Err(error) => {
                tracing::error!(%error, "output is withheld");
                Box::new(Masking(None))
            }
        }
    }

    fn show(&self, live: Live) {
        let event = match live {
            Live::Log { step, first, lines } => RunEvent::Log { step: step.to_string(), first, lines },
            Live::AdministratorRights { asking } => RunEvent::AdministratorRights { asking },
            Live::StillRunning { step, seconds } => {
                RunEvent::StillRunning { step: step.to_string(), seconds }
            }
        };
        self.app.tell(Notice::Run { event });
    }

    fn log_folder(&self) -> PathBuf {
        let run = self.run.map_or_else(|| "plan".to_owned(), |run| run.to_string());
        self.app.home().logs().join(run)
    }

    fn services_folder(&self) -> PathBuf {
        self.app.home().services()
    }
}

/// Whether a state tells of a folder, as those of steps that bring a project do.
fn has_path(state: &StepState) -> bool {
    state.outputs().is_some_and(|outputs| outputs.contains_key("path"))
}

/// What the engine records of a step, as it is kept of one that belongs to no journey.
fn outside_of_a_journey(event: Event) -> Option<Event> {
    match event {
        Event::ReceiptKept { step, run: _, receipt } => Some(Event::FixReceiptKept { fix: step, receipt }),
        Event::StepChanged { step, state, run: _, done: _ } => {
            let failed = |cause: String| Some(Failure { cause, last_lines: Vec::new(), hint: None });
            let failure = match state {
                StepState::Pending | StepState::Ready | StepState::Running => return None,
                StepState::Satisfied { .. } | StepState::Changed { .. } | StepState::Undone => None,
                StepState::Failed(failure) => Some(failure),
                StepState::Blocked { reason, by: _ } => failed(reason),
                StepState::Unknown { why } | StepState::Skipped { why } => failed(why),
                StepState::Waiting { on: _ } => failed("it waits for a person".to_owned()),
            };
            Some(Event::FixEnded { fix: step, failure })
        }
        // Nobody's journey: there is no list of things to do that it could stand on.
        Event::FollowUpDue { .. } => None,
        // The engine records nothing else.
        other => Some(other),
    }
}

struct Masking(Option<MaskStream>);

impl Mask for Masking {
    fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.0.as_mut().map(|stream| stream.push(chunk)).unwrap_or_default()
    }

    fn finish(&mut self) -> Vec<u8> {
        self.0.take().map(MaskStream::finish).unwrap_or_default()
    }
}

pub(crate) fn failure(error: AppError) -> Failure {
    Failure { cause: error.0.message, last_lines: error.0.last_lines, hint: error.0.hint }
}

pub(crate) fn vault_failure(error: &VaultError) -> Failure {
    let text = error.to_string();
    Failure {
        cause: format!("The keychain cannot be used: {text}."),
        last_lines: Vec::new(),
        hint: Some(error.hint().to_owned()),
    }
}
