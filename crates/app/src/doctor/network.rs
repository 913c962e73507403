//! Proxy and certificates: what this machine says, and what git, npm, pip and cargo go by.

use std::{env, path::Path};

use firstlight_contract::doctor::{Finding, FindingLevel};
use firstlight_domain::{
    facts::{Facts, Os},
    state::Failure,
};
use firstlight_engine::providers::network::{Need, Standing, Survey, Tool};

use super::{finding, ok};
use crate::error::sentence;

/// What was found of both.
pub(super) fn findings(survey: &Survey, facts: &Facts) -> Vec<Finding> {
    let mut all = vec![proxy(survey), certificates(survey, facts), own_authorities(survey)];
    all.extend(survey.tools.iter().map(|(name, standing)| tool(*name, standing, survey)));
    all
}

fn proxy(survey: &Survey) -> Finding {
    let (id, title) = ("proxy", "Proxy");
    let set: Vec<&str> = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
        .collect();
    let found = match &survey.proxy {
        _ if !set.is_empty() => format!("Set by {}.", set.join(", ")),
        Some(proxy) => return ok(id, title, &format!("Set by {}: {}.", proxy.from, proxy.shown())),
        None => return ok(id, title, "None is set; connections go out directly."),
    };
    let without = env::var_os("NO_PROXY").or_else(|| env::var_os("no_proxy")).is_none();
    if without {
        let hint = "Set NO_PROXY=localhost,127.0.0.1 so that services on this machine are reached directly."
            .to_owned();
        return finding(id, title, FindingLevel::Warn, found, Some(hint));
    }
    ok(id, title, &found)
}

fn certificates(survey: &Survey, facts: &Facts) -> Finding {
    let (id, title) = ("ca", "Trusted certificates");
    for name in
        ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO"]
    {
        let named = env::var_os(name).filter(|path| !path.is_empty());
        if let Some(path) = named.filter(|path| !Path::new(path).is_file()) {
            let found = format!("{name} names {}, which is not there.", Path::new(&path).display());
            let hint = Some(format!("Correct {name}, or unset it."));
            return finding(id, title, FindingLevel::Bad, found, hint);
        }
    }
    match &survey.store.file {
        Some(path) => ok(id, title, &format!("The system's store is {}.", path.display())),
        None if facts.os != Os::Linux => ok(id, title, "The system's own store is used."),
        None => finding(
            id,
            title,
            FindingLevel::Bad,
            "The system's store of certificates is missing.".to_owned(),
            Some("Install the package `ca-certificates`.".to_owned()),
        ),
    }
}

fn own_authorities(survey: &Survey) -> Finding {
    let (id, title) = ("private-ca", "Your company's certificates");
    match &survey.store.private {
        None => {
            let found =
                "Which of the trusted certificates are your company's cannot be told here.".to_owned();
            let hint = "If a connection is refused for its certificate, give your company's with \
                        `firstlight doctor --fix --ca FILE`.";
            finding(id, title, FindingLevel::Unknown, found, Some(hint.to_owned()))
        }
        Some(none) if none.is_empty() => ok(id, title, "Only public authorities are trusted."),
        Some(_) => {
            let found = format!("This machine was given {} besides the public ones.", survey.wanted_names());
            ok(id, title, &found)
        }
    }
}

fn tool(tool: Tool, standing: &Result<Standing, Failure>, survey: &Survey) -> Finding {
    let (id, title) = (format!("tool-{}", tool.name()), tool.name());
    let standing = match standing {
        Ok(standing) => standing,
        Err(failure) => {
            let hint = failure.hint.as_deref().map(sentence);
            return finding(&id, title, FindingLevel::Unknown, sentence(&failure.cause), hint);
        }
    };
    let mut found = format!("It uses {}, and trusts {}.", standing.uses.proxy, standing.uses.ca);
    if !standing.contradicts.is_empty() {
        found.extend(standing.contradicts.iter().map(|one| format!(" {}", sentence(one))));
        let hint = "What you set yourself is not changed: change or remove it.".to_owned();
        return finding(&id, title, FindingLevel::Warn, found, Some(hint));
    }
    if standing.needs_proxy {
        found.push_str(" It does not know this machine's proxy.");
    }
    if standing.needs_ca != Need::Nothing {
        found.extend([" It does not trust ", &survey.wanted_names(), "."]);
    }
    if standing.lacks_something() {
        let hint = "`firstlight doctor --fix` shows what it would set, and asks.".to_owned();
        return Finding { can_fix: true, ..finding(&id, title, FindingLevel::Warn, found, Some(hint)) };
    }
    ok(&id, title, &found)
}
