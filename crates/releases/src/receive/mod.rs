//! Receiving.
mod client;
mod durable;
mod error;
mod fetch;
mod floor;
mod refusal;
mod repository;
mod store;
mod tuf_client;

pub use self::{error::{ReceiveError, Result}, fetch::Limits, tuf_client::TufClient};
