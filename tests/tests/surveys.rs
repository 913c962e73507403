//! A survey comes at first value and is answered without a mouse; what was sent is on a real hub, and told of only together
//! with what others said. Feedback is a key away.
#![cfg(target_os = "linux")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use firstlight_tests::{Desktop, Machine, binary, fixture};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{Key, TypingData};

/// A hub of its own.
struct Hub {
    folder: TempDir,
    child: Child,
    address: String,
    /// For what only a role may see.
    viewer: String,
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Hub {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let serve = ["serve", "--listen", "127.0.0.1:0"];
        let mut child =
            Self::program(&folder)?.args(serve).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it says nothing")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening at http://").context(line.clone())?.to_owned();
        let viewer = |words: &[&str]| -> Result<String> {
            let made = Self::program(&folder)?.arg("role").args(words).output()?;
            Ok(String::from_utf8(made.stdout)?.trim().to_owned())
        };
        viewer(&["grant", "grace", "viewer"])?;
        let viewer = format!("authorization: Bearer {}\r\n", viewer(&["token", "grace"])?);
        Ok(Self { folder, child, address, viewer })
    }

    fn program(folder: &TempDir) -> Result<Command> {
        let mut command = Command::new(binary("firstlight-hub")?);
        let database = folder.path().join("hub.sqlite");
        command.args(["--database", &format!("sqlite:{}", database.display())]).env_remove("RUST_LOG");
        Ok(command)
    }

    fn code(&self, person: &str) -> Result<String> {
        let made = Self::program(&self.folder)?.args(["code", "new", "--for", person]).output()?;
        Ok(String::from_utf8(made.stdout)?.trim().to_owned())
    }

    /// Asks it for something; the answer's body.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(&self.address)?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}",
            self.address
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        if !head.starts_with("HTTP/1.1 2") {
            bail!("{method} {path}: {answer}");
        }
        serde_json::from_str(body).with_context(|| answer.clone())
    }

    /// Somebody else answers the same survey.
    fn answered_by(&self, number: u8, score: u8) -> Result<()> {
        let source = format!("urn:uuid:0190b0a0-0000-7000-8000-0000000000{number:02}");
        let json_type = "content-type: application/json\r\n";
        let enrol = json!({ "code": self.code(&format!("person {number}"))?, "source": source }).to_string();
        let device = self.ask("POST", "/v1/devices", json_type, &enrol)?;
        let submission = format!("0190b0a0-0000-7000-8000-0000000001{number:02}");
        let now = jiff::Timestamp::now().to_string();
        let event = |sequence: u8, kind: &str, more: Value| {
            let mut data = json!({ "submission": submission, "survey": "way" });
            if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
                data.extend(more.clone());
            }
            json!({
                "specversion": "1.0", "id": format!("0190b0a0-0000-7000-8000-00000000{number:02}{sequence:02}"),
                "source": source, "type": format!("dev.firstlight.survey.{kind}"), "sequence": format!("{sequence:016}"),
                "time": now, "recordedtime": now, "datacontenttype": "application/json", "data": data,
            })
        };
        let answer = json!({ "question": "easy", "question_kind": "ces", "score": score });
        let batch = json!([
            event(1, "shown", json!({ "asks_nps": false })),
            event(2, "answered", answer),
            event(3, "ended", json!({ "ending": "sent" })),
        ]);
        let token = device["token"].as_str().context("no token")?;
        let headers =
            format!("content-type: application/cloudevents-batch+json\r\nauthorization: Bearer {token}\r\n");
        let verdicts = self.ask("POST", "/v1/events", &headers, &batch.to_string())?;
        let accepted = verdicts["verdicts"].as_array().context("no verdicts")?;
        if accepted.iter().any(|verdict| verdict["verdict"] != "accepted") {
            bail!("{verdicts}");
        }
        Ok(())
    }

    /// What it tells of a question of the survey.
    fn told(&self, question: &str) -> Result<Option<Value>> {
        let results = self.ask("GET", "/v1/surveys/results", &self.viewer, "")?;
        let surveys = results["surveys"].as_array().cloned().unwrap_or_default();
        let survey = surveys.into_iter().find(|survey| survey["survey"] == "way");
        let questions = survey.and_then(|survey| survey["questions"].as_array().cloned()).unwrap_or_default();
        Ok(questions.into_iter().find(|one| one["question"] == question))
    }
}

/// Presses keys, wherever the keyboard is.
async fn keys(app: &Desktop, keys: impl Into<TypingData>) -> Result<()> {
    let focused = app.driver().active_element().await.context("nothing has the keyboard")?;
    focused.send_keys(keys.into()).await.context("the keys cannot be pressed")
}

/// What has the keyboard: its name, or its words.
async fn focused(app: &Desktop) -> Result<String> {
    let script = "const one = document.activeElement;
        return one.getAttribute('aria-label') ?? one.labels?.[0]?.innerText ?? one.innerText ?? ''";
    Ok(app.run(script).await?.as_str().unwrap_or_default().trim().to_owned())
}

/// Presses Tab until something of that name has the keyboard.
async fn tab_to(app: &Desktop, name: &str) -> Result<()> {
    for _ in 0..60 {
        if focused(app).await?.starts_with(name) {
            return Ok(());
        }
        keys(app, Key::Tab).await?;
    }
    bail!("Tab does not lead to “{name}”; on the screen is:\n{}", app.text().await?)
}

async fn first_value(machine: &Machine, hub: &Hub) -> Result<Desktop> {
    let app = Desktop::start(machine, &fixture("surveys")).await?;
    app.press("Privacy").await?;
    app.sees("This machine sends to no hub").await?;
    app.fill("Address", &format!("http://{}", hub.address)).await?;
    let code = hub.code("ada")?;
    app.run("document.querySelector('input[type=password]').focus(); return null").await?;
    keys(&app, code.as_str()).await?;
    app.press("Send to this hub").await?;
    app.sees("Events go to").await?;
    app.press("Resume sharing").await?;
    app.sees("Pause sharing").await?;
    keys(&app, Key::Escape).await?;
    app.choose("Lighthouse keeper").await?;
    app.press("See the road").await?;
    app.sees("Will change").await?;
    app.press("Start").await?;
    app.sees("First light").await?;
    Ok(app)
}

#[tokio::test]
async fn g5_a_survey_is_answered_with_the_keyboard_and_told_of_only_among_five() -> Result<()> {
    let (machine, hub) = (Machine::start()?, Hub::start()?);
    for (number, score) in [(1, 6), (2, 7), (3, 2), (4, 5)] {
        hub.answered_by(number, score)?;
    }
    let app = first_value(&machine, &hub).await?;
    app.press("Today").await?;
    app.sees("Your way to the lamp").await?;
    app.sees("Who sees the answers: The harbour team, answers of five people or more together.").await?;
    app.sees("Confidential, not anonymous").await?;
    assert_eq!(focused(&app).await?, "Today", "it takes no keyboard");
    app.picture("50-survey").await?;
    assert_eq!(hub.told("easy")?.map(|told| told["n"].clone()), Some(json!(0)), "four people are too few");

    tab_to(&app, "1: strongly disagree").await?;
    keys(&app, " ").await?;
    keys(&app, Key::Right).await?;
    keys(&app, Key::Right).await?;
    app.sees("What held you up?").await?;
    tab_to(&app, "Fog").await?;
    keys(&app, " ").await?;
    tab_to(&app, "What should be better?").await?;
    keys(&app, "More light on the stairs.").await?;
    app.picture("51-survey-answered").await?;
    tab_to(&app, "Send").await?;
    keys(&app, Key::Enter).await?;
    app.sees("Thank you. It is sent with your other events").await?;

    app.press("Privacy").await?;
    app.press("Send now").await?;
    app.sees("It last took events").await?;
    let sent = app.text().await?;
    for kind in ["survey.shown", "survey.answered", "survey.ended"] {
        assert!(sent.contains(&format!("dev.firstlight.{kind}")), "{kind} is not on the screen: {sent}");
    }
    app.picture("52-survey-privacy").await?;
    let told = hub.told("easy")?.context("nothing is told")?;
    // 6, 7, 2, 5 and the 3 that was answered here.
    let counts = json!([2, 3, 5, 6, 7].map(|score: u8| json!({ "answer": score.to_string(), "n": 1 })));
    assert_eq!((&told["n"], &told["counts"]), (&json!(5), &counts), "{told}");
    // One person chose something, and wrote something: that is nobody's to know.
    for question in ["held-up", "why"] {
        let told = hub.told(question)?.context("nothing is told")?;
        assert_eq!((&told["n"], &told["texts"]), (&json!(0), &json!([])), "{told}");
    }
    app.close(&machine).await
}

#[tokio::test]
async fn feedback_is_a_key_away_and_a_survey_is_put_away_with_esc() -> Result<()> {
    let (machine, hub) = (Machine::start()?, Hub::start()?);
    let app = first_value(&machine, &hub).await?;
    app.press("Today").await?;
    app.sees("Your way to the lamp").await?;
    tab_to(&app, "1: strongly disagree").await?;
    keys(&app, Key::Escape).await?;
    app.sees("Put away. You are asked nothing for a while.").await?;

    keys(&app, "f").await?;
    app.sees("Say what you think").await?;
    app.sees("Read by: Harbour team").await?;
    assert!(focused(&app).await?.starts_with("What should be better"));
    keys(&app, "The stairs are steep.").await?;
    tab_to(&app, "Your name").await?;
    keys(&app, "Ada").await?;
    app.picture("53-feedback").await?;
    tab_to(&app, "Send").await?;
    keys(&app, Key::Enter).await?;
    app.sees("Thank you. It is sent with your other events").await?;
    app.press("Close").await?;

    // Asked for by name, what may be answered at any time is there, and has the keyboard.
    keys(&app, Key::Control + "k").await?;
    app.sees("Projects from templates").await?;
    keys(&app, "how it goes").await?;
    keys(&app, Key::Enter).await?;
    app.sees("How satisfied are you with the harbour?").await?;
    assert_eq!(focused(&app).await?, "How it goes");

    app.press("Privacy").await?;
    app.press("Send now").await?;
    app.sees("It last took events").await?;
    let results = hub.ask("GET", "/v1/surveys/results", &hub.viewer, "")?;
    let by_ada = json!({
        "name": "Ada", "text": "The stairs are steep.", "about": { "about": "screen", "screen": "today" },
    });
    assert_eq!(results["feedback"]["signed"], json!([by_ada]), "{results}");
    app.close(&machine).await
}
