//! The hub: takes in the events of many machines, each exactly once, and counts them in the same breath.
//!
//! ```text
//! device ─> http (who, how much, how often) ─> ingest (reads, refuses, queues) ─> store (log + marks + rollups, one
//!           transaction) ─> the answer: a verdict for each event, durable by then
//! ```
//!
//! It refuses to know the machines that make events (`firstlight-app`), and what the counts mean: whatever computes from
//! them reads [`store::Store`]. Time comes in as a function, so that a test can say what day it is.
//!
//! One more route: a file in `http/` and its row in `http::ROUTES`, and in the table of `tests/hub/g2.rs`, which says
//! who may use it. One more database: an implementation of [`store::Store`] that passes `tests/store`. One
//! more table: a step in both `schema.rs`. One more setting:
//! a row in `config::SETTINGS`.

pub mod audit;
pub mod config;
pub mod forgetting;
pub mod freshness;
pub mod http;
pub mod ingest;
pub mod insights;
pub mod requests;
pub mod rights;
pub mod secrets;
pub mod serve;
pub mod signals;
pub mod signin;
pub mod simulate;
pub mod store;
pub mod surveys;
pub mod webhooks;
