//! What an event says of a survey, or of what somebody thinks. Pure.

use firstlight_domain::{
    id::{ChoiceId, QuestionId, StepId, SurveyId},
    registry::EventType,
    survey::{About, Answer, Ending, Scale, Screen},
};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Something that was said in one submission: one showing of a survey, or one feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Which submission.
    pub submission: Uuid,
    /// What.
    pub what: What,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A survey was shown.
    Shown {
        /// Whether it asks how likely one is to recommend it.
        asks_nps: bool,
    },
    /// A question was answered.
    Answered {
        /// Of which survey.
        survey: SurveyId,
        /// Which.
        question: QuestionId,
        /// What was answered.
        answer: Answer,
    },
    /// A survey was closed.
    Ended {
        /// Which.
        survey: SurveyId,
        /// How.
        ending: Ending,
    },
    /// Somebody wrote what they think.
    Feedback {
        /// What.
        text: String,
        /// The name they gave with it.
        name: Option<String>,
        /// What it is about, if they said so.
        about: Option<About>,
    },
}

/// What an event of this type with this data says; none if it is about something else. Error: what it lacks.
pub fn said(kind: EventType, data: &Map<String, Value>) -> Result<Option<Said>, &'static str> {
    let text_of = |name: &str| data.get(name).and_then(Value::as_str);
    let survey = || text_of("survey").and_then(|id| SurveyId::new(id).ok()).ok_or("it has no `survey`");
    let what = match kind {
        EventType::SurveyShown => {
            survey()?;
            let asks_nps = data.get("asks_nps").and_then(Value::as_bool);
            What::Shown { asks_nps: asks_nps.ok_or("`asks_nps` is neither true nor false")? }
        }
        EventType::SurveyAnswered => {
            let question = text_of("question").and_then(|id| QuestionId::new(id).ok());
            What::Answered {
                survey: survey()?,
                question: question.ok_or("it has no `question`")?,
                answer: answer(data).ok_or("it has no `question_kind`, or no answer of that kind")?,
            }
        }
        EventType::SurveyEnded => What::Ended {
            survey: survey()?,
            ending: text_of("ending").and_then(Ending::named).ok_or("its `ending` is none")?,
        },
        EventType::FeedbackGiven => What::Feedback {
            text: words(data).ok_or("it has no `comment`")?,
            name: text_of("signed_name").map(str::to_owned),
            about: about(text_of("screen"), text_of("step"))?,
        },
        _ => return Ok(None),
    };
    let submission = text_of("submission").and_then(|id| Uuid::try_parse(id).ok());
    Ok(Some(Said { submission: submission.ok_or("its `submission` is no UUID")?, what }))
}

/// What feedback is about: a screen or a step, not both.
fn about(screen: Option<&str>, step: Option<&str>) -> Result<Option<About>, &'static str> {
    match (screen, step) {
        (None, None) => Ok(None),
        (Some(screen), None) => {
            let screen = Screen::named(screen).ok_or("its `screen` is none")?;
            Ok(Some(About::Screen { screen }))
        }
        (None, Some(step)) => {
            let step = StepId::new(step).map_err(|_| "its `step` is none")?;
            Ok(Some(About::Step { step }))
        }
        (Some(_), Some(_)) => Err("it is about a `screen` and a `step`"),
    }
}

fn answer(data: &Map<String, Value>) -> Option<Answer> {
    let score = |kind: Scale, (low, high): (u64, u64)| {
        let score = data.get("score")?.as_u64().filter(|score| (low..=high).contains(score))?;
        Some(Answer::Score { kind, score: u8::try_from(score).ok()? })
    };
    match data.get("question_kind")?.as_str()? {
        "nps" => score(Scale::Nps, (0, 10)),
        "csat" => score(Scale::Csat, (1, 5)),
        "ces" => score(Scale::Ces, (1, 7)),
        "choice" => {
            let chosen = data.get("chosen")?.as_array()?;
            let mut chosen: Vec<ChoiceId> =
                chosen.iter().map(|one| ChoiceId::new(one.as_str()?).ok()).collect::<Option<_>>()?;
            // As a set: who chose the same said the same.
            chosen.sort();
            chosen.dedup();
            (!chosen.is_empty()).then_some(Answer::Choice { chosen })
        }
        "text" => words(data).map(|text| Answer::Text { text }),
        _ => None,
    }
}

fn words(data: &Map<String, Value>) -> Option<String> {
    data.get("comment")?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: EventType, change: (&str, Value)) -> Result<Option<Said>, &'static str> {
        let mut data = json!({
            "submission": Uuid::nil(), "survey": "first", "asks_nps": true, "question": "q", "question_kind": "nps",
            "score": 9, "ending": "sent", "comment": "Good.", "chosen": ["b", "a", "b"],
        });
        data[change.0] = change.1;
        said(kind, data.as_object().unwrap())
    }

    #[test]
    fn what_is_said_is_read() {
        let is = |kind, change, what| {
            assert_eq!(read(kind, change), Ok(Some(Said { submission: Uuid::nil(), what })));
        };
        let same = || ("survey", json!("first"));
        let survey = || SurveyId::new("first").unwrap();
        is(EventType::SurveyShown, same(), What::Shown { asks_nps: true });
        is(EventType::SurveyEnded, same(), What::Ended { survey: survey(), ending: Ending::Sent });
        let feedback = |about| What::Feedback { text: "Good.".to_owned(), name: None, about };
        is(EventType::FeedbackGiven, same(), feedback(None));
        let screen = Some(About::Screen { screen: Screen::FirstLight });
        is(EventType::FeedbackGiven, ("screen", json!("first_light")), feedback(screen));
        let step = Some(About::Step { step: StepId::new("vpn").unwrap() });
        is(EventType::FeedbackGiven, ("step", json!("vpn")), feedback(step));
        let question = QuestionId::new("q").unwrap();
        let chosen = ["a", "b"].map(|id| ChoiceId::new(id).unwrap()).to_vec();
        let answered = |answer| What::Answered { survey: survey(), question: question.clone(), answer };
        is(EventType::SurveyAnswered, same(), answered(Answer::Score { kind: Scale::Nps, score: 9 }));
        is(
            EventType::SurveyAnswered,
            ("question_kind", json!("choice")),
            answered(Answer::Choice { chosen }),
        );
        assert_eq!(read(EventType::StepChanged, same()), Ok(None));
    }

    #[test]
    fn what_lacks_something_is_refused() {
        use EventType::{FeedbackGiven, SurveyAnswered, SurveyEnded, SurveyShown};
        for (kind, field, value) in [
            (SurveyShown, "submission", json!("me")),
            (SurveyShown, "survey", json!("a b")),
            (SurveyShown, "asks_nps", json!("yes")),
            (SurveyEnded, "ending", json!("lost")),
            (SurveyAnswered, "question", json!("")),
            (SurveyAnswered, "score", json!(11)),
            (SurveyAnswered, "score", json!(9.5)),
            (SurveyAnswered, "score", json!("9")),
            (SurveyAnswered, "question_kind", json!("mood")),
            (SurveyAnswered, "question_kind", json!("csat")),
            (FeedbackGiven, "comment", json!("  ")),
            (FeedbackGiven, "screen", json!("bedroom")),
            (FeedbackGiven, "step", json!("a b")),
        ] {
            assert!(read(kind, (field, value.clone())).is_err(), "{kind:?} {field} {value}");
        }
    }
}
