//! What may be said of what people answered. Pure.
//!
//! Answers are let out in batches: one is closed once there are enough people in it and no answer is everybody's, in the
//! order they arrived; what is not in a closed batch is not shown yet. So whoever asks every day and subtracts is left with
//! a whole batch at least, never with a person. Each person counts once a quarter, with what they said first, and quarters
//! go by when answers arrived, so a quarter that is over never changes; no sums across quarters are shown, from which
//! people could be reckoned who answered in both. When somebody is erased, the batches they are in stay the numbers that were
//! let out ([`settle`]).

mod out;

use std::collections::{BTreeMap, BTreeSet};

use firstlight_contract::surveys::{
    AnswerCount, EndingCounts, FeedbackAbout, FeedbackResult, PlaceFeedback, QuestionResult, ScreenName,
    SignedFeedback, SurveyResult,
};
use firstlight_domain::survey::{About, Answer, Ending, Scale, Screen};
use firstlight_metrics::{
    Interval, Level,
    suppression::SMALLEST,
    survey::{Nps, ces, csat},
};

use crate::store::{
    PersonKey,
    surveys::{Answered, Feedback, Heard, Settled, Sum},
};

pub use out::{LetOut, Out, SurveyOut};

/// The smallest group whose own words are shown: words tell more of who wrote them than a number does.
pub const SMALLEST_FOR_WORDS: u64 = 10;

/// Survey, question and kind of question.
type Question<'a> = (&'a str, &'a str, &'a str);
/// What endings are counted as where the kind of a question stands.
const ENDING: &str = "ending";
/// What people are counted as where an answer stands.
const PEOPLE: &str = "";

/// What is shown of surveys.
pub fn results(heard: &Heard) -> Vec<SurveyResult> {
    let mut surveys: BTreeMap<&str, SurveyResult> = BTreeMap::new();
    let empty =
        |survey: &str| SurveyResult { survey: survey.to_owned(), endings: None, questions: Vec::new() };
    let sums = &heard.settled.sums;
    let mut endings = endings(heard);
    for sum in sums.keys().filter(|sum| sum.kind == ENDING) {
        endings.entry(sum.survey.as_str()).or_default();
    }
    for (survey, endings) in endings {
        let shown = let_out(&endings, SMALLEST, |ending| vec![*ending]);
        let before = |ending: Ending| kept(sums, (survey, "", ENDING), ending.name());
        let counted = |wanted: Ending| {
            before(wanted) + shown.iter().filter(|ending| ***ending == wanted).count() as u64
        };
        let endings = EndingCounts {
            dismissed: counted(Ending::Dismissed),
            abandoned: counted(Ending::Abandoned),
            partial: counted(Ending::Partial),
            sent: counted(Ending::Sent),
        };
        let EndingCounts { dismissed, abandoned, partial, sent } = endings;
        surveys.entry(survey).or_insert_with(|| empty(survey)).endings =
            (dismissed + abandoned + partial + sent > 0).then_some(endings);
    }
    let mut questions = questions(heard);
    for sum in sums.keys().filter(|sum| sum.kind != ENDING) {
        questions.entry(key(sum)).or_default();
    }
    for (question, answers) in questions {
        let (survey, ..) = question;
        surveys
            .entry(survey)
            .or_insert_with(|| empty(survey))
            .questions
            .push(of_question(question, &answers, sums));
    }
    surveys.into_values().collect()
}

/// What is shown of what people wrote by themselves. Who gave their name wants to be heard by it. What is about one place is
/// let out once more by itself: a step may be of a checklist that few people have.
pub fn feedback(heard: &Heard) -> FeedbackResult {
    let unnamed = unnamed(heard);
    let told: Vec<&Said<&Feedback>> =
        closed(&unnamed, SMALLEST_FOR_WORDS, |_| Vec::<()>::new()).into_iter().flatten().collect();
    let mut places: BTreeMap<&About, Vec<Said<&Feedback>>> = BTreeMap::new();
    for Said { person, place, what, .. } in &told {
        if let Some(about) = &what.about {
            let said = Said { person: *person, place: *place, settled: false, what: *what };
            places.entry(about).or_default().push(said);
        }
    }
    let places = places.into_iter().filter_map(|(about, said)| {
        let told = let_out(&said, SMALLEST_FOR_WORDS, |_| Vec::<()>::new());
        (!told.is_empty()).then(|| PlaceFeedback { about: place(about), texts: texts(told) })
    });
    let signed = heard.feedback.iter().filter_map(|feedback| {
        Some(SignedFeedback {
            name: feedback.name.clone()?,
            text: feedback.text.clone(),
            about: feedback.about.as_ref().map(place),
        })
    });
    FeedbackResult {
        signed: signed.collect(),
        texts: texts(told.iter().map(|one| &one.what)),
        places: places.collect(),
    }
}

/// In no order that would tell who wrote first.
fn texts<'a>(told: impl IntoIterator<Item = &'a &'a Feedback>) -> Vec<String> {
    let mut texts: Vec<String> = told.into_iter().map(|feedback| feedback.text.clone()).collect();
    texts.sort_unstable();
    texts
}

fn place(about: &About) -> FeedbackAbout {
    match about {
        About::Step { step } => FeedbackAbout::Step { step: step.to_string() },
        About::Screen { screen } => FeedbackAbout::Screen {
            screen: match screen {
                Screen::Welcome => ScreenName::Welcome,
                Screen::Road => ScreenName::Road,
                Screen::Today => ScreenName::Today,
                Screen::FirstLight => ScreenName::FirstLight,
                Screen::Docs => ScreenName::Docs,
                Screen::Projects => ScreenName::Projects,
                Screen::Credentials => ScreenName::Credentials,
                Screen::Privacy => ScreenName::Privacy,
                Screen::Insights => ScreenName::Insights,
                Screen::Settings => ScreenName::Settings,
            },
        },
    }
}

/// What of closed batches has to be settled before what some people said goes: a batch that was let out stays the numbers it
/// was, so that nobody learns by subtracting what has gone. Words have no numbers: those of the whole batch are not shown
/// any more, or the one that is missing would be known.
pub fn settle(heard: &Heard, goes: impl Fn(PersonKey) -> bool) -> Settled {
    let mut settled = Settled::default();
    for (survey, endings) in endings(heard) {
        for batch in leaving(&endings, SMALLEST, |ending| vec![*ending], &goes) {
            for Said { place, what, .. } in batch {
                settled.endings.insert(*place);
                settled.add((survey, "", ENDING), what.name());
            }
        }
    }
    for (question, answers) in questions(heard) {
        for batch in leaving(&answers, smallest(question.2), |answer| cells(answer), &goes) {
            for Said { place, what, .. } in batch {
                settled.answers.insert(*place);
                if !matches!(what, Answer::Text { .. }) {
                    settled.add(question, PEOPLE);
                    for cell in cells(what) {
                        settled.add(question, &cell.to_string());
                    }
                }
            }
        }
    }
    for batch in leaving(&unnamed(heard), SMALLEST_FOR_WORDS, |_| Vec::<()>::new(), &goes) {
        settled.feedback.extend(batch.iter().map(|said| said.place));
    }
    settled
}

impl Settled {
    fn add(&mut self, (survey, question, kind): Question<'_>, answer: &str) {
        *self.sums.entry(sum((survey, question, kind), answer)).or_default() += 1;
    }
}

fn sum((survey, question, kind): Question<'_>, answer: &str) -> Sum {
    let [survey, question, kind, answer] = [survey, question, kind, answer].map(str::to_owned);
    Sum { survey, question, kind, answer }
}

fn key(sum: &Sum) -> Question<'_> {
    (&sum.survey, &sum.question, &sum.kind)
}

/// What was kept of batches that were settled.
fn kept(sums: &BTreeMap<Sum, u64>, question: Question<'_>, answer: &str) -> u64 {
    sums.get(&sum(question, answer)).copied().unwrap_or_default()
}

/// One thing that was said.
#[derive(Debug, Clone)]
struct Said<T> {
    person: PersonKey,
    /// Where it stands in the list it is from.
    place: usize,
    /// Whether a sum that was kept has it.
    settled: bool,
    what: T,
}

fn endings(heard: &Heard) -> BTreeMap<&str, Vec<Said<Ending>>> {
    let mut of: BTreeMap<&str, Vec<Said<Ending>>> = BTreeMap::new();
    for (place, ended) in heard.endings.iter().enumerate() {
        let settled = heard.settled.endings.contains(&place);
        let said = Said { person: ended.person, place, settled, what: ended.ending };
        of.entry(ended.survey.as_str()).or_default().push(said);
    }
    of
}

/// A question that became another kind with a newer release is two questions.
fn questions(heard: &Heard) -> BTreeMap<Question<'_>, Vec<Said<&Answer>>> {
    let mut of: BTreeMap<Question<'_>, Vec<Said<&Answer>>> = BTreeMap::new();
    for (place, Answered { person, survey, question, answer }) in heard.answers.iter().enumerate() {
        let settled = heard.settled.answers.contains(&place);
        of.entry((survey.as_str(), question.as_str(), kind(answer))).or_default().push(Said {
            person: *person,
            place,
            settled,
            what: answer,
        });
    }
    of
}

fn unnamed(heard: &Heard) -> Vec<Said<&Feedback>> {
    let unnamed = heard.feedback.iter().enumerate().filter(|(_, feedback)| feedback.name.is_none());
    unnamed
        .map(|(place, feedback)| {
            let settled = heard.settled.feedback.contains(&place);
            Said { person: feedback.person, place, settled, what: feedback }
        })
        .collect()
}

fn smallest(kind: &str) -> u64 {
    if kind == "text" { SMALLEST_FOR_WORDS } else { SMALLEST }
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

impl Cell {
    /// The cell of a question that is written like this.
    fn read(kind: &str, text: &str) -> Self {
        match text.parse() {
            Ok(score) if kind == "ces" => Self::Score(score),
            _ => Self::Named(text.to_owned()),
        }
    }

    /// A score that is counted so; none where no figure is made of scores.
    fn score(&self) -> Option<u8> {
        match self {
            Self::Score(score) => Some(*score),
            Self::Named(name) => match name.as_str() {
                "promoters" => Some(10),
                "passives" => Some(8),
                "detractors" => Some(0),
                "satisfied" => Some(5),
                "not_satisfied" => Some(1),
                _ => None,
            },
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Score(score) => write!(f, "{score}"),
        }
    }
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

fn of_question(
    question: Question<'_>,
    answers: &[Said<&Answer>],
    sums: &BTreeMap<Sum, u64>,
) -> QuestionResult {
    let (_, name, kind) = question;
    let shown = let_out(answers, smallest(kind), |answer| cells(answer));
    let mut counts: BTreeMap<Cell, u64> = BTreeMap::new();
    for cell in shown.iter().flat_map(|answer| cells(answer)) {
        *counts.entry(cell).or_default() += 1;
    }
    let mut scores: Vec<u8> = shown
        .iter()
        .filter_map(|answer| match answer {
            Answer::Score { score, .. } => Some(*score),
            Answer::Choice { .. } | Answer::Text { .. } => None,
        })
        .collect();
    let before = sums.iter().filter(|(sum, _)| key(sum) == question);
    for (Sum { answer, .. }, n) in before.filter(|(sum, _)| sum.answer != PEOPLE) {
        let cell = Cell::read(kind, answer);
        scores.extend((0..*n).filter_map(|_| cell.score()));
        *counts.entry(cell).or_default() += n;
    }
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
    let counts = counts.into_iter().map(|(cell, n)| AnswerCount { answer: cell.to_string(), n });
    let n = shown.len() as u64 + kept(sums, question, PEOPLE);
    QuestionResult {
        question: name.to_owned(),
        kind: kind.to_owned(),
        n,
        enough: enough && n > 0,
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

/// What is in closed batches, in the order it arrived.
fn let_out<T, C: Ord>(said: &[Said<T>], smallest: u64, cells: impl Fn(&T) -> Vec<C>) -> Vec<&T> {
    closed(said, smallest, cells).into_iter().flatten().map(|one| &one.what).collect()
}

/// The closed batches in which somebody goes.
fn leaving<T, C: Ord>(
    said: &[Said<T>],
    smallest: u64,
    cells: impl Fn(&T) -> Vec<C>,
    goes: impl Fn(PersonKey) -> bool,
) -> Vec<Vec<&Said<T>>> {
    let mut batches = closed(said, smallest, cells);
    batches.retain(|batch| batch.iter().any(|one| goes(one.person)));
    batches
}

/// The closed batches that are not settled: of each person what they said first; a batch is closed when it has `smallest`
/// people and nothing that all of them said.
fn closed<T, C: Ord>(said: &[Said<T>], smallest: u64, cells: impl Fn(&T) -> Vec<C>) -> Vec<Vec<&Said<T>>> {
    let mut seen = BTreeSet::new();
    let mut closed = Vec::new();
    let mut batch: Vec<&Said<T>> = Vec::new();
    let mut in_batch: BTreeMap<C, usize> = BTreeMap::new();
    for one in said {
        // What is settled was what this person said first.
        if !seen.insert(one.person) || one.settled {
            continue;
        }
        batch.push(one);
        for cell in cells(&one.what) {
            *in_batch.entry(cell).or_default() += 1;
        }
        let unanimous = in_batch.values().any(|n| *n == batch.len());
        if batch.len() as u64 >= smallest && !unanimous {
            closed.push(std::mem::take(&mut batch));
            in_batch.clear();
        }
    }
    closed
}

#[cfg(test)]
mod tests;
