//! A2: two people, each with a key of their own.

use firstlight_domain::id::PackName;
use firstlight_releases::publish::{
    Change, Draft, PublishError, RealDisk, Repository, SecretKey, Signer as _, begin, publish,
    testing::{Desk, named},
};

use crate::desk::{FILES, days, desk, now, read_by_another_client, version};

#[test]
fn a2_two_people_apart_sign_and_anybody_can_read() {
    let (desk, place) = desk();
    let change = desk.draft(&version("1.0.0"), FILES, 100, now());
    let at = place.path().join("draft");
    Draft::create(&at, change).unwrap();

    // Ada, at her machine.
    let mut draft = Draft::open(&at).unwrap();
    assert_eq!(draft.change.sign(Some(&desk.repository()), &desk.platform).unwrap(), "Ada, platform");
    draft.save().unwrap();
    let needs = Draft::open(&at).unwrap().change.needs(Some(&desk.repository())).unwrap();
    let content = needs.iter().find(|need| need.what == "what is in `acme`").unwrap();
    assert_eq!((content.threshold, content.is_met()), (2, false));
    assert_eq!(content.signed, ["Ada, platform"]);
    assert!(needs.iter().find(|need| need.what == "who gets `acme`").unwrap().is_met());

    // Bo, at another, with the draft copied and the repository synchronised.
    let mut draft = Draft::open(&at).unwrap();
    assert_eq!(draft.releases(Some(&desk.repository())).unwrap(), [("acme".to_owned(), version("1.0.0"))]);
    let unpacked = place.path().join("unpacked");
    draft.unpack("acme", &version("1.0.0"), &unpacked).unwrap();
    assert_eq!(std::fs::read_to_string(unpacked.join("docs/first steps.md")).unwrap(), "# Hello\n");
    draft.change.sign(Some(&desk.repository()), &desk.security).unwrap();
    draft.save().unwrap();

    let change = Draft::open(&at).unwrap().change;
    publish(&desk.folder, change, &desk.online, now(), &RealDisk).unwrap();
    let names: Vec<String> = read_by_another_client(&desk.folder).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["acme.rollout.json", "acme/1.0.0/docs/first steps.md", "acme/1.0.0/pack.yaml"]);
}

fn refusal(desk: &Desk, change: Change) -> PublishError {
    let before = snapshot(desk);
    let error = publish(&desk.folder, change, &desk.online, now(), &RealDisk).unwrap_err();
    assert_eq!(snapshot(desk), before, "a refusal changes nothing");
    error
}

/// Every file there is, and its content.
fn snapshot(desk: &Desk) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    fn walk(folder: &std::path::Path, found: &mut std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    let mut found = std::collections::BTreeMap::new();
    walk(&desk.folder, &mut found);
    found
}

#[test]
fn a2_one_key_is_too_few() {
    let (desk, _place) = desk();
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    let error = refusal(&desk, change);
    assert_eq!(
        error.to_string(),
        "what is in `acme` needs 2 of Ada, platform and Bo, security, and was signed by Ada, platform"
    );
}

#[test]
fn a2_nobodys_signature_is_too_few() {
    let (desk, _place) = desk();
    let error = refusal(&desk, desk.draft(&version("1.0.0"), FILES, 100, now()));
    assert!(error.to_string().ends_with("was signed by nobody"), "{error}");
}

#[test]
fn a2_one_key_twice_is_refused() {
    let (desk, _place) = desk();
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    let error = change.sign(Some(&desk.repository()), &desk.platform).unwrap_err();
    assert!(matches!(&error, PublishError::SignedAlready(owner) if owner == "Ada, platform"), "{error}");
}

#[test]
fn a2_a_wrong_key_is_refused() {
    let (desk, _place) = desk();
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    for wrong in [&SecretKey::of_seed([9; 32]), &desk.online, &desk.spare] {
        let error = change.sign(Some(&desk.repository()), wrong).unwrap_err();
        assert!(matches!(error, PublishError::WrongKey { .. }), "{error}");
    }
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    // The rollout key says who gets a release, and never what is in it.
    change.sign(Some(&desk.repository()), &desk.rollout).unwrap();
    assert!(matches!(refusal(&desk, change), PublishError::TooFewSignatures { .. }));
}

#[test]
fn a2_only_the_online_key_says_that_nothing_is_newer() {
    let (desk, _place) = desk();
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    change.sign(Some(&desk.repository()), &desk.security).unwrap();
    let error = publish(&desk.folder, change, &desk.platform, now(), &RealDisk).unwrap_err();
    assert!(error.to_string().contains("the publisher may"), "{error}");
}

#[test]
fn a2_one_key_under_two_names_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::unpublished(place.path(), "acme");
    let packs = [PackName::new("acme").unwrap()];
    let mut team = desk.team();
    team.security = named(&desk.platform, "Bo, security");
    let error = begin(&team, &packs, now()).unwrap_err();
    assert!(error.to_string().contains("Ada, platform and Bo, security have the same key"), "{error}");
    let mut team = desk.team();
    team.online = named(&desk.security, "the publisher");
    assert!(matches!(begin(&team, &packs, now()).unwrap_err(), PublishError::SameKey { .. }));
}

#[test]
fn a2_what_changed_after_it_was_signed_is_refused() {
    let (desk, place) = desk();
    let at = place.path().join("draft");
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    change.sign(Some(&desk.repository()), &desk.security).unwrap();
    Draft::create(&at, change).unwrap();

    let metadata = at.join("metadata/2.acme.json");
    let text = std::fs::read_to_string(&metadata).unwrap();
    let other = text.replacen("\"length\": 11", "\"length\": 12", 1);
    assert_ne!(other, text);
    std::fs::write(&metadata, &other).unwrap();
    assert!(matches!(Draft::open(&at).unwrap_err(), PublishError::NotWhole { .. }));

    let later = text.replacen("\"expires\": \"2027", "\"expires\": \"2037", 1);
    assert_ne!(later, text);
    std::fs::write(&metadata, later).unwrap();
    let change = Draft::open(&at).unwrap().change;
    assert!(matches!(refusal(&desk, change), PublishError::TooFewSignatures { .. }));
}

#[test]
fn a2_an_older_draft_is_refused() {
    let (desk, _place) = desk();
    let slow = desk.draft(&version("1.0.0"), FILES, 100, now());
    desk.release(&version("1.0.1"), FILES, 100, now());
    let mut slow = slow;
    slow.sign(Some(&desk.repository()), &desk.platform).unwrap();
    slow.sign(Some(&desk.repository()), &desk.security).unwrap();
    let error = refusal(&desk, slow);
    assert!(matches!(error, PublishError::Stale { draft: 2, published: 2, .. }), "{error}");
}

#[test]
fn a2_a_draft_that_lay_too_long_is_refused() {
    let (desk, _place) = desk();
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    change.sign(Some(&desk.repository()), &desk.security).unwrap();
    let later = now() + days(366);
    let error = publish(&desk.folder, change, &desk.online, later, &RealDisk).unwrap_err();
    assert!(matches!(error, PublishError::Expired { .. }), "{error}");
}

#[test]
fn a2_a_repository_that_was_tampered_with_is_not_published_into() {
    let (desk, _place) = desk();
    let timestamp = desk.folder.join("metadata/timestamp.json");
    let text = std::fs::read_to_string(&timestamp).unwrap();
    std::fs::write(&timestamp, text.replace("\"version\": 1", "\"version\": 7")).unwrap();
    assert!(matches!(Repository::open(&desk.folder).unwrap_err(), PublishError::TooFewSignatures { .. }));
}

#[test]
fn a2_a_release_that_is_published_never_becomes_another() {
    let (desk, place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let at = place.path().join("draft");
    Draft::create(&at, desk.draft(&version("1.1.0"), FILES, 100, now())).unwrap();
    // Both are talked into signing metadata in which a file of 1.0.0 is another one.
    let metadata = at.join("metadata/3.acme.json");
    let mut draft: serde_json::Value = serde_json::from_slice(&std::fs::read(&metadata).unwrap()).unwrap();
    let targets = &mut draft["signed"]["targets"];
    targets["acme/1.0.0/pack.yaml"] = targets["acme/1.0.0/docs/first steps.md"].clone();
    std::fs::write(&metadata, draft.to_string()).unwrap();
    let mut change = Draft::open(&at).unwrap().change;
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    change.sign(Some(&desk.repository()), &desk.security).unwrap();
    let error = refusal(&desk, change);
    assert!(
        matches!(&error, PublishError::Changed { target } if target == "acme/1.0.0/pack.yaml"),
        "{error}"
    );
}

#[test]
fn a2_a_draft_that_lowers_the_threshold_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::unpublished(&place.path().join("repo"), "acme");
    let change = begin(&desk.team(), &[PackName::new("acme").unwrap()], now()).unwrap();
    let at = place.path().join("draft");
    Draft::create(&at, change).unwrap();
    for (file, role, why) in [
        ("1.targets.json", "/signed/delegations/roles/0/threshold", "two keys out of two"),
        ("1.root.json", "/signed/roles/root/threshold", "one signature would do"),
        ("1.root.json", "/signed/roles/targets/threshold", "one signature would do"),
    ] {
        let metadata = at.join("metadata").join(file);
        let text = std::fs::read(&metadata).unwrap();
        let mut draft: serde_json::Value = serde_json::from_slice(&text).unwrap();
        *draft.pointer_mut(role).unwrap() = 1.into();
        std::fs::write(&metadata, draft.to_string()).unwrap();
        let mut change = Draft::open(&at).unwrap().change;
        change.sign(None, &desk.platform).unwrap();
        change.sign(None, &desk.security).unwrap();
        let error = publish(&desk.folder, change, &desk.online, now(), &RealDisk).unwrap_err();
        assert!(error.to_string().contains(why), "{role}: {error}");
        std::fs::write(&metadata, text).unwrap();
    }
}

/// Who signs next is shown what changes against a copy of the repository. A copy in which one key is enough would let
/// whoever has it make up what was there before.
#[test]
fn a2_a_copy_of_the_repository_in_which_one_key_is_enough_is_none() {
    use firstlight_testkit::releases::hex;
    use serde_json::{Value, json};
    use sha2::{Digest as _, Sha256};
    let (desk, _place) = desk();
    let metadata = desk.folder.join("metadata");
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(metadata.join(name)).unwrap()).unwrap()
    };
    // Signed by those who may sign it, over keys in alphabetical order without spaces: that is canonical for this text.
    let write = |name: &str, mut document: Value, keys: &[&SecretKey]| -> Value {
        let mut signed = document["signed"].clone();
        signed.sort_all_objects();
        let text = signed.to_string();
        let signatures: Vec<Value> = keys
            .iter()
            .map(|key| {
                let id = document["signatures"].as_array().unwrap().iter().find_map(|old| {
                    let bytes = key.sign(before(&metadata, name).as_bytes()).unwrap();
                    (old["sig"] == hex(&bytes)).then(|| old["keyid"].clone())
                });
                json!({ "keyid": id.unwrap(), "sig": hex(&key.sign(text.as_bytes()).unwrap()) })
            })
            .collect();
        document["signatures"] = signatures.into();
        let bytes = document.to_string();
        let pin = json!({ "version": document["signed"]["version"], "length": bytes.len(),
            "hashes": { "sha256": hex(&Sha256::digest(&bytes)) } });
        std::fs::write(metadata.join(name), bytes).unwrap();
        pin
    };
    let mut targets = read("1.targets.json");
    targets["signed"]["delegations"]["roles"][0]["threshold"] = 1.into();
    let targets = write("1.targets.json", targets, &[&desk.platform, &desk.security]);
    let mut snapshot = read("1.snapshot.json");
    snapshot["signed"]["meta"]["targets.json"] = targets;
    let snapshot = write("1.snapshot.json", snapshot, &[&desk.online]);
    let mut timestamp = read("timestamp.json");
    timestamp["signed"]["meta"]["snapshot.json"] = snapshot;
    write("timestamp.json", timestamp, &[&desk.online]);
    let error = Repository::open(&desk.folder).unwrap_err();
    assert!(error.to_string().contains("two keys out of two"), "{error}");
}

/// What was signed in a file, as it was signed.
fn before(metadata: &std::path::Path, name: &str) -> String {
    let mut document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(metadata.join(name)).unwrap()).unwrap();
    document["signed"].sort_all_objects();
    document["signed"].to_string()
}
