//! What is told of requests, and of how owners keep what they promise.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::{
    kpis::{Kpi, KpiAnswer, SlaTable},
    requests::{QueuedRequest, RequestQueue, RequestState},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{
        Ground, SimulateError,
        company::{HOUR, instant},
        count::Count,
        replay::Hub,
        requests::{Asked, Request, kept},
    },
    Comparison, FEW, journeys_of, questions, ratio, said,
};

/// Compares requests that were sent after `began`.
pub(in super::super) async fn requests(
    hub: &Hub,
    requests: &[Request],
    count: &Count,
    (began, ground): (Timestamp, &Ground<'_>),
    found: &mut Comparison,
) -> Result<(), SimulateError> {
    let table: SlaTable = hub.get("/v1/insights/sla", &[]).await?;
    let journeys: BTreeSet<Uuid> = count.journeys.iter().map(|journey| journey.id).collect();
    let expected =
        kept(requests.iter().filter(|request| journeys.contains(&request.journey)), ground.answers);
    found.exactly("owners who promised something", table.owners.len() as u64, expected.len() as u64);
    let (mut all, mut few) = (Asked::default(), BTreeSet::new());
    for (owner, asked) in &expected {
        let what = format!("promises kept of {owner}");
        match table.owners.iter().find(|row| row.owner == *owner) {
            Some(row) => found.kept(&what, &row.kept, asked, asked.people.len() >= FEW),
            None => found.different.push(format!("{what}: not told")),
        }
        if asked.people.len() < FEW {
            few.extend(asked.people.iter().copied());
        }
        all.add(asked);
    }
    // Whoever takes away the owners that are told of has the others.
    let may = few.is_empty() || few.len() >= FEW;
    found.kept("promises kept of everybody", &table.overall, &all, may);
    for asked in questions(count).iter().skip(1) {
        of_some(hub, requests, count, (asked, ground.answers), found).await?;
    }
    if ground.answers { queue(hub, requests, began, ground, found).await } else { Ok(()) }
}

/// What is kept of what was promised to some people.
async fn of_some(
    hub: &Hub,
    requests: &[Request],
    count: &Count,
    (asked, answers): (&super::Asked<'_>, bool),
    found: &mut Comparison,
) -> Result<(), SimulateError> {
    let (query, name) = said(asked);
    let table: SlaTable = hub.get("/v1/insights/sla", &query).await?;
    let journeys: BTreeSet<Uuid> = journeys_of(count, asked).iter().map(|journey| journey.id).collect();
    let expected = kept(requests.iter().filter(|request| journeys.contains(&request.journey)), answers);
    if !table.owners.is_empty() {
        let what = format!("owners whom some of {name} asked");
        found.exactly(&what, table.owners.len() as u64, expected.len() as u64);
    }
    let mut all = Asked::default();
    for row in &table.owners {
        let what = format!("promises kept of {} to {name}", row.owner);
        let Some(asked) = expected.get(row.owner.as_str()) else {
            found.different.push(format!("{what}: they promised nothing"));
            continue;
        };
        let (share, people) = asked.share();
        found.figure(&what, &row.kept, share, Some((asked.met + asked.breached, asked.met)), people);
        if row.kept.answer != KpiAnswer::Suppressed {
            all.add(asked);
        }
    }
    let (share, people) = all.share();
    let counts = Some((all.met + all.breached, all.met));
    found.figure(&format!("promises kept to {name}"), &table.overall, share, counts, people);
    Ok(())
}

/// Each request, as owners see it.
async fn queue(
    hub: &Hub,
    requests: &[Request],
    began: Timestamp,
    ground: &Ground<'_>,
    found: &mut Comparison,
) -> Result<(), SimulateError> {
    let queue: RequestQueue = hub.get("/v1/requests", &[("state", "all")]).await?;
    found.exactly("requests", queue.total.into(), requests.len() as u64);
    let told: BTreeMap<&str, &QueuedRequest> =
        queue.requests.iter().map(|request| (request.id.as_str(), request)).collect();
    // The hub's clock may be another one; but all else happened more than a day ago.
    let lately = began.as_millisecond() - HOUR..Timestamp::now().as_millisecond() + HOUR;
    for request in requests {
        let wrong = match told.get(request.id.to_string().as_str()) {
            Some(told) => wrong(told, request, &lately, ground),
            None => Some("not told".to_owned()),
        };
        match wrong {
            None => found.equal += 1,
            Some(wrong) => {
                let kind = request.kind;
                found.different.push(format!("request to {} for {}: {wrong}", kind.owner, kind.step));
            }
        }
    }
    Ok(())
}

/// What is told of a request and is not so.
fn wrong(
    told: &QueuedRequest,
    request: &Request,
    lately: &std::ops::Range<i64>,
    ground: &Ground<'_>,
) -> Option<String> {
    let at = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    let is_late = |text: Option<&str>| text.and_then(at).is_some_and(|at| lately.contains(&at));
    let (kind, state) = (request.kind, request.state());
    if (told.owner.as_str(), told.step.as_str(), told.sla.as_deref()) != (kind.owner, kind.step, kind.sla) {
        return Some(format!("{} for {}, {:?}", told.owner, told.step, told.sla));
    }
    if told.asked_at != instant(request.asked) {
        return Some(format!("asked at {} and not {}", told.asked_at, instant(request.asked)));
    }
    if (told.state, told.promise) != (state, request.stands(true)) {
        let (state, stands) = (state, request.stands(true));
        return Some(format!("{:?}, {:?} and not {state:?}, {stands:?}", told.state, told.promise));
    }
    let settled = match state {
        RequestState::Open => told.settled_at.is_none(),
        RequestState::Answered => is_late(told.settled_at.as_deref()),
        RequestState::Granted | RequestState::Withdrawn => told.settled_at == request.closed.map(instant),
    };
    if !settled {
        return Some(format!("settled at {:?}", told.settled_at));
    }
    if !is_late(Some(&told.received_at)) {
        return Some(format!("received at {}", told.received_at));
    }
    let due = request.due(at(&told.received_at)?, ground.zone).map(instant);
    let is_so = !request.has_known_hours(ground) || told.due_at == due;
    (!is_so).then(|| format!("received at {}, due at {:?} and not {due:?}", told.received_at, told.due_at))
}

impl Asked {
    fn add(&mut self, other: &Self) {
        self.people.extend(other.people.iter().copied());
        self.met += other.met;
        self.breached += other.breached;
        self.open += other.open;
    }

    /// The share that was kept, and how many people it is about.
    fn share(&self) -> (Option<f64>, usize) {
        (ratio(self.met, self.met + self.breached), self.people.len())
    }
}

impl Comparison {
    /// What an owner keeps; `may` says whether it may be told, and then it has to be.
    fn kept(&mut self, what: &str, kpi: &Kpi, asked: &Asked, may: bool) {
        if may == (kpi.answer == KpiAnswer::Suppressed) {
            let why = if may { "suppressed, and tells of enough" } else { "told, and tells of too few" };
            self.different.push(format!("{what}: {why}"));
            return;
        }
        let answered = asked.met + asked.breached;
        let (share, people) = asked.share();
        // Nobody is told of: there is nobody to protect.
        let whose = if people == 0 { FEW } else { people };
        self.figure(what, kpi, share, Some((answered, asked.met)), whose);
        if let KpiAnswer::Known { counts, .. } = &kpi.answer {
            self.exactly(&format!("{what} that are open"), counts.n_censored.into(), asked.open as u64);
        }
    }
}
