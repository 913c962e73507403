//! npm: `proxy`, `https-proxy` and `cafile` in `.npmrc`.

use std::path::{Path, PathBuf};

use firstlight_domain::{facts::Facts, state::Failure};

use super::{
    insert, proxy,
    tool::{Additions, By, Now, Setting, Trusts, common_variable, variable},
};
use crate::{
    process::{self, Process},
    provider::Context,
};

pub(super) fn file(facts: &Facts) -> PathBuf {
    variable("NPM_CONFIG_USERCONFIG")
        .or_else(|| variable("npm_config_userconfig"))
        .map_or_else(|| Path::new(&facts.home).join(".npmrc"), PathBuf::from)
}

pub(super) async fn now(cx: &Context) -> Result<Now, Failure> {
    let asking = Process::new("npm")
        .args(["config", "get", "cafile", "https-proxy", "proxy"])
        .env("HOME", &cx.facts.home)
        .env("NO_COLOR", "1")
        // Outside of any project, whose settings are its own.
        .cwd(&cx.facts.home);
    let said = process::quick(cx, asking).await?.or_fail("npm config")?.text();
    let own = insert::text(&file(&cx.facts), Path::new(&cx.facts.home)).ok().flatten().unwrap_or_default();
    let setting = |key: &str| {
        let value = value(&said, key).filter(|value| !matches!(*value, "null" | "" | "undefined"))?;
        let by = match is_variable(key) {
            Some(by) => by,
            None if self::value(&own, key).is_some() => By::Person,
            None => By::Elsewhere("npm's system configuration"),
        };
        Some(Setting { value: value.to_owned(), by })
    };
    let options = variable("NODE_OPTIONS").is_some_and(|options| options.contains("--use-system-ca"));
    let system = options || variable("NODE_USE_SYSTEM_CA").is_some_and(|value| value == "1");
    Ok(Now {
        proxy: setting("https-proxy")
            .or_else(|| setting("proxy"))
            .or_else(|| common_variable(proxy::VARIABLES)),
        ca: setting("cafile").or_else(|| common_variable(["NODE_EXTRA_CA_CERTS"])),
        trusts: if system { Trusts::System } else { Trusts::OwnList },
    })
}

/// npm takes any of its settings from a variable, whichever way that is spelled.
fn is_variable(key: &str) -> Option<By> {
    let wanted = format!("npm_config_{}", key.replace('-', "_"));
    std::env::vars().any(|(name, value)| !value.is_empty() && name.eq_ignore_ascii_case(&wanted)).then_some(
        By::Variable(match key {
            "cafile" => "NPM_CONFIG_CAFILE",
            "https-proxy" => "NPM_CONFIG_HTTPS_PROXY",
            _ => "NPM_CONFIG_PROXY",
        }),
    )
}

/// The value of a key, of several the last; in a section it is something else.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let lines = text.lines().take_while(|line| !line.trim_start().starts_with('['));
    let of_key = |line: &'a str| line.split_once('=').filter(|(name, _)| name.trim() == key);
    lines.filter_map(of_key).last().map(|(_, value)| value.trim())
}

/// At the beginning: further down it might be in a section.
pub(super) fn with(text: &str, additions: &Additions) -> String {
    let all = [("proxy", &additions.proxy), ("https-proxy", &additions.proxy), ("cafile", &additions.ca)];
    let lines = all.iter().filter_map(|(key, value)| Some(format!("{key}={}\n", escaped(value.as_ref()?))));
    lines.chain([text.to_owned()]).collect()
}

/// `;` and `#` would begin a comment.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace(';', r"\;").replace('#', r"\#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_last_outside_of_sections() {
        assert_eq!(value("a=1\n; proxy=2\nproxy = 3\nproxy=4\n[x]\nproxy=5\n", "proxy"), Some("4"));
        assert_eq!(value("https-proxy=1\n", "proxy"), None);
    }
}
