//! Which proxy this machine says its programs should use.

use firstlight_domain::facts::Os;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::{
    process::{self, Process},
    provider::Context,
};

/// The variables that name the proxy for `https`, in the order in which programs look.
pub(super) const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Any host that no list of exceptions names.
const ANYWHERE: &str = "https://registry.example/";

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, without a name or a password.
    pub address: Url,
    /// Whether a name or a password goes with it. Those are never written anywhere.
    pub signs_in: bool,
    /// Who says so, in words.
    pub from: String,
}

impl Proxy {
    /// Its address as it is shown and written.
    pub fn shown(&self) -> String {
        shown(&self.address)
    }
}

/// The proxy of the environment, else of the system's settings; none if connections go out directly.
pub(super) async fn of_this_machine(cx: &Context) -> Option<Proxy> {
    // What our own requests go by.
    let matched = ANYWHERE.parse().ok().and_then(|uri| Matcher::from_system().intercept(&uri));
    if let Some(matched) = matched {
        let from = variable().map_or_else(|| "the system's settings".to_owned(), |(name, _)| name.to_owned());
        return Some(Proxy {
            address: Url::parse(&matched.uri().to_string()).ok()?,
            signs_in: matched.basic_auth().is_some() || matched.raw_auth().is_some(),
            from,
        });
    }
    match cx.facts.os {
        Os::Linux => of_the_desktop(cx).await,
        // Asked by the library already.
        Os::Macos | Os::Windows => None,
    }
}

/// The variable that is set, and its value.
pub(super) fn variable() -> Option<(&'static str, String)> {
    VARIABLES.into_iter().find_map(|name| {
        std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (name, value))
    })
}

/// What the settings of a GNOME desktop say, which programs in a terminal do not read.
async fn of_the_desktop(cx: &Context) -> Option<Proxy> {
    let asking = Process::new("gsettings").args(["list-recursively", "org.gnome.system.proxy"]);
    if !asking.is_there() {
        return None;
    }
    let said = process::quick(cx, asking).await.ok().filter(process::Exit::ok)?.text();
    Some(Proxy {
        address: desktop_proxy(&said)?,
        signs_in: false,
        from: "the desktop's network settings".to_owned(),
    })
}

fn desktop_proxy(said: &str) -> Option<Url> {
    let value = |schema: &str, key: &str| {
        let lines = said.lines().map(|line| line.splitn(3, ' '));
        let mut found = lines.filter_map(|mut words| {
            (words.next()? == schema && words.next()? == key).then(|| words.next())?
        });
        found.next().map(|value| value.trim_matches('\''))
    };
    let of = |part: &str| {
        let schema = format!("org.gnome.system.proxy.{part}");
        let (host, port) = (value(&schema, "host")?, value(&schema, "port")?);
        (!host.is_empty() && port != "0").then(|| Url::parse(&format!("http://{host}:{port}")).ok())?
    };
    (value("org.gnome.system.proxy", "mode")? == "manual").then(|| of("https").or_else(|| of("http")))?
}

/// Whether a setting names this proxy, whoever signs in at it.
pub(super) fn is_same(setting: &str, proxy: &Url) -> bool {
    let setting = if setting.contains("://") { setting.to_owned() } else { format!("http://{setting}") };
    Url::parse(&setting).is_ok_and(|setting| shown(&setting) == shown(proxy))
}

/// As it is shown and written: without the `/` an address ends in, and never with what signs in.
pub(super) fn shown(proxy: &Url) -> String {
    let mut bare = proxy.clone();
    // Only an address without a host has none to remove.
    let _ = bare.set_username("").and_then(|()| bare.set_password(None));
    bare.as_str().trim_end_matches('/').to_owned()
}

/// A setting as it is shown: what signs in is left out.
pub(super) fn shown_setting(setting: &str) -> String {
    match setting.rsplit_once('@') {
        None => setting.to_owned(),
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            if scheme.is_empty() { after.to_owned() } else { format!("{scheme}://{after}") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e10_the_desktop_names_a_proxy_only_in_manual_mode() {
        let said = |mode: &str| {
            format!(
                "org.gnome.system.proxy mode '{mode}'\norg.gnome.system.proxy.http host ''\n\
                 org.gnome.system.proxy.https host 'proxy.acme.test'\norg.gnome.system.proxy.https port 8080\n"
            )
        };
        assert_eq!(desktop_proxy(&said("manual")).unwrap().as_str(), "http://proxy.acme.test:8080/");
        assert_eq!(desktop_proxy(&said("none")), None);
        assert_eq!(desktop_proxy(""), None);
    }

    #[test]
    fn c5_what_signs_in_is_not_shown() {
        for setting in ["http://ada:s3cret@proxy.acme.test:8080", "http://ada:s3@cret@proxy.acme.test:8080"] {
            assert_eq!(shown_setting(setting), "http://proxy.acme.test:8080");
        }
        assert_eq!(shown_setting("ada:s3cret@proxy:1"), "proxy:1");
        assert_eq!(shown_setting("http://proxy:1"), "http://proxy:1");
        assert_eq!(
            shown(&Url::parse("http://ada:s3cret@proxy.acme.test:8080").unwrap()),
            "http://proxy.acme.test:8080"
        );
        assert!(is_same("ada:x@proxy.acme.test:8080", &Url::parse("http://proxy.acme.test:8080/").unwrap()));
    }
}
