//! How the clocks of machines go. It is kept with a device's marks and written in the transaction of the log, because it says
//! when the next events happened (`ingest::clock`).

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{DeviceKey, StoreError};

/// A database that knows the clocks of devices.
#[async_trait]
pub trait Clocks {
    /// How far the clock of each device was ahead of ours when it last said so, in milliseconds; below 0 it was behind. Who
    /// never said it is not among them.
    async fn skews(&self) -> Result<BTreeMap<DeviceKey, i64>, StoreError>;
}
