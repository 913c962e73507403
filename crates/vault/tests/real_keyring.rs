//! The keychain against a real gnome-keyring (C1, C2). Linux only, as is the Secret Service.
//!
//! Each test starts itself again in a D-Bus session of its own, with an empty home: nothing here can reach the keyring
//! of the person who runs the tests. What the packages provide is required, not skipped.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that can not set the scene has failed")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use firstlight_domain::id::CredentialName;
use firstlight_vault::{Keychain, OsKeychain, VaultError, generate};
use secrecy::{ExposeSecret, SecretString};

const INSIDE: &str = "FIRSTLIGHT_TEST_INSIDE";
/// For calls that are answered. A debug build on a busy machine needs seconds for the key exchange.
const PATIENT: Duration = Duration::from_secs(30);
/// For calls that are not.
const BRIEF: Duration = Duration::from_secs(2);

#[test]
fn c2_a_value_is_set_read_replaced_and_deleted() {
    in_session("c2_a_value_is_set_read_replaced_and_deleted", async || {
        let _daemon = Daemon::start(Login::Unlocked).await;
        let keychain = OsKeychain::with_timeout(PATIENT);
        let (token, other) = (name("npm-token"), name("other"));
        assert_eq!(keychain.probe().await, Ok(()));
        assert!(keychain.get(&token).await.unwrap().is_none());
        assert_eq!(keychain.delete(&token).await, Err(VaultError::NotFound));

        for value in [value("first-value"), value("zweiter Wert: ü€🔑\nline two"), generate(1_280).unwrap()]
        {
            keychain.set(&token, &value).await.unwrap();
            let read = keychain.get(&token).await.unwrap().unwrap();
            assert_eq!(read.expose_secret(), value.expose_secret());
        }
        assert!(keychain.get(&other).await.unwrap().is_none());

        // c3: refused, and what was there is still there.
        let before = keychain.get(&token).await.unwrap().unwrap();
        let too_long = keychain.set(&token, &SecretString::from("x".repeat(1_281))).await;
        assert_eq!(too_long, Err(VaultError::TooLong { length: 1_281, limit: 1_280 }));
        let after = keychain.get(&token).await.unwrap().unwrap();
        assert_eq!(before.expose_secret(), after.expose_secret());

        keychain.delete(&token).await.unwrap();
        assert!(keychain.get(&token).await.unwrap().is_none());
    });
}

#[test]
fn c1_a_frozen_keychain_times_out_and_works_again_once_it_answers() {
    in_session("c1_a_frozen_keychain_times_out_and_works_again_once_it_answers", async || {
        let daemon = Daemon::start(Login::Unlocked).await;
        let token = name("token");
        let keychain = OsKeychain::with_timeout(BRIEF);
        OsKeychain::with_timeout(PATIENT).set(&token, &value("the-value-before")).await.unwrap();

        daemon.signal("STOP");
        let started = Instant::now();
        let ticks = ticks_during(async {
            assert_eq!(keychain.get(&token).await.err(), Some(VaultError::TimedOut { after: BRIEF }));
            let set = keychain.set(&token, &value("never-arrives")).await;
            assert_eq!(set, Err(VaultError::TimedOut { after: BRIEF }));
        })
        .await;
        assert!(started.elapsed() < BRIEF * 2 + Duration::from_secs(2), "{:?}", started.elapsed());
        // The runtime has one thread; it ticks every 10 ms unless something blocks it.
        assert!(ticks > 50, "the runtime was blocked: {ticks} ticks");

        // Cancelled by dropping, long before any timeout.
        let patient = OsKeychain::with_timeout(PATIENT);
        let cancelled = Instant::now();
        assert!(tokio::time::timeout(Duration::from_millis(100), patient.get(&token)).await.is_err());
        assert!(cancelled.elapsed() < BRIEF);

        daemon.signal("CONT");
        let read = patient.get(&token).await.unwrap().unwrap();
        assert_eq!(read.expose_secret(), "the-value-before");
        // Time for the abandoned call to do harm, had it not asked whether it is still wanted.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let read = patient.get(&token).await.unwrap().unwrap();
        assert_eq!(read.expose_secret(), "the-value-before");
    });
}

#[test]
fn c1_c2_a_locked_collection_is_an_error_and_loses_nothing() {
    in_session("c1_c2_a_locked_collection_is_an_error_and_loses_nothing", async || {
        let token = name("token");
        let keychain = OsKeychain::with_timeout(BRIEF);
        {
            let _unlocked = Daemon::start(Login::Unlocked).await;
            let patient = OsKeychain::with_timeout(PATIENT);
            patient.set(&token, &value("kept-through-all")).await.unwrap();
        }
        {
            let _locked = Daemon::start(Login::Locked).await;
            let patient = OsKeychain::with_timeout(PATIENT);
            assert_eq!(patient.probe().await, Err(VaultError::Locked));

            // No prompt can be shown: there is no display, and no prompter on this bus.
            for result in each_way_to_ask(&patient, &token).await {
                assert_eq!(result, Err(VaultError::PromptDismissed));
            }

            // A prompt is shown and nobody answers it.
            let prompter = zbus::blocking::Connection::session().unwrap();
            prompter.request_name("org.gnome.keyring.SystemPrompter").unwrap();
            let ticks = ticks_during(async {
                for result in each_way_to_ask(&keychain, &token).await {
                    assert_eq!(result, Err(VaultError::TimedOut { after: BRIEF }));
                }
            })
            .await;
            assert!(ticks > 200, "the runtime was blocked: {ticks} ticks");
        }
        let _unlocked = Daemon::start(Login::Unlocked).await;
        let patient = OsKeychain::with_timeout(PATIENT);
        let read = patient.get(&token).await.unwrap().unwrap();
        assert_eq!(read.expose_secret(), "kept-through-all");
        assert!(patient.get(&name("new")).await.unwrap().is_none());
    });
}

/// A read, a replacement, a new entry and a removal.
async fn each_way_to_ask(keychain: &OsKeychain, token: &CredentialName) -> [Result<(), VaultError>; 4] {
    [
        keychain.get(token).await.map(drop),
        keychain.set(token, &value("must-not-replace")).await,
        keychain.set(&name("new"), &value("must-not-be-stored")).await,
        keychain.delete(token).await,
    ]
}

#[test]
fn c2_a_keychain_that_appears_later_is_found_without_a_restart() {
    in_session("c2_a_keychain_that_appears_later_is_found_without_a_restart", async || {
        let token = name("token");
        let keychain = OsKeychain::with_timeout(PATIENT);
        // The same keychain throughout, the same process throughout.
        for round in 0..2 {
            for error in [
                keychain.get(&token).await.err(),
                keychain.set(&token, &value("too-early")).await.err(),
                keychain.probe().await.err(),
            ] {
                assert!(matches!(error, Some(VaultError::NoDaemon { .. })), "round {round}: {error:?}");
            }
            let _daemon = Daemon::start(Login::Unlocked).await;
            keychain.set(&token, &value("just-in-time")).await.unwrap();
            assert_eq!(keychain.get(&token).await.unwrap().unwrap().expose_secret(), "just-in-time");
        }
    });
}

#[test]
fn c2_a_keychain_without_a_collection_says_so() {
    in_session("c2_a_keychain_without_a_collection_says_so", async || {
        let _daemon = Daemon::start(Login::Locked).await;
        let keychain = OsKeychain::with_timeout(PATIENT);
        assert_eq!(keychain.probe().await, Err(VaultError::NoCollection));
        let set = keychain.set(&name("token"), &value("goes-nowhere")).await;
        assert_eq!(set, Err(VaultError::NoCollection));
        assert!(keychain.get(&name("token")).await.unwrap().is_none());
        // No silent plaintext: whatever was written below this home, the value is not in it.
        let home = std::env::var("HOME").unwrap();
        let found = Command::new("grep").args(["-r", "goes-nowhere", &home]).status().unwrap();
        assert_eq!(found.code(), Some(1));
    });
}

#[test]
fn c2_no_bus_at_all_says_so() {
    let test = "c2_no_bus_at_all_says_so";
    if std::env::var_os(INSIDE).is_none() {
        let home = tempfile::tempdir().unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/no-such-bus", home.path().display()));
        return run_again(again, test, home.path());
    }
    run(async {
        let keychain = OsKeychain::with_timeout(PATIENT);
        let token = name("token");
        for error in [
            keychain.get(&token).await.err(),
            keychain.set(&token, &value("goes-nowhere")).await.err(),
            keychain.delete(&token).await.err(),
            keychain.probe().await.err(),
        ] {
            assert!(matches!(error, Some(VaultError::NoBus { .. })), "{error:?}");
        }
    });
}

fn name(text: &str) -> CredentialName {
    CredentialName::new(text).unwrap()
}

fn value(text: &str) -> SecretString {
    SecretString::from(text)
}

/// How often a task of the same one-threaded runtime got its turn meanwhile; it asks for one every 10 ms.
async fn ticks_during(work: impl Future<Output = ()>) -> u32 {
    let mut ticks = 0;
    let ticking = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            ticks += 1;
        }
    };
    tokio::select! {
        () = work => {}
        () = ticking => {}
    }
    ticks
}

/// Runs the story in a D-Bus session where nothing is started on demand, so that a keychain is there when the story
/// starts one and not before.
fn in_session(test: &str, story: impl AsyncFnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return run(story());
    }
    require("dbus-run-session", "dbus");
    require("gnome-keyring-daemon", "gnome-keyring");
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("session.conf");
    let policy = r#"<allow send_destination="*"/><allow own="*"/><allow eavesdrop="true"/>"#;
    let bus = format!(
        "<busconfig><type>session</type><listen>unix:dir={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\">{policy}</policy></busconfig>",
        home.path().display()
    );
    std::fs::write(&config, bus).unwrap();
    let mut again = Command::new("dbus-run-session");
    again.arg("--config-file").arg(&config).arg("--").arg(std::env::current_exe().unwrap());
    run_again(again, test, home.path());
}

fn run(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story);
}

fn run_again(mut again: Command, test: &str, home: &Path) {
    let output = again
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GNOME_KEYRING_CONTROL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} failed inside its session:\n{stdout}\n{stderr}");
    // A filter that matches nothing succeeds as well.
    assert!(stdout.contains("1 passed"), "{test} did not run inside its session:\n{stdout}\n{stderr}");
}

fn require(program: &str, package: &str) {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        found.is_ok(),
        "`{program}` is missing: install the package `{package}`; `cargo xtask test` does it for you"
    );
}

enum Login {
    /// With the password; the first time this creates the login collection.
    Unlocked,
    /// Without: the login collection, if there is one, stays locked.
    Locked,
}

struct Daemon(Child);

impl Daemon {
    /// Starts gnome-keyring and waits until it answers on the bus.
    async fn start(login: Login) -> Self {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = match login {
            Login::Unlocked => {
                let mut child = command.arg("--unlock").stdin(Stdio::piped()).spawn().unwrap();
                // Dropped at once: the password ends where the pipe does.
                child.stdin.take().unwrap().write_all(b"login-password").unwrap();
                child
            }
            Login::Locked => command.stdin(Stdio::null()).spawn().unwrap(),
        };
        let daemon = Self(child);
        let keychain = OsKeychain::with_timeout(PATIENT);
        let deadline = Instant::now() + PATIENT;
        loop {
            match (keychain.probe().await, &login) {
                (Ok(()), Login::Unlocked)
                | (Err(VaultError::Locked | VaultError::NoCollection), Login::Locked) => return daemon,
                (state, _) => {
                    assert!(Instant::now() < deadline, "gnome-keyring did not get ready: {state:?}");
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
