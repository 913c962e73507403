//! What lies outside of this machine and its network: by address, and by name where the address cannot be seen.

use std::net::IpAddr;

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

/// Whether a host is among those listed; `*.example.com` lists every name below `example.com`.
pub fn is_listed(host: &str, listed: &[String]) -> bool {
    listed.iter().any(|entry| match entry.strip_prefix("*.") {
        Some(domain) => {
            host.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }
        None => host.eq_ignore_ascii_case(entry),
    })
}

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

/// Whether an address is meant to be reached from anywhere. Lists what is not, by the IANA special-purpose registries.
pub(super) fn is_public(address: IpAddr) -> bool {
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

    fn borrowed(host: &Host) -> Host<&str> {
        match host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        }
    }

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
