//! Fetching over HTTP from somebody who may be hostile: only over https, never more than was announced, never longer
//! than agreed, and a download that was cut goes on where it stopped.

mod part;
mod whole;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use tokio::time::Instant;
use url::Host;

use self::part::Part;
pub(super) use self::part::{Wanted, blocking, hex, is_there};
pub use self::whole::fetch_whole;

/// How long things may take, and how much there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// Without a single byte.
    pub silence: Duration,
    /// For all metadata together.
    pub metadata: Duration,
    /// For a file, besides the time its length takes at the slowest rate.
    pub file: Duration,
    /// The slowest rate that is put up with, in bytes a second.
    pub slowest: u64,
    /// For a whole release.
    pub release: Duration,
    /// How often a file is tried that was cut or not answered.
    pub tries: u32,
    /// Between two tries; doubled each time.
    pub pause: Duration,
    /// How many files are fetched at once.
    pub at_once: usize,
    /// At most this many files in a release.
    pub max_files: usize,
    /// At most this many bytes in all files of a release.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            metadata: Duration::from_secs(120),
            file: Duration::from_secs(30),
            slowest: 8 * 1024,
            release: Duration::from_secs(30 * 60),
            tries: 4,
            pause: Duration::from_millis(400),
            at_once: 8,
            max_files: 5_000,
            max_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Why something was not fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{what} did not arrive in time")]
    Slow { what: String },
    #[error("{what} is larger than {limit} bytes")]
    TooLarge { what: String, limit: u64 },
    #[error("{what} was cut off")]
    Cut { what: String },
    #[error("{what} is not there")]
    Missing { what: String },
    #[error("{what} is not what was signed")]
    Forged { what: String },
    #[error("`{url}` is not an https address")]
    NotHttps { url: String },
    #[error("{url} cannot be reached: {why}")]
    Network { url: String, why: String },
    #[error("{path} cannot be written: {source}")]
    Unwritable { path: PathBuf, source: io::Error },
}

/// Why an attempt failed: there, or here.
enum Failed {
    Fetch(FetchError),
    Write(io::Error),
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl FetchError {
    /// Whether trying again may help.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Cut { .. } | Self::Network { .. })
    }
}

/// Where things are fetched from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    client: Client,
    metadata: Url,
    targets: Url,
    pub(super) limits: Limits,
}

impl Source {
    /// The folders of metadata and of targets.
    pub(super) fn new(metadata: &str, targets: &str, limits: Limits) -> Result<Self, FetchError> {
        let (metadata, targets) = (folder(metadata)?, folder(targets)?);
        let client = client(&metadata, limits)?;
        Ok(Self { client, metadata, targets, limits })
    }

    /// A file of metadata, by its name in the folder, already escaped for a URL; none if it is not there.
    pub(super) async fn metadata(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let url = self.metadata.join(name).map_err(|error| unreachable(&self.metadata, &error))?;
        // Who is offline shall hear it at once; what broke off in the middle may come the next time.
        let mut tries = 0;
        loop {
            tries += 1;
            match self.read(&url, name, max).await {
                Err(FetchError::Cut { .. }) if tries < self.limits.tries => {
                    tokio::time::sleep(self.pause(tries)).await;
                }
                read => return read,
            }
        }
    }

    async fn read(&self, url: &Url, name: &str, max: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let mut answer = self.send(self.client.get(url.clone()), url, name).await?;
        // Stores of objects answer 403 for what is not there; which root comes next is found out by asking for it.
        if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
            return Ok(None);
        }
        refused(&answer, url)?;
        let too_large = || FetchError::TooLarge { what: name.to_owned(), limit: max };
        if answer.content_length().is_some_and(|length| length > max) {
            return Err(too_large());
        }
        let mut content = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| broken(error, url, name))? {
            if (content.len() + chunk.len()) as u64 > max {
                return Err(too_large());
            }
            content.extend_from_slice(&chunk);
        }
        Ok(Some(content))
    }

    /// Fetches a target to `to`, which is there afterwards only if it is what was wanted. What was fetched before a cut
    /// waits in `to` with `.part` added.
    pub(super) async fn file(&self, path: &str, wanted: &Wanted, to: &Path) -> Result<(), FetchError> {
        let mut url = self.targets.clone();
        // Names are segments: nothing in them means anything to a URL.
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path.split('/')),
            Err(()) => return Err(FetchError::NotHttps { url: self.targets.to_string() }),
        };
        let allowed = self.limits.file + Duration::from_secs(wanted.length / self.limits.slowest.max(1));
        let until = Instant::now() + allowed;
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match tokio::time::timeout_at(until, self.fetch(&url, path, wanted, to)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => return Err(FetchError::Slow { what: path.to_owned() }),
            };
            if !error.may_pass() || tries >= self.limits.tries {
                return Err(error);
            }
            tokio::time::sleep(self.pause(tries)).await;
        }
    }

    /// One attempt. What arrives is added to what an earlier one left.
    async fn fetch(&self, url: &Url, name: &str, wanted: &Wanted, to: &Path) -> Result<(), FetchError> {
        let unwritable = |source| FetchError::Unwritable { path: to.to_owned(), source };
        let mut part = Part::open(to, wanted).await.map_err(unwritable)?;
        let resumed = part.have > 0;
        if part.have < wanted.length || !resumed {
            self.add(&mut part, url, name, wanted).await.map_err(|failed| match failed {
                Failed::Fetch(error) => error,
                Failed::Write(source) => unwritable(source),
            })?;
        }
        if part.have < wanted.length {
            part.keep().await.map_err(unwritable)?;
            return Err(FetchError::Cut { what: name.to_owned() });
        }
        match part.finish(to, wanted).await.map_err(unwritable)? {
            true => Ok(()),
            // What was begun may have been bad: once more, from the beginning.
            false if resumed => Err(FetchError::Cut { what: name.to_owned() }),
            false => Err(FetchError::Forged { what: name.to_owned() }),
        }
    }

    /// Asks for what is missing, and adds it.
    async fn add(&self, part: &mut Part, url: &Url, name: &str, wanted: &Wanted) -> Result<(), Failed> {
        let mut request = self.client.get(url.clone());
        if part.have > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", part.have));
        }
        let mut answer = self.send(request, url, name).await?;
        if part.have > 0 && !goes_on(&answer, part.have) {
            // It begins anew, or does not know where we are.
            part.begin_anew(wanted).await?;
            if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                return Err(FetchError::Cut { what: name.to_owned() }.into());
            }
        }
        if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
            return Err(FetchError::Missing { what: name.to_owned() }.into());
        }
        refused(&answer, url)?;
        let too_large = || FetchError::TooLarge { what: name.to_owned(), limit: wanted.length };
        if answer.content_length().is_some_and(|length| length > wanted.length - part.have) {
            return Err(too_large().into());
        }
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if part.have + chunk.len() as u64 > wanted.length => {
                    part.begin_anew(wanted).await?;
                    return Err(too_large().into());
                }
                Ok(Some(chunk)) => part.push(&chunk).await?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    // What has arrived is there for the next attempt.
                    part.keep().await?;
                    return Err(broken(error, url, name).into());
                }
            }
        }
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
        name: &str,
    ) -> Result<Response, FetchError> {
        request.send().await.map_err(|error| broken(error, url, name))
    }

    /// Longer after each try, and never the same for two machines.
    fn pause(&self, tries: u32) -> Duration {
        let pause = self.limits.pause.saturating_mul(1 << tries.min(6));
        pause / 2 + pause.mul_f64(f64::from(random()) / 512.0)
    }
}

/// Whether the answer is none: an error of the server, or a redirect to where nobody may send us.
fn refused(answer: &Response, url: &Url) -> Result<(), FetchError> {
    if answer.status().is_success() {
        return Ok(());
    }
    let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    match to.filter(|_| answer.status().is_redirection()) {
        Some(to) => Err(FetchError::NotHttps { url: to.to_owned() }),
        None => Err(FetchError::Network { url: url.to_string(), why: answer.status().to_string() }),
    }
}

/// Something between 0 and 255.
fn random() -> u8 {
    let mut byte = [128];
    // Without randomness all machines wait alike, which is all that is lost.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

/// Whether the answer goes on exactly where we stopped.
fn goes_on(answer: &Response, have: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    answer.status() == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

/// A client that speaks https, or http to this machine itself; a redirect does not change that.
fn client(url: &Url, limits: Limits) -> Result<Client, FetchError> {
    let https = redirect::Policy::custom(|attempt| {
        if attempt.previous().len() > MAX_REDIRECTS || !is_allowed(attempt.url()) {
            // The answer is the redirect itself, which is none that we take.
            attempt.stop()
        } else {
            attempt.follow()
        }
    });
    let builder = Client::builder()
        .redirect(https)
        .connect_timeout(limits.connect)
        .read_timeout(limits.silence)
        .user_agent(concat!("firstlight/", env!("CARGO_PKG_VERSION")));
    // A proxy would ask its own machine.
    let builder = if is_here(url) { builder.no_proxy() } else { builder };
    // Without TLS nobody's certificate is asked for, and reading all of the system's takes longer than a refresh.
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| unreachable(url, &error))
}

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;

fn folder(address: &str) -> Result<Url, FetchError> {
    let refused = || FetchError::NotHttps { url: address.to_owned() };
    let mut url = Url::parse(address).map_err(|_| refused())?;
    if !is_allowed(&url) {
        return Err(refused());
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn is_allowed(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_here(url))
}

/// Whether an address names this machine itself.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn unreachable(url: &Url, error: &dyn std::error::Error) -> FetchError {
    // reqwest's own words leave out why.
    FetchError::Network { url: url.to_string(), why: super::refusal::in_full(error) }
}

/// What a request came to that did not end well.
fn broken(error: reqwest::Error, url: &Url, name: &str) -> FetchError {
    if error.is_timeout() && !error.is_connect() {
        FetchError::Slow { what: name.to_owned() }
    } else if error.is_body() || error.is_decode() {
        FetchError::Cut { what: name.to_owned() }
    } else {
        // The address is said already.
        unreachable(url, &error.without_url())
    }
}
