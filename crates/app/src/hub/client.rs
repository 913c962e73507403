//! Speaking with a hub over HTTP. It knows requests and answers, and nothing of journals.

use std::{io::Write as _, time::Duration};

use firstlight_contract::{
    error::Code,
    hub::{
        BATCH, BatchAnswer, EnrolRequest, Enrolled, EventVerdict, ProblemCode, ProblemEnvelope, SENT_AT,
        Standing,
    },
    requests::DeviceRequests,
    surveys::Cooldown,
};
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::{figures::Address, shown};
use crate::error::{AppError, Result};

/// How long a hub may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// No answer is longer.
const MOST_BYTES: usize = 1 << 20;

/// A hub at an address.
pub(super) struct Client {
    http: reqwest::Client,
    address: Url,
}

/// What a hub has answered.
struct Answered {
    status: StatusCode,
    body: Vec<u8>,
    retry_after: Option<Duration>,
}

/// Why there is no answer, or not the one that was hoped for.
#[derive(Debug)]
pub(super) struct HubError {
    /// For the person.
    pub(super) error: AppError,
    /// How long the hub asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl From<HubError> for AppError {
    fn from(error: HubError) -> Self {
        error.error
    }
}

/// An address that a hub may have: https, or this machine.
pub(super) fn address(text: &str) -> Result<Url> {
    let usage = |message: String| AppError::new(Code::Usage, message);
    let text = text.trim().trim_end_matches('/');
    let url: Url = text.parse().map_err(|error| {
        usage(format!("`{text}` is no address: {error}.")).hint("It looks like `https://hub.example.com`.")
    })?;
    let is_here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
        return Err(usage(format!("{text} is not an https address.")).hint(
            "Others could read on the way what you share. Ask whoever runs the hub for its https address.",
        ));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(usage("A hub's address has no name, password or question in it.".to_owned())
            .hint("It looks like `https://hub.example.com`."));
    }
    Ok(url)
}

impl Client {
    pub(super) fn new(address: &Url) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| AppError::new(Code::Internal, format!("No connection can be made: {error}.")))?;
        Ok(Self { http, address: address.clone() })
    }

    /// Asks to be let in, with a code that counts once.
    pub(super) async fn enrol(&self, code: &str, device: &str) -> Result<Enrolled> {
        let request = EnrolRequest { code: code.to_owned(), source: format!("urn:uuid:{device}") };
        let body = serde_json::to_vec(&request).map_err(|error| {
            AppError::new(Code::Internal, format!("The request cannot be written: {error}."))
        })?;
        let asked =
            self.http.post(self.at("v1/devices")).header(header::CONTENT_TYPE, "application/json").body(body);
        Ok(self.ask(asked, StatusCode::CREATED).await?)
    }

    /// How far the hub has got with this device.
    pub(super) async fn standing(&self, token: &SecretString) -> std::result::Result<Standing, HubError> {
        let asked = self.http.get(self.at("v1/devices/self")).bearer_auth(token.expose_secret());
        self.ask(asked, StatusCode::OK).await
    }

    /// A new token; this one counts until that is used.
    pub(super) async fn renew(&self, token: &SecretString) -> std::result::Result<Enrolled, HubError> {
        let asked = self.http.post(self.at("v1/devices/self/token")).bearer_auth(token.expose_secret());
        self.ask(asked, StatusCode::CREATED).await
    }

    /// When the person whose device this is was last asked anything, on any of theirs.
    pub(super) async fn cooldown(&self, token: &SecretString) -> std::result::Result<Cooldown, HubError> {
        let asked = self.http.get(self.at("v1/surveys/cooldown")).bearer_auth(token.expose_secret());
        self.ask(asked, StatusCode::OK).await
    }

    /// What became of what this device asked others for.
    pub(super) async fn requests(
        &self,
        token: &SecretString,
    ) -> std::result::Result<DeviceRequests, HubError> {
        let asked = self.http.get(self.at("v1/devices/self/requests")).bearer_auth(token.expose_secret());
        self.ask(asked, StatusCode::OK).await
    }

    /// Hands over events; one verdict for each, in their order. `now` is what this machine's clock shows.
    pub(super) async fn send(
        &self,
        token: &SecretString,
        now: Timestamp,
        events: &[String],
    ) -> std::result::Result<Vec<EventVerdict>, HubError> {
        let body = gzip(format!("[{}]", events.join(",")).as_bytes()).map_err(|error| {
            self.error(Code::Internal, format!("The events could not be packed: {error}."), None)
        })?;
        let asked = self
            .http
            .post(self.at("v1/events"))
            .bearer_auth(token.expose_secret())
            .header(header::CONTENT_TYPE, BATCH)
            .header(header::CONTENT_ENCODING, "gzip")
            .header(SENT_AT, now.as_millisecond())
            .body(body);
        let BatchAnswer { verdicts } = self.ask(asked, StatusCode::OK).await?;
        if verdicts.len() != events.len() {
            return Err(self.not_understood(&format!(
                "it has {} verdicts for {} events",
                verdicts.len(),
                events.len()
            )));
        }
        Ok(verdicts)
    }

    /// Asks for figures about people, as somebody with access.
    pub(super) async fn figures(
        &self,
        access: &SecretString,
        address: &Address,
    ) -> std::result::Result<Vec<u8>, HubError> {
        let mut url: Url = self.at(address.path).parse().map_err(|error| {
            self.error(Code::Internal, format!("The question is no address: {error}."), None)
        })?;
        if !address.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&address.query);
        }
        let asked = self.http.get(url).bearer_auth(access.expose_secret());
        let Answered { status, body, retry_after } = self.answered(asked).await?;
        let refused = |code: Code, hint: &str| {
            let said = self.said_no(status, &body, retry_after);
            HubError { error: AppError::new(code, said.error.to_string()).hint(hint), retry_after }
        };
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::UNAUTHORIZED => Err(refused(
                Code::HubNoAccess,
                "Ask whoever runs the hub for a new access token, then run `firstlight hub access`.",
            )),
            StatusCode::FORBIDDEN => {
                Err(refused(Code::HubForbidden, "Ask whoever runs the hub for the role viewer."))
            }
            _ => Err(self.said_no(status, &body, retry_after)),
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", shown(&self.address))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        expected: StatusCode,
    ) -> std::result::Result<T, HubError> {
        let Answered { status, body, retry_after } = self.answered(request).await?;
        if status == expected {
            return serde_json::from_slice(&body).map_err(|error| self.not_understood(&error.to_string()));
        }
        Err(self.said_no(status, &body, retry_after))
    }

    async fn answered(&self, request: RequestBuilder) -> std::result::Result<Answered, HubError> {
        let unreachable = |error: reqwest::Error| {
            let why = innermost(&error.without_url());
            self.error(Code::Network, format!("{} does not answer: {why}.", shown(&self.address)), None).hint(
                "Nothing is lost: it is tried again. `firstlight doctor` looks at proxy and certificates.",
            )
        };
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let retry_after = retry_after(&answer);
        let body = read(&mut answer).await.map_err(unreachable)?;
        Ok(Answered { status, body, retry_after })
    }

    fn said_no(&self, status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> HubError {
        let Ok(ProblemEnvelope { error: problem }) = serde_json::from_slice(body) else {
            return self.not_understood(&format!("it answers with status {}", status.as_u16()));
        };
        let code = match problem.code {
            ProblemCode::TooMany | ProblemCode::Busy | ProblemCode::Internal | ProblemCode::TooSlow => {
                Code::Network
            }
            _ => Code::HubRefused,
        };
        let hint = if problem.code == ProblemCode::Unauthorized {
            "Join it again, with a new code: `firstlight hub join ADDRESS`.".to_owned()
        } else {
            crate::error::sentence(&problem.hint)
        };
        let message = format!("{} says: {}", shown(&self.address), crate::error::sentence(&problem.message));
        self.error(code, message, retry_after).hint(&hint)
    }

    pub(super) fn not_understood(&self, why: &str) -> HubError {
        let message =
            format!("What answers at {} is no hub that is understood: {why}.", shown(&self.address));
        self.error(Code::HubRefused, message, None)
            .hint("Check the address with whoever runs the hub; a proxy in between may answer in its place.")
    }

    fn error(&self, code: Code, message: String, retry_after: Option<Duration>) -> HubError {
        tracing::debug!(address = %self.address, message, "the hub");
        HubError { error: AppError::new(code, message), retry_after }
    }
}

impl HubError {
    fn hint(self, hint: &str) -> Self {
        Self { error: self.error.hint(hint), ..self }
    }
}

/// The cause beneath the library's own words, which say only that it did not work.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string().trim_end_matches('.').to_owned()
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read(answer: &mut Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        body.extend_from_slice(&part);
        // What is longer is no answer of a hub, and what is here of it will not be understood.
        if body.len() > MOST_BYTES {
            break;
        }
    }
    Ok(body)
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, net::TcpListener, thread};

    use super::*;

    /// Answers one request with no verdicts; gives its head.
    fn answered(listener: &TcpListener) -> String {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        loop {
            let mut part = [0; 4_096];
            let read = stream.read(&mut part).unwrap();
            request.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&request).to_lowercase();
            let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if request.len() >= head.len() + 4 + length.parse::<usize>().unwrap() {
                let body = r#"{"verdicts":[]}"#;
                let head_of_answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head_of_answer}{body}").as_bytes()).unwrap();
                return head.to_owned();
            }
        }
    }

    #[tokio::test]
    async fn a_batch_says_what_this_machines_clock_shows() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = address(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let hub = thread::spawn(move || answered(&listener));
        let now = "2026-11-26T09:00:00.123Z".parse().unwrap();
        let client = Client::new(&url).unwrap();
        assert_eq!(client.send(&SecretString::from("token"), now, &[]).await.unwrap(), []);
        let head = hub.join().unwrap();
        assert!(head.contains("\r\nfirstlight-sent-at: 1795683600123"), "{head}");
    }

    #[test]
    fn a_hub_is_reached_over_https_or_on_this_machine() {
        for (text, shown_as) in [
            ("https://hub.example.com", "https://hub.example.com"),
            (" https://hub.example.com/firstlight/ ", "https://hub.example.com/firstlight"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(shown(&address(text).unwrap()), shown_as);
        }
        for text in [
            "hub.example.com",
            "http://hub.example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "https://ada@hub.example.com",
            "https://ada:secret@hub.example.com",
            "https://hub.example.com?a=b",
            "https://hub.example.com#a",
            "",
        ] {
            assert_eq!(address(text).unwrap_err().code(), Code::Usage, "{text}");
        }
    }
}
