//! What the engine asks of whoever runs it. Small on purpose: a test implements it in a page.

use std::sync::Arc;

use async_trait::async_trait;
use firstlight_domain::{
    event::Event,
    facts::Facts,
    id::{CredentialName, StepId},
    plan::ConsentHash,
    state::{Failure, StepState},
};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{barred::Barred, facts::Admin};

/// The engine's surroundings.
#[async_trait]
pub trait Host: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Appends to the journal; durable once it returns. Errors stop the run: what cannot be recorded is not done.
    fn record(&self, events: Vec<Event>) -> Result<(), Failure>;

    /// The recorded state of a step, before this run or in it.
    fn state(&self, step: &StepId) -> Option<StepState>;

    /// Whether exactly this was done with success before (for steps without a check).
    fn was_done(&self, step: &StepId, what: &ConsentHash) -> bool;

    /// Whether the step was running when the program was killed, and has not run to an end since.
    fn was_cut_off(&self, step: &StepId) -> bool;

    /// Why the step does not go on: whoever was asked for it said no, and they were not asked again since.
    fn refused(&self, _step: &StepId) -> Option<Failure> {
        None
    }

    /// The id of the system's last start: another after each restart of the machine.
    fn boot(&self) -> String;

    /// Who gives administrator rights on this machine.
    async fn admin(&self, facts: &Facts) -> Admin {
        crate::facts::admin(facts, false).await
    }

    /// A program of ours that is an administrator session when it is started with
    /// [`ADMINISTRATOR_SESSION`](crate::process::ADMINISTRATOR_SESSION). Without one, each command asks for itself.
    fn administrator_program(&self) -> Option<std::path::PathBuf> {
        None
    }

    /// What may not be worked with for now. Asked before each step, because what a step brings may be what bars the next.
    fn barred(&self) -> Arc<Barred> {
        Arc::default()
    }

    /// A secret from the keychain; `None` if there is none of that name.
    async fn secret(&self, name: &CredentialName) -> Result<Option<SecretString>, Failure>;

    /// Puts a secret that was accepted into the keychain.
    async fn keep_secret(&self, accepted: AcceptedSecret) -> Result<(), Failure>;

    /// A fresh random secret of this many characters.
    fn generate_secret(&self, length: usize) -> Result<SecretString, Failure>;

    /// A filter that masks every secret known now, and the ones given, in one stream of output.
    fn mask(&self, also: &[(CredentialName, SecretString)]) -> Box<dyn Mask>;

    /// Something to show now; never awaited, never durable.
    fn show(&self, live: Live);

    /// Where logs of this run go, one file a step; created by the engine.
    fn log_folder(&self) -> std::path::PathBuf;

    /// Where running services are noted; created by the engine.
    fn services_folder(&self) -> std::path::PathBuf;
}

/// A secret that passed its test, on its way into the keychain.
pub struct AcceptedSecret {
    /// Its name.
    pub name: CredentialName,
    /// Its value.
    pub value: SecretString,
    /// Who issues it.
    pub issuer: Option<String>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// Masks secrets in one stream of bytes.
pub trait Mask: Send {
    /// Takes a chunk in, gives back what can be shown safely so far.
    fn push(&mut self, chunk: &[u8]) -> Vec<u8>;
    /// The rest.
    fn finish(&mut self) -> Vec<u8>;
}

/// Something to show while it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Whole lines a step printed, masked, colours kept, other control sequences removed.
    Log {
        /// The step.
        step: StepId,
        /// The number of the first line in its log, from 0.
        first: u32,
        /// The lines.
        lines: Vec<String>,
    },
    /// The system begins to ask for administrator rights, or was answered. At a terminal nothing else may be written
    /// meanwhile.
    AdministratorRights {
        /// Whether it asks now.
        asking: bool,
    },
    /// A long step goes on: sent each minute.
    StillRunning {
        /// The step.
        step: StepId,
        /// For how many seconds.
        seconds: u32,
    },
}
