//! What may be said of what people answered. Pure.
//!
//! Answers are let out in batches: one is closed once there are enough people in it and no answer is everybody's, in the
//! order they arrived; what is not in a closed batch is not shown yet. So whoever asks every day and subtracts is left with
//! a whole batch at least, never with a person. Each person counts once a quarter, with what they said first, and quarters
//! go by when answers arrived, so a quarter that is over never changes; no sums across quarters are shown, from which
//! people could be reckoned who answered in both.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::surveys::{AnswerCount, EndingCounts, FeedbackResult, QuestionResult, SurveyResult};
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    survey::{Answer, Ending, Scale},
};
use firstlight_metrics::{
    Interval, Level,
    suppression::SMALLEST,
    survey::{Nps, ces, csat},
};

use crate::store::{PersonKey, surveys::Heard};

/// The smallest group whose own words are shown: words tell more of who wrote them than a number does.
pub const SMALLEST_FOR_WORDS: u64 = 10;

/// A question of a survey, and its kind.
type Question<'a> = (&'a SurveyId, &'a QuestionId, &'static str);

/// What is shown of surveys.
pub fn results(heard: &Heard) -> Vec<SurveyResult> {
    let mut surveys: BTreeMap<&SurveyId, SurveyResult> = BTreeMap::new();
    let empty =
        |survey: &SurveyId| SurveyResult { survey: survey.to_string(), endings: None, questions: Vec::new() };
    let mut endings: BTreeMap<&SurveyId, Vec<(PersonKey, Ending)>> = BTreeMap::new();
    for ended in &heard.endings {
        endings.entry(&ended.survey).or_default().push((ended.person, ended.ending));
    }
    for (survey, endings) in endings {
        let shown = let_out(&endings, SMALLEST, |ending| vec![*ending]);
        let counted = |wanted: Ending| shown.iter().filter(|ending| ***ending == wanted).count() as u64;
        surveys.entry(survey).or_insert_with(|| empty(survey)).endings =
            (!shown.is_empty()).then(|| EndingCounts {
                dismissed: counted(Ending::Dismissed),
                abandoned: counted(Ending::Abandoned),
                partial: counted(Ending::Partial),
                sent: counted(Ending::Sent),
            });
    }
    // A question that became another kind with a newer release is two questions.
    let mut questions: BTreeMap<Question<'_>, Vec<(PersonKey, Answer)>> = BTreeMap::new();
    for answered in &heard.answers {
        questions
            .entry((&answered.survey, &answered.question, kind(&answered.answer)))
            .or_default()
            .push((answered.person, answered.answer.clone()));
    }
    for ((survey, question, kind), answers) in questions {
        surveys
            .entry(survey)
            .or_insert_with(|| empty(survey))
            .questions
            .push(of_question(question, kind, &answers));
    }
    surveys.into_values().collect()
}

/// What was let out of something, and how much was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out<T> {
    /// What was let out.
    pub shown: Vec<T>,
    /// How much waits for more.
    pub kept: usize,
}

impl<T> Default for Out<T> {
    fn default() -> Self {
        Self { shown: Vec::new(), kept: 0 }
    }
}

impl<T: Copy> Out<T> {
    fn of<C: Ord>(said: &[(PersonKey, T)], cells: impl Fn(&T) -> Vec<C>) -> Self {
        let shown: Vec<T> = let_out(said, SMALLEST, cells).into_iter().copied().collect();
        let kept = said.len() - shown.len();
        Self { shown, kept }
    }

    /// That of something else with it.
    pub fn add(&mut self, other: &Self) {
        self.shown.extend(&other.shown);
        self.kept += other.kept;
    }
}

/// What was let out of one survey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyOut {
    /// How it ended.
    pub endings: Out<Ending>,
    /// What was answered to each question on a scale. A question that became another kind is two.
    pub scores: BTreeMap<(QuestionId, Scale), Out<u8>>,
}

/// What figures can be made of: the same batches as those whose counts are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetOut {
    /// By survey.
    pub surveys: BTreeMap<SurveyId, SurveyOut>,
}

impl LetOut {
    /// Of what was heard.
    pub fn of(heard: &Heard) -> Self {
        let mut endings: BTreeMap<&SurveyId, Vec<(PersonKey, Ending)>> = BTreeMap::new();
        for ended in &heard.endings {
            endings.entry(&ended.survey).or_default().push((ended.person, ended.ending));
        }
        let mut scores: BTreeMap<(&SurveyId, &QuestionId, Scale), Vec<(PersonKey, u8)>> = BTreeMap::new();
        for answered in &heard.answers {
            if let Answer::Score { kind, score } = answered.answer {
                let question = (&answered.survey, &answered.question, kind);
                scores.entry(question).or_default().push((answered.person, score));
            }
        }
        let mut out = Self::default();
        for (survey, endings) in endings {
            let survey = out.surveys.entry(survey.clone()).or_default();
            survey.endings = Out::of(&endings, |ending| vec![*ending]);
        }
        for ((survey, question, kind), scores) in scores {
            let survey = out.surveys.entry(survey.clone()).or_default();
            let scores = Out::of(&scores, |score| cells(&Answer::Score { kind, score: *score }));
            survey.scores.insert((question.clone(), kind), scores);
        }
        out
    }
}

/// What is shown of what people wrote by themselves. Who gave their name wants to be heard by it.
pub fn feedback(heard: &Heard) -> FeedbackResult {
    let unnamed: Vec<(PersonKey, &str)> = heard
        .feedback
        .iter()
        .filter(|feedback| feedback.name.is_none())
        .map(|feedback| (feedback.person, feedback.text.as_str()))
        .collect();
    let mut texts: Vec<String> = let_out(&unnamed, SMALLEST_FOR_WORDS, |_| Vec::<()>::new())
        .into_iter()
        .map(|text| (*text).to_owned())
        .collect();
    texts.sort_unstable();
    let signed = heard.feedback.iter().filter_map(|feedback| {
        let name = feedback.name.clone()?;
        Some((name, feedback.text.clone()))
    });
    FeedbackResult { signed: signed.collect(), texts }
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Score { kind, .. } => kind.name(),
        Answer::Choice { .. } => "choice",
        Answer::Text { .. } => "text",
    }
}

/// What an answer will be counted as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Named(String),
    Score(u8),
}

/// The cells an answer adds to, as they are shown.
fn cells(answer: &Answer) -> Vec<Cell> {
    let named = |name: &str| vec![Cell::Named(name.to_owned())];
    match answer {
        Answer::Score { kind: Scale::Nps, score } => named(match score {
            9.. => "promoters",
            7 | 8 => "passives",
            _ => "detractors",
        }),
        Answer::Score { kind: Scale::Csat, score: 4.. } => named("satisfied"),
        Answer::Score { kind: Scale::Csat, .. } => named("not_satisfied"),
        Answer::Score { kind: Scale::Ces, score } => vec![Cell::Score(*score)],
        Answer::Choice { chosen } => chosen.iter().map(|one| Cell::Named(one.to_string())).collect(),
        Answer::Text { .. } => Vec::new(),
    }
}

fn of_question(question: &QuestionId, kind: &'static str, answers: &[(PersonKey, Answer)]) -> QuestionResult {
    let smallest = if kind == "text" { SMALLEST_FOR_WORDS } else { SMALLEST };
    let shown = let_out(answers, smallest, cells);
    let mut counts: BTreeMap<Cell, u64> = BTreeMap::new();
    for cell in shown.iter().flat_map(|answer| cells(answer)) {
        *counts.entry(cell).or_default() += 1;
    }
    let scores: Vec<u8> = shown
        .iter()
        .filter_map(|answer| match answer {
            Answer::Score { score, .. } => Some(*score),
            Answer::Choice { .. } | Answer::Text { .. } => None,
        })
        .collect();
    let mut texts: Vec<String> = shown
        .iter()
        .filter_map(|answer| match answer {
            Answer::Text { text } => Some(text.clone()),
            Answer::Score { .. } | Answer::Choice { .. } => None,
        })
        .collect();
    // In no order that would tell who wrote first.
    texts.sort_unstable();
    let (value, interval, enough) = figure(kind, &scores);
    let counts = counts.into_iter().map(|(cell, n)| {
        let answer = match cell {
            Cell::Named(name) => name,
            Cell::Score(score) => score.to_string(),
        };
        AnswerCount { answer, n }
    });
    QuestionResult {
        question: question.to_string(),
        kind: kind.to_owned(),
        n: shown.len() as u64,
        enough: enough && !shown.is_empty(),
        value,
        low: interval.and_then(|interval| interval.low),
        high: interval.and_then(|interval| interval.high),
        counts: counts.collect(),
        texts,
    }
}

/// The figure, how sure it is, and whether that is sure enough to say it.
fn figure(kind: &str, scores: &[u8]) -> (Option<f64>, Option<Interval>, bool) {
    let scores = scores.iter().copied();
    match kind {
        "nps" => {
            let nps = Nps::of(scores);
            let enough = nps.is_enough(Level::USUAL);
            (nps.value().filter(|_| enough), nps.interval(Level::USUAL), enough)
        }
        "csat" => {
            let share = csat(scores);
            (share.value(), share.interval(Level::USUAL), true)
        }
        "ces" => {
            let effort = ces(scores, Level::USUAL);
            (effort.map(|effort| effort.mean), effort.and_then(|effort| effort.interval), true)
        }
        _ => (None, None, true),
    }
}

/// What is in closed batches, in the order it arrived: of each person what they said first; a batch is closed when it has
/// `smallest` people and nothing that all of them said.
pub fn let_out<T, C: Ord>(said: &[(PersonKey, T)], smallest: u64, cells: impl Fn(&T) -> Vec<C>) -> Vec<&T> {
    let mut seen = BTreeSet::new();
    let mut closed = Vec::new();
    let mut batch: Vec<&T> = Vec::new();
    let mut in_batch: BTreeMap<C, usize> = BTreeMap::new();
    for (person, one) in said {
        if !seen.insert(*person) {
            continue;
        }
        batch.push(one);
        for cell in cells(one) {
            *in_batch.entry(cell).or_default() += 1;
        }
        let unanimous = in_batch.values().any(|n| *n == batch.len());
        if batch.len() as u64 >= smallest && !unanimous {
            closed.append(&mut batch);
            in_batch.clear();
        }
    }
    closed
}

#[cfg(test)]
mod tests;
