//! When a person was last asked, for their devices; and what people said, for those who asked.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse as _, Response},
};
use firstlight_contract::{
    hub::ProblemCode,
    surveys::{Cooldown, FeedbackAbout, SignedFeedback, SurveyResults},
};
use firstlight_metrics::suppression::SMALLEST;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Hub, Operation,
    shape::{count, instant, list, matching, named, number, object, object_with, one_of, text},
};
use crate::{
    insights::Period,
    store::Device,
    surveys::{SMALLEST_FOR_WORDS, feedback, results},
};

pub(super) fn cooldown_operation() -> Operation {
    Operation::gives(named("Cooldown"))
}

pub(super) async fn cooldown(
    State(hub): State<Arc<Hub>>,
    Extension(device): Extension<Device>,
) -> Result<Json<Cooldown>, Failure> {
    let exposures = hub.store.exposures(device.person).await?;
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    Ok(Json(Cooldown { asked_at: text(exposures.any), nps_asked_at: text(exposures.nps) }))
}

/// Which quarter, and in which shape.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    quarter: Option<String>,
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Csv,
}

pub(super) fn show_operation() -> Operation {
    Operation::gives(named("SurveyResults")).or_csv().may_ask(
        "query",
        "quarter",
        matching("^(19[7-9][0-9]|[2-8][0-9]{3})-Q[1-4]$"),
    )
}

pub(super) async fn show(
    State(hub): State<Arc<Hub>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let malformed = || {
        let message = "`quarter` is written like 2026-Q4, `format` is json or csv, and there is nothing else";
        Failure::new(ProblemCode::Malformed, message)
    };
    let Query(Asked { quarter, format }) = asked.map_err(|_| malformed())?;
    let zone = &hub.rules.zone;
    let quarter = match quarter {
        Some(text) => {
            text.parse().ok().filter(|period| matches!(period, Period::Quarter(..))).ok_or_else(malformed)?
        }
        None => Period::quarter_of(zone.to_datetime((hub.now)()).date()),
    };
    let (from, to) = quarter.bounds(zone).ok_or_else(malformed)?;
    let heard = hub.store.heard(from, to).await?;
    let found = SurveyResults {
        quarter: quarter.to_string(),
        smallest: SMALLEST,
        smallest_for_words: SMALLEST_FOR_WORDS,
        surveys: results(&heard),
        feedback: feedback(&heard),
    };
    if format == Some(Format::Csv) {
        return Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv(&found)).into_response());
    }
    Ok(Json(found).into_response())
}

/// One line for each figure, count and text.
fn csv(found: &SurveyResults) -> String {
    let mut out = "quarter,survey,question,kind,what,value,low,high,n\r\n".to_owned();
    let mut line = |cells: [&str; 9]| {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        // Writing into a text never fails.
        let _ = write!(out, "{}\r\n", cells.join(","));
    };
    let quarter = found.quarter.as_str();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for survey in &found.surveys {
        let name = survey.survey.as_str();
        if let Some(endings) = &survey.endings {
            for (what, n) in [
                ("dismissed", endings.dismissed),
                ("abandoned", endings.abandoned),
                ("partial", endings.partial),
                ("sent", endings.sent),
            ] {
                line([quarter, name, "", "ending", what, &n.to_string(), "", "", ""]);
            }
        }
        for question in &survey.questions {
            let (id, kind) = (question.question.as_str(), question.kind.as_str());
            let n = question.n.to_string();
            let what = if question.enough { "figure" } else { "not_enough_answers" };
            let (value, low, high) = (number(question.value), number(question.low), number(question.high));
            line([quarter, name, id, kind, what, &value, &low, &high, &n]);
            for count in &question.counts {
                line([quarter, name, id, kind, &count.answer, &count.n.to_string(), "", "", &n]);
            }
            for text in &question.texts {
                line([quarter, name, id, kind, "words", text, "", "", &n]);
            }
        }
    }
    for text in &found.feedback.texts {
        line([quarter, "", "", "feedback", "words", text, "", "", ""]);
    }
    for of_place in &found.feedback.places {
        let n = of_place.texts.len().to_string();
        for text in &of_place.texts {
            line([quarter, "", &place(&of_place.about), "feedback_about", "words", text, "", "", &n]);
        }
    }
    for SignedFeedback { name, text, about } in &found.feedback.signed {
        let about = about.as_ref().map(place).unwrap_or_default();
        line([quarter, "", &about, "feedback", name, text, "", "", ""]);
    }
    out
}

/// What feedback is about, in one cell.
fn place(about: &FeedbackAbout) -> String {
    match about {
        FeedbackAbout::Step { step } => format!("step {step}"),
        FeedbackAbout::Screen { screen } => format!("screen {}", screen.name()),
    }
}

/// As RFC 4180 has it; and what a spreadsheet would take for a formula is a text.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '@', '\t', '\r'])
        || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// The shapes of these answers.
pub(super) fn shapes() -> Value {
    let question = object_with(
        json!({
            "question": text(), "kind": one_of(&["nps", "csat", "ces", "choice", "text"]), "n": count(),
            "enough": { "type": "boolean" }, "texts": list(&text()),
            "counts": list(&object(json!({ "answer": text(), "n": count() }))),
        }),
        json!({ "value": number(), "low": number(), "high": number() }),
    );
    let endings = object(json!({
        "dismissed": count(), "abandoned": count(), "partial": count(), "sent": count(),
    }));
    let survey =
        object_with(json!({ "survey": text(), "questions": list(&question) }), json!({ "endings": endings }));
    let about = object_with(
        json!({ "about": one_of(&["screen", "step"]) }),
        json!({ "screen": text(), "step": text() }),
    );
    let feedback = object(json!({
        "texts": list(&text()),
        "places": list(&object(json!({ "about": about, "texts": list(&text()) }))),
        "signed": list(&object_with(json!({ "name": text(), "text": text() }), json!({ "about": about }))),
    }));
    json!({
        "Cooldown": object_with(json!({}), json!({ "asked_at": instant(), "nps_asked_at": instant() })),
        "SurveyResults": object(json!({
            "quarter": text(), "smallest": count(), "smallest_for_words": count(), "surveys": list(&survey),
            "feedback": feedback,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (cell, written) in [
            ("plain", "plain"),
            ("-33.3", "-33.3"),
            ("=1+1", "'=1+1"),
            ("-cmd", "'-cmd"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\nthere", "\"say \"\"hi\"\"\nthere\""),
        ] {
            assert_eq!(quoted(cell), written);
        }
    }
}
