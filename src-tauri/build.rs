//! Builds the desktop's context: its configuration, its pages, its icon and what the window may do.

use std::path::Path;

use firstlight_contract::commands::Commands;

fn main() {
    if std::env::var_os("CARGO_FEATURE_CUSTOM_PROTOCOL").is_some()
        && !Path::new("ui/dist/index.html").is_file()
    {
        println!("cargo::error=the window's pages are not built yet; run `npm ci && npm run build` in ui/");
        println!("cargo::error=(`cargo xtask run` and `cargo xtask test` do that by themselves)");
        return;
    }
    // `subscribe` is the way back: it hands over a channel, which is no type of the contract.
    let commands: Vec<&'static str> = Commands::NAMES.iter().copied().chain(["subscribe"]).collect();
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/*.json")
        .app_manifest(tauri_build::AppManifest::new().commands(commands.leak()));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={}", format!("{error:#}").replace('\n', " "));
    }
}
