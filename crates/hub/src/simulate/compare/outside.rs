//! What is told of services, and of what people think.

use std::collections::BTreeMap;

use firstlight_contract::kpis::{Kpi, ServiceTable, SurveyKpis};
use jiff::{Timestamp, ToSpan as _, civil::Date};

use super::{
    super::{
        SimulateError,
        asking::QUESTIONS,
        count::{Count, half_of_nps, month},
        outside::Who,
        replay::Hub,
    },
    Comparison, FEW, float, ratio,
};

pub(super) async fn services(hub: &Hub, count: &Count, found: &mut Comparison) -> Result<(), SimulateError> {
    let today = count.day_of(Timestamp::now());
    let first = Date::new(today.year(), today.month(), 1).unwrap_or(today);
    let months: Vec<Date> = (0..3).map(|back| first.saturating_sub(back.months())).collect();
    for (name, query, whom) in count.whom() {
        let table: ServiceTable = hub.get("/v1/insights/services", &query).await?;
        let (mut rows, mut hidden) = (0, 0);
        for at in &months {
            let last = at.saturating_add(1.month()).saturating_sub(1.day());
            for ((service, of), uses) in count.services.iter().filter(|((_, of), _)| *of == month(*at)) {
                if uses.len() < FEW {
                    hidden += 1;
                    continue;
                }
                rows += 1;
                let what = |figure: &str| format!("{figure} of {service} in {of} of {name}");
                let row = table.services.iter().find(|row| row.service == *service && row.month == *of);
                let Some(row) = row else {
                    found.different.push(what("no row"));
                    continue;
                };
                let asked = uses.iter().filter(|(who, _)| match who {
                    Who::Person(person) => count.is(*person, last, whom),
                    Who::Visitor(_) => query.is_empty(),
                });
                let (mut users, mut all, mut ok) = (0, 0, 0);
                for (_, (used, worked)) in asked {
                    (users, all, ok) = (users + 1, all + used, ok + worked);
                }
                // Nobody is told of: there is nobody to protect.
                let whose = if users == 0 { FEW } else { users };
                found.figure(&what("users"), &row.users, Some(float(users)), None, whose);
                let often = ratio(all, users);
                found.figure(&what("uses"), &row.uses_per_user, often, Some((users, users)), whose);
                let counts = Some((all, ok));
                found.figure(&what("success"), &row.success, ratio(ok, all), counts, whose);
            }
        }
        found.exactly(&format!("rows of services of {name}"), table.services.len() as u64, rows);
        found.exactly(&format!("hidden services of {name}"), table.hidden.into(), hidden);
    }
    Ok(())
}

pub(super) async fn surveys(hub: &Hub, count: &Count, found: &mut Comparison) -> Result<(), SimulateError> {
    let today = count.day_of(Timestamp::now());
    let quarter = format!("{:04}-Q{}", today.year(), (today.month() + 2) / 3);
    let told: SurveyKpis = hub.get("/v1/insights/surveys", &[("period", &quarter)]).await?;
    let [told] = &told.quarters[..] else {
        found.different.push(format!("{} quarters, and one was asked for", told.quarters.len()));
        return Ok(());
    };
    let mut together: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for of in QUESTIONS {
        let scores = count.surveys.scores.get(&(of.survey, of.id)).cloned().unwrap_or_default();
        let survey = told.surveys.iter().find(|survey| survey.survey == of.survey);
        let row = survey.and_then(|survey| survey.questions.iter().find(|row| row.question == of.id));
        let name = format!("{} of everybody", of.id);
        match row {
            Some(row) => {
                found.exactly(&format!("answers to {name}"), row.answers.into(), scores.len() as u64);
                found.scores(&name, of.scale, &row.figure, &scores);
            }
            None if scores.is_empty() => {}
            None => found.different.push(format!("{name} is not told")),
        }
        together.entry(of.scale).or_default().extend(scores);
    }
    for (scale, kpi) in [("nps", &told.nps), ("csat", &told.csat), ("ces", &told.ces)] {
        let scores = together.remove(scale).unwrap_or_default();
        found.scores(&format!("{scale} of everybody"), scale, kpi, &scores);
    }
    let mut all = Vec::new();
    for (survey, endings) in &count.surveys.endings {
        let kpi = told.surveys.iter().find(|row| row.survey == *survey).map(|row| &row.response);
        match kpi {
            Some(kpi) => found.response(&format!("response to {survey} of everybody"), kpi, endings),
            None => found.different.push(format!("how {survey} ended is not told")),
        }
        all.extend(endings.iter().copied());
    }
    found.response("response of everybody", &told.response, &all);
    Ok(())
}

impl Comparison {
    fn scores(&mut self, name: &str, scale: &str, kpi: &Kpi, scores: &[i64]) {
        let n = scores.len();
        let at_least = |least: i64| scores.iter().filter(|score| **score >= least).count();
        let (expected, happened) = match scale {
            "nps" => {
                let (promoters, detractors) = (at_least(9), n - at_least(7));
                let enough = half_of_nps(promoters, detractors, n) <= 20.0;
                let value = 100.0 * (float(promoters) - float(detractors)) / float(n);
                (enough.then_some(value), promoters)
            }
            "csat" => (ratio(at_least(4), n), at_least(4)),
            _ => (ratio(usize::try_from(scores.iter().sum::<i64>()).unwrap_or(0), n), n),
        };
        self.figure(name, kpi, expected.filter(|_| n > 0), Some((n, happened)), n.max(FEW));
    }

    fn response(&mut self, name: &str, kpi: &Kpi, endings: &[&str]) {
        let sent = endings.iter().filter(|ending| **ending == "sent").count();
        self.figure(
            name,
            kpi,
            ratio(sent, endings.len()),
            Some((endings.len(), sent)),
            endings.len().max(FEW),
        );
    }
}
