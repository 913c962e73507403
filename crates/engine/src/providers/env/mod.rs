//! `env`: an environment variable for every program the person starts from now on.
//!
#![doc = include_str!("../docs/env.md")]

mod on_windows;
mod profile;
mod shell;

use std::path::PathBuf;

use firstlight_domain::{
    facts::Os,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::{on_windows::InUserEnvironment, profile::InProfile, shell::Shell};
use super::{
    path, paths, schema,
    with::{self, Parameters, is_unresolved, one_line, variable, wrong},
};
use crate::provider::{Operation, Provider, Rendered};

/// The kind `env`.
pub struct Env;

/// Parameters of `env`: either `name` and `value`, or `path-prepend`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Env")]
pub struct With {
    /// The variable; `PATH` if not said and `path-prepend` is used.
    #[serde(default)]
    pub name: Option<String>,
    /// Its value, as it is: nothing in it is interpreted. Never a secret.
    #[serde(default)]
    pub value: Option<String>,
    /// A folder to put before the others in a list of folders; `~` at its start is the home folder.
    #[serde(default)]
    pub path_prepend: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        match (&self.value, &self.path_prepend) {
            (Some(value), None) => {
                one_line("value", value)?;
                let Some(name) = &self.name else {
                    return Err(wrong("", "`name` is missing"));
                };
                if name.eq_ignore_ascii_case("PATH") {
                    return Err(wrong(
                        "value",
                        "would hide every program; use `path-prepend` to add a folder to PATH",
                    ));
                }
            }
            (None, Some(folder)) => {
                paths::check_machine("path-prepend", folder)?;
                if folder.contains([':', ';'])
                    && !is_unresolved(folder)
                    && folder.as_bytes().get(1) != Some(&b':')
                {
                    return Err(wrong("path-prepend", "should be one folder"));
                }
            }
            (Some(_), Some(_)) => {
                return Err(wrong("", "has both `value` and `path-prepend`; one is enough"));
            }
            (None, None) => return Err(wrong("", "should have `value` or `path-prepend`")),
        }
        self.name.as_deref().map_or(Ok(()), |name| variable("name", name))
    }
}

impl Provider for Env {
    fn kind(&self) -> Kind {
        Kind {
            name: "env",
            class: Class::Task,
            summary: "An environment variable for every program the person starts from now on.",
            docs: include_str!("../docs/env.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let name = with.name.unwrap_or_else(|| "PATH".to_owned());
        let setting = match (with.value, with.path_prepend) {
            (Some(value), _) => Setting::Value(value),
            (None, folder) => {
                Setting::Prepend(path(&folder.unwrap_or_default(), step.facts).display().to_string())
            }
        };
        let home = PathBuf::from(&step.facts.home);
        Ok(match step.facts.os {
            Os::Windows => Box::new(InUserEnvironment { name, setting }),
            Os::Linux | Os::Macos => {
                let shell = Shell::of(step.facts);
                Box::new(InProfile {
                    line: shell.line(&name, &setting),
                    key: setting.key(&name),
                    home,
                    shell,
                })
            }
        })
    }
}

/// What a variable is set to.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    /// Exactly this.
    Value(String),
    /// This folder, then what it was.
    Prepend(String),
}

impl Setting {
    /// What tells one line of the block from another: a variable has one value, but may be prepended to often.
    fn key(&self, name: &str) -> String {
        match self {
            Self::Value(_) => name.to_owned(),
            Self::Prepend(folder) => format!("{name} {folder}"),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Value(text) | Self::Prepend(text) => text,
        }
    }

    /// The value a variable has afterwards, on Windows.
    fn after(&self, now: Option<&str>) -> String {
        match (self, now) {
            (Self::Value(value), _) => value.clone(),
            (Self::Prepend(folder), Some(now))
                if now.split(';').any(|part| part.eq_ignore_ascii_case(folder)) =>
            {
                now.to_owned()
            }
            (Self::Prepend(folder), Some(now)) if !now.is_empty() => format!("{folder};{now}"),
            (Self::Prepend(folder), _) => folder.clone(),
        }
    }
}

/// A terminal that is open already has the environment it began with.
fn new_terminal(name: &str) -> String {
    format!("Open a new terminal: those that are open do not know the new `{name}` yet.")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn says_one_variable_and_one_value() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        assert_eq!(accepts(json!({ "name": "EDITOR", "value": "vim -f" })), Ok(()));
        assert_eq!(accepts(json!({ "path-prepend": "~/bin" })), Ok(()));
        assert_eq!(accepts(json!({ "name": "MANPATH", "path-prepend": "~/man" })), Ok(()));
        let path = |with| accepts(with).unwrap_err().path;
        assert_eq!(path(json!({ "value": "x" })), "");
        assert_eq!(path(json!({ "name": "A" })), "");
        assert_eq!(path(json!({ "name": "A", "value": "x", "path-prepend": "~/x" })), "");
        assert_eq!(path(json!({ "name": "PATH", "value": "/x" })), "value");
        assert_eq!(path(json!({ "path-prepend": "~/a:~/b" })), "path-prepend");
        for name in ["1A", "A B", "A=B", "A;reboot", "-x", "", "A\n"] {
            assert_eq!(path(json!({ "name": name, "value": "x" })), "name", "{name:?}");
        }
        for value in ["a\nb", "a\0b", "a\x1b[m"] {
            assert_eq!(path(json!({ "name": "A", "value": value })), "value", "{value:?}");
        }
    }

    #[test]
    fn a_folder_is_put_before_the_others_once() {
        let bin = Setting::Prepend(r"C:\bin".into());
        assert_eq!(bin.after(None), r"C:\bin");
        assert_eq!(bin.after(Some(r"C:\a;D:\b")), r"C:\bin;C:\a;D:\b");
        assert_eq!(bin.after(Some(r"C:\a;c:\BIN")), r"C:\a;c:\BIN");
    }
}
