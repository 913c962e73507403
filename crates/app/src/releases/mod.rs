//! Releases of packs, received.

mod refusal;
mod tuf_client;

pub use tuf_client::TufClient;
