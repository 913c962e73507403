//! A browser, as far as signing in needs one: it keeps cookies and goes where it is sent.

use std::collections::BTreeMap;

use reqwest::{Client, Method, RequestBuilder, Response, Url, header};

use crate::common::{Hub, PATIENCE};

/// What people type to reach the hub; a proxy that encrypts would stand there.
pub(super) const PUBLIC: &str = "https://hub.acme.test";

/// One browser, on one site.
pub(super) struct Browser {
    client: Client,
    site: Url,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(super) fn on(site: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(PATIENCE);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, site: Url::parse(site).unwrap(), cookies: BTreeMap::new() }
    }

    pub(super) fn at(hub: &Hub) -> Self {
        Self::on(&hub.url)
    }

    /// The same browser, at another hub of the same database.
    pub(super) fn goes_to(&mut self, hub: &Hub) {
        self.site = Url::parse(&hub.url).unwrap();
    }

    fn request(&self, method: Method, address: &str) -> RequestBuilder {
        // Whatever goes to the public address goes to the hub.
        let address = address.strip_prefix(PUBLIC).unwrap_or(address);
        let request = self.client.request(method, self.site.join(address).unwrap());
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    pub(super) async fn send(&mut self, request: RequestBuilder) -> Response {
        let answer = request.send().await.unwrap();
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let (pair, attributes) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(super) fn get_request(&self, address: &str) -> RequestBuilder {
        self.request(Method::GET, address)
    }

    pub(super) fn post_request(&self, address: &str) -> RequestBuilder {
        self.request(Method::POST, address)
    }

    pub(super) async fn get(&mut self, address: &str) -> Response {
        let request = self.get_request(address);
        self.send(request).await
    }

    pub(super) async fn post_form(&mut self, address: &str, fields: &[(&str, &str)]) -> Response {
        let body =
            openidconnect::url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.post_request(address);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        self.send(request).await
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.cookie("__Host-firstlight-session")
    }

    pub(super) fn keep(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// Where an answer sends a browser.
pub(super) fn sent_to(answer: &Response) -> String {
    assert_eq!(answer.status(), 303, "{answer:?}");
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// A parameter of an address.
pub(super) fn parameter(address: &str, name: &str) -> String {
    let url = Url::parse(address).unwrap();
    let found = url.query_pairs().find(|(given, _)| given == name);
    found.unwrap_or_else(|| panic!("{address} has no {name}")).1.into_owned()
}
