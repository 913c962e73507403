//! How far people get in 30 days from where their journey began.

use firstlight_contract::kpis::{FunnelStage, FunnelStageName, InsightsFunnel, KpiAnswer, KpiCounts};
use firstlight_metrics::{
    funnel::{Did, Order, Question, funnel},
    proportion::Proportion,
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Alike, Filter, Insights,
    cohort::{Group, Member},
    number, whole,
};

const STAGES: [FunnelStageName; 4] =
    [FunnelStageName::Began, FunnelStageName::Tried, FunnelStageName::StepDone, FunnelStageName::FirstValue];
/// Thirty days, in milliseconds.
const WITHIN: i64 = 30 * 86_400_000;
const QUESTION: Question =
    Question { steps: STAGES.len(), order: Order::Sequential, within: SignedDuration::from_millis(WITHIN) };

impl Insights {
    /// The stages.
    pub fn funnel(&self, filter: &Filter) -> InsightsFunnel {
        let told = match (self.cohorts.group(filter), self.as_of()) {
            (Group::Shown(members), Some(as_of)) => {
                let did: Vec<Vec<Did>> = members.iter().map(|member| did(member, as_of)).collect();
                Ok(funnel(did.iter().map(Vec::as_slice), QUESTION, as_of))
            }
            (Group::Hidden, _) => Err(KpiAnswer::Suppressed),
            (Group::Nobody | Group::Shown(_), _) => Err(KpiAnswer::NotEnough),
        };
        // Those whose time is over are fewer than all.
        let is_over =
            |member: &Member| self.as_of.is_some_and(|as_of| as_of - member.began.moment.time >= WITHIN);
        let is_told = self.cohorts.tells_of(filter, is_over);
        let stage = |(index, stage): (usize, FunnelStageName)| {
            let reached = match &told {
                Err(answer) => self.kpi(answer.clone()),
                Ok(funnel) => {
                    let entered = funnel.reached.first().copied().unwrap_or(0);
                    let part = funnel.reached.get(index).copied().unwrap_or(0);
                    if is_told || entered == 0 {
                        self.share(Proportion { part, whole: entered }, Alike::IsFine)
                    } else {
                        self.kpi(KpiAnswer::Suppressed)
                    }
                }
            };
            FunnelStage { stage, reached }
        };
        let under_way = match &told {
            Err(answer) => self.kpi(answer.clone()),
            Ok(funnel) => {
                let entered = funnel.reached.first().copied().unwrap_or(0) + funnel.under_way;
                let under_way = whole(funnel.under_way);
                let counts = KpiCounts {
                    n: whole(entered),
                    n_at_risk: under_way,
                    n_events: whole(entered) - under_way,
                    n_censored: under_way,
                };
                let value = number(funnel.under_way);
                self.kpi(KpiAnswer::Known { value, ci: [Some(value); 2], counts })
            }
        };
        let stages = STAGES.into_iter().enumerate().map(stage).collect();
        InsightsFunnel { filter: filter.to_view(), stages, under_way }
    }
}

/// When somebody reached each stage first.
fn did(member: &Member, as_of: Timestamp) -> Vec<Did> {
    let steps = || member.journey.steps.iter().map(|(_, facts)| facts);
    let stages = [
        Some(member.began.moment.time),
        steps().filter_map(|step| step.entered).min(),
        steps().filter_map(|step| step.done).min(),
        member.journey.value,
    ];
    let did = stages.into_iter().enumerate().filter_map(|(step, at)| {
        let at = Timestamp::from_millisecond(at?).ok().filter(|at| *at <= as_of)?;
        // What happens in the same moment happens in the order of the stages.
        Some(Did { at, sequence: u64::try_from(step).ok()?, step })
    });
    did.collect()
}
