//! What a machine without a desktop lacks: a display (Xvfb) and a session bus with an unlocked keychain.
//!
//! Linux only; elsewhere both are always there and these functions say so.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::sh::Cmd;

/// Whether a window can be shown.
pub(crate) fn has_display() -> bool {
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Whether a session bus answers, and so perhaps a keychain.
pub(crate) fn has_session_bus() -> bool {
    !cfg!(target_os = "linux")
        || (is_set("DBUS_SESSION_BUS_ADDRESS")
            && Cmd::new("dbus-send")
                .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"])
                .arg("org.freedesktop.DBus.GetId")
                .succeeds())
}

/// Whether [`in_keyring_session`] has what it needs.
pub(crate) fn can_start_keyring() -> bool {
    cfg!(target_os = "linux")
        && Cmd::new("dbus-run-session").arg("--version").succeeds()
        && Cmd::new("gnome-keyring-daemon").arg("--version").succeeds()
}

/// The command inside its own session bus, with an unlocked gnome-keyring kept below `home`. It is for trying things
/// out: its password is in this file. Both end with the command.
pub(crate) fn in_keyring_session(command: Cmd, home: &Path) -> Cmd {
    let wrapper = Cmd::new("sh")
        .args(["-c", BUS_SCRIPT, "session-bus", KEYRING_SCRIPT])
        .env("FIRSTLIGHT_KEYRING_HOME", home);
    command.wrapped_in(wrapper, "in a session of its own, with a keychain")
}

// The bus and what it starts (portals that look for a desktop) tell at length what this machine lacks; what the command
// itself says is kept.
const BUS_SCRIPT: &str = r#"script=$1; shift
exec 3>&2
exec dbus-run-session -- sh -c "$script" keyring-session "$@" 2>/dev/null
"#;

// The daemon takes its name on the bus only after it went into the background: whoever asks earlier makes the bus start
// a second, locked one.
const KEYRING_SCRIPT: &str = r#"set -eu
mkdir -p "$FIRSTLIGHT_KEYRING_HOME/control"
chmod 700 "$FIRSTLIGHT_KEYRING_HOME" "$FIRSTLIGHT_KEYRING_HOME/control"
printf firstlight | XDG_DATA_HOME="$FIRSTLIGHT_KEYRING_HOME" gnome-keyring-daemon --unlock --components=secrets \
  --control-directory="$FIRSTLIGHT_KEYRING_HOME/control" >/dev/null
tries=0
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
  string:org.freedesktop.secrets | grep -q 'boolean true'; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo 'gnome-keyring did not come up within 10 seconds' >&3; exit 1; }
  sleep 0.1
done
unset FIRSTLIGHT_KEYRING_HOME
exec "$@" 2>&3 3>&-
"#;

/// An X server without a screen, ended when dropped.
#[derive(Debug)]
pub(crate) struct Xvfb {
    server: Child,
    /// What `DISPLAY` has to be.
    pub(crate) display: String,
}

impl Xvfb {
    /// Starts one on the first free display and waits until it takes connections.
    pub(crate) fn start() -> Result<Self> {
        // `-displayfd 1`: it chooses a free number and writes it to standard output once it is ready.
        let mut server = Cmd::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1440x1000x24", "-nolisten", "tcp", "-noreset"])
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb could not be started; the package is called `xvfb`")?;
        let mut number = String::new();
        if let Some(output) = server.stdout.take() {
            BufReader::new(output).read_line(&mut number).context("Xvfb could not be listened to")?;
        }
        let server = Self { server, display: format!(":{}", number.trim()) };
        if number.trim().is_empty() {
            bail!("Xvfb ended before it had a display; `Xvfb -displayfd 1` shows why");
        }
        Ok(server)
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        // Asked to end, it takes its socket and lock file with it; killed, it leaves both behind. Each call fails only
        // when it has already ended.
        if !Cmd::new("kill").arg(self.server.id().to_string()).succeeds() {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    // On Linux the contribute pack installs both before the tests are run.
    #[test]
    fn a_keyring_session_has_an_unlocked_collection() {
        let home = std::env::temp_dir().join(format!("firstlight-keyring-{}", std::process::id()));
        let ask = Cmd::new("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets"])
            .args(["/org/freedesktop/secrets/collection/login", "org.freedesktop.DBus.Properties.Get"])
            .args(["string:org.freedesktop.Secret.Collection", "string:Locked"]);
        let answer = in_keyring_session(ask, &home).read();
        std::fs::remove_dir_all(&home).unwrap();
        assert!(answer.as_ref().unwrap().contains("boolean false"), "{answer:?}");
    }

    #[test]
    fn xvfb_gives_a_display_and_ends_with_its_guard() {
        let server = Xvfb::start().unwrap();
        let socket = format!("/tmp/.X11-unix/X{}", server.display.trim_start_matches(':'));
        assert!(Path::new(&socket).exists());
        drop(server);
        assert!(!Path::new(&socket).exists());
    }
}
