//! Questions to the world that change nothing: does an address answer, a port accept, a command succeed.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use firstlight_domain::{pack::Probe, state::Failure};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{
    process::{self, Process},
    provider::Context,
};

/// How long one question may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How many redirects are followed.
const HOPS: usize = 5;

/// Which addresses a probe may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Any: what the step itself started, on this machine.
    Own,
    /// No loopback, link-local or private address, unless the policy lists the host: looked at after the name was
    /// resolved and after each redirect, so that neither can lead inside.
    Public,
}

/// Asks once. `false` when the answer is no, also by refusing or by not answering in time; an error only when the
/// question itself is not allowed or cannot be asked.
pub async fn ask(cx: &Context, probe: &Probe, reach: Reach) -> Result<bool, Failure> {
    let asked = async {
        if let Some(address) = &probe.http {
            return http(cx, address, probe.status, reach).await;
        }
        if let Some(address) = &probe.tcp {
            return tcp(cx, address, reach).await;
        }
        if let Some(argv) = &probe.command {
            return command(cx, argv).await;
        }
        Err(failure("the probe asks nothing: it needs `http`, `tcp` or `command`", None))
    };
    tokio::select! {
        () = cx.cancel.cancelled() => Ok(false),
        answer = asked => answer,
    }
}

async fn command(cx: &Context, argv: &[String]) -> Result<bool, Failure> {
    process::quick(cx, Process::of(argv).timeout(PATIENCE.min(cx.timeout))).await.map(|exit| exit.ok())
}

async fn http(cx: &Context, address: &str, status: Option<u16>, reach: Reach) -> Result<bool, Failure> {
    let url =
        Url::parse(address).map_err(|e| failure(format!("`{address}` is not an address: {e}"), None))?;
    let client = match reach {
        Reach::Own if is_here(&url) => direct_client()?,
        Reach::Own => any_client()?,
        Reach::Public => {
            allowed_literal(&url, &cx.listed_hosts).map_err(|inside| inside.failure())?;
            if is_here(&url) && is_listed(url.host_str().unwrap_or_default(), &cx.listed_hosts) {
                direct_client()?
            } else {
                public_client(&cx.listed_hosts)?
            }
        }
    };
    let answer = client.get(url).timeout(PATIENCE.min(cx.timeout)).send().await;
    match answer {
        Ok(response) => Ok(match status {
            Some(status) => response.status().as_u16() == status,
            None => response.status().is_success(),
        }),
        Err(error) => match inside(&error) {
            Some(inside) => Err(inside.failure()),
            None => Ok(false),
        },
    }
}

async fn tcp(cx: &Context, address: &str, reach: Reach) -> Result<bool, Failure> {
    let patience = PATIENCE.min(cx.timeout);
    let found = match tokio::time::timeout(patience, tokio::net::lookup_host(address)).await {
        Ok(Ok(found)) => found.collect::<Vec<SocketAddr>>(),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidInput => {
            return Err(failure(format!("`{address}` is not `host:port`"), None));
        }
        Ok(Err(_)) | Err(_) => return Ok(false),
    };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    if reach == Reach::Public
        && !is_listed(host, &cx.listed_hosts)
        && let Some(private) = found.iter().find(|address| !is_public(address.ip()))
    {
        return Err(Inside { host: host.to_owned(), address: private.ip() }.failure());
    }
    for address in found {
        let tried = tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await;
        if matches!(tried, Ok(Ok(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A name that leads inside.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "`{host}` is {address}, an address inside this machine or network, and the pack's policy does not list it"
)]
struct Inside {
    host: String,
    address: IpAddr,
}

impl Inside {
    fn failure(&self) -> Failure {
        failure(
            self.to_string(),
            Some(format!("add `{}` to `policy.capabilities.hosts` if the probe may ask it", self.host)),
        )
    }
}

fn failure(cause: impl Into<String>, hint: Option<String>) -> Failure {
    Failure { cause: cause.into(), last_lines: Vec::new(), hint }
}

/// The [`Inside`] among an error's causes.
fn inside(error: &(dyn std::error::Error + 'static)) -> Option<Inside> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<Inside>() {
            return Some(found.clone());
        }
        cause = error.source();
    }
    None
}

/// A client that resolves names to public addresses only, and looks at each redirect.
fn public_client(listed: &Arc<[String]>) -> Result<reqwest::Client, Failure> {
    let in_redirects = Arc::clone(listed);
    let redirects = reqwest::redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > HOPS {
            return attempt.error("too many redirects");
        }
        match allowed_literal(attempt.url(), &in_redirects) {
            Ok(()) => attempt.follow(),
            Err(inside) => attempt.error(inside),
        }
    });
    reqwest::Client::builder()
        .redirect(redirects)
        .dns_resolver(Arc::new(PublicOnly { listed: Arc::clone(listed) }))
        .build()
        .map_err(|e| failure(format!("cannot prepare a request: {e}"), None))
}

/// Whether an address names this machine itself.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A client that goes wherever it is sent. Made when first needed: it reads the system's certificates.
fn any_client() -> Result<reqwest::Client, Failure> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    kept(&CLIENT, reqwest::Client::builder())
}

/// A client for this machine: a proxy would ask its own machine instead. Redirects are answers, not followed.
fn direct_client() -> Result<reqwest::Client, Failure> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    kept(&CLIENT, reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()))
}

fn kept(
    place: &OnceLock<reqwest::Client>,
    builder: reqwest::ClientBuilder,
) -> Result<reqwest::Client, Failure> {
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let made = builder.build().map_err(|e| failure(format!("cannot prepare a request: {e}"), None))?;
    Ok(place.get_or_init(|| made).clone())
}

/// Names are looked at by [`PublicOnly`]; an address written as such never gets there.
fn allowed_literal(url: &Url, listed: &[String]) -> Result<(), Inside> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    let host = address.to_string();
    if is_public(address) || is_listed(&host, listed) { Ok(()) } else { Err(Inside { host, address }) }
}

/// A resolver that refuses names which lead inside.
struct PublicOnly {
    listed: Arc<[String]>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let listed = is_listed(&host, &self.listed);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if !listed && let Some(private) = found.iter().find(|address| !is_public(address.ip())) {
                return Err(Inside { host, address: private.ip() }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether a host is among those listed; `*.example.com` lists every name below `example.com`.
pub fn is_listed(host: &str, listed: &[String]) -> bool {
    listed.iter().any(|entry| match entry.strip_prefix("*.") {
        Some(domain) => {
            host.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }
        None => host.eq_ignore_ascii_case(entry),
    })
}

/// Whether an address is meant to be reached from anywhere. Lists what is not, by the IANA special-purpose registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19))
                || a >= 240)
        }
        IpAddr::V6(v6) => {
            // 6to4 and NAT64 carry an IPv4 address too, but such a route leads out through a public relay.
            if let Some(v4) = v6.to_ipv4_mapped() {
                return is_public(IpAddr::V4(v4));
            }
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e8_inside_is_told_from_outside() {
        let inside = [
            "127.0.0.1",
            "127.8.9.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ];
        for address in inside {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_star_lists_what_is_below_and_not_the_name_itself() {
        let listed = ["*.acme.test".to_owned(), "vpn.example.com".to_owned()];
        assert!(is_listed("git.acme.test", &listed));
        assert!(is_listed("vpn.example.com", &listed));
        for host in ["acme.test", "evilacme.test", ".acme.test", "example.com"] {
            assert!(!is_listed(host, &listed), "{host}");
        }
    }
}
