//! One SQLite file: enough for thousands of machines, and nothing to install or to run beside the hub.
//!
//! One connection writes, one reads, and one reads what figures are computed from, which takes longer; calls block, so each runs
//! on a thread that may. Appending has one to itself, and so have figures.

mod admission;
mod apart;
mod audit;
mod backup;
mod clocks;
mod counts;
mod kpis;
mod log;
mod people;
mod requests;
mod retention;
mod roles;
mod schema;
mod sessions;
mod signals;
mod surveys;
mod teams;
mod webhooks;

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use firstlight_contract::hub::Verdict;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use apart::Apart;
pub use backup::{BackupError, back_up, restore};

use super::{
    Device, DeviceKey, Enrolling, Enrolment, Progress, Rollups, Runs, Store, StoreError, Submission,
    columns::Kinds,
};
use crate::{audit::By, secrets::Hash};

/// A hub's database in one file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
    figures: Apart,
    kinds: Kinds,
}

/// Held for as long as a hub serves from a file.
#[derive(Debug)]
pub struct Serving {
    _lock: File,
}

impl SqliteStore {
    /// Opens the file, creating or migrating it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|cause| file(folder, cause))?;
        }
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let kinds = schema::prepare(&mut writer)?;
        let reader = || -> Result<Connection, StoreError> {
            let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(reader)
        };
        let figures = Apart::start(reader()?);
        let [writer, reader] = [writer, reader()?].map(|connection| Arc::new(Mutex::new(connection)));
        Ok(Self { writer, reader, figures, kinds })
    }

    /// Claims the file for a hub that serves: two would each have their own queue and bounds.
    pub fn claim(path: &Path) -> Result<Serving, StoreError> {
        let path = beside(path, "lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|cause| file(&path, cause))?;
        match lock.try_lock() {
            Ok(()) => Ok(Serving { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(cause)) => Err(file(&path, cause)),
        }
    }

    async fn on<T: Send + 'static>(
        connection: &Arc<Mutex<Connection>>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(connection);
        // A transaction that a panic cut off was rolled back when it was dropped.
        let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::GoingDown)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, group: Vec<Submission>) -> Result<Vec<Vec<Verdict>>, StoreError> {
        let mut conn = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        log::append(&mut conn, &self.kinds, &group)
    }

    fn blocks(&self) -> bool {
        true
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        Self::on(&self.writer, schema::check_writable).await
    }

    async fn add_code(
        &self,
        by: &By,
        code: Hash,
        person: Option<&str>,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (by, person) = (by.clone(), person.map(str::to_owned));
        let add =
            move |conn: &mut Connection| admission::add_code(conn, &by, code, person.as_deref(), expires_at);
        Self::on(&self.writer, add).await
    }

    async fn enrol(&self, enrolment: Enrolment) -> Result<Enrolling, StoreError> {
        Self::on(&self.writer, move |conn| admission::enrol(conn, &enrolment)).await
    }

    async fn device(&self, token: Hash) -> Result<Option<Device>, StoreError> {
        let found = Self::on(&self.reader, move |conn| admission::device(conn, token)).await?;
        let Some((device, is_new)) = found else { return Ok(None) };
        if is_new {
            Self::on(&self.writer, move |conn| admission::replace_token(conn, token)).await?;
        }
        Ok(Some(device))
    }

    async fn renew_token(
        &self,
        device: DeviceKey,
        token: Hash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        Self::on(&self.writer, move |conn| admission::renew_token(conn, device, token, expires_at)).await
    }

    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        Self::on(&self.reader, |conn| admission::devices(conn)).await
    }

    async fn revoke(&self, by: &By, device: Uuid) -> Result<bool, StoreError> {
        let by = by.clone();
        Self::on(&self.writer, move |conn| admission::revoke(conn, &by, device)).await
    }

    async fn progress(&self, device: DeviceKey) -> Result<Progress, StoreError> {
        Self::on(&self.reader, move |conn| log::progress(conn, device)).await
    }

    async fn runs(&self, pack: &str, version: &str) -> Result<Runs, StoreError> {
        let (pack, version) = (pack.to_owned(), version.to_owned());
        Self::on(&self.reader, move |conn| counts::runs(conn, &pack, &version)).await
    }

    async fn rollups(&self) -> Result<Rollups, StoreError> {
        let kinds = self.kinds.clone();
        Self::on(&self.reader, move |conn| counts::rollups(conn, &kinds)).await
    }

    async fn recount(&self) -> Result<Rollups, StoreError> {
        let kinds = self.kinds.clone();
        Self::on(&self.reader, move |conn| counts::recount(conn, &kinds)).await
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let conn = Connection::open_with_flags(path, flags)?;
    // Other commands write for a moment; who holds the file for longer holds the queue up, which is then full and says so.
    conn.busy_timeout(Duration::from_secs(60))?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // `fullfsync` makes macOS mean it.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten, as far as it costs nothing; after an erase the file is written anew.
    conn.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// `hub.sqlite` and `lock` are `hub.sqlite.lock`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn file(path: &Path, cause: std::io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), cause }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> Self {
        Self::Migration(Box::new(error))
    }
}
