//! `git/config`: one setting of git for this person.
//!
//! - Checks by `git config --global --get-all`: satisfied if this is the one value.
//! - Changes the setting in the person's own git configuration.
//! - Undo puts back the value or values that were there, or removes the setting; one that was changed since is left.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    failure, failure_with,
    git::{git, without_git},
    schema, whole_file,
    with::{self, Parameters, is_unresolved, one_line, plain_word, wrong},
};
use crate::{
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

/// The kind `git/config`.
pub struct GitConfig;

/// Parameters of `git/config`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "GitConfig")]
pub struct With {
    /// The setting: `user.email`, `pull.rebase`.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whose configuration; only the person's own (`global`).
    #[serde(default)]
    pub scope: Scope,
}

/// Whose configuration is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The person's, for all their repositories.
    #[default]
    Global,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        plain_word("key", &self.key)?;
        one_line("value", &self.value)?;
        if is_unresolved(&self.key) || is_key(&self.key) {
            return Ok(());
        }
        Err(wrong("key", format!("`{}` is not a setting of git; they look like `user.email`", self.key)))
    }
}

/// `section.name` or `section.anything.name`, by git's own rules.
fn is_key(key: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match (key.split_once('.'), key.rsplit_once('.')) {
        (Some((section, _)), Some((_, name))) => {
            word(section) && word(name) && name.starts_with(|c: char| c.is_ascii_alphabetic())
        }
        _ => false,
    }
}

impl Provider for GitConfig {
    fn kind(&self) -> Kind {
        Kind {
            name: "git/config",
            class: Class::Task,
            summary: "One setting of git for this person.",
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let With { key, value, scope: Scope::Global } = with::parameters(step)?;
        Ok(Box::new(Setting { key, value, facts: step.facts.clone() }))
    }
}

/// What a step changed: the values of the setting before and after.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    key: String,
    before: Vec<String>,
    written: String,
}

struct Setting {
    key: String,
    value: String,
    facts: Facts,
}

#[async_trait]
impl Operation for Setting {
    fn resolved(&self) -> Resolved {
        Resolved {
            commands: vec![
                reading(&self.facts, &self.key).line(Purpose::Check),
                replacing(&self.facts, &self.key, &self.value).line(Purpose::Run),
            ],
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if let Some(blocked) = without_git() {
            return Ok(blocked);
        }
        let now = values(cx, &self.key).await?;
        Ok(if now == [self.value.as_str()] {
            Check::Satisfied { outputs: BTreeMap::new() }
        } else {
            let was = if now.is_empty() { String::new() } else { format!(" (now {})", now.join(", ")) };
            Check::Needed {
                what: format!("would set git's {} to {}{was}", self.key, self.value),
                files: Vec::new(),
            }
        })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let before = values(cx, &self.key).await?;
        if before == [self.value.as_str()] {
            return Ok(());
        }
        let receipt = Receipt { key: self.key.clone(), before, written: self.value.clone() };
        cx.keep_receipt(receipt)?;
        process::run(cx, replacing(&self.facts, &self.key, &self.value))
            .await?
            .or_fail("git config")
            .map(drop)
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let Receipt { key, before, written } = read_receipt(receipt)?;
        let now = values(cx, &key).await?;
        if now == before {
            return Ok(());
        }
        if now != [written.as_str()] {
            return Err(failure_with(
                format!("git's {key} was changed since; it is left as it is"),
                format!("look at it with `git config --global --get-all {key}`"),
            ));
        }
        let mut before = before.iter();
        let first = match before.next() {
            Some(first) => replacing(&cx.facts, &key, first),
            None => git(&cx.facts).args(["config", "--global", "--unset-all", &key]),
        };
        process::run(cx, first).await?.or_fail("git config")?;
        for value in before {
            let adding = git(&cx.facts).args(["config", "--global", "--add", "--", &key, value]);
            process::run(cx, adding).await?.or_fail("git config")?;
        }
        Ok(())
    }

    /// git locks the file, and fails rather than waits.
    fn exclusive(&self) -> Option<Cow<'static, str>> {
        Some(whole_file::resource(&Path::new(&self.facts.home).join(".gitconfig")))
    }
}

fn reading(facts: &Facts, key: &str) -> Process {
    git(facts).args(["config", "--global", "--null", "--get-all", key])
}

/// `--` before the words: a value may start with `-`.
fn replacing(facts: &Facts, key: &str, value: &str) -> Process {
    git(facts).args(["config", "--global", "--replace-all", "--", key, value])
}

/// The values a setting has.
async fn values(cx: &Context, key: &str) -> Result<Vec<String>, Failure> {
    let exit = process::quick(cx, reading(&cx.facts, key)).await?;
    match exit.code {
        0 => {
            let text = String::from_utf8_lossy(&exit.stdout);
            Ok(text.split_terminator('\0').map(str::to_owned).collect())
        }
        // Not set.
        1 => Ok(Vec::new()),
        _ => Err(exit.or_fail("git config").err().unwrap_or_else(|| failure("git config failed"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn e2_a_key_is_a_setting_and_nothing_else() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        for key in [
            "user.email",
            "url.https://a.test/.insteadOf",
            "branch.ma in.rebase",
            "http.https://x.y:8/.proxy",
        ] {
            assert_eq!(accepts(json!({ "key": key, "value": "x" })), Ok(()), "{key}");
        }
        for key in ["--unset", "-e", "user", "", ".email", "user.", "us er.email", "user.1st", "user.email\n"]
        {
            assert_eq!(accepts(json!({ "key": key, "value": "x" })).unwrap_err().path, "key", "{key:?}");
        }
        assert_eq!(
            accepts(json!({ "key": "a.b", "value": "--unset" })),
            Ok(()),
            "a value may look like an option"
        );
        assert_eq!(accepts(json!({ "key": "a.b", "value": "x\n[alias]" })).unwrap_err().path, "value");
        assert_eq!(
            accepts(json!({ "key": "a.b", "value": "x", "scope": "system" })).unwrap_err().path,
            "scope"
        );
    }
}
