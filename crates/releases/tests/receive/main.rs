//! Receiving, from repositories that are hostile in one way at a time. Each test is named after the requirement it shows.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set the scene has failed")]

mod floor;
mod freshness;
mod machine;
mod published;
mod resume;
mod rings;
mod signatures;
mod transport;
mod whole;
