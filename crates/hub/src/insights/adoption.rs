//! Who has got value, which is first value or a merged change: of everybody, of whom the platform could help, of those who use it.

use firstlight_contract::kpis::{Adoption, Kpi, KpiAnswer};
use firstlight_metrics::proportion::Proportion;
use jiff::ToSpan as _;
use roaring::RoaringBitmap;

use super::{
    Alike, Filter, Insights, SMALLEST, apart,
    cohort::{Group, Member},
};

impl Insights {
    pub(super) fn adoption(&self, filter: &Filter, group: &Group<'_>) -> Adoption {
        let members = match (group, self.as_of) {
            (Group::Shown(members), Some(as_of)) => Ok((members, as_of)),
            (Group::Hidden, _) => Err(KpiAnswer::Suppressed),
            (Group::Nobody | Group::Shown(_), _) => Err(KpiAnswer::NotEnough),
        };
        let (members, as_of) = match members {
            Ok(found) => found,
            Err(answer) => {
                let kpi = || self.kpi(answer.clone());
                let organisation = if filter.width() == 0 { kpi() } else { self.kpi(KpiAnswer::NotEnough) };
                return Adoption { organisation, could_help: kpi(), use_it: kpi() };
            }
        };
        let happened = |at: Option<i64>| at.filter(|at| *at <= as_of);
        let arrived = |member: &Member| happened(member.journey.value).or(happened(member.merged)).is_some();
        let gone = |member: &Member| happened(member.journey.left).is_some() && !arrived(member);
        let reached = Member::people(members.iter().filter(|member| arrived(member)));
        let could_help = Member::people(members.iter().filter(|member| !gone(member)));
        let lately = self.active_lately();
        let use_it = &could_help & &lately;
        let organisation = if filter.width() == 0 {
            self.of_people(&reached, &self.everybody, self.everybody.len() >= SMALLEST)
        } else {
            // Whoever has begun nothing has no persona, no release and no period.
            self.kpi(KpiAnswer::NotEnough)
        };
        // Whoever sees two shares subtracts; of those who have begun nothing, or left, it is known that they have not arrived.
        let told = apart(&could_help, &use_it)
            && self
                .cohorts
                .tells_of(filter, |member| !gone(member) && lately.contains(member.journey.person));
        let using = self.of_people(&reached, &use_it, told);
        let helped =
            self.of_people(&reached, &could_help, self.cohorts.tells_of(filter, |member| !gone(member)));
        Adoption { organisation, could_help: helped, use_it: using }
    }

    fn of_people(&self, reached: &RoaringBitmap, of: &RoaringBitmap, told: bool) -> Kpi {
        if !(told || of.is_empty()) {
            return self.kpi(KpiAnswer::Suppressed);
        }
        let share = Proportion { part: reached.intersection_len(of), whole: of.len() };
        self.share(share, Alike::Tells)
    }

    /// Who did something in the last 28 days, in Firstlight or with a service.
    fn active_lately(&self) -> RoaringBitmap {
        let Some(day) = self.day() else { return RoaringBitmap::new() };
        let days = day.saturating_sub(27.days())..=day;
        let lately = self.people.range(days.clone()).chain(self.using.range(days));
        lately.fold(RoaringBitmap::new(), |all, (_, people)| all | people)
    }
}
