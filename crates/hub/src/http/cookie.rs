//! The two cookies of a browser: its session, and the sign-in it is in the middle of. Scripts cannot read them, and other
//! sites' pages make no request with them, except for following a link.

use axum::http::{HeaderMap, HeaderValue, Request, header};
use jiff::SignedDuration;

use super::{Hub, who};
use crate::signin::is_this_machine;

/// A cookie of this hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cookie {
    name: &'static str,
}

pub(super) const SESSION: Cookie = Cookie { name: "firstlight-session" };
pub(super) const SIGNIN: Cookie = Cookie { name: "firstlight-signin" };

/// How a browser reaches the hub, as far as cookies care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Encrypted, at least for the part of the way that others may see.
    Encrypted,
    /// On this machine, without.
    Near,
}

/// Everything is taken as encrypted that is not surely on this machine: such a cookie is then not sent at all.
pub(super) fn reached<B>(hub: &Hub, request: &Request<B>) -> Reached {
    let near = match &hub.rules.public_url {
        Some(url) => url.scheme() == "http",
        None => !hub.rules.encrypts && who::is_local(request) && names_this_machine(request),
    };
    if near { Reached::Near } else { Reached::Encrypted }
}

fn names_this_machine<B>(request: &Request<B>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| openidconnect::url::Url::parse(&format!("http://{host}/")).ok());
    url.is_some_and(|url| is_this_machine(&url))
}

impl Cookie {
    fn name(self, reached: Reached) -> String {
        match reached {
            // Browsers take it from nobody but this very host.
            Reached::Encrypted => format!("__Host-{}", self.name),
            Reached::Near => self.name.to_owned(),
        }
    }

    /// What the browser sent. Two of one name are none: one of them may be somebody else's.
    pub(super) fn read(self, headers: &HeaderMap, reached: Reached) -> Option<String> {
        let name = self.name(reached);
        let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value.to_owned());
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// What lets the browser keep it for so long.
    pub(super) fn set(self, value: &str, life: SignedDuration, reached: Reached) -> Option<HeaderValue> {
        let secure = match reached {
            Reached::Encrypted => "; Secure",
            Reached::Near => "",
        };
        let (name, seconds) = (self.name(reached), life.as_secs());
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// What makes the browser forget it.
    pub(super) fn clear(self, reached: Reached) -> Option<HeaderValue> {
        self.set("", SignedDuration::ZERO, reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_a_cookie_is_this_hosts_own_and_one() {
        let set = SESSION.set("v", SignedDuration::from_hours(1), Reached::Encrypted).unwrap();
        assert_eq!(set, "__Host-firstlight-session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure");
        let mut headers = HeaderMap::new();
        let mut read = |sent: &[&'static str]| {
            headers.remove(header::COOKIE);
            for value in sent {
                headers.append(header::COOKIE, HeaderValue::from_static(value));
            }
            SESSION.read(&headers, Reached::Encrypted)
        };
        assert_eq!(read(&["a=b; __Host-firstlight-session=one; c=d"]).as_deref(), Some("one"));
        assert_eq!(read(&["a=b", "__Host-firstlight-session=one"]).as_deref(), Some("one"));
        assert_eq!(read(&["firstlight-session=of-another-host"]), None);
        assert_eq!(read(&["__Host-firstlight-session=one; __Host-firstlight-session=other"]), None);
        assert_eq!(read(&["__Host-firstlight-session=one", "__Host-firstlight-session=other"]), None);
    }
}
