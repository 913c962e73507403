//! `external`: a program that speaks Firstlight's protocol, so that a platform team extends what steps can do without
//! changing Firstlight. `assets/packs/EXTERNAL.md` is the guide to writing one.
//!
#![doc = include_str!("../docs/external.md")]

mod operation;
mod program;
mod protocol;

use std::sync::Arc;

use firstlight_domain::{
    kind::{Capabilities, Class, Kind, PackFiles, WithError},
    pack::Elevation,
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::{
    operation::Asked,
    program::{Known, Place, Program},
};
use super::{
    failure_with, path, paths, schema,
    with::{self, Parameters, is_unresolved, plain_word, wrong},
};
use crate::provider::{Operation, Provider, Rendered};

/// The kind `external`.
#[derive(Default)]
pub struct External {
    /// The programs that were asked what they are.
    known: Arc<Known>,
}

/// Parameters of `external`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "External")]
pub struct With {
    /// The program: a file of the pack (`providers/acme-vpn`), or the name of a program on PATH.
    pub program: String,
    /// What the program asks for, by parameter.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// Hosts it contacts. Without any it has no network; with some it can reach others too, where they are only declared.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Files and folders it may read beside the system's own and the pack; `~` at the start is the home folder.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Folders it may change, and files that are there already. A folder that is not there is made before.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Whether the step may be done where the system cannot hold the program to all this.
    #[serde(default)]
    pub confined: Confined,
}

/// What to do where a program cannot be confined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confined {
    /// Say so in the plan, and do it all the same if the person agrees.
    #[default]
    WherePossible,
    /// Block the step.
    Required,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if is_unresolved(&self.program) {
            return Err(wrong(
                "program",
                "may not hold `${{ }}`: which program is run is said by the pack alone",
            ));
        }
        plain_word("program", &self.program)?;
        if let Place::InPack(file) = Place::of(&self.program) {
            paths::check_in_pack("program", &file)?;
        }
        for (index, host) in self.hosts.iter().enumerate() {
            plain_word(&format!("hosts.{index}"), host)?;
        }
        for (name, list) in [("reads", &self.reads), ("writes", &self.writes)] {
            for (index, text) in list.iter().enumerate() {
                paths::check_machine(&format!("{name}.{index}"), text)?;
            }
        }
        let everything = |text: &String| matches!(text.trim_end_matches(['/', '\\']), "" | "~" | ".");
        if let Some(index) = self.writes.iter().position(everything) {
            return Err(wrong(&format!("writes.{index}"), "is everything; name the folder that is changed"));
        }
        Ok(())
    }
}

impl Provider for External {
    fn kind(&self) -> Kind {
        Kind {
            name: "external",
            class: Class::Task,
            summary: "What a program of the pack, or one on PATH, does when it is asked by Firstlight's protocol \
                      (EXTERNAL.md), confined to what the step declares where the system can.",
            docs: include_str!("../docs/external.md"),
            schema: schema::<With>(),
            // What the program gives, the step lists in `outputs`.
            outputs: &[],
            needs,
            accepts: with::accepts::<With>,
            inspect: inspect_pack,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let Rendered { step, pack_root, facts, .. } = *step;
        if step.elevation == Elevation::Elevated {
            return Err(failure_with(
                format!(
                    "`{}` is a program from outside, which is never given administrator rights",
                    with.program
                ),
                "the part that needs them belongs into a step of its own, such as `package` or `command`",
            ));
        }
        if step.secrets.stdin.is_some() {
            return Err(failure_with(
                format!("`{}` is asked on standard input, where no secret can be handed over", with.program),
                "hand it over by `secrets: { env: … }`",
            ));
        }
        let all = |list: &[String]| list.iter().map(|text| path(text, facts)).collect();
        let program = Program {
            written: with.program.clone(),
            pack_root: pack_root.to_owned(),
            owner: step.owner.clone(),
            reads: all(&with.reads),
            writes: all(&with.writes),
            network: !with.hosts.is_empty(),
            known: Arc::clone(&self.known),
        };
        Ok(Box::new(Asked { program, with, outputs: step.outputs.clone(), owner: step.owner.clone() }))
    }
}

fn needs(with: &Value) -> Capabilities {
    let texts = |name: &str| {
        let list = with.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Capabilities {
        hosts: texts("hosts"),
        paths: texts("writes"),
        reads: texts("reads"),
        ..Capabilities::default()
    }
}

/// The program is there, if it is the pack's.
fn inspect_pack(with: &Value, files: &dyn PackFiles) -> Result<(), WithError> {
    let with: With = with::read(with)?;
    match Place::of(&with.program) {
        Place::InPack(file) if files.read(&file).is_none() => {
            Err(wrong("program", format!("the pack has no file `{file}`")))
        }
        Place::InPack(_) | Place::Named(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn e2_what_is_run_and_reached_is_written_as_such() {
        let accepts = |with: Value| with::accepts::<With>(&with).map_err(|error| error.path);
        assert_eq!(accepts(json!({ "program": "providers/vpn", "writes": ["~/.config/vpn"] })), Ok(()));
        assert_eq!(accepts(json!({ "program": "acme-vpn", "hosts": ["${{ inputs.host }}"] })), Ok(()));
        for program in ["", "-x", "../vpn", "/usr/bin/vpn", "a/../../b", "${{ inputs.program }}", "a\nb"] {
            assert_eq!(accepts(json!({ "program": program })), Err("program".into()), "{program}");
        }
        for writes in ["", "~", "~/", "/", "-x", "~/../x", "~mira/x"] {
            let with = json!({ "program": "vpn", "writes": ["~/a", writes] });
            assert_eq!(accepts(with), Err("writes.1".into()), "{writes}");
        }
        assert_eq!(accepts(json!({ "program": "vpn", "confined": "maybe" })), Err("confined".into()));
    }

    #[test]
    fn what_it_declares_is_what_it_needs() {
        let needs =
            needs(&json!({ "hosts": ["vpn.acme.test"], "writes": ["~/.config/vpn"], "reads": ["~/x"] }));
        assert_eq!(needs.hosts, ["vpn.acme.test"]);
        assert_eq!(needs.paths, ["~/.config/vpn"]);
        assert_eq!(needs.reads, ["~/x"]);
    }
}
