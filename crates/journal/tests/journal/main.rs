//! The journal as the application, a tamperer, a failing disk and a sudden death meet it.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without may panic, in its helpers too")]

mod basics;
mod common;
mod damage;
mod durability;
mod merkle;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../../../tlog/tests/tlog/oracle.rs"]
mod oracle;
mod outbox;
mod tamper;
