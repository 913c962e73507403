//! The few things a person can choose.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Kept in `settings.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    /// Light or dark.
    pub theme: Theme,
    /// Which language; empty follows the system.
    pub language: String,
    /// Less motion than the system asks for.
    pub reduce_motion: bool,
    /// Whether a letter by itself does something (`L` opens the log). People who dictate turn that off (WCAG 2.1.4).
    pub single_keys: bool,
    /// Whether the person may give administrator rights on this machine though no group shows it.
    pub administrator: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            language: String::new(),
            reduce_motion: false,
            single_keys: true,
            administrator: false,
        }
    }
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// Everything the window needs for its first paint, in one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Launch {
    /// The app's version.
    pub version: String,
    /// What the person chose.
    pub settings: Settings,
    /// The pack at hand: the journey's, the link's, the company's, or the sample.
    pub pack: Option<crate::pack::PackOverview>,
    /// The journey, if one has begun.
    pub journey: Option<crate::journey::JourneyView>,
    /// How this machine stands with the releases of its pack.
    pub releases: crate::releases::UpdateView,
    /// What is wrong with this machine's Firstlight, if anything (damaged journal, unreadable pack).
    pub problem: Option<crate::error::ErrorBody>,
    /// The data folder.
    pub home: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_did_not_ask_is_as_if_not_chosen() {
        let older = r#"{ "theme": "dark", "language": "de", "reduce_motion": true }"#;
        let settings: Settings = serde_json::from_str(older).unwrap();
        assert_eq!((settings.theme, settings.single_keys), (Theme::Dark, true));
        let chosen = Settings { single_keys: false, ..settings };
        let kept = serde_json::to_string(&chosen).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&kept).unwrap(), chosen);
    }
}
