//! Keys and their passphrases: from a prompt that shows nothing, or from standard input, one a line.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, IsTerminal, Read},
    path::Path,
};

use firstlight_app::{
    AppError,
    publishing::{self, KeyPlace},
};
use firstlight_contract::{error::Code, publishing::KeyView};
use secrecy::{ExposeSecret as _, SecretString};

use super::super::super::{read, read_secret, surroundings};
use crate::output::Output;

/// An opened key.
pub(super) use firstlight_app::publishing::Key;

/// No passphrases are longer; a pipe that never ends must not fill the memory.
const LONGEST: u64 = 64 * 1024;

/// Opens keys, asking for each passphrase once.
pub(super) struct Keys {
    output: Output,
    /// What standard input holds, once it was read.
    lines: Option<VecDeque<SecretString>>,
    asked: HashMap<String, SecretString>,
}

impl Keys {
    pub(super) fn new(output: Output) -> Self {
        Self { output, lines: None, asked: HashMap::new() }
    }

    pub(super) async fn open(&mut self, place: &KeyPlace) -> anyhow::Result<Key> {
        let passphrase = if place.needs_passphrase() {
            let name = place.to_string();
            let known = match self.asked.remove(&name) {
                Some(known) => known,
                None => self.passphrase(&format!("Passphrase of {name} (not shown): ")).await?,
            };
            self.asked.insert(name, known.clone());
            Some(known)
        } else {
            None
        };
        let keychain = surroundings().keychain;
        Ok(publishing::open_key(place, passphrase.as_ref(), keychain.as_ref()).await?)
    }

    async fn passphrase(&mut self, prompt: &str) -> anyhow::Result<SecretString> {
        if io::stdin().is_terminal() {
            return read_secret(prompt, self.output).await;
        }
        if self.lines.is_none() {
            let text = read(|| {
                let mut text = String::new();
                io::stdin().take(LONGEST).read_to_string(&mut text).map(|_| text)
            });
            let text = SecretString::from(text.await?);
            self.lines = Some(text.expose_secret().lines().map(SecretString::from).collect());
        }
        let line = self.lines.as_mut().and_then(VecDeque::pop_front);
        Ok(line.ok_or_else(|| {
            AppError::new(Code::Usage, "A passphrase is missing.")
                .hint("Run it in a terminal, or give one line for each key on standard input.")
        })?)
    }
}

/// Makes a key, with a passphrase that was typed twice.
pub(super) async fn generate(
    file: &Path,
    owner: &str,
    keychain: bool,
    output: Output,
) -> anyhow::Result<KeyView> {
    let mut keys = Keys::new(output);
    let passphrase = if keychain {
        None
    } else {
        let first = keys.passphrase("New passphrase, at least 12 characters (not shown): ").await?;
        if io::stdin().is_terminal() {
            let again = keys.passphrase("Once more: ").await?;
            if first.expose_secret() != again.expose_secret() {
                return Err(AppError::new(Code::Usage, "The two passphrases differ.")
                    .hint("Nothing was made. Try again.")
                    .into());
            }
        }
        Some(first)
    };
    let keychain = surroundings().keychain;
    Ok(publishing::keygen(file, owner, passphrase, keychain.as_ref()).await?)
}
