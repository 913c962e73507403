//! Who is active, and who uses which service.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{InsightsFilter, Kpi};

/// `GET /v1/insights/activity`: who is active, day by day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityTable {
    /// Whom it is about: persona and release are those of the journey a person began last by then; the period is the days.
    pub filter: InsightsFilter,
    /// Each day, in order; the last 28 days if no period was asked for.
    pub days: Vec<ActiveDay>,
}

/// Who is active by one day of the organisation's zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActiveDay {
    /// The day, as `2026-11-26`; nothing before the first event.
    pub day: Option<String>,
    /// People active on it.
    pub daily: Kpi,
    /// In the 7 days that end with it.
    pub weekly: Kpi,
    /// In the 28 days that end with it.
    pub monthly: Kpi,
}

/// `GET /v1/insights/services`: how services are used, month by month. Never about one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServiceTable {
    /// Whom it is about: persona and release are those of the journey a person began last by the end of the month; the period
    /// is the months.
    pub filter: InsightsFilter,
    /// The last day on which a use of a service is known, as `2026-11-26`; nothing before the first.
    pub until: Option<String>,
    /// One for each service and month, by name, the latest month first; of the last three months if no period was asked for.
    pub services: Vec<ServiceRow>,
    /// How many more there would be, which so few people used that they are not shown.
    pub hidden: u32,
}

/// How a service was used in one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServiceRow {
    /// The service.
    pub service: String,
    /// The month, as `2026-11`.
    pub month: String,
    /// Distinct people who used it.
    pub users: Kpi,
    /// How often each of them used it, on average.
    pub uses_per_user: Kpi,
    /// The share of uses that worked.
    pub success: Kpi,
}
