//! `tools`: language runtimes and tools in the versions a project names, by mise (<https://mise.jdx.dev>).
//!
#![doc = include_str!("docs/tools.md")]

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Download, Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    paths::check_machine,
    schema,
    with::{self, Parameters, plain_word, wrong},
};
use crate::{
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// The kind `tools`.
pub struct Tools;

/// Parameters of `tools`: either `tools` or `file`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Tools")]
pub struct With {
    /// Tools and their versions: `node: "20"`.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// The project's own list, `mise.toml` or `.tool-versions`; below `cwd`.
    #[serde(default)]
    pub file: Option<String>,
    /// The project's folder; the home folder if not said.
    #[serde(default)]
    pub cwd: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if self.tools.is_empty() == self.file.is_none() {
            return Err(wrong("", "needs either `tools` or `file`"));
        }
        for (tool, version) in &self.tools {
            plain_word("tools", tool)?;
            plain_word(&format!("tools.{tool}"), version)?;
        }
        self.file.iter().try_for_each(|file| check_machine("file", file))?;
        self.cwd.iter().try_for_each(|cwd| check_machine("cwd", cwd))
    }
}

impl Provider for Tools {
    fn kind(&self) -> Kind {
        Kind {
            name: "tools",
            class: Class::Task,
            summary: "Tools in the versions a project names, by mise.",
            docs: include_str!("docs/tools.md"),
            schema: schema::<With>(),
            outputs: &[],
            // Where a tool comes from is mise's to know.
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let cwd = super::path(with.cwd.as_deref().unwrap_or("~"), step.facts);
        let wanted = match with.file {
            Some(file) => Wanted::File(if file.starts_with('~') {
                super::path(&file, step.facts)
            } else {
                cwd.join(file)
            }),
            None => {
                Wanted::Tools(with.tools.iter().map(|(tool, version)| format!("{tool}@{version}")).collect())
            }
        };
        Ok(Box::new(Install { wanted, cwd }))
    }
}

enum Wanted {
    Tools(Vec<String>),
    File(PathBuf),
}

struct Install {
    wanted: Wanted,
    cwd: PathBuf,
}

impl Install {
    fn mise(&self) -> Process {
        let process = Process::new("mise");
        match &self.wanted {
            Wanted::Tools(_) => process.cwd(&self.cwd),
            // The person agreed to the plan that names this file; trusting it for this process changes nothing.
            Wanted::File(file) => process
                .cwd(file.parent().unwrap_or(Path::new("/")))
                .env("MISE_TRUSTED_CONFIG_PATHS", file.display().to_string()),
        }
    }

    fn checks(&self) -> Vec<Process> {
        match &self.wanted {
            Wanted::Tools(tools) => tools.iter().map(|tool| self.mise().arg("where").arg(tool)).collect(),
            Wanted::File(_) => vec![self.mise().args(["ls", "--missing", "--current"])],
        }
    }

    fn install(&self) -> Process {
        let install = self.mise().args(["install", "--yes"]);
        match &self.wanted {
            Wanted::Tools(tools) => install.args(tools.iter().cloned()),
            Wanted::File(_) => install,
        }
    }
}

#[async_trait]
impl Operation for Install {
    fn resolved(&self) -> Resolved {
        let mut commands: Vec<_> = self.checks().iter().map(|check| check.line(Purpose::Check)).collect();
        commands.push(self.install().line(Purpose::Run));
        Resolved { commands, ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if !self.mise().is_there() {
            return Ok(Check::Blocked {
                why: "mise is not installed".to_owned(),
                hint: Some("install mise (https://mise.jdx.dev), or add a step that does".to_owned()),
            });
        }
        if let Wanted::File(file) = &self.wanted
            && !file.is_file()
        {
            return Ok(Check::Unknown { why: format!("{} does not exist", file.display()) });
        }
        let mut missing = Vec::new();
        for (place, check) in self.checks().into_iter().enumerate() {
            let exit = process::quick(cx, check).await?;
            match &self.wanted {
                Wanted::Tools(tools) if !exit.ok() => missing.extend(tools.get(place).cloned()),
                Wanted::File(_) if !exit.ok() || !exit.text().is_empty() => {
                    missing.extend(
                        exit.text()
                            .lines()
                            .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join("@")),
                    );
                    if missing.is_empty() {
                        missing.push("what the file names".to_owned());
                    }
                }
                Wanted::Tools(_) | Wanted::File(_) => {}
            }
        }
        Ok(if missing.is_empty() {
            Check::Satisfied { outputs: BTreeMap::new() }
        } else {
            Check::Needed {
                what: format!("would install {} with mise", missing.join(", ")),
                files: Vec::new(),
            }
        })
    }

    async fn download(&self, _cx: &Context) -> Download {
        Download::Unknown
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        process::run(cx, self.install()).await?.or_fail("`mise install`").map(drop)
    }

    fn exclusive(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed("mise"))
    }
}
