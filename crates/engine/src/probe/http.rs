//! Does an address answer over HTTP.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use firstlight_domain::state::Failure;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::{
    StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::LOCATION,
};
use tokio::time::Instant;
use url::{Host, Url};

use super::{
    Inside, PATIENCE, Reach, failure,
    public::{is_listed, is_public, is_public_name},
};
use crate::{provider::Context, retry};

/// How many redirects are followed.
const HOPS: usize = 5;
/// How long resolving a name may take that the proxy resolves anyway.
const TO_RESOLVE: Duration = Duration::from_secs(1);

/// Asks once, or a few times within the same patience where a public server says it is busy.
pub(super) async fn ask(
    cx: &Context,
    address: &str,
    status: Option<u16>,
    reach: Reach,
) -> Result<bool, Failure> {
    let url =
        Url::parse(address).map_err(|e| failure(format!("`{address}` is not an address: {e}"), None))?;
    let client = match reach {
        Reach::Public => return ask_public(cx, url, status, &Matcher::from_system()).await,
        Reach::Own if is_here(&url) => direct_client()?,
        Reach::Own => any_client()?,
    };
    match client.get(url).timeout(PATIENCE.min(cx.timeout)).send().await {
        Ok(answer) => Ok(is_wanted(status, answer.status())),
        Err(_) => Ok(false),
    }
}

fn is_wanted(status: Option<u16>, answered: StatusCode) -> bool {
    match status {
        Some(status) => answered.as_u16() == status,
        None => answered.is_success(),
    }
}

/// Asks a host outside, redirect by redirect: each is looked at like the first, and goes the way that its own address
/// goes.
async fn ask_public(
    cx: &Context,
    mut url: Url,
    status: Option<u16>,
    proxies: &Matcher,
) -> Result<bool, Failure> {
    let until = Instant::now() + PATIENCE.min(cx.timeout);
    for _ in 0..=HOPS {
        allowed_literal(&url, &cx.listed_hosts).map_err(|inside| inside.failure())?;
        let own = is_here(&url);
        // A proxy would ask its own machine.
        let proxy =
            if own { None } else { url.as_str().parse().ok().and_then(|uri| proxies.intercept(&uri)) };
        let client = match &proxy {
            _ if own && is_listed(url.host_str().unwrap_or_default(), &cx.listed_hosts) => direct_client()?,
            Some(proxy) => {
                allowed_by_name(&url, &cx.listed_hosts).await?;
                client_through(proxy)?
            }
            None => public_client(&cx.listed_hosts)?,
        };
        let left = until.saturating_duration_since(Instant::now());
        let wanted = |answered| is_wanted(status, answered);
        let answer = match retry::send(client.get(url.clone()), left, cx.host.now(), wanted).await {
            Ok(answer) => answer,
            Err(error) => return inside(&error).map_or(Ok(false), |inside| Err(inside.failure())),
        };
        if wanted(answer.status()) {
            return Ok(true);
        }
        let to = answer.headers().get(LOCATION).and_then(|to| url.join(to.to_str().ok()?).ok());
        match to.filter(|to| !own && answer.status().is_redirection() && is_web(to)) {
            Some(to) => url = to,
            None => return Ok(false),
        }
    }
    Ok(false)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
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
    kept(&CLIENT, one_answer().no_proxy())
}

/// A client that resolves names to public addresses only.
fn public_client(listed: &Arc<[String]>) -> Result<reqwest::Client, Failure> {
    built(one_answer().no_proxy().dns_resolver(Arc::new(PublicOnly { listed: Arc::clone(listed) })))
}

/// A client that goes through this proxy. Its name is resolved as any: it is this machine's own setting.
fn client_through(proxy: &Intercept) -> Result<reqwest::Client, Failure> {
    let through = reqwest::Proxy::all(proxy.uri().to_string())
        .map_err(|error| failure(format!("this machine's proxy cannot be used: {error}"), None))?;
    let through = match proxy.basic_auth() {
        Some(signing_in) => through.custom_http_auth(signing_in.clone()),
        None => through,
    };
    built(one_answer().proxy(through))
}

/// Redirects are answers: whether one is followed is decided by whoever asked.
fn one_answer() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none())
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Failure> {
    builder.build().map_err(|error| failure(format!("cannot prepare a request: {error}"), None))
}

fn kept(
    place: &OnceLock<reqwest::Client>,
    builder: reqwest::ClientBuilder,
) -> Result<reqwest::Client, Failure> {
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let made = built(builder)?;
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

/// For a host that a proxy resolves: by its name, and by its address where that is known here as well.
async fn allowed_by_name(url: &Url, listed: &[String]) -> Result<(), Failure> {
    let Some(host) = url.host() else { return Ok(()) };
    let name = url.host_str().unwrap_or_default();
    if is_listed(name, listed) {
        return Ok(());
    }
    if !is_public_name(&host) {
        return Err(failure(
            format!("`{name}` is a name inside this network, and the pack's policy does not list it"),
            Some(format!("add `{name}` to `policy.capabilities.hosts` if the probe may ask it")),
        ));
    }
    let resolved = tokio::time::timeout(TO_RESOLVE, tokio::net::lookup_host((name, 0))).await;
    let private = match resolved {
        Ok(Ok(mut found)) => found.find(|address| !is_public(address.ip())),
        // Behind a proxy names outside are often not known.
        Ok(Err(_)) | Err(_) => None,
    };
    match private {
        Some(address) => Err(Inside { host: name.to_owned(), address: address.ip() }.failure()),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use firstlight_testkit::{CompanyNetwork, Page};

    use super::*;
    use crate::testing::FakeHost;

    /// A proxy by a name that leads inside, and the hosts behind it.
    fn office() -> (CompanyNetwork, Matcher) {
        let network = CompanyNetwork::start(|asked| match asked {
            "vpn.example.com/ping" | "wiki.corp/ping" => Page::status(204),
            "vpn.example.com/in" => {
                Page { headers: vec![("Location", "http://169.254.169.254/".into())], ..Page::status(302) }
            }
            "vpn.example.com/corp" => {
                Page { headers: vec![("Location", "http://wiki.corp/ping".into())], ..Page::status(302) }
            }
            "vpn.example.com/on" => Page { headers: vec![("Location", "/ping".into())], ..Page::status(302) },
            _ => Page::status(404),
        });
        let proxy = network.proxy().replace("127.0.0.1", "localhost");
        (network, Matcher::builder().all(proxy).build())
    }

    async fn ask(cx: &Context, address: &str, proxies: &Matcher) -> Result<bool, String> {
        let url = Url::parse(address).unwrap();
        ask_public(cx, url, None, proxies).await.map_err(|failure| failure.cause)
    }

    #[tokio::test]
    async fn e8_the_rule_is_about_the_host_and_not_about_the_proxy_on_the_way() {
        let (network, proxies) = office();
        let mut cx = FakeHost::new().context("probe");
        assert_eq!(ask(&cx, "http://vpn.example.com/ping", &proxies).await, Ok(true));
        assert_eq!(ask(&cx, "http://vpn.example.com/on", &proxies).await, Ok(true));
        assert_eq!(ask(&cx, "http://vpn.example.com/nothing", &proxies).await, Ok(false));
        let asked = network.asked().len();
        for inside in
            ["http://wiki.corp/ping", "http://wiki/", "http://169.254.169.254/", "http://127.0.0.1:1/"]
        {
            let refused = ask(&cx, inside, &proxies).await.unwrap_err();
            assert!(refused.contains("policy does not list it"), "{refused}");
        }
        assert_eq!(network.asked().len(), asked, "nothing inside was asked");
        for redirect in ["http://vpn.example.com/in", "http://vpn.example.com/corp"] {
            let refused = ask(&cx, redirect, &proxies).await.unwrap_err();
            assert!(refused.contains("policy does not list it"), "{refused}");
        }
        assert_eq!(network.asked().len(), asked + 2, "redirects are not followed in");
        cx.listed_hosts = ["wiki.corp".to_owned()].into();
        assert_eq!(ask(&cx, "http://wiki.corp/ping", &proxies).await, Ok(true));
    }
}
