//! Where webhooks may go: over https to the public internet, and to what is listed. The address is looked at after the name was
//! resolved, and just that one is connected to; a redirect is an answer like any other.

use std::{net::SocketAddr, time::Duration};

use firstlight_domain::host::{is_listed, is_public};
use reqwest::{Client, Url, redirect::Policy};

/// Why somebody cannot be told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReachable {
    /// It is not https, nor http on this machine where that is listed; or there is a name or a password in it.
    #[error("is no https address without name and password")]
    NoHttps,
    /// It has no host or port.
    #[error("names no host")]
    NoHost,
    /// The name cannot be resolved.
    #[error("the name of its host cannot be resolved")]
    Unknown,
    /// It lies inside.
    #[error("its host is not of the public internet, and not listed in private_hosts")]
    Private,
    /// This program cannot make connections.
    #[error("no connection can be made")]
    NoClient,
}

/// Whether an address may be told anything, as far as that can be seen without asking anybody.
pub fn checked(url: &Url, private_hosts: &[String]) -> Result<(), NotReachable> {
    let host = url.host_str().ok_or(NotReachable::NoHost)?;
    let address = address_of(host);
    let here = address.is_some_and(|address| address.is_loopback());
    let secure =
        url.scheme() == "https" || (url.scheme() == "http" && here && is_listed(host, private_hosts));
    if !secure || !url.username().is_empty() || url.password().is_some() {
        return Err(NotReachable::NoHttps);
    }
    match address {
        Some(address) if !is_public(address) && !is_listed(host, private_hosts) => Err(NotReachable::Private),
        _ => Ok(()),
    }
}

/// A client for one delivery, which connects to nothing but addresses that may be reached.
pub(super) async fn client(
    url: &Url,
    private_hosts: &[String],
    patience: Duration,
) -> Result<Client, NotReachable> {
    checked(url, private_hosts)?;
    let host = url.host_str().ok_or(NotReachable::NoHost)?;
    let port = url.port_or_known_default().ok_or(NotReachable::NoHost)?;
    // A proxy would resolve the name elsewhere, and reach what we do not see.
    let builder = Client::builder().redirect(Policy::none()).timeout(patience).no_proxy();
    let builder = if address_of(host).is_some() {
        builder
    } else {
        let found = tokio::time::timeout(patience, tokio::net::lookup_host((host, port))).await;
        let found: Vec<SocketAddr> = match found {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(_)) | Err(_) => return Err(NotReachable::Unknown),
        };
        let listed = is_listed(host, private_hosts);
        let allowed: Vec<SocketAddr> =
            found.into_iter().filter(|address| listed || is_public(address.ip().to_canonical())).collect();
        if allowed.is_empty() {
            return Err(NotReachable::Private);
        }
        builder.resolve_to_addrs(host, &allowed)
    };
    builder.build().map_err(|_| NotReachable::NoClient)
}

fn address_of(host: &str) -> Option<std::net::IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_the_public_internet_or_what_is_listed() {
        let listed = ["127.0.0.1".to_owned(), "jira.acme.test".to_owned(), "10.0.0.7".to_owned()];
        let check = |url: &str| checked(&url.parse().unwrap(), &listed);
        for url in [
            "https://hooks.slack.com/services/T/B/x",
            "https://1.1.1.1/hook",
            "https://10.0.0.7/hook",
            "http://127.0.0.1:9000/hook",
            "https://127.0.0.1/hook",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for (url, why) in [
            ("http://hooks.slack.com/services", NotReachable::NoHttps),
            ("http://10.0.0.7/hook", NotReachable::NoHttps),
            ("http://jira.acme.test/hook", NotReachable::NoHttps),
            ("http://[::1]/hook", NotReachable::NoHttps),
            ("https://me:secret@hooks.slack.com", NotReachable::NoHttps),
            ("ftp://127.0.0.1/hook", NotReachable::NoHttps),
            ("https://10.0.0.8/hook", NotReachable::Private),
            ("https://169.254.169.254/latest", NotReachable::Private),
            ("https://[::ffff:10.0.0.8]/hook", NotReachable::Private),
        ] {
            assert_eq!(check(url), Err(why), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_followed() {
        let url = "https://localhost/hook".parse().unwrap();
        let patience = Duration::from_secs(5);
        let error = client(&url, &[], patience).await.unwrap_err();
        assert_eq!(error, NotReachable::Private);
        client(&url, &["localhost".to_owned()], patience).await.unwrap();
    }
}
