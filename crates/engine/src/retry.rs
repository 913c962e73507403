//! Our own requests over HTTP, asked again where the server says it is busy: soon and after longer and longer pauses, or
//! when the server asks to, and never for longer than a whole that was set before.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{RequestBuilder, Response, StatusCode, header::RETRY_AFTER};
use tokio::time::Instant;

/// How often a request is sent.
const ATTEMPTS: u32 = 4;
/// The first pause; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Sends a request, and again while the answer is that the server is busy and `is_wanted` does not say that this is what
/// is asked for. Everything together takes no longer than `whole`: what would have to wait longer gets the last answer.
/// A connection that fails is an answer, too: it is not tried again here.
pub(crate) async fn send(
    request: RequestBuilder,
    whole: Duration,
    now: Timestamp,
    is_wanted: impl Fn(StatusCode) -> bool,
) -> reqwest::Result<Response> {
    let begun = Instant::now();
    let mut attempt = 0;
    loop {
        let left = whole.saturating_sub(begun.elapsed());
        // Only a body that is read once cannot be sent again.
        let again = request.try_clone();
        let Some(sending) = again else { return request.timeout(left).send().await };
        let answer = sending.timeout(left).send().await?;
        attempt += 1;
        if attempt == ATTEMPTS || !is_busy(answer.status()) || is_wanted(answer.status()) {
            return Ok(answer);
        }
        let asked = answer.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok());
        let pause =
            asked.and_then(|text| asked_for(text, now)).unwrap_or_else(|| own_pause(attempt, chance()));
        if pause >= whole.saturating_sub(begun.elapsed()) {
            return Ok(answer);
        }
        tokio::time::sleep(pause).await;
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// A `Retry-After`: seconds, or a moment (RFC 9110, 10.2.3).
fn asked_for(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

/// The pause after so many attempts, shortened by up to a half so that many machines do not come back at once.
fn own_pause(attempts: u32, chance: f64) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << (attempts.saturating_sub(1)).min(8));
    whole.mul_f64(1.0 - chance / 2.0)
}

/// Something between 0 and 1, from the random part of a new id.
fn chance() -> f64 {
    f64::from(uuid::Uuid::now_v7().as_bytes()[15]) / 255.0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use firstlight_testkit::{CompanyNetwork, Page};

    use super::*;

    #[test]
    fn e10_pauses_grow_and_differ() {
        assert_eq!(own_pause(1, 0.0), Duration::from_millis(250));
        assert_eq!(own_pause(1, 1.0), Duration::from_millis(125));
        assert_eq!(own_pause(3, 0.0), Duration::from_secs(1));
        assert!((0.0..=1.0).contains(&chance()));
    }

    #[test]
    fn e10_a_server_asks_in_seconds_or_for_a_moment() {
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        assert_eq!(asked_for("3", now), Some(Duration::from_secs(3)));
        assert_eq!(asked_for("Mon, 23 Nov 2026 09:00:07 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(asked_for("Mon, 23 Nov 2026 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(asked_for("soon", now), None);
    }

    /// A server that is busy so many times, and how it was asked.
    async fn asked(busy: Page, times: u32, whole: Duration) -> (u16, usize, Duration) {
        let left = AtomicU32::new(times);
        let server = CompanyNetwork::start(move |_| {
            let more = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if more.is_ok() { busy.clone() } else { Page::status(204) }
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let begun = Instant::now();
        let answer = send(client.get(server.proxy()), whole, Timestamp::now(), |_| false).await.unwrap();
        (answer.status().as_u16(), server.asked().len(), begun.elapsed())
    }

    #[tokio::test]
    async fn e10_a_busy_server_is_asked_again_when_it_says_so_and_within_the_whole() {
        let busy = |after: &str| Page { headers: vec![("Retry-After", after.into())], ..Page::status(503) };
        let whole = Duration::from_secs(20);
        let (status, times, took) = asked(busy("1"), 1, whole).await;
        assert_eq!((status, times), (204, 2));
        assert!(took >= Duration::from_secs(1), "{took:?}");
        let (status, times, _) = asked(Page::status(502), 2, whole).await;
        assert_eq!((status, times), (204, 3));
        let (status, times, _) = asked(Page::status(429), 9, whole).await;
        assert_eq!((status, times), (429, 4), "not for ever");
        let (status, times, took) = asked(busy("3600"), 1, whole).await;
        assert_eq!((status, times), (503, 1), "what takes too long is not waited for");
        assert!(took < whole, "{took:?}");
        let (status, times, _) = asked(Page::status(404), 1, whole).await;
        assert_eq!((status, times), (404, 1), "an answer is an answer");
    }
}
