//! The statistics of Firstlight, and what each figure means: time to first value, adoption, activity, surveys, funnels,
//! service levels, and whether a release helped.
//!
//! Pure: numbers in, numbers out. This crate refuses to know where events come from, how they are kept and how a figure
//! is shown. Every figure comes with how many it is about and how sure it is; where there is too little to say
//! something, that is the answer (`None`), never a zero. Everything is checked against published tables
//! (`tests/vectors.rs`) and by properties (`tests/properties.rs`).
//!
//! One more figure: a file here that says in its first lines what it means, with its source, and its vectors in the tests.

pub mod activity;
pub mod funnel;
mod interval;
pub mod mean;
pub mod proportion;
pub mod retrospective;
pub mod suppression;
pub mod survey;
pub mod survival;
pub mod working_time;

pub use interval::{Interval, Level};
