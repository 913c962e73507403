//! Cloning: beside the folder, then renamed; and taking the clone away again.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    plan::{Download, Purpose, Resolved},
    state::Failure,
};
use serde_json::Value;

use super::{
    folder::{cannot, remove_tree, sync_clone},
    is_commit,
    lost::would_be_lost,
    receipt::Receipt,
};
use crate::{
    process::{self, Exit, Process},
    provider::{Check, Context, Operation, read_receipt},
    providers::{
        empty_folder, failure, failure_with,
        git::{NO_HOOKS, git, git_in, without_git},
        git_url::Source,
        paths::{self, is_absent},
        whole_file,
    },
};

/// A repository, cloned into a folder.
pub(super) struct Clone {
    pub(super) source: Source,
    pub(super) into: PathBuf,
    pub(super) reference: Option<String>,
    pub(super) depth: Option<u32>,
    pub(super) pack_root: PathBuf,
    pub(super) facts: Facts,
}

/// What is in the folder.
enum There {
    Nothing,
    EmptyFolder,
    /// A clone of the right repository.
    This,
    /// Something else, in words.
    Other(String),
}

#[async_trait]
impl Operation for Clone {
    fn resolved(&self) -> Resolved {
        let mut commands = vec![self.cloning(&self.into).line(Purpose::Run)];
        commands.extend(self.commit_checkout(&self.into).map(|checkout| checkout.line(Purpose::Run)));
        let hosts = match &self.source {
            Source::Remote { host, .. } => vec![host.clone()],
            Source::Local(_) | Source::Bundle(_) | Source::Unresolved(_) => Vec::new(),
        };
        Resolved { commands, hosts, ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if let Some(blocked) = without_git() {
            return Ok(blocked);
        }
        if let Source::Bundle(file) = &self.source {
            paths::file_in_pack(&self.pack_root, file)?;
        }
        Ok(match self.there(cx).await? {
            There::This => Check::Satisfied { outputs: self.outputs(cx).await? },
            There::Nothing | There::EmptyFolder => Check::Needed {
                what: format!("would clone {} into {}", self.named(), self.into.display()),
                files: Vec::new(),
            },
            There::Other(why) => Check::Blocked {
                why,
                hint: Some("move it away, or choose another folder; nothing is overwritten".to_owned()),
            },
        })
    }

    async fn download(&self, _cx: &Context) -> Download {
        match self.source {
            Source::Remote { .. } | Source::Unresolved(_) => Download::Unknown,
            Source::Local(_) | Source::Bundle(_) => Download::Nothing,
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let was_empty_folder = match self.there(cx).await? {
            There::This => return Ok(()),
            There::Other(why) => return Err(failure(why)),
            There::Nothing => false,
            There::EmptyFolder => true,
        };
        if let Source::Bundle(file) = &self.source {
            paths::file_in_pack(&self.pack_root, file)?;
        }
        let beside = self.beside()?;
        let receipt = Receipt {
            path: self.into.clone(),
            was_empty_folder,
            mode: empty_folder::mode(&self.into),
            folders: whole_file::missing_folders(&self.into),
            reference: self.reference.clone(),
        };
        cx.keep_receipt(&receipt)?;
        // Left by a run that was cut off.
        remove_tree(&beside)?;
        if let Some(folder) = beside.parent() {
            fs::create_dir_all(folder)
                .and_then(|()| receipt.folders.iter().try_for_each(|made| whole_file::sync_name(made)))
                .map_err(|error| cannot("made", folder, &error))?;
        }
        let cloned = self.clone_into(cx, &beside).await.and_then(|()| {
            if was_empty_folder {
                empty_folder::hand_on(receipt.mode, &beside)
                    .and_then(|()| fs::remove_dir(&self.into))
                    .map_err(|error| cannot("replaced", &self.into, &error))?;
            }
            fs::rename(&beside, &self.into)
                .and_then(|()| whole_file::sync_name(&self.into))
                .map_err(|error| cannot("made", &self.into, &error))
        });
        if cloned.is_err() {
            remove_tree(&beside)?;
        }
        cloned
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: Receipt = read_receipt(receipt)?;
        if receipt.path != self.into {
            return Err(failure_with(
                format!(
                    "the step names {} now, but cloned into {}",
                    self.into.display(),
                    receipt.path.display()
                ),
                "remove the old folder yourself if you do not need it",
            ));
        }
        // Left by a run that was cut off.
        remove_tree(&self.beside()?)?;
        match self.there(cx).await? {
            There::Nothing => return receipt.leave_as_found(),
            There::EmptyFolder => return Ok(()),
            There::Other(why) => return Err(failure(why)),
            There::This => {}
        }
        if let Some(lost) = would_be_lost(cx, &receipt).await? {
            return Err(failure_with(
                format!("{} is kept: {lost}", receipt.path.display()),
                "push or save what you need, then remove the folder yourself",
            ));
        }
        remove_tree(&receipt.path)?;
        receipt.leave_as_found()
    }
}

impl Clone {
    fn named(&self) -> String {
        match &self.source {
            Source::Bundle(path) => path.clone(),
            Source::Remote { url, .. } | Source::Local(url) | Source::Unresolved(url) => url.clone(),
        }
    }

    fn cloning(&self, to: &Path) -> Process {
        // The variable outranks every setting, so that neither a redirect nor a rewritten address leads to any other
        // scheme.
        let mut cloning = git(&self.facts).env("GIT_ALLOW_PROTOCOL", "https:ssh:file").args([
            "-c",
            NO_HOOKS,
            "-c",
            "advice.detachedHead=false",
            "clone",
            "--no-recurse-submodules",
        ]);
        if let Some(depth) = self.depth {
            cloning = cloning.arg(format!("--depth={depth}"));
        }
        match &self.reference {
            Some(commit) if is_commit(commit) => cloning = cloning.arg("--no-checkout"),
            Some(name) => cloning = cloning.arg(format!("--branch={name}")),
            None => {}
        }
        cloning.arg("--").arg(self.source.address(&self.pack_root)).arg(to.display().to_string())
    }

    /// `--branch` takes no commit id.
    fn commit_checkout(&self, clone: &Path) -> Option<Process> {
        let commit = self.reference.as_ref().filter(|reference| is_commit(reference))?;
        Some(git_in(&self.facts, clone).args(["checkout", "--quiet", "--detach", commit]))
    }

    async fn clone_into(&self, cx: &Context, beside: &Path) -> Result<(), Failure> {
        let exit = process::run(cx, self.cloning(beside)).await?;
        if !exit.ok() {
            return Err(self.not_cloned(exit));
        }
        if let Some(checkout) = self.commit_checkout(beside) {
            process::run(cx, checkout).await?.or_fail("git checkout")?;
        }
        sync_clone(beside).map_err(|error| cannot("made", beside, &error))
    }

    fn not_cloned(&self, exit: Exit) -> Failure {
        let says = |words: &str| exit.tail.iter().any(|line| line.contains(words));
        let hint = if says("Host key verification failed") {
            "this machine does not know that server yet: compare its fingerprint with the one your company publishes, \
             by running `ssh` to it once"
        } else if says("Permission denied (publickey") {
            "the server does not know your SSH key yet: add the public key to your account there"
        } else if says("could not read Username")
            || says("Authentication failed")
            || says("terminal prompts disabled")
        {
            "the server asks who you are: sign in with your company's tool (git credential manager, `gh auth login`)"
        } else if says("Could not resolve host") || says("Could not connect") || says("Connection timed out")
        {
            "look at the network, the VPN and the proxy, then try again"
        } else if says("not found in upstream") {
            "the branch or tag is not there: tell the pack's owner"
        } else if says("certificate") {
            "the server's certificate is not trusted here: your company's own may be missing"
        } else {
            "the lines above are git's; mend what they name, then try again"
        };
        Failure {
            cause: format!("{} could not be cloned (git ended with code {})", self.named(), exit.code),
            last_lines: exit.tail,
            hint: Some(hint.to_owned()),
        }
    }

    async fn there(&self, cx: &Context) -> Result<There, Failure> {
        let into = &self.into;
        let shown = into.display();
        let link = paths::followed_out(into, Path::new(&self.facts.home))
            .map_err(|error| cannot("looked at", into, &error))?;
        if let Some(link) = link {
            return Ok(There::Other(link));
        }
        match into.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Ok(There::Other(format!("{shown} is there, but is not a folder"))),
            Err(error) if is_absent(&error) => return Ok(There::Nothing),
            Err(error) => return Err(cannot("looked at", into, &error)),
        }
        let mut entries = fs::read_dir(into).map_err(|error| cannot("looked at", into, &error))?;
        if entries.next().is_none() {
            return Ok(There::EmptyFolder);
        }
        // Its own `.git`: a folder inside of another clone is not a clone.
        if into.join(".git").symlink_metadata().is_err() {
            return Ok(There::Other(format!("{shown} is there, with something else in it")));
        }
        let asking = git_in(&self.facts, into).args(["config", "--local", "--get", "remote.origin.url"]);
        let exit = process::quick(cx, asking).await?;
        Ok(match exit.code {
            0 if self.source.is_origin(&exit.text()) => There::This,
            0 => There::Other(format!("{shown} is a clone of something else, {}", exit.text())),
            1 => There::Other(format!("{shown} is a repository that was not cloned from anywhere")),
            _ => {
                return Err(exit.or_fail("git config").err().unwrap_or_else(|| failure("git config failed")));
            }
        })
    }

    async fn outputs(&self, cx: &Context) -> Result<BTreeMap<String, String>, Failure> {
        let asking = git_in(&self.facts, &self.into).args(["rev-parse", "--quiet", "--verify", "HEAD"]);
        // A repository without a commit has no HEAD.
        let commit = process::quick(cx, asking).await?.text();
        Ok([("path".to_owned(), self.into.display().to_string()), ("commit".to_owned(), commit)].into())
    }

    /// Where the clone grows: beside its folder, so that it can be renamed.
    fn beside(&self) -> Result<PathBuf, Failure> {
        match self.into.file_name().and_then(|name| name.to_str()) {
            Some(name) => Ok(self.into.with_file_name(format!(".{name}.firstlight-clone"))),
            None => Err(failure(format!("{} is not a folder to clone into", self.into.display()))),
        }
    }
}
