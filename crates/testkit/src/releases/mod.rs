//! A repository of signed releases made by hand, so that every part of it can be wrong in one way at a time, and a server
//! that can behave badly.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test without its repository cannot go on"
)]

mod repository;
mod site;

pub use self::{
    repository::{PACK, Repository, consistent, hex, sign, target},
    site::{Site, Trick},
};
