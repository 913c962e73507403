//! The settings of the organisation's identity provider, which go together.

use std::{fs, time::Duration};

use openidconnect::{ClientId, url::Url};
use secrecy::SecretString;

use super::{ConfigError, Layers, path, whole};
use crate::{rights::Grant, signin::Settings};

/// What is set of it.
#[derive(Debug, Default)]
pub(super) struct Oidc {
    pub(super) provider: Option<Settings>,
    /// What groups give people.
    pub(super) group_roles: Vec<(Grant, String)>,
}

pub(super) fn read(layers: &Layers, public_url: Option<&Url>) -> Result<Oidc, ConfigError> {
    let text = |key| layers.read(key, |text| Ok(text.trim().to_owned()));
    let (issuer, client_id) = (text("oidc.issuer")?, text("oidc.client_id")?);
    let group_roles = group_roles(layers)?;
    let client_secret = client_secret(layers)?;
    if issuer.is_empty() {
        let beside = [
            ("oidc.client_id", !client_id.is_empty()),
            ("oidc.client_secret", client_secret.is_some()),
            ("oidc.roles", !group_roles.is_empty()),
        ];
        return match beside.into_iter().find(|(_, set)| *set) {
            Some((key, _)) => Err(layers.error(key, "is set without oidc.issuer")),
            None => Ok(Oidc::default()),
        };
    }
    let issuer =
        Settings::issuer(&issuer).map_err(|error| layers.error("oidc.issuer", &error.to_string()))?;
    if client_id.is_empty() {
        return Err(layers.error("oidc.issuer", "is set without oidc.client_id"));
    }
    let Some(public_url) = public_url.cloned() else {
        return Err(
            layers.error("oidc.issuer", "is set without public_url, where the provider sends people back to")
        );
    };
    let provider = Settings {
        issuer,
        client_id: ClientId::new(client_id),
        client_secret,
        public_url,
        claim: text("oidc.claim")?,
        groups_claim: text("oidc.groups_claim")?,
        wants_groups: !group_roles.is_empty(),
        scopes: layers.read("oidc.scopes", |text| Ok(words(text).map(str::to_owned).collect()))?,
        patience: layers.read("oidc.seconds", |text| {
            whole(text).map(|seconds| Duration::from_secs(seconds.get().min(60).into()))
        })?,
    };
    Ok(Oidc { provider: Some(provider), group_roles })
}

/// Apart by commas, as lists are, or by spaces, as scopes are written elsewhere.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).filter(|word| !word.is_empty())
}

fn group_roles(layers: &Layers) -> Result<Vec<(Grant, String)>, ConfigError> {
    layers.read("oidc.roles", |text| {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (role, group) = pair.split_once('=')?;
            let (role, group) = (role.trim().parse().ok()?, group.trim().to_owned());
            (!group.is_empty()).then_some((role, group))
        };
        let wrong = "is no list of roles and groups, as viewer = engineers, admin = platform is";
        pairs.map(|pair| read(pair).ok_or(wrong)).collect()
    })
}

fn client_secret(layers: &Layers) -> Result<Option<SecretString>, ConfigError> {
    let secret =
        layers.read("oidc.client_secret", |text| Ok((!text.is_empty()).then(|| SecretString::from(text))))?;
    match (secret, path(layers, "oidc.client_secret_file")?) {
        (Some(_), Some(_)) => {
            Err(layers.error("oidc.client_secret_file", "is set, and so is oidc.client_secret"))
        }
        (secret, None) => Ok(secret),
        (None, Some(file)) => match fs::read_to_string(&file) {
            Ok(text) if !text.trim().is_empty() => Ok(Some(SecretString::from(text.trim()))),
            Ok(_) => Err(layers.error("oidc.client_secret_file", "names a file in which there is nothing")),
            Err(cause) => {
                let why = format!("names a file that cannot be read: {}: {cause}", file.display());
                Err(layers.error("oidc.client_secret_file", &why))
            }
        },
    }
}
