//! From the bytes of a batch to a verdict for each event of it.

pub mod attributes;
pub mod batch;
pub mod clock;
mod datum;
pub mod event;
pub mod marks;
pub mod queue;
pub mod request;
pub mod survey;

pub use clock::Handshake;
pub use event::{Event, Read, Refused};
pub use marks::Marks;
