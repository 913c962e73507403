//! What a pack asks people, in words.

use firstlight_contract::{
    pack_diff::{FateView, SurveyDiff},
    surveys::SurveyOutline,
};

use crate::output::Output;

/// What somebody would be asked on their way.
pub(super) fn show(surveys: &[SurveyOutline], output: Output) -> anyhow::Result<()> {
    if surveys.is_empty() {
        return Ok(());
    }
    output.line("\n\u{1b}[1mAsked on the way, seldom\u{1b}[0m")?;
    for survey in surveys {
        output.line(format!("  {} \u{1b}[2m({})\u{1b}[0m: {}", survey.title, survey.id, when(survey)))?;
        details(survey, output)?;
    }
    Ok(())
}

/// What is asked otherwise than before.
pub(super) fn show_changes(surveys: &[SurveyDiff], output: Output) -> anyhow::Result<()> {
    if surveys.is_empty() {
        return Ok(());
    }
    output.line("\n\u{1b}[1mSurveys\u{1b}[0m")?;
    for SurveyDiff { survey, fate, aspects } in surveys {
        let (sign, says) = match fate {
            FateView::New => ("\u{1b}[32m+\u{1b}[0m", format!(": {}", when(survey))),
            FateView::Gone => ("\u{1b}[31m-\u{1b}[0m", String::new()),
            FateView::Stays => {
                let says: Vec<String> = aspects.iter().map(|aspect| in_words(aspect, survey)).collect();
                ("\u{1b}[33m~\u{1b}[0m", format!(": {}", says.join(", ")))
            }
        };
        output.line(format!("  {sign} {} \u{1b}[2m({})\u{1b}[0m{says}", survey.title, survey.id))?;
        if *fate == FateView::New {
            details(survey, output)?;
        }
    }
    Ok(())
}

fn details(survey: &SurveyOutline, output: Output) -> anyhow::Result<()> {
    for question in &survey.questions {
        let seen =
            question.goes_by.as_ref().map_or_else(String::new, |id| format!(", by the answer to `{id}`"));
        output.line(format!("      {} \u{1b}[2m({}{seen})\u{1b}[0m", question.text, question.kind))?;
    }
    output.line(format!("      Who sees the answers: {}", survey.audience))?;
    if let Some(sooner) = &survey.sooner {
        output.line(format!(
            "      \u{1b}[33mEven if asked something in the last 14 days:\u{1b}[0m {sooner}"
        ))?;
    }
    Ok(())
}

fn in_words(aspect: &str, survey: &SurveyOutline) -> String {
    match aspect {
        "when" => format!("now {}", moments(survey)),
        "whom" => format!("now asked of {}", whom(survey)),
        "audience" => format!("other people see the answers ({})", survey.audience),
        "questions" => "other questions".to_owned(),
        "sooner" => match &survey.sooner {
            Some(why) => format!("now even if asked something in the last 14 days ({why})"),
            None => "no longer if asked something in the last 14 days".to_owned(),
        },
        _ => "called otherwise".to_owned(),
    }
}

/// When, and of whom.
fn when(survey: &SurveyOutline) -> String {
    format!("{}, of {}", moments(survey), whom(survey))
}

fn moments(survey: &SurveyOutline) -> String {
    let moments: Vec<String> = survey.when.iter().map(|when| moment(when)).collect();
    moments.join(", ")
}

fn moment(when: &str) -> String {
    match when.split_once(' ') {
        Some(("day", day)) => format!("on day {day}"),
        Some(("after", step)) => format!("after `{step}`"),
        _ if when == "first-value" => "at first value".to_owned(),
        _ => "whenever they like".to_owned(),
    }
}

fn whom(survey: &SurveyOutline) -> String {
    let personas =
        if survey.personas.is_empty() { "everybody".to_owned() } else { survey.personas.join(", ") };
    match &survey.condition {
        Some(condition) => format!("{personas} where {condition}"),
        None => personas,
    }
}
