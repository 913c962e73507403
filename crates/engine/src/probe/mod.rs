//! Questions to the world that change nothing: does an address answer, a port accept, a command succeed.

mod http;
mod public;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use firstlight_domain::{pack::Probe, state::Failure};

pub use self::public::is_listed;
use self::public::is_public;
use crate::{
    process::{self, Process},
    provider::Context,
};

/// How long one question may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Which addresses a probe may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Any: what the step itself started, on this machine.
    Own,
    /// No loopback, link-local or private address, unless the policy lists the host: looked at after the name was
    /// resolved and after each redirect, so that neither can lead inside. This is about the host that is asked, not
    /// about the proxy on the way, which is this machine's own setting and mostly lies inside. Behind a proxy it is the
    /// proxy that resolves the name: then the name itself must be one of the public internet, and where it can be
    /// resolved here too, the address as well.
    Public,
}

/// Asks once. `false` when the answer is no, also by refusing or by not answering in time; an error only when the
/// question itself is not allowed or cannot be asked.
pub async fn ask(cx: &Context, probe: &Probe, reach: Reach) -> Result<bool, Failure> {
    let asked = async {
        if let Some(address) = &probe.http {
            return http::ask(cx, address, probe.status, reach).await;
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
