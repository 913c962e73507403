//! Fetching over HTTP from somebody who may be hostile: only over https, never more than was announced, never longer
//! than agreed, and a download that was cut goes on where it stopped.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use sha2::{Digest as _, Sha256, Sha512};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};
use url::Host;

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

impl FetchError {
    /// Whether trying again may help.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Cut { .. } | Self::Network { .. })
    }
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its length in bytes.
    pub(super) length: u64,
    /// SHA-256, hex.
    pub(super) sha256: Option<String>,
    /// SHA-512, hex. Ours have none; other repositories do.
    pub(super) sha512: Option<String>,
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
        while let Some(chunk) = answer.chunk().await.map_err(|error| broken(&error, url, name))? {
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
        let part = part(to);
        let allowed = self.limits.file + Duration::from_secs(wanted.length / self.limits.slowest.max(1));
        let until = Instant::now() + allowed;
        let mut tries = 0;
        loop {
            tries += 1;
            let attempt = tokio::time::timeout_at(until, self.fetch(&url, path, wanted, &part)).await;
            let error = match attempt {
                Ok(Ok(())) => return rename(&part, to).await,
                Ok(Err(error)) => error,
                Err(_) => return Err(FetchError::Slow { what: path.to_owned() }),
            };
            if !error.may_pass() || tries >= self.limits.tries {
                return Err(error);
            }
            tokio::time::sleep(self.pause(tries)).await;
        }
    }

    /// One attempt. What arrives is appended to what an earlier one left.
    async fn fetch(&self, url: &Url, name: &str, wanted: &Wanted, part: &Path) -> Result<(), FetchError> {
        let unwritable = |source| FetchError::Unwritable { path: part.to_owned(), source };
        let (mut sum, mut have) = begun(part, wanted).await.map_err(unwritable)?;
        let resumed = have > 0;
        let mut request = self.client.get(url.clone());
        if resumed {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let mut answer =
            if have == wanted.length && resumed { None } else { Some(self.send(request, url, name).await?) };
        if let Some(answer) = &mut answer {
            if resumed && !goes_on(answer, have) {
                // It begins anew, or does not know where we are.
                (sum, have) = (Sums::of(wanted), 0);
                if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                    remove(part).await?;
                    return Err(FetchError::Cut { what: name.to_owned() });
                }
            }
            if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
                return Err(FetchError::Missing { what: name.to_owned() });
            }
            refused(answer, url)?;
            let too_large = || FetchError::TooLarge { what: name.to_owned(), limit: wanted.length };
            if answer.content_length().is_some_and(|length| length > wanted.length - have) {
                return Err(too_large());
            }
            let mut file = File::options()
                .create(true)
                .write(true)
                .append(have > 0)
                .truncate(have == 0)
                .open(part)
                .await
                .map_err(unwritable)?;
            loop {
                let chunk = match answer.chunk().await {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => break,
                    Err(error) => {
                        // What has arrived is there for the next attempt.
                        file.flush().await.map_err(unwritable)?;
                        return Err(broken(&error, url, name));
                    }
                };
                have += chunk.len() as u64;
                if have > wanted.length {
                    drop(file);
                    remove(part).await?;
                    return Err(too_large());
                }
                sum.update(&chunk);
                file.write_all(&chunk).await.map_err(unwritable)?;
            }
            file.flush().await.map_err(unwritable)?;
        }
        if have < wanted.length {
            return Err(FetchError::Cut { what: name.to_owned() });
        }
        if sum.are(wanted) {
            return Ok(());
        }
        remove(part).await?;
        // What was begun may have been bad: once more, from the beginning.
        if resumed {
            Err(FetchError::Cut { what: name.to_owned() })
        } else {
            Err(FetchError::Forged { what: name.to_owned() })
        }
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
        name: &str,
    ) -> Result<Response, FetchError> {
        request.send().await.map_err(|error| broken(&error, url, name))
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

/// The sums a target is known by; only those are made.
struct Sums {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl Sums {
    fn of(wanted: &Wanted) -> Self {
        Self {
            sha256: wanted.sha256.is_some().then(Sha256::new),
            sha512: wanted.sha512.is_some().then(Sha512::new),
        }
    }

    fn update(&mut self, chunk: &[u8]) {
        self.sha256.iter_mut().for_each(|sum| sum.update(chunk));
        self.sha512.iter_mut().for_each(|sum| sum.update(chunk));
    }

    /// Every sum that is known has to be right, and one has to be known.
    fn are(self, wanted: &Wanted) -> bool {
        let found =
            [self.sha256.map(|sum| hex(&sum.finalize())), self.sha512.map(|sum| hex(&sum.finalize()))];
        let known = [&wanted.sha256, &wanted.sha512];
        let right = |(known, found): (&Option<String>, &Option<String>)| match (known, found) {
            (Some(known), Some(found)) => known.eq_ignore_ascii_case(found),
            (None, None) => true,
            _ => false,
        };
        known.iter().any(|known| known.is_some()) && known.into_iter().zip(&found).all(right)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is there of a file: its sums so far and how much. Too much is begun anew.
async fn begun(part: &Path, wanted: &Wanted) -> io::Result<(Sums, u64)> {
    let mut sums = Sums::of(wanted);
    let mut file = match File::open(part).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((sums, 0)),
        Err(error) => return Err(error),
    };
    if file.metadata().await?.len() > wanted.length {
        fs::remove_file(part).await?;
        return Ok((sums, 0));
    }
    let mut have = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok((sums, have));
        }
        sums.update(&buffer[..read]);
        have += read as u64;
    }
}

/// Whether a file is what is wanted.
pub(super) async fn is_there(path: &Path, wanted: &Wanted) -> io::Result<bool> {
    match fs::symlink_metadata(path).await {
        Ok(found) if found.is_file() && found.len() == wanted.length => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    let (sums, have) = begun(path, wanted).await?;
    Ok(have == wanted.length && sums.are(wanted))
}

fn part(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

async fn rename(from: &Path, to: &Path) -> Result<(), FetchError> {
    fs::rename(from, to).await.map_err(|source| FetchError::Unwritable { path: to.to_owned(), source })
}

async fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path).await {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FetchError::Unwritable { path: path.to_owned(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
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
    FetchError::Network { url: url.to_string(), why: in_full(error) }
}

/// What a request came to that did not end well.
fn broken(error: &reqwest::Error, url: &Url, name: &str) -> FetchError {
    if error.is_timeout() && !error.is_connect() {
        FetchError::Slow { what: name.to_owned() }
    } else if error.is_body() || error.is_decode() {
        FetchError::Cut { what: name.to_owned() }
    } else {
        unreachable(url, error)
    }
}

/// An error with its causes: reqwest's own words leave out why.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
