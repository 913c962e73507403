//! `env`: an environment variable for every program the person starts from now on.
//!
//! - Checks whether the login shell's profile sets it through Firstlight's own block (on Windows: whether the user's
//!   environment has it). A terminal that is open already does not change; a new one does.
//! - Changes: one line in the block `# >>> firstlight >>>` … `# <<< firstlight <<<` of `~/.profile` (bash: the first of
//!   `~/.bash_profile`, `~/.bash_login`, `~/.profile` there is, as bash does), `~/.zshenv` (zsh) or
//!   `~/.config/fish/conf.d/firstlight.fish` (fish). Values are quoted, never interpreted. Everything outside of the
//!   block stays as it is.
//! - Undo takes the line out, or puts back the one that was there; with the last line goes the block, byte for byte, and
//!   a file that we made, with the folders made for it.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    facts::{Facts, Os},
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{FileChange, Purpose, Resolved},
    state::Failure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    diff, failure, managed_block, path, paths, schema,
    user_environment::{self, Before},
    whole_file,
    with::{self, Parameters, is_unresolved, one_line, variable, wrong},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered, read_receipt};

/// The kind `env`.
pub struct Env;

/// Parameters of `env`: either `name` and `value`, or `path-prepend`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Env")]
pub struct With {
    /// The variable; `PATH` if not said and `path-prepend` is used.
    #[serde(default)]
    pub name: Option<String>,
    /// Its value, as it is: nothing in it is interpreted. Never a secret.
    #[serde(default)]
    pub value: Option<String>,
    /// A folder to put before the others in a list of folders; `~` at its start is the home folder.
    #[serde(default)]
    pub path_prepend: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        match (&self.value, &self.path_prepend) {
            (Some(value), None) => {
                one_line("value", value)?;
                let Some(name) = &self.name else {
                    return Err(wrong("", "`name` is missing"));
                };
                if name.eq_ignore_ascii_case("PATH") {
                    return Err(wrong(
                        "value",
                        "would hide every program; use `path-prepend` to add a folder to PATH",
                    ));
                }
            }
            (None, Some(folder)) => {
                paths::check_machine("path-prepend", folder)?;
                if folder.contains([':', ';'])
                    && !is_unresolved(folder)
                    && folder.as_bytes().get(1) != Some(&b':')
                {
                    return Err(wrong("path-prepend", "should be one folder"));
                }
            }
            (Some(_), Some(_)) => {
                return Err(wrong("", "has both `value` and `path-prepend`; one is enough"));
            }
            (None, None) => return Err(wrong("", "should have `value` or `path-prepend`")),
        }
        self.name.as_deref().map_or(Ok(()), |name| variable("name", name))
    }
}

impl Provider for Env {
    fn kind(&self) -> Kind {
        Kind {
            name: "env",
            class: Class::Task,
            summary: "An environment variable for every program the person starts from now on.",
            schema: schema::<With>(),
            outputs: &[],
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let name = with.name.unwrap_or_else(|| "PATH".to_owned());
        let setting = match (with.value, with.path_prepend) {
            (Some(value), _) => Setting::Value(value),
            (None, folder) => {
                Setting::Prepend(path(&folder.unwrap_or_default(), step.facts).display().to_string())
            }
        };
        let home = PathBuf::from(&step.facts.home);
        Ok(match step.facts.os {
            Os::Windows => Box::new(InUserEnvironment { name, setting }),
            Os::Linux | Os::Macos => {
                let shell = Shell::of(step.facts);
                Box::new(InProfile {
                    line: shell.line(&name, &setting),
                    key: setting.key(&name),
                    home,
                    shell,
                })
            }
        })
    }
}

/// What a variable is set to.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    /// Exactly this.
    Value(String),
    /// This folder, then what it was.
    Prepend(String),
}

impl Setting {
    /// What tells one line of the block from another: a variable has one value, but may be prepended to often.
    fn key(&self, name: &str) -> String {
        match self {
            Self::Value(_) => name.to_owned(),
            Self::Prepend(folder) => format!("{name} {folder}"),
        }
    }
}

/// Shells by the profile they read and the words they use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// Any other: `~/.profile`, in the words of POSIX.
    Posix,
}

impl Shell {
    fn of(facts: &Facts) -> Self {
        match facts.shell.as_str() {
            "bash" => Self::Bash,
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            _ => Self::Posix,
        }
    }

    /// The file that is read at login. Looks which ones there are.
    fn profile(self, home: &Path) -> PathBuf {
        match self {
            Self::Bash => [".bash_profile", ".bash_login"]
                .iter()
                .map(|name| home.join(name))
                .find(|path| path.symlink_metadata().is_ok())
                .unwrap_or_else(|| home.join(".profile")),
            Self::Zsh => home.join(".zshenv"),
            Self::Fish => home.join(".config/fish/conf.d/firstlight.fish"),
            Self::Posix => home.join(".profile"),
        }
    }

    fn line(self, name: &str, setting: &Setting) -> String {
        match (self, setting) {
            (Self::Fish, Setting::Value(value)) => format!("set -gx {name} {}", quote_fish(value)),
            (Self::Fish, Setting::Prepend(folder)) => {
                let folder = quote_fish(folder);
                format!("contains -- {folder} ${name}; or set -gx {name} {folder} ${name}")
            }
            (Self::Bash | Self::Zsh | Self::Posix, Setting::Value(value)) => {
                format!("export {name}={}", quote(value))
            }
            // Once only, however many shells are nested.
            (Self::Bash | Self::Zsh | Self::Posix, Setting::Prepend(folder)) => {
                let folder = quote(folder);
                format!(
                    "case \":${{{name}-}}:\" in *:{folder}:*) ;; *) export {name}={folder}${{{name}:+\":${name}\"}} ;; esac"
                )
            }
        }
    }
}

/// Quoted for sh: nothing inside single quotes means anything.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Quoted for fish: inside single quotes only `\` and `'` mean something.
fn quote_fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

struct InProfile {
    shell: Shell,
    home: PathBuf,
    key: String,
    line: String,
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

/// A terminal that is open already has the environment it began with.
fn new_terminal(name: &str) -> String {
    format!("Open a new terminal: those that are open do not know the new `{name}` yet.")
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

struct InUserEnvironment {
    name: String,
    setting: Setting,
}

#[async_trait]
impl Operation for InUserEnvironment {
    fn resolved(&self) -> Resolved {
        Resolved {
            commands: vec![
                user_environment::reading(&self.name).line(Purpose::Check),
                user_environment::writing(&self.name, Some(self.setting.text())).line(Purpose::Run),
            ],
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let now = user_environment::read(cx, &self.name).await?;
        Ok(if now.as_deref() == Some(self.setting.after(now.as_deref()).as_str()) {
            Check::Satisfied { outputs: BTreeMap::new() }
        } else {
            Check::Needed {
                what: format!("would set {} in the user's environment", self.name),
                files: Vec::new(),
            }
        })
    }

    fn follow_up(&self) -> Option<String> {
        Some(new_terminal(&self.name))
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let now = user_environment::read(cx, &self.name).await?;
        let wanted = self.setting.after(now.as_deref());
        if now.as_deref() == Some(wanted.as_str()) {
            return Ok(());
        }
        let receipt = Before { name: self.name.clone(), value: now, written: wanted.clone() };
        cx.keep_receipt(receipt)?;
        user_environment::write(cx, &self.name, Some(&wanted)).await
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        user_environment::give_back(cx, receipt).await
    }
}

impl Setting {
    fn text(&self) -> &str {
        match self {
            Self::Value(text) | Self::Prepend(text) => text,
        }
    }

    /// The value a variable has afterwards, on Windows.
    fn after(&self, now: Option<&str>) -> String {
        match (self, now) {
            (Self::Value(value), _) => value.clone(),
            (Self::Prepend(folder), Some(now))
                if now.split(';').any(|part| part.eq_ignore_ascii_case(folder)) =>
            {
                now.to_owned()
            }
            (Self::Prepend(folder), Some(now)) if !now.is_empty() => format!("{folder};{now}"),
            (Self::Prepend(folder), _) => folder.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_one_variable_and_one_value() {
        let accepts = |with: Value| with::accepts::<With>(&with);
        assert_eq!(accepts(json!({ "name": "EDITOR", "value": "vim -f" })), Ok(()));
        assert_eq!(accepts(json!({ "path-prepend": "~/bin" })), Ok(()));
        assert_eq!(accepts(json!({ "name": "MANPATH", "path-prepend": "~/man" })), Ok(()));
        let path = |with| accepts(with).unwrap_err().path;
        assert_eq!(path(json!({ "value": "x" })), "");
        assert_eq!(path(json!({ "name": "A" })), "");
        assert_eq!(path(json!({ "name": "A", "value": "x", "path-prepend": "~/x" })), "");
        assert_eq!(path(json!({ "name": "PATH", "value": "/x" })), "value");
        assert_eq!(path(json!({ "path-prepend": "~/a:~/b" })), "path-prepend");
        for name in ["1A", "A B", "A=B", "A;reboot", "-x", "", "A\n"] {
            assert_eq!(path(json!({ "name": name, "value": "x" })), "name", "{name:?}");
        }
        for value in ["a\nb", "a\0b", "a\x1b[m"] {
            assert_eq!(path(json!({ "name": "A", "value": value })), "value", "{value:?}");
        }
    }

    #[test]
    fn a_folder_is_put_before_the_others_once() {
        let bin = Setting::Prepend(r"C:\bin".into());
        assert_eq!(bin.after(None), r"C:\bin");
        assert_eq!(bin.after(Some(r"C:\a;D:\b")), r"C:\bin;C:\a;D:\b");
        assert_eq!(bin.after(Some(r"C:\a;c:\BIN")), r"C:\a;c:\BIN");
    }

    #[cfg(unix)]
    #[test]
    fn e2_values_reach_the_shell_as_they_are() {
        use std::process::Command;
        let corpus = [
            "plain",
            "with space",
            "it's",
            "'; touch /tmp/firstlight-was-here; '",
            "$(id)",
            "`id`",
            "$HOME",
            "\\",
            "\\'",
            "\"quoted\"",
            "*",
            "~",
            "#no comment",
            "a&b|c;d",
            "!history",
            "ümläut",
            "-n",
            "",
        ];
        for shell in ["sh", "bash", "zsh", "fish"] {
            let Ok(program) = which::which(shell) else {
                println!("{shell} is not installed: its quoting was not tried");
                continue;
            };
            let words = match shell {
                "zsh" => Shell::Zsh,
                "fish" => Shell::Fish,
                "bash" => Shell::Bash,
                _ => Shell::Posix,
            };
            for value in corpus {
                let line = words.line("PROBED", &Setting::Value(value.into()));
                let run = Command::new(&program)
                    .args(["-c", &format!("{line}\nprintenv PROBED")])
                    .output()
                    .unwrap();
                assert_eq!(String::from_utf8_lossy(&run.stdout), format!("{value}\n"), "{shell}: {line}");
                if value.is_empty() {
                    continue;
                }
                let line = words.line("PROBED", &Setting::Prepend(value.into()));
                let run = Command::new(&program)
                    .args(["-c", &format!("{line}\n{line}\nprintenv PROBED")])
                    .env("PROBED", "/old")
                    .output()
                    .unwrap();
                let list = String::from_utf8_lossy(&run.stdout);
                assert!(list.starts_with(value) && list.ends_with("/old\n"), "{shell}: {line}: {list}");
                assert_eq!(list.matches("/old").count(), 1, "{shell} prepends once: {list}");
            }
        }
    }
}
