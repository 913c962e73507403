//! Whether this machine reaches anything, and what time others say it is.

use std::time::Duration;

use firstlight_contract::doctor::{Finding, FindingLevel};
use jiff::{Timestamp, tz::TimeZone};

use super::{finding, ok};

/// A clock that is further off than this makes certificates and tokens fail.
const CLOCK_TOLERANCE: i64 = 300;
/// How long one host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hosts the pack names, other than this machine; a pattern stands for no host we could ask.
pub(super) fn outside(hosts: &[String]) -> Vec<&String> {
    let local = |host: &String| host.starts_with("127.") || host == "localhost" || host == "::1";
    hosts.iter().filter(|host| !host.contains('*') && !local(host)).collect()
}

pub(super) async fn network(hosts: &[String]) -> Finding {
    let (id, title) = ("network", "Network");
    let hosts = outside(hosts);
    if hosts.is_empty() {
        return match has_route() {
            Some(true) => ok(id, title, "This machine is connected. The pack names no host to try."),
            Some(false) => {
                let hint = Some("Connect to a network, then look again.".to_owned());
                finding(
                    id,
                    title,
                    FindingLevel::Bad,
                    "This machine has no way out to a network.".to_owned(),
                    hint,
                )
            }
            None => {
                let found = "The pack names no host to try.".to_owned();
                finding(id, title, FindingLevel::Unknown, found, None)
            }
        };
    }
    let mut silent = Vec::new();
    for host in &hosts {
        let address = if host.contains(':') { (*host).clone() } else { format!("{host}:443") };
        let answer = tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(&address)).await;
        if !matches!(answer, Ok(Ok(_))) {
            silent.push(host.as_str());
        }
    }
    if silent.is_empty() {
        return ok(id, title, &format!("{} of {} hosts of the pack answer.", hosts.len(), hosts.len()));
    }
    let found = format!("No answer from {}.", silent.join(", "));
    let hint = "Connect to the network or the VPN, or set the proxy, then look again.".to_owned();
    finding(id, title, FindingLevel::Bad, found, Some(hint))
}

/// Whether a default route exists; `None` where the system does not say so in a file.
fn has_route() -> Option<bool> {
    let table = std::fs::read_to_string("/proc/net/route").ok()?;
    let default = |line: &str| line.split_whitespace().nth(1) == Some("00000000");
    let six = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let default_six = |line: &str| line.starts_with(&"0".repeat(32)) && !line.trim_end().ends_with(" lo");
    Some(table.lines().skip(1).any(default) || six.lines().any(default_six))
}

pub(super) async fn clock(hosts: &[String], now: Timestamp) -> Finding {
    let (id, title) = ("clock", "Clock");
    for host in outside(hosts) {
        let Some(told) = date_of(host).await else { continue };
        let off = now.as_second() - told.as_second();
        if off.abs() <= CLOCK_TOLERANCE {
            return ok(id, title, &format!("It agrees with {host}."));
        }
        let found = format!(
            "It is {} s {} what {host} says.",
            off.abs(),
            if off > 0 { "ahead of" } else { "behind" }
        );
        let hint = Some("Let the system set its clock from the network.".to_owned());
        return finding(id, title, FindingLevel::Bad, found, hint);
    }
    let here = now.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string();
    let found = format!("It says {here}; no host of the pack could be asked to compare.");
    finding(id, title, FindingLevel::Unknown, found, None)
}

/// The `Date` a host sends with any answer.
async fn date_of(host: &str) -> Option<Timestamp> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build().ok()?;
    let answer = client.head(format!("https://{host}/")).send().await.ok()?;
    let date = answer.headers().get(reqwest::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_outside_are_asked() {
        let hosts = ["127.0.0.1", "localhost", "*.acme.test", "git.acme.test"].map(str::to_owned);
        assert_eq!(outside(&hosts), [&"git.acme.test".to_owned()]);
    }
}
