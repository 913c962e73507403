//! How services are used, month by month: by how many people, how often, with which success.
//!
//! A month of a service is a table by itself. Nothing adds up over services or over months, so nothing can be subtracted there;
//! under a filter the people of a month are told of as those active on a day are.

use std::{cmp::Reverse, collections::BTreeMap};

use firstlight_contract::kpis::{KpiAnswer, ServiceRow, ServiceTable};
use firstlight_metrics::{Level, mean::mean, proportion::Proportion};
use jiff::civil::Date;
use roaring::RoaringBitmap;

use super::{Alike, Filter, Insights, Period, SMALLEST, activity::Roles, number};
use crate::store::signals::{ServiceMonth, Services, Uses};

/// How many months are told of if no period is asked for.
const MONTHS: usize = 3;

/// The months that are told of on a day: those of the period that have begun, or the last ones; nothing if none has.
pub fn months(filter: &Filter, today: Date) -> Option<std::ops::RangeInclusive<Period>> {
    let this = Period::month_of(today);
    let Some(period) = filter.period else {
        let before = std::iter::successors(Some(this), |month| month.month_before());
        return Some(before.take(MONTHS).last()?..=this);
    };
    let begun: Vec<Period> = period.months().take_while(|month| *month <= this).collect();
    Some(*begun.first()?..=*begun.last()?)
}

impl Insights {
    /// Each service and month of these.
    pub fn services(&self, filter: &Filter, services: &Services) -> ServiceTable {
        // The period says which months, not whom.
        let whom = Filter { period: None, ..filter.clone() };
        let mut roles: BTreeMap<Period, Roles> = BTreeMap::new();
        let (mut rows, mut hidden) = (Vec::new(), 0);
        let mut until: Option<Date> = None;
        for ((service, month), used) in services {
            until = until.max(used.last_day(*month));
            let people: RoaringBitmap = used.people.keys().copied().collect();
            if people.len() < SMALLEST {
                hidden += u32::from(!people.is_empty());
                continue;
            }
            let roles = roles.entry(*month).or_insert_with(|| {
                month.days().last().map_or_else(Roles::default, |day| self.roles(day, &whom))
            });
            rows.push((Reverse(*month), self.service(service, *month, used, &people, roles, &whom)));
        }
        rows.sort_by_key(|(month, _)| *month);
        ServiceTable {
            filter: filter.to_view(),
            until: until.map(|day| day.to_string()),
            services: rows.into_iter().map(|(_, row)| row).collect(),
            hidden,
        }
    }

    fn service(
        &self,
        service: &str,
        month: Period,
        used: &ServiceMonth,
        people: &RoaringBitmap,
        roles: &Roles,
        whom: &Filter,
    ) -> ServiceRow {
        let users = self.active(people, roles, whom);
        let (uses_per_user, success) = match &users.answer {
            KpiAnswer::Known { .. } => {
                let asked = self.only(people, whom, roles);
                let each: Vec<&Uses> = asked.iter().filter_map(|person| used.people.get(&person)).collect();
                let often: Vec<f64> = each.iter().map(|of| number(of.all.into())).collect();
                let all: u64 = each.iter().map(|of| u64::from(of.all)).sum();
                let failed: u64 = each.iter().map(|of| u64::from(of.failed)).sum();
                let success = Proportion { part: all - failed, whole: all };
                (self.mean(mean(&often, Level::USUAL), asked.len()), self.share(success, Alike::IsFine))
            }
            other => (self.kpi(other.clone()), self.kpi(other.clone())),
        };
        ServiceRow { service: service.to_owned(), month: month.to_string(), users, uses_per_user, success }
    }
}
