//! The few things a person can choose, in a small file of their own.

use std::{fs, io, io::Write as _};

use firstlight_contract::settings::Settings;
use firstlight_engine::facts::Admin;

use crate::{error::Result, session::Firstlight};

impl Firstlight {
    /// What the person chose; what cannot be read is as if not chosen, and is kept until they choose again.
    pub fn settings(&self) -> Settings {
        let text = match fs::read_to_string(self.home().settings()) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, "settings cannot be read");
                }
                return Settings::default();
            }
        };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "settings cannot be understood");
            Settings::default()
        })
    }

    /// Who gives administrator rights here, as far as groups show it or the person said so.
    pub(crate) async fn admin(&self) -> Admin {
        firstlight_engine::facts::admin(self.facts(), self.settings().administrator).await
    }

    /// Keeps what the person chose.
    pub fn save_settings(&self, settings: &Settings) -> Result<Settings> {
        let path = self.home().settings();
        let fresh = path.with_extension("json.new");
        let write = || -> io::Result<()> {
            let mut file = fs::File::create(&fresh)?;
            file.write_all(serde_json::to_string_pretty(settings).map_err(io::Error::other)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            // Makes the name durable. Windows keeps it with the file and cannot open a folder.
            if cfg!(unix) { fs::File::open(self.home().root())?.sync_all() } else { Ok(()) }
        };
        write().map_err(|error| self.home().not_writable(&error))?;
        Ok(settings.clone())
    }
}
