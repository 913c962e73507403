//! Whether those who are asked for something keep what they promise: met ÷ (met + breached), and open past due is breached.
//! About requests; what people asked is told of only where many did.

use std::{cmp::Reverse, collections::BTreeMap};

use firstlight_contract::{
    kpis::{Kpi, KpiAnswer, SlaRow, SlaTable},
    requests::PromiseView,
};
use firstlight_metrics::{Level, proportion::Proportion};
use jiff::Timestamp;
use roaring::RoaringBitmap;

use super::{Insights, SMALLEST, counts, disclosure, ends, whole};
use crate::{
    requests::{Calendars, due, promise},
    store::requests::Request,
};

/// How many owners are listed: those most people asked. A machine may name any number of them.
const MOST_OWNERS: usize = 50;

/// Requests of one owner for which something was promised.
#[derive(Debug, Default)]
struct Asked {
    people: RoaringBitmap,
    met: u64,
    breached: u64,
    open: u64,
}

impl Asked {
    fn add(&mut self, other: &Self) {
        self.people |= &other.people;
        self.met += other.met;
        self.breached += other.breached;
        self.open += other.open;
    }
}

impl Insights {
    /// How each owner keeps what they promise, as of `now`.
    pub fn sla(&self, requests: &[Request], calendars: &Calendars, now: Timestamp) -> SlaTable {
        let mut owners: BTreeMap<&str, Asked> = BTreeMap::new();
        for request in requests {
            let stands = promise(request, due(request, calendars), now);
            if stands == PromiseView::None {
                continue;
            }
            let asked = owners.entry(&request.owner).or_default();
            asked.people.insert(request.person.0);
            match stands {
                PromiseView::Met => asked.met += 1,
                PromiseView::Breached => asked.breached += 1,
                PromiseView::Open | PromiseView::None => asked.open += 1,
            }
        }
        let mut owners: Vec<(&str, Asked)> = owners.into_iter().collect();
        owners.sort_by_key(|(_, asked)| Reverse(asked.people.len()));
        let (mut all, mut rest) = (Asked::default(), Asked::default());
        for (index, (_, asked)) in owners.iter().enumerate() {
            all.add(asked);
            if index >= MOST_OWNERS {
                rest.add(asked);
            }
        }
        owners.truncate(MOST_OWNERS);
        let mut groups: Vec<RoaringBitmap> = owners.iter().map(|(_, asked)| asked.people.clone()).collect();
        groups.push(rest.people);
        // How each owner does is worth more than how all do: where only one may be told, it is that.
        let questions: Vec<disclosure::Groups> =
            (0..owners.len()).map(|index| vec![index]).chain([(0..groups.len()).collect()]).collect();
        // Whoever takes the owners that are told of from all of them has the others, together.
        let few = (0..groups.len()).filter(|index| groups.get(*index).is_some_and(|of| of.len() < SMALLEST));
        let may = disclosure::answerable(&groups, &questions, [few.collect()], SMALLEST);
        let overall = self.kept(&all, may.last() == Some(&true), now);
        let mut owners: Vec<SlaRow> = owners
            .into_iter()
            .zip(may)
            .map(|((owner, asked), may)| SlaRow {
                owner: owner.to_owned(),
                kept: self.kept(&asked, may, now),
            })
            .collect();
        owners.sort_by(|one, other| one.owner.cmp(&other.owner));
        SlaTable { overall, owners }
    }

    fn kept(&self, asked: &Asked, may: bool, now: Timestamp) -> Kpi {
        let share = Proportion { part: asked.met, whole: asked.met + asked.breached };
        let answer = match share.value().zip(share.interval(Level::USUAL)) {
            _ if !may => KpiAnswer::Suppressed,
            None => KpiAnswer::NotEnough,
            Some((value, interval)) => {
                let counts =
                    firstlight_contract::kpis::KpiCounts { n_censored: whole(asked.open), ..counts(share) };
                KpiAnswer::Known { value, ci: ends(interval), counts }
            }
        };
        // What is open becomes breached as time passes, whether anything is heard or not.
        Kpi { as_of: Some(now.to_string()), ..self.kpi(answer) }
    }
}
