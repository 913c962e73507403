//! A8: which share gets a release is signed, and so is a halt. A9: what should be signed again is said in time.

use firstlight_releases::{
    layout::Ring,
    publish::{PublishError, RealDisk, Step, change_rollout, inspect, publish, refresh, testing::Desk},
};
use jiff::Timestamp;

use crate::desk::{FILES, days, desk, now, read_by_another_client, version};

fn ring(desk: &Desk) -> Ring {
    desk.repository().rollout("acme").unwrap().releases.remove(0)
}

#[test]
fn a8_share_halt_and_resume_are_signed_by_the_rollout_key() {
    let (desk, _place) = desk();
    let one = version("1.0.0");
    desk.release(&one, FILES, 10, now());
    assert_eq!((ring(&desk).share, ring(&desk).halted), (10, false));
    desk.rollout(&one, &Step::Share(50), now());
    assert_eq!(ring(&desk).share, 50);
    desk.rollout(&one, &Step::Halt { reason: " it broke\n".to_owned() }, now());
    assert_eq!(ring(&desk).reason.as_deref(), Some("it broke"));
    let published = desk.repository();
    let again = change_rollout(&published, "acme", &one, &Step::Share(100), now()).unwrap_err();
    assert_eq!(again.to_string(), "1.0.0 is halted; resume it first");
    desk.rollout(&one, &Step::Resume, now());
    assert_eq!(ring(&desk), Ring { version: one, share: 50, halted: false, reason: None });
    read_by_another_client(&desk.folder);
}

#[test]
fn a8_a_halt_that_nobody_may_sign_is_refused() {
    let (desk, _place) = desk();
    let one = version("1.0.0");
    desk.release(&one, FILES, 10, now());
    let published = desk.repository();
    let halt = Step::Halt { reason: "it broke".to_owned() };
    let mut change = change_rollout(&published, "acme", &one, &halt, now()).unwrap();
    assert!(matches!(change.sign(Some(&published), &desk.online), Err(PublishError::WrongKey { .. })));
    let error = publish(&desk.folder, change, &desk.online, now(), &RealDisk).unwrap_err();
    assert!(error.to_string().starts_with("who gets `acme` needs 1 of"), "{error}");
    assert!(!ring(&desk).halted);
}

#[test]
fn a8_a_step_that_makes_no_sense_is_refused() {
    let (desk, _place) = desk();
    let one = version("1.0.0");
    desk.release(&one, FILES, 10, now());
    let published = desk.repository();
    let refusal =
        |at: &str, step: &Step| change_rollout(&published, "acme", &version(at), step, now()).unwrap_err();
    assert!(matches!(refusal("1.0.0", &Step::Share(101)), PublishError::Rollout(_)));
    assert!(matches!(refusal("1.0.0", &Step::Resume), PublishError::Rollout(_)));
    assert!(matches!(refusal("1.0.0", &Step::Halt { reason: "\n".to_owned() }), PublishError::Rollout(_)));
    assert!(matches!(refusal("2.0.0", &Step::Share(100)), PublishError::UnknownRelease { .. }));
}

/// Roles that should be signed again at a moment.
fn old_roles(desk: &Desk, at: Timestamp) -> Vec<String> {
    let inspection = inspect(&desk.folder, at).unwrap();
    inspection.roles.into_iter().filter(|role| role.is_past_half).map(|role| role.role).collect()
}

#[test]
fn a9_signing_again_is_asked_for_at_half_of_the_life() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let second = jiff::SignedDuration::from_secs(1);
    let half = now() + days(7) / 2;
    assert_eq!(old_roles(&desk, half - second), Vec::<String>::new());
    assert_eq!(old_roles(&desk, half + second), ["timestamp"]);
    assert_eq!(old_roles(&desk, now() + days(15) + second), ["snapshot", "timestamp"]);
    let year = now() + days(365) / 2 + second;
    assert_eq!(old_roles(&desk, year), ["root", "targets", "acme", "acme-rollout", "snapshot", "timestamp"]);
    let soon = desk.refresh(year).renew_soon;
    assert_eq!(soon.len(), 4, "what people sign is asked for by refresh as well: {soon:?}");
    assert_eq!(old_roles(&desk, year), ["root", "targets", "acme", "acme-rollout"]);
}

#[test]
fn a9_a_refresh_makes_it_fresh_and_needs_its_key() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let late = now() + days(6);
    let wrong = refresh(&desk.folder, &desk.platform, late, &RealDisk).unwrap_err();
    assert!(matches!(wrong, PublishError::WrongKey { .. }), "{wrong}");
    let done = desk.refresh(late);
    assert_eq!(done.fresh_until.as_second(), (late + days(7)).as_second());
    assert_eq!(done.version, 3);
    assert_eq!(old_roles(&desk, late), Vec::<String>::new());
    // A month later the snapshot comes along.
    desk.refresh(now() + days(16));
    assert_eq!(old_roles(&desk, now() + days(16)), Vec::<String>::new());
    read_by_another_client(&desk.folder);
}
