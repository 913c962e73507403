//! Figures as rows: one for each, with what it is a figure of in the columns before it.

use firstlight_contract::kpis::{
    ActiveDay, ActivityTable, Adoption, Completeness, InsightsFilters, InsightsFunnel, InsightsSummary, Kpi,
    KpiAnswer, ReleaseRetrospective, ServiceTable, SlaTable, StepTable, SurveyKpis, TimeScale, TtfvCurve,
    TtfvCurves, TtfvFigures,
};
use serde_json::Value;

/// Says itself in rows.
pub(super) trait ToTable {
    /// The rows, the first of which names the columns.
    fn rows(&self) -> Vec<Vec<String>>;
}

/// The rows as text.
pub(super) fn csv(told: &impl ToTable) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in told.rows() {
        writer.write_record(row.iter().map(|cell| safe(cell)))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A cell a spreadsheet takes for text, not for a formula. Numbers below 0 stay what they are.
fn safe(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err();
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

const OF_A_FIGURE: [&str; 11] = [
    "answer",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "n_at_risk",
    "n_events",
    "n_censored",
    "definition_version",
    "as_of",
    "received_share",
];

fn head(before: &[&str]) -> Vec<String> {
    before.iter().chain(&OF_A_FIGURE).map(|name| (*name).to_owned()).collect()
}

fn row(before: &[&str], kpi: &Kpi) -> Vec<String> {
    let mut row: Vec<String> = before.iter().map(|cell| (*cell).to_owned()).collect();
    let some = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let (name, value, ci, counts) = match &kpi.answer {
        KpiAnswer::Known { value, ci, counts } => ("known", Some(*value), *ci, Some(counts)),
        KpiAnswer::NotReached { ci, counts } => ("not_reached", None, *ci, Some(counts)),
        KpiAnswer::NotEnough => ("not_enough", None, [None; 2], None),
        KpiAnswer::Suppressed => ("suppressed", None, [None; 2], None),
    };
    row.extend([name.to_owned(), some(value), some(ci[0]), some(ci[1])]);
    let counts = counts.map(|counts| [counts.n, counts.n_at_risk, counts.n_events, counts.n_censored]);
    row.extend(counts.map_or_else(Default::default, |counts| counts.map(|count| count.to_string())));
    row.extend([
        kpi.definition_version.to_string(),
        kpi.as_of.clone().unwrap_or_default(),
        some(kpi.received_share),
    ]);
    row
}

fn of_figures(figures: &TtfvFigures) -> [(&'static str, &Kpi); 6] {
    [
        ("ttfv_median_days", &figures.median),
        ("ttfv_p75_days", &figures.p75),
        ("ttfv_p90_days", &figures.p90),
        ("ttfv_within_30_days", &figures.within_30_days),
        ("ttfv_restricted_mean_days", &figures.restricted_mean),
        ("ttfv_naive_median_days", &figures.naive_median),
    ]
}

fn of_day(day: &ActiveDay) -> [(&'static str, &Kpi); 3] {
    [("daily", &day.daily), ("weekly", &day.weekly), ("monthly", &day.monthly)]
}

impl ToTable for InsightsFilters {
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["filter".to_owned(), "value".to_owned()]];
        for (filter, values) in [
            ("persona", &self.personas),
            ("release", &self.releases),
            ("period", &self.periods),
            ("team", &self.teams),
        ] {
            rows.extend(values.iter().map(|value| vec![filter.to_owned(), value.clone()]));
        }
        rows
    }
}

impl ToTable for InsightsSummary {
    fn rows(&self) -> Vec<Vec<String>> {
        let Adoption { organisation, could_help, use_it } = &self.adoption;
        let adoption = [
            ("adoption_of_organisation", organisation),
            ("adoption_of_whom_it_could_help", could_help),
            ("adoption_of_users", use_it),
        ];
        let others = [("stickiness", &self.stickiness), ("step_failure", &self.step_failure)];
        let figures =
            adoption.into_iter().chain(of_figures(&self.ttfv)).chain(of_day(&self.active)).chain(others);
        std::iter::once(head(&["figure"])).chain(figures.map(|(name, kpi)| row(&[name], kpi))).collect()
    }
}

/// Figures and points of a curve in one table: a point is a figure whose value is the share still waiting.
fn of_curve(curve: &TtfvCurve, time: TimeScale) -> impl Iterator<Item = Vec<String>> + '_ {
    let figures = of_figures(&curve.figures).into_iter().map(move |(name, kpi)| {
        let name = match time {
            TimeScale::Elapsed => name.to_owned(),
            TimeScale::Business => name.replace("_days", "_working_days"),
        };
        row(&[&curve.name, &name, "", "", ""], kpi)
    });
    let points = curve.points.iter().map(|point| {
        let cells = [point.days.to_string(), point.at_risk.to_string(), point.arrived.to_string()];
        let counts = match &curve.figures.median.answer {
            KpiAnswer::Known { counts, .. } | KpiAnswer::NotReached { counts, .. } => *counts,
            KpiAnswer::NotEnough | KpiAnswer::Suppressed => firstlight_contract::kpis::KpiCounts::default(),
        };
        let answer = KpiAnswer::Known { value: point.waiting, ci: point.ci, counts };
        let kpi = Kpi { answer, ..curve.figures.median.clone() };
        row(&[&curve.name, "waiting", &cells[0], &cells[1], &cells[2]], &kpi)
    });
    figures.chain(points)
}

fn head_of_curves() -> Vec<String> {
    head(&["group", "figure", "day", "at_risk", "arrived"])
}

impl ToTable for TtfvCurves {
    fn rows(&self) -> Vec<Vec<String>> {
        std::iter::once(head_of_curves())
            .chain(self.groups.iter().flat_map(|curve| of_curve(curve, self.time)))
            .collect()
    }
}

impl ToTable for ReleaseRetrospective {
    fn rows(&self) -> Vec<Vec<String>> {
        let curves =
            [&self.before, &self.after].into_iter().flat_map(|curve| of_curve(curve, TimeScale::Elapsed));
        let gain = row(&["", "gain_days", "", "", ""], &self.gain);
        std::iter::once(head_of_curves()).chain(curves).chain([gain]).collect()
    }
}

impl ToTable for StepTable {
    fn rows(&self) -> Vec<Vec<String>> {
        let rows = self.steps.iter().flat_map(|step| {
            [
                ("minutes", &step.minutes),
                ("failure", &step.failure),
                ("doing_minutes", &step.doing),
                ("waiting_minutes", &step.waiting),
                ("failing_minutes", &step.failing),
                ("person_days", &step.person_days),
            ]
            .map(|(name, kpi)| row(&[&step.pack, &step.step, name], kpi))
        });
        std::iter::once(head(&["pack", "step", "figure"])).chain(rows).collect()
    }
}

impl ToTable for InsightsFunnel {
    fn rows(&self) -> Vec<Vec<String>> {
        let stages = self.stages.iter().map(|stage| row(&[&word(&stage.stage)], &stage.reached));
        let under_way = row(&["under_way"], &self.under_way);
        std::iter::once(head(&["stage"])).chain(stages).chain([under_way]).collect()
    }
}

impl ToTable for ActivityTable {
    fn rows(&self) -> Vec<Vec<String>> {
        let rows = self.days.iter().flat_map(|day| {
            let date = day.day.clone().unwrap_or_default();
            of_day(day).map(|(name, kpi)| row(&[&date, name], kpi))
        });
        std::iter::once(head(&["day", "figure"])).chain(rows).collect()
    }
}

impl ToTable for SlaTable {
    fn rows(&self) -> Vec<Vec<String>> {
        let owners = self.owners.iter().map(|one| row(&[&one.owner, "sla"], &one.kept));
        let all = [head(&["owner", "figure"]), row(&["", "sla"], &self.overall)];
        all.into_iter().chain(owners).collect()
    }
}

impl ToTable for ServiceTable {
    fn rows(&self) -> Vec<Vec<String>> {
        let rows = self.services.iter().flat_map(|of| {
            let figures =
                [("users", &of.users), ("uses_per_user", &of.uses_per_user), ("success", &of.success)];
            figures.map(|(name, kpi)| row(&[&of.service, &of.month, name], kpi))
        });
        std::iter::once(head(&["service", "month", "figure"])).chain(rows).collect()
    }
}

/// What is of all surveys has none of them in its row.
impl ToTable for SurveyKpis {
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![head(&["quarter", "survey", "question", "figure"])];
        for of in &self.quarters {
            let together =
                [("nps", &of.nps), ("csat", &of.csat), ("ces", &of.ces), ("response", &of.response)];
            rows.extend(together.map(|(name, kpi)| row(&[&of.quarter, "", "", name], kpi)));
            for survey in &of.surveys {
                rows.push(row(&[&of.quarter, &survey.survey, "", "response"], &survey.response));
                rows.extend(survey.questions.iter().map(|question| {
                    let scale = word(&question.scale);
                    let before = [of.quarter.as_str(), &survey.survey, &question.question, &scale];
                    row(&before, &question.figure)
                }));
            }
        }
        rows
    }
}

impl ToTable for Completeness {
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["figure".to_owned(), "value".to_owned()]];
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            rows.extend(fields.into_iter().map(|(name, value)| vec![name, text(&value)]));
        }
        rows
    }
}

/// A value without its quotation marks.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The word a value is on the wire.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).map(|value| text(&value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        let filters = InsightsFilters {
            personas: vec!["=1+1".to_owned(), "a,\"b\"".to_owned(), "@sum".to_owned(), "-2".to_owned()],
            ..InsightsFilters::default()
        };
        let text = csv(&filters).unwrap();
        assert_eq!(
            text,
            "filter,value\r\npersona,'=1+1\r\npersona,\"a,\"\"b\"\"\"\r\npersona,'@sum\r\npersona,-2\r\n"
        );
    }
}
