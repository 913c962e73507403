//! Opening Firstlight once more at the next login, after a step that the machine has to be restarted for.
//!
//! One way for each system, the one its documentation gives for a person's own programs; none needs administrator
//! rights. It is set only while a step waits for a restart, and taken away as soon as Firstlight is opened.

use std::{
    io,
    path::{Path, PathBuf},
};

/// What starts at the next login.
pub trait AtLogin: Send + Sync {
    /// Firstlight is opened at the next login.
    fn set(&self) -> io::Result<()>;
    /// It is not.
    fn unset(&self) -> io::Result<()>;
}

/// The way of this system, for this program. `None` where the person has no folder for it.
pub fn of_this_machine(program: PathBuf) -> Option<Box<dyn AtLogin>> {
    let home = std::env::home_dir()?;
    Some(match std::env::consts::OS {
        "macos" => Box::new(LaunchAgent { folder: home.join("Library/LaunchAgents"), program }),
        "windows" => Box::new(RunOnce { program }),
        _ => {
            let config = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
            let config = config.map_or_else(|| home.join(".config"), PathBuf::from);
            Box::new(Autostart { folder: config.join("autostart"), program })
        }
    })
}

/// Linux: the Desktop Application Autostart Specification.
struct Autostart {
    folder: PathBuf,
    program: PathBuf,
}

impl Autostart {
    fn file(&self) -> PathBuf {
        self.folder.join("dev.firstlight.resume.desktop")
    }
}

impl AtLogin for Autostart {
    fn set(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let program = quoted(&self.program.display().to_string());
        let entry =
            format!("[Desktop Entry]\nType=Application\nName=Firstlight\nExec={program}\nTerminal=false\n");
        std::fs::write(self.file(), entry)
    }

    fn unset(&self) -> io::Result<()> {
        remove(&self.file())
    }
}

/// A word of `Exec`: in double quotes, with the characters that mean something there escaped; `%` begins a field code.
/// The escaping of strings in such files comes on top, which doubles each backslash.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '`' | '$' => text.extend(["\\\\", &letter.to_string()]),
            '\\' => text.push_str("\\\\\\\\"),
            '%' => text.push_str("%%"),
            other => text.push(other),
        }
    }
    text + "\""
}

/// macOS: a job of launchd for this person, run when it is loaded.
struct LaunchAgent {
    folder: PathBuf,
    program: PathBuf,
}

impl LaunchAgent {
    fn file(&self) -> PathBuf {
        self.folder.join("dev.firstlight.resume.plist")
    }
}

impl AtLogin for LaunchAgent {
    fn set(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let program = self.program.display().to_string();
        let program = program.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let job = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>dev.firstlight.resume</string>
  <key>ProgramArguments</key><array><string>{program}</string></array>
  <key>RunAtLoad</key><true/>
</dict>
</plist>
"#
        );
        std::fs::write(self.file(), job)
    }

    fn unset(&self) -> io::Result<()> {
        remove(&self.file())
    }
}

/// Windows: the `RunOnce` key of the person's registry. The system clears it before it runs what is there, so that
/// nothing is left to be taken away at each start.
struct RunOnce {
    program: PathBuf,
}

const RUN_ONCE: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\RunOnce";

impl AtLogin for RunOnce {
    fn set(&self) -> io::Result<()> {
        let program = format!("\"{}\"", self.program.display());
        reg(&["add", RUN_ONCE, "/v", "Firstlight", "/t", "REG_SZ", "/d", &program, "/f"])
    }

    fn unset(&self) -> io::Result<()> {
        Ok(())
    }
}

fn reg(arguments: &[&str]) -> io::Result<()> {
    let ran = std::process::Command::new("reg").args(arguments).output()?;
    if ran.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&ran.stderr).trim().to_owned()))
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_and_goes_and_names_the_program_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("autostart");
        let entry = Autostart { folder: folder.clone(), program: "/opt/my apps/100%/first$light".into() };
        entry.unset().unwrap();
        entry.set().unwrap();
        let text = std::fs::read_to_string(entry.file()).unwrap();
        assert!(text.contains("\nExec=\"/opt/my apps/100%%/first\\\\$light\"\n"), "{text}");
        entry.unset().unwrap();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }

    #[test]
    fn a_job_of_launchd_is_xml_whatever_the_program_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let job = LaunchAgent { folder: folder.path().to_owned(), program: "/Applications/A & B <1>".into() };
        job.set().unwrap();
        let text = std::fs::read_to_string(job.file()).unwrap();
        assert!(text.contains("<string>/Applications/A &amp; B &lt;1&gt;</string>"), "{text}");
        job.unset().unwrap();
        assert!(!job.file().exists());
    }
}
