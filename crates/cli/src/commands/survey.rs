//! `firstlight survey` and `firstlight feedback`

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
};

use firstlight_app::{Access, AppError, Firstlight};
use firstlight_contract::{
    error::Code,
    surveys::{
        AnswerGiven, FeedbackAbout, FeedbackGiven, QuestionForm, QuestionView, SurveyAnswers, SurveyEntry,
        SurveyKept, SurveyPutAway, SurveyReach,
    },
};

use super::{ask, hub, open, read};
use crate::{
    args::{Feedback, Survey, SurveyAnswer},
    output::Output,
};

/// Nothing that is sent is longer; a pipe that never ends must not fill the memory.
const LONGEST: u64 = 64 * 1024;

pub(super) async fn run(command: Survey, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Survey::List { json: _ } => list(output),
        Survey::Answer(asked) => answer(asked, output).await,
    }
}

fn list(output: Output) -> anyhow::Result<ExitCode> {
    let view = open(Access::Read, output)?.surveys()?;
    if output.is_json() {
        output.value(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    let line = |survey: &SurveyEntry, when: &str| {
        output.line(format!(
            "{}: {} ({when})\n  Who sees the answers: {}",
            survey.id, survey.title, survey.audience
        ))
    };
    if let Some(due) = &view.due {
        line(due, "waits for you")?;
    }
    let due = view.due.as_ref().map(|due| due.id.as_str());
    for survey in view.open.iter().filter(|survey| Some(survey.id.as_str()) != due) {
        line(survey, "whenever you like")?;
    }
    if view.due.is_none() && view.open.is_empty() {
        output.line("Nothing is asked now. `firstlight feedback` is always open.")?;
    }
    output.line(reach(view.reach))?;
    Ok(ExitCode::SUCCESS)
}

fn reach(reach: SurveyReach) -> &'static str {
    match reach {
        SurveyReach::StaysHere => {
            "Answers stay on this machine: sharing is paused (`firstlight hub status`)."
        }
        SurveyReach::WaitsForHub => {
            "Answers wait on this machine: there is no hub yet that they could be sent to (`firstlight hub join`)."
        }
        SurveyReach::Leaves => {
            "Sharing is on: answers are sent with your other events, now or once there is a network."
        }
    }
}

async fn answer(asked: SurveyAnswer, output: Output) -> anyhow::Result<ExitCode> {
    let SurveyAnswer { survey, answer: known, yes, json: _ } = asked;
    if known.is_empty() && !output.is_interactive() {
        return Err(AppError::new(Code::Usage, "There is nobody to ask.")
            .hint("Name answers with `--answer QUESTION=ANSWER`, and `--yes` to send them.")
            .into());
    }
    let app = open(Access::Change, output)?;
    // Nobody is asked here who was asked elsewhere a moment ago.
    app.surveys_here_and_elsewhere().await?;
    let shown = app.show_survey(&survey)?;
    let put_away =
        |begun: bool| app.put_survey_away(&SurveyPutAway { submission: shown.submission.clone(), begun });
    let interactive = output.is_interactive() && !output.is_json();
    if interactive {
        output.line(format!(
            "{}\nWho sees the answers: {}\n{}",
            shown.title,
            shown.audience,
            reach(shown.reach)
        ))?;
        if let Some(sooner) = &shown.sooner {
            output.line(format!("Asked sooner than usual: {sooner}"))?;
        }
    }
    let answers = match given(&app, &shown.submission, &known, interactive, output).await {
        Ok(answers) => answers,
        Err(error) => {
            put_away(!known.is_empty())?;
            return Err(error);
        }
    };
    let agreed = !answers.is_empty() && (yes || (interactive && ask("Send this?", output).await?));
    if !agreed {
        put_away(!answers.is_empty())?;
        output.line("Nothing was sent, and nothing you answered was kept.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let submission = shown.submission.clone();
    match app.answer_survey(&SurveyAnswers { submission, answers }) {
        Ok(kept) => {
            hub::deliver_briefly(&app).await;
            tell(&kept, output)
        }
        Err(error) => {
            put_away(true)?;
            Err(error.into())
        }
    }
}

/// The answers named on the command line; in a terminal the others are asked for, one after another, as far as they are
/// to be seen.
async fn given(
    app: &Firstlight,
    submission: &str,
    known: &[(String, String)],
    interactive: bool,
    output: Output,
) -> anyhow::Result<BTreeMap<String, AnswerGiven>> {
    let mut given = SurveyAnswers { submission: submission.to_owned(), answers: BTreeMap::new() };
    let mut asked: Vec<String> = Vec::new();
    // An answer may bring questions that were not seen before.
    let seen = loop {
        let seen = app.survey_questions(&given)?.questions;
        let Some(question) = seen.iter().find(|one| !asked.contains(&one.id)) else { break seen };
        asked.push(question.id.clone());
        let text = match known.iter().find(|(id, _)| *id == question.id) {
            Some((_, text)) => text.clone(),
            None if interactive => prompt(question, output).await?,
            None => continue,
        };
        if let Some(answer) = parse(question, text.trim())? {
            given.answers.insert(question.id.clone(), answer);
        }
    };
    // What is named was meant: it is not left out silently.
    if let Some((id, _)) = known.iter().find(|(id, _)| seen.iter().all(|one| one.id != *id)) {
        let ids: Vec<&str> = seen.iter().map(|question| question.id.as_str()).collect();
        return Err(AppError::new(Code::Usage, format!("`{id}` is not asked here."))
            .hint(format!("With these answers the questions are {}.", ids.join(", ")))
            .into());
    }
    Ok(given.answers)
}

async fn prompt(question: &QuestionView, output: Output) -> anyhow::Result<String> {
    let how = match &question.kind {
        QuestionForm::Nps => "0 (not likely at all) to 10 (extremely likely)".to_owned(),
        QuestionForm::Csat => "1 (not at all) to 5 (very satisfied)".to_owned(),
        QuestionForm::Ces => "1 (strongly disagree) to 7 (strongly agree)".to_owned(),
        QuestionForm::Choice { options, several } => {
            for option in options {
                output.line(format!("  {}: {}", option.id, option.text))?;
            }
            if *several { "names, separated by commas" } else { "one name" }.to_owned()
        }
        QuestionForm::Text { .. } => "a line of text".to_owned(),
    };
    loop {
        let shown = format!("{}\n  {how}; Enter to leave it out: ", question.text);
        let text = read(move || {
            let mut out = io::stdout().lock();
            write!(out, "{shown}")?;
            out.flush()?;
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        })
        .await?;
        match parse(question, text.trim()) {
            Ok(_) => return Ok(text),
            Err(error) => output.line(error.to_string())?,
        }
    }
}

/// What was written as an answer of the question's kind; none if nothing was.
fn parse(question: &QuestionView, text: &str) -> Result<Option<AnswerGiven>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let scale = |low: u8, high: u8| {
        let score = text.parse::<u8>().ok().filter(|score| (low..=high).contains(score));
        score.map(|score| AnswerGiven::Score { score }).ok_or_else(|| {
            AppError::new(Code::Usage, format!("`{text}` is no number from {low} to {high}."))
                .hint(format!("`{}` asks: {}", question.id, question.text))
        })
    };
    Ok(Some(match &question.kind {
        QuestionForm::Nps => scale(0, 10)?,
        QuestionForm::Csat => scale(1, 5)?,
        QuestionForm::Ces => scale(1, 7)?,
        QuestionForm::Choice { options, .. } => {
            let chosen: Vec<String> = text.split(',').map(|one| one.trim().to_owned()).collect();
            if let Some(other) = chosen.iter().find(|one| options.iter().all(|option| option.id != **one)) {
                let ids: Vec<&str> = options.iter().map(|option| option.id.as_str()).collect();
                return Err(AppError::new(Code::Usage, format!("`{other}` cannot be chosen."))
                    .hint(format!("There are {}.", ids.join(", "))));
            }
            AnswerGiven::Choice { chosen }
        }
        QuestionForm::Text { .. } => AnswerGiven::Text { text: text.to_owned() },
    }))
}

fn tell(kept: &SurveyKept, output: Output) -> anyhow::Result<ExitCode> {
    if output.is_json() {
        output.value(kept)?;
    } else {
        output.line(match kept.reach {
            SurveyReach::Leaves => {
                "Thank you. It is sent with your other events, now or once there is a network."
            }
            SurveyReach::WaitsForHub => "Kept on this machine. It is sent once the machine joins a hub.",
            SurveyReach::StaysHere => "Kept on this machine. It is not sent, because sharing is paused.",
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn feedback(asked: Feedback, output: Output) -> anyhow::Result<ExitCode> {
    let Feedback { text, name, step, json: _ } = asked;
    let text = match text {
        Some(text) => text,
        None => {
            let prompting = io::stdin().is_terminal() && !output.is_json();
            read(move || {
                let mut text = String::new();
                if prompting {
                    write!(io::stdout(), "What should your platform team know? ")?;
                    io::stdout().flush()?;
                    io::stdin().read_line(&mut text).map(|_| text)
                } else {
                    io::stdin().take(LONGEST).read_to_string(&mut text).map(|_| text)
                }
            })
            .await?
        }
    };
    let app = open(Access::Change, output)?;
    let about = step.map(|step| FeedbackAbout::Step { step });
    let kept = app.give_feedback(&FeedbackGiven { text, name, about })?;
    hub::deliver_briefly(&app).await;
    tell(&kept, output)
}
