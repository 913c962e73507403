//! How the clocks of machines go.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    super::{DeviceKey, StoreError, clocks::Clocks},
    PostgresStore,
};

#[async_trait]
impl Clocks for PostgresStore {
    async fn skews(&self) -> Result<BTreeMap<DeviceKey, i64>, StoreError> {
        let sql = "SELECT device, skew FROM mark WHERE skew IS NOT NULL";
        let rows = self.client().await?.query(sql, &[]).await?;
        rows.iter().map(|row| Ok((DeviceKey(row.try_get(0)?), row.try_get(1)?))).collect()
    }
}
