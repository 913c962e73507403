//! People are asked seldom, at the right moment, and what they do not send is nowhere.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod hub;

use std::{sync::Arc, time::Duration};

use firstlight_app::{Access, Firstlight, Home, Options, RunOptions, Surroundings};
use firstlight_contract::{
    commands::{Choice, Consent},
    error::Code,
    privacy::{HubAsked, Sharing},
    surveys::{
        AnswerGiven, Cooldown, FeedbackAbout, FeedbackGiven, ScreenName, SurveyAnswers, SurveyPutAway,
        SurveyReach, SurveyView,
    },
};
use firstlight_testkit::{Clock, PackFolder};
use firstlight_vault::MemoryKeychain;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hub::Hub;

const STEPS: &str = "
  begin: { title: Begin, uses: confirm, with: { text: I have begun } }
  value: { title: See it, needs: [begin], uses: confirm, with: { text: I have seen it }, first-value: true }
  fails: { title: Fails as long as it may not, needs: [value], check: [test, -e, '${{ inputs.place }}'], run: ['false'] }
surveys:
  begun: { title: Begun, audience: The team., ask: [after begin], questions: { how: { kind: csat, text: How was it? } } }
  value:
    title: Your way
    audience: The team.
    ask: [first-value]
    questions:
      easy: { kind: ces, text: It was easy. }
      what: { kind: choice, text: What held you up?, options: { docs: Docs, people: People }, show-if: { question: easy, at-most: 4 } }
      why: { kind: text, text: Why?, show-if: { question: what, is: [docs] } }
  recommend: { title: Recommend, audience: The team., ask: [day 30, day 60, day 115], questions: { recommend: { kind: nps, platform: it } } }
  open: { title: Open, audience: The team., ask: [on-demand], questions: { mood: { kind: csat, text: How are you? } } }
";

/// A machine of a person who shares what happens with a hub.
struct Machine {
    home: TempDir,
    place: TempDir,
    pack: PackFolder,
    clock: Clock,
    keychain: Arc<MemoryKeychain>,
}

const DAY: i64 = 24 * 60 * 60;

impl Machine {
    fn new(clock: &Clock, steps: &str) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            place: tempfile::tempdir().unwrap(),
            pack: PackFolder::with_steps(&["begin", "value", "fails"], steps),
            clock: clock.clone(),
            keychain: Arc::new(MemoryKeychain::new()),
        }
    }

    /// The program, opened once more.
    fn open(&self) -> Firstlight {
        let clock = self.clock.clone();
        let app = Firstlight::open(Options {
            home: Home::find(Some(self.home.path().join("home"))).unwrap(),
            access: Access::Change,
            listener: Arc::new(|_| {}),
            interactive: false,
            carry_on: false,
            surroundings: Surroundings {
                keychain: self.keychain.clone(),
                now: Arc::new(move || clock.now()),
                boot: Arc::new(|| "once".to_owned()),
                slept: Arc::new(Duration::default),
                at_login: None,
                administrator: None,
            },
        })
        .unwrap();
        app.open_pack(self.pack.path()).unwrap();
        app
    }

    /// The program, closed and opened once more.
    fn again(&self, app: Firstlight) -> Firstlight {
        drop(app);
        self.open()
    }

    async fn joined(&self, hub: &Hub) -> Firstlight {
        let app = self.open();
        app.join_hub(&HubAsked { address: hub.address.clone(), code: "code".to_owned() }).await.unwrap();
        app.set_sharing(Sharing::On).unwrap();
        app
    }

    fn choice(&self) -> Choice {
        let place = self.place.path().display().to_string();
        Choice { persona: "dev".into(), inputs: [("place".to_owned(), place)].into(), start_date: None }
    }

    /// Walks as far as it goes.
    async fn walk(&self, app: &Firstlight) {
        let plan = app.make_plan(&self.choice()).await.unwrap();
        let consent = Consent { choice: self.choice(), consent: plan.consent };
        app.start_run(&consent, &RunOptions::default()).await.unwrap();
        app.wait_for_run().await.unwrap();
    }

    /// As far as the step before the last: what comes then fails.
    async fn at_first_value(&self, app: &Firstlight) {
        self.walk(app).await;
        app.complete_action("begin").await.unwrap();
        app.complete_action("value").await.unwrap();
    }
}

fn due(app: &Firstlight) -> Option<String> {
    app.surveys().unwrap().due.map(|due| due.id)
}

fn score(score: u8) -> AnswerGiven {
    AnswerGiven::Score { score }
}

fn answers<const N: usize>(shown: &SurveyView, given: [(&str, AnswerGiven); N]) -> SurveyAnswers {
    let answers = given.into_iter().map(|(id, given)| (id.to_owned(), given)).collect();
    SurveyAnswers { submission: shown.submission.clone(), answers }
}

fn put_away(app: &Firstlight, shown: &SurveyView, begun: bool) {
    app.put_survey_away(&SurveyPutAway { submission: shown.submission.clone(), begun }).unwrap();
}

/// Every event about surveys that left or waits to leave: its type, and its data.
fn told(app: &Firstlight) -> Vec<(String, Value)> {
    let privacy = app.privacy().unwrap();
    let bodies = privacy.sent.into_iter().rev().chain(privacy.queued);
    let events = bodies.map(|event| serde_json::from_str::<Value>(&event.body).unwrap());
    let of_surveys = events.filter_map(|mut event| {
        let kind = event["type"].as_str().unwrap().trim_start_matches("dev.firstlight.").to_owned();
        let ours = kind.starts_with("survey.") || kind.starts_with("feedback.");
        ours.then(|| (kind, event["data"].take()))
    });
    of_surveys.collect()
}

#[tokio::test]
async fn each_moment_makes_its_survey_due_and_none_comes_within_a_fortnight_of_another() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS);
    let app = machine.joined(&hub).await;
    assert_eq!(due(&app), None, "no journey has begun");
    machine.walk(&app).await;
    assert_eq!(due(&app), None);
    app.complete_action("begin").await.unwrap();
    assert_eq!(due(&app).as_deref(), Some("begun"), "after a step");
    put_away(&app, &app.show_survey("begun").unwrap(), false);
    app.complete_action("value").await.unwrap();
    assert_eq!(due(&app), None, "one in a session");
    let app = machine.again(app);
    assert_eq!(due(&app), None, "and none within a fortnight");
    clock.advance(14 * DAY - 1);
    assert_eq!(due(&app), None);
    clock.advance(1);
    assert_eq!(due(&app).as_deref(), Some("value"), "at first value, whose turn it is now");
    put_away(&app, &app.show_survey("value").unwrap(), false);

    // Day 30 is 16 days later; the question about recommending then rests for a quarter, whatever its other days are.
    let app = machine.again(app);
    clock.advance(16 * DAY);
    assert_eq!(due(&app).as_deref(), Some("recommend"));
    app.answer_survey(&answers(&app.show_survey("recommend").unwrap(), [("recommend", score(9))])).unwrap();
    let app = machine.again(app);
    clock.advance(30 * DAY);
    assert_eq!(due(&app), None, "day 60");
    clock.advance(60 * DAY - 1);
    assert_eq!(due(&app), None, "day 115 has come, a quarter has not passed");
    clock.advance(1);
    assert_eq!(due(&app).as_deref(), Some("recommend"));
    clock.advance(23 * DAY);
    assert_eq!(due(&app), None, "nobody knows any more what it would be about");
}

#[tokio::test]
async fn nobody_is_asked_while_something_needs_them_or_while_nobody_would_hear() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS);
    let app = machine.joined(&hub).await;
    machine.at_first_value(&app).await;
    assert_eq!((due(&app).is_some(), app.surveys().unwrap().quiet), (true, true));
    std::fs::remove_dir(machine.place.path()).unwrap();
    app.go_on(&RunOptions::default()).await.unwrap();
    app.wait_for_run().await.unwrap();
    assert_eq!((due(&app), app.surveys().unwrap().quiet), (None, false), "a step failed");
    assert_eq!(
        app.show_survey("begun").unwrap_err().code(),
        Code::InputInvalid,
        "not even if asked for by name"
    );

    std::fs::create_dir(machine.place.path()).unwrap();
    app.retry_step("fails").await.unwrap();
    app.wait_for_run().await.unwrap();
    assert_eq!(due(&app).as_deref(), Some("begun"));
    app.set_sharing(Sharing::Paused).unwrap();
    assert_eq!((due(&app), app.surveys().unwrap().reach), (None, SurveyReach::StaysHere));
    app.set_sharing(Sharing::On).unwrap();
    app.leave_hub().await.unwrap();
    assert_eq!((due(&app), app.surveys().unwrap().reach), (None, SurveyReach::WaitsForHub));
    // What one wants to say oneself can be said all the same.
    assert_eq!(app.surveys().unwrap().open.len(), 1);
    app.show_survey("open").unwrap();
}

#[tokio::test]
async fn whoever_was_asked_on_another_machine_is_not_asked_here_and_that_holds_without_a_network() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS);
    let app = machine.joined(&hub).await;
    machine.at_first_value(&app).await;
    app.deliver().await.unwrap();
    assert_eq!(due(&app).as_deref(), Some("begun"), "as far as is known here");

    // A moment ago, and after this machine asked the last time: it asks again before it shows anything.
    clock.advance(60);
    hub.says_asked(Cooldown { asked_at: Some(clock.now().to_string()), nps_asked_at: None });
    let times = hub.times_asked();
    assert_eq!(app.surveys_here_and_elsewhere().await.unwrap().due, None);
    assert_eq!(hub.times_asked(), times + 1);
    assert_eq!(app.surveys_here_and_elsewhere().await.unwrap().due, None);
    assert_eq!(hub.times_asked(), times + 1, "where nothing is due nobody is bothered");

    hub.goes();
    let app = machine.again(app);
    clock.advance(13 * DAY);
    assert_eq!(app.surveys_here_and_elsewhere().await.unwrap().due, None, "it is remembered");
    clock.advance(DAY);
    // Nobody can be asked, and what is known says that it is time.
    let known = app.surveys_here_and_elsewhere().await.unwrap();
    assert_eq!(known.due.map(|due| due.id).as_deref(), Some("begun"));
}

#[tokio::test]
async fn a_clock_that_is_years_ahead_elsewhere_silences_nobody() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS);
    let app = machine.joined(&hub).await;
    machine.at_first_value(&app).await;
    hub.says_asked(Cooldown { asked_at: Some("2031-01-01T00:00:00Z".to_owned()), nps_asked_at: None });
    assert!(app.surveys_here_and_elsewhere().await.unwrap().due.is_some());
}

#[tokio::test]
async fn a_showing_has_one_id_whatever_comes_of_it_and_only_what_is_sent_is_kept() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS);
    let mut app = machine.joined(&hub).await;
    machine.at_first_value(&app).await;
    let mut shown = Vec::new();
    for ending in ["dismissed", "partial", "abandoned", "sent"] {
        let view = app.show_survey("open").unwrap();
        let given = answers(&view, [("mood", score(1))]);
        match ending {
            "dismissed" => put_away(&app, &view, false),
            "partial" => {
                app.survey_questions(&given).unwrap();
                put_away(&app, &view, true);
            }
            "abandoned" => {
                app.survey_questions(&given).unwrap();
                // Drawn anew in the same program it is the same showing.
                assert_eq!(app.surveys().unwrap().shown.unwrap().id, "open");
                assert_eq!(app.show_survey("open").unwrap().submission, view.submission);
                app = machine.again(app);
                assert_eq!(app.surveys().unwrap().shown, None);
            }
            _ => {
                app.answer_survey(&given).unwrap();
            }
        }
        // What is over is over.
        assert_eq!(app.answer_survey(&given).unwrap_err().code(), Code::InputInvalid);
        put_away(&app, &view, false);
        shown.push(view.submission);
    }
    let mut kinds = Vec::new();
    for (kind, data) in told(&app) {
        let place = shown.iter().position(|id| data["submission"] == id.as_str()).unwrap();
        kinds.push((place, kind, data["ending"].as_str().unwrap_or_default().to_owned()));
    }
    let is = |place, kind: &str, ending: &str| (place, kind.to_owned(), ending.to_owned());
    assert_eq!(
        kinds,
        [
            is(0, "survey.shown", ""),
            is(0, "survey.ended", "dismissed"),
            is(1, "survey.shown", ""),
            is(1, "survey.ended", "partial"),
            is(2, "survey.shown", ""),
            is(2, "survey.ended", "abandoned"),
            is(3, "survey.shown", ""),
            is(3, "survey.answered", ""),
            is(3, "survey.ended", "sent"),
        ]
    );
    app.deliver().await.unwrap();
    let arrived =
        hub.events().iter().filter(|event| event["type"] == "dev.firstlight.survey.answered").count();
    assert_eq!(arrived, 1);
}

#[tokio::test]
async fn the_core_says_which_questions_are_seen_and_takes_no_other_answers() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS.replace("ask: [first-value]", "ask: [on-demand]").as_str());
    let app = machine.joined(&hub).await;
    machine.at_first_value(&app).await;
    let view = app.show_survey("value").unwrap();
    let ids = |questions: &[firstlight_contract::surveys::QuestionView]| {
        questions.iter().map(|question| question.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&view.questions), ["easy"]);
    let seen = |given: &SurveyAnswers| ids(&app.survey_questions(given).unwrap().questions);
    let chosen = |id: &str| AnswerGiven::Choice { chosen: vec![id.to_owned()] };
    let why = || AnswerGiven::Text { text: "Slow.".to_owned() };
    assert_eq!(seen(&answers(&view, [("easy", score(5))])), ["easy"]);
    assert_eq!(seen(&answers(&view, [("easy", score(4))])), ["easy", "what"]);
    let hard = answers(&view, [("easy", score(2)), ("what", chosen("docs")), ("why", why())]);
    assert_eq!(seen(&hard), ["easy", "what", "why"]);
    // Changed at the end: what is not seen any more is not taken.
    let easy = answers(&view, [("easy", score(7)), ("what", chosen("docs")), ("why", why())]);
    assert_eq!(seen(&easy), ["easy"]);
    for refused in [easy, answers(&view, [("easy", score(8))]), answers(&view, [("mood", score(1))])] {
        assert_eq!(app.answer_survey(&refused).unwrap_err().code(), Code::InputInvalid);
    }
    assert!(told(&app).iter().all(|(kind, _)| kind == "survey.shown"), "nothing of it is kept");
    app.answer_survey(&hard).unwrap();
    let answered: Vec<Value> =
        told(&app).into_iter().filter(|(kind, _)| kind == "survey.answered").map(|(_, data)| data).collect();
    assert_eq!(answered.len(), 3);
    assert!(answered.iter().any(|data| data["question"] == "why" && data["comment"] == "Slow."));
}

#[tokio::test]
async fn asking_sooner_than_promised_is_said_to_the_person_and_is_in_the_journal() {
    const REASON: &str = "The network is being rebuilt this week.";
    let (hub, clock) = (Hub::start(), Clock::new());
    let urgent = STEPS.replace(
        "ask: [first-value]\n",
        &format!("ask: [first-value]\n    even-if-asked-lately: {REASON}\n"),
    );
    let machine = Machine::new(&clock, &urgent.replace("ask: [day 30, ", "ask: [day 14, "));
    let app = machine.joined(&hub).await;
    machine.at_first_value(&app).await;
    assert_eq!(due(&app).as_deref(), Some("begun"));
    let view = app.show_survey("begun").unwrap();
    assert_eq!(view.sooner, None);
    put_away(&app, &view, false);
    let app = machine.again(app);
    clock.advance(DAY);
    let view = app.show_survey("value").unwrap();
    assert_eq!(view.sooner.as_deref(), Some(REASON));
    put_away(&app, &view, false);

    let mut journal = Vec::new();
    app.export(&mut journal).unwrap();
    let journal = String::from_utf8(journal).unwrap();
    let written: Vec<&str> = journal.lines().filter(|line| line.contains(REASON)).collect();
    assert!(written.len() == 1 && written[0].contains(&view.submission), "{written:?}");
    let told = told(&app);
    let sooner: Vec<&Value> =
        told.iter().filter(|(kind, _)| kind == "survey.shown").map(|(_, data)| &data["sooner"]).collect();
    assert_eq!(sooner, [&Value::Null, &json!(true)], "that it was, not why: {told:?}");
    // It counts like any other from here on.
    let app = machine.again(app);
    clock.advance(13 * DAY);
    assert_eq!(due(&app), None);
    clock.advance(DAY);
    assert_eq!(due(&app).as_deref(), Some("recommend"));
}

#[tokio::test]
async fn feedback_is_about_where_one_is_and_waits_or_stays_as_it_is_said_to() {
    let (hub, clock) = (Hub::start(), Clock::new());
    let machine = Machine::new(&clock, STEPS);
    let app = machine.open();
    let give = |app: &Firstlight, text: &str, about: Option<FeedbackAbout>| {
        app.give_feedback(&FeedbackGiven { text: text.to_owned(), name: None, about })
    };
    let step = |step: &str| Some(FeedbackAbout::Step { step: step.to_owned() });
    let welcome = Some(FeedbackAbout::Screen { screen: ScreenName::Welcome });
    assert_eq!(app.surveys().unwrap().readers.as_deref(), Some("platform"));
    // Paused, as it is until the person says otherwise: it stays here for good.
    assert_eq!(give(&app, "Held back.", welcome.clone()).unwrap().reach, SurveyReach::StaysHere);
    app.set_sharing(Sharing::On).unwrap();
    assert_eq!(give(&app, "Waits.", welcome).unwrap().reach, SurveyReach::WaitsForHub);
    assert_eq!(give(&app, "No journey.", step("begin")).unwrap_err().code(), Code::NoJourney);
    machine.walk(&app).await;
    assert_eq!(give(&app, "Nowhere.", step("nowhere")).unwrap_err().code(), Code::InputInvalid);
    app.join_hub(&HubAsked { address: hub.address.clone(), code: "code".to_owned() }).await.unwrap();
    assert_eq!(give(&app, "Sent.", step("begin")).unwrap().reach, SurveyReach::Leaves);
    app.deliver().await.unwrap();
    let arrived: Vec<Value> = hub
        .events()
        .into_iter()
        .filter(|event| event["type"] == "dev.firstlight.feedback.given")
        .map(|mut event| event["data"].take())
        .collect();
    assert_eq!(arrived.len(), 2, "{arrived:?}");
    assert_eq!((&arrived[0]["comment"], &arrived[0]["screen"]), (&json!("Waits."), &json!("welcome")));
    assert_eq!((&arrived[1]["comment"], &arrived[1]["step"]), (&json!("Sent."), &json!("begin")));
    assert!(arrived.iter().all(|data| data.get("signed_name").is_none()));
}
