//! What is known of many people, as JSON or as CSV. Nothing here sees a person: [`Insights`] gives out figures only.

mod shapes;
mod table;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use firstlight_contract::{
    hub::ProblemCode,
    kpis::{InsightsFilter, ValueEvent},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Failure, Hub, Operation,
    shape::{matching, named, one_of, text},
};
use crate::{
    insights::{By, Filter, FilterError, Insights, Period, months, quarters},
    store::{requests::Which, signals::Services, surveys::HowMuch},
    surveys::LetOut,
};
pub(super) use shapes::shapes;
use shapes::{VALUES, filter, filter_and_parts};
use table::ToTable;

/// What may be said in the address. What one route has no use for is refused there.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    persona: Option<String>,
    release: Option<String>,
    period: Option<String>,
    team: Option<String>,
    format: Option<Format>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedCurves {
    persona: Option<String>,
    release: Option<String>,
    period: Option<String>,
    team: Option<String>,
    format: Option<Format>,
    by: Option<Parts>,
    #[serde(default)]
    value: ValueEvent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedPeriod {
    period: Option<String>,
    format: Option<Format>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedRetrospective {
    pack: String,
    release: String,
    before: String,
    persona: Option<String>,
    format: Option<Format>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedAll {
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Parts {
    Persona,
    Release,
    Team,
}

type Answer = Result<Response, Failure>;
type Asks<T> = Result<Query<T>, QueryRejection>;

impl Asked {
    fn filter(self) -> Result<Filter, Failure> {
        let Self { persona, release, period, team, format: _ } = self;
        Filter::of(InsightsFilter { persona, release, period, team }).map_err(refused)
    }
}

pub(super) fn filters_operation() -> Operation {
    Operation::gives(named("InsightsFilters")).or_csv()
}

pub(super) async fn filters(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedAll>,
) -> Answer {
    let asked = read(asked)?;
    say(&insights(&hub).await?.filters(), asked.format, &headers)
}

pub(super) fn summary_operation() -> Operation {
    filtered("InsightsSummary")
}

pub(super) async fn summary(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.summary(&filter), format, &headers)
}

pub(super) fn ttfv_operation() -> Operation {
    Operation::gives(named("TtfvCurves")).or_csv().may_ask_together("filter", filter_and_parts()).may_ask(
        "query",
        "value",
        one_of(VALUES),
    )
}

pub(super) async fn ttfv(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedCurves>,
) -> Answer {
    let AskedCurves { persona, release, period, team, format, by, value } = read(asked)?;
    let filter = Filter::of(InsightsFilter { persona, release, period, team }).map_err(refused)?;
    let by = by.map(|by| match by {
        Parts::Persona => By::Persona,
        Parts::Release => By::Release,
        Parts::Team => By::Team,
    });
    say(&insights(&hub).await?.ttfv(&filter, by, value).map_err(refused)?, format, &headers)
}

pub(super) fn steps_operation() -> Operation {
    filtered("StepTable")
}

pub(super) async fn steps(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.steps(&filter), format, &headers)
}

pub(super) fn funnel_operation() -> Operation {
    filtered("InsightsFunnel")
}

pub(super) async fn funnel(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.funnel(&filter), format, &headers)
}

pub(super) fn activity_operation() -> Operation {
    filtered("ActivityTable")
}

pub(super) async fn activity(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.activity(&filter), format, &headers)
}

pub(super) fn retrospective_operation() -> Operation {
    Operation::gives(named("ReleaseRetrospective"))
        .or_csv()
        .asks("query", "pack", text())
        .asks("query", "release", text())
        .asks("query", "before", text())
        .may_ask("query", "persona", text())
}

pub(super) async fn retrospective(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedRetrospective>,
) -> Answer {
    let AskedRetrospective { pack, release, before, persona, format } = read(asked)?;
    let insights = insights(&hub).await?;
    let told = insights.retrospective(persona.as_deref(), (pack.clone(), before), (pack, release));
    say(&told.map_err(refused)?, format, &headers)
}

pub(super) fn services_operation() -> Operation {
    filtered("ServiceTable")
}

pub(super) async fn services(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let used = match months(&filter, today(&hub)) {
        Some(months) => hub.store.services(months).await?,
        None => Services::new(),
    };
    say(&insights(&hub).await?.services(&filter, &used), format, &headers)
}

pub(super) fn surveys_operation() -> Operation {
    let period = matching("^(19[7-9][0-9]|[2-8][0-9]{3})(-Q[1-4])?$");
    Operation::gives(named("SurveyKpis")).or_csv().may_ask("query", "period", period)
}

pub(super) async fn surveys(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedPeriod>,
) -> Answer {
    let AskedPeriod { period, format } = read(asked)?;
    let filter = Filter::of(InsightsFilter { period, ..InsightsFilter::default() }).map_err(refused)?;
    let mut out = Vec::new();
    for quarter in quarters(&filter, today(&hub)).map_err(refused)? {
        out.push((quarter, let_out(&hub, quarter).await?));
    }
    let out = out.iter().map(|(quarter, out)| (*quarter, out.as_ref()));
    say(&insights(&hub).await?.surveys(out), format, &headers)
}

pub(super) fn sla_operation() -> Operation {
    Operation::gives(named("SlaTable")).or_csv()
}

pub(super) async fn sla(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<AskedAll>) -> Answer {
    let asked = read(asked)?;
    let now = (hub.now)();
    let insights = insights(&hub).await?;
    let requests = hub.store.requests(Which::Since(now - super::requests::KEPT)).await?;
    let calendars = super::requests::calendars(&hub).await?;
    say(&insights.sla(&requests, &calendars, now), asked.format, &headers)
}

pub(super) fn completeness_operation() -> Operation {
    Operation::gives(named("Completeness")).or_csv()
}

pub(super) async fn completeness(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedAll>,
) -> Answer {
    let asked = read(asked)?;
    say(&insights(&hub).await?.completeness(), asked.format, &headers)
}

fn read<T>(asked: Asks<T>) -> Result<T, Failure> {
    let Query(asked) =
        asked.map_err(|rejection| Failure::new(ProblemCode::Malformed, rejection.body_text()))?;
    Ok(asked)
}

fn refused(error: FilterError) -> Failure {
    Failure::new(ProblemCode::Malformed, error.to_string())
}

/// The figures that were computed last, as long as nothing has changed.
#[derive(Debug, Default)]
pub(super) struct Last(tokio::sync::Mutex<Option<(i64, Arc<Insights>)>>);

/// A page asks for several tables at once: whoever comes second waits for the first.
async fn insights(hub: &Hub) -> Result<Arc<Insights>, Failure> {
    let mut last = hub.figured.0.lock().await;
    let (stamp, now) = (hub.store.stamp().await?, (hub.now)());
    if let (Some((of, insights)), Some(stamp)) = (last.as_ref(), stamp)
        && *of == stamp
        && !insights.is_of_later(now)
    {
        return Ok(Arc::clone(insights));
    }
    // Written before or after the stamp was: whatever changes from now on changes the stamp.
    let (known, zone) = (hub.store.known().await?, hub.rules.zone.clone());
    // Sorting out takes milliseconds of a processor, which other requests should not wait for.
    let sorted = tokio::task::spawn_blocking(move || Arc::new(Insights::of(known, &zone, now))).await;
    let insights =
        sorted.map_err(|_| Failure::new(ProblemCode::Internal, "the figures could not be computed"))?;
    *last = stamp.map(|stamp| (stamp, Arc::clone(&insights)));
    Ok(insights)
}

/// What was let out of quarters that were asked for, as long as nothing has changed.
#[derive(Debug, Default)]
pub(super) struct Quarters(Mutex<BTreeMap<Period, (HowMuch, Arc<LetOut>)>>);

/// What was let out of a quarter. One that is over does not change any more, and the one that is not does so rarely.
async fn let_out(hub: &Hub, quarter: Period) -> Result<Arc<LetOut>, Failure> {
    let Some((from, to)) = quarter.bounds(&hub.rules.zone) else { return Ok(Arc::default()) };
    // Said before it is read: whatever comes in between is read again.
    let how_much = hub.store.how_much(from, to).await?;
    if how_much == HowMuch::default() {
        return Ok(Arc::default());
    }
    let known = hub.quarters.0.lock().unwrap_or_else(PoisonError::into_inner).get(&quarter).cloned();
    if let Some((_, out)) = known.filter(|(of, _)| *of == how_much) {
        return Ok(out);
    }
    let heard = hub.store.heard(from, to).await?;
    // As with people: other requests should not wait.
    let out = tokio::task::spawn_blocking(move || Arc::new(LetOut::of(&heard))).await;
    let out = out.map_err(|_| Failure::new(ProblemCode::Internal, "the figures could not be computed"))?;
    let mut quarters = hub.quarters.0.lock().unwrap_or_else(PoisonError::into_inner);
    quarters.insert(quarter, (how_much, Arc::clone(&out)));
    Ok(out)
}

fn today(hub: &Hub) -> Date {
    hub.rules.zone.to_datetime((hub.now)()).date()
}

fn say(told: &(impl Serialize + ToTable), format: Option<Format>, headers: &HeaderMap) -> Answer {
    let csv = match format {
        Some(format) => matches!(format, Format::Csv),
        None => headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.split([',', ';']).any(|kind| kind.trim() == "text/csv")),
    };
    // What people are in must not be found in a cache.
    let cache = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    if !csv {
        return Ok((cache, Json(told)).into_response());
    }
    let csv = table::csv(told).map_err(|error| {
        Failure::new(ProblemCode::Internal, format!("the table could not be written: {error}"))
    })?;
    Ok((cache, [(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response())
}

/// An operation that may be asked for some people only.
fn filtered(gives: &str) -> Operation {
    Operation::gives(named(gives)).or_csv().may_ask_together("filter", filter())
}
