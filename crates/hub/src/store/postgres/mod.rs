//! A PostgreSQL server: for when one small machine is outgrown. Any number of hubs serve from one database.
//!
//! Connections are made when they are needed and again when they were lost; while the server is away, every call says so.

mod address;
mod admission;
mod counts;
mod kpis;
mod log;
mod schema;
mod signals;
mod surveys;
mod teams;

use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use firstlight_contract::hub::Verdict;
use jiff::Timestamp;
use uuid::Uuid;

pub use address::{Address, TrustError};

use super::{
    Device, DeviceKey, Enrolling, Enrolment, Progress, Rollups, Runs, Store, StoreError, Submission,
    columns::Kinds,
};
use crate::secrets::Hash;

/// How many connections one hub has at most: one writes, the others read.
const CONNECTIONS: usize = 8;
/// How long a call waits for one of them.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a group is tried that others were in the way of.
const ATTEMPTS: u32 = 6;

/// What holds for each connection. What was acknowledged is on the disk, whatever the server's default; a hub that is cut
/// off in the middle of a transaction does not keep its locks.
const SESSION: &str = "
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');
SET idle_in_transaction_session_timeout = '20s';
SET lock_timeout = '30s';
";

/// A hub's database on a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Pool,
    address: Address,
    kinds: Kinds,
}

impl PostgresStore {
    /// Connects, creating or migrating the tables.
    pub async fn open(address: &Address) -> Result<Self, StoreError> {
        let unusable = |cause: Box<dyn std::error::Error + Send + Sync>| StoreError::Unreachable {
            at: address.to_string(),
            cause: cause.to_string(),
        };
        let tls = address.tls().map_err(|cause| unusable(cause.into()))?;
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let session = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(Manager::from_config(address.config().clone(), tls, settings))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .post_create(session)
            .build()
            .map_err(|cause| unusable(cause.into()))?;
        let mut client = connect(&pool, address).await?;
        let kinds = schema::prepare(&mut client).await?;
        drop(client);
        Ok(Self { pool, address: address.clone(), kinds })
    }

    async fn client(&self) -> Result<Client, StoreError> {
        connect(&self.pool, &self.address).await
    }
}

async fn connect(pool: &Pool, address: &Address) -> Result<Client, StoreError> {
    pool.get().await.map_err(|error| StoreError::Unreachable {
        at: address.to_string(),
        cause: match &error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => words(error),
            PoolError::Timeout(_) => "no connection was to be had in time".to_owned(),
            other => other.to_string(),
        },
    })
}

#[async_trait]
impl Store for PostgresStore {
    async fn append(&self, group: Vec<Submission>) -> Result<Vec<Vec<Verdict>>, StoreError> {
        let mut attempt = 1;
        loop {
            let mut client = self.client().await?;
            let error = match log::append(&mut client, &self.kinds, &group).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(log::Failure::Final(error)) => return Err(error),
                Err(log::Failure::Again(error)) if attempt == ATTEMPTS => return Err(error),
                Err(log::Failure::Again(error)) => error,
            };
            drop(client);
            tracing::debug!(%error, attempt, "a group of events is written again");
            tokio::time::sleep(Duration::from_millis(10) * 2_u32.pow(attempt)).await;
            attempt += 1;
        }
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        schema::check_writable(&**self.client().await?).await
    }

    async fn add_code(
        &self,
        code: Hash,
        person: Option<&str>,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        admission::add_code(&mut *self.client().await?, code, person, expires_at).await
    }

    async fn enrol(&self, enrolment: Enrolment) -> Result<Enrolling, StoreError> {
        admission::enrol(&mut *self.client().await?, &enrolment).await
    }

    async fn device(&self, token: Hash) -> Result<Option<Device>, StoreError> {
        admission::device(&*self.client().await?, token).await
    }

    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        admission::devices(&*self.client().await?).await
    }

    async fn revoke(&self, device: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        admission::revoke(&*self.client().await?, device, now).await
    }

    async fn progress(&self, device: DeviceKey) -> Result<Progress, StoreError> {
        log::progress(&*self.client().await?, device).await
    }

    async fn runs(&self, pack: &str, version: &str) -> Result<Runs, StoreError> {
        counts::runs(&*self.client().await?, pack, version).await
    }

    async fn rollups(&self) -> Result<Rollups, StoreError> {
        counts::rollups(&mut *self.client().await?, &self.kinds).await
    }

    async fn recount(&self) -> Result<Rollups, StoreError> {
        counts::recount(&*self.client().await?, &self.kinds).await
    }
}

/// What went wrong, in full: the library's own text of it is one word. Without the server's "detail", which repeats values.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", said.message(), said.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// A count that was read.
fn number(read: i64) -> Result<u64, StoreError> {
    u64::try_from(read).map_err(|_| StoreError::Damaged(format!("{read} is no count")))
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(words(&error).into())
    }
}
