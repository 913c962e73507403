//! A PostgreSQL server: for when one small machine is outgrown. Any number of hubs serve from one database.
//!
//! Connections are made when they are needed and again when they were lost; while the server is away, every call says so.

mod address;
mod admission;
mod audit;
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

use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{
    Client, ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use firstlight_contract::hub::Verdict;
use jiff::Timestamp;
use uuid::Uuid;

pub use address::{Address, TrustError};

use super::{
    Device, DeviceKey, Enrolling, Enrolment, Progress, Rollups, Runs, Store, StoreError, Submission,
    columns::Kinds,
};
use crate::{audit::By, secrets::Hash};

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
        let session = Hook::async_fn(|client: &mut ClientWrapper, _| {
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

/// How often something was tried that others were in the way of.
#[derive(Debug, Default)]
struct Attempts(u32);

impl Attempts {
    /// Waits for the next one; an error where there is none.
    async fn failed(&mut self, failure: log::Failure) -> Result<(), StoreError> {
        self.0 += 1;
        let error = match failure {
            log::Failure::Again(error) if self.0 < ATTEMPTS => error,
            log::Failure::Again(error) | log::Failure::Final(error) => return Err(error),
        };
        tracing::debug!(%error, attempt = self.0, "a transaction is tried again");
        tokio::time::sleep(Duration::from_millis(10) * 2_u32.pow(self.0)).await;
        Ok(())
    }
}

/// Does something in a transaction of its own, and again when others were in its way. A function would need to say that the
/// future of a closure may go to another thread, which cannot be said yet.
macro_rules! again {
    ($store:expr, $client:ident => $work:expr) => {{
        let mut attempts = $crate::store::postgres::Attempts::default();
        loop {
            let mut $client = $store.client().await?;
            match $work.await {
                Ok(done) => break done,
                Err(failure) => {
                    drop($client);
                    attempts.failed(failure).await?;
                }
            }
        }
    }};
}
use again;

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
        Ok(again!(self, client => log::append(&mut client, &self.kinds, &group)))
    }

    fn blocks(&self) -> bool {
        false
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        schema::check_writable(&**self.client().await?).await
    }

    async fn add_code(
        &self,
        by: &By,
        code: Hash,
        person: Option<&str>,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        admission::add_code(&mut *self.client().await?, by, code, person, expires_at).await
    }

    async fn enrol(&self, enrolment: Enrolment) -> Result<Enrolling, StoreError> {
        admission::enrol(&mut *self.client().await?, &enrolment).await
    }

    async fn device(&self, token: Hash) -> Result<Option<Device>, StoreError> {
        admission::device(&*self.client().await?, token).await
    }

    async fn renew_token(
        &self,
        device: DeviceKey,
        token: Hash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        admission::renew_token(&*self.client().await?, device, token, expires_at).await
    }

    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        admission::devices(&*self.client().await?).await
    }

    async fn revoke(&self, by: &By, device: Uuid) -> Result<bool, StoreError> {
        admission::revoke(&mut *self.client().await?, by, device).await
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
        counts::recount(&mut *self.client().await?, &self.kinds).await
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
