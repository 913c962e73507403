//! `cargo xtask run`: prepares the machine, builds, and opens the app on the sample pack.

use std::{
    io::{IsTerminal, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    args::{Args, Spec},
    contributor::{self, Persona},
    session::{self, Xvfb},
    sh::Cmd,
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "\
run [--pack DIR] [--persona ID] [--yes]   install what is missing, build, open the app on the sample pack
  run --headless [--screenshots DIR]        the same, the real window driven by a test on a display of its own";

const SPEC: Spec =
    Spec { flags: &["--headless", "--yes"], options: &["--pack", "--persona", "--screenshots"], name: false };

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    let request = Request::read(workspace, &Args::parse(words, &SPEC)?)?;
    if let Request::Open(journey) = &request
        && !session::has_display()
        && !stdin().is_terminal()
        && !(journey.persona.is_some() && journey.yes)
    {
        // Said before anything is installed.
        bail!(
            "there is neither a display nor a terminal, so nobody can be asked who is starting and whether the plan is \
             accepted. Say both, for example `cargo xtask run --persona developer --yes`"
        );
    }
    contributor::build(workspace, "firstlight")?;
    match request {
        Request::Headless { screenshots } => {
            contributor::prepare(workspace, Persona::Test)?;
            headless(workspace, &screenshots)
        }
        Request::Open(journey) => {
            contributor::prepare(workspace, Persona::Run)?;
            if session::has_display() { window(workspace, &journey) } else { terminal(workspace, &journey) }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Open(Journey),
    Headless { screenshots: PathBuf },
}

#[derive(Debug, PartialEq, Eq)]
struct Journey {
    pack: PathBuf,
    persona: Option<String>,
    yes: bool,
}

impl Request {
    fn read(workspace: &Workspace, args: &Args) -> Result<Self> {
        if args.has("--headless") {
            if args.value("--pack").is_some() || args.value("--persona").is_some() || args.has("--yes") {
                bail!("--headless walks the test's own journey; it takes no --pack, --persona or --yes");
            }
            let screenshots = args
                .value("--screenshots")
                .map_or_else(|| workspace.target.join("screenshots"), PathBuf::from);
            return Ok(Self::Headless { screenshots: absolute(&screenshots)? });
        }
        if args.value("--screenshots").is_some() {
            bail!("--screenshots goes with --headless; in an open window you take them yourself");
        }
        let pack = match args.value("--pack") {
            Some(pack) => absolute(Path::new(pack))?,
            None => workspace.root.join("assets").join("packs").join("sample"),
        };
        let persona = args.value("--persona").map(str::to_owned);
        Ok(Self::Open(Journey { pack, persona, yes: args.has("--yes") }))
    }
}

fn window(workspace: &Workspace, journey: &Journey) -> Result<()> {
    contributor::build(workspace, "firstlight-desktop")?;
    if let Some(persona) = &journey.persona {
        println!("The window asks who you are itself; --persona {persona} is for the terminal.");
    }
    let desktop = Cmd::new(workspace.binary("debug", "firstlight-desktop"));
    desktop.arg("--pack").arg(&journey.pack).dir(&workspace.root).run()
}

fn terminal(workspace: &Workspace, journey: &Journey) -> Result<()> {
    println!("\nThere is no display here, so the journey is walked in the terminal.");
    let mut up = contributor::firstlight(workspace).arg("up").arg("--pack").arg(&journey.pack);
    if let Some(persona) = &journey.persona {
        up = up.args(["--persona", persona]);
    }
    if journey.yes {
        up = up.arg("--yes");
    }
    let walked = in_session(workspace, up).run();
    // What was reached is worth showing, also when a step failed; the failure is still what this command ends with.
    let reported = contributor::firstlight(workspace).arg("report").run();
    walked.and(reported)
}

/// In a session with a keychain, if this machine has none of its own.
fn in_session(workspace: &Workspace, command: Cmd) -> Cmd {
    if session::has_session_bus() {
        return command;
    }
    if !session::can_start_keyring() {
        println!(
            "No session bus answers and dbus-run-session or gnome-keyring-daemon is missing: there is no keychain, \
             and steps that need one will say so."
        );
        return command;
    }
    let home = workspace.target.join("keyring");
    println!(
        "No session bus answers, so the journey gets its own, with a keychain to try things out in {}.",
        home.display()
    );
    session::in_keyring_session(command, &home)
}

fn headless(workspace: &Workspace, screenshots: &Path) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the window can only be driven on Linux: WebDriver for it exists nowhere else in this form");
    }
    std::fs::create_dir_all(screenshots)
        .with_context(|| format!("{} could not be made", screenshots.display()))?;
    contributor::build(workspace, "firstlight-desktop")?;
    let display = Xvfb::start()?;
    let scratch = workspace.scratch("headless")?;
    let test = crate::test::with_end_to_end(workspace, workspace.cargo())?
        .args([
            "test",
            "--workspace",
            "--locked",
            "--test",
            "journey",
            "--test",
            "sample",
            "--",
            "--nocapture",
        ])
        .env("DISPLAY", &display.display)
        .env("FIRSTLIGHT_SCREENSHOTS", screenshots);
    session::in_keyring_session(test, &scratch.folder("keyring")?).run()?;
    println!("\nScreenshots are in {}.", screenshots.display());
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("`{}` is no usable path", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Request> {
        let workspace =
            Workspace { root: "/clone".into(), target: "/build".into(), metadata: serde_json::Value::Null };
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Request::read(&workspace, &Args::parse(&words, &SPEC)?)
    }

    #[test]
    fn opens_the_sample_pack_unless_told_otherwise() {
        let sample = Path::new("/clone").join("assets").join("packs").join("sample");
        assert_eq!(read(&[]).unwrap(), Request::Open(Journey { pack: sample, persona: None, yes: false }));
        let Request::Open(journey) = read(&["--pack", "mine", "--persona", "qa", "--yes"]).unwrap() else {
            panic!("asked for a window")
        };
        assert_eq!(journey.pack, std::env::current_dir().unwrap().join("mine"));
        assert_eq!((journey.persona.as_deref(), journey.yes), (Some("qa"), true));
    }

    #[test]
    fn screenshots_are_taken_of_the_driven_window_only() {
        assert!(read(&["--screenshots", "here"]).unwrap_err().to_string().contains("--headless"));
        assert!(read(&["--headless", "--pack", "mine"]).unwrap_err().to_string().contains("--pack"));
        let Request::Headless { screenshots } = read(&["--headless"]).unwrap() else {
            panic!("asked for none")
        };
        assert_eq!(screenshots, Path::new("/build").join("screenshots"));
    }
}
