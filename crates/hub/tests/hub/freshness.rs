//! A repository of releases that the hub keeps fresh.

use std::path::Path;

use firstlight_hub::freshness::{Freshness, FreshnessError, Settings};
use firstlight_releases::{
    publish::{PublishError, SecretKey, SignerError, fresh_until, is_due, testing::Desk},
    receive::{Enrolment, Limits, Receiver, Trust},
};
use jiff::{SignedDuration, Timestamp};
use semver::Version;

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

#[tokio::test]
async fn machines_receive_releases_from_the_hub_itself() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let now = Timestamp::now();
    let repo = folder.path().join("repo");
    let desk = Desk::new(&repo, "acme", now);
    let version = Version::new(1, 0, 0);
    let page = "<script>alert(document.domain)</script>";
    desk.release(&version, &[("pack.yaml", "kind: Pack\n"), ("docs/page.html", page)], 100, now);
    std::fs::create_dir(repo.join(".git")).unwrap();
    for outside in [folder.path().join("online.key"), repo.join(".git/config"), repo.join("metadata.txt")] {
        std::fs::write(outside, "not published").unwrap();
    }
    let hub = Hub::start_with(&format!("[releases]\nfolder = {repo:?}\n"));
    let enrolment = Enrolment { url: format!("{}/releases", hub.url), pack: "acme".to_owned() };
    let root = Trust::Root(std::fs::read(repo.join("metadata/1.root.json")).unwrap());
    let mut receiver = Receiver::enrol(home.path(), enrolment, root, Limits::default(), now).await.unwrap();
    assert_eq!(receiver.check("0000", now).await.unwrap().take.as_ref(), Some(&version));
    let staged = receiver.stage(&version, now, &|_, _| {}).await.unwrap();
    let pack = receiver.accept(&staged, None).unwrap();
    assert_eq!(std::fs::read_to_string(pack.folder.join("docs/page.html")).unwrap(), page);

    // What is in a pack does nothing at the address where people sign in.
    let html = std::fs::read_dir(repo.join("targets/acme/1.0.0/docs")).unwrap().next().unwrap().unwrap();
    let name = html.file_name().into_string().unwrap();
    let answer = hub.get(&format!("/releases/targets/acme/1.0.0/docs/{name}")).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("content-disposition"), "attachment");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(answer.text().await.unwrap(), page);
    for path in [
        "",
        "metadata",
        "metadata/",
        "metadata.txt",
        ".git/config",
        "targets/acme",
        "metadata/none.json",
        "metadata/%2e%2e/%2e%2e/online.key",
        "metadata/..%2f..%2fonline.key",
        "targets/%2fetc%2fpasswd",
        "metadata/1.root.json%00",
    ] {
        let answer = hub.get(&format!("/releases/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert!(!answer.text().await.unwrap().contains("not published"), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_without_a_repository_is_said_when_the_hub_starts() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("hub.toml");
    std::fs::write(&config, format!("[releases]\nfolder = {:?}\n", folder.path())).unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.sqlite").display());
    let said = Hub::run_alone(&["serve", "--config", &config.display().to_string(), "--database", &database]);
    assert!(!said.status.success());
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(text.contains("cannot be given to machines"), "{text}");
}
