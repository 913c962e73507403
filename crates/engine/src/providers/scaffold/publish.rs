//! `publish:*`, done by git: the result as a repository with one commit, pushed to where the pack says. Nothing that is
//! there is overwritten.

use std::path::{Path, PathBuf};

use firstlight_domain::{facts::Facts, kind::WithError, plan::Purpose, state::Failure};

use super::{tree::Tree, trouble::Trouble, write};
use crate::{
    process::{self, Process},
    provider::{Check, Context},
    providers::{
        failure, failure_with,
        git::{NO_HOOKS, git, git_in, without_git},
        git_clone::check_reference,
        git_url::Source,
        path, paths,
        with::{is_unresolved, wrong},
    },
};

/// A folder of the home that is never there: for asking git outside of every repository.
const NO_REPOSITORY: &str = ".firstlight-no-repository";

/// Where a repository goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// Another machine, by https or ssh. It must have the repository, empty.
    Remote { url: String, host: String },
    /// A folder of this machine, as written: made if it is not there.
    Local(String),
    /// Not known yet.
    Unresolved(String),
}

impl Address {
    pub(super) fn parse(field: &str, text: &str) -> Result<Self, WithError> {
        let of_field = |error: WithError| WithError { path: field.to_owned(), ..error };
        if text.starts_with(['/', '~']) {
            paths::check_machine(field, text)?;
            return Ok(Self::Local(text.to_owned()));
        }
        match Source::parse(text).map_err(of_field)? {
            Source::Remote { url, host } => Ok(Self::Remote { url, host }),
            Source::Local(url) => Ok(Self::Local(url.trim_start_matches("file://").to_owned())),
            Source::Unresolved(text) => Ok(Self::Unresolved(text)),
            Source::Bundle(_) => Err(wrong(field, format!("`{text}` cannot be pushed to"))),
        }
    }

    /// The folder of this machine, if it is one.
    pub(super) fn folder(&self, facts: &Facts) -> Option<PathBuf> {
        match self {
            Self::Local(text) if !is_unresolved(text) => Some(path(text, facts)),
            Self::Local(_) | Self::Remote { .. } | Self::Unresolved(_) => None,
        }
    }

    /// What git is given.
    fn for_git(&self, facts: &Facts) -> String {
        match self {
            Self::Remote { url, .. } => url.clone(),
            Self::Local(text) => path(text, facts).display().to_string(),
            Self::Unresolved(text) => text.clone(),
        }
    }

    /// What the plan shows.
    pub(super) fn lines(&self, facts: &Facts) -> Vec<firstlight_domain::plan::CommandLine> {
        vec![pushing(git(facts), &self.for_git(facts), "HEAD").line(Purpose::Run)]
    }
}

/// A repository to be made.
pub(super) struct Publication {
    address: Address,
    branch: String,
    message: String,
    /// What is in it, as it was when the template published it.
    tree: Tree,
    /// Which folder of the result it is.
    folder: String,
}

impl Publication {
    pub(super) fn new(
        address: &str,
        branch: &str,
        message: &str,
        tree: Tree,
        folder: &str,
    ) -> Result<Self, Trouble> {
        let trouble = |error: WithError| Trouble::new(error.message, "change the address or the branch");
        check_reference(branch).map_err(trouble)?;
        Ok(Self {
            address: Address::parse("publish", address).map_err(trouble)?,
            branch: branch.to_owned(),
            message: message.to_owned(),
            tree,
            folder: folder.to_owned(),
        })
    }

    /// The folder of the result that becomes a clone of it.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// The repository on this machine that will have to be made.
    pub(super) fn makes(&self, facts: &Facts) -> Option<PathBuf> {
        self.address.folder(facts).filter(|folder| folder.symlink_metadata().is_err())
    }

    /// What cannot be done about it as things are.
    pub(super) async fn check(&self, cx: &Context) -> Result<Option<Check>, Failure> {
        if let Some(blocked) = without_git() {
            return Ok(Some(blocked));
        }
        let blocked = |why: String, hint: &str| Ok(Some(Check::Blocked { why, hint: Some(hint.to_owned()) }));
        // Git would otherwise guess a name and an address from the machine's, or take those of a repository that we happen
        // to have been started in.
        let nowhere = Path::new(&cx.facts.home).join(NO_REPOSITORY).display().to_string();
        let asking = git(&cx.facts).args(["-c", "user.useConfigOnly=true", "--git-dir", &nowhere]);
        let asking = asking.args(["var", "GIT_AUTHOR_IDENT"]);
        if !process::quick(cx, asking).await?.ok() {
            return blocked(
                "git does not know your name and address yet, and a commit carries them".to_owned(),
                "set `user.name` and `user.email`; a step with `uses: git/config` can do it, named in `needs`",
            );
        }
        let Some(folder) = self.address.folder(&cx.facts) else { return Ok(None) };
        let link = paths::followed_out(&folder, Path::new(&cx.facts.home))
            .map_err(|error| write::cannot("looked at", &folder, &error))?;
        match link {
            Some(link) => blocked(link, "choose another path to publish to"),
            None if folder.is_dir() || folder.symlink_metadata().is_err() => Ok(None),
            None => {
                blocked(format!("{} is there, but is no repository", folder.display()), "choose another path")
            }
        }
    }

    /// Makes the repository in `staging` and pushes it.
    pub(super) async fn push(
        &mut self,
        cx: &Context,
        staging: &Path,
        record: &super::tree::File,
    ) -> Result<(), Failure> {
        if self.folder.is_empty() {
            // The clone on this machine has it too; without it here, it would seem changed from the start.
            write::put_record(&mut self.tree, record)?;
        }
        let facts = &cx.facts;
        let address = self.address.for_git(facts);
        if let Some(folder) = self.makes(facts) {
            self.make_bare(cx, &folder).await?;
        }
        write::remove_tree(staging)?;
        write::write_tree(staging, &self.tree)?;
        let init = git(facts)
            .args(["init", "--quiet", "--template=", &format!("--initial-branch={}", self.branch), "--"])
            .arg(staging.display().to_string());
        process::run(cx, init).await?.or_fail("git init")?;
        let there =
            || git_in(facts, staging).args(["-c", "core.autocrlf=false", "-c", "core.safecrlf=false"]);
        process::run(cx, there().args(["add", "--all"])).await?.or_fail("git add")?;
        let commit = there().args(["-c", "commit.gpgsign=false", "-c", "user.useConfigOnly=true"]);
        let commit = commit.args(["commit", "--quiet", "--allow-empty", "--no-verify", "-m", &self.message]);
        process::run(cx, commit).await?.or_fail("git commit")?;
        let origin = there().args(["remote", "add", "--", "origin", &address]);
        process::run(cx, origin).await?.or_fail("git remote add")?;
        let branch = format!("refs/heads/{}", self.branch);
        let asking = only_listed(there()).args(["ls-remote", "--", "origin", &branch]);
        let asked = process::quick(cx, asking).await?;
        if !asked.ok() {
            return Err(self.not_pushed(&address, asked));
        }
        if asked.text().is_empty() {
            let exit = process::run(cx, pushing(there(), "origin", &self.branch)).await?;
            return if exit.ok() { Ok(()) } else { Err(self.not_pushed(&address, exit)) };
        }
        self.take_over(cx, &address, staging).await
    }

    /// A run that was cut off may have pushed the same already: then its commit is taken. Anything else stays.
    async fn take_over(&self, cx: &Context, address: &str, staging: &Path) -> Result<(), Failure> {
        let there = || git_in(&cx.facts, staging);
        let refspec = format!("+refs/heads/{0}:refs/remotes/origin/{0}", self.branch);
        let fetch = only_listed(there()).args(["fetch", "--quiet", "--no-tags", "origin", &refspec]);
        process::run(cx, fetch).await?.or_fail("git fetch")?;
        let theirs = format!("refs/remotes/origin/{}", self.branch);
        let mut trees = Vec::new();
        for commit in ["HEAD", &theirs] {
            let asking = there().args(["rev-parse", "--quiet", "--verify", &format!("{commit}^{{tree}}")]);
            trees.push(process::quick(cx, asking).await?.or_fail("git rev-parse")?.text());
        }
        if trees.first() != trees.get(1) {
            return Err(failure_with(
                format!(
                    "{address} has a branch `{}` already, with something else; nothing is overwritten",
                    self.branch
                ),
                "publish to an empty repository, or leave the step out with `skip`",
            ));
        }
        let reset = there().args(["reset", "--quiet", "--soft", &theirs]);
        process::run(cx, reset).await?.or_fail("git reset")?;
        let follow =
            there().args(["branch", "--quiet", &format!("--set-upstream-to=origin/{}", self.branch)]);
        process::run(cx, follow).await?.or_fail("git branch")?;
        Ok(())
    }

    async fn make_bare(&self, cx: &Context, folder: &Path) -> Result<(), Failure> {
        let init = git(&cx.facts).args(["init", "--bare", "--quiet", "--template="]);
        let init =
            init.arg(format!("--initial-branch={}", self.branch)).arg("--").arg(folder.display().to_string());
        process::run(cx, init).await?.or_fail("git init --bare")?;
        Ok(())
    }

    fn not_pushed(&self, address: &str, exit: process::Exit) -> Failure {
        Failure {
            cause: format!("{address} did not take the branch `{}` (git ended with code {})", self.branch, exit.code),
            last_lines: exit.tail,
            hint: Some(
                "the repository must be there, empty, and yours to push to: look at its address, at the network, and \
                 whether you are signed in to that server"
                    .to_owned(),
            ),
        }
    }
}

/// The variable outranks every setting, so that no rewritten address leads to any other scheme.
fn only_listed(git: Process) -> Process {
    git.env("GIT_ALLOW_PROTOCOL", "https:ssh:file")
}

fn pushing(git: Process, to: &str, branch: &str) -> Process {
    only_listed(git).args(["-c", NO_HOOKS, "push", "--quiet", "--set-upstream", "--", to, branch])
}

/// Whether a repository that was made here holds what was pushed at first and nothing else; what it holds more.
pub(super) async fn grown(cx: &Context, bare: &Path) -> Result<Option<String>, Failure> {
    let asking = |args: &[&str]| git_in(&cx.facts, bare).args(args.iter().copied());
    let refs = process::quick(cx, asking(&["for-each-ref", "--format=%(refname)"]))
        .await?
        .or_fail("git for-each-ref")?;
    let refs = refs.text().lines().count();
    let commits =
        process::quick(cx, asking(&["rev-list", "--count", "--all"])).await?.or_fail("git rev-list")?.text();
    let commits: u64 = commits.parse().map_err(|_| failure("git cannot count the commits"))?;
    Ok(match (refs, commits) {
        (0 | 1, 0 | 1) => None,
        (0 | 1, more) => Some(format!("it holds {more} commits, and one was made")),
        (more, _) => Some(format!("it holds {more} branches or tags, and one was made")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e8_only_listed_places_are_pushed_to() {
        let good = [
            "https://git.acme.test/a.git",
            "git@git.acme.test:a.git",
            "~/repositories/a.git",
            "/srv/a.git",
            "file:///srv/a.git",
        ];
        for good in good {
            assert!(Address::parse("publish.p", good).is_ok(), "{good}");
        }
        let bad = [
            "http://a.test/x",
            "ext::sh -c id",
            "https://me:token@a.test/x",
            "--upload-pack=id",
            "a.bundle",
            "x",
            "~/../x",
            "",
        ];
        for bad in bad {
            assert_eq!(Address::parse("publish.p", bad).unwrap_err().path, "publish.p", "{bad}");
        }
    }
}
