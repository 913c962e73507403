//! The real plugin, in an app without a window, with real signatures.

use firstlight_testkit::app_updates::{UpdateKey, UpdateSite};
use tauri::test::MockRuntime;
use tauri_plugin_updater::Error;

use super::*;

const PLATFORM: &str = "linux-x86_64-appimage";

/// An app of version 0.1.0 as it is configured, whose plugin trusts this key.
fn plugin(key: &str) -> Plugin<MockRuntime> {
    let mut context = tauri::test::mock_context(tauri::test::noop_assets());
    context.config_mut().plugins = crate::context().config().plugins.clone();
    context.package_info_mut().version = semver::Version::new(0, 1, 0);
    let app = tauri::test::mock_builder()
        .plugin(tauri_plugin_updater::Builder::new().build())
        .build(context)
        .unwrap();
    Plugin { app: app.handle().clone(), key: key.to_owned(), platform: PLATFORM.to_owned() }
}

fn verified(plugin: &Plugin<MockRuntime>, announced: &Value, package: &[u8]) -> Result<(), Error> {
    plugin.update(announced)?.verify(package)
}

#[test]
fn d4_the_plugin_refuses_an_old_signed_artefact_under_a_new_version() {
    let site = UpdateSite::new(PLATFORM);
    let plugin = plugin(&site.key.public());
    let (old, new) = (b"the old program", b"the new program");

    let good = site.announcement("9.0.0", "app", &site.key.sign_for(new, "9.0.0", 2));
    verified(&plugin, &good, new).unwrap();

    let passed_off = site.announcement("9.0.0", "app", &site.key.sign_for(old, "0.0.9", 1));
    let refused = verified(&plugin, &passed_off, old).unwrap_err();
    assert!(
        matches!(&refused, Error::SignedVersionMismatch { signed, announced } if signed == "0.0.9" && announced == "9.0.0"),
        "{refused}"
    );
    // And nothing is put in place: what installs verifies first.
    assert!(plugin.replace(&passed_off, old).unwrap_err().contains("0.0.9"));

    let nameless = site.announcement("9.0.0", "app", &site.key.sign(old, "timestamp:1"));
    assert!(matches!(verified(&plugin, &nameless, old), Err(Error::MissingSignedVersion)));

    let older = site.announcement("0.0.9", "app", &site.key.sign_for(old, "0.0.9", 1));
    assert!(matches!(verified(&plugin, &older, old), Err(Error::ReleaseNotFound)));
    let same = site.announcement("0.1.0", "app", &site.key.sign_for(old, "0.1.0", 1));
    assert!(matches!(verified(&plugin, &same, old), Err(Error::ReleaseNotFound)));
}

#[test]
fn d4_the_plugin_refuses_what_is_forged_or_signed_by_somebody_else() {
    let site = UpdateSite::new(PLATFORM);
    let plugin = plugin(&site.key.public());
    let signed = site.announcement("9.0.0", "app", &site.key.sign_for(b"program", "9.0.0", 1));
    assert!(matches!(verified(&plugin, &signed, b"another"), Err(Error::Minisign(_))));
    let stranger = UpdateKey::new().sign_for(b"program", "9.0.0", 1);
    let theirs = site.announcement("9.0.0", "app", &stranger);
    assert!(matches!(verified(&plugin, &theirs, b"program"), Err(Error::Minisign(_))));
}

#[test]
fn d4_the_configuration_opens_no_door() {
    let context = crate::context();
    let config = &context.config().plugins.0["updater"];
    assert_eq!(config["requireSignedVersion"], true);
    assert_eq!(config["allowDowngrades"], false);
    let dangerous = config.as_object().unwrap().keys().find(|name| name.starts_with("dangerous"));
    assert_eq!(dangerous, None);
}

/// Two providers of cryptography are linked in; which one counts must be nobody's race.
#[test]
fn one_provider_of_cryptography_is_chosen() {
    crate::choose_cryptography();
    let chosen = rustls::crypto::CryptoProvider::get_default().unwrap();
    let wanted = rustls::crypto::aws_lc_rs::default_provider();
    assert_eq!(format!("{:?}", chosen.kx_groups), format!("{:?}", wanted.kx_groups));
    crate::choose_cryptography();
}
