//! What the hub says beside what it has to say.

mod outside;
mod requests;

use firstlight_contract::kpis::{
    ActivityTable, Completeness, InsightsFunnel, InsightsSummary, Kpi, KpiAnswer, StepTable, TtfvCurves,
    TtfvFigures,
};

use super::{
    Ground, SimulateError,
    count::{Count, Journey, Wait, Whom, arrived, quantile},
    hours,
    replay::Hub,
};

pub(super) use requests::requests;

/// Below so many people nothing may be said.
const FEW: usize = 5;

/// What came of it.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Figures that are what they have to be.
    pub equal: usize,
    /// Figures that were not told, about so few people or beside others.
    pub suppressed: usize,
    /// Figures that are something else, in words.
    pub different: Vec<String>,
    /// What the main figures are, in words.
    pub told: Vec<String>,
}

/// What somebody is called, how they are asked for, and who they are.
type Named<'a> = (&'a str, Vec<(&'static str, &'a str)>, Whom<'a>);

/// Persona, release, month, team.
type Asked<'a> = [(&'static str, Option<&'a str>); 4];

pub(super) async fn compare(
    hub: &Hub,
    count: &Count,
    people: usize,
    devices: usize,
    ground: &Ground<'_>,
    found: &mut Comparison,
) -> Result<(), SimulateError> {
    let completeness: Completeness = hub.get("/v1/insights/completeness", &[]).await?;
    found.exactly("devices", completeness.devices.into(), devices as u64);
    found.exactly("events produced", completeness.produced.into(), count.produced);
    found.exactly("events accepted", completeness.accepted.into(), count.accepted);
    found.exactly("events refused", completeness.refused.into(), 0);
    found.exactly("journeys", completeness.journeys.into(), count.journeys.len() as u64);
    found.exactly(
        "journeys without beginning",
        completeness.journeys_without_beginning.into(),
        count.without_beginning as u64,
    );
    let as_of = jiff::Timestamp::from_millisecond(count.as_of).unwrap_or_default().to_string();
    if completeness.as_of.as_deref() != Some(&as_of) {
        found.different.push(format!("as of: {:?} and not {as_of}", completeness.as_of));
    }
    for asked in questions(count) {
        group(hub, count, asked, (people, ground), found).await?;
    }
    activity(hub, count, found).await?;
    outside::services(hub, count, found).await?;
    outside::surveys(hub, count, found).await
}

/// Everybody; each persona, release, month, team; and each persona with each release.
fn questions(count: &Count) -> Vec<Asked<'_>> {
    let all = |of: fn(&Journey) -> &str| {
        let mut values: Vec<&str> = count.journeys.iter().map(of).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let asked = |persona, release, period| {
        [("persona", persona), ("release", release), ("period", period), ("team", None)]
    };
    let mut questions = vec![asked(None, None, None)];
    let of_team = |team| [("persona", None), ("release", None), ("period", None), ("team", Some(team))];
    questions.extend(count.teams().into_iter().map(of_team));
    let releases = all(|journey| &journey.release);
    for persona in all(|journey| &journey.persona) {
        questions.push(asked(Some(persona), None, None));
        questions.extend(releases.iter().map(|release| asked(Some(persona), Some(release), None)));
    }
    questions.extend(releases.iter().map(|release| asked(None, Some(release), None)));
    questions.extend(all(|journey| &journey.month).into_iter().map(|month| asked(None, None, Some(month))));
    questions
}

/// Whom a question is about.
fn journeys_of<'a>(count: &'a Count, asked: &Asked<'_>) -> Vec<&'a Journey> {
    let [(_, persona), (_, release), (_, month), (_, team)] = *asked;
    let is = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
    let journeys = count.journeys.iter().filter(|journey| {
        is(persona, &journey.persona)
            && is(release, &journey.release)
            && is(month, &journey.month)
            && team.is_none_or(|team| journey.team == Some(team))
    });
    journeys.collect()
}

/// How it is asked, and what it is called.
fn said<'a>(asked: &Asked<'a>) -> (Vec<(&'static str, &'a str)>, String) {
    let query: Vec<(&str, &str)> =
        asked.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    let name = query.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
    (query, if name.is_empty() { "everybody".to_owned() } else { name })
}

async fn group(
    hub: &Hub,
    count: &Count,
    asked: Asked<'_>,
    (people, ground): (usize, &Ground<'_>),
    found: &mut Comparison,
) -> Result<(), SimulateError> {
    let of = journeys_of(count, &asked);
    let (query, name) = said(&asked);
    let name = name.as_str();
    let summary: InsightsSummary = hub.get("/v1/insights/summary", &query).await?;
    let whose = people_of(&of);
    let elapsed = |from, to| to - from;
    let waits = count.waits(&of, |journey| journey.value, elapsed);
    found.times("first value", name, &summary.ttfv, &waits, whose);
    let merged = [&query[..], &[("value", "merged")]].concat();
    let merged: TtfvCurves = hub.get("/v1/insights/ttfv", &merged).await?;
    let waits = count.waits(&of, |journey| journey.merged, elapsed);
    if let [curve] = &merged.groups[..] {
        found.times("the first merged change", name, &curve.figures, &waits, whose);
    } else if !of.is_empty() {
        found.different.push(format!("{} curves of {name}", merged.groups.len()));
    }
    if hours::are_usual(ground.hours) {
        let worked = [&query[..], &[("time", "business")]].concat();
        let worked: TtfvCurves = hub.get("/v1/insights/ttfv", &worked).await?;
        let waits =
            count.waits(&of, |journey| journey.value, |from, to| hours::between(from, to, ground.zone));
        if let [curve] = &worked.groups[..] {
            found.worked(name, &curve.figures, &waits, whose);
        } else if !of.is_empty() {
            found.different.push(format!("{} curves of what was worked of {name}", worked.groups.len()));
        }
    }
    let share = |(part, whole): (usize, usize)| ratio(part, whole);
    let [helped, using] = count.adoption(&of);
    for (what, kpi, adoption) in [
        ("adoption", &summary.adoption.could_help, helped),
        ("adoption by users", &summary.adoption.use_it, using),
    ] {
        let counts = Some((adoption.1, adoption.0));
        found.figure(&format!("{what} of {name}"), kpi, share(adoption), counts, adoption.1);
    }
    if query.is_empty() {
        let all = (helped.0, people);
        found.figure(
            "adoption of the organisation",
            &summary.adoption.organisation,
            share(all),
            Some((all.1, all.0)),
            people,
        );
    }
    let funnel: InsightsFunnel = hub.get("/v1/insights/funnel", &query).await?;
    let (reached, under_way) = count.funnel(&of);
    for (stage, reached_it) in funnel.stages.iter().zip(reached) {
        let (what, of) = (format!("{:?} of {name}", stage.stage), (reached_it, reached[0]));
        found.figure(&what, &stage.reached, share(of), Some((of.1, of.0)), reached[0]);
    }
    found.figure(&format!("under way of {name}"), &funnel.under_way, Some(float(under_way)), None, whose);
    steps(hub, count, &of, &query, name, found).await
}

async fn steps(
    hub: &Hub,
    count: &Count,
    of: &[&Journey],
    query: &[(&str, &str)],
    name: &str,
    found: &mut Comparison,
) -> Result<(), SimulateError> {
    let table: StepTable = hub.get("/v1/insights/steps", query).await?;
    let expected = count.steps(of);
    if !table.steps.is_empty() {
        found.exactly(&format!("steps of {name}"), table.steps.len() as u64, expected.len() as u64);
    }
    for row in &table.steps {
        let Some(step) = expected.get(row.step.as_str()) else {
            found.different.push(format!("{} of {name} is no step", row.step));
            continue;
        };
        let what = |figure: &str| format!("{figure} of {} of {name}", row.step);
        let whose = step.people.len();
        let mean = |time: i64| Some(milliseconds(time) / 60_000.0 / milliseconds(step.journeys));
        found.figure(&what("minutes doing"), &row.doing, mean(step.doing), None, whose);
        found.figure(&what("minutes waiting"), &row.waiting, mean(step.waiting), None, whose);
        found.figure(&what("minutes failing"), &row.failing, mean(step.failing), None, whose);
        let median = quantile(&step.waits, 0.5).map(|time| time / 60_000.0);
        found.figure(
            &what("median minutes"),
            &row.minutes,
            median,
            Some((step.waits.len(), arrived(&step.waits))),
            whose,
        );
        if step.tried > 0 {
            let share = milliseconds(step.failed) / milliseconds(step.tried);
            found.figure(&what("share failed"), &row.failure, Some(share), None, whose);
        }
    }
    Ok(())
}

async fn activity(hub: &Hub, count: &Count, found: &mut Comparison) -> Result<(), SimulateError> {
    for (name, query, whom) in count.whom() {
        let table: ActivityTable = hub.get("/v1/insights/activity", &query).await?;
        found.exactly("days of activity", table.days.len() as u64, 28);
        if table.days.last().and_then(|day| day.day.clone()) != Some(count.today().to_string()) {
            found.different.push(format!("the last day is not {}", count.today()));
        }
        let mut day = count.today();
        for told in table.days.iter().rev() {
            for (figure, kpi, days) in
                [("day", &told.daily, 1), ("week", &told.weekly, 7), ("month", &told.monthly, 28)]
            {
                let active = count.active(day, days, whom);
                let what = format!("active of {name} in the {figure} until {day}");
                // Nobody is told of: there is nobody to protect.
                let whose = if active == 0 { FEW } else { active };
                found.figure(&what, kpi, Some(float(active)), None, whose);
            }
            day = day.yesterday().unwrap_or(day);
        }
    }
    Ok(())
}

impl Count {
    /// Everybody, each persona, each team: what they are called, how they are asked for, and who they are.
    fn whom(&self) -> Vec<Named<'_>> {
        let mut personas: Vec<&str> = self.journeys.iter().map(|journey| journey.persona.as_str()).collect();
        personas.sort_unstable();
        personas.dedup();
        let mut whom = vec![("everybody", Vec::new(), Whom::default())];
        let personas = personas.into_iter();
        whom.extend(personas.map(|persona| {
            (persona, vec![("persona", persona)], Whom { persona: Some(persona), team: None })
        }));
        let teams = self.teams().into_iter();
        whom.extend(teams.map(|team| (team, vec![("team", team)], Whom { persona: None, team: Some(team) })));
        whom
    }

    fn teams(&self) -> Vec<&'static str> {
        let mut teams: Vec<&str> = self.journeys.iter().filter_map(|journey| journey.team).collect();
        teams.sort_unstable();
        teams.dedup();
        teams
    }
}

impl Comparison {
    fn times(&mut self, to: &str, name: &str, told: &TtfvFigures, waits: &[Wait], whose: usize) {
        let days = |share| quantile(waits, share).map(|time| time / 86_400_000.0);
        let counts = Some((waits.len(), arrived(waits)));
        self.figure(&format!("median days to {to} of {name}"), &told.median, days(0.5), counts, whose);
        let what = format!("days to {to} of three quarters of {name}");
        self.figure(&what, &told.p75, days(0.75), counts, whose);
    }

    /// What was worked until half had first value, in working days.
    fn worked(&mut self, name: &str, told: &TtfvFigures, waits: &[Wait], whose: usize) {
        let days = quantile(waits, 0.5).map(|time| time / milliseconds(hours::WORKING_DAY));
        let counts = Some((waits.len(), arrived(waits)));
        self.figure(
            &format!("median working days to first value of {name}"),
            &told.median,
            days,
            counts,
            whose,
        );
    }

    fn exactly(&mut self, what: &str, told: u64, expected: u64) {
        if told == expected {
            self.equal += 1;
            // What is about some only would be a long list.
            if !what.contains(" of ") {
                self.told.push(format!("{what}: {told}"));
            }
        } else {
            self.different.push(format!("{what}: {told} and not {expected}"));
        }
    }

    /// A figure about so many people; `counts` are how many it is about and to how many it happened.
    fn figure(
        &mut self,
        what: &str,
        kpi: &Kpi,
        expected: Option<f64>,
        counts: Option<(usize, usize)>,
        people: usize,
    ) {
        let wrong = |why: String| format!("{what}: {why}");
        let (value, told) = match &kpi.answer {
            KpiAnswer::Suppressed => {
                self.suppressed += 1;
                return;
            }
            KpiAnswer::NotEnough if people == 0 || expected.is_none() => {
                self.equal += 1;
                return;
            }
            KpiAnswer::NotEnough => {
                self.different.push(wrong(format!("not enough and not {expected:?}")));
                return;
            }
            KpiAnswer::Known { value, counts, .. } => (Some(*value), counts),
            KpiAnswer::NotReached { counts, .. } => (None, counts),
        };
        if people < FEW {
            self.different.push(wrong(format!("it is about {people} people, and told")));
            return;
        }
        let same = match (value, expected) {
            (Some(value), Some(expected)) => (value - expected).abs() <= 1e-12 * expected.abs(),
            (None, None) => true,
            _ => false,
        };
        let counted =
            counts.is_none_or(|(n, events)| (told.n as usize, told.n_events as usize) == (n, events));
        if same && counted {
            self.equal += 1;
            if what.ends_with("everybody") {
                self.told.push(format!(
                    "{what}: {}",
                    value.map_or("not reached".to_owned(), |value| format!("{value:.4}"))
                ));
            }
        } else {
            self.different.push(wrong(format!("{value:?} of {told:?} and not {expected:?} of {counts:?}")));
        }
    }
}

fn people_of(of: &[&Journey]) -> usize {
    of.iter().map(|journey| journey.person).collect::<std::collections::BTreeSet<_>>().len()
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| float(part) / float(whole))
}

#[expect(clippy::cast_precision_loss, reason = "people, far below 2^53")]
fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of weeks, far below 2^53")]
fn milliseconds(time: i64) -> f64 {
    time as f64
}
