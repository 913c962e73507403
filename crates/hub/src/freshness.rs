//! Keeping a repository of releases fresh. What is signed online holds for a week only, so that machines notice when nothing
//! new reaches them; somebody has to sign it again, and a hub is up anyway.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use firstlight_releases::publish::{PublishError, RealDisk, SecretKey, fresh_until, is_due, refresh};
use jiff::Timestamp;
use secrecy::SecretString;

/// How often it is looked whether it is time. What is signed holds for days, so an hour's failure is no harm.
const EVERY: Duration = Duration::from_secs(3600);

/// Which repository, and what signs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The repository's folder.
    pub folder: PathBuf,
    /// The file of the key that signs online.
    pub key: PathBuf,
    /// The file with its passphrase.
    pub passphrase: PathBuf,
}

/// Why a repository cannot be kept fresh.
#[derive(Debug, thiserror::Error)]
pub enum FreshnessError {
    /// There is no passphrase.
    #[error("the passphrase {} cannot be read: {source}", path.display())]
    Passphrase {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The key cannot be used.
    #[error("{}: {source}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: PublishError,
    },
    /// The repository is not one, or the key may not sign for it.
    #[error("{}: {source}", folder.display())]
    Repository {
        /// Its folder.
        folder: PathBuf,
        /// Why not.
        source: PublishError,
    },
}

/// A repository and the key that signs for it.
#[derive(Debug)]
pub struct Freshness {
    folder: PathBuf,
    key: SecretKey,
    until: Arc<AtomicI64>,
}

impl Freshness {
    /// Reads the key, and signs at once if it is time: what does not work is said when the hub starts, not days later.
    pub fn begin(settings: &Settings, now: Timestamp) -> Result<Self, FreshnessError> {
        let passphrase = fs::read_to_string(&settings.passphrase)
            .map_err(|source| FreshnessError::Passphrase { path: settings.passphrase.clone(), source })?;
        let passphrase = SecretString::from(passphrase.trim_end_matches(['\r', '\n']).to_owned());
        let key = SecretKey::load(&settings.key, &passphrase)
            .map_err(|source| FreshnessError::Key { path: settings.key.clone(), source })?;
        let freshness = Self { folder: settings.folder.clone(), key, until: Arc::default() };
        freshness.look(now)?;
        Ok(freshness)
    }

    /// Until when machines take the repository as fresh, in seconds since 1970.
    pub fn until(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.until)
    }

    /// Looks every hour, for ever. A failure is said, and tried again.
    pub async fn keep(self, now: fn() -> Timestamp) {
        let this = Arc::new(self);
        loop {
            tokio::time::sleep(EVERY).await;
            let looking = Arc::clone(&this);
            match tokio::task::spawn_blocking(move || looking.look(now())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the releases could not be signed again"),
                Err(error) => tracing::error!(%error, "the releases could not be looked at"),
            }
        }
    }

    /// Signs again if more than half of the time is over.
    fn look(&self, now: Timestamp) -> Result<(), FreshnessError> {
        let wrong = |source| FreshnessError::Repository { folder: self.folder.clone(), source };
        let until = if is_due(&self.folder, now).map_err(wrong)? {
            let done = refresh(&self.folder, &self.key, now, &RealDisk).map_err(wrong)?;
            tracing::info!(until = %done.fresh_until, "signed the releases again");
            for (role, expires) in done.renew_soon {
                tracing::warn!(%role, %expires, "only people can sign this again, and should soon");
            }
            done.fresh_until
        } else {
            fresh_until(&self.folder).map_err(wrong)?
        };
        self.until.store(until.as_second(), Relaxed);
        Ok(())
    }
}
