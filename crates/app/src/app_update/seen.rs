//! What was seen of announcements: when one was last read, and the newest. An older one than that is a replay.

use std::{fs, io, io::Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::refusal::Refused;
use crate::home::Home;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seen {
    /// When an announcement was last read.
    pub(super) last_check: Option<Timestamp>,
    /// When the newest announcement was signed, in seconds since 1970.
    newest: Option<i64>,
}

impl Seen {
    /// Takes an announcement that was signed then, if none newer was seen.
    pub(super) fn take(&mut self, at: Option<i64>) -> Result<(), Refused> {
        let Some(at) = at else {
            return Err(Refused::NotUnderstood {
                what: "the signature of the announcement".to_owned(),
                why: "it does not say when it was made".to_owned(),
            });
        };
        match self.newest {
            Some(newest) if newest > at => Err(Refused::Replayed),
            _ => {
                self.newest = Some(at);
                Ok(())
            }
        }
    }
}

/// What was kept. A file that is damaged is as if nothing was seen: the version that runs is still a floor.
pub(super) fn read(home: &Home) -> Seen {
    let text = fs::read(home.app_updates()).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

pub(super) fn write(home: &Home, seen: &Seen) -> io::Result<()> {
    let path = home.app_updates();
    let fresh = path.with_extension("json.new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(serde_json::to_string_pretty(seen).map_err(io::Error::other)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, &path)
}
