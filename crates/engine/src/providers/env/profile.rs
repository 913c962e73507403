//! A variable in the profile of the login shell: one line of the block that is ours.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    plan::{FileChange, Resolved},
    state::Failure,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{new_terminal, shell::Shell};
use crate::{
    provider::{Check, Context, Operation, read_receipt},
    providers::{diff, failure, managed_block, whole_file},
};

/// A variable set by a line of the profile.
pub(super) struct InProfile {
    pub(super) shell: Shell,
    pub(super) home: PathBuf,
    pub(super) key: String,
    pub(super) line: String,
}

/// What a step changed: the line of this key in this profile, and the line that was there before.
#[derive(Debug, Serialize, Deserialize)]
struct LineReceipt {
    profile: PathBuf,
    key: String,
    before: Option<String>,
    /// Folders that were made for the profile, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    folders: Vec<PathBuf>,
}

impl InProfile {
    /// The profile, what it holds and what it should hold; equal if nothing is to be done.
    fn look(&self) -> Result<Look, Failure> {
        let profile = self.shell.profile(&self.home);
        let found = whole_file::find(&profile, &self.home)?;
        let now = text_of(&profile, found.as_ref().map(|found| found.content.as_slice()))?;
        let wanted = managed_block::with_line(now.as_deref(), &self.key, &self.line);
        Ok(Look { profile, found, now, wanted })
    }
}

struct Look {
    profile: PathBuf,
    found: Option<whole_file::Found>,
    now: Option<String>,
    wanted: String,
}

#[async_trait]
impl Operation for InProfile {
    fn resolved(&self) -> Resolved {
        let path = match self.shell {
            // Which of three depends on what is there; the plan's diff names it.
            Shell::Bash => "~/.profile".to_owned(),
            Shell::Zsh | Shell::Fish | Shell::Posix => self.shell.profile(&self.home).display().to_string(),
        };
        let digest = whole_file::digest(self.line.as_bytes());
        Resolved {
            files: vec![FileChange { path, diff: format!("+{}\n", self.line), digest }],
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let look = match self.look() {
            Ok(look) => look,
            Err(failure) => return Ok(Check::Blocked { why: failure.cause, hint: failure.hint }),
        };
        if look.now.as_ref() == Some(&look.wanted) {
            return Ok(Check::Satisfied { outputs: BTreeMap::new() });
        }
        let path = look.profile.display().to_string();
        let diff = diff::unified(&path, look.now.as_deref().map(str::as_bytes), look.wanted.as_bytes());
        let diff = diff::masked(cx, &diff);
        let digest = whole_file::digest(look.wanted.as_bytes());
        let name = self.key.split(' ').next().unwrap_or_default();
        Ok(Check::Needed {
            what: format!("would set {name} in {path}"),
            files: vec![FileChange { path, diff, digest }],
        })
    }

    fn follow_up(&self) -> Option<String> {
        Some(new_terminal(self.key.split(' ').next().unwrap_or_default()))
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let look = self.look()?;
        if look.now.as_ref() == Some(&look.wanted) {
            return Ok(());
        }
        let before = look.now.as_deref().and_then(|now| managed_block::line(now, &self.key));
        let receipt = LineReceipt {
            folders: whole_file::missing_folders(&look.profile),
            profile: look.profile.clone(),
            key: self.key.clone(),
            before,
        };
        cx.keep_receipt(receipt)?;
        whole_file::write_all(&look.profile, look.found.as_ref(), look.wanted.as_bytes())
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, _cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: LineReceipt = read_receipt(receipt)?;
        let profile = &receipt.profile;
        whole_file::remove_unfinished(profile)?;
        let Some(found) = whole_file::find(profile, &self.home)? else {
            whole_file::remove_made(&receipt.folders);
            return Ok(());
        };
        let now = text_of(profile, Some(&found.content))?.unwrap_or_default();
        let wanted = match &receipt.before {
            Some(line) => Some(managed_block::with_line(Some(&now), &receipt.key, line)),
            None => managed_block::without_line(&now, &receipt.key),
        };
        match wanted {
            Some(wanted) if wanted == now => Ok(()),
            Some(wanted) => whole_file::write_all(profile, Some(&found), wanted.as_bytes()),
            None => {
                whole_file::remove(profile)?;
                whole_file::remove_made(&receipt.folders);
                Ok(())
            }
        }
    }

    fn exclusive(&self) -> Option<Cow<'static, str>> {
        Some(whole_file::resource(&self.shell.profile(&self.home)))
    }
}

fn text_of(path: &Path, content: Option<&[u8]>) -> Result<Option<String>, Failure> {
    let Some(content) = content else {
        return Ok(None);
    };
    match String::from_utf8(content.to_vec()) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(failure(format!("{} is not text (UTF-8); it is left as it is", path.display()))),
    }
}
