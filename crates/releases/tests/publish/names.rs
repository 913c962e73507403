//! A7 where packs are published: plain files under names that every system keeps, and nothing else.

use std::fs;

use firstlight_domain::id::PackName;
use firstlight_releases::{
    layout::NameError,
    publish::{NewRelease, PublishError, begin, draft_release, testing::Desk},
};
use semver::Version;

use crate::desk::{FILES, desk, now, version};

/// What publishing a folder says.
fn refusal(desk: &Desk, folder: &std::path::Path, version: &Version) -> PublishError {
    let release = NewRelease { pack: "acme", version, folder, share: 100, keep: 3 };
    draft_release(&desk.repository(), &release, now()).unwrap_err()
}

#[test]
fn a7_each_file_is_its_own_target() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let folder = desk.folder.join("targets/acme/1.0.0");
    let file = fs::read_dir(folder.join("docs")).unwrap().next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    let (hash, rest) = name.split_once('.').unwrap();
    assert_eq!((hash.len(), rest), (64, "first steps.md"));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "# Hello\n");
}

#[cfg(unix)]
#[test]
fn a7_a_link_is_refused_and_not_followed() {
    let (desk, place) = desk();
    let pack = place.path().join("pack");
    fs::create_dir(&pack).unwrap();
    fs::write(pack.join("pack.yaml"), "x").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", pack.join("notes.md")).unwrap();
    let error = refusal(&desk, &pack, &version("1.0.0"));
    assert_eq!(error.to_string(), "`notes.md` is no plain file");
    fs::remove_file(pack.join("notes.md")).unwrap();
    std::os::unix::fs::symlink("/etc", pack.join("docs")).unwrap();
    assert_eq!(refusal(&desk, &pack, &version("1.0.0")).to_string(), "`docs` is no plain file");
}

#[cfg(unix)]
#[test]
fn a7_a_name_that_cannot_be_carried_is_refused() {
    for bad in ["a:b.md", "aux.md", "back\\slash", "1/2/3/4/5/6/7/8/9/x"] {
        let (desk, place) = desk();
        let path = place.path().join("pack").join(bad);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        let error = refusal(&desk, &place.path().join("pack"), &version("1.0.0"));
        assert!(matches!(error, PublishError::Name(NameError::Path { .. })), "{bad}: {error}");
    }
}

#[test]
fn a7_a_version_that_is_not_newer_is_refused() {
    let (desk, place) = desk();
    desk.release(&version("1.1.0"), FILES, 100, now());
    let pack = place.path().join("pack");
    fs::create_dir(&pack).unwrap();
    fs::write(pack.join("pack.yaml"), "x").unwrap();
    for old in ["1.1.0", "1.0.9", "1.1.0-rc.1"] {
        let error = refusal(&desk, &pack, &version(old));
        assert_eq!(error.to_string(), format!("{old} is not newer than 1.1.0, which is published"));
    }
    let error = refusal(&desk, &pack, &version("2.0.0+linux"));
    assert!(matches!(error, PublishError::Name(NameError::Version(_))), "{error}");
}

#[test]
fn a7_a_pack_that_is_named_like_a_role_has_no_place() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::unpublished(place.path(), "acme");
    for bad in ["targets", "acme-rollout"] {
        let error = begin(&desk.team(), &[PackName::new(bad).unwrap()], now()).unwrap_err();
        assert!(matches!(error, PublishError::Name(NameError::Pack(_))), "{bad}: {error}");
    }
}

#[test]
fn old_releases_go_but_not_the_one_everybody_may_have() {
    let (desk, _place) = desk();
    for (text, share) in [("1.0.0", 100), ("1.1.0", 100), ("1.2.0", 10), ("1.3.0", 10), ("1.4.0", 10)] {
        desk.release(&version(text), FILES, share, now());
    }
    let kept: Vec<String> = desk
        .repository()
        .rollout("acme")
        .unwrap()
        .releases
        .iter()
        .map(|ring| ring.version.to_string())
        .collect();
    assert_eq!(kept, ["1.4.0", "1.3.0", "1.2.0", "1.1.0"]);
    let names = crate::desk::read_by_another_client(&desk.folder);
    assert!(!names.iter().any(|(name, _)| name.starts_with("acme/1.0.0/")), "{names:?}");
}
