//! Surveys, and what people think.

use firstlight_contract::{
    commands::Nothing,
    surveys::{
        FeedbackGiven, SurveyAnswers, SurveyKept, SurveyPutAway, SurveyQuestions, SurveyRef, SurveyView,
        SurveysView,
    },
};
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn surveys(shell: State<'_, Shell>, args: Nothing) -> Answer<SurveysView> {
    let Nothing {} = args;
    shell.app().await?.surveys_here_and_elsewhere().await.map_err(body)
}

#[tauri::command]
pub(super) async fn show_survey(shell: State<'_, Shell>, args: SurveyRef) -> Answer<SurveyView> {
    shell.app().await?.show_survey(&args.survey).map_err(body)
}

#[tauri::command]
pub(super) async fn survey_questions(
    shell: State<'_, Shell>,
    args: SurveyAnswers,
) -> Answer<SurveyQuestions> {
    shell.app().await?.survey_questions(&args).map_err(body)
}

#[tauri::command]
pub(super) async fn answer_survey(shell: State<'_, Shell>, args: SurveyAnswers) -> Answer<SurveyKept> {
    shell.app().await?.answer_survey(&args).map_err(body)
}

#[tauri::command]
pub(super) async fn put_survey_away(shell: State<'_, Shell>, args: SurveyPutAway) -> Answer<Nothing> {
    shell.app().await?.put_survey_away(&args).map(|()| Nothing {}).map_err(body)
}

#[tauri::command]
pub(super) async fn give_feedback(shell: State<'_, Shell>, args: FeedbackGiven) -> Answer<SurveyKept> {
    shell.app().await?.give_feedback(&args).map_err(body)
}
