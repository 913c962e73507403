//! Running programs: shows what it runs, and a failure names the command and how it ended.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context, Result, bail};

/// A program to run, with its arguments, folder and environment.
#[derive(Debug, Clone)]
pub(crate) struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    /// How it is shown, when its own words would hide what is meant.
    shown: Option<String>,
}

impl Cmd {
    /// Found on `PATH` unless it is a path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Self { program, args: Vec::new(), dir: None, env: Vec::new(), shown: None }
    }

    /// The cargo that runs us, so that the toolchain stays the same.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// npm; on Windows it is a batch file that has to be named in full.
    pub(crate) fn npm() -> Self {
        Self::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The folder it runs in.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The same, started by `wrapper` (which gets program and arguments as its last arguments). It is shown as itself
    /// with `note`.
    pub(crate) fn wrapped_in(self, wrapper: Self, note: &str) -> Self {
        let shown = format!("{self}  ({note})");
        let mut outer = wrapper.arg(&self.program).args(&self.args);
        outer.dir = self.dir;
        outer.env.extend(self.env);
        outer.shown = Some(shown);
        outer
    }

    /// Runs it with our terminal; anything but exit code 0 is an error.
    pub(crate) fn run(&self) -> Result<()> {
        println!("$ {self}");
        let status = self.command().status().with_context(|| self.missing())?;
        self.accept(status)
    }

    /// Runs it quietly and returns what it wrote; on failure the error carries its standard error.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self.command().stdin(Stdio::null()).output().with_context(|| self.missing())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` {}: {}", ended(output.status), said.trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` wrote something that is not text"))
    }

    /// Runs it without any output and says whether it exits 0; a missing program is a no.
    pub(crate) fn succeeds(&self) -> bool {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// For callers that need the streams or the running process.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        // `cargo run` describes xtask to us in the environment. Build scripts that watch these variables would be run
        // again each time a build is started once from here and once by hand.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(describes_package) {
                command.env_remove(name);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn accept(&self, status: ExitStatus) -> Result<()> {
        if !status.success() {
            bail!("`{self}` {}", ended(status));
        }
        Ok(())
    }

    fn missing(&self) -> String {
        format!("`{}` could not be started; is it installed?", self.program.to_string_lossy())
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shown) = &self.shown {
            return f.write_str(shown);
        }
        // What lies in the folder it runs in is named from there, as people type it; anything else by its name.
        let program = Path::new(&self.program);
        let inside = self.dir.as_deref().and_then(|dir| program.strip_prefix(dir).ok());
        let named = inside.map(Path::as_os_str).or_else(|| program.file_name()).unwrap_or(&self.program);
        f.write_str(&named.to_string_lossy())?;
        for arg in &self.args {
            let arg = arg.to_string_lossy();
            if arg.is_empty() || arg.contains([' ', '"', '$', ';', '{']) {
                write!(f, " '{arg}'")?;
            } else {
                write!(f, " {arg}")?;
            }
        }
        Ok(())
    }
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was ended by the system ({status})"),
    }
}

fn describes_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "OUT_DIR"]
            .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_command_and_exit_code() {
        let error = Cmd::cargo().args(["no-such-command", "two words"]).read().unwrap_err().to_string();
        assert!(error.starts_with("`cargo no-such-command 'two words'` ended with exit code 101"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Cmd::new("no-such-program-of-firstlight").run().unwrap_err().to_string();
        assert!(error.contains("`no-such-program-of-firstlight` could not be started"), "{error}");
        assert!(!Cmd::new("no-such-program-of-firstlight").succeeds());
    }

    #[test]
    fn the_package_cargo_runs_is_not_told_to_children() {
        // `cargo test` sets CARGO_PKG_NAME for us; the child must not see it.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = Cmd::cargo().env("FIRSTLIGHT_HOME", "here").command();
        let envs: Vec<_> = command.get_envs().collect();
        assert!(envs.contains(&(OsStr::new("CARGO_PKG_NAME"), None)));
        assert!(envs.contains(&(OsStr::new("FIRSTLIGHT_HOME"), Some(OsStr::new("here")))));
    }

    #[test]
    fn a_wrapper_gets_the_command_last_and_keeps_its_place() {
        let inner = Cmd::new("inner").arg("a").dir(Path::new("/somewhere")).env("K", "v");
        let outer = inner.wrapped_in(Cmd::new("outer").arg("--"), "outside");
        assert_eq!(outer.to_string(), "inner a  (outside)");
        assert_eq!((outer.program.as_os_str(), outer.args.len()), (OsStr::new("outer"), 3));
        assert_eq!(outer.dir.as_deref(), Some(Path::new("/somewhere")));
        assert_eq!(outer.env, [("K".into(), "v".into())]);
    }
}
