//! The hub's own page, Insights and the queue, built from `ui/` and carried inside the program. It may load and ask nothing but this hub,
//! and nobody may put it into a page of theirs.

use axum::{
    extract::Path,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use firstlight_contract::hub::ProblemCode;
use rust_embed::RustEmbed;

use super::{Failure, Operation, shape::text};

/// What `npm run build` in `ui/` has made. A hub can be built without it.
#[derive(RustEmbed)]
#[folder = "../../ui/hub/dist"]
#[allow_missing = true]
struct Built;

const INDEX: &str = "index.html";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether this hub has its page.
pub fn has_page() -> bool {
    Built::get(INDEX).is_some()
}

pub(super) fn show_operation() -> Operation {
    Operation::gives_file("text/html")
}

pub(super) async fn show() -> Result<Response, Failure> {
    // It names the files of one build, so it is asked for each time.
    answer(INDEX, "no-cache").ok_or_else(|| {
        Failure::new(
            ProblemCode::NotFound,
            "this hub was built without its page: run `npm ci && npm run build` in ui/, then build the hub again",
        )
    })
}

pub(super) fn file_operation() -> Operation {
    Operation::gives_file("*/*").asks("path", "file", text())
}

/// A file that the page names. Its name has a hash of what is in it.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Failure> {
    let found = if name == INDEX { None } else { answer(&name, "public, max-age=31536000, immutable") };
    found.ok_or_else(|| Failure::new(ProblemCode::NotFound, "the page has no file of this name"))
}

fn answer(name: &str, cache: &'static str) -> Option<Response> {
    let file = Built::get(name)?;
    let headers: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_TYPE, kind(name)),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Some((headers, file.data.into_owned()).into_response())
}

/// What a file is, by the end of its name.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
