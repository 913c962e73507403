//! Secrets: the keychain of the operating system behind one small trait, and masking of what must not be shown.
//!
//! What it is:
//! - [`Keychain`], with [`OsKeychain`] for people and `MemoryKeychain` (feature `testing`) for tests; [`VaultError`]
//!   tells apart what a person can do something about.
//! - [`check_value`] and [`generate`]: what may be a value, and a new one.
//! - [`Masker`]: keeps values, in all the forms they take on their way into a log, out of it.
//!
//! What it refuses to know: what a credential is for, who issued it, when it expires, which step uses it. That is in
//! the journal; here are values and their names, nothing else. There is no file, no fallback and no cache: without a
//! keychain nothing is stored.
//!
//! To add one more keychain: a file in `os/` with `store`, `probe`, `unlock_for_new_entry` and `classify`. To add one
//! more form to mask: a function in `masking/forms.rs` and a line in its test.

mod error;
mod keychain;
mod lane;
mod masking;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod os;
mod value;

pub use error::VaultError;
pub use keychain::Keychain;
pub use masking::{MaskStream, Masker};
#[cfg(any(test, feature = "testing"))]
pub use memory::{Behaviour, MemoryKeychain};
pub use os::{DEFAULT_TIMEOUT, OsKeychain, SERVICE};
pub use value::{MAX_UTF16_UNITS, MIN_BYTES, check_value, generate};
