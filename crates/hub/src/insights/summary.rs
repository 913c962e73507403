//! The cards.

use firstlight_contract::kpis::{ActiveDay, InsightsSummary, KpiAnswer, ValueEvent};

use super::{Filter, Insights, ttfv::Way};

impl Insights {
    /// One figure for each question there is.
    pub fn summary(&self, filter: &Filter) -> InsightsSummary {
        let group = self.cohorts.group(filter);
        // A period says which days, not whom: its last one that there has been.
        let day = self.day().and_then(|today| match filter.period {
            None => Some(today),
            Some(period) => period.days().take_while(|day| *day <= today).last(),
        });
        let (active, stickiness) = match day {
            Some(day) => {
                let whom = Filter { period: None, ..filter.clone() };
                let active = self.active_on(day, &whom);
                let stickiness = self.stickiness(day, &whom, &active.monthly);
                (active, stickiness)
            }
            None => {
                let none = || self.kpi(KpiAnswer::NotEnough);
                (ActiveDay { day: None, daily: none(), weekly: none(), monthly: none() }, none())
            }
        };
        InsightsSummary {
            filter: filter.to_view(),
            adoption: self.adoption(filter, &group),
            ttfv: self.figures(filter, &group, Way::to(ValueEvent::FirstValue)),
            active,
            stickiness,
            step_failure: self.step_failure(filter, &group),
        }
    }
}
