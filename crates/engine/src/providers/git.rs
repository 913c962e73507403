//! git, as every kind that uses it runs it: without questions, in the person's home, with an answer where there is none.

use std::path::Path;

use firstlight_domain::facts::Facts;

use crate::{process::Process, provider::Check};

/// git for this person. Nothing is asked: not by git, not by ssh, not by a window either started.
pub(super) fn git(facts: &Facts) -> Process {
    Process::new("git")
        .env("HOME", &facts.home)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("LC_ALL", "C.UTF-8")
}

/// git inside a clone. What the clone's settings would start on the way (hooks, a file watcher) is not started.
pub(super) fn git_in(facts: &Facts, clone: &Path) -> Process {
    git(facts).args(["-c", "core.fsmonitor=false", "-c", NO_HOOKS, "-C"]).arg(clone.display().to_string())
}

/// A folder without hooks.
pub(super) const NO_HOOKS: &str = "core.hooksPath=/dev/null";

/// What a check says where there is no git; `None` where there is.
pub(super) fn without_git() -> Option<Check> {
    which::which("git").err().map(|_| Check::Blocked {
        why: "git was not found".to_owned(),
        hint: Some("install git; a step with `uses: package` can do it, named in `needs`".to_owned()),
    })
}
