//! The words spoken across every boundary: the desktop's IPC, the CLI's `--json`, and error codes.
//!
//! Types only: serde gives them their shape on the wire, ts-rs writes their TypeScript twins into
//! `ui/src/lib/contract/generated` (`cargo xtask gen`). This crate refuses to know any other crate of ours, any
//! behaviour and any transport: `firstlight-app` fills these types, the shells only carry them.
//!
//! One more command: add a field to [`commands::Commands`], its argument and result types beside their kin, and run
//! `cargo xtask gen`; the desktop's test fails until a handler of that name exists. One more error: see [`error::Code`].
//!
//! Conventions: instants are RFC 3339 strings in UTC, durations are whole seconds (`…_seconds`), identifiers are the
//! pack's own ids. Fields are only ever added; scripts may rely on what is there.

pub mod advisories;
pub mod app_update;
pub mod audit;
pub mod commands;
pub mod credential;
pub mod docs;
pub mod doctor;
pub mod error;
pub mod hub;
pub mod insights;
pub mod insights_page;
pub mod journal;
pub mod journey;
pub mod kpis;
pub mod markdown;
pub mod pack;
pub mod pack_diff;
pub mod pack_import;
pub mod pack_test;
pub mod plan;
pub mod privacy;
pub mod publishing;
pub mod releases;
pub mod report;
pub mod requests;
pub mod run;
pub mod settings;
pub mod signin;
pub mod surveys;
pub mod templates;
