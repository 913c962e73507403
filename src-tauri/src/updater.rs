//! The app's own updates, as far as they are Tauri's: how this app was installed, and putting a new version in place.
//!
//! What is offered, refused and when, is decided by `firstlight_app::app_update`. The plugin is never asked to look or to
//! fetch: it reads without a limit, and it takes packages from plain http. It verifies, with the version bound to the
//! signature, and replaces. The window cannot reach it.

use std::path::PathBuf;

use firstlight_app::app_update::{AppUpdates, Installation, Package, Publisher, Replace, managed_by};
use serde_json::Value;
use tauri::{
    AppHandle, Manager, Runtime,
    utils::{config::BundleType, platform::bundle_type},
};
use tauri_plugin_updater::{Update, UpdaterExt};

/// Where to ask (`latest.json`), as whoever builds a distribution says it; see `docs/releasing.md`.
const URL: Option<&str> = option_env!("FIRSTLIGHT_UPDATE_URL");
/// The key whose signature is believed: the content of its `.pub` file.
const KEY: Option<&str> = option_env!("FIRSTLIGHT_UPDATE_KEY");

/// The updates of this app.
pub(crate) fn of(app: &AppHandle) -> AppUpdates {
    let (url, key) = (configured("FIRSTLIGHT_UPDATE_URL", URL), configured("FIRSTLIGHT_UPDATE_KEY", KEY));
    let (package, place) = installed(app);
    let installation = Installation {
        version: app.package_info().version.clone(),
        package,
        place,
        publisher: publisher(url.as_deref(), key.as_deref()),
        managed_by: managed_by(),
    };
    let platform = installation.platform().unwrap_or_default();
    AppUpdates::new(installation, Plugin { app: app.clone(), key: key.unwrap_or_default(), platform })
}

/// What was said when this was built. A build for development can be told when it is started, to try things out.
fn configured(name: &str, built: Option<&str>) -> Option<String> {
    let started = if cfg!(debug_assertions) { std::env::var(name).ok() } else { None };
    started.or_else(|| built.map(str::to_owned)).filter(|text| !text.trim().is_empty())
}

fn publisher(url: Option<&str>, key: Option<&str>) -> Option<Publisher> {
    let (url, key) = match (url, key) {
        (Some(url), Some(key)) => (url, key),
        (None, None) => return None,
        _ => {
            tracing::error!("an address for updates was built in without a key, or a key without an address");
            return None;
        }
    };
    match Publisher::new(url, key) {
        Ok(publisher) => Some(publisher),
        Err(why) => {
            tracing::error!(why, "updates cannot be asked for as this was built");
            None
        }
    }
}

/// What this was installed from, and what an update replaces.
fn installed(app: &AppHandle) -> (Option<Package>, PathBuf) {
    let program = std::env::current_exe().unwrap_or_default();
    // The variable is handed on to everything that an AppImage starts: of itself it says nothing about this program.
    #[cfg(target_os = "linux")]
    if let Some(image) = app.env().appimage
        && (bundle_type() == Some(BundleType::AppImage) || cfg!(debug_assertions))
    {
        return (Some(Package::AppImage), image.into());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = app;
    match bundle_type() {
        Some(BundleType::Deb) => (Some(Package::Deb), program),
        Some(BundleType::Rpm) => (Some(Package::Rpm), program),
        Some(BundleType::Nsis) => (Some(Package::Nsis), program),
        // Said of every program on macOS; one that was installed lies in the folder of an app.
        Some(BundleType::App | BundleType::Dmg) => {
            let folder = program.ancestors().find(|it| it.extension().is_some_and(|end| end == "app"));
            match folder {
                Some(folder) => (Some(Package::App), folder.to_owned()),
                None => (None, program),
            }
        }
        // An AppImage that was unpacked has no file to replace. We make no MSI.
        _ => (None, program),
    }
}

/// Tauri's plugin, for verifying once more and for replacing.
struct Plugin<R: Runtime> {
    app: AppHandle<R>,
    key: String,
    platform: String,
}

impl<R: Runtime> Plugin<R> {
    /// What the plugin makes of an announcement that was fetched: always with a signed version required, whatever the
    /// configuration says, because that is how it treats announcements that it did not fetch itself.
    fn update(&self, announced: &Value) -> Result<Update, tauri_plugin_updater::Error> {
        // It wants some address, and is not asked to fetch from it.
        let nowhere = vec!["https://localhost/".parse()?];
        let updater =
            self.app.updater_builder().pubkey(&self.key).target(&self.platform).endpoints(nowhere)?;
        let update = updater.build()?.restore_update(announced.clone())?;
        update.ok_or(tauri_plugin_updater::Error::ReleaseNotFound)
    }
}

impl<R: Runtime> Replace for Plugin<R> {
    fn replace(&self, announced: &Value, package: &[u8]) -> Result<(), String> {
        self.update(announced).and_then(|update| update.install(package)).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
