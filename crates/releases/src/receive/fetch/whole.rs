//! Something that is no part of a repository, fetched whole: how large it may be is known, its length is not.

use std::time::Duration;

use reqwest::{StatusCode, Url, header};

use super::{FetchError, Limits, broken, client, is_allowed, refused};
use crate::receive::error::ReceiveError;

/// Fetches `url` by the rules that releases are fetched by: https only, redirects too, at most `max` bytes, within a time.
/// `what` is how errors name it. `progress` hears how many bytes of how many are here.
pub async fn fetch_whole(
    url: &str,
    what: &str,
    max: u64,
    within: Duration,
    progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<Vec<u8>, ReceiveError> {
    let fetched = tokio::time::timeout(within, fetch(url, what, max, progress)).await;
    Ok(fetched.unwrap_or_else(|_| Err(FetchError::Slow { what: what.to_owned() }))?)
}

async fn fetch(
    url: &str,
    what: &str,
    max: u64,
    progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<Vec<u8>, FetchError> {
    let not_https = || FetchError::NotHttps { url: url.to_owned() };
    let url = Url::parse(url).ok().filter(is_allowed).ok_or_else(not_https)?;
    let request = client(&url, Limits::default())?.get(url.clone()).header(header::CACHE_CONTROL, "no-cache");
    let mut answer = request.send().await.map_err(|error| broken(error, &url, what))?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(FetchError::Missing { what: what.to_owned() });
    }
    refused(&answer, &url)?;
    let too_large = || FetchError::TooLarge { what: what.to_owned(), limit: max };
    let total = answer.content_length();
    if total.is_some_and(|total| total > max) {
        return Err(too_large());
    }
    let mut content = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| broken(error, &url, what))? {
        if (content.len() + chunk.len()) as u64 > max {
            return Err(too_large());
        }
        content.extend_from_slice(&chunk);
        progress(content.len() as u64, total);
    }
    Ok(content)
}
