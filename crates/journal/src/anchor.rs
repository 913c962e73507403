//! The checkpoints of a journal, which anchor the records before them: made, and kept in its file.

use std::path::Path;

use firstlight_tlog::{Checkpoint, Hash, SignError, Signer, Tree, make};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{Journal, JournalError, journal::each, record};

impl Journal {
    /// Signs the tree as it is now, keeps the checkpoint and refreshes the last good copy. Asked again while nothing
    /// was appended it returns the same checkpoint.
    pub fn checkpoint(&mut self, at: Timestamp, signer: &dyn Signer) -> Result<Checkpoint, JournalError> {
        let not_signed = |error: SignError| JournalError::NotSigned { cause: error.0 };
        let key = signer.public_key().map_err(not_signed)?;
        let path = self.path.clone();
        let fail = |error| JournalError::sqlite(&path, &error);
        let origin = origin(&self.device);
        let transaction =
            self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        let tree = tree(&transaction, &path)?;
        let size = tree.len();
        let kept = transaction
            .query_row("SELECT 1 FROM anchor WHERE size = ?1 AND key = ?2", params![size, key], |_| Ok(()))
            .optional()
            .map_err(fail)?;
        if kept.is_none() {
            let made = make(&origin, &tree, at, signer).map_err(not_signed)?;
            let Checkpoint { root, note, .. } = &made;
            let sum = sum(size, at, root, &key, note);
            transaction
                .execute(
                    "INSERT INTO anchor (size, at, root, key, note, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![size, at.to_string(), root, key, note, sum],
                )
                .map_err(fail)?;
        }
        transaction.commit().map_err(fail)?;
        self.keep_copy()?;
        all(&self.conn, &self.path)?
            .into_iter()
            .find(|anchor| anchor.size == size && anchor.key == key)
            .ok_or_else(|| JournalError::Internal { cause: "the checkpoint was not kept".into() })
    }

    /// Every checkpoint, oldest first.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, JournalError> {
        all(&self.conn, &self.path)
    }
}

/// The name of this journal in checkpoints, which is also its key's name.
pub(crate) fn origin(device: &str) -> String {
    format!("firstlight.dev/journal/{device}")
}

fn tree(conn: &Connection, path: &Path) -> Result<Tree, JournalError> {
    let mut tree = Tree::new();
    each(conn, path, 0, |stored| {
        // What is signed has to be what was written.
        if !stored.is_whole_at(tree.len() + 1) {
            let reason = format!("record {} is not what was written", tree.len() + 1);
            return Err(JournalError::Damaged { path: path.to_owned(), reason });
        }
        tree.push(stored.leaf);
        Ok(())
    })?;
    Ok(tree)
}

fn sum(size: u64, at: Timestamp, root: &Hash, key: &[u8; 32], note: &str) -> Hash {
    record::sum(&[&size.to_be_bytes(), at.to_string().as_bytes(), root, key, note.as_bytes()])
}

/// Every checkpoint kept, oldest first; one that does not fit its sum is damage.
pub(crate) fn all(conn: &Connection, path: &Path) -> Result<Vec<Checkpoint>, JournalError> {
    stored(conn, path)?
        .into_iter()
        .map(|(checkpoint, whole)| {
            if whole {
                return Ok(checkpoint);
            }
            let reason = format!("the checkpoint of size {} is not what was written", checkpoint.size);
            Err(JournalError::Damaged { path: path.to_owned(), reason })
        })
        .collect()
}

/// Every checkpoint as it is stored, and whether it fits its sum.
pub(crate) fn stored(conn: &Connection, path: &Path) -> Result<Vec<(Checkpoint, bool)>, JournalError> {
    let read = || {
        conn.prepare_cached("SELECT size, at, root, key, note, sum FROM anchor ORDER BY size, at")?
            .query_map([], |row| {
                let at: String = row.get(1)?;
                let at = at.parse().map_err(|error: jiff::Error| {
                    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
                })?;
                let checkpoint = Checkpoint {
                    size: row.get(0)?,
                    at,
                    root: row.get(2)?,
                    key: row.get(3)?,
                    note: row.get(4)?,
                };
                let whole = row.get::<_, Hash>(5)?
                    == sum(checkpoint.size, at, &checkpoint.root, &checkpoint.key, &checkpoint.note);
                Ok((checkpoint, whole))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    read().map_err(|error| JournalError::sqlite(path, &error))
}
