//! `[webhooks.NAME]`: whom the hub tells what happens to requests. Only in the file: an address of a chat and a secret are
//! nothing for a command line.

use reqwest::Url;
use secrecy::SecretString;

use super::{ConfigError, at, layers::Layers};
use crate::webhooks::{Happening, Target, Template, checked};

/// What may be set of a webhook.
const FIELDS: [&str; 5] = ["url", "secret", "template", "on", "project"];

pub(super) fn targets(layers: &Layers, private_hosts: &[String]) -> Result<Vec<Target>, ConfigError> {
    layers.webhooks.keys().map(|name| target(layers, name, private_hosts)).collect()
}

fn target(layers: &Layers, name: &str, private_hosts: &[String]) -> Result<Target, ConfigError> {
    let said = layers.webhooks.get(name);
    let field = |key: &str| said.and_then(|said| said.get(key));
    if let Some((key, wrong)) = said.into_iter().flatten().find(|(key, _)| !FIELDS.contains(&key.as_str())) {
        return Err(at(&wrong.place, format!("there is no setting `webhooks.{name}.{key}`")));
    }
    let text = |key: &str| field(key).map(|said| said.text.trim()).filter(|text| !text.is_empty());
    // The value is not repeated: it may be a secret.
    let wrong = |key: &str, why: &str| {
        let place = field(key).or_else(|| said.and_then(|said| said.values().next()));
        let place = place.map_or("hub.toml", |said| said.place.as_str());
        at(place, format!("webhooks.{name}.{key} {why}"))
    };
    let needed = |key: &str| text(key).ok_or_else(|| wrong(key, "is not set"));
    let url: Url = needed("url")?.parse().map_err(|_| wrong("url", "is no address"))?;
    checked(&url, private_hosts).map_err(|error| wrong("url", &error.to_string()))?;
    let secret = SecretString::from(needed("secret")?);
    if needed("secret")?.len() < 16 {
        return Err(wrong("secret", "is shorter than 16 characters, which can be guessed"));
    }
    if crate::signals::signature::sign("", "", &secret, b"").is_none() {
        return Err(wrong("secret", "is no base64 after whsec_"));
    }
    let project = text("project").map(str::to_owned);
    let template = match (text("template").unwrap_or("cloudevents"), project) {
        ("jira", project) => Template::Jira { project },
        (_, Some(_)) => return Err(wrong("project", "is set, and template is not jira")),
        ("cloudevents", None) => Template::CloudEvents,
        ("slack", None) => Template::Slack,
        _ => return Err(wrong("template", "is none of slack, jira, cloudevents")),
    };
    let on = text("on").unwrap_or("opened, answered, breached").split(',').map(str::trim);
    let on = on.map(|one| {
        Happening::named(one).ok_or_else(|| wrong("on", "is no list of opened, answered, breached"))
    });
    Ok(Target { name: name.to_owned(), url, secret, template, on: on.collect::<Result<_, _>>()? })
}
