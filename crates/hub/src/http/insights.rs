//! What is known of many people, as JSON or as CSV. Nothing here sees a person: [`Insights`] gives out figures only.

mod last;
mod shapes;
mod snapshot;
mod table;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use firstlight_contract::{
    hub::ProblemCode,
    kpis::{InsightsFilter, TimeScale, ValueEvent},
};
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    Failure, Hub, Operation,
    shape::{matching, named, one_of, text},
};
use crate::{
    insights::{By, Filter, FilterError, Insights, Period, months, quarters},
    store::{signals::Services, surveys::HowMuch},
    surveys::LetOut,
};
pub(super) use last::Last;
pub use last::keep_figures;
pub(super) use shapes::shapes;
use shapes::{TIMES, VALUES, filter, filter_and_parts};
use snapshot::{Question, aside, say};

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
    #[serde(default)]
    time: TimeScale,
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
    let question = Question::new("filters", (), read(asked)?.format, &headers);
    hub.figured.of(&hub).await?.tell(question, |insights| Ok(insights.filters())).await
}

pub(super) fn summary_operation() -> Operation {
    filtered("InsightsSummary")
}

pub(super) async fn summary(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let question = Question::new("summary", &filter, format, &headers);
    hub.figured.of(&hub).await?.tell(question, move |insights| Ok(insights.summary(&filter))).await
}

pub(super) fn ttfv_operation() -> Operation {
    Operation::gives(named("TtfvCurves"))
        .or_csv()
        .may_ask_together("filter", filter_and_parts())
        .may_ask("query", "value", one_of(VALUES))
        .may_ask("query", "time", one_of(TIMES))
}

pub(super) async fn ttfv(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedCurves>,
) -> Answer {
    let AskedCurves { persona, release, period, team, format, by, value, time } = read(asked)?;
    let filter = Filter::of(InsightsFilter { persona, release, period, team }).map_err(refused)?;
    let by = by.map(|by| match by {
        Parts::Persona => By::Persona,
        Parts::Release => By::Release,
        Parts::Team => By::Team,
    });
    let question = Question::new("ttfv", (&filter, by, value, time), format, &headers);
    // Those that hold now, for everybody: two people who took equally long are not apart because hours were changed between.
    let hours = match time {
        TimeScale::Elapsed => None,
        TimeScale::Business => {
            let wrong = |wrong| Failure::new(ProblemCode::Internal, format!("the working hours: {wrong}"));
            Some(hub.rules.working_hours.calendar(0).map_err(wrong)?)
        }
    };
    let work = move |insights: &Insights| insights.ttfv(&filter, by, value, hours.as_ref()).map_err(refused);
    hub.figured.of(&hub).await?.tell(question, work).await
}

pub(super) fn steps_operation() -> Operation {
    filtered("StepTable")
}

pub(super) async fn steps(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let question = Question::new("steps", &filter, format, &headers);
    hub.figured.of(&hub).await?.tell(question, move |insights| Ok(insights.steps(&filter))).await
}

pub(super) fn funnel_operation() -> Operation {
    filtered("InsightsFunnel")
}

pub(super) async fn funnel(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let question = Question::new("funnel", &filter, format, &headers);
    hub.figured.of(&hub).await?.tell(question, move |insights| Ok(insights.funnel(&filter))).await
}

pub(super) fn activity_operation() -> Operation {
    filtered("ActivityTable")
}

pub(super) async fn activity(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let question = Question::new("activity", &filter, format, &headers);
    hub.figured.of(&hub).await?.tell(question, move |insights| Ok(insights.activity(&filter))).await
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
    let question = Question::new("retrospective", (&pack, &release, &before, &persona), format, &headers);
    let work = move |insights: &Insights| {
        let told = insights.retrospective(persona.as_deref(), (pack.clone(), before), (pack, release));
        told.map_err(refused)
    };
    hub.figured.of(&hub).await?.tell(question, work).await
}

pub(super) fn services_operation() -> Operation {
    filtered("ServiceTable")
}

pub(super) async fn services(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let (snapshot, today) = (hub.figured.of(&hub).await?, today(&hub));
    let question = Question::new("services", (&filter, today), format, &headers);
    if let Some(answer) = snapshot.answered(&question) {
        return Ok(answer);
    }
    let used = match months(&filter, today) {
        Some(months) => hub.store.services(months).await?,
        None => Services::new(),
    };
    snapshot.tell(question, move |insights| Ok(insights.services(&filter, &used))).await
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
    let told = hub.figured.of(&hub).await?.insights().surveys(out);
    say(&told, &Question::new("surveys", (), format, &headers))
}

pub(super) fn sla_operation() -> Operation {
    filtered("SlaTable")
}

pub(super) async fn sla(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let (snapshot, question) = (hub.figured.of(&hub).await?, Question::new("sla", &filter, format, &headers));
    let promises = snapshot.promises(&hub).await?;
    // What is still open is late a moment later, whatever else happens: nothing of it is kept.
    say(&snapshot.insights().sla(&filter, promises, (hub.now)()), &question)
}

pub(super) fn completeness_operation() -> Operation {
    Operation::gives(named("Completeness")).or_csv()
}

pub(super) async fn completeness(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedAll>,
) -> Answer {
    let question = Question::new("completeness", (), read(asked)?.format, &headers);
    hub.figured.of(&hub).await?.tell(question, |insights| Ok(insights.completeness())).await
}

fn read<T>(asked: Asks<T>) -> Result<T, Failure> {
    let Query(asked) =
        asked.map_err(|rejection| Failure::new(ProblemCode::Malformed, rejection.body_text()))?;
    Ok(asked)
}

fn refused(error: FilterError) -> Failure {
    Failure::new(ProblemCode::Malformed, error.to_string())
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
    let out = aside(move || Arc::new(LetOut::of(&heard))).await?;
    let mut quarters = hub.quarters.0.lock().unwrap_or_else(PoisonError::into_inner);
    quarters.insert(quarter, (how_much, Arc::clone(&out)));
    Ok(out)
}

fn today(hub: &Hub) -> Date {
    hub.rules.zone.to_datetime((hub.now)()).date()
}

/// An operation that may be asked for some people only.
fn filtered(gives: &str) -> Operation {
    Operation::gives(named(gives)).or_csv().may_ask_together("filter", filter())
}
