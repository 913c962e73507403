//! The shapes of figures.

use serde_json::{Value, json};

use crate::http::shape::{count, list, named, number, object, object_with, one_of, or_null, pair, text};

/// The shapes.
pub(in crate::http) fn shapes() -> Value {
    let (kpi, filter) = (named("Kpi"), named("InsightsFilter"));
    let ends = pair(&json!({ "type": ["number", "null"] }));
    let share = json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 });
    let (day, as_of) = (
        json!({ "type": ["string", "null"], "format": "date" }),
        json!({ "type": ["string", "null"], "format": "date-time" }),
    );
    json!({
        "Kpi": object_with(
            json!({
                "answer": one_of(&["known", "not_reached", "not_enough", "suppressed"]),
                "definition_version": count(), "as_of": as_of, "received_share": share,
            }),
            json!({
                "value": number(), "ci": ends, "n": count(), "n_at_risk": count(), "n_events": count(),
                "n_censored": count(),
            }),
        ),
        "InsightsFilter": object_with(json!({}), json!({ "persona": text(), "release": text(), "period": text() })),
        "InsightsFilters": object(json!({
            "personas": list(&text()), "releases": list(&text()), "periods": list(&text()),
        })),
        "InsightsSummary": object(json!({
            "filter": filter, "adoption": named("Adoption"), "ttfv": named("TtfvFigures"), "active": named("ActiveDay"),
            "stickiness": kpi, "step_failure": kpi,
        })),
        "Adoption": object(json!({ "organisation": kpi, "could_help": kpi, "use_it": kpi })),
        "TtfvFigures": object(json!({
            "median": kpi, "p75": kpi, "p90": kpi, "within_30_days": kpi, "restricted_mean": kpi, "naive_median": kpi,
        })),
        "TtfvCurves": object(json!({
            "filter": filter, "groups": list(&named("TtfvCurve")), "logrank": or_null(&named("LogRank")),
        })),
        "TtfvCurve": object(json!({
            "name": text(), "figures": named("TtfvFigures"), "points": list(&named("CurvePoint")),
        })),
        "CurvePoint": object(json!({
            "days": number(), "waiting": number(), "ci": ends, "at_risk": count(), "arrived": count(),
        })),
        "LogRank": object(json!({ "chi2": number(), "df": count(), "p": number() })),
        "StepTable": object(json!({ "filter": filter, "steps": list(&named("StepRow")) })),
        "StepRow": object(json!({
            "pack": text(), "step": text(), "minutes": kpi, "failure": kpi, "doing": kpi, "waiting": kpi, "failing": kpi,
            "person_days": kpi,
        })),
        "InsightsFunnel": object(json!({
            "filter": filter, "stages": list(&named("FunnelStage")), "under_way": kpi,
        })),
        "FunnelStage": object(json!({
            "stage": one_of(&["began", "tried", "step_done", "first_value"]), "reached": kpi,
        })),
        "ActivityTable": object(json!({ "filter": filter, "days": list(&named("ActiveDay")) })),
        "ActiveDay": object(json!({ "day": day, "daily": kpi, "weekly": kpi, "monthly": kpi })),
        "ReleaseRetrospective": object(json!({
            "before": named("TtfvCurve"), "after": named("TtfvCurve"), "gain": kpi, "logrank": or_null(&named("LogRank")),
            "verdict": one_of(&["better", "worse", "no_difference", "not_enough"]),
            "until_days": number(), "smallest_that_matters_days": number(),
        })),
        "SlaTable": object(json!({ "overall": kpi, "owners": list(&named("SlaRow")) })),
        "SlaRow": object(json!({ "owner": text(), "kept": kpi })),
        "Completeness": object(json!({
            "as_of": as_of, "devices": count(), "devices_heard": count(), "produced": count(), "accepted": count(),
            "refused": count(), "missing": count(), "received_share": share, "journeys": count(),
            "journeys_without_beginning": count(), "journeys_without_clock": count(),
        })),
    })
}
