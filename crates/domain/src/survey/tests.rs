use proptest::prelude::*;

use super::{
    asking::{self, Ask, BETWEEN_ANY, BETWEEN_NPS, Due, Situation},
    *,
};

pub(super) fn question(kind: QuestionKind) -> Question {
    Question { text: "?".to_owned(), kind, show_if: None }
}

fn id<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).unwrap_or_else(|_| panic!("{text} is no id"))
}

pub(super) fn survey(name: &str, questions: Vec<(&str, Question)>) -> Survey {
    Survey {
        id: id(name),
        title: name.to_owned(),
        audience: "The platform team".to_owned(),
        triggers: vec![Trigger::FirstValue],
        personas: Vec::new(),
        condition: None,
        sooner: None,
        questions: questions.into_iter().map(|(name, question)| (id(name), question)).collect(),
    }
}

fn whole() -> Survey {
    let options = [("docs", "The docs"), ("people", "The people")];
    let options = options.map(|(name, words)| (id(name), words.to_owned())).into_iter().collect();
    let asked_if = |name: &str, test| Some(Condition { question: id(name), test });
    let why =
        Question { show_if: asked_if("recommend", Test::Between(0, 6)), ..question(QuestionKind::Text) };
    let what = question(QuestionKind::Choice { options, several: true });
    let which = Question {
        show_if: asked_if("why-choice", Test::AnyOf(vec![id("docs")])),
        ..question(QuestionKind::Ces)
    };
    let what = Question { show_if: asked_if("recommend", Test::Between(7, 10)), ..what };
    survey(
        "nps",
        vec![
            ("recommend", question(QuestionKind::Nps)),
            ("why", why),
            ("why-choice", what),
            ("which", which),
        ],
    )
}

fn nps(score: u8) -> Answer {
    Answer::Score { kind: Scale::Nps, score }
}

#[test]
fn a_question_is_seen_after_the_answer_it_goes_by() {
    let survey = whole();
    let seen = |answers: &[(&str, Answer)]| -> Vec<String> {
        let answers = answers.iter().map(|(name, answer)| (id(name), answer.clone())).collect();
        survey.visible(&answers).into_iter().map(ToString::to_string).collect()
    };
    assert_eq!(seen(&[]), ["recommend"]);
    assert_eq!(seen(&[("recommend", nps(6))]), ["recommend", "why"]);
    assert_eq!(seen(&[("recommend", nps(7))]), ["recommend", "why-choice"]);
    let docs = Answer::Choice { chosen: vec![id("docs")] };
    assert_eq!(
        seen(&[("recommend", nps(9)), ("why-choice", docs.clone())]),
        ["recommend", "why-choice", "which"]
    );
    // Its answer is there, but the question is not seen any more.
    assert_eq!(seen(&[("recommend", nps(2)), ("why-choice", docs)]), ["recommend", "why"]);
}

#[test]
fn only_what_was_asked_can_be_answered_and_only_as_it_was_asked() {
    let survey = whole();
    let check = |answers: Vec<(&str, Answer)>| {
        survey.check(&answers.into_iter().map(|(name, answer)| (id(name), answer)).collect())
    };
    let text = |text: &str| Answer::Text { text: text.to_owned() };
    let chosen = |names: &[&str]| Answer::Choice { chosen: names.iter().map(|name| id(name)).collect() };
    assert_eq!(check(vec![("recommend", nps(3)), ("why", text("Slow."))]), Ok(()));
    assert_eq!(check(vec![("recommend", nps(8)), ("why-choice", chosen(&["docs", "people"]))]), Ok(()));
    assert_eq!(check(vec![]), Err(WrongAnswer::Nothing));
    let not_asked = |name: &str| Err(WrongAnswer::NotAsked { question: name.to_owned() });
    assert_eq!(check(vec![("recommend", nps(9)), ("why", text("Slow."))]), not_asked("why"));
    assert_eq!(check(vec![("recommend", nps(9)), ("other", nps(1))]), not_asked("other"));
    for wrong in [nps(11), Answer::Score { kind: Scale::Ces, score: 5 }, text("9")] {
        assert!(matches!(check(vec![("recommend", wrong)]), Err(WrongAnswer::Unfit { .. })));
    }
    for wrong in [chosen(&[]), chosen(&["docs", "docs"]), chosen(&["elsewhere"])] {
        let answers = vec![("recommend", nps(8)), ("why-choice", wrong)];
        assert!(matches!(check(answers), Err(WrongAnswer::Unfit { .. })));
    }
    for wrong in ["  ".to_owned(), "x".repeat(LONGEST_COMMENT + 1)] {
        let answers = vec![("recommend", nps(0)), ("why", text(&wrong))];
        assert!(matches!(check(answers), Err(WrongAnswer::Unfit { .. })));
    }
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
}

proptest! {
    /// However a person is asked over the years, on two devices that tell each other: never more often than promised.
    #[test]
    fn nobody_is_asked_more_often_than_promised(
        due_on in prop::collection::vec((0_i64..400, 0_usize..4), 0..60),
        sessions in prop::collection::vec((0_i64..430, any::<bool>(), any::<bool>()), 0..200),
    ) {
        let surveys = [
            survey("a", vec![("q", question(QuestionKind::Csat))]),
            survey("b", vec![("q", question(QuestionKind::Ces))]),
            survey("c", vec![("q", question(QuestionKind::Nps))]),
            survey("d", vec![("q", question(QuestionKind::Nps)), ("r", question(QuestionKind::Text))]),
        ];
        let due: Vec<Due<'_>> =
            due_on.iter().map(|(on, which)| Due { survey: &surveys[*which], since: day(*on) }).collect();
        let mut devices = [Asked::default(), Asked::default()];
        let mut history: Vec<(Timestamp, bool)> = Vec::new();
        let mut sessions = sessions;
        sessions.sort_unstable();
        for (on, which, busy) in sessions {
            let now = day(on);
            let asked = &mut devices[usize::from(which)];
            let situation = Situation { now, asked, in_this_session: false, busy };
            let Some(Ask { survey: found, sooner }) = asking::now(&due, situation) else { continue };
            prop_assert_eq!(sooner, None);
            prop_assert!(!busy);
            prop_assert!(due.iter().any(|due| due.survey.id == found.id && due.since <= now));
            let again = Situation { now, asked, in_this_session: true, busy };
            prop_assert_eq!(asking::now(&due, again), None);
            for (at, was_nps) in &history {
                prop_assert!(now.duration_since(*at) >= BETWEEN_ANY);
                prop_assert!(!(*was_nps && found.asks_nps()) || now.duration_since(*at) >= BETWEEN_NPS);
            }
            history.push((now, found.asks_nps()));
            asked.shown.insert(found.id.clone(), now);
            let exposure = Exposures::shown(now, found.asks_nps());
            for device in &mut devices {
                device.exposures = device.exposures.merged(exposure);
            }
        }
    }

    #[test]
    fn what_two_devices_know_is_the_same_in_whatever_order_they_are_told(
        days in prop::collection::vec((0_i64..400, any::<bool>()), 0..20),
    ) {
        let each = days.iter().map(|(on, nps)| Exposures::shown(day(*on), *nps));
        let forth = each.clone().fold(Exposures::default(), Exposures::merged);
        let back = each.rev().fold(Exposures::default(), Exposures::merged);
        prop_assert_eq!(forth, back);
        prop_assert_eq!(forth.merged(forth), forth);
    }
}

#[test]
fn a_survey_that_is_due_is_asked_once_and_not_for_ever() {
    let surveys = [survey("a", vec![("q", question(QuestionKind::Csat))])];
    let due = [Due { survey: &surveys[0], since: day(7) }];
    let mut asked = Asked::default();
    let ask = |on: i64, asked: &Asked| {
        let situation = Situation { now: day(on), asked, in_this_session: false, busy: false };
        asking::now(&due, situation).is_some()
    };
    assert!(!ask(6, &asked));
    assert!(ask(7, &asked));
    assert!(ask(34, &asked));
    assert!(!ask(35, &asked), "after four weeks nobody remembers");
    asked.shown.insert(id("a"), day(8));
    asked.exposures = Exposures::shown(day(8), false);
    assert!(!ask(30, &asked), "it was shown since");
    asked = Asked { exposures: Exposures::shown(day(1), false), ..Asked::default() };
    assert!(!ask(14, &asked));
    assert!(ask(15, &asked));
    asked.open = Some((SubmissionId(uuid::Uuid::nil()), id("b")));
    assert!(!ask(15, &asked), "another is open");
}

#[test]
fn a_reason_lifts_the_fortnight_and_nothing_else() {
    let reason = "The network is being rebuilt this week.";
    let urgent = |name: &str, kind| {
        let survey = survey(name, vec![("q", question(kind))]);
        Survey { sooner: Some(reason.to_owned()), ..survey }
    };
    let surveys = [urgent("a", QuestionKind::Csat), urgent("n", QuestionKind::Nps)];
    let due = [Due { survey: &surveys[0], since: day(7) }];
    let asked = |days: i64, nps| Asked { exposures: Exposures::shown(day(days), nps), ..Asked::default() };
    let ask = |due: &[Due<'_>], asked: &Asked, in_this_session, busy| {
        let situation = Situation { now: day(20), asked, in_this_session, busy };
        asking::now(due, situation).map(|ask| ask.sooner.map(str::to_owned))
    };
    assert_eq!(ask(&due, &asked(19, false), false, false), Some(Some(reason.to_owned())));
    // Where nothing is lifted, nothing is said to be.
    assert_eq!(ask(&due, &asked(6, false), false, false), Some(None));
    assert_eq!(ask(&due, &asked(19, false), true, false), None, "once a session");
    assert_eq!(ask(&due, &asked(19, false), false, true), None, "something needs the person");
    let nps = [Due { survey: &surveys[1], since: day(7) }];
    assert_eq!(ask(&nps, &asked(-60, true), false, false), None, "a quarter has not passed");
    assert_eq!(ask(&nps, &asked(-71, true), false, false), Some(None));
}

#[test]
fn every_screen_has_one_name() {
    for screen in Screen::ALL {
        assert_eq!(Screen::named(screen.name()), Some(screen));
        assert_eq!(serde_json::to_value(screen).unwrap(), screen.name());
    }
    assert_eq!(Screen::named("nowhere"), None);
}
