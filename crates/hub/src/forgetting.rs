//! Forgetting what is too old, once a day, by one hub of all that serve from a database.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    audit::By,
    store::{
        Store, StoreError,
        retention::{Forgotten, Horizon},
    },
};

/// How often it is looked whether it is time. Whether it is, the database knows.
const EVERY: Duration = Duration::from_secs(3600);

/// Looks at once and then every hour, for ever. A failure is said, and tried again.
pub async fn keep(store: Arc<dyn Store>, zone: TimeZone, now: fn() -> Timestamp) {
    loop {
        match look(store.as_ref(), &By::hub(now()), &zone).await {
            Ok(Some(forgotten)) if forgotten != Forgotten::default() => {
                tracing::info!(%forgotten, "forgot what is too old");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "what is too old could not be forgotten"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Forgets, if it is time and nobody else does.
pub async fn look(store: &dyn Store, by: &By, zone: &TimeZone) -> Result<Option<Forgotten>, StoreError> {
    if !store.turn_to_forget(by.at).await? {
        return Ok(None);
    }
    forget(store, by, zone).await.map(Some)
}

/// Forgets, whoever else does.
pub async fn forget(store: &dyn Store, by: &By, zone: &TimeZone) -> Result<Forgotten, StoreError> {
    // At the ends of time nothing is too old.
    let Some(horizon) = Horizon::at(by.at, zone) else { return Ok(Forgotten::default()) };
    store.forget(by, horizon, zone).await
}
