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
fn outside(hosts: &[String]) -> Vec<&String> {
    let local = |host: &String| host.starts_with("127.") || host == "localhost" || host == "::1";
    hosts.iter().filter(|host| !host.contains('*') && !local(host)).collect()
}

/// How a host of the pack answered.
enum Answer {
    /// It did; what it says the time is.
    Yes(Option<Timestamp>),
    /// Its certificate, or that of whoever opens the connection, is not trusted here.
    Untrusted,
    /// Not at all.
    Silent,
}

/// Asks the hosts of the pack: what of them is reached, and how far our clock is off.
pub(super) async fn findings(hosts: &[String], now: Timestamp) -> [Finding; 2] {
    let client = reqwest::Client::builder().timeout(PATIENCE).build();
    let answers =
        outside(hosts).into_iter().map(async |host| (host.as_str(), ask(client.as_ref().ok(), host).await));
    let answers = futures::future::join_all(answers).await;
    [network(&answers), clock(&answers, now)]
}

/// The way the tools go: with the proxy, and with the certificates of this machine.
async fn ask(client: Option<&reqwest::Client>, host: &str) -> Answer {
    if let Some(client) = client {
        match client.head(format!("https://{host}/")).send().await {
            Ok(answer) => {
                let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
                let told = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
                return Answer::Yes(told.map(|told| told.timestamp()));
            }
            Err(error) if is_about_trust(&error) => return Answer::Untrusted,
            // It may speak something else: git over SSH, a database.
            Err(_) => {}
        }
    }
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
    match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(&address)).await {
        Ok(Ok(_)) => Answer::Yes(None),
        Ok(Err(_)) | Err(_) => Answer::Silent,
    }
}

/// The library says it in words only, in one of the causes.
fn is_about_trust(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("invalid peer certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}

fn network(answers: &[(&str, Answer)]) -> Finding {
    let (id, title) = ("network", "Network");
    if answers.is_empty() {
        return match has_route() {
            Some(true) => ok(id, title, "This machine is connected. The pack names no host to try."),
            Some(false) => {
                let found = "This machine has no way out to a network.".to_owned();
                let hint = Some("Connect to a network, then look again.".to_owned());
                finding(id, title, FindingLevel::Bad, found, hint)
            }
            None => {
                let found = "The pack names no host to try.".to_owned();
                finding(id, title, FindingLevel::Unknown, found, None)
            }
        };
    }
    let all = |wanted: fn(&Answer) -> bool| {
        let found: Vec<&str> =
            answers.iter().filter(|(_, answer)| wanted(answer)).map(|(host, _)| *host).collect();
        found.join(", ")
    };
    let untrusted = all(|answer| matches!(answer, Answer::Untrusted));
    if !untrusted.is_empty() {
        let found = format!("The certificate that comes with {untrusted} is not trusted here.");
        let hint =
            "Your company may open connections with its own: ask IT to add its certificate to this system.";
        return finding(id, title, FindingLevel::Bad, found, Some(hint.to_owned()));
    }
    let silent = all(|answer| matches!(answer, Answer::Silent));
    if silent.is_empty() {
        return ok(id, title, &format!("{} of {} hosts of the pack answer.", answers.len(), answers.len()));
    }
    let found = format!("No answer from {silent}.");
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

fn clock(answers: &[(&str, Answer)], now: Timestamp) -> Finding {
    let (id, title) = ("clock", "Clock");
    let told = answers.iter().find_map(|(host, answer)| match answer {
        Answer::Yes(Some(told)) => Some((host, told)),
        Answer::Yes(None) | Answer::Untrusted | Answer::Silent => None,
    });
    if let Some((host, told)) = told {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_outside_are_asked() {
        let hosts = ["127.0.0.1", "localhost", "*.acme.test", "git.acme.test"].map(str::to_owned);
        assert_eq!(outside(&hosts), [&"git.acme.test".to_owned()]);
    }
}
