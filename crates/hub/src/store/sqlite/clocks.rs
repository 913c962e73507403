//! How the clocks of machines go.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    super::{DeviceKey, StoreError, clocks::Clocks},
    SqliteStore,
};

#[async_trait]
impl Clocks for SqliteStore {
    async fn skews(&self) -> Result<BTreeMap<DeviceKey, i64>, StoreError> {
        Self::on(&self.reader, |conn: &mut Connection| {
            let mut statement =
                conn.prepare_cached("SELECT device, skew FROM mark WHERE skew IS NOT NULL")?;
            let rows = statement.query_map([], |row| Ok((DeviceKey(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
