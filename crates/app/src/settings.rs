//! The few things a person can choose, in a small file of their own.

use std::{fs, io};

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
        self.home().keep(&self.home().settings(), settings)?;
        Ok(settings.clone())
    }
}
