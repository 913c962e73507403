//! What figures are made of: the same batches as those whose counts are shown, and the numbers that were kept of those that are
//! settled.

use std::collections::BTreeMap;

use firstlight_domain::survey::{Answer, Ending, Scale};

use super::{Cell, ENDING, PEOPLE, Said, cells, endings, key, let_out, questions};
use crate::store::surveys::{Heard, Sum};
use firstlight_metrics::suppression::SMALLEST;

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
    /// Of what was said, and of the numbers that were kept: which, and how often.
    fn of<S, C: Ord>(
        said: &[Said<S>],
        cells: impl Fn(&S) -> Vec<C>,
        value: impl Fn(&S) -> Option<T>,
        before: impl IntoIterator<Item = (T, u64)>,
    ) -> Self {
        let batches = let_out(said, SMALLEST, cells);
        let kept = said.iter().filter(|one| !one.settled).count() - batches.len();
        let mut shown: Vec<T> = batches.into_iter().filter_map(value).collect();
        for (value, n) in before {
            shown.extend((0..n).map(|_| value));
        }
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
    pub scores: BTreeMap<(String, Scale), Out<u8>>,
}

/// What was let out of a quarter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetOut {
    /// By survey.
    pub surveys: BTreeMap<String, SurveyOut>,
}

impl LetOut {
    /// Of what was heard.
    pub fn of(heard: &Heard) -> Self {
        let sums = &heard.settled.sums;
        let mut out = Self::default();
        let mut endings = endings(heard);
        let mut questions = questions(heard);
        for sum in sums.keys() {
            if sum.kind == ENDING {
                endings.entry(&sum.survey).or_default();
            } else {
                questions.entry(key(sum)).or_default();
            }
        }
        for (survey, said) in endings {
            let before = sums.iter().filter(|(sum, _)| key(sum) == (survey, "", ENDING));
            let before = before.filter_map(|(Sum { answer, .. }, n)| Some((Ending::named(answer)?, *n)));
            out.survey(survey).endings = Out::of(&said, |one| vec![*one], |one| Some(*one), before);
        }
        for (question, said) in questions {
            let (survey, name, kind) = question;
            let Some(scale) = Scale::named(kind) else { continue };
            let score = |answer: &&Answer| match answer {
                Answer::Score { score, .. } => Some(*score),
                Answer::Choice { .. } | Answer::Text { .. } => None,
            };
            let before = sums.iter().filter(|(sum, _)| key(sum) == question && sum.answer != PEOPLE);
            let before =
                before.filter_map(|(Sum { answer, .. }, n)| Some((Cell::read(kind, answer).score()?, *n)));
            let scores = Out::of(&said, |answer| cells(answer), score, before);
            out.survey(survey).scores.insert((name.to_owned(), scale), scores);
        }
        out
    }

    fn survey(&mut self, id: &str) -> &mut SurveyOut {
        self.surveys.entry(id.to_owned()).or_default()
    }
}
