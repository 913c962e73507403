//! Packages, made by Tauri's command line from programs that are built already.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::programs;
use crate::{sh::Cmd, workspace::Workspace};

/// The variable with the key that updates are signed with; Tauri's command line reads it by itself.
pub(super) const KEY: &str = "TAURI_SIGNING_PRIVATE_KEY";
const KEY_FILE: &str = "TAURI_SIGNING_PRIVATE_KEY_PATH";
/// What the app is built with: the key it takes updates from, and where it asks. `src-tauri/src/updater.rs` reads both.
const PUBLIC_KEY: &str = "FIRSTLIGHT_UPDATE_KEY";
const ADDRESS: &str = "FIRSTLIGHT_UPDATE_URL";

#[cfg(test)]
pub(super) const VARIABLES: [&str; 4] = [KEY, KEY_FILE, PUBLIC_KEY, ADDRESS];

/// A kind of package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bundle {
    Deb,
    Rpm,
    AppImage,
    /// The app's folder; the updater takes it, packed.
    App,
    Dmg,
    Nsis,
}

impl Bundle {
    /// Those of the system this runs on.
    pub(super) fn of_this_system(without_appimage: bool) -> Vec<Self> {
        let all = match std::env::consts::OS {
            "macos" => vec![Self::App, Self::Dmg],
            "windows" => vec![Self::Nsis],
            _ => vec![Self::Deb, Self::Rpm, Self::AppImage],
        };
        all.into_iter().filter(|bundle| !(without_appimage && *bundle == Self::AppImage)).collect()
    }

    /// As Tauri names it, which is also its folder.
    fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::AppImage => "appimage",
            Self::App => "app",
            Self::Dmg => "dmg",
            Self::Nsis => "nsis",
        }
    }

    /// How the files of it end that are handed on. Signatures lie beside them.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Deb => &[".deb"],
            Self::Rpm => &[".rpm"],
            Self::AppImage => &[".AppImage"],
            Self::App => &[".app.tar.gz"],
            Self::Dmg => &[".dmg"],
            Self::Nsis => &["-setup.exe"],
        }
    }
}

/// Makes them, one after the other, and returns their files, signatures included.
pub(super) fn make(
    workspace: &Workspace,
    debug: bool,
    bundles: &[Bundle],
    epoch: &str,
) -> Result<Vec<PathBuf>> {
    let scratch = workspace.scratch("dist")?;
    let key = key()?;
    let config = config(workspace, debug, key.as_deref(), scratch.path())?;
    let made = workspace.target.join(programs::profile(debug)).join("bundle");
    let mut files = Vec::new();
    for bundle in bundles {
        let folder = made.join(bundle.name());
        // What an earlier version left there is not this one's.
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("{} could not be emptied", folder.display()))?;
        }
        tauri(workspace)
            .args(["bundle", "--ci", "--bundles", bundle.name()])
            .args(debug.then_some("--debug"))
            .arg("--config")
            .arg(&config)
            .env("SOURCE_DATE_EPOCH", epoch)
            .run()
            .with_context(|| why(*bundle))?;
        let found = of_kind(&folder, *bundle)?;
        // An app's folder that nobody signs is only what the disk image is made of.
        if found.is_empty() && *bundle != Bundle::App {
            bail!("no {} was left in {}", bundle.name(), folder.display());
        }
        files.extend(found);
    }
    Ok(files)
}

/// The public half of the key that signs, if one does. An app that does not know it would refuse what is signed here.
fn key() -> Result<Option<String>> {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let signs = text(KEY).or_else(|| text(KEY_FILE)).is_some();
    match (signs, text(PUBLIC_KEY), text(ADDRESS)) {
        (true, Some(key), Some(_)) => Ok(Some(key)),
        (false, None, None) => {
            println!(
                "{KEY} is not set: nothing is signed, and the app will say that it does not update itself."
            );
            Ok(None)
        }
        _ => bail!(
            "{KEY} (or {KEY_FILE}), {PUBLIC_KEY} and {ADDRESS} belong together: what signs updates, what the app believes, \
             and where it asks. Set all or none; docs/releasing.md says how they are made"
        ),
    }
}

/// What is most likely wrong when a package is not made.
fn why(bundle: Bundle) -> &'static str {
    match bundle {
        Bundle::AppImage => {
            "the AppImage was not made: Tauri packs it with linuxdeploy, which it fetches from github.com, and which wants \
             `file` and `xdg-utils` installed. Where that cannot be, `--without-appimage` makes the other packages"
        }
        Bundle::Nsis => {
            "the installer was not made: Tauri makes it with NSIS, which it fetches from github.com"
        }
        Bundle::Dmg => "the disk image was not made: it needs a desktop session, for Finder to lay it out",
        Bundle::Deb | Bundle::Rpm | Bundle::App => "the package was not made",
    }
}

/// Files that were made, and their signatures.
fn of_kind(folder: &Path, bundle: Bundle) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let is_one =
        |name: &str| bundle.endings().iter().any(|ending| name.trim_end_matches(".sig").ends_with(ending));
    let names = super::files(folder)?;
    Ok(names
        .into_iter()
        .filter(|name| is_one(&name.to_string_lossy()))
        .map(|name| folder.join(name))
        .collect())
}

/// What is only true while packing: the program for the terminal, and files that are written by it. Not in
/// `tauri.conf.json`, where every build would ask for them.
fn config(workspace: &Workspace, debug: bool, key: Option<&str>, folder: &Path) -> Result<PathBuf> {
    let cli = programs::for_bundling(workspace, debug, folder)?;
    let mut linux = Map::new();
    if cfg!(target_os = "linux") {
        let completions = programs::completions(workspace, debug, folder)?;
        let files: Map<_, _> =
            completions.into_iter().map(|(place, file)| (place, json!(file.display().to_string()))).collect();
        for kind in ["deb", "rpm"] {
            linux.insert(kind.to_owned(), json!({ "files": files }));
        }
    }
    let config = packing(&cli, key, &linux);
    let to = folder.join("packing.json");
    fs::write(&to, config.to_string()).with_context(|| format!("{} could not be written", to.display()))?;
    Ok(to)
}

fn packing(cli: &Path, key: Option<&str>, linux: &Map<String, Value>) -> Value {
    json!({
        "bundle": {
            "externalBin": [cli.display().to_string()],
            "createUpdaterArtifacts": key.is_some(),
            "linux": linux,
        },
        "plugins": { "updater": { "pubkey": key.unwrap_or_default() } },
    })
}

/// Tauri's command line, as `ui/package.json` brings it.
pub(super) fn tauri(workspace: &Workspace) -> Cmd {
    let script = workspace.root.join("ui/node_modules/@tauri-apps/cli/tauri.js");
    Cmd::new("node").arg(script).dir(&workspace.root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_handed_on_is_taken() {
        let folder = std::env::temp_dir().join(format!("firstlight-bundles-{}", std::process::id()));
        fs::create_dir_all(folder.join("data")).unwrap();
        for name in ["F_1.0.0_amd64.deb", "F_1.0.0_amd64.deb.sig", "control.tar.gz"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let names = of_kind(&folder, Bundle::Deb).unwrap();
        assert_eq!(names, [folder.join("F_1.0.0_amd64.deb"), folder.join("F_1.0.0_amd64.deb.sig")]);
        assert!(of_kind(&folder.join("none"), Bundle::App).unwrap().is_empty());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn without_a_key_nothing_is_made_for_the_updater() {
        for key in [Some("key"), None] {
            let config = packing(Path::new("/s/firstlight"), key, &Map::new());
            assert_eq!(config["bundle"]["createUpdaterArtifacts"], key.is_some());
            assert_eq!(config["plugins"]["updater"]["pubkey"], key.unwrap_or_default());
            assert_eq!(config["bundle"]["externalBin"], json!(["/s/firstlight"]));
        }
    }
}
