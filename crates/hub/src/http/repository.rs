//! A repository of releases that machines receive packs from, as any static server gives it. What is in it is signed, and
//! looked at where it is received; no browser may show it, for this is the origin people sign in at.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use firstlight_contract::hub::ProblemCode;
use firstlight_releases::layout::{METADATA, TARGETS};
use tower_http::services::ServeDir;

use super::{Failure, Hub, Operation, shape::text};

/// Where it is; the rest of a path is a file of the repository.
const AT: &str = "/releases";

const HEADERS: [(header::HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "application/octet-stream"),
    (header::CONTENT_DISPOSITION, "attachment"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // What is fresh is signed; an older copy on the way would look like a repository that froze.
    (header::CACHE_CONTROL, "no-cache"),
];

pub(super) fn file_operation() -> Operation {
    Operation::gives_file("application/octet-stream").asks("path", "path", text())
}

/// One file, whole.
pub(super) async fn file(State(hub): State<Arc<Hub>>, asked: Request) -> Result<Response, Failure> {
    let nothing = |message| Failure::new(ProblemCode::NotFound, message);
    let folder =
        hub.rules.releases.as_ref().ok_or_else(|| nothing("this hub has no repository of releases"))?;
    let missing = || nothing("the repository has no file of this name");
    let path = asked.uri().path().strip_prefix(AT).unwrap_or_default();
    // Whatever else lies in that folder, a Git repository say, is not what was published.
    if ![METADATA, TARGETS].iter().any(|part| path.strip_prefix('/').is_some_and(|path| is_below(path, part)))
    {
        return Err(missing());
    }
    let mut plain = Request::new(Body::empty());
    *plain.uri_mut() = path.parse::<Uri>().map_err(|_| missing())?;
    let served = ServeDir::new(folder).append_index_html_on_directories(false).try_call(plain).await;
    let served = served.map_err(|error| {
        tracing::error!(%error, "a file of the releases cannot be read");
        Failure::new(ProblemCode::Internal, "the repository of releases cannot be read")
    })?;
    if served.status() != StatusCode::OK {
        return Err(missing());
    }
    let mut answer = served.map(Body::new);
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(answer)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
