//! Who says what: defaults, a file, the environment, arguments.

use std::{collections::BTreeMap, path::Path};

use toml_edit::{Document, Item, TableLike, Value};

use super::{ConfigError, SETTINGS, at};

/// Variables begin with it.
const PREFIX: &str = "FIRSTLIGHT_HUB_";
/// Names the file; not a setting in it.
const FILE_VARIABLE: &str = "FIRSTLIGHT_HUB_CONFIG";

/// What is set, and where.
#[derive(Debug, Default)]
pub struct Layers {
    set: BTreeMap<&'static str, Said>,
    /// Of each webhook, by name.
    pub(super) webhooks: BTreeMap<String, BTreeMap<String, Said>>,
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) place: String,
}

impl Layers {
    /// Takes in a file.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| at(path.display(), format!("the configuration cannot be read: {cause}")))?;
        self.toml(&text, &path.display().to_string())
    }

    fn toml(&mut self, text: &str, name: &str) -> Result<(), ConfigError> {
        let line =
            |offset: usize| text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
        let place = |span: Option<std::ops::Range<usize>>| match span {
            Some(span) => format!("{name}:{}", line(span.start)),
            None => name.to_owned(),
        };
        let document =
            Document::parse(text).map_err(|error| at(place(error.span()), error.message().trim()))?;
        self.table(document.as_table(), "", &place)
    }

    fn table(
        &mut self,
        table: &dyn TableLike,
        above: &str,
        place: &dyn Fn(Option<std::ops::Range<usize>>) -> String,
    ) -> Result<(), ConfigError> {
        for (name, item) in table.iter() {
            let key = format!("{above}{name}");
            let span = table.get_key_value(name).and_then(|(key, _)| key.span()).or_else(|| item.span());
            let place_of = place(span);
            let group = SETTINGS.iter().any(|setting| setting.key.starts_with(&format!("{key}.")));
            if let Some(inner) = item.as_table_like().filter(|_| group) {
                self.table(inner, &format!("{key}."), place)?;
                continue;
            }
            if key == "webhooks" {
                self.take_webhooks(item, &place_of, place)?;
                continue;
            }
            let setting = known(&key).ok_or_else(|| at(&place_of, format!("there is no setting `{key}`")))?;
            let text = written(item)
                .ok_or_else(|| at(&place_of, format!("`{key}` is no text, number or list of texts")))?;
            self.say(setting, text, place_of);
        }
        Ok(())
    }

    /// `[webhooks.NAME]`, each a table of texts.
    fn take_webhooks(
        &mut self,
        item: &Item,
        at_all: &str,
        place: &dyn Fn(Option<std::ops::Range<usize>>) -> String,
    ) -> Result<(), ConfigError> {
        let no_table = |at_: &str| at(at_, "webhooks are tables, as [webhooks.chat] is");
        for (name, webhook) in item.as_table_like().ok_or_else(|| no_table(at_all))?.iter() {
            let fields = webhook.as_table_like().ok_or_else(|| no_table(at_all))?;
            let mut said = BTreeMap::new();
            for (key, item) in fields.iter() {
                let span = fields.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
                let place = place(span);
                let text = written(item)
                    .ok_or_else(|| at(&place, format!("`{key}` is no text or list of texts")))?;
                said.insert(key.to_owned(), Said { text, place });
            }
            self.webhooks.insert(name.to_owned(), said);
        }
        Ok(())
    }

    /// Takes in the environment.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX).filter(|_| variable != FILE_VARIABLE) else {
                continue;
            };
            let setting =
                SETTINGS.iter().find(|setting| setting.key.replace('.', "_").to_uppercase() == name);
            match setting {
                Some(setting) => self.say(setting.key, text, variable),
                None => return Err(at(&variable, "there is no such setting")),
            }
        }
        Ok(())
    }

    /// Takes in an argument, if it is there.
    pub fn argument(&mut self, key: &'static str, flag: &str, text: Option<String>) {
        if let Some(text) = text {
            self.say(key, text, flag.to_owned());
        }
    }

    fn say(&mut self, key: &'static str, text: String, place: String) {
        self.set.insert(key, Said { text, place });
    }

    /// Reads the setting `key`, wherever it is set.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, ConfigError> {
        let default =
            SETTINGS.iter().find(|setting| setting.key == key).map_or("", |setting| setting.default);
        let text = self.set.get(key).map_or(default, |said| said.text.as_str());
        parse(text).map_err(|message| {
            // A secret is not repeated, nor what may hold one: the password of a database is part of its URL.
            let secret = key.ends_with("token")
                || key.ends_with("secret")
                || text.contains("://")
                || text.contains("password");
            if secret { self.error(key, message) } else { at(self.place(key), format!("`{text}` {message}")) }
        })
    }

    /// An error about `key`, where it is set.
    pub(super) fn error(&self, key: &'static str, message: &str) -> ConfigError {
        at(self.place(key), format!("{key} {message}"))
    }

    fn place(&self, key: &str) -> &str {
        self.set.get(key).map_or("by default", |said| said.place.as_str())
    }
}

fn known(key: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|setting| setting.key).find(|known| *known == key)
}

/// A value as one would write it in a variable.
fn written(item: &Item) -> Option<String> {
    match item.as_value()? {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Array(values) => {
            let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            texts.map(|texts| texts.join(", "))
        }
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use crate::webhooks::{Happening, Template};

    fn variables(set: &[(&str, &str)]) -> Vec<(String, String)> {
        set.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn nothing_has_to_be_set() {
        let config = Config::from_layers(&Layers::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:7411");
        assert_eq!(config.database, Database::Sqlite("firstlight-hub.sqlite".into()));
        assert!(config.tls.is_none());
    }

    #[test]
    fn arguments_beat_variables_beat_the_file() {
        let mut layers = Layers::default();
        let file = "listen = \"0.0.0.0:1\"\nzone = \"Europe/Berlin\"\ntoken_days = 30\n\
                    trusted_proxies = [\"10.0.0.1\", \"::1\"]\n[tls]\ncert = \"a.pem\"\nkey = \"b.pem\"\n";
        layers.toml(file, "hub.toml").unwrap();
        layers
            .environment(variables(&[
                ("FIRSTLIGHT_HUB_LISTEN", "0.0.0.0:2"),
                ("FIRSTLIGHT_HUB_TLS_KEY", "c.pem"),
                ("FIRSTLIGHT_HUB_CONFIG", "hub.toml"),
                ("HOME", "/root"),
            ]))
            .unwrap();
        layers.argument("listen", "--listen", Some("0.0.0.0:3".to_owned()));
        layers.argument("database", "--database", None);
        let config = Config::from_layers(&layers).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.rules.zone.iana_name(), Some("Europe/Berlin"));
        assert_eq!(config.rules.token_life, SignedDuration::from_hours(720));
        assert_eq!(config.rules.trusted_proxies.len(), 2);
        assert_eq!(config.tls, Some(("a.pem".into(), "c.pem".into())));
    }

    #[test]
    fn webhooks_are_tables_with_names() {
        let read = |file: &str| {
            let mut layers = Layers::default();
            layers.toml(file, "hub.toml")?;
            Config::from_layers(&layers)
        };
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let config = read(&format!(
            "private_hosts = \"127.0.0.1\"\n[webhooks.chat]\nurl = \"https://hooks.example.com/T/B\"\n\
             secret = \"{secret}\"\ntemplate = \"slack\"\non = [\"opened\", \"breached\"]\n\
             [webhooks.desk]\nurl = \"http://127.0.0.1:9000/\"\nsecret = \"{secret}\"\ntemplate = \"jira\"\n\
             project = \"IT\"\n"
        ))
        .unwrap();
        let [chat, desk] = &config.webhooks[..] else { panic!("two webhooks") };
        assert_eq!((chat.name.as_str(), &chat.template), ("chat", &Template::Slack));
        assert_eq!(chat.on, [Happening::Opened, Happening::Breached]);
        assert_eq!(desk.template, Template::Jira { project: Some("IT".to_owned()) });
        assert_eq!(desk.on, Happening::ALL);
        let url = "url = \"https://hooks.example.com\"";
        for (file, expected) in [
            ("webhooks = 3", "hub.toml:1: webhooks are tables, as [webhooks.chat] is"),
            ("[webhooks.chat]\nurl = true", "hub.toml:2: `url` is no text or list of texts"),
            ("[webhooks.chat]\nurl = \"x\"", "hub.toml:2: webhooks.chat.url is no address"),
            (
                "[webhooks.chat]\nurl = \"http://hooks.example.com\"",
                "hub.toml:2: webhooks.chat.url is no https address without name and password",
            ),
            (&format!("[webhooks.chat]\n{url}"), "hub.toml:2: webhooks.chat.secret is not set"),
            (
                &format!("[webhooks.chat]\n{url}\nsecret = \"hunter2\""),
                "hub.toml:3: webhooks.chat.secret is shorter than 16 characters, which can be guessed",
            ),
            (
                &format!("[webhooks.chat]\n{url}\nsecret = \"{secret}\"\ntemplate = \"teams\""),
                "hub.toml:4: webhooks.chat.template is none of slack, jira, cloudevents",
            ),
            (
                &format!("[webhooks.chat]\n{url}\nsecret = \"{secret}\"\non = \"closed\""),
                "hub.toml:4: webhooks.chat.on is no list of opened, answered, breached",
            ),
            ("[webhooks.chat]\nsecrets = \"x\"", "hub.toml:2: there is no setting `webhooks.chat.secrets`"),
        ] {
            assert_eq!(read(file).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_identity_provider_is_set_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "hunter2\n").unwrap();
        let mut layers = Layers::default();
        let file = format!(
            "public_url = \"https://hub.acme.test/\"\n[oidc]\nissuer = \"https://id.acme.test/realms/acme\"\n\
             client_id = \"hub\"\nclient_secret_file = {secret:?}\nscopes = [\"email\", \"groups\"]\n\
             roles = [\"admin = platform\", \"step-owner:it-helpdesk = cn=helpdesk\"]\n"
        );
        layers.toml(&file, "hub.toml").unwrap();
        let config = Config::from_layers(&layers).unwrap();
        let oidc = config.rules.oidc.as_ref().unwrap();
        assert_eq!(oidc.issuer.as_str(), "https://id.acme.test/realms/acme");
        assert_eq!(oidc.scopes, ["email", "groups"]);
        assert!(oidc.wants_groups && oidc.client_secret.is_some());
        let roles: Vec<(String, &str)> =
            config.rules.group_roles.iter().map(|(role, group)| (role.to_string(), group.as_str())).collect();
        let helpdesk = ("step-owner:it-helpdesk".to_owned(), "cn=helpdesk");
        assert_eq!(roles, [("admin".to_owned(), "platform"), helpdesk]);
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_mistake_is_said_with_its_place() {
        let of_file = [
            ("listen = \"0.0.0.0:1\"\nlisten_at = 3\n", "hub.toml:2: there is no setting `listen_at`"),
            ("[tls]\ncart = \"a\"\n", "hub.toml:2: there is no setting `tls.cart`"),
            ("\nzone = true\n", "hub.toml:2: `zone` is no text, number or list of texts"),
            ("zone = \"Mars\"", "hub.toml:1: `Mars` is no time zone, as Europe/Berlin is"),
            ("[tls]\ncert = \"a\"", "hub.toml:2: tls.cert is set without tls.key"),
            (
                "[releases]\nfolder = \"repo\"\nkey = \"online.key\"",
                "hub.toml:3: releases.key is set without releases.passphrase_file",
            ),
            (
                "database_ca = \"ca.pem\"",
                "hub.toml:1: database_ca is set, and the database is a file on this machine",
            ),
            ("queue_events = 10", "hub.toml:1: `10` is less than one batch may have (1000)"),
            (
                "[oidc]\nissuer = \"http://id.acme.test\"",
                "hub.toml:2: oidc.issuer is no https URL without a query, as https://id.acme.test is",
            ),
            (
                "[oidc]\nissuer = \"https://id.acme.test\"",
                "hub.toml:2: oidc.issuer is set without oidc.client_id",
            ),
            (
                "[oidc]\nissuer = \"https://id.acme.test\"\nclient_id = \"hub\"",
                "hub.toml:2: oidc.issuer is set without public_url, where the provider sends people back to",
            ),
            ("[oidc]\nclient_id = \"hub\"", "hub.toml:2: oidc.client_id is set without oidc.issuer"),
            (
                "public_url = \"http://hub.acme.test\"",
                "hub.toml:1: public_url is no https URL without a path, as https://hub.acme.test is",
            ),
            (
                "oidc.roles = [\"king = platform\"]",
                "hub.toml:1: `king = platform` is no list of roles and groups, as viewer = engineers, admin = platform is",
            ),
            (
                "[oidc]\nclient_secret = \"a secret\"\nclient_secret_file = \"file\"",
                "hub.toml:3: oidc.client_secret_file is set, and so is oidc.client_secret",
            ),
            (
                "hooks.github_secret = \"short\"",
                "hub.toml:1: hooks.github_secret is shorter than 16 characters, which can be guessed",
            ),
            (
                "metrics_token = \"short\"",
                "hub.toml:1: metrics_token is shorter than 16 characters, which can be guessed",
            ),
        ];
        for (file, expected) in of_file {
            let mut layers = Layers::default();
            let error = layers.toml(file, "hub.toml").err();
            let error = error.unwrap_or_else(|| Config::from_layers(&layers).unwrap_err());
            assert_eq!(error.to_string(), expected);
        }
        let mut layers = Layers::default();
        assert!(layers.toml("zone = ", "hub.toml").unwrap_err().to_string().starts_with("hub.toml:1: "));
        let typo = layers.environment(variables(&[("FIRSTLIGHT_HUB_LISTNE", "x")])).unwrap_err();
        assert_eq!(typo.to_string(), "FIRSTLIGHT_HUB_LISTNE: there is no such setting");
        for (database, expected) in [
            ("postgres://hub:hunter2@db:many/hub", "--database: database is no URL of PostgreSQL, as "),
            ("postgres://hub:hunter2@/hub", "--database: database names no host"),
            ("postgre://hub:hunter2@db/hub", "--database: database is no database, as "),
            ("host=db password=hunter2", "--database: database is no database, as "),
            ("hub.sqlite", "--database: `hub.sqlite` is no database, as "),
        ] {
            layers.argument("database", "--database", Some(database.to_owned()));
            let error = Config::from_layers(&layers).unwrap_err().to_string();
            assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
        }
    }
}
