//! Hosts: their names in what people write (addresses, `host:port`, and names alone), and whether they lie outside of this
//! machine and its network.

use std::net::IpAddr;

/// The host in `https://user@host:port/path`.
pub fn host_of_address(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &rest[..end];
    host_of(host.rsplit_once('@').map_or(host, |(_, host)| host))
}

/// The host in `host:port`, `[::1]:port` or `host`, in lower case.
pub fn host_of(text: &str) -> Option<String> {
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        // More than one colon without brackets: an IPv6 address.
        None if text.matches(':').count() > 1 => text,
        None => text.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
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
pub fn is_public(address: IpAddr) -> bool {
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
    fn the_host_is_found_however_it_is_written() {
        for (text, host) in [
            ("https://Git.acme.test/x.git", Some("git.acme.test")),
            ("http://me@[::1]:8080?x", Some("::1")),
            ("https://me:pw@Git.Acme.test:8443/x?y", Some("git.acme.test")),
            ("http:///x", None),
            ("git.acme.test", None),
        ] {
            assert_eq!(host_of_address(text).as_deref(), host, "{text}");
        }
        for (text, host) in [("Db.test:5432", "db.test"), ("[::1]:22", "::1"), ("fe80::1", "fe80::1")] {
            assert_eq!(host_of(text).as_deref(), Some(host), "{text}");
        }
        assert_eq!(host_of(""), None);
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
    fn a_star_lists_what_is_below_and_not_the_name_itself() {
        let listed = ["*.acme.test".to_owned(), "vpn.example.com".to_owned()];
        assert!(is_listed("git.acme.test", &listed));
        assert!(is_listed("vpn.example.com", &listed));
        for host in ["acme.test", "evilacme.test", ".acme.test", "example.com"] {
            assert!(!is_listed(host, &listed), "{host}");
        }
    }
}
