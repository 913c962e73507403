//! A5: what expired brings nothing new, and takes nothing away. And parts of different moments do not mix.

use firstlight_releases::receive::ReceiveError;
use firstlight_testkit::releases::Repository;

use crate::machine::{Machine, days, now, repository};

async fn with_a_new_release() -> (Repository, Machine) {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "name: acme\nversion: 2.0.0\n")]);
    (repository, machine)
}

#[tokio::test]
async fn a5_a_repository_that_says_nothing_new_is_frozen() {
    let (mut repository, machine) = with_a_new_release().await;
    repository.expires.insert("timestamp".to_owned(), now() + days(7));
    repository.publish();
    let error = machine.refused(now() + days(30)).await;
    assert!(matches!(error, ReceiveError::Frozen { since } if since == now() + days(7)), "{error:?}");
    // A clock that is wrong the other way takes nothing from anybody.
    assert_eq!(machine.update(now() - days(30)).await.unwrap().as_deref(), Some("2.0.0"));
}

#[tokio::test]
async fn a5_a_replayed_timestamp_does_not_stay_fresh() {
    let (mut repository, machine) = with_a_new_release().await;
    repository.expires.insert("timestamp".to_owned(), now() + days(7));
    repository.publish();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    // The same answer for ever: what is newer is held back.
    let error = machine.refused(now() + days(8)).await;
    assert!(matches!(error, ReceiveError::Frozen { .. }), "{error:?}");
}

#[tokio::test]
async fn a5_each_role_that_expired_is_said() {
    for role in ["root", "snapshot", "targets", "acme", "acme-rollout"] {
        let (mut repository, machine) = with_a_new_release().await;
        repository.expires.insert(role.to_owned(), now() + days(10));
        if role == "root" {
            repository.publish_root();
        }
        repository.publish();
        let error = machine.refused(now() + days(30)).await;
        assert!(
            matches!(&error, ReceiveError::Expired { role: said, since } if said == role && *since == now() + days(10)),
            "{role}: {error:?}"
        );
        assert_eq!(machine.update(now() - days(30)).await.unwrap().as_deref(), Some("2.0.0"), "{role}");
    }
}

#[tokio::test]
async fn a5_a_snapshot_of_another_moment_does_not_mix() {
    let (mut repository, machine) = with_a_new_release().await;
    repository.publish();
    repository.site.put("metadata/2.snapshot.json", repository.site.get("metadata/1.snapshot.json"));
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Mixed { .. }), "{error:?}");
}

#[tokio::test]
async fn a5_a_role_of_another_moment_does_not_mix() {
    for role in ["targets", "acme", "acme-rollout"] {
        let (mut repository, machine) = with_a_new_release().await;
        repository.publish();
        let older = repository.site.get(&format!("metadata/1.{role}.json"));
        repository.site.put(&format!("metadata/2.{role}.json"), older);
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::Mixed { .. }), "{role}: {error:?}");
    }
}

#[tokio::test]
async fn a5_a_snapshot_that_drops_a_role_does_not_pass() {
    let (mut repository, machine) = with_a_new_release().await;
    repository.publish();
    repository.versions.insert("acme".to_owned(), 1);
    repository.publish_role("snapshot");
    repository.publish_role("timestamp");
    let error = machine.refused(now()).await;
    // It never saw the second one, so it is missing and not replayed: the list names a release that is not in it.
    assert!(matches!(error, ReceiveError::Incomplete { .. }), "{error:?}");
}
