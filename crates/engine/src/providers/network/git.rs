//! git: `http.proxy` and `http.sslCAInfo` in the person's own configuration.

use std::{fmt::Write, path::PathBuf};

use firstlight_domain::{
    facts::{Facts, Os},
    state::Failure,
};

use super::{
    proxy,
    tool::{Additions, By, Now, Setting, Trusts, common_variable, own_variable, variable},
};
use crate::{process, provider::Context, providers::git::git};

pub(super) fn file(facts: &Facts) -> PathBuf {
    if let Some(named) = variable("GIT_CONFIG_GLOBAL") {
        return named.into();
    }
    let home = PathBuf::from(&facts.home);
    let usual = home.join(".gitconfig");
    let other =
        variable("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from).join("git/config");
    // git itself writes to the second only where there is no first.
    if !usual.exists() && other.is_file() { other } else { usual }
}

pub(super) async fn now(cx: &Context) -> Result<Now, Failure> {
    let asking = git(&cx.facts)
        .args(["config", "--null", "--show-scope", "--get-regexp", r"^http\.(proxy|sslcainfo|sslbackend)$"])
        // Outside of any repository, whose settings are its own.
        .cwd(&cx.facts.home);
    let exit = process::quick(cx, asking).await?;
    // 1: none of them is set.
    let said = if exit.code == 1 { String::new() } else { exit.or_fail("git config")?.text() };
    let setting = |key: &str| last(&said, key);
    let schannel = setting("http.sslbackend").is_some_and(|setting| setting.value == "schannel");
    Ok(Now {
        proxy: setting("http.proxy").or_else(|| common_variable(proxy::VARIABLES)),
        ca: own_variable("GIT_SSL_CAINFO").or_else(|| setting("http.sslcainfo")),
        trusts: match cx.facts.os {
            Os::Windows if !schannel => Trusts::OwnList,
            Os::Windows | Os::Linux | Os::Macos => Trusts::System,
        },
    })
}

/// The setting in force: of several, the last. Each is `scope NUL key LF value NUL`.
fn last(said: &str, key: &str) -> Option<Setting> {
    let mut words = said.split('\0');
    let mut found = None;
    while let (Some(scope), Some(entry)) = (words.next(), words.next()) {
        if let Some((_, value)) = entry.split_once('\n').filter(|(name, _)| *name == key) {
            let by = if scope == "global" { By::Person } else { By::Elsewhere("git's system configuration") };
            found = Some(Setting { value: value.to_owned(), by });
        }
    }
    found.filter(|setting| !setting.value.is_empty())
}

/// A section of its own at the end: git takes all sections of a name together.
pub(super) fn with(text: &str, additions: &Additions) -> String {
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str("[http]\n");
    for (key, value) in [("proxy", &additions.proxy), ("sslCAInfo", &additions.ca)] {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\t{key} = \"{}\"", value.replace('\\', r"\\").replace('"', "\\\""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_is_in_force() {
        let said = "system\0http.proxy\nhttp://a:1\0global\0http.proxy\nhttp://b:2\0global\0http.sslbackend\nopenssl\0";
        let found = last(said, "http.proxy").unwrap();
        assert_eq!((found.value.as_str(), found.by), ("http://b:2", By::Person));
        assert_eq!(last(said, "http.sslcainfo"), None);
        assert_eq!(
            last("system\0http.proxy\nx\0global\0http.proxy\n\0", "http.proxy"),
            None,
            "an empty one takes it back"
        );
    }
}
