//! The journal as a person can check it: verify, checkpoint.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use firstlight_contract::{
    error::Code,
    journal::{CheckpointView, JournalCheck},
};
use firstlight_domain::{id::CredentialName, journey::World};
use firstlight_journal::{Journal, SeedSigner, Signer};
use firstlight_vault::Keychain;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{
    error::{AppError, Result},
    home::Home,
    session::{Firstlight, Surroundings},
};

/// The device's signing key in the keychain.
const KEY: &str = "firstlight-device-key";
/// The newest checkpoint's note in the keychain.
const NOTE: &str = "firstlight-checkpoint";
/// Its length in characters: 48 of 62 hold more than the 256 bits of the seed, which is their hash.
const KEY_LENGTH: usize = 48;

/// Whether the journal of a home is as it was written, as far as checkpoints cover it. Reads the file as it is: opening
/// it to write would put a damaged one aside first.
///
/// The newest checkpoint must be signed with the key in the keychain, and be the one noted there; where the keychain
/// cannot be asked, what stands beside it in the file has to do, and the answer says so.
pub async fn verify_journal(home: &Home, surroundings: &Surroundings) -> Result<JournalCheck> {
    let keychain = surroundings.keychain.as_ref();
    let (key, kept, unasked) = match known(keychain).await {
        Ok((key, kept)) => (key, kept, None),
        Err(error) => {
            (None, None, Some(format!("The keychain could not be asked for the signing key: {error}")))
        }
    };
    let found = Journal::open_to_read(&home.journal())?.verify(key.as_ref(), kept.as_deref())?;
    Ok(JournalCheck {
        ok: found.ok(),
        records: number(found.records),
        anchored: number(found.anchored),
        // The journal counts its records from 1, the contract from 0.
        first_bad: found.first_bad().map(|seq| number(seq.saturating_sub(1))),
        reason: found.flaw.map(|flaw| format!("{flaw}.")).or(unasked),
    })
}

/// Begins an empty journal because the person said so; where the old one was put, if there was one. Nothing is deleted.
pub fn start_journal_anew(home: &Home, now: Timestamp) -> Result<Option<PathBuf>> {
    home.create()?;
    let _lock = home.lock()?;
    let (_, moved_to) = Journal::start_anew::<World>(&home.journal(), now)?;
    Ok(moved_to)
}

impl Firstlight {
    /// See [`verify_journal`].
    pub async fn verify_journal(&self) -> Result<JournalCheck> {
        verify_journal(self.home(), &self.inner.surroundings).await
    }

    /// Signs the journal as it is now with this device's key, which is made at the first checkpoint and lives in the
    /// keychain only. The note is kept there too: taking the newest records away together with their checkpoint is
    /// found by it.
    pub async fn checkpoint_journal(&self) -> Result<CheckpointView> {
        let keychain = self.inner.surroundings.keychain.as_ref();
        let signer = match signer(keychain).await? {
            Some(signer) => signer,
            None => {
                keychain.set(&name(KEY)?, &firstlight_vault::generate(KEY_LENGTH)?).await?;
                signer(keychain).await?.ok_or_else(|| {
                    AppError::new(Code::KeychainUnavailable, "The keychain did not keep the signing key.")
                })?
            }
        };
        let now = self.now();
        let made = self.history().journal_mut()?.checkpoint(now, &signer)?;
        keychain.set(&name(NOTE)?, &SecretString::from(made.note.clone())).await?;
        Ok(CheckpointView { records: number(made.size), root: STANDARD.encode(made.root), note: made.note })
    }
}

/// The device's public key and its newest checkpoint, as far as the keychain has them.
async fn known(keychain: &dyn Keychain) -> Result<(Option<[u8; 32]>, Option<String>)> {
    let key = signer(keychain).await?.and_then(|signer| signer.public_key().ok());
    let note = keychain.get(&name(NOTE)?).await?.map(|note| note.expose_secret().to_owned());
    Ok((key, note))
}

async fn signer(keychain: &dyn Keychain) -> Result<Option<SeedSigner>> {
    let secret = keychain.get(&name(KEY)?).await?;
    Ok(secret.map(|secret| SeedSigner::new(&Sha256::digest(secret.expose_secret()).into())))
}

/// What we keep in the keychain for ourselves.
pub(crate) fn own_names() -> Result<[CredentialName; 4]> {
    Ok([name(KEY)?, name(NOTE)?, crate::hub::token_name()?, crate::hub::access_name()?])
}

pub(crate) fn name(text: &str) -> Result<CredentialName> {
    CredentialName::new(text).map_err(|error| AppError::new(Code::Internal, error.to_string()))
}

fn number(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
