//! What is known of many people, as JSON or as CSV. Nothing here sees a person: [`Insights`] gives out figures only.

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
use serde_json::{Value, json};

use super::{Failure, Hub};
use crate::{
    insights::{By, Filter, FilterError, Insights, Period, months, quarters},
    store::{signals::Services, surveys::HowMuch},
    surveys::LetOut,
};
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

pub(super) async fn filters(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    asked: Asks<AskedAll>,
) -> Answer {
    let asked = read(asked)?;
    say(&insights(&hub).await?.filters(), asked.format, &headers)
}

pub(super) async fn summary(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.summary(&filter), format, &headers)
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

pub(super) async fn steps(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.steps(&filter), format, &headers)
}

pub(super) async fn funnel(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.funnel(&filter), format, &headers)
}

pub(super) async fn activity(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    say(&insights(&hub).await?.activity(&filter), format, &headers)
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

pub(super) async fn services(State(hub): State<Arc<Hub>>, headers: HeaderMap, asked: Asks<Asked>) -> Answer {
    let asked = read(asked)?;
    let (format, filter) = (asked.format, asked.filter()?);
    let used = match months(&filter, today(&hub)) {
        Some(months) => hub.store.services(months).await?,
        None => Services::new(),
    };
    say(&insights(&hub).await?.services(&filter, &used), format, &headers)
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

/// What may be said in the address of a route, for the description: name, whether it has to be, and its schema.
pub(super) fn parameters(path: &str) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let filters = [
        ("persona", false, text.clone()),
        (
            "release",
            false,
            json!({ "type": "string", "pattern": "@", "description": "Pack and version, as acme@3.2.0." }),
        ),
        (
            "period",
            false,
            json!({
                "type": "string", "pattern": "^(19[7-9]\\d|[2-8]\\d{3})(-(0[1-9]|1[0-2]|Q[1-4]))?$",
                "description": "A month, quarter or year, as 2026-11, 2026-Q4, 2026. Of persona, release and period two can be combined.",
            }),
        ),
        ("team", false, json!({ "type": "string", "description": "By itself only." })),
    ];
    let quarter = json!({
        "type": "string", "pattern": "^(19[7-9]\\d|[2-8]\\d{3})(-Q[1-4])?$",
        "description": "A quarter or a year, as 2026-Q4, 2026.",
    });
    let by = json!({ "enum": ["persona", "release", "team"] });
    let value = json!({ "enum": ["first_value", "merged"], "description": "The time to what." });
    let format = json!({ "enum": ["json", "csv"] });
    let mut parameters: Vec<(&str, bool, Value)> = match path.strip_prefix("/v1/insights/") {
        Some("summary" | "steps" | "funnel" | "activity" | "services") => filters.into(),
        Some("ttfv") => filters.into_iter().chain([("by", false, by), ("value", false, value)]).collect(),
        Some("surveys") => vec![("period", false, quarter)],
        Some("retrospective") => vec![
            ("pack", true, text.clone()),
            ("release", true, text.clone()),
            ("before", true, text.clone()),
            ("persona", false, text),
        ],
        Some(_) => Vec::new(),
        None => return Vec::new(),
    };
    parameters.push(("format", false, format));
    parameters
        .into_iter()
        .map(|(name, required, schema)| json!({ "name": name, "in": "query", "required": required, "schema": schema }))
        .collect()
}

/// The shape of what a route answers, for the description; none of another route.
pub(super) fn schema(path: &str) -> Option<&'static str> {
    Some(match path.strip_prefix("/v1/insights/")? {
        "filters" => "InsightsFilters",
        "summary" => "InsightsSummary",
        "ttfv" => "TtfvCurves",
        "steps" => "StepTable",
        "funnel" => "InsightsFunnel",
        "activity" => "ActivityTable",
        "services" => "ServiceTable",
        "surveys" => "SurveyKpis",
        "retrospective" => "ReleaseRetrospective",
        _ => "Completeness",
    })
}

/// The shapes.
pub(super) fn schemas() -> Value {
    let to = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let (text, count, number) = (
        json!({ "type": "string" }),
        json!({ "type": "integer", "minimum": 0 }),
        json!({ "type": "number" }),
    );
    let (kpi, filter) = (to("Kpi"), to("InsightsFilter"));
    let list = |of: &Value| json!({ "type": "array", "items": of });
    let maybe = |of: &Value| json!({ "anyOf": [of, { "type": "null" }] });
    let object = |properties: Value| {
        let required: Vec<&String> =
            properties.as_object().map(|fields| fields.keys().collect()).unwrap_or_default();
        json!({ "type": "object", "required": required, "properties": properties })
    };
    let ends =
        json!({ "type": "array", "items": { "type": ["number", "null"] }, "minItems": 2, "maxItems": 2 });
    let share = json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 });
    let (day, as_of) = (
        json!({ "type": ["string", "null"], "format": "date" }),
        json!({ "type": ["string", "null"], "format": "date-time" }),
    );
    let mut figure = object(json!({
        "answer": { "enum": ["known", "not_reached", "not_enough", "suppressed"] },
        "definition_version": count, "as_of": as_of, "received_share": share,
    }));
    for (name, schema) in [
        ("value", &number),
        ("ci", &ends),
        ("n", &count),
        ("n_at_risk", &count),
        ("n_events", &count),
        ("n_censored", &count),
    ] {
        figure["properties"][name] = schema.clone();
    }
    json!({
        "Kpi": figure,
        "InsightsFilter": { "type": "object", "properties": { "persona": text, "release": text, "period": text, "team": text } },
        "InsightsFilters": object(json!({ "personas": list(&text), "releases": list(&text), "periods": list(&text), "teams": list(&text) })),
        "InsightsSummary": object(json!({
            "filter": filter, "adoption": to("Adoption"), "ttfv": to("TtfvFigures"), "active": to("ActiveDay"),
            "stickiness": kpi, "step_failure": kpi,
        })),
        "Adoption": object(json!({ "organisation": kpi, "could_help": kpi, "use_it": kpi })),
        "TtfvFigures": object(json!({
            "median": kpi, "p75": kpi, "p90": kpi, "within_30_days": kpi, "restricted_mean": kpi, "naive_median": kpi,
        })),
        "TtfvCurves": object(json!({ "filter": filter, "value": { "enum": ["first_value", "merged"] }, "groups": list(&to("TtfvCurve")), "logrank": maybe(&to("LogRank")) })),
        "TtfvCurve": object(json!({ "name": text, "figures": to("TtfvFigures"), "points": list(&to("CurvePoint")) })),
        "CurvePoint": object(json!({ "days": number, "waiting": number, "ci": ends, "at_risk": count, "arrived": count })),
        "LogRank": object(json!({ "chi2": number, "df": count, "p": number })),
        "StepTable": object(json!({ "filter": filter, "steps": list(&to("StepRow")) })),
        "StepRow": object(json!({
            "pack": text, "step": text, "minutes": kpi, "failure": kpi, "doing": kpi, "waiting": kpi, "failing": kpi,
            "person_days": kpi,
        })),
        "InsightsFunnel": object(json!({ "filter": filter, "stages": list(&to("FunnelStage")), "under_way": kpi })),
        "FunnelStage": object(json!({
            "stage": { "enum": ["began", "tried", "step_done", "first_value"] }, "reached": kpi,
        })),
        "ActivityTable": object(json!({ "filter": filter, "days": list(&to("ActiveDay")) })),
        "ActiveDay": object(json!({ "day": day, "daily": kpi, "weekly": kpi, "monthly": kpi })),
        "ServiceTable": object(json!({ "filter": filter, "until": day, "services": list(&to("ServiceRow")), "hidden": count })),
        "ServiceRow": object(json!({ "service": text, "month": text, "users": kpi, "uses_per_user": kpi, "success": kpi })),
        "SurveyKpis": object(json!({ "quarters": list(&to("SurveyQuarter")) })),
        "SurveyQuarter": object(json!({
            "quarter": text, "nps": kpi, "csat": kpi, "ces": kpi, "response": kpi, "surveys": list(&to("SurveyKpi")),
        })),
        "SurveyKpi": object(json!({ "survey": text, "response": kpi, "questions": list(&to("QuestionKpi")) })),
        "QuestionKpi": object(json!({
            "question": text, "scale": { "enum": ["nps", "csat", "ces"] }, "answers": count, "figure": kpi,
        })),
        "ReleaseRetrospective": object(json!({
            "before": to("TtfvCurve"), "after": to("TtfvCurve"), "gain": kpi, "logrank": maybe(&to("LogRank")),
            "verdict": { "enum": ["better", "worse", "no_difference", "not_enough"] },
            "until_days": number, "smallest_that_matters_days": number,
        })),
        "Completeness": object(json!({
            "as_of": as_of, "devices": count, "devices_heard": count, "produced": count, "accepted": count, "refused": count,
            "missing": count, "received_share": share, "journeys": count, "journeys_without_beginning": count,
            "journeys_without_clock": count,
        })),
    })
}
