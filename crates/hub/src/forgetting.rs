//! Forgetting what is too old, once a day, by one hub of all that serve from a database.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use crate::store::{
    Store, StoreError,
    retention::{Forgotten, Horizon},
};

/// How often it is looked whether it is time. Whether it is, the database knows.
const EVERY: Duration = Duration::from_secs(3600);

/// Looks at once and then every hour, for ever. A failure is said, and tried again.
pub async fn keep(store: Arc<dyn Store>, zone: TimeZone, now: fn() -> Timestamp) {
    loop {
        match look(store.as_ref(), &zone, now()).await {
            Ok(Some(forgotten)) => tracing::info!(?forgotten, "forgot what is too old"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "what is too old could not be forgotten"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Forgets, if it is time and nobody else does.
pub async fn look(
    store: &dyn Store,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Option<Forgotten>, StoreError> {
    if !store.turn_to_forget(now).await? {
        return Ok(None);
    }
    forget(store, zone, now).await.map(Some)
}

/// Forgets, whoever else does.
pub async fn forget(store: &dyn Store, zone: &TimeZone, now: Timestamp) -> Result<Forgotten, StoreError> {
    // At the ends of time nothing is too old.
    let Some(horizon) = Horizon::at(now, zone) else { return Ok(Forgotten::default()) };
    store.forget(horizon, zone).await
}
