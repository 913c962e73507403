//! A repository of releases that the hub keeps fresh.

use std::path::Path;

use firstlight_hub::freshness::{Freshness, FreshnessError, Settings};
use firstlight_releases::publish::{
    PublishError, SecretKey, SignerError, fresh_until, is_due, testing::Desk,
};
use jiff::{SignedDuration, Timestamp};

use crate::common::Hub;

const PASSPHRASE: &str = "harbour lights at dawn";

/// A repository that was signed so long ago, and what the hub needs to sign it.
fn repository(folder: &Path, key: impl Fn(&Desk) -> &SecretKey, days_ago: i64) -> Settings {
    let then = Timestamp::now() - SignedDuration::from_hours(24 * days_ago);
    let desk = Desk::new(&folder.join("repo"), "acme", then);
    let settings = Settings {
        folder: folder.join("repo"),
        key: folder.join("online.key"),
        passphrase: folder.join("passphrase"),
    };
    key(&desk).save(&settings.key, &PASSPHRASE.to_owned().into()).unwrap();
    // As an editor leaves it.
    std::fs::write(&settings.passphrase, format!("{PASSPHRASE}\n")).unwrap();
    settings
}

#[tokio::test]
async fn a9_what_is_past_half_of_its_life_is_signed_again_when_the_hub_starts() {
    let folder = tempfile::tempdir().unwrap();
    let settings = repository(folder.path(), |desk| &desk.online, 5);
    assert!(is_due(&settings.folder, Timestamp::now()).unwrap());
    let hub = Hub::start_with(&format!(
        "[releases]\nfolder = {:?}\nkey = {:?}\npassphrase_file = {:?}\n",
        settings.folder, settings.key, settings.passphrase
    ));
    let until = fresh_until(&settings.folder).unwrap();
    assert!(until > Timestamp::now() + SignedDuration::from_hours(24 * 6));
    let text = hub.get("/metrics").send().await.unwrap().text().await.unwrap();
    let line = format!("firstlight_hub_releases_fresh_until_seconds {}\n", until.as_second());
    assert!(text.contains(&line), "{text}");
}

#[test]
fn a9_what_is_fresh_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let settings = repository(folder.path(), |desk| &desk.online, 1);
    let before = std::fs::read(settings.folder.join("metadata/timestamp.json")).unwrap();
    Freshness::begin(&settings, Timestamp::now()).unwrap();
    assert_eq!(std::fs::read(settings.folder.join("metadata/timestamp.json")).unwrap(), before);
}

#[test]
fn what_does_not_work_is_said_at_once_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever signs releases does not sign what is online.
    let settings = repository(folder.path(), |desk| &desk.platform, 5);
    let before = std::fs::read(settings.folder.join("metadata/timestamp.json")).unwrap();
    let begin = |settings: &Settings| Freshness::begin(settings, Timestamp::now()).unwrap_err();
    assert!(matches!(
        begin(&settings),
        FreshnessError::Repository { source: PublishError::WrongKey { .. }, .. }
    ));
    assert_eq!(std::fs::read(settings.folder.join("metadata/timestamp.json")).unwrap(), before);
    let nowhere = Settings { folder: folder.path().join("nowhere"), ..settings.clone() };
    assert!(matches!(
        begin(&nowhere),
        FreshnessError::Repository { source: PublishError::NoRepository(_), .. }
    ));
    std::fs::write(&settings.passphrase, "harbour lights at dusk").unwrap();
    assert!(matches!(
        begin(&settings),
        FreshnessError::Key { source: PublishError::Signer(SignerError::WrongPassphrase), .. }
    ));
    std::fs::remove_file(&settings.passphrase).unwrap();
    assert!(matches!(begin(&settings), FreshnessError::Passphrase { .. }));
}
