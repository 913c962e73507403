//! Names of hosts in what packs write: addresses, `host:port`, and names alone.

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
}
