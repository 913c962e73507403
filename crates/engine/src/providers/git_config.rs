//! `git/config`: one setting of git for this person.
//!
#![doc = include_str!("docs/git-config.md")]

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{FileChange, Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    diff, failure, failure_with,
    git::{git, without_git},
    schema,
    whole_file::{self, Found},
    with::{self, Parameters, is_unresolved, one_line, plain_word, wrong},
};
use crate::{
    process::{self, Process},
    provider::{Check, Context, Operation, Provider, Rendered, read_receipt},
};

/// The kind `git/config`.
pub struct GitConfig;

/// Parameters of `git/config`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "GitConfig")]
pub struct With {
    /// The setting: `user.email`, `pull.rebase`.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whose configuration; only the person's own (`global`).
    #[serde(default)]
    pub scope: Scope,
}

/// Whose configuration is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The person's, for all their repositories.
    #[default]
    Global,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        plain_word("key", &self.key)?;
        one_line("value", &self.value)?;
        if is_unresolved(&self.key) || is_key(&self.key) {
            return Ok(());
        }
        Err(wrong("key", format!("`{}` is not a setting of git; they look like `user.email`", self.key)))
    }
}

/// `section.name` or `section.anything.name`, by git's own rules.
fn is_key(key: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match (key.split_once('.'), key.rsplit_once('.')) {
        (Some((section, _)), Some((_, name))) => {
            word(section) && word(name) && name.starts_with(|c: char| c.is_ascii_alphabetic())
        }
        _ => false,
    }
}

impl Provider for GitConfig {
    fn kind(&self) -> Kind {
        Kind {
            name: "git/config",
            class: Class::Task,
            summary: "One setting of git for this person.",
            docs: include_str!("docs/git-config.md"),
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let With { key, value, scope: Scope::Global } = with::parameters(step)?;
        Ok(Box::new(Setting { key, value, facts: step.facts.clone() }))
    }
}

/// What a step changed: the values of the setting before and after.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    key: String,
    before: Vec<String>,
    written: String,
    /// The file it is in; unknown to older receipts.
    #[serde(default)]
    file: Option<FileBefore>,
}

/// The file before, for giving it back as it was.
#[derive(Debug, Serialize, Deserialize)]
struct FileBefore {
    path: PathBuf,
    /// What was in it, or between what stayed the same if that is said; none if there was no file.
    text: Option<String>,
    /// What stayed the same: people keep tokens in this file, and a receipt is kept for ever. Unknown to older receipts,
    /// which hold the whole text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    same: Option<Same>,
    /// SHA-256 of what was written.
    written: String,
}

/// How many bytes of a file stayed as they were, at its beginning and at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Same {
    first: usize,
    last: usize,
}

impl Same {
    /// Of two texts. Never ends within a character.
    fn of(before: &[u8], after: &[u8]) -> Self {
        let most = before.len().min(after.len());
        let within = |byte: Option<&u8>| byte.is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
        let mut first = before.iter().zip(after).take_while(|(a, b)| a == b).count();
        while first > 0 && (within(before.get(first)) || within(after.get(first))) {
            first -= 1;
        }
        let from_end = before.iter().rev().zip(after.iter().rev());
        let mut last = from_end.take(most - first).take_while(|(a, b)| a == b).count();
        while last > 0 && within(before.get(before.len() - last)) {
            last -= 1;
        }
        Self { first, last }
    }

    /// What is between. None if there is not that much.
    fn between(self, text: &[u8]) -> Option<&[u8]> {
        text.get(self.first..text.len().checked_sub(self.last)?)
    }

    /// This text between what stayed the same.
    fn around(self, between: &str, now: &[u8]) -> Option<Vec<u8>> {
        let (first, last) = (now.get(..self.first)?, now.get(now.len().checked_sub(self.last)?..)?);
        Some([first, between.as_bytes(), last].concat())
    }
}

struct Setting {
    key: String,
    value: String,
    facts: Facts,
}

#[async_trait]
impl Operation for Setting {
    fn resolved(&self) -> Resolved {
        Resolved {
            commands: vec![
                reading(&self.facts, &self.key).line(Purpose::Check),
                replacing(&self.facts, &self.key, &self.value).line(Purpose::Run),
            ],
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        if let Some(blocked) = without_git() {
            return Ok(blocked);
        }
        let now = values(cx, &self.key).await?;
        if now == [self.value.as_str()] {
            return Ok(Check::Satisfied { outputs: BTreeMap::new() });
        }
        let file = match ConfigFile::find(&self.facts) {
            Ok(file) => file,
            Err(failure) => return Ok(Check::Blocked { why: failure.cause, hint: failure.hint }),
        };
        let wanted = file.after(cx, &[self.replacing()]).await?;
        let path = file.path.display().to_string();
        let was = if now.is_empty() { String::new() } else { format!(" (now {})", now.join(", ")) };
        let diff = diff::masked(cx, &diff::unified(&path, file.content(), &wanted));
        Ok(Check::Needed {
            what: format!("would set git's {} to {}{was}", self.key, self.value),
            files: vec![FileChange { path, diff, digest: whole_file::digest(&wanted) }],
        })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let before = values(cx, &self.key).await?;
        if before == [self.value.as_str()] {
            return Ok(());
        }
        let file = ConfigFile::find(&self.facts)?;
        let wanted = file.after(cx, &[self.replacing()]).await?;
        let receipt = Receipt {
            key: self.key.clone(),
            before,
            written: self.value.clone(),
            file: file.for_receipt(cx, &wanted),
        };
        cx.keep_receipt(receipt)?;
        whole_file::write_all(&file.path, file.found.as_ref(), &wanted)
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let Receipt { key, before, written, file: whole } = read_receipt(receipt)?;
        let file = ConfigFile::find(&self.facts)?;
        whole_file::remove_unfinished(&file.path)?;
        if let Some(whole) = whole.filter(|whole| file.holds(whole)) {
            return file.give_back(&whole);
        }
        let now = values(cx, &key).await?;
        if now == before {
            return Ok(());
        }
        if now != [written.as_str()] {
            return Err(failure_with(
                format!("git's {key} was changed since; it is left as it is"),
                format!("look at it with `git config --global --get-all {key}`"),
            ));
        }
        let edits = match before.split_first() {
            Some((first, more)) => {
                let replacing = Edit(vec!["--replace-all", "--", &key, first]);
                let adding = more.iter().map(|value| Edit(vec!["--add", "--", &key, value]));
                std::iter::once(replacing).chain(adding).collect()
            }
            None => vec![Edit(vec!["--unset-all", &key])],
        };
        let wanted = file.after(cx, &edits).await?;
        whole_file::write_all(&file.path, file.found.as_ref(), &wanted)
    }

    fn exclusive(&self) -> Option<Cow<'static, str>> {
        // A place that cannot be told is not written to either.
        ConfigFile::place(&self.facts).ok().map(|path| whole_file::resource(&path))
    }
}

impl Setting {
    /// `--` before the words: a value may start with `-`.
    fn replacing(&self) -> Edit<'_> {
        Edit(vec!["--replace-all", "--", &self.key, &self.value])
    }
}

/// One change of a file, in git's words.
struct Edit<'a>(Vec<&'a str>);

/// The file of the person's own settings, as git finds it.
struct ConfigFile {
    path: PathBuf,
    found: Option<Found>,
}

impl ConfigFile {
    /// Where it is. A link is followed, as git does, but not out of the home folder.
    fn place(facts: &Facts) -> Result<PathBuf, Failure> {
        let named = std::env::var_os("GIT_CONFIG_GLOBAL").map(PathBuf::from);
        let path = named.unwrap_or_else(|| usual_place(facts));
        if path.is_symlink() { linked(&path, Path::new(&facts.home)) } else { Ok(path) }
    }

    /// As it is now.
    fn find(facts: &Facts) -> Result<Self, Failure> {
        let path = Self::place(facts)?;
        let found = whole_file::find(&path, Path::new(&facts.home))?;
        Ok(Self { path, found })
    }

    fn content(&self) -> Option<&[u8]> {
        self.found.as_ref().map(|found| found.content.as_slice())
    }

    /// What would be in it after these changes. git makes them in a copy.
    async fn after(&self, cx: &Context, edits: &[Edit<'_>]) -> Result<Vec<u8>, Failure> {
        let cannot = |error: std::io::Error| {
            failure_with(
                format!("a copy of git's settings cannot be made: {error}"),
                "make room in the folder for temporary files",
            )
        };
        let copy = tempfile::NamedTempFile::new().map_err(cannot)?;
        fs::write(copy.path(), self.content().unwrap_or_default()).map_err(cannot)?;
        for Edit(words) in edits {
            let file = copy.path().display().to_string();
            let editing = git(&cx.facts).args(["config", "--file", &file]).args(words.iter().copied());
            process::quick(cx, editing).await?.or_fail("git config")?;
        }
        fs::read(copy.path()).map_err(cannot)
    }

    fn for_receipt(&self, cx: &Context, wanted: &[u8]) -> Option<FileBefore> {
        let (text, same) = match self.content() {
            Some(content) => {
                let same = Same::of(content, wanted);
                (Some(whole_file::for_receipt(cx, same.between(content)?)?), Some(same))
            }
            None => (None, None),
        };
        Some(FileBefore { path: self.path.clone(), text, same, written: whole_file::digest(wanted) })
    }

    /// Whether it is the file that was written, and nothing in it was changed since.
    fn holds(&self, whole: &FileBefore) -> bool {
        whole.path == self.path
            && self.content().is_some_and(|content| whole_file::digest(content) == whole.written)
    }

    fn give_back(&self, before: &FileBefore) -> Result<(), Failure> {
        let now = self.content().unwrap_or_default();
        let content = match (&before.text, before.same) {
            (Some(text), Some(same)) => same.around(text, now).ok_or_else(|| {
                failure(format!("what was in {} before cannot be put together again", self.path.display()))
            })?,
            (Some(text), None) => text.clone().into_bytes(),
            (None, _) => return whole_file::remove(&self.path),
        };
        whole_file::write_all(&self.path, self.found.as_ref(), &content)
    }
}

/// `~/.gitconfig`, or the other place git knows if only that is there.
fn usual_place(facts: &Facts) -> PathBuf {
    let home = Path::new(&facts.home);
    let usual = home.join(".gitconfig");
    let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let other = folder.map_or_else(|| home.join(".config"), PathBuf::from).join("git/config");
    if !usual.exists() && other.exists() { other } else { usual }
}

/// Where a link leads, which may not be out of the home folder.
fn linked(link: &Path, home: &Path) -> Result<PathBuf, Failure> {
    let real = link.canonicalize().and_then(|real| Ok((real, home.canonicalize()?)));
    match real {
        // Named from the home folder as the person knows it.
        Ok((real, real_home)) if real.starts_with(&real_home) => {
            Ok(real.strip_prefix(&real_home).map_or_else(|_| real.clone(), |inside| home.join(inside)))
        }
        Ok(_) | Err(_) => Err(failure_with(
            format!(
                "{} is a link out of the home folder, or to nowhere; it is not written through",
                link.display()
            ),
            "make it a file, or a link to a file at home",
        )),
    }
}

fn reading(facts: &Facts, key: &str) -> Process {
    git(facts).args(["config", "--global", "--null", "--get-all", key])
}

/// What the change amounts to.
fn replacing(facts: &Facts, key: &str, value: &str) -> Process {
    git(facts).args(["config", "--global", "--replace-all", "--", key, value])
}

/// The values a setting has.
async fn values(cx: &Context, key: &str) -> Result<Vec<String>, Failure> {
    let exit = process::quick(cx, reading(&cx.facts, key)).await?;
    match exit.code {
        0 => {
            let text = String::from_utf8_lossy(&exit.stdout);
            Ok(text.split_terminator('\0').map(str::to_owned).collect())
        }
        // Not set.
        1 => Ok(Vec::new()),
        _ => Err(exit.or_fail("git config").err().unwrap_or_else(|| failure("git config failed"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stayed_the_same_is_told_from_what_did_not() {
        for (before, after) in [
            ("", "a"),
            ("a", "aa"),
            ("aba", "aXba"),
            ("n = Åsa\n", "n = Äsa\n"),
            ("x š", "x ᚡ"),
            ("ab", "ab\n"),
            ("é©", "©"),
        ] {
            let same = Same::of(before.as_bytes(), after.as_bytes());
            let between = std::str::from_utf8(same.between(before.as_bytes()).unwrap()).unwrap();
            assert_eq!(
                same.around(between, after.as_bytes()).unwrap(),
                before.as_bytes(),
                "{before} {after}"
            );
            assert!(between.len() < before.len() || same == Same { first: 0, last: 0 }, "{before} {after}");
        }
        assert_eq!(Same { first: 5, last: 0 }.around("x", b"abcd"), None);
    }

    #[test]
    fn a_receipt_of_an_earlier_version_holds_the_whole_text() {
        let receipt = json!({ "path": "/home/ada/.gitconfig", "text": "[a]\n", "written": "d" });
        let read: FileBefore = serde_json::from_value(receipt).unwrap();
        assert_eq!((read.text.as_deref(), read.same), (Some("[a]\n"), None));
    }

    #[test]
    fn e2_a_key_is_a_setting_and_nothing_else() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        for key in [
            "user.email",
            "url.https://a.test/.insteadOf",
            "branch.ma in.rebase",
            "http.https://x.y:8/.proxy",
        ] {
            assert_eq!(accepts(json!({ "key": key, "value": "x" })), Ok(()), "{key}");
        }
        for key in ["--unset", "-e", "user", "", ".email", "user.", "us er.email", "user.1st", "user.email\n"]
        {
            assert_eq!(accepts(json!({ "key": key, "value": "x" })).unwrap_err().path, "key", "{key:?}");
        }
        assert_eq!(
            accepts(json!({ "key": "a.b", "value": "--unset" })),
            Ok(()),
            "a value may look like an option"
        );
        assert_eq!(accepts(json!({ "key": "a.b", "value": "x\n[alias]" })).unwrap_err().path, "value");
        assert_eq!(
            accepts(json!({ "key": "a.b", "value": "x", "scope": "system" })).unwrap_err().path,
            "scope"
        );
    }
}
