//! Doing what a step says, on this machine: providers (check → apply → check again, undo), running processes without
//! leaving any behind, planning without touching anything, and walking the graph in parallel.
//!
//! It refuses to know how packs are written, where events are kept, what a keychain is, and who is watching: all that
//! comes in through [`host::Host`].
//!
//! One more provider: a file in `providers/` with its parameters (`With`, deriving `Deserialize` and `JsonSchema`), an
//! implementation of [`provider::Provider`] and [`provider::Operation`], what it does in words in `providers/docs`, its
//! tests, a row in `tests/provider_kinds/undone`, and a line in
//! [`providers::all`]. The reference and the pack schema are generated from it (`cargo xtask gen`).

mod barred;
mod engine;
pub mod facts;
pub mod host;
mod lanes;
mod plan;
mod policy;
pub mod probe;
pub mod process;
pub mod provider;
pub mod providers;
mod retry;
mod run;
mod schedule;
mod single;
mod step;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tool_version;

pub use barred::{Bar, Barred, What};
pub use engine::{Engine, EngineError};
pub use run::{RunRequest, RunSummary};
pub use step::STILL_DOES_NOT_HOLD;
pub use tool_version::ToolVersion;
