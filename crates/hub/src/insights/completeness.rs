//! How much of what happened the hub knows. About machines and journeys, not about people.

use firstlight_contract::kpis::Completeness;

use super::{Insights, whole};
use crate::store::kpis::Machines;

impl Insights {
    /// What has arrived, and what has not.
    pub fn completeness(&self) -> Completeness {
        let Machines { devices, heard, produced, accepted, refused } = self.machines;
        Completeness {
            as_of: self.as_of().map(|at| at.to_string()),
            devices: whole(devices),
            devices_heard: whole(heard),
            produced: whole(produced),
            accepted: whole(accepted),
            refused: whole(refused),
            missing: whole(produced.saturating_sub(accepted + refused)),
            received_share: self.received_share(),
            journeys: u32::try_from(self.cohorts.len()).unwrap_or(u32::MAX),
            journeys_without_beginning: whole(self.cohorts.without_beginning),
            journeys_without_clock: whole(self.cohorts.without_clock),
        }
    }
}
