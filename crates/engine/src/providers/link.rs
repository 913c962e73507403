//! `link`: a page to open.
//!
#![doc = include_str!("docs/link.md")]

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::Resolved,
    state::{Failure, WaitsOn},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    person, schema,
    with::{self, Parameters, is_unresolved, one_line, wrong},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered};

/// The kind `link`.
pub struct Link;

/// Parameters of `link`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Link")]
pub struct With {
    /// The address, `https://…` or `http://…`.
    pub url: String,
    /// What the button says; the address if not said.
    #[serde(default)]
    pub text: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        one_line("url", &self.url)?;
        if let Some((scheme, _)) = self.url.split_once("://").filter(|(scheme, _)| !is_unresolved(scheme))
            && !matches!(scheme, "https" | "http")
        {
            return Err(wrong(
                "url",
                format!("`{scheme}` is not a kind of address to open; use https or http"),
            ));
        }
        if is_unresolved(&self.url) {
            return Ok(());
        }
        let url = Url::parse(&self.url)
            .map_err(|error| wrong("url", format!("`{}` is not an address: {error}", self.url)))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong("url", format!("`{}` should start with https:// or http://", self.url)));
        }
        if url.password().is_some() || !url.username().is_empty() {
            return Err(wrong("url", "may not hold a user name or password"));
        }
        Ok(())
    }
}

impl Provider for Link {
    fn kind(&self) -> Kind {
        Kind {
            name: "link",
            class: Class::Action,
            summary: "A page to open.",
            docs: include_str!("docs/link.md"),
            schema: schema::<With>(),
            outputs: &[],
            // The person's browser goes there, not Firstlight.
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        Ok(Box::new(ToOpen(with::parameters(step)?)))
    }
}

/// Reads the parameters of a `link` step, for whoever shows it. What comes back is safe to open.
pub fn parameters(resolved: &Value) -> Result<With, WithError> {
    let with: With = with::read(resolved)?;
    if is_unresolved(&with.url) {
        return Err(wrong("url", "is not known yet"));
    }
    Ok(with)
}

struct ToOpen(With);

#[async_trait]
impl Operation for ToOpen {
    fn resolved(&self) -> Resolved {
        let text = match &self.0.text {
            Some(text) => format!("{text}: {}", self.0.url),
            None => self.0.url.clone(),
        };
        Resolved { text: Some(text), ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        Ok(person::turn(cx, WaitsOn::You, format!("would ask you to open {}", self.0.url)))
    }

    async fn apply(&self, _cx: &Context) -> Result<(), Failure> {
        Err(person::not_the_machine())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn e2_only_pages_are_opened() {
        for good in ["https://acme.test/a?b=c", "http://127.0.0.1:47613/", "${{ steps.serve.outputs.url }}/x"]
        {
            assert_eq!(with::accepts::<With>(&json!({ "url": good })), Ok(()), "{good}");
        }
        let bad = [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "mailto:a@b.test",
            "ssh://host",
            "acme.test",
            "",
            "https://",
            "https://user:word@acme.test/",
            "https://acme.test/\nx",
            "-x",
            "firstlight://x",
            "vscode://${{ inputs.a }}",
        ];
        for bad in bad {
            let error = with::accepts::<With>(&json!({ "url": bad })).unwrap_err();
            assert_eq!(error.path, "url", "{bad}");
        }
        assert!(
            parameters(&json!({ "url": "${{ steps.serve.outputs.url }}" })).is_err(),
            "nothing to open yet"
        );
    }
}
