//! Asking people, seldom: which survey may be asked now, what they answer, what they think. Nothing of an answer is kept
//! before the person sends it.

use std::collections::BTreeMap;

use firstlight_contract::{
    error::Code,
    surveys::{
        AnswerGiven, ChoiceOption, Cooldown, FeedbackAbout, FeedbackGiven, QuestionForm, QuestionView,
        ScreenName, SurveyAnswers, SurveyEntry, SurveyKept, SurveyPutAway, SurveyQuestions, SurveyReach,
        SurveyView, SurveysView,
    },
};
use firstlight_domain::{
    event::Event,
    id::{ChoiceId, QuestionId, SubmissionId, SurveyId},
    journey::Journey,
    pack::Pack,
    registry::{LONGEST_COMMENT, LONGEST_TEXT},
    survey::{
        About, Answer, Asked, Ending, Exposures, Question, QuestionKind, Scale, Screen, Survey,
        asking::{self, Ask, Situation},
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    error::{AppError, Result},
    session::{Firstlight, lock},
    view::count,
};

/// How far ahead of ours a hub's clock may be.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

impl Firstlight {
    /// What may be asked now, and what can be answered whenever one likes. Changes nothing.
    pub fn surveys(&self) -> Result<SurveysView> {
        let reach = self.reach();
        let (pack, journey) = match (self.journey_pack(), self.current_journey()) {
            (Ok(pack), Ok(journey)) => (pack, journey),
            (Err(error), _) | (_, Err(error)) if error.code() == Code::NoJourney => {
                let readers = self.pack_at_hand().and_then(|pack| pack.owner.clone());
                return Ok(SurveysView { reach, readers, quiet: true, ..SurveysView::default() });
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let on_demand = pack.surveys.values().filter(|survey| survey.is_on_demand());
        let shown = self.asked().open.and_then(|(_, survey)| pack.surveys.get(&survey).map(entry));
        Ok(SurveysView {
            due: self.due_survey(&pack, &journey).map(|ask| entry(ask.survey)),
            shown,
            quiet: !self.is_busy(&pack, &journey),
            open: on_demand.filter(|survey| self.is_for(&pack, &journey, survey)).map(entry).collect(),
            reach,
            readers: pack.owner.clone(),
        })
    }

    /// The same for whoever would ask at once: before something is said to be due, the hub is heard about the person's
    /// other devices. Without a network it has to do what is known.
    pub async fn surveys_here_and_elsewhere(&self) -> Result<SurveysView> {
        let here = self.surveys()?;
        if here.due.is_none() {
            return Ok(here);
        }
        self.hear_of_other_devices().await;
        self.surveys()
    }

    /// Where answers go.
    fn reach(&self) -> SurveyReach {
        let joined = self.hub().is_ok_and(|hub| hub.is_some());
        match (self.with_world(|world| world.sharing), joined) {
            (false, _) => SurveyReach::StaysHere,
            (true, false) => SurveyReach::WaitsForHub,
            (true, true) => SurveyReach::Leaves,
        }
    }

    fn is_busy(&self, pack: &Pack, journey: &Journey) -> bool {
        self.is_running() || asking::is_busy(pack, journey)
    }

    /// The survey to ask now. Nobody is asked for what nobody would hear.
    fn due_survey<'a>(&self, pack: &'a Pack, journey: &Journey) -> Option<Ask<'a>> {
        if self.reach() != SurveyReach::Leaves {
            return None;
        }
        let due = asking::due(pack, journey, |survey| self.applies(pack, journey, survey));
        let asked = self.asked();
        let situation = Situation {
            now: self.now(),
            asked: &asked,
            in_this_session: *lock(&self.inner.asked_in_this_session),
            busy: self.is_busy(pack, journey),
        };
        asking::now(&due, situation)
    }

    fn asked(&self) -> Asked {
        self.with_world(|world| world.asked.clone())
    }

    fn is_for(&self, pack: &Pack, journey: &Journey, survey: &Survey) -> bool {
        survey.is_for(&journey.persona) && self.applies(pack, journey, survey)
    }

    fn applies(&self, pack: &Pack, journey: &Journey, survey: &Survey) -> bool {
        survey
            .condition
            .as_deref()
            .is_none_or(|condition| self.journey_scope(pack, journey).holds(condition) == Ok(Some(true)))
    }

    /// Shows a survey: the one that is due, or one that can be answered whenever one likes. That it was shown counts from
    /// here on, whatever comes of it.
    pub fn show_survey(&self, survey: &str) -> Result<SurveyView> {
        let (pack, journey) = (self.journey_pack()?, self.current_journey()?);
        let found = pack.surveys.get(survey).filter(|found| self.is_for(&pack, &journey, found));
        let found = found.ok_or_else(|| unknown(survey))?;
        let reach = self.reach();
        // Shown and not ended: the window was drawn anew.
        if let Some((submission, open)) = self.asked().open {
            if open == found.id {
                return Ok(view(found, submission, reach, None));
            }
            if !found.is_on_demand() {
                return Err(unknown(survey));
            }
            self.append(&[Event::SurveyEnded { submission, survey: open, ending: Ending::Dismissed }])?;
        }
        let due = self.due_survey(&pack, &journey).filter(|ask| ask.survey.id == found.id);
        if !found.is_on_demand() && due.is_none() {
            return Err(unknown(survey));
        }
        let sooner = due.and_then(|ask| ask.sooner).map(str::to_owned);
        let submission = SubmissionId(Uuid::now_v7());
        self.append(&[Event::SurveyShown {
            submission,
            survey: found.id.clone(),
            asks_nps: found.asks_nps(),
            sooner: sooner.clone(),
        }])?;
        *lock(&self.inner.asked_in_this_session) = true;
        Ok(view(found, submission, reach, sooner))
    }

    /// Which questions are seen with what was answered so far. Nothing of it is kept.
    pub fn survey_questions(&self, given: &SurveyAnswers) -> Result<SurveyQuestions> {
        let (_, survey) = self.open_submission(&given.submission).ok_or_else(closed)?;
        let pack = self.journey_pack()?;
        let found = pack.surveys.get(&survey).ok_or_else(|| unknown(survey.as_str()))?;
        Ok(SurveyQuestions { questions: seen(found, &answers(found, given)?) })
    }

    /// Keeps what the person sent, all of it or nothing.
    pub fn answer_survey(&self, given: &SurveyAnswers) -> Result<SurveyKept> {
        let (submission, survey) = self.open_submission(&given.submission).ok_or_else(closed)?;
        let pack = self.journey_pack()?;
        let found = pack.surveys.get(&survey).ok_or_else(|| unknown(survey.as_str()))?;
        let answers = answers(found, given)?;
        found.check(&answers).map_err(|error| wrong(format!("{}.", capital(&error.to_string()))))?;
        let mut events: Vec<Event> = answers
            .into_iter()
            .map(|(question, answer)| Event::SurveyAnswered {
                submission,
                survey: survey.clone(),
                question,
                answer,
            })
            .collect();
        events.push(Event::SurveyEnded { submission, survey, ending: Ending::Sent });
        self.append(&events)?;
        Ok(SurveyKept { submission: submission.to_string(), reach: self.reach() })
    }

    /// Takes note that the person put a survey away. What they had answered is not kept: they did not send it.
    pub fn put_survey_away(&self, put_away: &SurveyPutAway) -> Result<()> {
        let Some((submission, survey)) = self.open_submission(&put_away.submission) else { return Ok(()) };
        let ending = if put_away.begun { Ending::Partial } else { Ending::Dismissed };
        self.append(&[Event::SurveyEnded { submission, survey, ending }]).map(drop)
    }

    fn open_submission(&self, submission: &str) -> Option<(SubmissionId, SurveyId)> {
        let wanted = Uuid::try_parse(submission).ok()?;
        self.asked().open.filter(|(open, _)| open.0 == wanted)
    }

    /// Keeps what a person thinks and sent, with or without their name.
    pub fn give_feedback(&self, feedback: &FeedbackGiven) -> Result<SurveyKept> {
        let text = feedback.text.trim();
        if text.is_empty() {
            return Err(wrong("There is nothing to send.".to_owned()));
        }
        if text.chars().count() > LONGEST_COMMENT {
            return Err(wrong(format!("That is longer than {LONGEST_COMMENT} characters.")));
        }
        let name = feedback.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.chars().count() > LONGEST_TEXT) {
            return Err(wrong(format!("The name is longer than {LONGEST_TEXT} characters.")));
        }
        let about = feedback.about.as_ref().map(|about| self.about(about)).transpose()?;
        let submission = SubmissionId(Uuid::now_v7());
        let (text, name) = (text.to_owned(), name.map(str::to_owned));
        self.append(&[Event::FeedbackGiven { submission, text, name, about }])?;
        Ok(SurveyKept { submission: submission.to_string(), reach: self.reach() })
    }

    /// A screen, or a step of the journey: nothing else is said to be where somebody was.
    fn about(&self, about: &FeedbackAbout) -> Result<About> {
        match about {
            FeedbackAbout::Screen { screen } => Ok(About::Screen { screen: of_domain(*screen) }),
            FeedbackAbout::Step { step } => {
                let journey = self.current_journey()?;
                let found = journey.steps.get_key_value(step.as_str());
                let (step, _) = found.ok_or_else(|| wrong(format!("Your journey has no step `{step}`.")))?;
                Ok(About::Step { step: step.clone() })
            }
        }
    }

    /// Keeps what the hub says of when this person was asked on other devices, so that it holds without a network, too.
    pub(crate) fn learn_cooldown(&self, told: Cooldown) -> Result<()> {
        let Cooldown { asked_at, nps_asked_at } = told;
        let latest = self.now() + AHEAD;
        // A clock that is years ahead must not mean that nobody is ever asked again.
        let instant = |text: Option<String>| text?.parse::<Timestamp>().ok().filter(|at| *at <= latest);
        let told = Exposures { any: instant(asked_at), nps: instant(nps_asked_at) };
        let known = self.asked().exposures;
        if known.merged(told) == known {
            return Ok(());
        }
        self.append(&[Event::ExposuresLearned { exposures: told }]).map(drop)
    }
}

fn unknown(survey: &str) -> AppError {
    AppError::new(Code::InputInvalid, format!("`{survey}` is no survey that can be answered now."))
        .hint("`firstlight survey list` says which can be.")
}

fn closed() -> AppError {
    AppError::new(Code::InputInvalid, "This survey was closed meanwhile.")
        .hint("`firstlight survey list` says what can be answered.")
}

fn wrong(message: String) -> AppError {
    AppError::new(Code::InputInvalid, message).hint("Nothing was sent. Change it and send it again.")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn answers(survey: &Survey, given: &SurveyAnswers) -> Result<BTreeMap<QuestionId, Answer>> {
    let each = given.answers.iter().map(|(id, given)| {
        let question = survey.questions.get_key_value(id.as_str());
        let (id, question) = question.ok_or_else(|| wrong(format!("`{id}` is not asked here.")))?;
        Ok((id.clone(), answer(&question.kind, given)?))
    });
    each.collect()
}

fn answer(kind: &QuestionKind, given: &AnswerGiven) -> Result<Answer> {
    Ok(match given {
        AnswerGiven::Score { score } => {
            let scale = match kind {
                QuestionKind::Csat => Scale::Csat,
                QuestionKind::Ces => Scale::Ces,
                // Anything else is told to be no scale when it is checked.
                QuestionKind::Nps | QuestionKind::Choice { .. } | QuestionKind::Text => Scale::Nps,
            };
            Answer::Score { kind: scale, score: *score }
        }
        AnswerGiven::Choice { chosen } => {
            let id =
                |text: &String| ChoiceId::new(text).map_err(|_| wrong(format!("`{text}` cannot be chosen.")));
            Answer::Choice { chosen: chosen.iter().map(id).collect::<Result<_>>()? }
        }
        AnswerGiven::Text { text } => Answer::Text { text: text.trim().to_owned() },
    })
}

fn entry(survey: &Survey) -> SurveyEntry {
    SurveyEntry { id: survey.id.to_string(), title: survey.title.clone(), audience: survey.audience.clone() }
}

fn view(survey: &Survey, submission: SubmissionId, reach: SurveyReach, sooner: Option<String>) -> SurveyView {
    SurveyView {
        submission: submission.to_string(),
        id: survey.id.to_string(),
        title: survey.title.clone(),
        audience: survey.audience.clone(),
        reach,
        sooner,
        questions: seen(survey, &BTreeMap::new()),
    }
}

fn seen(survey: &Survey, answers: &BTreeMap<QuestionId, Answer>) -> Vec<QuestionView> {
    let visible = survey.visible(answers);
    let seen = survey.questions.iter().filter(|(id, _)| visible.contains(id));
    seen.map(question).collect()
}

fn question((id, question): (&QuestionId, &Question)) -> QuestionView {
    let kind = match &question.kind {
        QuestionKind::Nps => QuestionForm::Nps,
        QuestionKind::Csat => QuestionForm::Csat,
        QuestionKind::Ces => QuestionForm::Ces,
        QuestionKind::Choice { options, several } => {
            let option =
                |(id, text): (&ChoiceId, &String)| ChoiceOption { id: id.to_string(), text: text.clone() };
            QuestionForm::Choice { options: options.iter().map(option).collect(), several: *several }
        }
        QuestionKind::Text => QuestionForm::Text { longest: count(LONGEST_COMMENT) },
    };
    QuestionView { id: id.to_string(), text: question.text.clone(), kind }
}

fn of_domain(screen: ScreenName) -> Screen {
    match screen {
        ScreenName::Welcome => Screen::Welcome,
        ScreenName::Road => Screen::Road,
        ScreenName::Today => Screen::Today,
        ScreenName::FirstLight => Screen::FirstLight,
        ScreenName::Docs => Screen::Docs,
        ScreenName::Projects => Screen::Projects,
        ScreenName::Credentials => Screen::Credentials,
        ScreenName::Privacy => Screen::Privacy,
        ScreenName::Insights => Screen::Insights,
        ScreenName::Settings => Screen::Settings,
    }
}
