//! Shells: which file each reads at login, and how it says that a variable is set.

use std::path::{Path, PathBuf};

use firstlight_domain::facts::Facts;

use super::Setting;

/// Shells by the profile they read and the words they use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
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
    pub(super) fn of(facts: &Facts) -> Self {
        match facts.shell.as_str() {
            "bash" => Self::Bash,
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            _ => Self::Posix,
        }
    }

    /// The file that is read at login. Looks which ones there are.
    pub(super) fn profile(self, home: &Path) -> PathBuf {
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

    pub(super) fn line(self, name: &str, setting: &Setting) -> String {
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

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
