//! A2: a release needs two keys. Who signed, and what.

use firstlight_releases::receive::{ReceiveError, Trust};
use firstlight_testkit::releases::{Repository, Trick, hex, sign, target};
use serde_json::{Value, json};

use crate::machine::{Machine, now, repository};
use sha2::{Digest, Sha256};

/// A repository with a release 2.0.0 ready, and a machine that has 1.0.0.
async fn before() -> (Repository, Machine) {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "name: acme\nversion: 2.0.0\n")]);
    (repository, machine)
}

fn signed_by(repository: &mut Repository, role: &str, names: &[&str]) {
    repository.signers.insert(role.to_owned(), names.iter().map(|&name| name.to_owned()).collect());
}

#[tokio::test]
async fn a2_two_keys_make_a_release() {
    let (mut repository, machine) = before().await;
    repository.publish();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    assert_eq!(machine.update(now()).await.unwrap(), None, "and then there is nothing new");
}

#[tokio::test]
async fn a2_one_signature_is_too_few() {
    let (mut repository, machine) = before().await;
    signed_by(&mut repository, "acme", &["platform"]);
    repository.publish();
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::TooFewSignatures { found: 1, needed: 2, .. }), "{error:?}");
}

#[tokio::test]
async fn a2_one_key_twice_is_one_key() {
    let (mut repository, machine) = before().await;
    signed_by(&mut repository, "acme", &["platform", "platform"]);
    repository.publish();
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::TooFewSignatures { found: 1, needed: 2, .. }), "{error:?}");
}

#[tokio::test]
async fn a2_one_key_under_two_names_is_one_key() {
    let (mut repository, machine) = before().await;
    repository.rotate("acme", &["platform", "alias of platform"]);
    signed_by(&mut repository, "acme", &["platform", "as alias of platform: platform"]);
    repository.publish();
    let targets: Value = serde_json::from_slice(&repository.site.get("metadata/2.targets.json")).unwrap();
    let mut signed = targets["signed"].clone();
    // The people who hold the keys of `targets` let themselves be talked into it.
    let ids: Vec<String> =
        ["platform", "alias of platform"].map(|name| hex(&Sha256::digest(format!("id of {name}")))).into();
    signed["delegations"]["keys"][&ids[1]] = signed["delegations"]["keys"][&ids[0]].clone();
    let names = ["targets-a".to_owned(), "targets-b".to_owned()];
    repository.site.put("metadata/2.targets.json", sign(&signed, &names));
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::TooFewSignatures { found: 1, needed: 2, .. }), "{error:?}");
}

#[tokio::test]
async fn a2_a_wrong_key_signs_nothing() {
    let (mut repository, machine) = before().await;
    signed_by(&mut repository, "acme", &["mallory", "eve"]);
    repository.publish();
    let error = machine.refused(now()).await;
    assert!(matches!(&error, ReceiveError::WrongKey { role } if role == "acme"), "{error:?}");
}

#[tokio::test]
async fn a2_a_wrong_key_under_a_right_name_is_forged() {
    let (mut repository, machine) = before().await;
    signed_by(&mut repository, "acme", &["as platform: mallory", "as security: mallory"]);
    repository.publish();
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Forged { .. }), "{error:?}");
}

#[tokio::test]
async fn a2_metadata_that_was_changed_is_forged() {
    for role in ["timestamp", "2.snapshot", "2.targets", "2.acme", "2.acme-rollout"] {
        let (mut repository, machine) = before().await;
        repository.publish();
        let path = format!("metadata/{role}.json");
        let text = String::from_utf8(repository.site.get(&path)).unwrap();
        repository.site.put(&path, text.replace("1.0.34", "1.0.33"));
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::Forged { .. }), "{role}: {error:?}");
    }
}

#[tokio::test]
async fn a2_a_file_that_was_changed_is_forged() {
    let (mut repository, machine) = before().await;
    repository.publish();
    let path = repository.site.copy().into_keys().find(|path| path.contains("acme/2.0.0/")).unwrap();
    let changed = String::from_utf8(repository.site.get(&path)).unwrap().replace("acme", "evil");
    repository.site.trick(&path, Trick::Instead(changed.into_bytes()));
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Forged { .. }), "{error:?}");
    repository.site.behave();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"), "nothing bad was kept");
}

#[tokio::test]
async fn a2_whoever_says_who_gets_it_cannot_say_what_is_in_it() {
    let (mut repository, machine) = before().await;
    repository.publish();
    // The rollout role lists a file of the pack, and names a release nobody signed.
    repository.ring("3.0.0", 100, false);
    repository.publish();
    let content = repository.rollout.to_string();
    let evil = b"name: acme\nversion: 3.0.0\n";
    let version = repository.versions["acme-rollout"];
    let signed = json!({
        "_type": "targets", "spec_version": "1.0.34", "version": version, "expires": "2027-11-26T12:00:00Z",
        "targets": { "acme.rollout.json": target(content.as_bytes()), "acme/3.0.0/pack.yaml": target(evil) },
    });
    repository
        .site
        .put(&format!("metadata/{version}.acme-rollout.json"), sign(&signed, &["online".to_owned()]));
    let error = machine.refused(now()).await;
    assert!(
        matches!(&error, ReceiveError::Incomplete { what } if what == "acme/3.0.0/pack.yaml"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a2_trust_begins_with_a_root_or_its_fingerprint() {
    let mut repository = repository();
    repository.publish_root();
    let root = repository.first_root();
    let second = repository.site.get("metadata/2.root.json");
    for fingerprint in [hex(&Sha256::digest(&root)), hex(&Sha256::digest(&second)).to_uppercase()] {
        let machine = Machine::new();
        machine.enrol(&repository, Trust::Fingerprint(fingerprint)).await.unwrap();
        assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("1.0.0"));
    }
    let machine = Machine::new();
    let nobody = machine.enrol(&repository, Trust::Fingerprint("00".repeat(32))).await.unwrap_err();
    assert!(matches!(nobody, ReceiveError::BadRoot { .. }), "{nobody:?}");
    let other = Machine::new();
    let not_a_root = other.enrol(&repository, Trust::Root(b"{}".to_vec())).await.unwrap_err();
    assert!(matches!(not_a_root, ReceiveError::BadRoot { .. }), "{not_a_root:?}");
}

#[tokio::test]
async fn a2_somebody_elses_root_leads_nowhere_and_leaves_the_enrolment() {
    let (repository, mut other) = (repository(), repository());
    let machine = Machine::at(&repository).await;
    other.rotate("root", &["mallory", "eve"]);
    other.rotate("timestamp", &["mallory"]);
    other.versions.remove("root");
    other.publish_root();
    let error = machine.enrol(&repository, Trust::Root(other.first_root())).await.unwrap_err();
    assert!(matches!(error, ReceiveError::WrongKey { .. }), "{error:?}");
    assert_eq!(machine.update(now()).await.unwrap(), None, "the enrolment before goes on");
}
