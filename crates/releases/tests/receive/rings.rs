//! A8: who gets a release is signed, a device decides for itself, and a halt stops the rest.

use firstlight_releases::receive::{ReceiveError, Trust, Why};
use firstlight_testkit::releases::Repository;
use semver::Version;

use crate::machine::{Machine, now, repository};

async fn enrolled(repository: &Repository) -> Machine {
    let machine = Machine::new();
    machine.enrol(repository, Trust::Root(repository.first_root())).await.unwrap();
    machine
}

fn with_a_second_release() -> Repository {
    let mut repository = repository();
    repository.release("2.0.0", &[("pack.yaml", "name: acme\nversion: 2.0.0\n")]);
    repository
}

#[tokio::test]
async fn a8_a_share_of_devices_gets_a_release_and_always_the_same_ones() {
    let mut repository = with_a_second_release();
    repository.ring("2.0.0", 25, false);
    repository.publish();
    let machine = enrolled(&repository).await;
    let devices: Vec<String> = (0..400).map(|number| format!("device-{number}")).collect();
    let mut first = Vec::new();
    for (device, choice) in devices.iter().zip(machine.check_for(&devices).await) {
        if choice.take == Some(Version::new(2, 0, 0)) {
            first.push(device.clone());
        } else {
            assert_eq!(choice.take, Some(Version::new(1, 0, 0)));
            assert_eq!(choice.held_back[0].why, Why::Ring(25));
        }
    }
    // 400 devices at a quarter: 100, and 4 standard deviations to either side.
    assert!((65..=135).contains(&first.len()), "{}", first.len());
    repository.ring("2.0.0", 50, false);
    repository.publish();
    let choices = machine.check_for(&first).await;
    assert!(choices.iter().all(|choice| choice.take == Some(Version::new(2, 0, 0))));
}

#[tokio::test]
async fn a8_nobody_and_everybody() {
    let mut repository = with_a_second_release();
    for (share, gets) in [(0, "1.0.0"), (100, "2.0.0")] {
        repository.ring("2.0.0", share, false);
        repository.publish();
        let machine = enrolled(&repository).await;
        let devices: Vec<String> = (0..50).map(|number| format!("device-{number}")).collect();
        let choices = machine.check_for(&devices).await;
        assert!(choices.iter().all(|choice| choice.take == Some(gets.parse().unwrap())), "{share} %");
    }
}

#[tokio::test]
async fn a8_a_halt_stops_the_rest_and_says_why() {
    let mut repository = with_a_second_release();
    repository.publish();
    let early = Machine::at(&repository).await;
    assert_eq!(early.version(), "2.0.0");
    repository.ring("2.0.0", 100, true);
    repository.publish();
    let late = enrolled(&repository).await;
    let choice = late.check("late", now()).await.unwrap();
    assert_eq!(choice.take, Some(Version::new(1, 0, 0)));
    assert_eq!(choice.held_back[0].version, Version::new(2, 0, 0));
    assert_eq!(choice.held_back[0].why, Why::Halted(Some("it broke".to_owned())));
    // Who has it keeps it: going back would be a change nobody tested.
    assert_eq!(early.update(now()).await.unwrap(), None);
    assert_eq!(early.version(), "2.0.0");
    // The way on is a higher version.
    repository.release("2.0.1", &[("pack.yaml", "name: acme\nversion: 2.0.1\n")]);
    repository.publish();
    assert_eq!(early.update(now()).await.unwrap().as_deref(), Some("2.0.1"));
    assert_eq!(late.update(now()).await.unwrap().as_deref(), Some("2.0.1"));
}

#[tokio::test]
async fn a8_a_halt_that_is_not_signed_is_none() {
    let mut repository = with_a_second_release();
    repository.publish();
    let machine = enrolled(&repository).await;
    repository.signers.insert("acme-rollout".to_owned(), vec!["mallory".to_owned()]);
    repository.ring("2.0.0", 100, true);
    repository.publish();
    let error = machine.check("any", now()).await.unwrap_err();
    assert!(matches!(&error, ReceiveError::WrongKey { role } if role == "acme-rollout"), "{error:?}");
}

#[tokio::test]
async fn a8_a_first_pack_may_be_held_back_as_well() {
    let mut repository = repository();
    repository.ring("1.0.0", 0, false);
    repository.publish();
    let machine = enrolled(&repository).await;
    let choice = machine.check("any", now()).await.unwrap();
    assert_eq!((choice.take, choice.held_back.len()), (None, 1));
}
