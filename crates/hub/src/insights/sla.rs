//! Whether those who are asked for something keep what they promise: met ÷ (met + breached), and open past due is breached.
//! About requests; what people asked is told of only where many did.
//!
//! Under a filter each owner is a table by itself, as each step is, and what is said of all of them is the sum of what is said:
//! so nothing follows from it. Requests of journeys whose beginning has not arrived are in no figure yet, as these are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use firstlight_contract::{
    kpis::{Kpi, KpiAnswer, KpiCounts, SlaRow, SlaTable},
    requests::PromiseView,
};
use firstlight_metrics::{Level, proportion::Proportion};
use jiff::Timestamp;
use roaring::RoaringBitmap;

use super::{
    Filter, Insights, SMALLEST,
    cohort::{Group, JourneyKey, Member},
    counts, ends, whole,
};
use crate::{
    requests::{Calendars, Promised, due},
    store::requests::Request,
};

/// How many owners are listed: those most people asked. A machine may name any number of them.
const MOST_OWNERS: usize = 50;

/// Everything that was promised: by whom, in whose journey.
#[derive(Debug, Default)]
pub struct Promises(Vec<(String, JourneyKey, Promised)>);

impl Promises {
    /// Of these requests.
    pub fn of(requests: &[Request], calendars: &Calendars) -> Self {
        let promised = |request: &Request| {
            let promised = Promised::of(request, due(request, calendars))?;
            Some((request.owner.clone(), (request.person.0, request.journey), promised))
        };
        Self(requests.iter().filter_map(promised).collect())
    }
}

/// Requests of one owner for which something was promised.
#[derive(Debug, Default)]
struct Asked {
    people: RoaringBitmap,
    met: u64,
    breached: u64,
    open: u64,
}

impl Asked {
    fn hear(&mut self, (person, _): JourneyKey, stands: PromiseView) {
        self.people.insert(person);
        match stands {
            PromiseView::Met => self.met += 1,
            PromiseView::Breached => self.breached += 1,
            PromiseView::Open | PromiseView::None => self.open += 1,
        }
    }

    fn is_few(&self) -> bool {
        (1..SMALLEST).contains(&self.people.len())
    }

    fn add(&mut self, other: &Self) {
        self.people |= &other.people;
        self.met += other.met;
        self.breached += other.breached;
        self.open += other.open;
    }
}

/// Who was asked, in which journey, and how that stands.
type Standing<'a> = (&'a str, JourneyKey, PromiseView);

impl Insights {
    /// How each owner keeps what they promised to whom the filter is about, as of `now`.
    pub fn sla(&self, filter: &Filter, promises: &Promises, now: Timestamp) -> SlaTable {
        let begun = self.cohorts.keys();
        let standing: Vec<Standing<'_>> = promises
            .0
            .iter()
            .filter(|(_, journey, _)| begun.contains(journey))
            .map(|(owner, journey, promised)| (owner.as_str(), *journey, promised.stands(now)))
            .filter(|(.., stands)| *stands != PromiseView::None)
            .collect();
        let mut owners: Vec<(&str, Asked)> = by_owner(standing.iter()).into_iter().collect();
        owners.sort_by_key(|(_, asked)| Reverse(asked.people.len()));
        let (overall, mut rows) = if filter.width() == 0 {
            self.kept_for_all(owners, now)
        } else {
            owners.truncate(MOST_OWNERS);
            let listed: HashSet<&str> = owners.into_iter().map(|(owner, _)| owner).collect();
            let standing: Vec<Standing<'_>> =
                standing.into_iter().filter(|(owner, ..)| listed.contains(owner)).collect();
            self.kept_for_some(filter, &standing, now)
        };
        rows.sort_by(|one, other| one.owner.cmp(&other.owner));
        SlaTable { filter: filter.to_view(), overall, owners: rows }
    }

    /// How each owner does is worth more than how all do. Whoever takes from all of them those that are told of, or were while they
    /// were among the listed, has the others together: so all are told of only if these are nobody, or enough.
    fn kept_for_all(&self, mut owners: Vec<(&str, Asked)>, now: Timestamp) -> (Kpi, Vec<SlaRow>) {
        let (mut all, mut others) = (Asked::default(), Asked::default());
        for (_, asked) in &owners {
            all.add(asked);
            if asked.is_few() {
                others.add(asked);
            }
        }
        let overall = self.kept(&all, !all.is_few() && !others.is_few(), now);
        owners.truncate(MOST_OWNERS);
        let rows = owners.into_iter().map(|(owner, asked)| SlaRow {
            owner: owner.to_owned(),
            kept: self.kept(&asked, !asked.is_few(), now),
        });
        (overall, rows.collect())
    }

    fn kept_for_some(
        &self,
        filter: &Filter,
        standing: &[Standing<'_>],
        now: Timestamp,
    ) -> (Kpi, Vec<SlaRow>) {
        let members: HashSet<JourneyKey> = match self.cohorts.group(filter) {
            Group::Shown(members) => members.into_iter().map(Member::key).collect(),
            Group::Hidden => return (self.kept(&Asked::default(), false, now), Vec::new()),
            Group::Nobody => HashSet::new(),
        };
        let names: BTreeSet<&str> = standing.iter().map(|(owner, ..)| *owner).collect();
        let numbers: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
        let mut asked: HashMap<JourneyKey, Vec<usize>> = HashMap::new();
        for (owner, journey, _) in standing {
            asked.entry(*journey).or_default().push(numbers[owner]);
        }
        let told = self.cohorts.tells_of_each(filter, numbers.len(), |member| {
            asked.get(&member.key()).map(Vec::as_slice).unwrap_or_default().iter().copied()
        });
        let told = |owner: &str| told[numbers[owner]];
        let owners = by_owner(standing.iter().filter(|(_, journey, _)| members.contains(journey)));
        let mut all = Asked::default();
        owners.iter().filter(|(owner, _)| told(owner)).for_each(|(_, asked)| all.add(asked));
        // Of nobody who was asked, or of some.
        let may = owners.is_empty() || !all.people.is_empty();
        let rows = owners.into_iter().map(|(owner, asked)| SlaRow {
            owner: owner.to_owned(),
            kept: self.kept(&asked, told(owner), now),
        });
        (self.kept(&all, may, now), rows.collect())
    }

    fn kept(&self, asked: &Asked, may: bool, now: Timestamp) -> Kpi {
        let share = Proportion { part: asked.met, whole: asked.met + asked.breached };
        let answer = match share.value().zip(share.interval(Level::USUAL)) {
            _ if !may => KpiAnswer::Suppressed,
            None => KpiAnswer::NotEnough,
            Some((value, interval)) => {
                let counts = KpiCounts { n_censored: whole(asked.open), ..counts(share) };
                KpiAnswer::Known { value, ci: ends(interval), counts }
            }
        };
        // What is open becomes breached as time passes, whether anything is heard or not.
        Kpi { as_of: Some(now.to_string()), ..self.kpi(answer) }
    }
}

fn by_owner<'a, 'b: 'a>(standing: impl Iterator<Item = &'a Standing<'b>>) -> BTreeMap<&'b str, Asked> {
    let mut owners: BTreeMap<&str, Asked> = BTreeMap::new();
    for (owner, journey, stands) in standing {
        owners.entry(owner).or_default().hear(*journey, *stands);
    }
    owners
}
