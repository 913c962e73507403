//! `ssh/key`: a key pair for SSH.
//!
#![doc = include_str!("docs/ssh-key.md")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    failure, failure_with, path,
    paths::{self, is_absent},
    schema, whole_file,
    with::{self, Parameters, one_line},
};
use crate::{
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

const DEFAULT_PATH: &str = "~/.ssh/id_ed25519";

/// The kind `ssh/key`.
pub struct SshKey;

/// Parameters of `ssh/key`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "SshKey")]
pub struct With {
    /// The kind of key; there is one.
    #[serde(default, rename = "type")]
    pub kind: KeyKind,
    /// The private key's file, `~/.ssh/id_ed25519` if not said; the public one's ends in `.pub`.
    #[serde(default)]
    pub path: Option<String>,
    /// What the public key says of itself, for example an e-mail address; `user@machine` if not said.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Kinds of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// Short, fast, and what servers recommend.
    #[default]
    Ed25519,
}

impl KeyKind {
    fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
        }
    }
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        if let Some(path) = &self.path {
            paths::check_machine("path", path)?;
        }
        match &self.comment {
            Some(comment) => one_line("comment", comment),
            None => Ok(()),
        }
    }
}

impl Provider for SshKey {
    fn kind(&self) -> Kind {
        Kind {
            name: "ssh/key",
            class: Class::Task,
            summary: "A key pair for SSH.",
            docs: include_str!("docs/ssh-key.md"),
            schema: schema::<With>(),
            outputs: &["path", "public_key"],
            needs: |with| Capabilities {
                paths: vec![with.get("path").and_then(Value::as_str).unwrap_or(DEFAULT_PATH).to_owned()],
                ..Capabilities::default()
            },
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        Ok(Box::new(KeyPair {
            kind: with.kind,
            private: path(with.path.as_deref().unwrap_or(DEFAULT_PATH), step.facts),
            comment: with.comment,
            home: PathBuf::from(&step.facts.home),
        }))
    }
}

/// What a step added.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    private: PathBuf,
    /// SHA-256 of the private key and of the public one.
    digests: [String; 2],
    /// Folders that were made for it, outermost first.
    folders: Vec<PathBuf>,
}

struct KeyPair {
    kind: KeyKind,
    private: PathBuf,
    comment: Option<String>,
    home: PathBuf,
}

impl KeyPair {
    fn public(&self) -> PathBuf {
        public_of(&self.private)
    }

    /// Where the pair is made, to be moved from there.
    fn beside(&self) -> Result<PathBuf, Failure> {
        match self.private.file_name().and_then(|name| name.to_str()) {
            Some(name) => Ok(self.private.with_file_name(format!(".{name}.firstlight-new"))),
            None => Err(failure(format!("{} is not the name of a file", self.private.display()))),
        }
    }

    fn making(&self, at: &Path) -> Process {
        let mut making = Process::new("ssh-keygen").args(["-q", "-t", self.kind.name(), "-N", ""]);
        if let Some(comment) = &self.comment {
            making = making.args(["-C", comment]);
        }
        making.arg("-f").arg(at.display().to_string())
    }

    /// The public key: from its file, else from a private key that has no passphrase.
    async fn public_key(&self, cx: &Context) -> Result<Option<String>, Failure> {
        if let Ok(text) = fs::read_to_string(self.public()) {
            return Ok(Some(text.trim().to_owned()));
        }
        let asking =
            Process::new("ssh-keygen").args(["-y", "-P", "", "-f"]).arg(self.private.display().to_string());
        let exit = process::quick(cx, asking).await?;
        Ok(exit.ok().then(|| exit.text()))
    }

    fn refused(&self) -> Result<Option<String>, Failure> {
        let private = &self.private;
        if let Some(link) =
            paths::followed_out(private, &self.home).map_err(|error| cannot(private, &error))?
        {
            return Ok(Some(link));
        }
        let public = self.public();
        if public.symlink_metadata().is_ok() {
            return Ok(Some(format!("{} is there without its private key", public.display())));
        }
        Ok(None)
    }
}

#[async_trait]
impl Operation for KeyPair {
    fn resolved(&self) -> Resolved {
        Resolved { commands: vec![self.making(&self.private).line(Purpose::Run)], ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if which::which("ssh-keygen").is_err() {
            return Ok(Check::Blocked {
                why: "ssh-keygen was not found".to_owned(),
                hint: Some("install OpenSSH's client; a step with `uses: package` can do it".to_owned()),
            });
        }
        if self.private.is_file() {
            let shown = self.private.display();
            return Ok(match self.public_key(cx).await? {
                Some(public_key) => Check::Satisfied {
                    outputs: BTreeMap::from([
                        ("path".to_owned(), shown.to_string()),
                        ("public_key".to_owned(), public_key),
                    ]),
                },
                None => Check::Blocked {
                    why: format!(
                        "{shown} is there, but its public key is not and it cannot be read without you"
                    ),
                    hint: Some(format!(
                        "run `ssh-keygen -y -f {shown} > {shown}.pub`; it asks for the passphrase"
                    )),
                },
            });
        }
        if let Some(why) = self.refused()? {
            return Ok(Check::Blocked { why, hint: Some("move it away, then try again".to_owned()) });
        }
        Ok(Check::Needed {
            what: format!("would make an SSH key, {}", self.private.display()),
            files: Vec::new(),
        })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        if self.private.is_file() {
            // Not overwritten; the check that follows says whether it will do.
            return Ok(());
        }
        if let Some(why) = self.refused()? {
            return Err(failure(why));
        }
        let folders = whole_file::missing_folders(&self.private);
        let beside = self.beside()?;
        let pair = [beside.clone(), public_of(&beside)];
        // Noted before anything is made: a cut leaves folders, or a pair that nobody was told of.
        cx.keep_receipt(Receipt {
            private: self.private.clone(),
            digests: Default::default(),
            folders: folders.clone(),
        })?;
        if let Some(folder) = self.private.parent() {
            make_private(folder)
                .and_then(|()| folders.iter().try_for_each(|made| whole_file::sync_name(made)))
                .map_err(|error| cannot(folder, &error))?;
        }
        pair.iter().try_for_each(|half| remove(half))?;
        process::run(cx, self.making(&beside)).await?.or_fail("ssh-keygen")?;
        for half in &pair {
            whole_file::sync_content(half).map_err(|error| cannot(half, &error))?;
        }
        let [private, public] = pair;
        let digests = [digest(&private)?, digest(&public)?];
        cx.keep_receipt(Receipt { private: self.private.clone(), digests, folders })?;
        // The public half first: it can be made again from the private one, which is what the step is for.
        fs::rename(&public, self.public()).map_err(|error| cannot(&self.public(), &error))?;
        fs::rename(&private, &self.private)
            .and_then(|()| whole_file::sync_name(&self.private))
            .map_err(|error| cannot(&self.private, &error))
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, _cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: Receipt = read_receipt(receipt)?;
        let beside = self.beside()?;
        for leftover in [&beside, &public_of(&beside)] {
            remove(leftover)?;
        }
        let pair = [receipt.private.clone(), public_of(&receipt.private)];
        let mut ours = Vec::new();
        for (half, made) in pair.iter().zip(&receipt.digests) {
            if half.symlink_metadata().is_err() {
                continue;
            }
            if digest(half)? != *made {
                // The receipt from before it was made knows of none.
                return if made.is_empty() { Ok(()) } else { Err(changed_since(half)) };
            }
            ours.push(half);
        }
        ours.into_iter().try_for_each(|half| remove(half))?;
        whole_file::remove_made(&receipt.folders);
        Ok(())
    }
}

fn public_of(private: &Path) -> PathBuf {
    let mut name = private.to_owned().into_os_string();
    name.push(".pub");
    PathBuf::from(name)
}

fn digest(half: &Path) -> Result<String, Failure> {
    let content = fs::read(half).map_err(|error| {
        failure_with(
            format!("{} cannot be read: {error}", half.display()),
            "look at its permissions, then try again",
        )
    })?;
    Ok(whole_file::digest(&content))
}

fn remove(half: &Path) -> Result<(), Failure> {
    match fs::remove_file(half).and_then(|()| whole_file::sync_name(half)) {
        Err(error) if !is_absent(&error) => Err(failure_with(
            format!("{} cannot be removed: {error}", half.display()),
            "look at the folder, then try again",
        )),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn changed_since(half: &Path) -> Failure {
    failure_with(
        format!("{} was changed since; the pair is left as it is", half.display()),
        "remove it yourself if you do not need it",
    )
}

/// Folders for keys are nobody else's; one that is there already stays as it is.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut making = fs::DirBuilder::new();
    making.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut making, 0o700);
    making.create(folder)
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    failure_with(format!("{} cannot be made: {error}", path.display()), "look at the folder, then try again")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_is_one_kind_of_key() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        assert_eq!(accepts(json!({ "type": "ed25519" })), Ok(()));
        assert_eq!(accepts(Value::Null), Ok(()));
        assert_eq!(accepts(json!({ "type": "dsa" })).unwrap_err().path, "type");
        assert_eq!(accepts(json!({ "path": "-f" })).unwrap_err().path, "path");
        assert_eq!(accepts(json!({ "comment": "a\nssh-ed25519 AAAA" })).unwrap_err().path, "comment");
    }
}
