//! Publishing: who has to sign, what is refused, that a cut leaves a sound repository, and drills for lost keys.

mod cut;
mod desk;
mod drills;
mod names;
mod rollout;
mod signatures;
mod whole;
