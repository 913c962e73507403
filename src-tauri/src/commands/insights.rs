//! What the hub says of many people. The window names a question, never an address.

use std::io::Write as _;

use firstlight_app::AppError;
use firstlight_contract::{
    error::Code,
    insights_page::{InsightsAnswer, InsightsQuestion},
};
use tauri::{State, WebviewWindow};

use super::save;
use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn insights(shell: State<'_, Shell>, args: InsightsQuestion) -> Answer<InsightsAnswer> {
    shell.app().await?.insights(&args).await.map_err(body)
}

/// Asked before the person is asked where to: a question that is refused has no place.
#[tauri::command]
pub(super) async fn save_insights(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    args: InsightsQuestion,
) -> Answer<Option<String>> {
    let table = shell.app().await?.insights_table(&args).await.map_err(body)?;
    save::where_chosen(&window, "firstlight-insights.csv", |out| {
        out.write_all(&table)
            .map_err(|error| AppError::new(Code::Internal, format!("The table cannot be written: {error}.")))
    })
    .await
}
