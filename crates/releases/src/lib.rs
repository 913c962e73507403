//! Releases of packs: the signed repository they are published in and received from.
pub mod layout;
pub mod receive;
