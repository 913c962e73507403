//! What the Insights page asks a hub, and what it is answered.
//!
//! The page is one and runs in two places: served by a hub, where each question is an address, and in the window, where it
//! is the argument of a command. The window names a question, never an address, so nothing else can be asked through it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    kpis::{
        ActivityTable, Completeness, InsightsFilter, InsightsFilters, InsightsFunnel, InsightsSummary,
        ReleaseRetrospective, ServiceTable, SlaTable, StepTable, SurveyKpis, TimeScale, TtfvCurves,
        ValueEvent,
    },
    surveys::SurveyResults,
};

/// Everything the page asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "question", rename_all = "snake_case")]
#[ts(export)]
pub enum InsightsQuestion {
    /// What can be asked for.
    Filters,
    /// The cards.
    Summary {
        /// About whom.
        filter: InsightsFilter,
    },
    /// How long first value takes, as curves.
    Ttfv {
        /// About whom.
        filter: InsightsFilter,
        /// Beside each other by; one curve of everybody without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        by: Option<CurvesBy>,
        /// Until what; first value without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        value: Option<ValueEvent>,
        /// In which time; in all of it without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        time: Option<TimeScale>,
    },
    /// Whether a release helped.
    Retrospective {
        /// Of which pack.
        pack: String,
        /// Its version.
        release: String,
        /// The version it is compared with.
        before: String,
        /// About whom; everybody without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        persona: Option<String>,
    },
    /// What each step costs.
    Steps {
        /// About whom.
        filter: InsightsFilter,
    },
    /// How far people get.
    Funnel {
        /// About whom.
        filter: InsightsFilter,
    },
    /// Who is active.
    Activity {
        /// About whom; the period is the days.
        filter: InsightsFilter,
    },
    /// How services are used.
    Services {
        /// About whom; the period is the months.
        filter: InsightsFilter,
    },
    /// What people think, quarter by quarter.
    Scores,
    /// What people answered.
    Surveys {
        /// In which quarter, as `2026-Q4`; the present one without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        quarter: Option<String>,
    },
    /// Whether those who are asked for something keep what they promise.
    Sla {
        /// Whose requests.
        filter: InsightsFilter,
    },
    /// How much of what happened the hub knows.
    Completeness,
}

/// What curves are beside each other by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CurvesBy {
    /// Each persona.
    Persona,
    /// Each release.
    Release,
    /// Each team.
    Team,
}

/// The answer to a question of the same name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "question", content = "answer", rename_all = "snake_case")]
#[ts(export)]
pub enum InsightsAnswer {
    /// To [`InsightsQuestion::Filters`].
    Filters(InsightsFilters),
    /// To [`InsightsQuestion::Summary`].
    Summary(Box<InsightsSummary>),
    /// To [`InsightsQuestion::Ttfv`].
    Ttfv(TtfvCurves),
    /// To [`InsightsQuestion::Retrospective`].
    Retrospective(Box<ReleaseRetrospective>),
    /// To [`InsightsQuestion::Steps`].
    Steps(StepTable),
    /// To [`InsightsQuestion::Funnel`].
    Funnel(InsightsFunnel),
    /// To [`InsightsQuestion::Activity`].
    Activity(ActivityTable),
    /// To [`InsightsQuestion::Services`].
    Services(ServiceTable),
    /// To [`InsightsQuestion::Scores`].
    Scores(SurveyKpis),
    /// To [`InsightsQuestion::Surveys`].
    Surveys(SurveyResults),
    /// To [`InsightsQuestion::Sla`].
    Sla(SlaTable),
    /// To [`InsightsQuestion::Completeness`].
    Completeness(Completeness),
}
