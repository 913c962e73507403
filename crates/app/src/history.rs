//! The journal and what is derived from it, always in step: nothing changes here that is not durable first.

use std::path::Path;

use firstlight_domain::{
    event::{Event, Happened},
    journey::World,
};
use firstlight_journal::{Journal, JournalError, Opened};
use jiff::Timestamp;

use crate::error::{AppError, Result};

/// The journal and the world derived from it.
pub(crate) struct History {
    /// None while reading a home in which nothing has happened yet.
    journal: Option<Journal>,
    world: World,
    /// Something was wrong with the file and was mended; said once.
    notice: Option<String>,
    /// Events recorded since it was opened.
    recorded: usize,
}

impl History {
    /// Opens (or begins) the journal and derives the world.
    pub(crate) fn open(path: &Path, now: Timestamp) -> Result<Self> {
        Ok(Self::from_opened(Journal::open(path, now)?))
    }

    /// Reads the journal next to a program that may be changing it. A home in which nothing has happened is empty.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        match Journal::open_to_read(path) {
            Ok(journal) => {
                let mut world = World::default();
                journal.read_into(&mut world)?;
                Ok(Self { journal: Some(journal), world, notice: None, recorded: 0 })
            }
            Err(JournalError::Missing { .. }) => {
                Ok(Self { journal: None, world: World::default(), notice: None, recorded: 0 })
            }
            // Reading mends nothing: somebody else may have the file open.
            Err(error @ JournalError::Damaged { .. }) => Err(AppError::from(error).hint(
                "Opening it to go on (`firstlight up`, or the window) puts it aside and restores its last good copy.",
            )),
            Err(error) => Err(error.into()),
        }
    }

    fn from_opened(opened: Opened<World>) -> Self {
        if let Some(error) = &opened.copy_failed {
            tracing::warn!(%error, "the last good copy of the journal is not up to date");
        }
        let notice = opened.restored.map(|restored| {
            let kept = restored.moved_to.map_or_else(String::new, |path| {
                format!(" The damaged file was kept as {}.", path.display())
            });
            let lost = match restored.records_lost_at_least {
                0 => String::new(),
                1 => " At least the last record is lost.".to_owned(),
                more => format!(" At least the last {more} records are lost."),
            };
            format!(
                "The journal was damaged ({}) and was restored from its last good copy.{lost}{kept}",
                restored.reason
            )
        });
        Self { world: opened.history, journal: Some(opened.journal), notice, recorded: 0 }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn journal(&self) -> Result<&Journal> {
        self.journal.as_ref().ok_or_else(AppError::no_journey)
    }

    pub(crate) fn journal_mut(&mut self) -> Result<&mut Journal> {
        self.journal.as_mut().ok_or_else(AppError::no_journey)
    }

    /// Refreshes the copy that a damaged journal is restored from.
    pub(crate) fn keep_copy(&self) -> Result<()> {
        Ok(self.journal()?.keep_copy()?)
    }

    pub(crate) fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// Writes events, then takes them in.
    pub(crate) fn append(&mut self, now: Timestamp, events: &[Event]) -> Result<Vec<Happened>> {
        let happened = self.journal_mut()?.append(now, events)?;
        for one in &happened {
            self.world.apply(one);
        }
        self.recorded += happened.len();
        Ok(happened)
    }

    /// How many events were recorded since it was opened.
    pub(crate) fn recorded(&self) -> usize {
        self.recorded
    }

    /// Deletes the journal with its copies, and begins an empty one. Only ever because the person said so.
    pub(crate) fn begin_anew(&mut self, path: &Path, now: Timestamp) -> Result<()> {
        self.journal = None;
        let (opened, moved_to) = Journal::start_anew(path, now)?;
        *self = Self::from_opened(opened);
        if let Some(old) = moved_to {
            remove_with_companions(&old)?;
        }
        Ok(())
    }
}

/// A database put aside lies beside its write-ahead log and, maybe, its last good copy, all put aside at the same time.
fn remove_with_companions(old: &Path) -> Result<()> {
    let (Some(folder), Some(name)) = (old.parent(), old.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    let failed = |error: std::io::Error| {
        AppError::new(
            firstlight_contract::error::Code::HomeNotWritable,
            format!("{} could not be deleted: {error}.", old.display()),
        )
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let other = entry.file_name();
        if other.to_str().is_some_and(|other| other.starts_with(name) || other.contains(".damaged-")) {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}
