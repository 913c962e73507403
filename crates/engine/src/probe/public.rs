//! What lies outside of this machine and its network: by address, and by name where the address cannot be seen.

use std::net::IpAddr;

pub use firstlight_domain::host::is_listed;
pub(super) use firstlight_domain::host::is_public;
use url::Host;

/// Domains that no name of the public internet ends in: IANA's special-use names, and what companies call themselves
/// inside.
const INSIDE: [&str; 15] = [
    "alt",
    "corp",
    "example",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

/// Whether a host can be one of the public internet, going by what it is called.
pub(super) fn is_public_name(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_public(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_public(IpAddr::V6(*address)),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let below = |domain: &&str| {
                name.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            name.contains('.') && !INSIDE.iter().any(below)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borrowed(host: &Host) -> Host<&str> {
        match host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        }
    }

    #[test]
    fn e8_a_name_that_only_somebody_inside_has_is_told_from_a_public_one() {
        let public = |host: &str| is_public_name(&borrowed(&Host::parse(host).unwrap()));
        for host in
            ["vpn.example.com", "git.acme.dev", "1.1.1.1", "[2606:4700::1111]", "localhost.example.com"]
        {
            assert!(public(host), "{host}");
        }
        for host in [
            "localhost",
            "vpn",
            "vpn.corp",
            "metadata.google.internal",
            "printer.local.",
            "10.0.0.1",
            "[::1]",
        ] {
            assert!(!public(host), "{host}");
        }
    }
}
