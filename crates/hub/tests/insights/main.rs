//! What the hub says of many people, from what it knows of each.
#![expect(clippy::unwrap_used, reason = "a test that cannot set the scene has failed")]

mod company;
mod figures;
mod g5;
mod g5_over_time;
