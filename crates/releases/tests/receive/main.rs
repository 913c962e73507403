//! Receiving, from repositories that are hostile in one way at a time. Each test is named after the requirement it shows.

mod floor;
mod freshness;
mod machine;
mod repository;
mod resume;
mod rings;
mod signatures;
mod site;
mod transport;
mod whole;
