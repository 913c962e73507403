//! Whether every file is there and whole, and who signed, as `pack verify` says it.

use std::fs;

use firstlight_releases::publish::{PublishError, inspect};

use crate::desk::{FILES, days, desk, now, version};

#[test]
fn who_signed_what_and_until_when() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 25, now());
    let inspection = inspect(&desk.folder, now()).unwrap();
    assert!(inspection.is_sound());
    let acme = inspection.roles.iter().find(|role| role.role == "acme").unwrap();
    assert_eq!(
        (acme.threshold, acme.signed.as_slice()),
        (2, ["Ada, platform", "Bo, security"].map(str::to_owned).as_slice())
    );
    assert_eq!(acme.expires.to_string(), "2027-11-26T12:00:00Z", "whole seconds");
    assert_eq!(inspection.files, 3);
    assert_eq!((inspection.releases[0].files, inspection.releases[0].ring.share), (2, 25));
    assert_eq!(inspection.keys.len(), 5);
    assert!(!inspect(&desk.folder, now() + days(8)).unwrap().is_sound(), "the timestamp holds for a week");
}

#[test]
fn a_file_that_is_gone_or_damaged_is_named() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let docs =
        fs::read_dir(desk.folder.join("targets/acme/1.0.0/docs")).unwrap().next().unwrap().unwrap().path();
    fs::write(&docs, "# Hallo\n").unwrap();
    let damaged = inspect(&desk.folder, now()).unwrap();
    assert_eq!(damaged.damaged, ["acme/1.0.0/docs/first steps.md"]);
    fs::remove_file(&docs).unwrap();
    let missing = inspect(&desk.folder, now()).unwrap();
    assert_eq!(
        (missing.missing, missing.damaged.len()),
        (vec!["acme/1.0.0/docs/first steps.md".to_owned()], 0)
    );
}

#[test]
fn metadata_that_is_gone_is_named() {
    let (desk, _place) = desk();
    fs::remove_file(desk.folder.join("metadata/1.acme.json")).unwrap();
    let error = inspect(&desk.folder, now()).unwrap_err();
    assert_eq!(error.to_string(), "1.acme.json is not sound: it is missing");
    let none = inspect(&desk.folder.join("elsewhere"), now()).unwrap_err();
    assert!(matches!(none, PublishError::NoRepository(_)), "{none}");
}
