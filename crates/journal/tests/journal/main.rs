//! The journal as the application, a tamperer, a failing disk and a sudden death meet it.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without may panic, in its helpers too")]

mod basics;
mod common;
mod damage;
mod durability;
mod merkle;
#[path = "../../../tlog/tests/tlog/oracle.rs"]
mod oracle;
mod outbox;
mod tamper;
