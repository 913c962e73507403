//! Where a clone may come from. What is not listed here is refused: git itself would also take addresses that start
//! programs (`ext::`) or send everything in the clear (`git://`, `http://`).

use std::path::{Path, PathBuf};

use firstlight_domain::kind::WithError;
use url::Url;

use super::{
    paths::check_in_pack,
    with::{is_unresolved, plain_word, wrong},
};

/// A place to clone from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Another machine, by https or ssh.
    Remote {
        /// As git takes it.
        url: String,
        /// The machine.
        host: String,
    },
    /// A folder of this machine (`file://`).
    Local(String),
    /// A bundle in the pack, by its path there.
    Bundle(String),
    /// Not known yet.
    Unresolved(String),
}

impl Source {
    /// Reads an address. Errors say what is allowed.
    pub(super) fn parse(text: &str) -> Result<Self, WithError> {
        plain_word("url", text)?;
        if text.contains(char::is_whitespace) && !is_unresolved(text) {
            return Err(wrong("url", "may not hold spaces"));
        }
        if text.contains("::") {
            return Err(wrong("url", format!("`{text}` would start a program; {ALLOWED}")));
        }
        if let Some((scheme, rest)) = text.split_once("://")
            && !is_unresolved(scheme)
        {
            return Self::with_scheme(text, scheme, rest);
        }
        if is_unresolved(text) {
            return Ok(Self::Unresolved(text.to_owned()));
        }
        if let Some((who, path)) = text.split_once(':')
            && let Some((user, host)) = who.split_once('@')
        {
            return if is_name(user) && is_name(host) && !path.is_empty() && !path.starts_with('-') {
                Ok(Self::Remote { url: text.to_owned(), host: host.to_owned() })
            } else {
                Err(wrong("url", format!("`{text}` should look like `git@host:path`")))
            };
        }
        if Path::new(text).extension().is_some_and(|extension| extension == "bundle") {
            check_in_pack("url", text)?;
            return Ok(Self::Bundle(text.to_owned()));
        }
        Err(wrong("url", format!("`{text}` cannot be cloned; {ALLOWED}")))
    }

    fn with_scheme(text: &str, scheme: &str, rest: &str) -> Result<Self, WithError> {
        match scheme {
            "https" | "ssh" if is_unresolved(text) => Ok(Self::Unresolved(text.to_owned())),
            // A browser would look for the machine further on; git would not.
            "https" | "ssh" if rest.starts_with('/') => {
                Err(wrong("url", format!("`{text}` does not name a machine")))
            }
            "https" | "ssh" => {
                let url = Url::parse(text).map_err(|error| wrong("url", format!("`{text}`: {error}")))?;
                if url.password().is_some() || (scheme == "https" && !url.username().is_empty()) {
                    return Err(wrong(
                        "url",
                        "may not hold a password or token: it would be seen by every program",
                    ));
                }
                if url.username().starts_with('-') || url.path().starts_with("/-") {
                    return Err(wrong(
                        "url",
                        format!("`{text}` holds what a program would take for an option"),
                    ));
                }
                match url.host_str() {
                    // ssh would take such a host for an option.
                    Some(host) if is_name(host) || host.starts_with('[') => {
                        Ok(Self::Remote { url: text.to_owned(), host: host.to_owned() })
                    }
                    Some(_) | None => Err(wrong("url", format!("`{text}` does not name a machine"))),
                }
            }
            "file" if rest.starts_with('/') && !rest.split('/').any(|part| part == "..") => {
                Ok(Self::Local(text.to_owned()))
            }
            "file" if is_unresolved(rest) => Ok(Self::Unresolved(text.to_owned())),
            "file" => Err(wrong("url", format!("`{text}` should hold a whole path: `file:///…`"))),
            _ => Err(wrong("url", format!("`{scheme}://` is not allowed; {ALLOWED}"))),
        }
    }

    /// What git is given, with the pack's folder where it matters.
    pub(super) fn address(&self, pack_root: &Path) -> String {
        match self {
            Self::Remote { url, .. } | Self::Local(url) | Self::Unresolved(url) => url.clone(),
            Self::Bundle(path) => bundle_path(pack_root, path).display().to_string(),
        }
    }

    /// Whether a clone with this origin came from here. Packs move between versions, so a bundle is known by its name.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        match self {
            Self::Remote { url, .. } | Self::Local(url) | Self::Unresolved(url) => bare(url) == bare(origin),
            Self::Bundle(path) => {
                !origin.contains("://") && Path::new(origin).file_name() == Path::new(path).file_name()
            }
        }
    }
}

/// A bundle, by a path that git takes for a path and that still holds when the pack was named relative to somewhere.
pub(super) fn bundle_path(pack_root: &Path, path: &str) -> PathBuf {
    let path = pack_root.join(path);
    std::path::absolute(&path).unwrap_or(path)
}

const ALLOWED: &str = "allowed are https://, ssh://, git@host:path, file:/// and a `*.bundle` in the pack";

fn bare(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e8_only_listed_schemes_are_cloned() {
        let good = [
            "https://git.acme.test/orders.git",
            "ssh://git@git.acme.test:2222/orders.git",
            "git@git.acme.test:a/b.git",
            "file:///srv/git/orders.git",
            "bundles/orders.bundle",
            "${{ inputs.url }}",
            "https://${{ inputs.host }}/orders.git",
        ];
        for url in good {
            assert!(Source::parse(url).is_ok(), "{url}");
        }
        let bad = [
            "http://git.acme.test/a.git",
            "git://git.acme.test/a.git",
            "ext::sh -c id",
            "ext::sh",
            "fd::3",
            "ftp://a.test/x",
            "javascript:x",
            "/srv/git/a.git",
            "../a.bundle",
            "/tmp/a.bundle",
            "a/../../b.bundle",
            "orders",
            "",
            "-u",
            "--upload-pack=id",
            "--upload-pack=id.bundle",
            "git@-oProxyCommand=id:x",
            "ssh://-oProxyCommand=id/x",
            "ssh://git@-oProxyCommand=id/x",
            "-x@host:path",
            "git@host:-path",
            "git@ext::sh:x",
            "https://user:word@a.test/x",
            "https://token@a.test/x",
            "file://../a",
            "file:///a/../b",
            "https:///x",
            "ssh://host/-x",
            "a b.bundle",
            "git@host:a b",
            "https://a.test/\n",
            "ext::${{ inputs.a }}",
            "http://${{ inputs.host }}/x",
        ];
        for url in bad {
            assert!(Source::parse(url).is_err(), "{url:?} got {:?}", Source::parse(url));
        }
    }

    #[test]
    fn a_clone_is_known_by_where_it_came_from() {
        let is_origin = |url: &str, origin: &str| Source::parse(url).unwrap().is_origin(origin);
        assert!(is_origin("https://a.test/x.git", "https://a.test/x"));
        assert!(is_origin("git@a.test:x", "git@a.test:x.git/"));
        assert!(is_origin("bundles/x.bundle", "/packs/2.0/bundles/x.bundle"));
        assert!(!is_origin("https://a.test/x.git", "https://a.test/y.git"));
        assert!(!is_origin("bundles/x.bundle", "/packs/2.0/bundles/y.bundle"));
        assert!(!is_origin("bundles/x.bundle", "https://a.test/x.bundle"));
    }
}
