//! A variable on Windows, which keeps the user's environment itself.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::{
    plan::{Purpose, Resolved},
    state::Failure,
};
use serde_json::Value;

use super::{Setting, new_terminal};
use crate::{
    provider::{Check, Context, Operation},
    providers::user_environment::{self, Before},
};

/// A variable of the user's environment.
pub(super) struct InUserEnvironment {
    pub(super) name: String,
    pub(super) setting: Setting,
}

#[async_trait]
impl Operation for InUserEnvironment {
    fn resolved(&self) -> Resolved {
        Resolved {
            commands: vec![
                user_environment::reading(&self.name).line(Purpose::Check),
                user_environment::writing(&self.name, Some(self.setting.text())).line(Purpose::Run),
            ],
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let now = user_environment::read(cx, &self.name).await?;
        Ok(if now.as_deref() == Some(self.setting.after(now.as_deref()).as_str()) {
            Check::Satisfied { outputs: BTreeMap::new() }
        } else {
            Check::Needed {
                what: format!("would set {} in the user's environment", self.name),
                files: Vec::new(),
            }
        })
    }

    fn follow_up(&self) -> Option<String> {
        Some(new_terminal(&self.name))
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let now = user_environment::read(cx, &self.name).await?;
        let wanted = self.setting.after(now.as_deref());
        if now.as_deref() == Some(wanted.as_str()) {
            return Ok(());
        }
        let receipt = Before { name: self.name.clone(), value: now, written: wanted.clone() };
        cx.keep_receipt(receipt)?;
        user_environment::write(cx, &self.name, Some(&wanted)).await
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        user_environment::give_back(cx, receipt).await
    }
}
