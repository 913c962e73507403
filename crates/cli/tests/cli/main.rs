//! The real program, as a person or a script meets it: what it prints, how it exits, and what it leaves behind.
//!
//! Each test has a home, a data folder and a pack of its own; those that need a keychain start a real gnome-keyring in
//! a session of their own. One more story: a function in the module of its kin.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set the scene has failed")]

mod administrator;
mod advisories;
mod authoring;
mod bad_input;
mod canary;
mod container;
mod contract;
mod damaged;
mod docs;
mod drift;
mod external;
mod files;
mod guides;
mod help_bundle;
mod hub;
mod imports;
mod insights;
mod killed;
mod left;
mod machine;
mod mid_journey;
mod network;
mod pack_test;
mod packs;
mod people;
mod postgres;
mod posture;
mod power;
mod publishing;
mod receiving;
mod releases;
mod scaffold;
mod ssh;
mod stopping;
mod templates;
mod terminal;
