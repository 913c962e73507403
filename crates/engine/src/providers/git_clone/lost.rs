//! What would be lost with a clone: changes, files and commits that are nowhere else.

use std::path::Path;

use firstlight_domain::state::Failure;

use super::{is_commit, receipt::Receipt};
use crate::{process, provider::Context, providers::git::git_in};

/// What is only in this clone; `None` if nothing is.
pub(super) async fn would_be_lost(cx: &Context, receipt: &Receipt) -> Result<Option<String>, Failure> {
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
pub(in crate::providers) async fn not_pushed(
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
