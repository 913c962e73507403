//! Packs as their authors meet them: read, refused with reasons, described for editors, begun.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;
mod describe;
mod load;
mod robust;
mod rules;
mod start;
