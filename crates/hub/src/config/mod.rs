//! What an operator may set: in a file, in the environment, on the command line; the later wins. Nothing has to be set.
//! A mistake is said with the place where it was made.
//!
//! One more setting: a row in [`SETTINGS`], a field in [`Config`], and where it is read in [`Config::from_layers`].

mod layers;
mod oidc;
mod webhooks;

use std::{
    collections::BTreeMap,
    fmt::Display,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use jiff::{SignedDuration, tz::TimeZone};
use openidconnect::url::Url;

pub use layers::Layers;
use secrecy::SecretString;

use crate::{
    freshness,
    http::{HookSecrets, Rules},
    requests::calendar::{self, WorkingHours},
    secrets::hash_token,
    signin,
    store::postgres::Address,
    webhooks::Target,
};

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// Its key in the file; `a.b` is `b` in the table `[a]`. In the environment it is `FIRSTLIGHT_HUB_A_B`.
    pub key: &'static str,
    /// What holds if it is not set; empty for what is off then.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting { key: "listen", default: "127.0.0.1:7411", help: "Address and port to answer at." },
    Setting {
        key: "database",
        default: "sqlite:firstlight-hub.sqlite",
        help: "Where events are kept: sqlite:PATH, or postgres://USER@HOST/DATABASE.",
    },
    Setting {
        key: "database_ca",
        default: "",
        help: "PEM file with the authorities to trust for PostgreSQL, instead of the system's.",
    },
    Setting { key: "zone", default: "UTC", help: "The organisation's time zone: when a day begins." },
    Setting {
        key: "calendar.hours",
        default: "Mon-Fri 09:00-17:00",
        help: "When people work who are asked for something, as Mon-Thu 09:00-12:00 13:00-17:00, Fri 09:00-15:00.",
    },
    Setting {
        key: "calendar.holidays",
        default: "",
        help: "Days on which they do not, as 2026-12-25, 2026-12-26.",
    },
    Setting {
        key: "tls.cert",
        default: "",
        help: "PEM file with the certificate chain; off behind a proxy.",
    },
    Setting { key: "tls.key", default: "", help: "PEM file with its key." },
    Setting {
        key: "trusted_proxies",
        default: "127.0.0.1, ::1",
        help: "Addresses whose X-Forwarded-For is believed.",
    },
    Setting {
        key: "releases.folder",
        default: "",
        help: "A repository of releases, given at /releases: its folder.",
    },
    Setting { key: "releases.key", default: "", help: "The file of the key that signs it again, online." },
    Setting { key: "releases.passphrase_file", default: "", help: "A file with that key's passphrase." },
    Setting { key: "metrics_token", default: "", help: "Bearer token that reads /metrics from elsewhere." },
    Setting {
        key: "hooks.github_secret",
        default: "",
        help: "What GitHub signs its webhooks with; without it none are taken.",
    },
    Setting {
        key: "hooks.gitlab_secret",
        default: "",
        help: "GitLab's signing token for its webhooks; without it none are taken.",
    },
    Setting {
        key: "private_hosts",
        default: "",
        help: "Hosts inside your network that webhooks may be sent to, as jira.acme.test, 10.0.0.7.",
    },
    Setting {
        key: "public_url",
        default: "",
        help: "What people type to reach this hub, as https://hub.acme.test; needed for oidc, good behind a proxy.",
    },
    Setting {
        key: "contact",
        default: "whoever runs this hub",
        help: "Whom people ask for a role, as it goes into a sentence.",
    },
    Setting {
        key: "oidc.issuer",
        default: "",
        help: "The identity provider people sign in with, as it calls itself: https://id.acme.test.",
    },
    Setting { key: "oidc.client_id", default: "", help: "What the identity provider calls this hub." },
    Setting { key: "oidc.client_secret", default: "", help: "What proves that to it." },
    Setting { key: "oidc.client_secret_file", default: "", help: "The same, in a file." },
    Setting {
        key: "oidc.claim",
        default: "email",
        help: "The claim that names people as `code new --for` does.",
    },
    Setting { key: "oidc.scopes", default: "email", help: "What is asked for beside openid." },
    Setting { key: "oidc.groups_claim", default: "groups", help: "The claim that has people's groups." },
    Setting {
        key: "oidc.roles",
        default: "",
        help: "What groups give people while they are signed in: [\"viewer = engineers\", \"admin = platform\"].",
    },
    Setting {
        key: "oidc.seconds",
        default: "10",
        help: "How long the identity provider may take to answer.",
    },
    Setting { key: "session_hours", default: "12", help: "For how long people stay signed in." },
    Setting { key: "signins_per_minute", default: "120", help: "How often one address may try to sign in." },
    Setting { key: "token_days", default: "365", help: "How long the token of a device counts." },
    Setting { key: "queue_events", default: "20000", help: "How many events may wait to be written." },
    Setting { key: "requests_per_minute", default: "600", help: "How often one device may ask." },
    Setting {
        key: "enrolments_per_minute",
        default: "20",
        help: "How often one address may try an enrolment code.",
    },
    Setting {
        key: "read_seconds",
        default: "20",
        help: "How long the head of a request, then its body, may take to arrive.",
    },
    Setting {
        key: "stop_seconds",
        default: "10",
        help: "How long requests may take to end when the hub stops.",
    },
];

/// Everything that is set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to answer.
    pub listen: SocketAddr,
    /// Where events are kept.
    pub database: Database,
    /// Certificate and key, if the hub encrypts.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How the repository of releases is kept fresh, if the hub does.
    pub freshness: Option<freshness::Settings>,
    /// How many events may wait.
    pub queue_events: NonZeroU32,
    /// How long requests may take to end.
    pub stop_patience: Duration,
    /// Who is told what happens to requests.
    pub webhooks: Vec<Target>,
    /// Hosts that they may be told at though they lie inside.
    pub private_hosts: Vec<String>,
    /// What the routes need.
    pub rules: Rules,
    /// The settings that rights depend on, as they are written; of a secret only whether there is one. Another value is
    /// written into the audit log.
    pub audited: BTreeMap<String, String>,
}

/// What others may do depends on them.
const AUDITED: &[&str] = &[
    "enrolments_per_minute",
    "hooks.github_secret",
    "hooks.gitlab_secret",
    "listen",
    "metrics_token",
    "oidc.claim",
    "oidc.client_id",
    "oidc.client_secret",
    "oidc.client_secret_file",
    "oidc.groups_claim",
    "oidc.issuer",
    "oidc.roles",
    "public_url",
    "requests_per_minute",
    "session_hours",
    "signins_per_minute",
    "tls.cert",
    "token_days",
    "trusted_proxies",
    "zone",
];

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// One file.
    Sqlite(PathBuf),
    /// A server, for any number of hubs.
    Postgres(Box<Address>),
}

/// A setting that does not work, and where it was made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ConfigError {
    /// A line of a file, a variable, an argument.
    pub place: String,
    /// What is wrong, and what would not be.
    pub message: String,
}

impl Config {
    /// Reads every setting.
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let tls = tls(layers)?;
        let public_url = public_url(layers)?;
        let oidc::Oidc { provider, group_roles } = oidc::read(layers, public_url.as_ref())?;
        let (released, freshness) = releases(layers)?;
        let rules = Rules {
            zone: layers.read("zone", |text| {
                TimeZone::get(text).map_err(|_| "is no time zone, as Europe/Berlin is")
            })?,
            token_life: layers.read("token_days", |text| {
                whole(text).map(|days| SignedDuration::from_hours(i64::from(days.get().min(36_500)) * 24))
            })?,
            read_patience: layers.read("read_seconds", seconds)?,
            enrolments_per_minute: layers.read("enrolments_per_minute", whole)?,
            requests_per_minute: layers.read("requests_per_minute", whole)?,
            trusted_proxies: layers.read("trusted_proxies", |text| {
                let addresses = text.split(',').map(str::trim).filter(|address| !address.is_empty());
                addresses.map(parsed::<IpAddr>("is no list of addresses, as 10.0.0.1, ::1 is")).collect()
            })?,
            metrics_token: layers.read("metrics_token", |text| match text.len() {
                0 => Ok(None),
                1..16 => Err("is shorter than 16 characters, which can be guessed"),
                _ => Ok(Some(hash_token(text))),
            })?,
            hooks: HookSecrets {
                github: layers.read("hooks.github_secret", secret)?,
                gitlab: layers.read("hooks.gitlab_secret", secret)?,
            },
            releases: released,
            working_hours: working_hours(layers)?,
            encrypts: tls.is_some(),
            public_url,
            signins_per_minute: layers.read("signins_per_minute", whole)?,
            session_life: layers.read("session_hours", |text| {
                whole(text).map(|hours| SignedDuration::from_hours(hours.get().min(24 * 365).into()))
            })?,
            contact: layers.read("contact", |text| Ok(text.trim().to_owned()))?,
            oidc: provider,
            group_roles,
        };
        let private_hosts: Vec<String> = layers.read("private_hosts", |text| {
            let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
            Ok(hosts.map(str::to_owned).collect())
        })?;
        Ok(Self {
            listen: layers.read("listen", parsed("is no address with a port, as 0.0.0.0:7411 is"))?,
            database: database_of(layers)?,
            tls,
            freshness,
            queue_events: layers.read("queue_events", |text| {
                let least = u32::try_from(crate::ingest::batch::MOST_EVENTS).unwrap_or(u32::MAX);
                let events = whole(text)?;
                if events.get() < least { Err("is less than one batch may have (1000)") } else { Ok(events) }
            })?,
            stop_patience: layers.read("stop_seconds", seconds)?,
            webhooks: webhooks::targets(layers, &private_hosts)?,
            private_hosts,
            rules,
            audited: audited(layers)?,
        })
    }
}

fn working_hours(layers: &Layers) -> Result<WorkingHours, ConfigError> {
    let hours = layers.read("calendar.hours", |text| calendar::week(text).map(|_| text.to_owned()))?;
    let holidays =
        layers.read("calendar.holidays", |text| calendar::holidays(text).map(|_| text.to_owned()))?;
    let working = WorkingHours { zone: layers.read("zone", |text| Ok(text.to_owned()))?, hours, holidays };
    working.calendar(1).map_err(|wrong| layers.error("calendar.hours", wrong))?;
    Ok(working)
}

fn audited(layers: &Layers) -> Result<BTreeMap<String, String>, ConfigError> {
    let read = |key: &&'static str| {
        let text = layers.read(key, |text| Ok(text.to_owned()))?;
        let secret = key.ends_with("_secret") || *key == "metrics_token";
        let text = if secret && !text.is_empty() { "(set)".to_owned() } else { text };
        Ok(((*key).to_owned(), text))
    };
    AUDITED.iter().map(read).collect()
}

fn secret(text: &str) -> Result<Option<SecretString>, &'static str> {
    match text.len() {
        0 => Ok(None),
        1..16 => Err("is shorter than 16 characters, which can be guessed"),
        _ => Ok(Some(SecretString::from(text))),
    }
}

fn public_url(layers: &Layers) -> Result<Option<Url>, ConfigError> {
    match layers.read("public_url", |text| Ok(text.to_owned()))?.as_str() {
        "" => Ok(None),
        text => match signin::Settings::public_url(text) {
            Ok(url) => Ok(Some(url)),
            Err(error) => Err(layers.error("public_url", &error.to_string())),
        },
    }
}

fn parsed<T: FromStr>(otherwise: &'static str) -> impl Fn(&str) -> Result<T, &'static str> {
    move |text| text.parse().map_err(|_| otherwise)
}

fn whole(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "is no whole number above 0")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    whole(text).map(|seconds| Duration::from_secs(seconds.get().into()))
}

/// What a database is called.
pub fn database(text: &str) -> Result<Database, &'static str> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Address::parse(text).map(|address| Database::Postgres(Box::new(address)));
    }
    match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => Ok(Database::Sqlite(path.into())),
        _ => Err("is no database, as sqlite:/var/lib/firstlight-hub/hub.sqlite or \
                  postgres://hub@db.example.com/hub is"),
    }
}

fn database_of(layers: &Layers) -> Result<Database, ConfigError> {
    match (layers.read("database", database)?, path(layers, "database_ca")?) {
        (Database::Postgres(address), authorities) => {
            Ok(Database::Postgres(Box::new(address.trusting(authorities))))
        }
        (Database::Sqlite(_), Some(_)) => {
            Err(layers.error("database_ca", "is set, and the database is a file on this machine"))
        }
        (sqlite, None) => Ok(sqlite),
    }
}

fn path(layers: &Layers, key: &'static str) -> Result<Option<PathBuf>, ConfigError> {
    layers.read(key, |text| Ok((!text.is_empty()).then(|| PathBuf::from(text))))
}

/// The repository's folder, and what keeps it fresh.
fn releases(layers: &Layers) -> Result<(Option<PathBuf>, Option<freshness::Settings>), ConfigError> {
    let keys = ["releases.folder", "releases.key", "releases.passphrase_file"];
    let [folder, key, passphrase] = keys.map(|key| path(layers, key));
    match (folder?, key?, passphrase?) {
        (Some(folder), Some(key), Some(passphrase)) => {
            Ok((Some(folder.clone()), Some(freshness::Settings { folder, key, passphrase })))
        }
        (folder, None, None) => Ok((folder, None)),
        (None, ..) => Err(layers.error(keys[0], "is not set, and other settings of it are")),
        (_, None, _) => Err(layers.error(keys[2], "is set without releases.key")),
        (.., None) => Err(layers.error(keys[1], "is set without releases.passphrase_file")),
    }
}

fn tls(layers: &Layers) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (path(layers, "tls.cert")?, path(layers, "tls.key")?) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (Some(_), None) => Err(layers.error("tls.cert", "is set without tls.key")),
        (None, Some(_)) => Err(layers.error("tls.key", "is set without tls.cert")),
    }
}

/// An error at a place.
fn at(place: impl Display, message: impl Into<String>) -> ConfigError {
    ConfigError { place: place.to_string(), message: message.into() }
}
