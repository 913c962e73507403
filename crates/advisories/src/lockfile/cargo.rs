//! `Cargo.lock`.

use serde::Deserialize;

use super::{Listed, LockfileError, toml};
use crate::package::{Ecosystem, Package};

/// The newest version of the format.
const NEWEST: u64 = 4;
/// Where crates.io is, in its two protocols.
const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Listed, LockfileError> {
    let written: Written = toml(text)?;
    if written.version > NEWEST {
        return Err(LockfileError::TooNew(written.version));
    }
    let mut listed = Listed::default();
    for locked in written.package {
        match locked.source.as_deref() {
            // The project's own.
            None => {}
            Some(source) if CRATES_IO.contains(&source) => {
                listed.packages.push(Package::new(Ecosystem::CratesIo, &locked.name, &locked.version));
            }
            Some(source) => {
                let why = match source.split_once('+') {
                    Some(("git", _)) => "it comes from a repository, not from crates.io",
                    _ => "it comes from another registry than crates.io",
                };
                listed.left_out(Ecosystem::CratesIo, &locked.name, &locked.version, why);
            }
        }
    }
    Ok(listed)
}
