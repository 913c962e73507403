//! Advisories and what they are matched with: bytes in, findings out.
//!
//! An advisory is a record of the OSV schema ([`osv`]); what is there comes from a lockfile ([`lockfile`]) or is a program
//! of this machine; [`matching`] says which advisory is about what, by the evaluation algorithm of the schema. What a
//! scanner that is installed found is read from its SARIF or OSV-Scanner report ([`report`]) to the same [`Finding`].
//!
//! Pure: no file, process, network or clock is reached from here, and text of any kind comes to an answer or to an error
//! that says what is wrong with it. It refuses to know where records, lockfiles and reports come from, what is done about
//! a finding, and what blocks.
//!
//! One more lockfile: a variant of [`lockfile::Lockfile`], a file in `lockfile/`, its fixture in `tests/fixtures`. One more
//! ecosystem: a variant of [`package::Ecosystem`] with the order of its versions in [`version`].

mod evaluate;
mod finding;
pub mod lockfile;
mod matching;
pub mod osv;
pub mod package;
pub mod report;
mod severity;
pub mod version;

pub use self::{
    evaluate::{Verdict, affects},
    finding::Finding,
    matching::{Advisories, Matched, Unjudged},
};
