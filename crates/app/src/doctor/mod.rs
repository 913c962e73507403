//! What decides whether a first day goes well, looked at without changing anything: network, proxy, CA, clock, disk,
//! keychain, administrator rights.

use std::{env, path::Path, time::Duration};

use firstlight_contract::doctor::{DoctorView, Finding, FindingLevel};
use firstlight_domain::facts::{Facts, Os};
use jiff::{Timestamp, tz::TimeZone};
use sysinfo::Disks;

use crate::session::Firstlight;

/// Below this a first day usually fails half-way: a toolchain or a browser does not fit.
const LITTLE_DISK: u64 = 5 * 1_000_000_000;
/// Below this even Firstlight itself may not be able to write.
const NO_DISK: u64 = 200_000_000;
/// A clock that is further off than this makes certificates and tokens fail.
const CLOCK_TOLERANCE: i64 = 300;
/// How long one host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Firstlight {
    /// Looks at the machine.
    pub async fn doctor(&self) -> DoctorView {
        let hosts = self.pack_at_hand().map(|pack| pack.policy.hosts.clone()).unwrap_or_default();
        let (network, clock) = futures::join!(network(&hosts), clock(&hosts, self.now()));
        let findings = vec![
            network,
            proxy(),
            certificates(self.facts()),
            clock,
            disk(self.home().root()),
            self.keychain().await,
            admin(self.facts()),
            packages(self.facts()),
        ];
        DoctorView { ok: findings.iter().all(|finding| finding.level != FindingLevel::Bad), findings }
    }

    async fn keychain(&self) -> Finding {
        match self.inner.surroundings.keychain.probe().await {
            Ok(()) => ok("keychain", "Keychain", "It answers and is unlocked."),
            Err(error) => finding(
                "keychain",
                "Keychain",
                FindingLevel::Bad,
                format!("{error}."),
                Some(error.hint().to_owned()),
            ),
        }
    }
}

fn finding(id: &str, title: &str, level: FindingLevel, found: String, hint: Option<String>) -> Finding {
    Finding { id: id.to_owned(), title: title.to_owned(), level, found, hint }
}

fn ok(id: &str, title: &str, found: &str) -> Finding {
    finding(id, title, FindingLevel::Ok, found.to_owned(), None)
}

/// The hosts the pack names, other than this machine; a pattern stands for no host we could ask.
fn outside(hosts: &[String]) -> Vec<&String> {
    let local = |host: &String| host.starts_with("127.") || host == "localhost" || host == "::1";
    hosts.iter().filter(|host| !host.contains('*') && !local(host)).collect()
}

async fn network(hosts: &[String]) -> Finding {
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

fn proxy() -> Finding {
    let set: Vec<&str> = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
        .collect();
    if set.is_empty() {
        return ok("proxy", "Proxy", "None is set; connections go out directly.");
    }
    let found = format!("Set by {}.", set.join(", "));
    let without = env::var_os("NO_PROXY").or_else(|| env::var_os("no_proxy")).is_none();
    if without {
        let hint = "Set NO_PROXY=localhost,127.0.0.1 so that services on this machine are reached directly."
            .to_owned();
        return finding("proxy", "Proxy", FindingLevel::Warn, found, Some(hint));
    }
    ok("proxy", "Proxy", &found)
}

fn certificates(facts: &Facts) -> Finding {
    let (id, title) = ("ca", "Trusted certificates");
    for name in
        ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO"]
    {
        if let Some(path) = env::var_os(name).filter(|path| !Path::new(path).is_file()) {
            let found = format!("{name} names {}, which is not there.", Path::new(&path).display());
            let hint = Some(format!("Correct {name}, or unset it."));
            return finding(id, title, FindingLevel::Bad, found, hint);
        }
    }
    if facts.os != Os::Linux {
        return ok(id, title, "The system's own store is used.");
    }
    let bundles =
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
    match bundles.iter().find(|path| Path::new(path).is_file()) {
        Some(path) => ok(id, title, &format!("The system's store is {path}.")),
        None => {
            let hint = Some("Install the package `ca-certificates`.".to_owned());
            finding(
                id,
                title,
                FindingLevel::Bad,
                "The system's store of certificates is missing.".to_owned(),
                hint,
            )
        }
    }
}

async fn clock(hosts: &[String], now: Timestamp) -> Finding {
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

fn disk(home: &Path) -> Finding {
    let (id, title) = ("disk", "Disk");
    let unknown =
        || finding(id, title, FindingLevel::Unknown, "Free space could not be found out.".to_owned(), None);
    let Ok(disks) = Disks::new_with_refreshed_list() else { return unknown() };
    // The longest mount point that holds the folder, or its nearest existing parent.
    let existing = home.ancestors().find(|path| path.exists()).unwrap_or(home);
    let existing = std::fs::canonicalize(existing).unwrap_or_else(|_| existing.to_owned());
    let holds = disks.into_iter().filter(|disk| existing.starts_with(disk.mount_point()));
    let Some(disk) = holds.max_by_key(|disk| disk.mount_point().as_os_str().len()) else {
        return finding(
            id,
            title,
            FindingLevel::Unknown,
            "Free space could not be found out.".to_owned(),
            None,
        );
    };
    let free = disk.available_space();
    let found = format!("{:.1} GB free on {}.", gigabytes(free), disk.mount_point().display());
    let hint = || Some("Free some space before you start.".to_owned());
    match free {
        0..NO_DISK => finding(id, title, FindingLevel::Bad, found, hint()),
        NO_DISK..LITTLE_DISK => finding(id, title, FindingLevel::Warn, found, hint()),
        _ => ok(id, title, &found),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one decimal of gigabytes")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn admin(facts: &Facts) -> Finding {
    let (id, title) = ("admin", "Administrator rights");
    if facts.elevated {
        return ok(id, title, "You are the administrator already.");
    }
    let asks = match facts.os {
        Os::Linux => ["sudo", "pkexec"].into_iter().find(|name| which::which(name).is_ok()),
        Os::Macos => Some("sudo"),
        Os::Windows => Some("User Account Control"),
    };
    match asks {
        Some(asks) => ok(id, title, &format!("{asks} will ask when a step needs them.")),
        None => {
            let found = "Neither sudo nor pkexec is installed.".to_owned();
            let hint =
                Some("Ask IT to install what the plan marks as needing administrator rights.".to_owned());
            finding(id, title, FindingLevel::Warn, found, hint)
        }
    }
}

fn packages(facts: &Facts) -> Finding {
    let (id, title) = ("packages", "Package manager");
    match facts.package_manager {
        Some(manager) => ok(id, title, &format!("{manager:?} will be used.").to_lowercase()),
        None => {
            let found = "No package manager that Firstlight knows was found.".to_owned();
            let hint = match facts.os {
                Os::Macos => "Install Homebrew.",
                Os::Windows => "Install “App Installer” (winget) from the Microsoft Store.",
                Os::Linux => "Install the programs the plan names by hand; their steps will then be fine.",
            };
            finding(id, title, FindingLevel::Warn, found, Some(hint.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_outside_are_asked() {
        let hosts = ["127.0.0.1", "localhost", "*.acme.test", "git.acme.test"].map(str::to_owned);
        assert_eq!(outside(&hosts), [&"git.acme.test".to_owned()]);
    }

    #[test]
    fn the_disk_of_a_folder_that_is_not_there_yet_is_its_parents() {
        let folder = tempfile::tempdir().unwrap();
        let found = disk(&folder.path().join("not/yet/there"));
        assert_ne!(found.level, FindingLevel::Unknown, "{found:?}");
    }
}
