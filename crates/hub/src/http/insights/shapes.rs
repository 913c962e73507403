//! The shapes of figures, and of what can be asked of them.

use serde_json::{Value, json};

use crate::{
    http::shape::{count, list, named, number, object, object_with, one_of, or_null, pair, text},
    insights::MOST_WIDE,
};

/// The time to what can be asked for.
pub(super) const VALUES: &[&str] = &["first_value", "merged"];

/// In which time.
pub(super) const TIMES: &[&str] = &["elapsed", "business"];

/// Some people: so many of these can be combined, but for a team, which is asked for by itself.
pub(super) fn filter() -> Value {
    let period = json!({
        "type": "string", "pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})(-(0[1-9]|1[0-2]|Q[1-4]))?$",
        "description": "A month, quarter or year, as 2026-11, 2026-Q4, 2026.",
    });
    let release =
        json!({ "type": "string", "pattern": "@", "description": "Pack and version, as acme@3.2.0." });
    let mut filter = object_with(
        json!({}),
        json!({ "persona": text(), "release": release, "period": period, "team": text() }),
    );
    let no_team = json!({ "properties": { "team": false }, "maxProperties": MOST_WIDE });
    filter["anyOf"] = json!([no_team, { "maxProperties": 1 }]);
    filter
}

/// Some people, and by what they are shown beside each other; that is one more thing asked for, unless it was already.
pub(super) fn filter_and_parts() -> Value {
    let mut asked = filter();
    asked["properties"]["by"] = one_of(&["persona", "release", "team"]);
    let within = json!({
        "properties": { "team": false, "by": one_of(&["persona", "release"]) }, "maxProperties": MOST_WIDE,
    });
    let already = ["persona", "release"].map(|by| {
        let properties = json!({ "team": false, "by": { "const": by } });
        json!({ "required": ["by", by], "properties": properties, "maxProperties": MOST_WIDE + 1 })
    });
    let nothing_else =
        json!({ "persona": false, "release": false, "period": false, "by": { "const": "team" } });
    let team = json!({ "properties": nothing_else });
    asked["anyOf"] = [within, team].into_iter().chain(already).collect();
    asked
}

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
        "InsightsFilter": object_with(json!({}), json!({ "persona": text(), "release": text(), "period": text(), "team": text() })),
        "InsightsFilters": object(json!({
            "personas": list(&text()), "releases": list(&text()), "periods": list(&text()), "teams": list(&text()),
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
            "filter": filter, "value": one_of(VALUES), "time": one_of(TIMES), "groups": list(&named("TtfvCurve")),
            "logrank": or_null(&named("LogRank")),
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
        "ServiceTable": object(json!({
            "filter": filter, "until": day, "services": list(&named("ServiceRow")), "hidden": count(),
        })),
        "ServiceRow": object(json!({
            "service": text(), "month": text(), "users": kpi, "uses_per_user": kpi, "success": kpi,
        })),
        "SurveyKpis": object(json!({ "quarters": list(&named("SurveyQuarter")) })),
        "SurveyQuarter": object(json!({
            "quarter": text(), "nps": kpi, "csat": kpi, "ces": kpi, "response": kpi, "surveys": list(&named("SurveyKpi")),
        })),
        "SurveyKpi": object(json!({ "survey": text(), "response": kpi, "questions": list(&named("QuestionKpi")) })),
        "QuestionKpi": object(json!({
            "question": text(), "scale": one_of(&["nps", "csat", "ces"]), "answers": count(), "figure": kpi,
        })),
        "ReleaseRetrospective": object(json!({
            "before": named("TtfvCurve"), "after": named("TtfvCurve"), "gain": kpi, "logrank": or_null(&named("LogRank")),
            "verdict": one_of(&["better", "worse", "no_difference", "not_enough"]),
            "until_days": number(), "smallest_that_matters_days": number(),
        })),
        "SlaTable": object(json!({ "filter": filter, "overall": kpi, "owners": list(&named("SlaRow")) })),
        "SlaRow": object(json!({ "owner": text(), "kept": kpi })),
        "Completeness": object(json!({
            "as_of": as_of, "devices": count(), "devices_heard": count(), "produced": count(), "accepted": count(),
            "refused": count(), "missing": count(), "received_share": share, "journeys": count(),
            "journeys_without_beginning": count(), "journeys_without_clock": count(),
        })),
    })
}
