//! Whether a release helped: those who began with it beside those who began with the one before.

use firstlight_contract::kpis::{
    KpiAnswer, KpiCounts, ReleaseRetrospective, RetrospectiveVerdict, ValueEvent,
};
use firstlight_metrics::{
    Level,
    retrospective::{Registration, Verdict, retrospective},
};

use super::{
    Filter, FilterError, Insights, ends,
    filter::{Release, name_of},
    ttfv::{HORIZON, Way, logrank},
    whole,
};

/// By how many days the mean has to change to matter.
const MATTERS: f64 = 1.0;
/// Said once and for all releases, so that nobody looks for the figure that fits.
const REGISTERED: Registration =
    Registration { until: HORIZON, smallest_that_matters: MATTERS, level: Level::USUAL };

impl Insights {
    /// Compares two releases, of everybody or of a persona.
    pub fn retrospective(
        &self,
        persona: Option<&str>,
        before: Release,
        after: Release,
    ) -> Result<ReleaseRetrospective, FilterError> {
        let names = [name_of(&before), name_of(&after)];
        let filter = |release| {
            Filter { persona: persona.map(str::to_owned), release: Some(release), ..Filter::default() }
                .check()
        };
        let (before, after) = (filter(before)?, filter(after)?);
        let hidden = self.cohorts.hides(&before) || self.cohorts.hides(&after);
        let groups = (self.cohorts.group(&before), self.cohorts.group(&after));
        let way = Way::to(ValueEvent::FirstValue);
        let waits = self.shown_waits(&before, &groups.0, way).zip(self.shown_waits(&after, &groups.1, way));
        let logrank = waits.as_ref().and_then(|(before, after)| logrank(&[&before.each, &after.each]));
        let told = waits.map(|(before, after)| retrospective(&before.each, &after.each, REGISTERED));
        let gain = match told.as_ref().and_then(|told| Some((told, told.gain?))) {
            None if hidden => KpiAnswer::Suppressed,
            None => KpiAnswer::NotEnough,
            Some((told, gain)) => {
                let n = whole(told.before.n() + told.after.n());
                let n_events = whole(told.before.reached() + told.after.reached());
                let counts = KpiCounts { n, n_at_risk: n, n_events, n_censored: n - n_events };
                KpiAnswer::Known { value: gain.value, ci: ends(gain.interval), counts }
            }
        };
        let verdict = match told.as_ref().map(|told| told.verdict) {
            Some(Verdict::Better) => RetrospectiveVerdict::Better,
            Some(Verdict::Worse) => RetrospectiveVerdict::Worse,
            Some(Verdict::NoDifference) => RetrospectiveVerdict::NoDifference,
            Some(Verdict::NotEnough) | None => RetrospectiveVerdict::NotEnough,
        };
        let [name_before, name_after] = names;
        Ok(ReleaseRetrospective {
            before: self.curve(name_before, &before, &groups.0, way),
            after: self.curve(name_after, &after, &groups.1, way),
            gain: self.kpi(gain),
            logrank,
            verdict,
            until_days: HORIZON,
            smallest_that_matters_days: MATTERS,
        })
    }
}
