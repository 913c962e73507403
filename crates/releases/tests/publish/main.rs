//! Publishing: who has to sign, what is refused, that a cut leaves a sound repository, and drills for lost keys.
#![expect(clippy::unwrap_used, reason = "a test that cannot set the scene has failed")]

mod cut;
mod desk;
mod drills;
mod names;
mod rollout;
mod signatures;
mod whole;
