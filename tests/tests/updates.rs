//! A newer version of the app, from the notice to the new program in its place: the real window, a real server, real
//! signatures.
#![cfg(target_os = "linux")]

use std::{fs, path::Path};

use anyhow::{Context, Result};
use firstlight_testkit::app_updates::UpdateSite;
use firstlight_tests::{Desktop, Machine};

/// What an announcement calls this kind of machine.
fn platform() -> String {
    format!("linux-{}-appimage", std::env::consts::ARCH)
}

/// A machine whose app runs from this file, and asks there.
fn machine(image: &Path, site: &UpdateSite) -> Result<Machine> {
    fs::write(image, "the program that runs")?;
    let variables = [
        ("APPIMAGE", image.into()),
        ("FIRSTLIGHT_UPDATE_URL", site.url().into()),
        ("FIRSTLIGHT_UPDATE_KEY", site.key.public().into()),
    ];
    Machine::start_where(&variables, |root| root.join("firstlight"))
}

/// A program that can be started and ends at once, as what is put in place has to be one.
fn program() -> Result<Vec<u8>> {
    fs::read("/bin/true").context("no program to put in place")
}

#[tokio::test]
async fn a_newer_version_is_shown_agreed_to_and_started() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("Firstlight.AppImage");
    let site = UpdateSite::new(&platform());
    let new = program()?;
    site.publish("9.0.0", &new, 100);
    let machine = machine(&image, &site)?;
    let app = Desktop::start_with(&machine, &[]).await?;
    app.press("Settings").await?;
    app.sees("Not checked yet.").await?;
    app.press("Check now").await?;
    app.sees("Version 9.0.0 is there.").await?;
    app.sees("What is new in 9.0.0").await?;
    app.picture("40-update").await?;
    assert_eq!(fs::read_to_string(&image)?, "the program that runs", "asking changes nothing");

    app.press("Update and restart").await?;
    machine.wait_until("the old program has ended", || Ok(machine.app()?.is_none()))?;
    assert_eq!(fs::read(&image)?, new);
    Ok(())
}

#[tokio::test]
async fn d4_an_old_package_under_a_new_version_is_refused_in_the_window() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("Firstlight.AppImage");
    let site = UpdateSite::new(&platform());
    let old = program()?;
    site.site.put("app-0.0.9", old.clone());
    let signature = site.key.sign_for(&old, "0.0.9", 50);
    site.announce(&site.announcement("9.0.0", "app-0.0.9", &signature), "9.0.0", 100);
    let machine = machine(&image, &site)?;
    let app = Desktop::start_with(&machine, &[]).await?;
    app.press("Settings").await?;
    app.press("Check now").await?;
    app.press("Update and restart").await?;
    app.sees("What is offered as version 9.0.0 was signed for version 0.0.9.").await?;
    assert_eq!(fs::read_to_string(&image)?, "the program that runs");
    app.close(&machine).await
}
