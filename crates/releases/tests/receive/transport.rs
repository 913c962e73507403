//! A6: https, sizes, deadlines. And a repository that is only half there.

use std::time::Duration;

use firstlight_releases::receive::{Enrolment, ReceiveError, Receiver, Trust};
use firstlight_testkit::releases::{PACK, Repository, Trick};

use crate::machine::{Machine, limits, now, repository};

/// A machine that has 1.0.0, a repository with 2.0.0, and where the one new file of it is served.
async fn new_release(content: &str) -> (Repository, Machine, String) {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", content)]);
    repository.publish();
    let path = repository.site.copy().into_keys().find(|path| path.contains("acme/2.0.0/")).unwrap();
    (repository, machine, path)
}

#[tokio::test]
async fn a6_only_https_is_spoken_with_others() {
    let machine = Machine::new();
    for url in ["http://packs.example.com", "ftp://packs.example.com", "file:///srv/packs", "http://10.0.0.1"]
    {
        let enrolment = Enrolment { url: url.to_owned(), pack: PACK.to_owned() };
        let trust = Trust::Root(repository().first_root());
        let error = Receiver::enrol(&machine.root(), enrolment, trust, limits(), now()).await.unwrap_err();
        assert!(matches!(error, ReceiveError::NotHttps { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a6_an_address_holds_no_secret_and_is_a_folders() {
    let machine = Machine::new();
    for url in [
        "https://ada:s3cret@packs.example.com",
        "https://ada@packs.example.com",
        "https://packs.example.com/?token=s3cret",
        "https://packs.example.com/#s3cret",
        "packs.example.com",
    ] {
        let enrolment = Enrolment { url: url.to_owned(), pack: PACK.to_owned() };
        let trust = Trust::Root(repository().first_root());
        let error = Receiver::enrol(&machine.root(), enrolment, trust, limits(), now()).await.unwrap_err();
        assert!(matches!(error, ReceiveError::NotUnderstood { .. }), "{url}: {error:?}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    assert!(!machine.root().exists(), "nothing was kept");
}

#[tokio::test]
async fn a6_no_redirect_leads_away_from_https() {
    let (repository, machine, path) = new_release("name: acme\n").await;
    for path in ["metadata/timestamp.json", path.as_str()] {
        repository.site.behave();
        repository.site.trick(path, Trick::Redirect("http://packs.example.com/evil".to_owned()));
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::NotHttps { .. }), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a6_metadata_larger_than_it_may_be_is_not_read() {
    let (repository, machine, _) = new_release("name: acme\n").await;
    for trick in [Trick::Instead(vec![b' '; 20_000]), Trick::Endless] {
        repository.site.trick("metadata/timestamp.json", trick);
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::TooLarge { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a6_a_file_larger_than_signed_is_not_read() {
    let (repository, machine, path) = new_release("name: acme\n").await;
    for trick in [Trick::Instead(vec![b' '; 20_000]), Trick::Endless] {
        repository.site.trick(&path, trick);
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::TooLarge { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a6_a_pack_larger_than_a_pack_may_be_is_not_fetched() {
    let (repository, mut machine, path) = new_release(&"#".repeat(3_000)).await;
    machine.limits.max_bytes = 2_999;
    assert!(matches!(machine.refused(now()).await, ReceiveError::TooLarge { .. }));
    machine.limits.max_bytes = 3_000;
    machine.limits.max_files = 0;
    assert!(matches!(machine.refused(now()).await, ReceiveError::TooLarge { .. }));
    assert!(!repository.site.asked().contains(&path), "nothing of it was asked for");
    machine.limits.max_files = 1;
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
}

#[tokio::test]
async fn a6_a_server_that_says_nothing_is_given_up() {
    let (repository, mut machine, path) = new_release("name: acme\n").await;
    machine.limits.silence = Duration::from_millis(300);
    for path in ["metadata/timestamp.json", path.as_str()] {
        repository.site.behave();
        repository.site.trick(path, Trick::Silent);
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::Slow { .. }), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a6_a_server_that_drips_metadata_is_given_up() {
    let (repository, mut machine, _) = new_release("name: acme\n").await;
    machine.limits.metadata = Duration::from_millis(400);
    repository.site.trick("metadata/timestamp.json", Trick::Drip);
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Slow { .. }), "{error:?}");
}

#[tokio::test]
async fn a6_a_server_that_drips_a_file_is_given_up() {
    let (repository, mut machine, path) = new_release(&"#".repeat(300)).await;
    repository.site.trick(&path, Trick::Drip);
    machine.limits.file = Duration::from_millis(400);
    machine.limits.slowest = 1_000_000;
    let error = machine.refused(now()).await;
    assert!(matches!(&error, ReceiveError::Slow { what } if what.contains("acme/2.0.0/")), "{error:?}");
    machine.limits = limits();
    machine.limits.release = Duration::from_millis(400);
    let error = machine.refused(now()).await;
    assert!(matches!(&error, ReceiveError::Slow { what } if what == "release 2.0.0"), "{error:?}");
}

#[tokio::test]
async fn a6_a_repository_that_is_half_written_is_said_to_be() {
    for missing in ["2.snapshot", "2.targets", "2.acme", "2.acme-rollout"] {
        let (repository, machine, _) = new_release("name: acme\n").await;
        let path = format!("metadata/{missing}.json");
        repository.site.trick(&path, Trick::Missing);
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::Incomplete { .. }), "{missing} missing: {error:?}");
        repository.site.trick(&path, Trick::Only(100));
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::Incomplete { .. }), "{missing} cut: {error:?}");
        repository.site.behave();
        assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"), "{missing}");
    }
}

#[tokio::test]
async fn a6_a_release_that_is_half_written_is_said_to_be() {
    let (repository, machine, path) = new_release("name: acme\n").await;
    for trick in [Trick::Missing, Trick::Only(3)] {
        repository.site.trick(&path, trick);
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::Incomplete { .. }), "{error:?}");
    }
    repository.site.behave();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
}

#[tokio::test]
async fn a6_what_is_no_repository_is_said_to_be_none() {
    let (repository, machine, _) = new_release("name: acme\n").await;
    // A page to sign in to the network.
    repository.site.trick("metadata/timestamp.json", Trick::Instead(b"<html>Welcome</html>".to_vec()));
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::NotUnderstood { .. }), "{error:?}");
    repository.site.trick("metadata/timestamp.json", Trick::Missing);
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::NotUnderstood { .. }), "{error:?}");
}

#[tokio::test]
async fn a6_nobody_there_is_no_alarm() {
    let repository = repository();
    let machine = Machine::at(&repository).await;
    drop(repository);
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Network { .. }), "{error:?}");
}
