//! Asking the identity provider over HTTP: encrypted, within bounds, and without being led elsewhere.

use std::{pin::Pin, time::Duration};

use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    url::{Host, Url},
};
use tokio::sync::OnceCell;

/// Documents, keys and tokens are small; what is larger is none of them.
const MOST_BYTES: usize = 256 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    #[error("{0} is not https")]
    NotEncrypted(String),
    #[error("its answer has more than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("it did not answer in time")]
    TooSlow,
    #[error("{0}")]
    Failed(String),
}

/// Whether what is sent there is read by nobody else: encrypted, or on this machine.
pub(super) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(url))
}

pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The client of one identity provider.
#[derive(Debug)]
pub(super) struct Web {
    /// Made when it is needed first: it reads the system's certificates.
    client: OnceCell<reqwest::Client>,
    patience: Duration,
    /// The provider is on this machine and does not encrypt: for trying things out.
    near: bool,
}

impl Web {
    pub(super) fn new(issuer: &Url, patience: Duration) -> Self {
        Self { client: OnceCell::new(), patience, near: issuer.scheme() == "http" }
    }

    fn client(&self) -> Result<reqwest::Client, reqwest::Error> {
        let builder = reqwest::Client::builder()
            // A redirect would take what is asked, and the client's secret with it, to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.patience);
        if self.near { builder.no_proxy().build() } else { builder.build() }
    }

    /// Whether the provider may be asked there.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        url.scheme() == "https" || (self.near && is_private(url))
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, WebError> {
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        if !self.may_ask(request.url()) {
            return Err(WebError::NotEncrypted(request.url().to_string()));
        }
        let client = self.client.get_or_try_init(async || self.client()).await.map_err(failed)?;
        let mut answer = client.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(failed)? {
            if body.len() + more.len() > MOST_BYTES {
                return Err(WebError::TooLarge);
            }
            body.extend_from_slice(&more);
        }
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl<'client> AsyncHttpClient<'client> for Web {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WebError>> + Send + 'client>>;

    fn call(&'client self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: reqwest::Error) -> WebError {
    if error.is_timeout() {
        return WebError::TooSlow;
    }
    // The library's own text is one word; what is wrong is in its causes.
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    WebError::Failed(text)
}
