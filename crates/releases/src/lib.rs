//! Releases of packs: the signed repository (The Update Framework) they are published in and received from.
//!
//! - [`layout`]: how a release looks there. Both halves know it, and nothing else of each other.
//! - [`publish`]: the admins' half. People draft, sign and publish; what is written is a folder for any static server.
//! - [`receive`]: everybody's half. What is forged, replayed, frozen, mixed or half-written is refused.
//!
//! It knows files and signatures, and refuses to know YAML, checklists, keychains and the application.
//!
//! One more kind of key: an implementation of [`publish::Signer`]. One more thing a repository says: its name and type in
//! [`layout`], who signs it in [`publish`], what a device makes of it in [`receive`].

pub mod layout;
pub mod publish;
pub mod receive;
