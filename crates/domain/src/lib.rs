//! What Firstlight is about, with nothing of how: the pack model, the checklist graph, plans, the states of a step,
//! the events of a journey, and what is derived from them (progress, clock, waterfall).
//!
//! Pure. No file, process, network, keychain, database, clock or randomness is reached from here; time comes in as a
//! parameter. This crate refuses to know how a pack is written (`firstlight-packs`), how a step is done
//! (`firstlight-engine`) and how events are kept (`firstlight-journal`).
//!
//! One more thing that can happen to a journey: a variant in [`event::Event`], its effect in [`journey::Journey::apply`];
//! the compiler names every other place.

pub mod changes;
pub mod event;
pub mod expr;
pub mod facts;
pub mod finding;
pub mod graph;
pub mod host;
pub mod id;
pub mod journey;
pub mod kind;
pub mod pack;
pub mod plan;
pub mod registry;
pub mod release;
pub mod request;
pub mod sla;
pub mod span;
pub mod state;
pub mod survey;
pub mod waterfall;
