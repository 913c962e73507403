//! `git/clone`: a repository on this machine.
//!
//! - Checks whether the folder is a clone of that address already. Which branch it is on is then the person's own
//!   matter. A folder with anything else in it blocks the step: nothing is overwritten.
//! - Changes: clones beside the folder and renames, so that a clone which was cut off leaves nothing half. No
//!   submodules, no hooks, no questions; addresses as listed in `git_url`.
//! - Undo removes the clone only if nothing in it would be lost: no changes, no files git does not keep (ignored ones
//!   included), no stash, no commit that only exists here. Empty folders made around it go with it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Download, Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    empty_folder, failure, failure_with,
    git::{NO_HOOKS, git, git_in, without_git},
    git_url::Source,
    path,
    paths::{self, is_absent},
    schema, whole_file,
    with::{self, Parameters, is_unresolved, plain_word, wrong},
};
use crate::{
    process::{self, Exit, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

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

/// What a step added.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    path: PathBuf,
    /// Whether there was an empty folder.
    was_empty_folder: bool,
    /// Its permissions; unknown to older receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<u32>,
    /// Folders that were made around it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    folders: Vec<PathBuf>,
    /// Where its commits are known to exist elsewhere, beyond its origin's branches.
    reference: Option<String>,
}

impl Receipt {
    /// Once the clone is gone: the empty folder that was there is there again, and folders made for the clone go.
    fn leave_as_found(&self) -> Result<(), Failure> {
        if self.was_empty_folder {
            empty_folder::make_again(&self.path, self.mode)
                .map_err(|error| cannot("made", &self.path, &error))?;
        }
        whole_file::remove_made(&self.folders);
        Ok(())
    }
}

struct Clone {
    source: Source,
    into: PathBuf,
    reference: Option<String>,
    depth: Option<u32>,
    pack_root: PathBuf,
    facts: Facts,
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

/// What is only in this clone; `None` if nothing is.
async fn would_be_lost(cx: &Context, receipt: &Receipt) -> Result<Option<String>, Failure> {
    let asking = git_in(&cx.facts, &receipt.path).args([
        "status",
        "--porcelain",
        "--ignored",
        "--untracked-files=normal",
    ]);
    let status = process::quick(cx, asking).await?.or_fail("git status")?.text();
    if let Some(first) = status.lines().next() {
        let more = status.lines().count() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let name = first.trim_start().split_once(' ').map_or(first, |(_, name)| name.trim());
        return Ok(Some(format!("it holds changes or files that are nowhere else ({name}{more})")));
    }
    not_pushed(cx, &receipt.path, receipt.reference.as_deref()).await
}

/// What a clone's history holds that its origin does not, its files aside; `None` if nothing.
pub(super) async fn not_pushed(
    cx: &Context,
    clone: &Path,
    reference: Option<&str>,
) -> Result<Option<String>, Failure> {
    let git = || git_in(&cx.facts, clone);
    let stash = git().args(["rev-parse", "--quiet", "--verify", "refs/stash"]);
    if process::quick(cx, stash).await?.ok() {
        return Ok(Some("it holds a stash".to_owned()));
    }
    let head = git().args(["rev-parse", "--quiet", "--verify", "HEAD"]);
    if !process::quick(cx, head).await?.ok() {
        // Cloned before there was a first commit.
        return Ok(None);
    }
    let mut commits = git().args(["rev-list", "--max-count=1", "HEAD", "--branches", "--not", "--remotes"]);
    if let Some(reference) = reference {
        for known in [format!("refs/tags/{reference}"), reference.to_owned()] {
            // A branch of this name may have grown since; a tag or a commit id stays what it was.
            let is_fixed = known.starts_with("refs/tags/") || is_commit(&known);
            let exists = git().args(["rev-parse", "--quiet", "--verify", &format!("{known}^{{commit}}")]);
            if is_fixed && process::quick(cx, exists).await?.ok() {
                commits = commits.arg(known);
            }
        }
    }
    let commits = process::quick(cx, commits).await?.or_fail("git rev-list")?.text();
    Ok((!commits.is_empty()).then(|| "it holds commits that were not pushed".to_owned()))
}

/// Removes a folder of ours and everything in it; links are removed, not followed.
/// Makes durable, before a clone gets its name, what git itself does not sync: where its branches are, and what it has
/// checked out. A file of the work tree that a power cut took is one that git then calls changed.
fn sync_clone(clone: &Path) -> io::Result<()> {
    let inside = clone.join(".git");
    let mut open = ["HEAD", "config", "index", "packed-refs", "refs"].map(|name| inside.join(name)).to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path()));
            open.extend(entries.collect::<io::Result<Vec<_>>>()?);
        } else if path.is_file() {
            whole_file::sync_content(&path)?;
        } else {
            continue;
        }
        whole_file::sync_name(&path)?;
    }
    whole_file::sync_name(&inside)
}

fn remove_tree(path: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(path).and_then(|()| whole_file::sync_name(path)) {
        Ok(()) => Ok(()),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(cannot("removed", path, &error)),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    failure_with(
        format!("{} cannot be {what}: {error}", path.display()),
        "look at the folder, then try again",
    )
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
