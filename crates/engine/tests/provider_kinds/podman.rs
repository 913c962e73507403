//! A podman for one test, with its own storage: real containers, where they can be run at all.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// Says why a test with a real engine is not one on this machine, past the harness that would keep it to itself.
pub(crate) fn not_tested<T>(why: &str) -> Option<T> {
    let said = format!("not tested with a real engine: {}\n", why.trim());
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    None
}

pub(crate) struct Podman {
    folder: tempfile::TempDir,
    /// What makes a podman this one.
    pub(crate) env: BTreeMap<String, String>,
}

impl Podman {
    /// None where it or one of these programs is not there, which is said.
    pub(crate) fn new(programs: &[&str]) -> Option<Self> {
        if let Some(missing) = ["podman"].iter().chain(programs).find(|program| which(program).is_none()) {
            return not_tested(&format!("{missing} is not installed"));
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let storage =
            format!("[storage]\ndriver = 'vfs'\nrunroot = '{}'\ngraphroot = '{}'\n", at("run"), at("graph"));
        fs::write(at("storage.conf"), storage).unwrap();
        // What works without systemd, and where limits may not be raised.
        let runtime = if which("runc").is_some() { "runtime = 'runc'\n" } else { "" };
        let containers = format!(
            "[containers]\ndefault_ulimits = ['nofile=1024:1024', 'nproc=1024:1024']\n[engine]\ncgroup_manager = \
             'cgroupfs'\nevents_logger = 'file'\n{runtime}"
        );
        fs::write(at("containers.conf"), containers).unwrap();
        let env = [
            ("CONTAINERS_STORAGE_CONF".to_owned(), at("storage.conf")),
            ("CONTAINERS_CONF".to_owned(), at("containers.conf")),
        ];
        Some(Self { env: env.into(), folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// With an image made from nothing but a folder, of which one program was run. None where that is not possible, which
    /// is said.
    pub(crate) fn image(self, name: &str, folder: &Path, lines: &str, program: &str) -> Option<Self> {
        fs::write(folder.join("Containerfile"), format!("FROM scratch\n{lines}")).unwrap();
        let folder = folder.display().to_string();
        let steps: [&[&str]; 2] =
            [&["build", "--tag", name, &folder], &["run", "--rm", "--network=host", name, program]];
        for words in steps {
            let output = self.command(words).output().unwrap();
            if !output.status.success() {
                return not_tested(&String::from_utf8_lossy(&output.stderr));
            }
        }
        Some(self)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command.args(words).envs(&self.env);
        command
    }

    pub(crate) fn lines(&self, words: &[&str]) -> Vec<String> {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// The names of all containers.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.lines(&["ps", "--all", "--format", "{{.Names}}"]);
        names.sort();
        names
    }

    pub(crate) fn volumes(&self) -> Vec<String> {
        self.lines(&["volume", "ls", "--format", "{{.Name}}"])
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        for words in [&["rm", "--all", "--force", "--time=0"][..], &["pod", "rm", "--all", "--force"]] {
            let _ = self.command(words).output();
        }
    }
}

/// A program on PATH.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
