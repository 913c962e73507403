//! The drills of the guide: a key is lost, a key leaked, a year is over, another pack begins.

use firstlight_domain::id::PackName;
use firstlight_releases::publish::{
    Change, PublishError, RealDisk, SecretKey, add_pack, inspect, publish, refresh, renew, replace_key,
    testing::{Desk, named},
};

use crate::desk::{FILES, days, desk, now, read_by_another_client, version};

fn sign(desk: &Desk, mut change: Change, keys: &[&SecretKey]) -> Change {
    for key in keys {
        change.sign(Some(&desk.repository()), *key).unwrap();
    }
    change
}

#[test]
fn drill_a_lost_key_of_a_person_is_replaced_with_the_spare() {
    let (mut desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let new = SecretKey::of_seed([8; 32]);
    let change =
        replace_key(&desk.repository(), "Ada, platform", &named(&new, "Ava, platform"), now()).unwrap();
    // Without the spare there is one of two.
    let few = sign(
        &desk,
        replace_key(&desk.repository(), "Ada, platform", &named(&new, "Ava, platform"), now()).unwrap(),
        &[&desk.security, &new],
    );
    let error = publish(&desk.folder, few, &desk.online, now(), &RealDisk).unwrap_err();
    assert!(matches!(error, PublishError::TooFewSignatures { .. }), "{error}");

    let (after, gone) = change.holders(Some(&desk.repository())).unwrap();
    assert_eq!(gone.iter().map(|holder| holder.owner.as_str()).collect::<Vec<_>>(), ["Ada, platform"]);
    let ava = after.iter().find(|holder| holder.owner == "Ava, platform").unwrap();
    assert_eq!(
        ava.may,
        ["whose keys count", "who may publish which pack", "what is in `acme`", "who gets `acme`"]
    );
    let change = sign(&desk, change, &[&desk.security, &desk.spare, &new]);
    publish(&desk.folder, change, &desk.online, now(), &RealDisk).unwrap();
    let inspection = inspect(&desk.folder, now()).unwrap();
    assert!(!inspection.keys.iter().any(|holder| holder.owner == "Ada, platform"));

    // The lost key, if it is found by somebody, signs nothing any more; the new one does.
    let mut change = desk.draft(&version("1.1.0"), FILES, 100, now());
    assert!(matches!(
        change.sign(Some(&desk.repository()), &desk.platform),
        Err(PublishError::WrongKey { .. })
    ));
    desk.platform = new;
    desk.release(&version("1.1.0"), FILES, 100, now());
    read_by_another_client(&desk.folder);
}

#[test]
fn drill_a_leaked_online_key_is_replaced_by_both_people() {
    let (mut desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let new = SecretKey::of_seed([8; 32]);
    let change =
        replace_key(&desk.repository(), "the publisher", &named(&new, "another publisher"), now()).unwrap();
    let change = sign(&desk, change, &[&desk.platform, &desk.security]);
    let old = publish(&desk.folder, sign_again(&desk), &desk.online, now(), &RealDisk).unwrap_err();
    assert!(
        matches!(old, PublishError::WrongKey { .. }),
        "the leaked key does not publish its own end: {old}"
    );
    publish(&desk.folder, change, &new, now(), &RealDisk).unwrap();
    let old = refresh(&desk.folder, &desk.online, now(), &RealDisk).unwrap_err();
    assert!(matches!(old, PublishError::WrongKey { .. }), "{old}");
    desk.online = new;
    desk.refresh(now());
    read_by_another_client(&desk.folder);
}

fn sign_again(desk: &Desk) -> Change {
    let new = SecretKey::of_seed([8; 32]);
    let change =
        replace_key(&desk.repository(), "the publisher", &named(&new, "another publisher"), now()).unwrap();
    sign(desk, change, &[&desk.platform, &desk.security])
}

#[test]
fn drill_a_leaked_rollout_key_is_replaced_without_a_new_root() {
    let (mut desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let new = SecretKey::of_seed([8; 32]);
    let change = replace_key(&desk.repository(), "the hub", &named(&new, "the new hub"), now()).unwrap();
    let change = sign(&desk, change, &[&desk.platform, &desk.security]);
    publish(&desk.folder, change, &desk.online, now(), &RealDisk).unwrap();
    assert!(!desk.folder.join("metadata/2.root.json").exists());
    desk.rollout = new;
    let halt = firstlight_releases::publish::Step::Halt { reason: "it broke".to_owned() };
    desk.rollout(&version("1.0.0"), &halt, now());
    read_by_another_client(&desk.folder);
}

#[test]
fn drill_a_key_that_is_not_there_or_there_already_is_refused() {
    let (desk, _place) = desk();
    let new = named(&SecretKey::of_seed([8; 32]), "Ava");
    let error = replace_key(&desk.repository(), "Eve", &new, now()).unwrap_err();
    assert!(error.to_string().contains("Ada, platform"), "{error}");
    let same = named(&desk.security, "Ava");
    assert!(matches!(
        replace_key(&desk.repository(), "Ada, platform", &same, now()),
        Err(PublishError::SameKey { .. })
    ));
}

#[test]
fn drill_a_year_is_over() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let late = now() + days(400);
    assert!(!inspect(&desk.folder, late).unwrap().is_sound());
    let change = sign(&desk, renew(&desk.repository(), late).unwrap(), &[&desk.platform, &desk.security]);
    publish(&desk.folder, change, &desk.online, late, &RealDisk).unwrap();
    assert!(inspect(&desk.folder, late).unwrap().is_sound());
    read_by_another_client(&desk.folder);
}

#[test]
fn drill_another_pack_gets_a_place() {
    let (mut desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let name = PackName::new("beta").unwrap();
    let rollout = Some(named(&desk.rollout, "the hub"));
    let change = add_pack(&desk.repository(), &name, rollout, now()).unwrap();
    desk.publish(change, now());
    let again = add_pack(&desk.repository(), &name, None, now()).unwrap_err();
    assert!(matches!(again, PublishError::PackExists { .. }), "{again}");
    desk.pack = "beta".to_owned();
    desk.release(&version("0.1.0"), FILES, 100, now());
    let names = read_by_another_client(&desk.folder);
    assert!(names.iter().any(|(name, _)| name == "beta/0.1.0/pack.yaml"), "{names:?}");
    assert!(names.iter().any(|(name, _)| name == "acme/1.0.0/pack.yaml"), "{names:?}");
}
