//! What has left this machine, what will, and the person's decisions about it.

use std::io::Write;

use firstlight_contract::{
    error::Code,
    privacy::{Classification, EventView, PrivacyView, PropertyView, Sharing},
};
use firstlight_domain::event::Event;
use firstlight_journal::{Classification as Class, OutboxRow, PROPERTIES};
use firstlight_vault::VaultError;

use crate::{
    error::{AppError, Result},
    session::{Firstlight, lock},
};

impl Firstlight {
    /// Every byte that left or will leave, and every property that may.
    pub fn privacy(&self) -> Result<PrivacyView> {
        let hub = self.hub()?;
        let history = self.history();
        let journal = history.journal()?;
        let (queued, held_back): (Vec<_>, Vec<_>) =
            journal.queued()?.into_iter().partition(|event| event.consented);
        Ok(PrivacyView {
            sharing: if history.world().sharing { Sharing::On } else { Sharing::Paused },
            hub,
            queued: queued.into_iter().map(event).collect(),
            held_back: held_back.into_iter().map(event).collect(),
            sent: journal.sent()?.into_iter().rev().map(event).collect(),
            properties: PROPERTIES
                .iter()
                .map(|property| PropertyView {
                    name: property.name.to_owned(),
                    classification: match property.classification {
                        Class::Public => Classification::Public,
                        Class::Internal => Classification::Internal,
                        Class::Personal => Classification::Personal,
                        Class::Sensitive => Classification::Sensitive,
                    },
                    purpose: property.purpose.to_owned(),
                    retention_days: u32::from(property.retention_days),
                })
                .collect(),
        })
    }

    /// Shares, or pauses sharing.
    pub fn set_sharing(&self, sharing: Sharing) -> Result<PrivacyView> {
        self.append(&[Event::SharingChanged { on: sharing == Sharing::On }])?;
        self.privacy()
    }

    /// Writes everything Firstlight knows, as JSON lines with what is needed to verify them.
    pub fn export(&self, out: &mut dyn Write) -> Result<()> {
        Ok(self.history().journal()?.export(out)?)
    }

    /// Deletes everything Firstlight keeps on this machine, credentials first, and begins anew. What could not be
    /// removed from the keychain stops it, so that nothing is left behind without a trace of it.
    pub async fn delete_everything(&self) -> Result<()> {
        if self.is_running() {
            return Err(AppError::new(Code::RunInProgress, "A run is going on.").hint("Cancel it first."));
        }
        // What is looked at after a run must not be written down when everything is gone.
        self.wait_until_idle().await;
        let names: Vec<_> = self.with_world(|world| world.credentials.keys().cloned().collect());
        for name in names.into_iter().chain(crate::journal_commands::own_names()?) {
            match self.inner.surroundings.keychain.delete(&name).await {
                Ok(()) | Err(VaultError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.home().forget(&self.home().hub())?;
        lock(&self.inner.secrets).clear();
        *lock(&self.inner.help_bundle) = None;
        *lock(&self.inner.planned) = None;
        let now = self.now();
        self.history().begin_anew(&self.home().journal(), now)?;
        for folder in [self.home().logs(), self.home().services()] {
            match std::fs::remove_dir_all(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.home().not_writable(&error)),
            }
        }
        Ok(())
    }
}

fn event(event: OutboxRow) -> EventView {
    EventView {
        id: event.id,
        sequence: event.sequence.map(|sequence| u32::try_from(sequence).unwrap_or(u32::MAX)),
        time: event.time.to_string(),
        kind: event.kind,
        body: event.body,
        sent_at: event.sent_at.map(|at| at.to_string()),
        refused: event.refused,
    }
}
