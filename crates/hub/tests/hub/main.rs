//! The real program on a loopback port, spoken to as devices do.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set the scene has failed")]

mod common;
mod f6;
mod freshness;
mod g1;
mod g2;
mod g3;
mod g4;
mod g5;
mod g6;
mod g7;
mod g8;
mod insights;
#[cfg(unix)]
mod on_postgres;
mod operating;
mod page;
#[cfg(unix)]
#[path = "../postgres/mod.rs"]
mod postgres;
mod requests;
mod signal;
mod signals;
mod signin;
mod simulated;
mod surveys;
mod thin_path;
