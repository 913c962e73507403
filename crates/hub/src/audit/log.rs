//! The whole log, as a database has it: read, verified, signed, exported. What it says may not be what was written.

use std::{collections::BTreeMap, io};

use firstlight_domain::plan::hex;
use firstlight_tlog::{
    Check, Checkpoint, Flaw, SeedSigner, SignError, Signer as _, Stored, Tree, Walk, claims, make,
    verifier_key,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Act, Record, Sealed,
    record::{Names, Unreadable, holds},
};
use crate::store::StoreError;

/// Everything a database has of the log, of one moment.
pub struct Log {
    /// What tells this hub's log from any other.
    pub(crate) id: Uuid,
    /// The secret half of the key that signs.
    pub(crate) seed: [u8; 32],
    pub(crate) stored: Vec<Stored>,
    pub(crate) names: Vec<Sealed>,
    /// By size.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Log")
            .field("id", &self.id)
            .field("records", &self.stored.len())
            .finish_non_exhaustive()
    }
}

impl Log {
    /// The name of the log in its checkpoints, which is also its key's name.
    pub fn origin(&self) -> String {
        format!("firstlight.dev/hub/{}", self.id)
    }

    /// The key its checkpoints are signed with, in the text form of C2SP signed notes: to be kept elsewhere.
    pub fn verifier_key(&self) -> Result<String, SignError> {
        let key = SeedSigner::new(&self.seed).public_key()?;
        verifier_key(&self.origin(), &key).ok_or_else(|| SignError("the key is none".to_owned()))
    }

    /// What was done, oldest first.
    pub fn records(&self) -> Vec<Result<Record, Unreadable>> {
        let names = Names::of(&self.names);
        let read = |stored: &Stored| names.read(stored.seq, stored.body.as_deref().unwrap_or_default());
        self.stored.iter().map(read).collect()
    }

    /// The settings a hub served with last, if they are known.
    pub fn settings(&self) -> Option<BTreeMap<String, String>> {
        self.records().into_iter().rev().flatten().find_map(|record| {
            let Act::SettingsChanged { settings } = record.act else { return None };
            Some(settings)
        })
    }

    /// Checks every record against its commitment and its place, every name against the record it is in, every
    /// checkpoint's signature, and the tree against every checkpoint.
    ///
    /// `kept`: a checkpoint that was kept elsewhere. Whoever can write the database can sign anew, because the key is in it
    /// too; what they cannot do is to make another log agree with what was signed before.
    pub fn verify(&self, kept: Option<&str>) -> Result<Check, SignError> {
        let key = SeedSigner::new(&self.seed).public_key()?;
        let (claims, bad_checkpoint) = claims(&self.origin(), &self.checkpoints, Some(&key), kept);
        let mut walk = Walk::new(claims);
        for stored in &self.stored {
            walk.take(stored.clone());
        }
        let check = walk.end(self.bad_name().or(bad_checkpoint));
        let names = Names::of(&self.names);
        let erased = self.stored.iter().filter(|stored| {
            let body = stored.body.as_deref().unwrap_or_default();
            serde_json::from_slice(body).is_ok_and(|mut value: Value| names.open(&mut value) > 0)
        });
        Ok(Check { erased: erased.count() as u64, ..check })
    }

    /// The first record one of whose names is not the one that was written.
    fn bad_name(&self) -> Option<Flaw> {
        let bodies: BTreeMap<u64, &[u8]> = self
            .stored
            .iter()
            .map(|stored| (stored.seq, stored.body.as_deref().unwrap_or_default()))
            .collect();
        let bad =
            self.names.iter().filter(|name| !bodies.get(&name.seq).is_some_and(|body| holds(name, body)));
        bad.map(|name| name.seq).min().map(|seq| Flaw::Changed { seq })
    }

    /// Signs the log as it is.
    pub(crate) fn sign(&self, at: Timestamp) -> Result<Checkpoint, StoreError> {
        let mut tree = Tree::new();
        for stored in &self.stored {
            // What is signed has to be what was written.
            if !stored.is_whole_at(tree.len() + 1) {
                let place = tree.len() + 1;
                return Err(StoreError::Damaged(format!(
                    "record {place} of the audit log is not what was written"
                )));
            }
            tree.push(stored.leaf.clone());
        }
        Ok(make(&self.origin(), &tree, at, &SeedSigner::new(&self.seed))?)
    }

    /// Writes everything needed to verify the log elsewhere, one JSON object a line: the log, then each record (`seq`,
    /// `salt`, `leaf`, and `body`, the exact text that SHA-256(salt || body) = leaf covers), then each name that a record
    /// has the commitment of (SHA-256(salt || name) = seal), then each checkpoint.
    pub fn export(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let key = self.verifier_key().map_err(io::Error::other)?;
        writeln!(out, "{}", json!({ "type": "audit", "version": 1, "origin": self.origin(), "key": key }))?;
        for Stored { seq, body, salt, leaf } in &self.stored {
            let body = body.as_deref().map(String::from_utf8_lossy);
            let salt = salt.as_deref().map(hex);
            writeln!(
                out,
                "{}",
                json!({ "type": "record", "seq": seq, "body": body, "salt": salt, "leaf": hex(leaf) })
            )?;
        }
        for Sealed { seq, seal, salt, name, person: _ } in &self.names {
            writeln!(
                out,
                "{}",
                json!({ "type": "name", "seq": seq, "seal": hex(seal), "salt": hex(salt), "name": name })
            )?;
        }
        for checkpoint in &self.checkpoints {
            writeln!(
                out,
                "{}",
                json!({ "type": "checkpoint", "size": checkpoint.size, "note": checkpoint.note })
            )?;
        }
        Ok(())
    }
}
