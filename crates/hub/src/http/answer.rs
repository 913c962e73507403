//! Every answer that is not a success, in one shape.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use firstlight_contract::hub::{Problem, ProblemCode, ProblemEnvelope};
use serde_json::{Value, json};

use super::shape::{named, object, one_of, text};
use crate::store::StoreError;

/// A problem on its way out.
#[derive(Debug)]
pub struct Failure {
    problem: Problem,
    retry_after: Option<u64>,
}

impl Failure {
    pub(crate) fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        let problem = Problem { code, message: message.into(), hint: hint(code).to_owned() };
        Self { problem, retry_after: None }
    }

    /// Says what else to do than what the code stands for.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.problem.hint);
        self
    }

    /// What it says.
    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Says in how many seconds to come again.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request could not be answered");
        // What exactly is wrong with the database is for the log, not for whoever asks.
        Self::new(ProblemCode::Internal, "the hub's database failed")
    }
}

/// The status each code stands for.
pub(crate) fn status(code: ProblemCode) -> StatusCode {
    match code {
        ProblemCode::Malformed | ProblemCode::SigninFailed => StatusCode::BAD_REQUEST,
        ProblemCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ProblemCode::Forbidden => StatusCode::FORBIDDEN,
        ProblemCode::NotFound => StatusCode::NOT_FOUND,
        ProblemCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ProblemCode::TooSlow => StatusCode::REQUEST_TIMEOUT,
        ProblemCode::AlreadyEnrolled | ProblemCode::AlreadySettled => StatusCode::CONFLICT,
        ProblemCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemCode::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ProblemCode::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ProblemCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ProblemCode::ProviderFailed => StatusCode::BAD_GATEWAY,
    }
}

/// The shapes of every problem.
pub(super) fn shapes() -> Value {
    let codes = [
        "malformed",
        "unauthorized",
        "forbidden",
        "not_found",
        "method_not_allowed",
        "too_slow",
        "already_enrolled",
        "already_settled",
        "too_large",
        "unsupported_media",
        "too_many",
        "internal",
        "busy",
        "signin_failed",
        "provider_failed",
    ];
    json!({
        "ProblemEnvelope": object(json!({ "error": named("Problem") })),
        "Problem": object(json!({ "code": one_of(&codes), "message": text(), "hint": text() })),
    })
}

fn hint(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::Malformed | ProblemCode::NotFound | ProblemCode::MethodNotAllowed => {
            "See /openapi.json for what is asked for."
        }
        ProblemCode::Unauthorized => {
            "Ask your platform team for a token, or enrol this device again with a new code of theirs."
        }
        ProblemCode::Forbidden => "Ask your platform team for a new code, or for access.",
        ProblemCode::TooSlow => "Send it again over a faster connection, or in smaller batches.",
        ProblemCode::AlreadyEnrolled => "Ask for a code for the person this device belongs to.",
        ProblemCode::AlreadySettled => "Read it again: it says what became of it.",
        ProblemCode::TooLarge => "Send it in smaller batches.",
        ProblemCode::UnsupportedMedia => {
            "Events are application/cloudevents-batch+json, everything else application/json; gzip and zstd are read."
        }
        ProblemCode::TooMany | ProblemCode::Busy => "Try again after the time in Retry-After.",
        ProblemCode::Internal => "Try again later; the hub's log says what is wrong.",
        ProblemCode::SigninFailed => "Sign in again, from the beginning.",
        ProblemCode::ProviderFailed => {
            "Try again later; if it stays, whoever runs the hub finds more in its log, and may compare its oidc settings \
             with the identity provider."
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let code = self.problem.code;
        let mut response = (status(code), Json(ProblemEnvelope { error: self.problem })).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == ProblemCode::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
