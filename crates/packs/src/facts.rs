//! A machine written down: facts for looking at a pack as somebody on another machine would.

use std::path::Path;

use firstlight_domain::facts::{Facts, Os, PackageManager, Virtualisation};
use serde::Deserialize;

use crate::{MAX_OTHER_BYTES, PackError, read_text};

/// Facts as a file has them. What is left out is as usual on that system.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
struct Written {
    os: Os,
    arch: Option<String>,
    distribution: Option<String>,
    home: Option<String>,
    user: Option<String>,
    shell: Option<String>,
    package_manager: Option<PackageManager>,
    elevated: Option<bool>,
    virtualisation: Option<Virtualisation>,
}

/// Why facts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] PackError),
    /// The file does not hold facts.
    #[error("these are not facts of a machine: {message}")]
    Invalid {
        /// What is wrong, in the parser's words.
        message: String,
    },
}

/// Reads facts from a YAML or JSON file. Only `os` must be there.
pub fn read_facts(path: &Path) -> Result<Facts, FactsError> {
    let text = String::from_utf8_lossy(&read_text(path, MAX_OTHER_BYTES)?).into_owned();
    let written: Written = serde_saphyr::from_str(&text)
        .map_err(|error| FactsError::Invalid { message: first_line(&error.to_string()) })?;
    Ok(written.or_usual())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl Written {
    fn or_usual(self) -> Facts {
        let user = self.user.unwrap_or_else(|| "you".to_owned());
        let (arch, distribution, home, shell, manager) = match self.os {
            Os::Linux => ("x86_64", "ubuntu", format!("/home/{user}"), "bash", PackageManager::Apt),
            Os::Macos => ("aarch64", "macos", format!("/Users/{user}"), "zsh", PackageManager::Brew),
            Os::Windows => {
                ("x86_64", "windows", format!(r"C:\Users\{user}"), "powershell", PackageManager::Winget)
            }
        };
        Facts {
            os: self.os,
            arch: self.arch.unwrap_or_else(|| arch.to_owned()),
            distribution: self.distribution.unwrap_or_else(|| distribution.to_owned()),
            home: self.home.unwrap_or(home),
            user,
            shell: self.shell.unwrap_or_else(|| shell.to_owned()),
            package_manager: self.package_manager.or(Some(manager)),
            elevated: self.elevated.unwrap_or(false),
            virtualisation: self.virtualisation.unwrap_or(Virtualisation::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Facts, FactsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("facts.yaml");
        std::fs::write(&file, text).unwrap();
        read_facts(&file)
    }

    #[test]
    fn what_is_left_out_is_as_usual_on_that_system() {
        let facts = read("os: macos\nuser: ada\n").unwrap();
        assert_eq!((facts.home.as_str(), facts.shell.as_str()), ("/Users/ada", "zsh"));
        assert_eq!(facts.package_manager, Some(PackageManager::Brew));
        let facts = read(r#"{"os": "linux", "distribution": "fedora", "package_manager": "dnf"}"#).unwrap();
        assert_eq!(
            (facts.distribution.as_str(), facts.package_manager),
            ("fedora", Some(PackageManager::Dnf))
        );
    }

    #[test]
    fn what_is_no_fact_is_said() {
        for (text, word) in
            [("os: beos", "beos"), ("os: linux\ncolour: blue", "colour"), ("arch: arm64", "os")]
        {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(matches!(read_facts(Path::new("/no/such/file")), Err(FactsError::File(_))));
    }
}
