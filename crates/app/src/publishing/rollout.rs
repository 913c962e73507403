//! Who gets a release: set by a person, or halted because of what a hub has counted.

use std::{io::Read as _, path::Path, time::Duration};

use firstlight_contract::{
    error::Code,
    publishing::{RolloutView, VerdictView},
};
use firstlight_releases::publish::{
    Judgement, MIN_STARTED, PublishError, RealDisk, Repository, SecretKey, Signal, Step, change_rollout,
    publish,
};
use jiff::Timestamp;
use semver::Version;

use super::{error::unreadable, number, published, ring};
use crate::error::{AppError, Result};

/// Counts are a few numbers; more is something else.
const MAX_SIGNAL: u64 = 64 * 1024;
/// For the hub to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to do about a release.
pub type Change = Step;

/// Changes who gets a release, and publishes that.
pub fn rollout(
    repository: &Path,
    pack: &str,
    version: &str,
    step: &Change,
    keys: (&SecretKey, &SecretKey),
    now: Timestamp,
) -> Result<RolloutView> {
    let version = Version::parse(version).map_err(|error| {
        AppError::new(Code::Usage, format!("`{version}` is no version: {error}.")).hint("For example 3.2.0.")
    })?;
    let (rollout, online) = keys;
    let there = Repository::open(repository)?;
    let mut change = change_rollout(&there, pack, &version, step, now)?;
    change.sign(Some(&there), rollout)?;
    let done = publish(repository, change, online, now, &RealDisk)?;
    Ok(RolloutView {
        ring: state(repository, pack, &version)?.0,
        published: Some(published(repository, &done)?),
        verdict: None,
    })
}

/// Halts a release if what a hub has counted says that it fails more often than the one before. `signal` is a file or an
/// https address.
pub async fn watch(
    repository: &Path,
    signal: &str,
    keys: (&SecretKey, &SecretKey),
    now: Timestamp,
) -> Result<RolloutView> {
    let text = match url::Url::parse(signal) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => fetch(&url).await?,
        Ok(_) | Err(_) => read(Path::new(signal))?,
    };
    let signal: Signal = serde_json::from_slice(&text).map_err(|error| not_understood(&error.to_string()))?;
    let version = &signal.release.version;
    let verdict = match signal.judge() {
        Judgement::Nonsense(why) => return Err(not_understood(why)),
        Judgement::TooFew { started } => {
            VerdictView::TooFew { started: number(started), needed: number(MIN_STARTED) }
        }
        Judgement::Fine { p } => VerdictView::Fine { p },
        Judgement::Worse { p } => VerdictView::Worse { p },
    };
    let (ring, is_halted) = state(repository, &signal.pack, version)?;
    if is_halted || !matches!(verdict, VerdictView::Worse { .. }) {
        return Ok(RolloutView { ring, published: None, verdict: Some(verdict) });
    }
    let halt = Step::Halt { reason: signal.reason() };
    let done = rollout(repository, &signal.pack, &version.to_string(), &halt, keys, now)?;
    Ok(RolloutView { verdict: Some(verdict), ..done })
}

fn state(
    repository: &Path,
    pack: &str,
    version: &Version,
) -> Result<(firstlight_contract::publishing::RingView, bool)> {
    let rollout = Repository::open(repository)?.rollout(pack)?;
    let found =
        rollout.releases.iter().find(|release| release.version == *version).ok_or_else(|| {
            PublishError::UnknownRelease { pack: pack.to_owned(), version: version.clone() }
        })?;
    Ok((ring(pack, found), found.halted))
}

fn not_understood(why: &str) -> AppError {
    AppError::new(Code::Usage, format!("The counts are not understood: {why}. Nothing was halted."))
        .hint("docs/publishing.md shows what they look like.")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut text = Vec::new();
    file.take(MAX_SIGNAL + 1).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
    within_limit(text)
}

async fn fetch(url: &url::Url) -> Result<Vec<u8>> {
    let failed = |why: String| {
        AppError::new(Code::Network, format!("{url} gave no counts: {why}. Nothing was halted."))
            .hint("`firstlight doctor` looks at proxy and certificates.")
    };
    let is_here = matches!(url.host(), Some(url::Host::Ipv4(ip)) if ip.is_loopback())
        || matches!(url.host(), Some(url::Host::Ipv6(ip)) if ip.is_loopback());
    if url.scheme() != "https" && !is_here {
        return Err(AppError::new(Code::Usage, format!("{url} is not an https address.")).hint(
            "Whoever can change counts on their way can halt a release, or keep it from being halted.",
        ));
    }
    let client =
        reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(|error| failed(error.to_string()))?;
    let answer = client.get(url.clone()).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(|error| failed(error.without_url().to_string()))?;
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| failed(error.without_url().to_string()))? {
        text.extend_from_slice(&part);
        if text.len() as u64 > MAX_SIGNAL {
            break;
        }
    }
    within_limit(text)
}

fn within_limit(text: Vec<u8>) -> Result<Vec<u8>> {
    if text.len() as u64 > MAX_SIGNAL { Err(not_understood("they are longer than 64 KB")) } else { Ok(text) }
}
