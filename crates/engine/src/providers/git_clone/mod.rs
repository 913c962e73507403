//! `git/clone`: a repository on this machine.
//!
#![doc = include_str!("../docs/git-clone.md")]

mod folder;
mod lost;
mod operation;
mod receipt;

use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub(super) use self::lost::not_pushed;
use self::operation::Clone;
use super::{
    failure,
    git_url::Source,
    path, paths, schema,
    with::{self, Parameters, is_unresolved, plain_word, wrong},
};
use crate::provider::{Operation, Provider, Rendered};

/// The kind `git/clone`.
pub struct GitClone;

/// Parameters of `git/clone`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "GitClone")]
pub struct With {
    /// The repository: `https://…`, `ssh://…`, `git@host:path`, `file:///…`, or a `*.bundle` by its path in the pack.
    pub url: String,
    /// The folder to clone into; `~` at its start is the home folder.
    pub into: String,
    /// The branch, tag or whole commit id to begin with; the repository's own choice if not said.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
    /// How many commits of the past to fetch; all if not said.
    #[serde(default)]
    pub depth: Option<u32>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        Source::parse(&self.url)?;
        paths::check_machine("into", &self.into)?;
        if let Some(reference) = &self.reference {
            check_reference(reference)?;
        }
        match (self.depth, &self.reference) {
            (Some(0), _) => Err(wrong("depth", "should be 1 or more")),
            (Some(_), Some(reference)) if is_commit(reference) => {
                Err(wrong("depth", "cannot be used with a commit id, only with a branch or tag"))
            }
            _ => Ok(()),
        }
    }
}

/// What git allows in the name of a branch or tag, without what has a meaning of its own.
pub(super) fn check_reference(reference: &str) -> Result<(), WithError> {
    plain_word("ref", reference)?;
    let odd = |c: char| c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    if !is_unresolved(reference)
        && (reference.contains(odd) || reference.contains("..") || reference.contains("@{"))
    {
        return Err(wrong("ref", format!("`{reference}` should be a branch, a tag or a whole commit id")));
    }
    Ok(())
}

fn is_commit(reference: &str) -> bool {
    matches!(reference.len(), 40 | 64) && reference.bytes().all(|b| b.is_ascii_hexdigit())
}

impl Provider for GitClone {
    fn kind(&self) -> Kind {
        Kind {
            name: "git/clone",
            class: Class::Task,
            summary: "A repository on this machine.",
            docs: include_str!("../docs/git-clone.md"),
            schema: schema::<With>(),
            outputs: &["path", "commit"],
            needs: |with| {
                let text = |field| with.get(field).and_then(Value::as_str);
                Capabilities {
                    hosts: text("url").and_then(host).into_iter().collect(),
                    paths: text("into").map(str::to_owned).into_iter().collect(),
                    ..Capabilities::default()
                }
            },
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        Ok(Box::new(Clone {
            source: Source::parse(&with.url).map_err(|error| failure(error.message))?,
            into: path(&with.into, step.facts),
            reference: with.reference,
            depth: with.depth,
            pack_root: step.pack_root.to_owned(),
            facts: step.facts.clone(),
        }))
    }
}

fn host(url: &str) -> Option<String> {
    match Source::parse(url) {
        Ok(Source::Remote { host, .. }) => Some(host),
        Ok(Source::Local(_) | Source::Bundle(_) | Source::Unresolved(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn e2_nothing_becomes_an_option() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        let base = |field: &str, value: Value| {
            let mut with = json!({ "url": "https://a.test/x", "into": "~/x" });
            with[field] = value;
            accepts(with)
        };
        for good in ["main", "v1.2", "feature/x", "${{ inputs.branch }}", &"a".repeat(40)] {
            assert_eq!(base("ref", json!(good)), Ok(()), "{good}");
        }
        for bad in ["--upload-pack=id", "-b", "", "a b", "a..b", "HEAD~1", "a:b", "@{u}", "a\n"] {
            assert_eq!(base("ref", json!(bad)).unwrap_err().path, "ref", "{bad:?}");
        }
        for bad in ["-x", "~/../x", "", "--template=/tmp/x"] {
            assert_eq!(base("into", json!(bad)).unwrap_err().path, "into", "{bad:?}");
        }
        assert_eq!(base("depth", json!(0)).unwrap_err().path, "depth");
        assert_eq!(base("depth", json!("1")).unwrap_err().path, "depth");
        let both = json!({ "url": "https://a.test/x", "into": "~/x", "depth": 1, "ref": "a".repeat(40) });
        assert_eq!(accepts(both).unwrap_err().path, "depth");
    }

    #[test]
    fn e8_the_plan_names_the_machine_that_is_contacted() {
        let needs = |url: &str| (GitClone.kind().needs)(&json!({ "url": url, "into": "~/x" }));
        assert_eq!(needs("git@git.acme.test:x.git").hosts, ["git.acme.test"]);
        assert_eq!(needs("https://a.test:8443/x").hosts, ["a.test"]);
        assert_eq!(needs("bundles/x.bundle").hosts, [""; 0]);
        assert_eq!(needs("bundles/x.bundle").paths, ["~/x"]);
    }
}
