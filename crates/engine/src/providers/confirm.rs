//! `confirm`: something the person does and says that it is done.
//!
#![doc = include_str!("docs/confirm.md")]

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::Resolved,
    state::{Failure, WaitsOn},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    person, schema,
    with::{self, Parameters, wrong},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered};

/// The kind `confirm`.
pub struct Confirm;

/// Parameters of `confirm`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Confirm")]
pub struct With {
    /// What the person says is done: "I met my team."
    pub text: String,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if self.text.trim().is_empty() { Err(wrong("text", "is empty")) } else { Ok(()) }
    }
}

impl Provider for Confirm {
    fn kind(&self) -> Kind {
        Kind {
            name: "confirm",
            class: Class::Action,
            summary: "Something the person does and says that it is done.",
            docs: include_str!("docs/confirm.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        Ok(Box::new(ToConfirm(with::parameters(step)?)))
    }
}

/// Reads the parameters of a `confirm` step, for whoever shows it.
pub fn parameters(resolved: &Value) -> Result<With, WithError> {
    with::read(resolved)
}

struct ToConfirm(With);

#[async_trait]
impl Operation for ToConfirm {
    fn resolved(&self) -> Resolved {
        Resolved { text: Some(self.0.text.clone()), ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        Ok(person::turn(cx, WaitsOn::You, format!("would ask you to confirm: {}", self.0.text)))
    }

    async fn apply(&self, _cx: &Context) -> Result<(), Failure> {
        Err(person::not_the_machine())
    }
}
